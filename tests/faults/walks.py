"""What is walked: stories from a first hook to their end, that every family of faults breaks at every call.

A new walk is a function here, or in a file of its own, and an entry in `WALKS`; what it brings to life that has gates
is asked about by an oracle of its own in `tests.faults.promises`. Hooks of another kind than a proposal's are delivered
with `Estate.hear`; what the app does to Azure DevOps stands in `Estate.sent`.
"""

from collections.abc import Callable
from typing import Final

from tests.faults import promises, walks_of_places
from tests.faults.estate import Estate
from tests.faults.promises import rest


def pushes(estate: Estate) -> None:
    """Refused; fixed, and while that is scanned fixed again; completed."""
    developers = estate.developers
    proposal = developers.open("vulnerable")
    estate.tell(proposal)
    rest(estate)
    estate.crew.held = True
    developers.push(proposal, developers.commit("clean"))
    estate.tell(proposal)
    estate.until(lambda: any(job.message for job in estate.crew.jobs), "the second commit to be scanned")
    estate.crew.held = False
    developers.push(proposal, developers.commit("clean"))
    estate.tell(proposal)
    rest(estate)
    developers.close(proposal, "completed")
    estate.tell(proposal)
    rest(estate)


def troubles(estate: Estate) -> None:
    """A worker is lost, the next one cannot finish; then another target, abandoned and taken up again."""
    developers = estate.developers
    proposal = developers.open("vulnerable")
    estate.crew.troubles.extend(["lost", "incomplete"])
    estate.tell(proposal)
    rest(estate)
    developers.retarget(proposal, "lenient")
    estate.tell(proposal)
    rest(estate)
    developers.close(proposal, "abandoned")
    estate.tell(proposal)
    developers.reactivate(proposal)
    estate.tell(proposal)
    rest(estate)
    developers.close(proposal, "abandoned")
    estate.tell(proposal)
    rest(estate)


def unheard(estate: Estate) -> None:
    """No hook tells of the second pull request, and somebody else passes the first one: both are found."""
    developers = estate.developers
    told = developers.open("vulnerable")
    estate.tell(told)
    rest(estate)
    developers.open("clean").is_unheard = True
    developers.forge(told, "succeeded")
    estate.reconcile()
    promises.check(estate)


WALKS: Final[dict[str, Callable[[Estate], None]]] = {
    walk.__name__: walk
    for walk in (
        *(pushes, troubles, unheard),
        *(walks_of_places.branch, walks_of_places.images, walks_of_places.checks),
    )
}


def share(total: int, shards: int) -> int:
    """Divide a sample among the walks, so that a new one does not make the whole run longer.

    Args:
        total: Schedules of a family, of all walks together.
        shards: Tests that share a walk.

    Returns:
        How many schedules one of these tests has; at least one.
    """
    return max(1, total // (len(WALKS) * shards))
