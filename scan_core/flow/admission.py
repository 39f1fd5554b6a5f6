"""Admission in motion: scans wait for their turn, get it, and make room for others when they end."""

import random
from datetime import timedelta
from threading import Lock

from scan_core.flow import attempts
from scan_core.flow.services import Services
from scan_core.flow.turns import Caps, next_ones, places
from scan_core.model.ids import ScanId
from scan_core.model.scan import Scan, ScanState
from scan_core.model.target import ImageTarget, SourceTarget
from scan_core.store.admission import MOST_AT_ONCE, Enlisted
from scan_core.store.rows import Conflict, Versioned
from scan_core.telemetry import emit

_MOST_TIDIED = 200
_LONGEST_TIDYING = timedelta(seconds=30)
"""The watch comes back within seconds, and has more to do."""


def enlist(services: Services, scan: Scan) -> None:
    """Let an active scan wait for its turn, and start whatever may start.

    Args:
        services: The doors to the outside.
        scan: The scan.
    """
    services.admission.enlist(_entry(scan))
    admit(services)


def resume(services: Services, scan: Scan) -> None:
    """Queue the current attempt of a scan that has its turn; let one that was never enlisted wait for it.

    Args:
        services: The doors to the outside.
        scan: An active scan whose attempt is not queued.
    """
    entry = services.admission.entry(scan.scan_id)
    if entry is None:
        enlist(services, scan)
    elif entry.admitted_at is not None:
        attempts.dispatch(services, scan)


def make_room(services: Services, scan: Scan | None) -> None:
    """Let go of a scan's place where it is not active any more, and start whatever may start instead.

    Args:
        services: The doors to the outside.
        scan: The scan as it stands after a step.
    """
    if scan is not None and scan.state is not ScanState.ACTIVE:
        services.admission.delist(scan.scan_id)
        admit(services)


def admit(services: Services) -> None:
    """Start the scans whose turn it is.

    Args:
        services: The doors to the outside.
    """
    for scan_id in _admitted(services):
        row = services.scans.read(scan_id)
        if row is None or row.value.state is not ScanState.ACTIVE:
            services.admission.delist(scan_id)
        elif row.value.current.queued_at is None:
            attempts.dispatch(services, row.value)


def tidy(services: Services) -> None:
    """Take away entries of scans that are not active, as deaths in between leave them; then start whatever may start.

    Of many entries one round looks at some: at those that hold a place first, and of equals not at the same each time.

    Args:
        services: The doors to the outside.
    """
    entries = services.admission.entries()
    random.shuffle(entries)
    until = services.now() + _LONGEST_TIDYING
    for entry in sorted(entries, key=lambda each: each.value.admitted_at is None)[:_MOST_TIDIED]:
        if services.now() > until:
            break
        row = services.scans.read(entry.value.scan_id)
        if row is None or row.value.state is not ScanState.ACTIVE:
            services.admission.delist(entry.value.scan_id)
    admit(services)


def may_wait(scan: Scan) -> bool:
    """Tell whether a scan may be waiting for its turn, by its own row.

    Args:
        scan: The scan as it stands.

    Returns:
        Whether it is under way and its attempt was not queued yet.
    """
    return scan.state is ScanState.ACTIVE and scan.current.queued_at is None


class Line:
    """The scans that wait for their turn, as they stood when the first place in it was asked for. Read once."""

    def __init__(self, services: Services) -> None:
        """Read nothing yet.

        Args:
            services: The doors to the outside.
        """
        self._services = services
        self._lock = Lock()
        self._places: dict[ScanId, int] | None = None

    def ahead(self, scan_id: ScanId) -> int | None:
        """Count how many scans start before one.

        Args:
            scan_id: The scan.

        Returns:
            How many wait before it; None where it has its turn, or gets it this moment.
        """
        with self._lock:
            if self._places is None:
                entries = [entry.value for entry in self._services.admission.entries()]
                self._places = places(entries, _caps(self._services))
            return self._places.get(scan_id)


def _admitted(services: Services) -> list[ScanId]:
    caps = _caps(services)
    while True:
        turn = services.admission.turn(services.now())
        entries: dict[ScanId, Versioned[Enlisted]] = {
            entry.value.scan_id: entry for entry in services.admission.entries()
        }
        chosen = next_ones([entry.value for entry in entries.values()], caps)[:MOST_AT_ONCE]
        if not chosen:
            return []
        try:
            services.admission.admit(turn, [entries[scan_id] for scan_id in chosen], services.now())
        except Conflict:
            continue
        emit("scans_admitted", scans=len(chosen), waiting=len(entries) - len(chosen))
        return chosen


def _caps(services: Services) -> Caps:
    settings = services.settings
    return Caps(settings.max_workers, settings.max_workers_per_organisation, settings.max_workers_per_repository)


def _image_repository(target: ImageTarget) -> str:
    return f"{target.registry}/{target.repository}"


def _entry(scan: Scan) -> Enlisted:
    target = scan.target
    return Enlisted(
        scan_id=scan.scan_id,
        organisation=target.organisation,
        repository=target.repository_id if isinstance(target, SourceTarget) else _image_repository(target),
        since=scan.current.opened_at,
    )
