"""Runs on images: modes, faults and command lines."""

import json
from pathlib import Path

import pytest

from local.qscanner.command_line import parse_command_line
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.faults import ESCAPE_NAME
from local.qscanner.journal import Journal
from local.qscanner.subject import open_subject
from tests.local.qscanner.checkouts import Scanner, write_tree
from tests.local.qscanner.debian import REPORT, debian_image, scan_image
from tests.local.qscanner.images import SmallRegistry, image, tar
from tests.local.qscanner.schemas import SARIF_VALIDATOR


class TestModes:
    def test_policies_judge_images(self, scan: Scanner, registry: SmallRegistry, tmp_path: Path) -> None:
        """Code 42."""
        policies = [{"name": "p", "default": True, "rules": {"min_severity": 5}}]
        write_tree(tmp_path, {"policies.json": policies})
        run = scan_image(
            scan,
            registry.push("1", debian_image()),
            *("--mode", "evaluate-policy"),
            QSCANNER_STANDIN_POLICIES=str(tmp_path / "policies.json"),
        )
        assert run.code == ExitCode.POLICY_DENY

    def test_an_inventory_needs_no_qualys_token(self, scan: Scanner, registry: SmallRegistry) -> None:
        """And brings no report."""
        run = scan_image(scan, registry.push("1", debian_image()), "--mode", "inventory-only", QUALYS_ACCESS_TOKEN="")
        assert run.code == ExitCode.SUCCESS
        assert not list(run.output.glob(f"*{REPORT}"))

    def test_runs_are_noted_even_where_nothing_can_be_pulled(
        self, scan: Scanner, registry: SmallRegistry, tmp_path: Path
    ) -> None:
        """So that tries can be counted."""
        reference = f"{registry.name}/shop/web:absent"
        run = scan_image(scan, reference, QSCANNER_STANDIN_RUNLOG=str(tmp_path / "runs"))
        assert run.code == ExitCode.IMAGE_UNREADABLE
        assert json.loads((tmp_path / "runs").read_text(encoding="utf-8"))["target"] == reference


class TestFaults:
    def test_reports_are_spoilt_as_those_of_folders(self, scan: Scanner, registry: SmallRegistry) -> None:
        """None at all, half of one, and a huge one."""
        reference = registry.push("1", debian_image())
        half = scan_image(scan, reference, QSCANNER_STANDIN_FAULT="half_sarif")
        with pytest.raises(json.JSONDecodeError):
            half.document(REPORT)
        huge = scan_image(scan, reference, QSCANNER_STANDIN_FAULT="huge_sarif:50").document(REPORT)
        assert len(huge["runs"][0]["results"]) > 50
        none = scan_image(scan, reference, QSCANNER_STANDIN_FAULT="no_sarif")
        assert none.code == ExitCode.SUCCESS
        assert not list(none.output.glob(f"*{REPORT}"))

    def test_another_images_report_names_that_image(self, scan: Scanner, registry: SmallRegistry) -> None:
        """Well-formed and clean."""
        pushed = debian_image()
        run = scan_image(scan, registry.push("1", pushed), QSCANNER_STANDIN_FAULT="other_sarif")
        document = run.document(REPORT)
        SARIF_VALIDATOR.validate(document)
        assert document["runs"][0]["results"] == []
        assert document["runs"][0]["properties"]["imageDigest"] == f"sha256:{'0' * 64}"
        assert pushed.image_id not in json.dumps(document)

    def test_an_image_asks_only_where_it_is_allowed(self, scan: Scanner, registry: SmallRegistry) -> None:
        """By a file in its root."""
        reference = registry.push("1", image(tar({".qscanner-standin.json": '{"fault": "exit:9"}'})))
        assert scan_image(scan, reference).code == 0
        assert scan_image(scan, reference, QSCANNER_STANDIN_ALLOW_TREE_FAULTS="1").code == 9

    def test_nothing_is_left_of_what_was_pulled(
        self, scan: Scanner, registry: SmallRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not after a good scan, nor after one that failed or wrote where it should not."""
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(temporary))
        reference = registry.push("1", debian_image())
        for fault in ("", "escape", "slow:60"):
            scan_image(scan, reference, "--scan-timeout", "2s", QSCANNER_STANDIN_FAULT=fault)
            assert list(temporary.iterdir()) == []
        assert (tmp_path / ESCAPE_NAME).is_file()


class TestCommandLine:
    @pytest.mark.parametrize(
        "arguments",
        [
            ("image", "registry.example/a:1"),
            ("image", "registry.example/a:1", "--platform", "linux"),
            ("image", "registry.example/a:1", "--platform", "linux/amd64", "--exclude-dirs", "x"),
            ("image", "registry.example/a:1", "--platform", "linux/amd64", "--storage-driver", "overlay"),
            ("image", "alpine:3.20", "--platform", "linux/amd64"),
            ("image", "registry.example/a", "--platform", "linux/amd64"),
            ("image", "registry.example/a:$(id)", "--platform", "linux/amd64"),
            ("image", "registry.example/a:1/../../etc", "--platform", "linux/amd64"),
            ("image", "registry.example/a@sha256:12", "--platform", "linux/amd64"),
        ],
    )
    def test_what_does_not_name_an_image_and_its_platform_is_a_bad_parameter(
        self, scan: Scanner, arguments: tuple[str, ...]
    ) -> None:
        """Code 2, before anything is asked for."""
        assert scan(*arguments).code == ExitCode.BAD_PARAMETER

    def test_a_storage_driver_that_needs_an_engine_fails(self, scan: Scanner) -> None:
        """Code 8."""
        run = scan("image", "registry.example/a:1", "--platform", "linux/amd64", "--storage-driver", "docker-overlay2")
        assert run.code == ExitCode.STORAGE_DRIVER_FAILED

    def test_an_image_without_a_platform_is_never_pulled(self) -> None:
        """Whoever built the options."""
        line = ["--pod", "US1", "image", "registry.example/a:1", "--platform", "linux/amd64"]
        options = parse_command_line(line)._replace(platform=None)
        with pytest.raises(ScanError, match="needs --platform"), open_subject(options, {}, Journal()):
            pass
