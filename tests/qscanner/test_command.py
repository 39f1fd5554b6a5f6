"""QScanner's command line and environment."""

from pathlib import Path

import pytest

from scan_core.model.target import Mode, Profile, ScanType
from scan_core.qscanner.command import ImageSource, command_line, environment, image_command

PLAIN = Profile(scan_types=(ScanType.PKG, ScanType.SECRET), mode=Mode.GET_REPORT)


def command(profile: Profile, source: str = "/work/source") -> list[str]:
    """The command for a profile, in places that do not matter."""
    return command_line(
        Path("/opt/qscanner"), profile, "US2", Path(source), Path("/work/out"), Path("/work/cache"), 300
    )


class TestCommandLine:
    def test_global_flags_come_first_and_the_folder_after_repo(self) -> None:
        """The order in which the public pipeline tasks call it."""
        assert command(PLAIN) == [
            *("/opt/qscanner", "--pod", "US2", "--mode", "get-report", "--scan-types", "pkg,secret"),
            *("--format", "json,spdx,cyclonedx", "--report-format", "sarif"),
            *("--output-dir", "/work/out", "--cache", "/work/cache"),
            *("--scan-timeout", "300s", "--log-level", "info", "repo", "/work/source"),
        ]

    def test_policies_and_excludes_are_comma_lists(self) -> None:
        """Each name once."""
        profile = PLAIN.model_copy(
            update={
                "mode": Mode.EVALUATE_POLICY,
                "policy_tags": ("prod", "web", "prod"),
                "exclude_dirs": ("a", "b c"),
                "exclude_files": ("x.json",),
            }
        )
        line = command(profile)
        assert line[line.index("--policy-tags") + 1] == "prod,web"
        assert line[line.index("repo") :] == [
            *("repo", "/work/source", "--exclude-dirs", "a,b c", "--exclude-files", "x.json")
        ]

    def test_policy_tags_are_not_sent_where_no_policy_is_asked(self) -> None:
        """They would mean nothing."""
        assert "--policy-tags" not in command(PLAIN.model_copy(update={"policy_tags": ("prod",)}))

    @pytest.mark.parametrize("name", ["a,b", "-x", ""])
    def test_a_name_that_would_be_read_otherwise_is_refused(self, name: str) -> None:
        """Whoever made the profile let something through."""
        with pytest.raises(ValueError, match="cannot stand"):
            command(PLAIN.model_copy(update={"exclude_dirs": (name,)}))

    def test_a_relative_source_is_refused(self) -> None:
        """Its name might begin with a dash."""
        with pytest.raises(ValueError, match="absolute"):
            command(PLAIN, "-source")


class TestEnvironment:
    def test_nothing_else_of_this_process_is_passed_on(self) -> None:
        """Least of all a token of Azure DevOps or Azure."""
        base = {
            "PATH": "/bin",
            "SYSTEM_ACCESSTOKEN": "x",
            "IDENTITY_ENDPOINT": "y",
            "HTTPS_PROXY": "http://p",
            "LC_ALL": "C",
        }
        found = environment("token", Path("/home/run"), base | {"TMPDIR": "/work/tmp", "NO_PROXY": ""})
        assert found == {
            "PATH": "/bin",
            "LANG": "C.UTF-8",
            "HOME": "/home/run",
            "XDG_CACHE_HOME": "/home/run/.cache",
            "XDG_CONFIG_HOME": "/home/run/.config",
            "XDG_DATA_HOME": "/home/run/.local/share",
            "XDG_STATE_HOME": "/home/run/.local/state",
            "TMPDIR": "/work/tmp",
            "HTTPS_PROXY": "http://p",
            "QUALYS_ACCESS_TOKEN": "token",
        }

    def test_without_a_token_there_is_no_variable_for_it(self) -> None:
        """An empty one would be read as a token."""
        assert "QUALYS_ACCESS_TOKEN" not in environment(None, Path("/home/run"), {})

    def test_a_registrys_token_stands_in_the_environment_alone(self) -> None:
        """Where QScanner documents it."""
        found = environment("token", Path("/home/run"), {}, registry_token="pull-token")
        assert found["QSCANNER_REGISTRY_TOKEN"] == "pull-token"
        assert "QSCANNER_REGISTRY_TOKEN" not in environment("token", Path("/home/run"), {})


DIGEST = "sha256:" + "a1" * 32


def of_image(reference: str, platform: str = "linux/amd64", profile: Profile = PLAIN) -> list[str]:
    """The command for an image, in places that do not matter."""
    source = ImageSource(reference, platform)
    return image_command(Path("/opt/qscanner"), profile, "US2", source, Path("/work/out"), Path("/work/cache"), 300)


class TestImageCommand:
    def test_names_the_image_by_digest_and_its_platform(self) -> None:
        """After the same global flags as for a repository, with no container engine."""
        line = of_image(f"shop.azurecr.io/web/api@{DIGEST}")
        assert line[: line.index("image")] == command(PLAIN)[: command(PLAIN).index("repo")]
        assert line[line.index("image") :] == [
            *("image", f"shop.azurecr.io/web/api@{DIGEST}", "--storage-driver", "none", "--platform", "linux/amd64")
        ]

    def test_excludes_are_left_out(self) -> None:
        """They are flags of repo."""
        profile = PLAIN.model_copy(update={"exclude_dirs": ("a",), "exclude_files": ("b",)})
        assert of_image(f"r.example/a@{DIGEST}", profile=profile) == of_image(f"r.example/a@{DIGEST}")

    def test_policy_tags_are_given(self) -> None:
        """As for a repository."""
        profile = PLAIN.model_copy(update={"mode": Mode.EVALUATE_POLICY, "policy_tags": ("prod",)})
        line = of_image(f"r.example:5000/a@{DIGEST}", "linux/arm/v7", profile)
        assert line[line.index("--policy-tags") + 1] == "prod"

    @pytest.mark.parametrize(
        "reference",
        [
            "r.example/a:1",
            f"-x/a@{DIGEST}",
            f"a@{DIGEST}",
            f"https://r.example/a@{DIGEST}",
            f"r.example/A@{DIGEST}",
            f"r.example/a;id@{DIGEST}",
            f"r.example/../a@{DIGEST}",
            f"r.example/a@{DIGEST}\n",
            f"r.example/{'a' * 512}@{DIGEST}",
            "r.example/a@sha256:12",
            "",
        ],
    )
    def test_what_is_no_image_by_its_digest_is_refused(self, reference: str) -> None:
        """A tag may move, and a name may be a flag, a URL or worse."""
        with pytest.raises(ValueError, match="not an image by its digest"):
            of_image(reference)

    @pytest.mark.parametrize("platform", ["", "linux", "--linux/amd64", "linux/amd64;x", "linux/amd64/v1/x"])
    def test_what_is_no_platform_is_refused(self, platform: str) -> None:
        """QScanner's own default is not known."""
        with pytest.raises(ValueError, match="not a platform"):
            of_image(f"r.example/a@{DIGEST}", platform)
