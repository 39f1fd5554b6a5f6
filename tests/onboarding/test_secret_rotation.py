"""Replacing a hook secret while hooks come in: nothing is lost, and it is told when the old one can go."""

from itertools import count
from typing import Any

import pytest

from tests.cli.organisation import EVENTS
from tests.local.devops.driver import Repo, wait_until
from tests.onboarding.clinic import Clinic, pull_request_of

NEW = "the-second-hook-secret"
HOOKS = 2 * EVENTS


class Traffic:
    """Opens a pull request whenever it is called: that is one event."""

    def __init__(self, clinic: Clinic) -> None:
        """Prepare branches."""
        self._clinic = clinic
        self._repositories = [clinic.repository(name, 40) for name in ("Shop", "Ops")]
        self._numbers = count(2)
        self.opened: list[int] = []

    def __call__(self) -> None:
        """Open one, in the one project and the other by turns."""
        number = next(self._numbers)
        repo: Repo = self._repositories[number % 2]
        self.opened.append(repo.pull_request(f"topic-{number // 2}").id)

    def heard(self) -> set[int]:
        """List the pull requests that the app knows of, by a hook or by a look that the timer asked for."""
        return {pull_request_of(request) for request in self._clinic.reception.accepted} | set(self._clinic.asked_for())


class Busy:
    """Azure DevOps, where something happens around every change of a subscription."""

    def __init__(self, clinic: Clinic, traffic: Traffic) -> None:
        """Wrap the client."""
        self._real = clinic.administration
        self._traffic = traffic

    def __getattr__(self, name: str) -> Any:
        """Find a method of the client."""
        found = getattr(self._real, name)
        if name not in {"create_subscription", "delete_subscription"}:
            return found

        def call(*arguments: Any) -> Any:
            self._traffic()
            answer = found(*arguments)
            self._traffic()
            return answer

        return call


def doctor(clinic: Clinic) -> str:
    """Ask what is in order."""
    clinic.site.hook_secrets, clinic.site.public_url = clinic.secrets, clinic.reception.public_url
    return " ".join(clinic.site.run("doctor").output.split())


def test_the_timer_replaces_the_secret_everywhere_and_loses_nothing(clinic: Clinic) -> None:
    """Around each subscription that is made or deleted something happens; afterwards the old secret can be removed."""
    traffic = Traffic(clinic)
    traffic()
    clinic.rotate(NEW)
    assert f"the second one is still used by {HOOKS} subscriptions" in doctor(clinic)
    clinic.look(administration=lambda _: Busy(clinic, traffic))
    assert len(clinic.events("hook_secret_replaced")) == HOOKS
    assert clinic.events("hook_recreated") == []
    assert (clinic.health()["old_secret"], clinic.health()["secrets_replaced"]) == (HOOKS, HOOKS)
    clinic.look()
    assert (clinic.health()["old_secret"], clinic.health()["secrets_replaced"]) == (0, 0)
    assert "nothing that onboarding made uses the second one any more" in doctor(clinic)
    clinic.secrets = clinic.reception.secrets = (NEW,)
    traffic()
    clinic.look()
    assert len(traffic.opened) == 2 + 4 * HOOKS
    wait_until(lambda: traffic.heard() == set(traffic.opened), "everything to be heard of")
    assert set(clinic.reception.statuses) == {202}
    assert clinic.asked_for_projects() == []
    assert "hook secrets" not in doctor(clinic)


def test_what_a_subscription_still_holds_when_it_goes_is_asked_for(clinic: Clinic) -> None:
    """It was to be sent again later, and its subscription is gone by then."""
    clinic.site.sim.sim("settings", {"timeScale": 1000})
    try:
        repo = clinic.repository("Shop")
        clinic.reception.answers = [503]
        pull = repo.pull_request("topic-1")
        clinic.reception.waited(1)
        wait_until(lambda: clinic.deliveries()[0]["details"]["requestAttempts"], "the first try")
        clinic.rotate(NEW)
        clinic.look(0)
        assert clinic.asked_for() == [pull.id]
        assert clinic.deliveries() == []
    finally:
        clinic.site.sim.sim("settings", {"timeScale": 0.001})


@pytest.mark.parametrize("everything", [True, False])
def test_an_administrator_can_do_it_at_once(everything: bool, clinic: Clinic) -> None:
    """By the command; the timer then finds nothing to do, or the rest."""
    clinic.rotate(NEW)
    clinic.onboard(*(("Shop", "Ops") if everything else ("Shop",)))
    clinic.look()
    assert len(clinic.events("hook_secret_replaced")) == (0 if everything else HOOKS / 2)
    clinic.look()
    assert clinic.health()["old_secret"] == 0
