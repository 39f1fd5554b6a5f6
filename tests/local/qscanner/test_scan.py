"""Whole runs: modes, exit codes, and what is left behind."""

import fcntl
import json
import threading
from pathlib import Path

import pytest

from local.qscanner.exit_codes import ExitCode
from tests.local.qscanner.checkouts import COMMIT, FIXED_LOCK, Scanner, write_checkout, write_tree

AWS_ID = "AKIA" + "QWERTYUIOP234567"
REPORT = "-Report.sarif.json"


class TestModes:
    @pytest.mark.parametrize(
        ("mode", "has_report"), [("inventory-only", False), ("scan-only", False), ("get-report", True)]
    )
    def test_each_mode_includes_the_one_before(
        self, checkout: Path, scan: Scanner, mode: str, has_report: bool
    ) -> None:
        """Only get-report brings a report."""
        run = scan("--mode", mode, "repo", str(checkout))
        assert run.code == ExitCode.SUCCESS
        assert run.file("-ScanResult.json").is_file()
        assert bool(list(run.output.glob(f"*{REPORT}"))) is has_report

    def test_findings_do_not_change_the_code_of_get_report(self, checkout: Path, scan: Scanner) -> None:
        """Thresholds are the gate's to apply."""
        run = scan("repo", str(checkout))
        assert run.code == ExitCode.SUCCESS
        assert len(run.document(REPORT)["runs"][0]["results"]) == 6

    def test_fixed_packages_have_no_findings(self, tmp_path: Path, scan: Scanner) -> None:
        """A clean report is a report with no results."""
        root = write_checkout(tmp_path / "fixed", {"package-lock.json": FIXED_LOCK})
        assert scan("repo", str(root)).document(REPORT)["runs"][0]["results"] == []

    @pytest.mark.parametrize(
        ("rules", "tags", "code"),
        [
            ({"min_severity": 5}, "web", 42),
            ({"cve_block_list": ["CVE-2021-44228"]}, "web", 0),
            ({"min_severity": 1}, "none", 43),
        ],
    )
    def test_evaluate_policy_ends_with_the_decision(
        self, checkout: Path, tmp_path: Path, scan: Scanner, rules: dict[str, object], tags: str, code: int
    ) -> None:
        """And brings the report, too."""
        policies = (
            write_tree(tmp_path, {"policies.json": [{"name": "p", "tags": ["web"], "rules": rules}]}) / "policies.json"
        )
        arguments = ("--mode", "evaluate-policy", "--policy-tags", tags, "--log-level", "debug", "repo", str(checkout))
        run = scan(*arguments, QSCANNER_STANDIN_POLICIES=str(policies))
        assert run.code == code
        assert run.file(REPORT).is_file()

    def test_a_policy_file_that_cannot_be_read_gives_no_policy_result(self, checkout: Path, scan: Scanner) -> None:
        """The report is there; the decision is not."""
        run = scan("--mode", "evaluate-policy", "repo", str(checkout), QSCANNER_STANDIN_POLICIES="/absent")
        assert run.code == ExitCode.POLICY_RESULT_NOT_OBTAINED
        assert run.file(REPORT).is_file()


class TestToken:
    @pytest.mark.parametrize("token", ["", "rejected-by-qualys", "with-newline\n"])
    def test_a_token_that_is_not_accepted_is_a_generic_error(self, checkout: Path, scan: Scanner, token: str) -> None:
        """QScanner has no code for it; the log says why, without the token."""
        run = scan("repo", str(checkout), QUALYS_ACCESS_TOKEN=token)
        assert run.code == ExitCode.GENERIC_ERROR
        assert "access token" in run.stderr
        assert not token or token not in run.stderr

    def test_an_inventory_needs_no_token(self, checkout: Path, scan: Scanner) -> None:
        """Nothing leaves the machine."""
        assert scan("--mode", "inventory-only", "repo", str(checkout), QUALYS_ACCESS_TOKEN="").code == ExitCode.SUCCESS

    def test_the_token_may_be_a_flag(self, checkout: Path, scan: Scanner) -> None:
        """QScanner has one, though nobody should use it."""
        assert scan("--access-token", "t", "repo", str(checkout), QUALYS_ACCESS_TOKEN="").code == ExitCode.SUCCESS


class TestTargets:
    @pytest.mark.parametrize(
        "change",
        [{".git/HEAD": COMMIT}, {".git/config": ""}, {".git/refs/heads/main": ""}],
        ids=["detached head", "no origin", "no commit"],
    )
    def test_a_checkout_without_branch_or_origin_gets_no_report(
        self, checkout: Path, scan: Scanner, change: dict[str, object]
    ) -> None:
        """The inventory is there; the report is never obtained."""
        run = scan("repo", str(write_tree(checkout, change)))
        assert run.code == ExitCode.REPORT_NOT_OBTAINED
        assert run.file("-ScanResult.json").is_file()
        assert not list(run.output.glob("*Report*"))

    def test_a_root_file_system_needs_no_git(self, tmp_path: Path, scan: Scanner) -> None:
        """And names its operating system."""
        root = write_tree(
            tmp_path / "root",
            {"etc/os-release": 'NAME=x\nPRETTY_NAME="Debian 12"\n', "app/requirements.txt": "pyyaml==5.3"},
        )
        run = scan("rootfs", str(root))
        assert run.code == ExitCode.SUCCESS
        assert run.document(REPORT)["runs"][0]["properties"]["os"] == "Debian 12"

    @pytest.mark.parametrize("subcommand", ["rootfs", "repo"])
    def test_asking_only_for_an_operating_system_that_is_not_there_is_an_error(
        self, checkout: Path, scan: Scanner, subcommand: str
    ) -> None:
        """Code 15."""
        assert scan("--scan-types", "os", subcommand, str(checkout)).code == ExitCode.OPERATING_SYSTEM_NOT_FOUND

    def test_a_folder_that_is_not_there_is_a_file_system_error(self, scan: Scanner, tmp_path: Path) -> None:
        """Code 5."""
        assert scan("repo", str(tmp_path / "absent")).code == ExitCode.FILESYSTEM_UNREADABLE

    def test_an_output_folder_that_cannot_be_made_is_a_writing_error(self, checkout: Path, scan: Scanner) -> None:
        """Code 30."""
        output = str(checkout / "package-lock.json" / "below")
        assert scan("--output-dir", output, "repo", str(checkout)).code == ExitCode.WRITING_RESULT_FAILED

    def test_a_bad_command_line_is_a_bad_parameter(self, scan: Scanner) -> None:
        """Code 2, with the reason in the log."""
        run = scan("--format", "sarif", "repo", ".")
        assert run.code == ExitCode.BAD_PARAMETER
        assert "--report-format sarif" in run.stderr


class TestPackages:
    def test_a_manifest_under_a_lock_is_not_read_twice(self, tmp_path: Path, scan: Scanner) -> None:
        """The lock beside or above it settles its versions; elsewhere exact pins count."""
        manifest = {"dependencies": {"lodash": "4.17.11"}}
        files: dict[str, object] = {
            "package-lock.json": FIXED_LOCK,
            "package.json": manifest,
            "packages/a/package.json": manifest,
            "node_modules/minimist/package.json": {"name": "minimist", "version": "1.2.0"},
        }
        inventory = scan("repo", str(write_checkout(tmp_path / "a", files))).document("-ScanResult.json")
        assert [(each["name"], each["version"]) for each in inventory["packages"]] == [
            ("lodash", "4.17.21"),
            ("minimist", "1.2.0"),
            ("minimist", "1.2.8"),
        ]

    def test_a_manifest_without_a_lock_is_read(self, tmp_path: Path, scan: Scanner) -> None:
        """In the root and below."""
        manifest = {"dependencies": {"lodash": "4.17.11"}}
        root = write_checkout(tmp_path / "a", {"package.json": manifest, "b/package.json": manifest})
        inventory = scan("repo", str(root)).document("-ScanResult.json")
        assert [each["path"] for each in inventory["packages"]] == ["b/package.json", "package.json"]

    @pytest.mark.parametrize("name", ["package-lock.json", "package.json", "requirements.txt", "go.mod", "pom.xml"])
    def test_a_manifest_that_cannot_be_understood_fails_the_scan(
        self, tmp_path: Path, scan: Scanner, name: str
    ) -> None:
        """Leaving it out would look clean."""
        run = scan("repo", str(write_checkout(tmp_path / "a", {name: b"\xff\xfe{<"})))
        assert run.code == ExitCode.SCA_FAILED
        assert name in run.stderr

    def test_excluded_files_are_not_read(self, tmp_path: Path, scan: Scanner) -> None:
        """So that a broken one can be left out knowingly."""
        root = write_checkout(tmp_path / "a", {"broken/package-lock.json": "{", "fixtures.json": "{"})
        assert scan("--exclude-dirs", "broken", "repo", str(root)).code == ExitCode.SUCCESS
        assert scan("--exclude-files", "package-lock.json", "repo", str(root)).code == ExitCode.SUCCESS

    def test_open_versions_are_named_in_the_log(self, tmp_path: Path, scan: Scanner) -> None:
        """A dependency whose version is unknown was not judged."""
        dependency = "<dependency><groupId>g</groupId><artifactId>a</artifactId></dependency>"
        pom = f"<project><dependencies>{dependency}</dependencies></project>"
        assert "g:a" in scan("repo", str(write_checkout(tmp_path / "a", {"pom.xml": pom}))).stderr

    def test_names_that_are_no_text_are_replaced(self, tmp_path: Path, scan: Scanner) -> None:
        """A path of odd bytes and a name of half a character still make valid files."""
        root = write_checkout(
            tmp_path / "a", {"package-lock.json": '{"packages": {"node_modules/\\ud800": {"version": "1.0.0"}}}'}
        )
        odd = root / "caf\udce9 'q\"\n"
        odd.mkdir()
        write_tree(odd, {"requirements.txt": "pyyaml==5.3"})
        run = scan("--format", "json,spdx,cyclonedx", "repo", str(root))
        assert run.code == ExitCode.SUCCESS
        paths = {package["path"] for package in run.document("-ScanResult.json")["packages"]}
        assert paths == {"package-lock.json", "caf\ufffd 'q\"\n/requirements.txt"}

    def test_packages_are_left_out_where_they_are_not_asked_for(self, checkout: Path, scan: Scanner) -> None:
        """Only secrets."""
        assert scan("--scan-types", "secret", "repo", str(checkout)).document("-ScanResult.json")["packages"] == []


class TestSecrets:
    def test_a_found_secret_stands_in_the_inventory_in_full(self, checkout: Path, scan: Scanner) -> None:
        """As QScanner writes it; and in no other file."""
        write_tree(checkout, {"app.py": f'key = "{AWS_ID}"\n'})
        run = scan(
            "--scan-types",
            "pkg,secret",
            "--format",
            "json,spdx,cyclonedx",
            "--log-level",
            "debug",
            "repo",
            str(checkout),
        )
        (secret,) = run.document("-ScanResult.json")["secrets"]
        assert (secret["match"], secret["path"], secret["startLine"]) == (AWS_ID, "app.py", 1)
        holders = [path.name for path in run.output.iterdir() if AWS_ID in path.read_text(encoding="utf-8")]
        assert holders == [run.file("-ScanResult.json").name]
        assert AWS_ID in run.stderr

    def test_secrets_are_not_looked_for_unless_asked(self, checkout: Path, scan: Scanner) -> None:
        """The default is packages."""
        write_tree(checkout, {"app.py": AWS_ID})
        assert "secrets" not in scan("repo", str(checkout)).document("-ScanResult.json")

    def test_large_files_are_not_searched(self, checkout: Path, scan: Scanner) -> None:
        """They are hardly ever text that somebody wrote."""
        write_tree(checkout, {"data.txt": AWS_ID + "\n" * 1024 * 1024})
        run = scan("--scan-types", "secret", "--log-level", "debug", "repo", str(checkout))
        assert run.document("-ScanResult.json")["secrets"] == []
        assert "too large" in run.stderr


class TestSurroundings:
    def test_the_same_commit_gives_the_same_file_names(self, tmp_path: Path, scan: Scanner) -> None:
        """Wherever it is checked out; the prefix is opaque."""
        names = {scan("repo", str(write_checkout(tmp_path / place, {}))).file(REPORT).name for place in ("a", "b")}
        assert len(names) == 1
        assert len(names.pop().removesuffix(REPORT)) == 64

    def test_every_run_is_noted_in_the_run_log(self, checkout: Path, tmp_path: Path, scan: Scanner) -> None:
        """So that scans can be counted."""
        for _ in range(2):
            scan("repo", str(checkout), QSCANNER_STANDIN_RUNLOG=str(tmp_path / "runs"))
        entries = [json.loads(line) for line in (tmp_path / "runs").read_text(encoding="utf-8").splitlines()]
        assert [entry["commit"] for entry in entries] == [COMMIT, COMMIT]
        assert entries[0]["started"] <= entries[1]["started"]

    def test_the_log_says_that_this_is_a_stand_in(self, checkout: Path, scan: Scanner) -> None:
        """On its first line, unless only errors are wanted."""
        assert "substitute for Qualys QScanner" in scan("repo", str(checkout)).stderr.splitlines()[0]
        assert scan("--log-level", "error", "repo", str(checkout)).stderr == ""

    def test_another_version_can_be_rehearsed(self, checkout: Path, scan: Scanner) -> None:
        """For what happens when the scanner is updated."""
        run = scan("repo", str(checkout), QSCANNER_STANDIN_VERSION="4.9.9")
        assert run.document(REPORT)["runs"][0]["tool"]["driver"]["version"] == "4.9.9"

    def test_version_and_help_go_to_standard_output(self, scan: Scanner) -> None:
        """Neither needs a target."""
        assert scan("version").stdout == "qscanner stand-in 4.0.0\n"
        assert "Usage: qscanner" in scan("--help").stdout

    def test_runs_that_share_a_cache_wait_for_each_other(self, checkout: Path, tmp_path: Path, scan: Scanner) -> None:
        """As QScanner's documentation warns."""
        cache = tmp_path / "cache"
        cache.mkdir()
        released = threading.Event()
        with (cache / "lock").open("w", encoding="utf-8") as held:
            fcntl.flock(held, fcntl.LOCK_EX)

            def release() -> None:
                released.set()
                fcntl.flock(held, fcntl.LOCK_UN)

            timer = threading.Timer(0.2, release)
            timer.start()
            code = scan("--cache", str(cache), "repo", str(checkout)).code
            timer.join()
        assert code == ExitCode.SUCCESS
        assert released.is_set()

    def test_no_cache_is_needed(self, checkout: Path, scan: Scanner) -> None:
        """A HOME that cannot be written is a warning."""
        run = scan("repo", str(checkout), HOME=str(checkout / "package-lock.json"))
        assert run.code == ExitCode.SUCCESS
        assert "no cache at" in run.stderr

    def test_a_scan_over_its_time_is_given_up(self, checkout: Path, scan: Scanner) -> None:
        """Not with 0, and with the limit in the log."""
        run = scan("--scan-timeout", "50ms", "repo", str(checkout), QSCANNER_STANDIN_FAULT="slow:60")
        assert run.code == ExitCode.GENERIC_ERROR
        assert "limit of 0.05 s" in run.stderr
