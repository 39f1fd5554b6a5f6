"""QScanner's command line and environment."""

from pathlib import Path

import pytest

from scan_core.model.target import Mode, Profile, ScanType
from scan_core.qscanner.command import command_line, environment

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
