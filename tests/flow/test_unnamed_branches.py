"""A push that names no branch: which branches of its repository it is taken to be about, and when."""

from typing import Any

import pytest

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.flow.branch import take_push
from scan_core.flow.holds import note_failure
from scan_core.model.subject import Branch
from tests.flow.fakes import Having
from tests.flow.outages import with_repositories
from tests.flow.pushes import LISTED, push, pushed, shown, tip
from tests.flow.world import ORG, World


def test_a_push_that_names_none_asks_for_those_that_are_judged(world: World) -> None:
    """Not for thousands of which most are nobody's."""
    repo = world.repository(rules="branches: [release, 'rel/*']\n")
    pushed(world, repo, "release")
    world.push(repo, ":release", "topic:refs/heads/rel/1", *(f"topic:refs/heads/t{number}" for number in range(9)))
    world.queues.requests.clear()
    world.queues.send_request(push(world, repo, ()))
    sent = len(world.queues.sent)
    world.serve()
    asked = {str(request.of.ref) for request in _looks(world, sent)}
    assert asked == {"refs/heads/main", "refs/heads/rel/1", "refs/heads/release"}


@pytest.mark.parametrize("rules", [None, "branches: 7\n"])
def test_without_any_listed_only_the_default_branch_is_asked_for(world: World, rules: str | None) -> None:
    """Also where the rules cannot be understood, which its own status tells."""
    repo = world.repository(rules=rules)
    sent = len(world.queues.sent)
    world.queues.send_request(push(world, repo, ()))
    world.serve()
    assert {str(request.of.ref) for request in _looks(world, sent)} == {"refs/heads/main"}


def test_one_that_names_none_waits_while_azure_devops_is_left_alone(world: World) -> None:
    """Like everything else that would have to ask there."""
    repo = world.repository(rules=LISTED)
    trouble = DevOpsError(DevOpsErrorKind.THROTTLED, "Later.", retry_after=100)
    note_failure(world.services, ORG, trouble)
    world.queues.send_request(push(world, repo, ()))
    asked = world.services.devops(ORG).requests_sent()
    world.serve()
    assert world.services.devops(ORG).requests_sent() == asked
    world.clock.advance(300)
    world.run_until_quiet()
    assert shown(repo, tip(repo))[-1] == shown(repo, tip(repo, "release"))[-1] == "succeeded"


def test_one_that_names_none_ends_a_trouble_by_its_answer(world: World) -> None:
    """Whoever asks first finds out that it is over."""
    repo = world.repository(rules=LISTED)
    note_failure(world.services, ORG, DevOpsError(DevOpsErrorKind.TIMED_OUT, "No answer."))
    assert world.services.holds.fresh(ORG, world.clock()) is not None
    take_push(world.services, push(world, repo, ()))
    assert world.services.holds.fresh(ORG, world.clock()) is None


@pytest.mark.parametrize("method", ["default_branch", "branches"])
def test_one_that_cannot_be_gone_through_is_tried_again(world: World, method: str) -> None:
    """Until the deadline."""
    repo = world.repository(rules=LISTED)
    away = with_repositories(world, method, DevOpsErrorKind.MALFORMED)
    world.queues.send_request(push(world, repo, ()))
    away.serve()
    world.clock.advance(60)
    away.serve()
    assert shown(repo, tip(repo)) == ["pending"]
    assert shown(repo, tip(repo, "release")) == ["pending"]


def test_an_empty_repository_has_none(world: World) -> None:
    """Nothing is asked for."""
    repo = world.repository()
    nothing: Any = Having(world.services.devops(ORG).repositories, default_branch=lambda *_: None)
    empty = world.with_devops(lambda real: Having(real, repositories=nothing))
    sent = len(world.queues.sent)
    world.queues.send_request(push(world, repo, ()))
    empty.serve()
    assert _looks(world, sent) == []


def _looks(world: World, since: int) -> list[Any]:
    """The looks at branches that were asked for."""
    requests = [sent.request for sent in world.queues.sent[since:]]
    return [request for request in requests if isinstance(getattr(request, "of", None), Branch)]
