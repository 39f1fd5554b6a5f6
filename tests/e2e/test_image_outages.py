"""What a build or a check depends on dies at a moment that hurts, or goes away for a while."""

import pytest

from tests.e2e.pipeline import VULNERABLE_IMAGE, WHY, Shipyard, registry_down
from tests.e2e.polling import until
from tests.e2e.site import Site

_EVENTS = r"^POST .*/plans/[^/]+/events$"
_READS = r"^GET .*/build/builds/\d+$"


@pytest.mark.parametrize(
    ("route", "after"),
    [(_READS, False), (_EVENTS, False), (_EVENTS, True)],
    ids=["before its build is read", "before the answer arrives", "when the answer arrived and it does not know"],
)
def test_a_check_whose_app_is_killed_is_answered_once(breakable: Site, route: str, after: bool) -> None:
    """Wherever it died between taking the check on and answering it, the stage ends as it should, by one answer."""
    shipyard = Shipyard.opened(breakable)
    held = breakable.fault(route, "hang", seconds=10, after=after)
    deployment = shipyard.reach(shipyard.build(VULNERABLE_IMAGE))
    held.await_hit()
    breakable.stack.kill("app")
    breakable.start("app")
    until(lambda: _is_done(breakable) and deployment.stage["state"] == "failed", "the app to be done with it")
    assert f"Failed: {WHY}" in deployment.words()
    assert deployment.check["message"] == "The callback said failed."
    # Of a call that hangs after it was carried out the answer is lost; the next is refused, as the check has ended.
    assert deployment.answers().count(204) == (0 if after else 1)


def test_a_registry_that_is_down_delays_the_verdict(breakable: Site) -> None:
    """The build says what it waits for, and is judged once the registry is back."""
    shipyard = Shipyard.opened(breakable)
    build = shipyard.build(VULNERABLE_IMAGE)
    with registry_down(breakable):
        build.complete()
        until(lambda: (shown := build.shown()) and "cannot be reached" in shown.description, "the delay to be told")
        shown = build.shown()
        assert shown is not None
        assert shown.state == "pending"
        assert "is delayed" in shown.description
    assert shipyard.await_verdict(build).description == f"Failed: {WHY}"


def _is_done(site: Site) -> bool:
    """Whether the app has nothing to come back to, after one more look round."""
    site.look_round()
    rows = site.storage.tables.get_table_client("gates").query_entities("PartitionKey eq 'agenda'")
    return not list(rows)
