"""Storage fails in every way it has at any call, once or until it is healed; then it is well, and so is every gate."""

from collections.abc import Callable, Iterator
from unittest.mock import patch

import pytest

from local.storage.azurite import Azurite
from scan_core.store import attempt_links
from tests.faults.conftest import NewEstate
from tests.faults.schedules import Record, Schedule, run_all, wanted
from tests.faults.seeds import Choice
from tests.faults.storage_proxy import StorageFault, StorageProxy
from tests.faults.walks import WALKS, share

pytestmark = pytest.mark.faults

SHARDS = 2
SAMPLE = 66
"""Schedules of all walks together."""
PERSISTS = 8
"""More requests than a client tries."""
ONE, LONG, OUTAGE = "once", "longer", "outage"
_WRITES = (" PUT ", " POST ", " DELETE ", " MERGE ")
_ANY = {
    f"{kind}{'-answer' if after else ''}": (kind, after)
    for kind in ("reset", "429", "500", "503", "silent")
    for after in (False, True)
} | {"slow": ("slow", False)}
_OF_WRITES = {
    f"{kind}{'-answer' if after else ''}": (kind, after) for kind in ("409", "412") for after in (False, True)
}
_OF_UPLOADS = {"cut": ("cut", False)}
KINDS = _ANY | _OF_WRITES | _OF_UPLOADS
"""Each with whether the call is carried out and only its answer is lost or wrong."""


@pytest.fixture
def proxy(account: Azurite) -> Iterator[StorageProxy]:
    """A proxy in front of storage; nobody waits long for an answer."""
    with StorageProxy(account.connection_string) as running, patch.object(attempt_links, "_SOCKET_SECONDS", 1.0):
        yield running


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("path", WALKS)
def test_storage_fails_at_any_call(
    path: str, shard: int, new_estate: NewEstate, proxy: StorageProxy, choice: Choice, record_property: Record
) -> None:
    """Nothing is lost and nothing untrue is said; what was under way is done again."""
    family = f"storage-{path}"
    name = wanted(choice, family, first=shard == 0)

    def walk(call: int, kind: str, extent: str) -> None:
        estate = new_estate(connection=proxy.connection_string)
        estate.after_step = proxy.heal
        estate.toll.before_call = _striking(proxy, call, kind, extent)
        before = proxy.struck
        try:
            WALKS[path](estate)
        finally:
            proxy.heal()
        assert proxy.struck > before, "nothing was broken"

    def schedule(call: int, kind: str, extent: str) -> Schedule:
        return Schedule(f"{extent}-{kind}-at-{call}", lambda: walk(call, kind, extent))

    if name is not None:
        fault, _, call = name.rpartition("-at-")
        extent, _, kind = fault.partition("-")
        run_all(choice, family, [schedule(int(call), kind, extent)], record_property, figure="schedules")
        return
    reference = new_estate(connection=proxy.connection_string)
    WALKS[path](reference)
    everywhere = [
        ((label, kind), (number, kind, extent))
        for number, label in enumerate(reference.toll.calls, 1)
        for kind in _kinds_at(label)
        for extent in _extents_of(kind)
    ]
    chosen = choice.spread(f"{family} {shard}", everywhere[shard::SHARDS], share(SAMPLE, SHARDS))
    run_all(choice, family, (schedule(*each) for each in chosen), record_property, figure="schedules")


def _kinds_at(label: str) -> Iterator[str]:
    if not any(service in label for service in (" blob ", " table ", " queue ")):
        return
    yield from _ANY
    if any(method in label for method in _WRITES) and " queue " not in label:
        yield from _OF_WRITES
    if " PUT " in label or " POST " in label:
        yield from _OF_UPLOADS


def _extents_of(kind: str) -> tuple[str, ...]:
    # A 409 or a 412 is an answer, not an outage: whoever gets it is told that somebody else was there.
    return (ONE,) if kind in _OF_WRITES or kind == "slow" else (ONE, LONG, OUTAGE)


def _striking(proxy: StorageProxy, call: int, kind: str, extent: str) -> Callable[[int, str], None]:
    """Break storage from one call on: for one request, for more than a client tries, or until its caller has ended."""
    how, after = KINDS[kind]
    times = {ONE: 1, LONG: PERSISTS, OUTAGE: -1}[extent]

    def strike(number: int, label: str) -> None:
        if number == call:
            proxy.strike(StorageFault(how, times=times, after=after))

    return strike


def test_the_proxy_hands_everything_through(new_estate: NewEstate, proxy: StorageProxy) -> None:
    """Where nothing is to be broken, nobody notices it; where it is, somebody does."""
    estate = new_estate(connection=proxy.connection_string)
    WALKS["pushes"](estate)
    assert proxy.struck == 0
    proxy.strike(StorageFault("503", times=1))
    estate.fire_now("watch")
    assert proxy.struck == 1
