"""What the two steps are told by their environment: the contract between a worker and whatever starts it."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_EXECUTION: Final = ("SCANGATE_EXECUTION", "CONTAINER_APP_JOB_EXECUTION_NAME")
_INHERITED: Final = (
    *("PATH", "LANG", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
"""What programs that a step starts get from its own environment; no secret is ever given by these names."""


class EnvironmentWrong(Exception):
    """A variable is missing or cannot be used. The message is one line and names the variable, never its value."""


@dataclass(frozen=True, slots=True)
class FetchEnvironment:
    """What the fetch step is told.

    Attributes:
        folder: The folder that both steps share (``SCANGATE_WORKER_DIR``).
        execution: The name of this run (``SCANGATE_EXECUTION``, or ``CONTAINER_APP_JOB_EXECUTION_NAME`` as Azure
            Container Apps sets it).
        queue: The queue of attempts (``SCANGATE_ATTEMPTS_QUEUE``): a link that may process its messages, or its plain
            address, to be used with the managed identity.
        origins: The prefixes of addresses that may be fetched from with our credential (``SCANGATE_DEVOPS_ORIGINS``, a
            JSON list).
        registries: The container registries that may be asked (``SCANGATE_REGISTRIES``, a JSON list of objects; none
            where it is absent): each what `scan_core.registry.access.RegistryAccess` holds, and as ``organisation``
            whose images it is asked for; without one, everybody's.
        pat: A personal access token for local trials (``SCANGATE_DEVOPS_PAT``); None = the managed identity.
        identity: The client id of a user-assigned managed identity (``AZURE_CLIENT_ID``); None = the only one there is.
        inherited: Search path, language, proxies and certificates for git.
    """

    folder: Path
    execution: str
    queue: str = field(repr=False)
    origins: tuple[str, ...]
    registries: tuple[Mapping[str, object], ...] = field(repr=False)
    pat: str | None = field(repr=False)
    identity: str | None
    inherited: Mapping[str, str]

    def registries_of(self, organisation: str) -> list[Mapping[str, object]]:
        """List the registries that may be asked for an organisation's images.

        Args:
            organisation: Its name.

        Returns:
            What was told of each, unread: whoever asks none need not know how a registry is described.
        """
        return [told for told in self.registries if told.get("organisation", organisation) == organisation]


@dataclass(frozen=True, slots=True)
class ScanEnvironment:
    """What the scan step is told.

    Attributes:
        folder: The folder that both steps share (``SCANGATE_WORKER_DIR``).
        execution: The name of this run, as for the fetch step.
        token: The Qualys access token (``QUALYS_ACCESS_TOKEN``).
        scanner: The QScanner program, a path or a name to search for (``SCANGATE_QSCANNER``; ``qscanner`` by default).
        scanner_sha256: What the program has to be (``SCANGATE_QSCANNER_SHA256``); None = not checked.
        inherited: Search path, language, proxies and certificates for QScanner.
    """

    folder: Path
    execution: str
    token: str = field(repr=False)
    scanner: str
    scanner_sha256: str | None
    inherited: Mapping[str, str]


def fetch_environment(variables: Mapping[str, str] = os.environ) -> FetchEnvironment:
    """Read what the fetch step is told.

    Args:
        variables: The environment.

    Returns:
        Its meaning.

    Raises:
        EnvironmentWrong: A variable is missing or cannot be used.
    """
    return FetchEnvironment(
        folder=_folder(variables),
        execution=_execution(variables),
        queue=_queue(variables),
        origins=_origins(variables),
        registries=_registries(variables),
        pat=variables.get("SCANGATE_DEVOPS_PAT") or None,
        identity=variables.get("AZURE_CLIENT_ID") or None,
        inherited=_inherited(variables),
    )


def scan_environment(variables: Mapping[str, str] = os.environ) -> ScanEnvironment:
    """Read what the scan step is told.

    Args:
        variables: The environment.

    Returns:
        Its meaning.

    Raises:
        EnvironmentWrong: A variable is missing or cannot be used.
    """
    sha256 = variables.get("SCANGATE_QSCANNER_SHA256", "").strip().lower() or None
    if sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise EnvironmentWrong("SCANGATE_QSCANNER_SHA256 has to be the program's SHA-256, 64 hex digits")
    return ScanEnvironment(
        folder=_folder(variables),
        execution=_execution(variables),
        token=_needed(variables, "QUALYS_ACCESS_TOKEN", "the Qualys access token"),
        scanner=variables.get("SCANGATE_QSCANNER") or "qscanner",
        scanner_sha256=sha256,
        inherited=_inherited(variables),
    )


def _needed(variables: Mapping[str, str], name: str, meaning: str) -> str:
    value = variables.get(name)
    if not value:
        raise EnvironmentWrong(f"{name} is missing: set it to {meaning}")
    return value


def _folder(variables: Mapping[str, str]) -> Path:
    meaning = "the folder that the fetch and the scan step share"
    folder = Path(_needed(variables, "SCANGATE_WORKER_DIR", meaning))
    if not folder.is_absolute() or not folder.is_dir():
        raise EnvironmentWrong("SCANGATE_WORKER_DIR has to be the absolute path of a folder that exists")
    return folder


def _execution(variables: Mapping[str, str]) -> str:
    for name in _EXECUTION:
        if value := variables.get(name):
            return value
    raise EnvironmentWrong(f"{_EXECUTION[0]} is missing: set it to the name of this run")


def _queue(variables: Mapping[str, str]) -> str:
    name = "SCANGATE_ATTEMPTS_QUEUE"
    queue = _needed(variables, name, "the address of the queue scan-attempts")
    signed = "sig=" in queue
    if not queue.startswith(("https://", "http://") if signed else "https://"):
        raise EnvironmentWrong(f"{name} has to be an https address, or a link with its signature")
    return queue


def _origins(variables: Mapping[str, str]) -> tuple[str, ...]:
    name = "SCANGATE_DEVOPS_ORIGINS"
    meaning = 'a JSON list of address prefixes, such as ["https://dev.azure.com/contoso/"]'
    origins = _parsed(_needed(variables, name, meaning))
    if not isinstance(origins, list) or not origins or not all(isinstance(origin, str) for origin in origins):
        raise EnvironmentWrong(f"{name} has to be {meaning}")
    return tuple(origins)


def _registries(variables: Mapping[str, str]) -> tuple[Mapping[str, object], ...]:
    name = "SCANGATE_REGISTRIES"
    registries = _parsed(variables.get(name) or "[]")
    if not isinstance(registries, list) or not all(isinstance(registry, dict) for registry in registries):
        raise EnvironmentWrong(f'{name} has to be a JSON list of registries, such as [{{"url": "https://…"}}]')
    return tuple(registries)


def _parsed(text: str) -> Any:  # noqa: ANN401 - parsed JSON
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _inherited(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: variables[name] for name in _INHERITED if variables.get(name)}
