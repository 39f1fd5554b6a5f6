"""QScanner's command line, as its documentation and the public pipeline wrappers show it.

Flags may stand before or after the subcommand, as ``--name value`` or ``--name=value``.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from local.qscanner.durations import parse_duration
from local.qscanner.exit_codes import ExitCode, ScanError
from local.qscanner.journal import Level
from local.qscanner.platforms import Platform, parse_platform

PODS = frozenset(["US1", "US2", "US3", "US4", "EU1", "EU2", "EU3", "IN1", "CA1", "AE1", "UK1", "AU1", "KSA1"])
DEFAULT_SCAN_TIMEOUT = "5m"

_WITH_VALUE = frozenset({
    "pod", "access-token", "mode", "scan-types", "format", "report-format", "output-dir", "policy-tags", "scan-timeout",
    "log-level", "proxy", "cache", "platform", "storage-driver", "exclude-dirs", "exclude-files", "max-network-retries",
    "network-retry-wait-min", "network-retry-wait-max",
})  # fmt: skip
# What QScanner can write and the stand-in does not: refused by name, so that nobody waits for a file.
_UNWRITTEN = frozenset({"spdx-tlv", "db", "gitlab"})
_FORMATS = frozenset({"json", "spdx", "cyclonedx", "table"})
_REPORT_FORMATS = frozenset({"sarif", "table", "json"})
# "none" reads the image from its registry; the others need a container engine.
NO_STORAGE_DRIVER = "none"
_STORAGE_DRIVERS = frozenset({NO_STORAGE_DRIVER, "docker-overlay2", "containerd-overlayfs"})
_LOG_LEVELS = frozenset(level.name.lower() for level in Level)
_SWITCHES = frozenset({"offline-scan", "help", "version"})
_BOOLEANS = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
_DURATIONS = ("scan-timeout", "network-retry-wait-min", "network-retry-wait-max")


class Mode(StrEnum):
    """How far a run goes; each includes the ones before it."""

    INVENTORY_ONLY = "inventory-only"
    SCAN_ONLY = "scan-only"
    GET_REPORT = "get-report"
    EVALUATE_POLICY = "evaluate-policy"


class Subcommand(StrEnum):
    """What is scanned, or what is asked."""

    IMAGE = "image"
    REPO = "repo"
    ROOTFS = "rootfs"
    VERSION = "version"
    HELP = "help"


class Options(NamedTuple):
    """One run's command line, checked.

    Attributes:
        subcommand: What is scanned, or what is asked.
        target: The folder or image; empty for ``version`` and ``help``.
        pod: The Qualys platform; empty only in ``inventory-only``.
        mode: How far the run goes.
        scan_types: Among ``os``, ``sca`` and ``secret``.
        formats: Inventory files to write.
        report_formats: Report files to write, and ``table`` for standard output.
        output_dir: Where files go.
        policy_tags: Which policies apply.
        scan_timeout_seconds: When the scan is given up.
        exclude_dirs: Folders not entered, by name, path or wildcard.
        exclude_files: Files not read, likewise.
        log_level: The lowest level that is logged.
        access_token: The token given as a flag, or empty.
        cache: The cache folder asked for, or empty.
        platform: For an image, what it has to be built for.
        storage_driver: For an image, where it is read from.
    """

    subcommand: Subcommand
    target: str
    pod: str
    mode: Mode
    scan_types: frozenset[str]
    formats: frozenset[str]
    report_formats: frozenset[str]
    output_dir: Path
    policy_tags: tuple[str, ...]
    scan_timeout_seconds: float
    exclude_dirs: tuple[str, ...]
    exclude_files: tuple[str, ...]
    log_level: Level
    access_token: str
    cache: str
    platform: Platform | None
    storage_driver: str


def parse_command_line(arguments: list[str]) -> Options:
    """Read and check a command line.

    Args:
        arguments: What follows the program's name.

    Returns:
        The options, with defaults filled in.

    Raises:
        ScanError: With code 2 for an unknown flag, subcommand or value, or one that is missing.
    """
    flags, words = _split(arguments)
    subcommand, target = _subcommand(flags, words)
    asks_only = subcommand in {Subcommand.VERSION, Subcommand.HELP}
    mode = Mode(_one_of("mode", flags.get("mode", Mode.GET_REPORT.value), {mode.value for mode in Mode}))
    for name in _DURATIONS:
        _duration(name, flags.get(name, DEFAULT_SCAN_TIMEOUT))
    if not (retries := flags.get("max-network-retries", "0")).isdecimal():
        raise _bad(f"--max-network-retries is {retries!r}, not a whole number")
    return Options(
        subcommand=subcommand,
        target=target,
        pod="" if asks_only else _pod(flags, mode),
        mode=mode,
        scan_types=_scan_types(flags.get("scan-types", "pkg")),
        formats=_formats(flags.get("format", "json")),
        report_formats=frozenset(_choices("report-format", flags.get("report-format", "sarif,table"), _REPORT_FORMATS)),
        output_dir=Path(flags.get("output-dir") or "."),
        policy_tags=_list(flags.get("policy-tags", "")),
        scan_timeout_seconds=_duration("scan-timeout", flags.get("scan-timeout", DEFAULT_SCAN_TIMEOUT)),
        exclude_dirs=_list(flags.get("exclude-dirs", "")),
        exclude_files=_list(flags.get("exclude-files", "")),
        log_level=Level[_one_of("log-level", flags.get("log-level", "info"), _LOG_LEVELS).upper()],
        access_token=flags.get("access-token", ""),
        cache=flags.get("cache", ""),
        platform=_platform(flags, subcommand),
        storage_driver=_one_of("storage-driver", flags.get("storage-driver") or NO_STORAGE_DRIVER, _STORAGE_DRIVERS),
    )


def _split(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """Tell flags from words; a later flag replaces an earlier one."""
    flags: dict[str, str] = {}
    words: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            words.extend(rest)
        elif argument in {"-h", "-v"}:
            flags["help" if argument == "-h" else "version"] = "true"
        elif argument.startswith("-") and argument != "-":
            if not argument.startswith("--"):
                raise _bad(f"unknown flag {argument}")
            name, separator, value = argument.removeprefix("--").partition("=")
            flags[name] = _value_of(name, value if separator else None, rest)
        else:
            words.append(argument)
    return {name: value for name, value in flags.items() if name not in _SWITCHES or _BOOLEANS[value]}, words


def _value_of(name: str, inline: str | None, rest: Iterator[str]) -> str:
    if name in _SWITCHES:
        switch = "true" if inline is None else inline.lower()
        if switch not in _BOOLEANS:
            raise _bad(f"--{name} is {inline!r}, neither true nor false")
        return switch
    if name not in _WITH_VALUE:
        raise _bad(f"unknown flag --{name}")
    value = next(rest, None) if inline is None else inline
    if value is None:
        raise _bad(f"--{name} needs a value")
    return value


def _subcommand(flags: dict[str, str], words: list[str]) -> tuple[Subcommand, str]:
    if "help" in flags:
        return Subcommand.HELP, ""
    if "version" in flags:
        return Subcommand.VERSION, ""
    if not words:
        raise _bad("no subcommand; one of image, repo, rootfs is needed")
    subcommand = Subcommand(_one_of("subcommand", words[0], {each.value for each in Subcommand}))
    if subcommand in {Subcommand.VERSION, Subcommand.HELP}:
        return subcommand, ""
    if len(words) != 2 or not words[1]:
        raise _bad(f"{subcommand} takes exactly one target, and {len(words) - 1} were given")
    return subcommand, words[1]


def _pod(flags: dict[str, str], mode: Mode) -> str:
    pod = flags.get("pod", "")
    if not pod and mode is Mode.INVENTORY_ONLY:
        return ""
    return _one_of("pod", pod.upper(), PODS)


def _platform(flags: dict[str, str], subcommand: Subcommand) -> Platform | None:
    """Read the platform. An image needs one: sources disagree about what QScanner takes where none is named."""
    if subcommand is not Subcommand.IMAGE:
        return None
    if excluded := [name for name in ("exclude-dirs", "exclude-files") if flags.get(name)]:
        raise _bad(f"--{excluded[0]} is a flag of repo and rootfs, not of image")
    try:
        return parse_platform(flags.get("platform", ""))
    except ValueError as error:
        raise _bad(f"--platform: {error}") from error


def _scan_types(text: str) -> frozenset[str]:
    chosen = set(_choices("scan-types", text, frozenset({"pkg", "os", "sca", "secret"})))
    if "pkg" in chosen:
        chosen = (chosen - {"pkg"}) | {"os", "sca"}
    return frozenset(chosen)


def _formats(text: str) -> frozenset[str]:
    if "sarif" in _list(text):
        raise _bad("--format does not write sarif; use --report-format sarif")
    return frozenset(_choices("format", text, _FORMATS))


def _choices(name: str, text: str, known: frozenset[str]) -> tuple[str, ...]:
    chosen = _list(text)
    if not chosen:
        raise _bad(f"--{name} is empty")
    return tuple(_one_of(name, item, known) for item in chosen)


def _one_of(name: str, value: str, known: frozenset[str] | set[str]) -> str:
    if value in known:
        return value
    if value in _UNWRITTEN:
        raise _bad(f"{name} {value!r} is not written by this stand-in")
    raise _bad(f"{name} {value!r} is not one of {', '.join(sorted(known))}")


def _duration(name: str, text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise _bad(f"--{name}: {error}") from error
    if seconds <= 0:
        raise _bad(f"--{name} is {text!r}; it must be more than nothing")
    return seconds


def _list(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _bad(reason: str) -> ScanError:
    return ScanError(ExitCode.BAD_PARAMETER, reason)
