"""Builds everything once, when it is first needed."""

import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from scan_core import settings as settings_module
from scan_core.model.ids import OrganisationName
from scan_core.settings import Settings, SettingsInvalid
from scan_core.store.connection import Storage, ensure, from_connection_string, from_identity
from scan_core.store.queues import Queues
from scan_core.telemetry import redact_logs

if TYPE_CHECKING:
    from scan_core.devops.api import DevOpsApi
    from scan_core.flow.services import Services
    from scan_core.model.rules import Rules
    from scan_core.runner.api import Runner

_FETCH_LINK = timedelta(hours=6)
_WORKER_SPARE_SECONDS = 300
"""What a container has on top of the longest fetch and scan: to come up, to upload, to be told to end."""


@dataclass(frozen=True)
class Door:
    """What the webhook needs, and nothing more, so that it is there within milliseconds."""

    settings: Settings
    queues: Queues


_lock = Lock()


def now() -> datetime:
    """Tell the time.

    Returns:
        The time, in UTC.
    """
    return datetime.now(UTC)


@cache
def settings() -> Settings:
    """Read the settings, once.

    Returns:
        The settings.

    Raises:
        SettingsInvalid: One is missing or wrong.
    """
    loaded = settings_module.load()
    redact_logs(loaded.secrets())
    return loaded


def settings_problem() -> str | None:
    """Tell what is wrong with the settings.

    Returns:
        One line that names the setting; None where they are good.
    """
    try:
        settings()
        _default_rules()
    except SettingsInvalid as invalid:
        return str(invalid)
    return None


@cache
def _storage() -> Storage:
    known = settings()
    if known.storage_connection is not None:
        try:
            return from_connection_string(known.storage_connection.get_secret_value())
        except ValueError as wrong:
            raise SettingsInvalid(f"SCANGATE_STORAGE_CONNECTION: {wrong}") from None
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - not needed locally, slow to import

    return from_identity(str(known.storage_account), ManagedIdentityCredential(client_id=known.identity_client_id))


@cache
def door() -> Door:
    """Build what the webhook needs.

    Returns:
        Settings and queues.

    Raises:
        SettingsInvalid: A setting is missing or wrong.
    """
    with _lock:
        _default_rules()  # wrong ones must be seen before anything is accepted under them
        ensure(_storage())
        return Door(settings(), Queues(_storage()))


@cache
def services() -> "Services":
    """Build what the lifecycle needs.

    Returns:
        The doors to the outside.

    Raises:
        SettingsInvalid: A setting is missing or wrong.
    """
    from scan_core.flow.services import Services  # noqa: PLC0415 - the webhook does without
    from scan_core.store.admission import AdmissionStore  # noqa: PLC0415
    from scan_core.store.attempts import AttemptStore  # noqa: PLC0415
    from scan_core.store.audit import AuditTrail  # noqa: PLC0415
    from scan_core.store.gates import GateStore  # noqa: PLC0415
    from scan_core.store.projects import ProjectStore  # noqa: PLC0415
    from scan_core.store.scans import ScanStore  # noqa: PLC0415
    from scan_core.store.verdicts import VerdictStore  # noqa: PLC0415

    entrance, storage = door(), _storage()
    return Services(
        settings=entrance.settings,
        default_rules=_default_rules(),
        gates=GateStore(storage.tables),
        projects=ProjectStore(storage.tables),
        scans=ScanStore(storage.tables),
        admission=AdmissionStore(storage.tables),
        attempts=AttemptStore(storage),
        queues=entrance.queues,
        verdicts=VerdictStore(storage.blobs),
        audit=AuditTrail(storage.blobs, f"{socket.gethostname()}-{os.getpid()}"),
        runner=_runner(entrance),
        devops=_devops,
        now=now,
    )


@cache
def _default_rules() -> "Rules":
    from scan_core.rules.rules_file import RulesUnreadable, rules_from_mapping  # noqa: PLC0415

    try:
        return rules_from_mapping(settings().default_rules)
    except RulesUnreadable as unreadable:
        raise SettingsInvalid(unreadable.sentence) from None


@cache
def _devops(organisation: OrganisationName) -> "DevOpsApi":
    from scan_core.devops.client import DevOps  # noqa: PLC0415
    from scan_core.devops.errors import DevOpsError, DevOpsErrorKind  # noqa: PLC0415
    from scan_core.devops.identity import managed_identity, personal_access_token  # noqa: PLC0415

    known = settings()
    described = known.organisation(organisation)
    if described is None:
        sentence = f"The organisation {organisation} is not configured here."
        raise DevOpsError(DevOpsErrorKind.NOT_FOUND, sentence)
    authorization = (
        managed_identity(known.identity_client_id)
        if known.devops_pat is None
        else personal_access_token(known.devops_pat.get_secret_value())
    )
    return DevOps(organisation, described.url, authorization, total_seconds=known.devops_timeout_seconds)


def _runner(entrance: Door) -> "Runner":
    match entrance.settings.runner:
        case "process":
            return _process_runner(entrance)
        case "container":
            return _container_runner(entrance)
        case "container_apps":
            return _container_apps_runner(entrance.settings)
        case "none":
            from scan_core.runner.platform import PlatformRunner  # noqa: PLC0415

            return PlatformRunner()


def _process_runner(entrance: Door) -> "Runner":
    from scan_core.runner.process import ProcessRunner  # noqa: PLC0415

    known = entrance.settings
    return ProcessRunner(
        folder=known.runner_folder.absolute(),
        max_workers=known.max_workers,
        fetch_environment=lambda: _fetch_environment(entrance),
        scan_environment=_scan_environment(known.scan_environment_file),
    )


def _container_apps_runner(known: Settings) -> "Runner":
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - only where Azure is

    from scan_core.runner.container_apps import ContainerAppsRunner, JobId  # noqa: PLC0415 - likewise

    # The endpoint that gives tokens is near: a call waits seconds for it, not the library's minute of retries.
    credential = ManagedIdentityCredential(
        client_id=known.identity_client_id, connection_timeout=5, read_timeout=5, retry_total=1
    )
    job = JobId.parse(str(known.job_resource_id))
    return ContainerAppsRunner(job, known.max_workers, credential, known.management_endpoint)


def _container_runner(entrance: Door) -> "Runner":
    from scan_core.runner.container import Allowance, ContainerRunner  # noqa: PLC0415

    known = entrance.settings
    return ContainerRunner(
        folder=known.runner_folder.absolute(),
        max_workers=known.max_workers,
        engine=known.container_engine,
        image=str(known.scanner_image),
        allowance=Allowance(
            network=known.container_network,
            cpus=known.container_cpus,
            memory_bytes=known.container_memory_bytes,
            seconds=known.fetch_limit_seconds + known.scan_limit_seconds + _WORKER_SPARE_SECONDS,
        ),
        fetch_environment=lambda: _fetch_environment(entrance),
        scan_environment=_scan_environment(known.scan_environment_file),
    )


def _fetch_environment(entrance: Door) -> Mapping[str, str]:
    known = entrance.settings
    environment = {
        "SCANGATE_ATTEMPTS_QUEUE": entrance.queues.attempts_link(now() + _FETCH_LINK),
        "SCANGATE_DEVOPS_ORIGINS": json.dumps([described.url + "/" for described in known.organisations.values()]),
    }
    if known.devops_pat is not None:
        environment["SCANGATE_DEVOPS_PAT"] = known.devops_pat.get_secret_value()
    return environment


def _scan_environment(file: Path | None) -> Callable[[], Mapping[str, str]]:
    if file is None:
        return dict
    return lambda: _environment_in(file)


def _environment_in(file: Path) -> dict[str, str]:
    from scan_core.runner.api import RunnerError  # noqa: PLC0415

    try:
        return TypeAdapter(dict[str, str]).validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        # Without the cause: pydantic repeats what it read, and the Qualys token stands there.
        sentence = f"SCANGATE_SCAN_ENVIRONMENT_FILE: {file} cannot be read as a JSON object ({type(error).__name__})."
        raise RunnerError(sentence, transient=True) from None
