"""The command line that the public wrappers use, and what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.qscanner.command_line import PODS, Mode, Options, Subcommand, parse_command_line
from local.qscanner.durations import parse_duration
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.journal import Level


def parse(line: str) -> Options:
    """Read a command line without quoting."""
    return parse_command_line(line.split())


class TestAccepted:
    def test_reads_what_the_pipeline_task_runs(self) -> None:
        """The public Azure DevOps task puts global flags before the subcommand."""
        options = parse(
            "--pod US2 --mode evaluate-policy --scan-types pkg,secret --format json,spdx,cyclonedx"
            " --report-format sarif,table --output-dir out --policy-tags a,b --scan-timeout 300s --log-level info"
            " --proxy http://proxy:8080 --platform linux/amd64"
            " repo src --exclude-dirs x,y --exclude-files z --offline-scan=true"
        )
        assert options.subcommand is Subcommand.REPO
        assert options.target == "src"
        assert options.mode is Mode.EVALUATE_POLICY
        assert options.scan_types == {"os", "sca", "secret"}
        assert options.formats == {"json", "spdx", "cyclonedx"}
        assert options.report_formats == {"sarif", "table"}
        assert options.policy_tags == ("a", "b")
        assert options.scan_timeout_seconds == 300
        assert options.exclude_dirs == ("x", "y")
        assert options.exclude_files == ("z",)

    def test_defaults_are_the_documented_ones(self) -> None:
        """Mode get-report, packages without secrets, JSON, SARIF and a table, five minutes."""
        options = parse("--pod eu1 repo .")
        assert (options.pod, options.mode, options.log_level) == ("EU1", Mode.GET_REPORT, Level.INFO)
        assert options.scan_types == {"os", "sca"}
        assert options.formats == {"json"}
        assert options.report_formats == {"sarif", "table"}
        assert options.scan_timeout_seconds == 300

    @pytest.mark.parametrize("flag", ["--output-dir=a b", "--output-dir=--pod"])
    def test_a_value_may_be_joined_by_an_equals_sign(self, flag: str) -> None:
        """Everything after the first equals sign is the value."""
        assert str(parse_command_line(["--pod", "US1", flag, "repo", "."]).output_dir) == flag.partition("=")[2]

    def test_two_dashes_end_the_flags(self) -> None:
        """A target may begin with a dash."""
        assert parse_command_line(["--pod", "US1", "repo", "--", "-odd"]).target == "-odd"

    def test_no_pod_is_needed_where_nothing_leaves_the_machine(self) -> None:
        """Mode inventory-only talks to nobody."""
        assert parse("--mode inventory-only repo .").pod == ""

    @pytest.mark.parametrize("line", ["version", "--version", "-v", "--version=true"])
    def test_the_version_can_be_asked_for(self, line: str) -> None:
        """As a flag and as a subcommand."""
        assert parse(line).subcommand is Subcommand.VERSION

    @pytest.mark.parametrize("line", ["help", "--help", "-h", "--help --pod nowhere"])
    def test_help_can_be_asked_for(self, line: str) -> None:
        """Whatever else is wrong."""
        assert parse(line).subcommand is Subcommand.HELP

    def test_a_switch_turned_off_is_not_on(self) -> None:
        """As in ``--version=false``."""
        assert parse("--version=false --pod US1 repo .").subcommand is Subcommand.REPO


@pytest.mark.parametrize(
    "line",
    [
        "",
        "repo .",
        "--pod MARS1 repo .",
        "--pod US1",
        "--pod US1 repo",
        "--pod US1 repo a b",
        "--pod US1 inspect .",
        "--pod US1 --format sarif repo .",
        "--pod US1 --format json,sarif repo .",
        "--pod US1 --format xml repo .",
        "--pod US1 --format db repo .",
        "--pod US1 --format= repo .",
        "--pod US1 --report-format gitlab repo .",
        "--pod US1 --scan-types everything repo .",
        "--pod US1 --mode fast repo .",
        "--pod US1 --log-level loud repo .",
        "--pod US1 --scan-timeout 300 repo .",
        "--pod US1 --scan-timeout 0s repo .",
        "--pod US1 --scan-timeout -1s repo .",
        "--pod US1 --network-retry-wait-min soon repo .",
        "--pod US1 --max-network-retries many repo .",
        "--pod US1 --offline-scan=perhaps repo .",
        "--pod US1 --unknown repo .",
        "--pod US1 -x repo .",
        "repo . --pod",
    ],
)
def test_a_wrong_command_line_is_a_bad_parameter(line: str) -> None:
    """QScanner ends with 2, and the reason says what was wrong."""
    with pytest.raises(ScanError) as refusal:
        parse(line)
    assert refusal.value.code is ExitCode.BAD_PARAMETER
    assert refusal.value.reason


def test_every_documented_pod_is_known() -> None:
    """Thirteen platforms."""
    assert len(PODS) == 13
    assert all(parse(f"--pod {pod} repo .").pod == pod for pod in PODS)


class TestDurations:
    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("300s", 300),
            ("5m", 300),
            ("1h15m30.5s", 4530.5),
            ("100ms", 0.1),
            ("1.5h", 5400),
            ("-2s", -2),
            ("+.5s", 0.5),
            ("0", 0),
        ],
    )
    def test_reads_go_durations(self, text: str, seconds: float) -> None:
        """Numbers with units, in sequence."""
        assert parse_duration(text) == pytest.approx(seconds)

    @pytest.mark.parametrize("text", ["", "5", "s", "5 s", "1d", "1h 2m", "--1s", "\u0663s", ".s", "9999999h"])
    def test_refuses_what_go_refuses(self, text: str) -> None:
        """A bare number is not a duration."""
        with pytest.raises(ValueError, match="duration"):
            parse_duration(text)

    @given(st.integers(0, 10**6), st.integers(0, 59), st.integers(0, 59))
    def test_sums_its_parts(self, hours: int, minutes: int, seconds: int) -> None:
        """The order of the parts does not matter."""
        total = hours * 3600 + minutes * 60 + seconds
        assert parse_duration(f"{hours}h{minutes}m{seconds}s") == total
        assert parse_duration(f"{seconds}s{hours}h{minutes}m") == total
