"""Builds everything once, when it is first needed."""

import json
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError
from pydantic import TypeAdapter, ValidationError

from scan_core import settings as settings_module
from scan_core.model.ids import OrganisationName
from scan_core.settings import Settings, SettingsInvalid
from scan_core.store.connection import Storage, ensure, from_connection_string, from_identity
from scan_core.store.queues import Queues
from scan_core.telemetry import emit, redact_logs

if TYPE_CHECKING:
    from scan_core.devops.api import DevOpsApi
    from scan_core.flow.pages import Page
    from scan_core.flow.services import Services
    from scan_core.intake.answers import Answer
    from scan_core.model.rules import Rules
    from scan_core.runner.api import Runner

_FETCH_LINK = timedelta(hours=6)
_STORAGE_PAUSE_SECONDS = 30
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


def receive(organisation: str, authorization: str | None, body: bytes) -> "Answer":
    """Answer a hook's delivery.

    Args:
        organisation: The name in the route.
        authorization: The header ``Authorization``.
        body: The event.

    Returns:
        The answer: 503 while the settings are wrong or storage is out of reach, so that nothing is lost.
    """
    from scan_core.intake import answers  # noqa: PLC0415 - as for every room: an app that cannot import it still indexes
    from scan_core.intake.hooks import receive as take_hook  # noqa: PLC0415

    started = time.perf_counter()
    try:
        entrance = door()
    except SettingsInvalid as invalid:
        emit("settings_invalid", level=logging.ERROR, problem=str(invalid))
        return answers.unavailable("not_configured")
    except AzureError as unreachable:
        emit("storage_unreachable", level=logging.ERROR, error=type(unreachable).__name__)
        return answers.unavailable("not_queued")
    return take_hook(
        organisation,
        authorization,
        body,
        organisations=_hook_secrets(),
        send=entrance.queues.send_request,
        now=now(),
        new_id=lambda: uuid.uuid4().hex,
        count=lambda reason: emit(
            "hook_received",
            organisation=organisation[:50],
            reason=reason,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        ),
    )


def health() -> tuple[int, dict[str, str]]:
    """Say whether the app can work.

    Returns:
        An HTTP status and a JSON object; 503 names what is wrong.
    """
    problem = settings_problem()
    if problem is not None:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "misconfigured", "problem": problem}
    try:
        door().queues.attempts_waiting()
    except SettingsInvalid as invalid:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "misconfigured", "problem": str(invalid)}
    except AzureError as unreachable:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "no_storage", "problem": type(unreachable).__name__}
    return HTTPStatus.OK, {"status": "ok"}


def gate_page(gate_id: str, query: Mapping[str, str]) -> "Page":
    """Show a gate.

    Args:
        gate_id: From the path.
        query: With the link's expiry and signature.

    Returns:
        The page, or one that says why there is none.
    """
    from scan_core.flow import pages  # noqa: PLC0415

    return _shown(lambda: pages.gate(services(), gate_id, query))


def gate_verdict(gate_id: str, query: Mapping[str, str]) -> "Page":
    """Give a gate's verdict to a machine.

    Args:
        gate_id: From the path.
        query: With the link's expiry and signature.

    Returns:
        The verdict, or a page that says why there is none.
    """
    from scan_core.flow import pages  # noqa: PLC0415

    return _shown(lambda: pages.verdict(services(), gate_id, query))


def scan_artifact(scan_id: str, artifact: str, query: Mapping[str, str]) -> "Page":
    """Give a scan's SARIF or SBOM.

    Args:
        scan_id: From the path.
        artifact: From the path.
        query: With the link's expiry and signature.

    Returns:
        The artifact, or a page that says why there is none.
    """
    from scan_core.flow import pages  # noqa: PLC0415

    return _shown(lambda: pages.artifact(services(), scan_id, artifact, query))


def _shown(show: Callable[[], "Page"]) -> "Page":
    from scan_core.flow import pages  # noqa: PLC0415

    try:
        return show()
    except (SettingsInvalid, AzureError) as error:
        emit("page_not_shown", level=logging.ERROR, error=type(error).__name__)
        return pages.unavailable()


def take_request(body: bytes) -> None:
    """Serve a message of ``scan-requests``. While storage fails, the same request waits in the queue again.

    Args:
        body: The message.

    Raises:
        Exception: There is a defect, or not even the queue can be reached; the message comes back.
    """
    from scan_core.flow.pull_request import handle  # noqa: PLC0415
    from scan_core.model.request import RequestMessage  # noqa: PLC0415

    request = RequestMessage.validate_json(body)
    try:
        handle(services(), request)
    except AzureError as error:
        emit("request_delayed", level=logging.WARNING, request=request.request_id, error=type(error).__name__)
        door().queues.send_request(request, _STORAGE_PAUSE_SECONDS)


def take_result(body: bytes) -> None:
    """Take a message of ``scan-results``. Workers can add to that queue: one that cannot be read is dropped.

    Where storage fails the message may go: the watch finds the manifest that it tells of.

    Args:
        body: The message.

    Raises:
        Exception: There is a defect; the message comes back.
    """
    from scan_core.flow.result import take  # noqa: PLC0415
    from scan_core.model.attempt import ResultMessage  # noqa: PLC0415

    try:
        message = ResultMessage.model_validate_json(body)
    except ValidationError:
        emit("result_dropped", level=logging.WARNING, why="unreadable")
        return
    try:
        take(services(), message)
    except AzureError as error:
        emit("result_delayed", level=logging.WARNING, scan=message.scan_id, error=type(error).__name__)


def take_poisoned_request(body: bytes) -> None:
    """Take a message of ``scan-requests-poison``.

    Args:
        body: The message.
    """
    from scan_core.flow.poison import poisoned_request  # noqa: PLC0415

    _unless_unconfigured(lambda: poisoned_request(services(), body))


def take_poisoned_result(body: bytes) -> None:
    """Take a message of ``scan-results-poison``.

    Args:
        body: The message.
    """
    from scan_core.flow.poison import poisoned_result  # noqa: PLC0415

    _unless_unconfigured(lambda: poisoned_result(services(), body))


def watch() -> None:
    """Find what was lost on the way; without settings there is nothing to watch."""
    from scan_core.flow.watch import watch as look_round  # noqa: PLC0415

    _unless_unconfigured(lambda: look_round(services()))


def reconcile() -> None:
    """Find what no hook told of; without settings there is nothing to compare."""
    from scan_core.flow.reconcile import reconcile as look_round  # noqa: PLC0415

    _unless_unconfigured(lambda: look_round(services()))


def _unless_unconfigured(step: Callable[[], None]) -> None:
    try:
        step()
    except (SettingsInvalid, AzureError) as error:
        emit("not_ready", level=logging.ERROR, error=type(error).__name__)


@cache
def _hook_secrets() -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(secret.get_secret_value() for secret in organisation.hook_secrets)
        for name, organisation in settings().organisations.items()
    }
