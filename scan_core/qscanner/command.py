"""How QScanner is called: its command line and the only environment it sees."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from scan_core.model.target import Mode, Profile

TOKEN_VARIABLE = "QUALYS_ACCESS_TOKEN"  # noqa: S105 - the variable's name, not a token
"""Where QScanner takes its token from (docs.qualys.com, QScanner authentication); it must never be an argument."""

REGISTRY_TOKEN_VARIABLE = "QSCANNER_REGISTRY_TOKEN"  # noqa: S105 - as above
"""Where QScanner takes a registry's bearer token from (docs.qualys.com, QScanner, scanning registry images)."""

# The grammar of the OCI distribution specification 1.1, and a digest; nothing in it can be read as a flag.
_REFERENCE = re.compile(
    r"(?=.{1,512}\Z)[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?"
    r"(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)+@sha256:[0-9a-f]{64}"
)
_PLATFORM = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}(?:/[a-z0-9][a-z0-9._-]{0,31}){1,2}")

# SARIF is a report format; `--format` refuses it (docs.qualys.com, QScanner output formats).
_INVENTORY_FORMATS = ("json", "spdx", "cyclonedx")
_REPORT_FORMATS = ("sarif",)

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""For registries behind a certificate authority of the organisation's own (crypto/x509, SystemCertPool)."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


class ImageSource(NamedTuple):
    """An image to scan.

    Attributes:
        reference: Where it is, by its digest: ``host[:port]/name@sha256:…``. What a tag names may change between the
            decision to scan and the scan.
        platform: What it was built for, such as ``linux/amd64``. Always given: sources disagree about the default.
    """

    reference: str
    platform: str


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
    command = [str(scanner), *_global_flags(profile, pod, output, cache, scan_seconds), "repo", str(source)]
    if profile.exclude_dirs:
        command += ["--exclude-dirs", _joined(profile.exclude_dirs)]
    if profile.exclude_files:
        command += ["--exclude-files", _joined(profile.exclude_files)]
    return command


def image_command(
    scanner: Path, profile: Profile, pod: str, image: ImageSource, output: Path, cache: Path, scan_seconds: int
) -> list[str]:
    """Build the command that scans an image in its registry, without a container engine.

    The profile's excludes are left out: the public pipeline tasks give them to ``repo`` only.

    Args:
        scanner: The QScanner program.
        profile: What to look for, and how far to go.
        pod: The Qualys platform, such as ``US2`` (docs.qualys.com, QScanner ``--pod``).
        image: The image; the login to its registry belongs into the `environment`.
        output: An empty folder of this run's own.
        cache: A cache folder of this run's own: with a shared one, one instance blocks another.
        scan_seconds: When QScanner gives the scan up.

    Returns:
        The program and its arguments. No secret is among them.

    Raises:
        ValueError: The reference names no digest, or it or the platform or a name in the profile is not of its form.
    """
    if not _REFERENCE.fullmatch(image.reference):
        raise ValueError(f"{image.reference[:200]!r} is not an image by its digest, host[:port]/name@sha256:…")
    if not _PLATFORM.fullmatch(image.platform):
        raise ValueError(f"{image.platform[:80]!r} is not a platform such as linux/amd64")
    flags = _global_flags(profile, pod, output, cache, scan_seconds)
    target = ["image", image.reference, "--storage-driver", "none", "--platform", image.platform]
    return [str(scanner), *flags, *target]


def _global_flags(profile: Profile, pod: str, output: Path, cache: Path, scan_seconds: int) -> list[str]:
    flags = ["--pod", pod, "--mode", profile.mode.value]
    flags += ["--scan-types", _joined(scan_type.value for scan_type in profile.scan_types)]
    flags += ["--format", ",".join(_INVENTORY_FORMATS), "--report-format", ",".join(_REPORT_FORMATS)]
    flags += ["--output-dir", str(output), "--cache", str(cache)]
    if profile.mode is Mode.EVALUATE_POLICY and profile.policy_tags:
        flags += ["--policy-tags", _joined(profile.policy_tags)]
    return [*flags, "--scan-timeout", f"{scan_seconds}s", "--log-level", "info"]


def environment(
    token: str | None, home: Path, base: Mapping[str, str], registry_token: str | None = None
) -> dict[str, str]:
    """Build the whole environment of a QScanner run.

    Args:
        token: The Qualys access token; None for a run that needs none, such as ``version``.
        home: A private home folder for this run.
        base: The environment of this process; only its search path, language, temporary folder, certificates and
            proxies are taken.
        registry_token: The pull token for the image's registry; None where nothing is pulled, or no login is needed.

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
    variables |= {name: base[name] for name in ("TMPDIR", *_CERTIFICATES, *_PROXIES) if base.get(name)}
    if token is not None:
        variables[TOKEN_VARIABLE] = token
    if registry_token is not None:
        variables[REGISTRY_TOKEN_VARIABLE] = registry_token
    return variables


def _joined(names: Iterable[str]) -> str:
    """Join names the way QScanner takes lists: with commas, which no name may hold."""
    unique = list(dict.fromkeys(names))
    for name in unique:
        if not name or "," in name or name.startswith("-"):
            raise ValueError(f"{name!r} cannot stand in one of QScanner's lists: no comma, no leading dash, not empty")
    return ",".join(unique)
