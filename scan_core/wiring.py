"""Builds everything once, when it is first needed."""

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from scan_core.model.ids import OrganisationName
from scan_core.settings.deployment import Settings
from scan_core.settings.loading import SettingsInvalid, load
from scan_core.store.connection import Storage, ensure, from_connection_string, from_identity
from scan_core.store.hurried import HurriedQueues
from scan_core.store.queues import Queues
from scan_core.telemetry import redact_logs

if TYPE_CHECKING:
    from scan_core.devops.administration import Administration
    from scan_core.devops.api import DevOpsApi
    from scan_core.devops.identity import Authorization
    from scan_core.flow.check_answers import AnswerDoor
    from scan_core.flow.services import Services
    from scan_core.model.rules import Rules
    from scan_core.onboarding.desk import Desk
    from scan_core.onboarding.hook_look import HookServices
    from scan_core.onboarding.order import Organisation
    from scan_core.registry.client import Registry

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Door:
    """What a way in needs, and nothing more, so that it is there within milliseconds."""

    settings: Settings
    queues: Queues


_lock = Lock()
_back_lock = Lock()
"""Not the webhook's: who looks whether storage is whole may wait for it."""


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
    loaded = load()
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
    return _reached_storage(hurried=False)


def _reached_storage(*, hurried: bool) -> Storage:
    known = settings()
    if known.storage_connection is not None:
        try:
            return from_connection_string(known.storage_connection.get_secret_value(), hurried=hurried)
        except ValueError as wrong:
            raise SettingsInvalid(f"SCANGATE_STORAGE_CONNECTION: {wrong}") from None
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - not needed locally, slow to import

    credential = ManagedIdentityCredential(client_id=known.identity_client_id)
    return from_identity(str(known.storage_account), credential, hurried=hurried)


@cache
def _hurried_storage() -> Storage:
    return _reached_storage(hurried=True)


@cache
def door() -> Door:
    """Build what the webhook needs. Storage is not called, and a write to it never takes long.

    Returns:
        Settings and queues.

    Raises:
        SettingsInvalid: A setting is missing or wrong.
    """
    with _lock:
        _default_rules()  # wrong ones must be seen before anything is accepted under them
        return Door(settings(), HurriedQueues(_hurried_storage()))


@cache
def answer_door() -> "AnswerDoor":
    """Build what answering a check at once needs. Storage is not called, and a call to it never takes long.

    Returns:
        Settings and gates.

    Raises:
        SettingsInvalid: A setting is missing or wrong.
    """
    from scan_core.flow.check_answers import AnswerDoor  # noqa: PLC0415 - only where checks are answered at once
    from scan_core.store.gates import GateStore  # noqa: PLC0415 - likewise

    entrance = door()
    return AnswerDoor(entrance.settings, GateStore(_hurried_storage().tables))


@cache
def back_door() -> Door:
    """Build what everything behind the webhook begins with: storage in which nothing is missing.

    Returns:
        Settings and queues.

    Raises:
        SettingsInvalid: A setting is missing or wrong.
        azure.core.exceptions.AzureError: Storage cannot be reached or refuses.
    """
    with _back_lock:
        _default_rules()
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
    from scan_core.store.holds import HoldStore  # noqa: PLC0415
    from scan_core.store.poison import PoisonStore  # noqa: PLC0415
    from scan_core.store.projects import ProjectStore  # noqa: PLC0415
    from scan_core.store.scans import ScanStore  # noqa: PLC0415
    from scan_core.store.verdicts import VerdictStore  # noqa: PLC0415
    from scan_core.workers import runner_of  # noqa: PLC0415

    entrance, storage = back_door(), _storage()
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
        holds=HoldStore(storage.tables),
        poison=PoisonStore(storage),
        runner=runner_of(entrance.settings, entrance.queues, now),
        registries=_registry_client,
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

    known = settings()
    described = known.organisation(organisation)
    if described is None:
        sentence = f"The organisation {organisation} is not configured here."
        raise DevOpsError(DevOpsErrorKind.NOT_FOUND, sentence)
    return DevOps(organisation, described.url, _authorization(known), total_seconds=known.devops_timeout_seconds)


def _authorization(known: Settings) -> "Authorization":
    from scan_core.devops.identity import managed_identity, personal_access_token  # noqa: PLC0415

    if known.devops_pat is None:
        return managed_identity(known.identity_client_id)
    return personal_access_token(known.devops_pat.get_secret_value())


@cache
def hook_services() -> "HookServices":
    """Build what looking after hooks needs.

    Returns:
        The doors to the outside.

    Raises:
        SettingsInvalid: A setting is missing or wrong.
    """
    from scan_core.flow.backoff import pause_seconds  # noqa: PLC0415 - the webhook does without
    from scan_core.flow.holds import held_seconds, note_failure  # noqa: PLC0415
    from scan_core.onboarding.hook_look import HookServices  # noqa: PLC0415
    from scan_core.store.hook_health import HookStore  # noqa: PLC0415

    entrance = back_door()
    return HookServices(
        settings=entrance.settings,
        hooks=HookStore(_storage().tables),
        send=entrance.queues.send_request,
        administration=_administration,
        # A pause that was asked of one client, or of another instance, holds for this one as well.
        asked_to_wait=lambda name: max(
            _administration(name).slow_down_seconds(),
            _devops(name).slow_down_seconds(),
            held_seconds(services(), name, "hooks"),
        ),
        failed=lambda name, error: note_failure(services(), name, error),
        pause=pause_seconds,
        now=now,
        new_id=lambda: uuid.uuid4().hex,
        sleep=time.sleep,
    )


@cache
def desk() -> "Desk":
    """Build what taking and carrying out orders to onboard needs.

    Returns:
        The doors to the outside.

    Raises:
        SettingsInvalid: A setting is missing or wrong.
    """
    from scan_core.intake.bearer import SigningKeys  # noqa: PLC0415 - the webhook does without
    from scan_core.onboarding.desk import Desk, trust_of  # noqa: PLC0415
    from scan_core.store.audit import AuditTrail  # noqa: PLC0415
    from scan_core.store.onboardings import OnboardingStore  # noqa: PLC0415

    known, storage = back_door().settings, _storage()
    trust = trust_of(known)
    return Desk(
        settings=known,
        store=OnboardingStore(storage),
        keys=None if trust is None else SigningKeys(trust.keys_url),
        reach=_reached,
        audit=AuditTrail(storage.blobs, f"{socket.gethostname()}-{os.getpid()}-desk").append,
        now=now,
    )


@contextmanager
def _reached(name: OrganisationName) -> Iterator["Organisation"]:
    """Prepare to call an organisation for one turn of onboarding."""
    from scan_core.onboarding.desk import WAITS_AT_MOST  # noqa: PLC0415
    from scan_core.onboarding.order import Organisation  # noqa: PLC0415
    from scan_core.onboarding.patience import Patience, asleep_until  # noqa: PLC0415

    administration = _administration(name)
    sleep = asleep_until(now() + WAITS_AT_MOST, now, time.sleep)
    patience = Patience(administration.slow_down_seconds, _logger.info, sleep)
    yield Organisation(name, settings().organisations[name], settings(), administration, patience)


@cache
def _administration(organisation: OrganisationName) -> "Administration":
    from scan_core.devops.administration import Administration  # noqa: PLC0415

    known = settings()
    url = known.organisations[organisation].url
    return Administration(url, _authorization(known), total_seconds=known.devops_timeout_seconds)


@cache
def _registry_client(organisation: OrganisationName) -> "Registry":
    from scan_core.registry.access import ENTRA_SCOPE  # noqa: PLC0415 - only where images are judged
    from scan_core.registry.client import RegistryClient  # noqa: PLC0415 - likewise

    known = settings()
    described = known.organisation(organisation)
    listed = () if described is None else described.registries
    return RegistryClient(
        [registry.access() for registry in listed],
        _entra_token(known, ENTRA_SCOPE) if _has_identity(known) else None,
    )


def _has_identity(known: Settings) -> bool:
    """Tell whether there is a managed identity: everywhere but in trials, and there too where an endpoint is named."""
    return known.devops_pat is None or "IDENTITY_ENDPOINT" in os.environ


def _entra_token(known: Settings, scope: str) -> Callable[[], str]:
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - only where Azure is

    # The endpoint is local: a call waits seconds for it, not the library's minute of retries.
    credential = ManagedIdentityCredential(
        client_id=known.identity_client_id, connection_timeout=5, read_timeout=5, retry_total=1
    )
    return lambda: credential.get_token(scope).token
