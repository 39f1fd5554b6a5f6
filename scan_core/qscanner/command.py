"""How QScanner is called: its command line and the only environment it sees."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from scan_core.model.target import Mode, Profile

TOKEN_VARIABLE = "QUALYS_ACCESS_TOKEN"  # noqa: S105 - the variable's name, not a token
"""Where QScanner takes its token from (docs.qualys.com, QScanner authentication); it must never be an argument."""

# SARIF is a report format; `--format` refuses it (docs.qualys.com, QScanner output formats).
_INVENTORY_FORMATS = ("json", "spdx", "cyclonedx")
_REPORT_FORMATS = ("sarif",)

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


def command_line(
    scanner: Path, profile: Profile, pod: str, source: Path, output: Path, cache: Path, scan_seconds: int
) -> list[str]:
    """Build the command that scans a checked-out repository.

    Global flags come first and the flags of ``repo`` after its folder, as the public pipeline tasks call it.

    Args:
        scanner: The QScanner program.
        profile: What to look for, and how far to go.
        pod: The Qualys platform, such as ``US2`` (docs.qualys.com, QScanner ``--pod``).
        source: The checkout; absolute, so that its name cannot be read as a flag.
        output: An empty folder of this run's own.
        cache: A cache folder of this run's own: with a shared one, one instance blocks another.
        scan_seconds: When QScanner gives the scan up.

    Returns:
        The program and its arguments. No secret is among them.

    Raises:
        ValueError: `source` is not absolute, or a name in the profile would be read as something else.
    """
    if not source.is_absolute():
        raise ValueError(f"the source folder has to be absolute, and is {source}")
    command = [str(scanner), "--pod", pod, "--mode", profile.mode.value]
    command += ["--scan-types", _joined(scan_type.value for scan_type in profile.scan_types)]
    command += ["--format", ",".join(_INVENTORY_FORMATS), "--report-format", ",".join(_REPORT_FORMATS)]
    command += ["--output-dir", str(output), "--cache", str(cache)]
    if profile.mode is Mode.EVALUATE_POLICY and profile.policy_tags:
        command += ["--policy-tags", _joined(profile.policy_tags)]
    command += ["--scan-timeout", f"{scan_seconds}s", "--log-level", "info", "repo", str(source)]
    if profile.exclude_dirs:
        command += ["--exclude-dirs", _joined(profile.exclude_dirs)]
    if profile.exclude_files:
        command += ["--exclude-files", _joined(profile.exclude_files)]
    return command


def environment(token: str | None, home: Path, base: Mapping[str, str]) -> dict[str, str]:
    """Build the whole environment of a QScanner run.

    Args:
        token: The Qualys access token; None for a run that needs none, such as ``version``.
        home: A private home folder for this run.
        base: The environment of this process; only its search path, language, temporary folder and proxies are taken.

    Returns:
        Every variable that QScanner may see.
    """
    variables = {
        "PATH": base.get("PATH", _DEFAULT_PATH),
        "LANG": base.get("LANG", "C.UTF-8"),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
    }
    variables |= {name: base[name] for name in ("TMPDIR", *_PROXIES) if base.get(name)}
    if token is not None:
        variables[TOKEN_VARIABLE] = token
    return variables


def _joined(names: Iterable[str]) -> str:
    """Join names the way QScanner takes lists: with commas, which no name may hold."""
    unique = list(dict.fromkeys(names))
    for name in unique:
        if not name or "," in name or name.startswith("-"):
            raise ValueError(f"{name!r} cannot stand in one of QScanner's lists: no comma, no leading dash, not empty")
    return ",".join(unique)
