"""Whose turn it is."""

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from scan_core.flow.turns import Caps, in_order, next_ones, places
from scan_core.model.ids import OrganisationName, ScanId
from scan_core.store.admission import Enlisted
from tests.builders import NOON

WIDE = Caps(deployment=100, organisation=100, repository=100)


def entry(number: int, repository: str = "a", organisation: str = "x", *, admitted: bool = False) -> Enlisted:
    return Enlisted(
        scan_id=ScanId(f"{number:040}"),
        organisation=OrganisationName(organisation),
        repository=repository,
        since=NOON + timedelta(seconds=number),
        admitted_at=NOON if admitted else None,
    )


def numbers(ids: list[ScanId]) -> list[int]:
    return [int(scan_id) for scan_id in ids]


class TestOrder:
    def test_who_has_waited_longest_comes_first(self) -> None:
        """Among scans of equal repositories."""
        entries = [entry(3, "a"), entry(1, "b"), entry(2, "c")]
        assert numbers([each.scan_id for each in in_order(entries)]) == [1, 2, 3]

    def test_a_noisy_repository_does_not_starve_the_others(self) -> None:
        """Each gets its turn before any gets its second."""
        entries = [entry(number, "noisy") for number in range(5)] + [entry(9, "quiet")]
        assert numbers([each.scan_id for each in in_order(entries)]) == [0, 9, 1, 2, 3, 4]

    def test_scans_under_way_count_as_turns_taken(self) -> None:
        """Who already has one under way comes after who has none."""
        entries = [entry(1, "a", admitted=True), entry(2, "a"), entry(3, "b")]
        assert numbers([each.scan_id for each in in_order(entries)]) == [3, 2]

    def test_the_place_in_the_queue_is_how_many_start_before(self) -> None:
        """And none for a scan that has its turn."""
        entries = [entry(1, "a", admitted=True), entry(2, "a"), entry(3, "b")]
        full = Caps(deployment=1, organisation=100, repository=100)
        assert places(entries, full) == {ScanId(f"{number:040}"): place for number, place in ((2, 1), (3, 0))}

    def test_a_scan_that_gets_its_turn_this_moment_has_none(self) -> None:
        """Though it counts for those behind it."""
        entries = [entry(1, "a"), entry(2, "a")]
        assert places(entries, Caps(1, 100, 100)) == {ScanId(f"{2:040}"): 1}


class TestCaps:
    def test_each_cap_holds(self) -> None:
        """For the deployment, the organisation and the repository."""
        entries = [entry(number, f"r{number % 3}", f"o{number % 2}") for number in range(12)]
        assert len(next_ones(entries, Caps(4, 100, 100))) == 4
        assert len(next_ones(entries, Caps(100, 3, 100))) == 6
        assert len(next_ones(entries, Caps(100, 100, 2))) == 6

    def test_a_full_repository_does_not_hold_up_the_next(self) -> None:
        """Only its own scans wait."""
        entries = [entry(1, "a", admitted=True), entry(2, "a"), entry(3, "b")]
        assert numbers(next_ones(entries, Caps(10, 10, 1))) == [3]

    def test_nothing_waits_nothing_starts(self) -> None:
        """Also an empty deployment is a state."""
        assert next_ones([], WIDE) == []
        assert next_ones([entry(1, admitted=True)], WIDE) == []


ENTRIES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.booleans()), max_size=30).map(
    lambda rows: [
        entry(number, f"{organisation}-{repository}", f"{organisation}", admitted=admitted)
        for number, (repository, organisation, admitted) in enumerate(rows)
    ]
)
CAPS = st.builds(Caps, st.integers(1, 20), st.integers(1, 10), st.integers(1, 5))


@given(ENTRIES, CAPS)
def test_admitting_never_breaks_a_cap_and_never_leaves_a_place_free(entries: list[Enlisted], caps: Caps) -> None:
    """Whoever still waits afterwards is held up by a cap that is reached."""
    chosen = set(next_ones(entries, caps))
    running = [each for each in entries if each.admitted_at or each.scan_id in chosen]
    before = [each for each in entries if each.admitted_at]
    organisations = Counter(each.organisation for each in running)
    repositories = Counter(each.repository for each in running)
    for each in entries:
        if each.scan_id in chosen:
            assert organisations[each.organisation] <= caps.organisation
            assert repositories[each.repository] <= caps.repository
        elif not each.admitted_at:
            assert (
                len(running) >= caps.deployment
                or organisations[each.organisation] >= caps.organisation
                or repositories[each.repository] >= caps.repository
            )
    assert len(running) <= max(caps.deployment, len(before))
