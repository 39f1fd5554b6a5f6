"""Everything the lifecycle works with, handed to each step."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from scan_core.devops.api import DevOpsApi
from scan_core.model.ids import OrganisationName
from scan_core.model.rules import Rules
from scan_core.registry.client import Registry
from scan_core.runner.api import Runner
from scan_core.settings.deployment import Settings
from scan_core.store.admission import AdmissionStore
from scan_core.store.attempts import AttemptStore
from scan_core.store.audit import AuditTrail
from scan_core.store.gates import GateStore
from scan_core.store.holds import HoldStore
from scan_core.store.poison import PoisonStore
from scan_core.store.projects import ProjectStore
from scan_core.store.queues import Queues
from scan_core.store.scans import ScanStore
from scan_core.store.verdicts import VerdictStore


@dataclass(frozen=True)
class Services:
    """The doors to the outside, built once by wiring."""

    settings: Settings
    default_rules: Rules
    gates: GateStore
    projects: ProjectStore
    scans: ScanStore
    admission: AdmissionStore
    attempts: AttemptStore
    queues: Queues
    verdicts: VerdictStore
    audit: AuditTrail
    holds: HoldStore
    poison: PoisonStore
    runner: Runner
    registries: Callable[[OrganisationName], Registry]
    """The container registries that an organisation lists."""
    devops: Callable[[OrganisationName], DevOpsApi]
    """The client of an organisation; DevOpsError (NOT_FOUND) where it is not one of ours."""
    now: Callable[[], datetime]
    """The time, in UTC."""
