"""Events that were not delivered: found in the history, and asked for once."""

import json
from datetime import timedelta
from typing import Any

import pytest

from scan_core.devops.deliveries import Delivery
from scan_core.devops.hooks import SubscriptionId
from scan_core.intake.hooks import LARGEST_BODY
from scan_core.model.request import LookRequest
from scan_core.model.subject import Branch, BuildRef
from scan_core.onboarding import lost_events
from scan_core.store.hook_health import HookStore
from tests.flow.fakes import Killed, Meddling
from tests.local.devops.driver import wait_until
from tests.onboarding.clinic import Clinic, pull_request_of

LOSE = "HOOK git.pullrequest"
NIL = "00000000-0000-0000-0000-000000000000"


def lose(clinic: Clinic, times: int = -1) -> None:
    """Let events end in the history as failed."""
    clinic.site.sim.fault(LOSE, "fail_hook", count=times)


def killed() -> None:
    """Die here."""
    raise Killed


class TestFailed:
    def test_what_the_hook_would_have_asked_for_is_asked_for_once(self, clinic: Clinic) -> None:
        """However often the timer fires."""
        repo = clinic.repository("Shop", 2)
        lose(clinic, 1)
        lost = repo.pull_request("topic-1")
        clinic.ended(1, "failed")
        heard = repo.pull_request("topic-2")
        clinic.ended(1, "succeeded")
        clinic.look()
        assert clinic.asked_for() == [lost.id]
        (told,) = clinic.events("hook_deliveries_failed")
        assert (told["project"], told["failed"], told["by_status"], told["looks"]) == (
            clinic.project("Shop"),
            1,
            {"none": 1},
            1,
        )
        health = clinic.health()
        assert (health["failed"], health["delivered"], health["looks"]) == (1, 1, 1)
        assert [pull_request_of(request) for request in clinic.reception.accepted] == [heard.id]
        clinic.look()
        clinic.look()
        assert len(clinic.sent) == 1
        assert clinic.remembered() == []

    def test_pushes_and_builds_that_were_lost_are_asked_for_too(self, clinic: Clinic) -> None:
        """By branch and build, as their hooks would have."""
        clinic.site.sim.sim("faults", method="DELETE")
        clinic.site.sim.fault("HOOK (git.push|build.complete)", "fail_hook", count=-1)
        repo = clinic.repository("Shop")
        run = clinic.site.sim.build(repo)
        run.complete()
        clinic.ended(3, "failed")
        clinic.look()
        looks = [request.of for request in clinic.sent if isinstance(request, LookRequest)]
        assert {look.ref for look in looks if isinstance(look, Branch)} == {"refs/heads/main", "refs/heads/topic-1"}
        assert [look.build_id for look in looks if isinstance(look, BuildRef)] == [run.id]
        assert len(clinic.sent) == len(looks) == 3

    def test_tags_that_were_lost_are_nobody_s_loss(self, clinic: Clinic) -> None:
        """Their hook would not have been served either."""
        clinic.site.sim.sim("faults", method="DELETE")
        repo = clinic.site.sim.repository({"id": clinic.project("Shop")}, "tagged")
        clone = repo.started()
        clinic.ended(1, "succeeded")
        clinic.site.sim.fault("HOOK git.push", "fail_hook", count=-1)
        clone.push("main:refs/tags/v1")
        clinic.ended(1, "failed")
        clinic.look()
        assert clinic.sent == []

    def test_several_events_about_one_thing_are_one_look(self, clinic: Clinic) -> None:
        """Four subscriptions hear of the same pull request."""
        repo = clinic.repository("Shop")
        lose(clinic)
        pull = repo.pull_request("topic-1")
        pull.change(status="abandoned")
        clinic.ended(2, "failed")
        clinic.look()
        assert clinic.asked_for() == [pull.id]

    def test_the_answer_of_the_receiver_is_counted(self, clinic: Clinic) -> None:
        """By its status."""
        clinic.reception.secrets = ("another one",)
        clinic.repository("Shop").pull_request("topic-1")
        wait_until(lambda: "onProbation" in clinic.states("Shop"), "probation")
        clinic.look()
        assert clinic.events("hook_deliveries_failed")[0]["by_status"] == {"401": 1}
        assert clinic.events("hook_on_probation")[0]["hooks"] == ["hook pullrequest.created"]
        assert clinic.health()["undelivered"] == 1

    def test_of_an_event_that_may_still_arrive_nothing_is_said(self, clinic: Clinic) -> None:
        """The next look finds it, if it did not."""
        lose(clinic)
        clinic.look()
        lost = clinic.repository("Shop").pull_request("topic-1")
        clinic.ended(1, "failed")
        # As if it had come in this very moment.
        clinic.look(timedelta(minutes=17).total_seconds(), now=lambda: clinic.clock() - timedelta(minutes=17))
        assert clinic.sent == []
        clinic.look()
        assert clinic.asked_for() == [lost.id]

    def test_more_than_can_be_read_is_asked_for_by_project(
        self, clinic: Clinic, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A storm must not become a storm of calls and looks."""
        repo = clinic.repository("Shop", 3)
        lose(clinic)
        for number in range(1, 4):
            repo.pull_request(f"topic-{number}")
        clinic.ended(3, "failed")
        for name, limit in {"MOST_LOOKS": 2, "MOST_DELIVERIES": 2, "MOST_DETAILED": 0}.items():
            with monkeypatch.context() as patch:
                patch.setattr(lost_events, name, limit)
                clinic.sent.clear()
                clinic.look(hooks=HookStore(clinic.storage.tables))
            assert clinic.asked_for_projects() == [clinic.project("Shop")], name
            assert clinic.asked_for() == [], name
            forget_turn(clinic)


def forget_turn(clinic: Clinic) -> None:
    """Let the next look be the first."""
    table = clinic.storage.tables.get_table_client("gates")
    for entity in table.list_entities():
        table.delete_entity(entity["PartitionKey"], entity["RowKey"])


class TestInterrupted:
    def test_a_kill_before_it_is_remembered_asks_again(self, clinic: Clinic) -> None:
        """A look that is asked for twice changes nothing; one that is not asked for is lost."""
        lose(clinic, 1)
        lost = clinic.repository("Shop").pull_request("topic-1")
        clinic.ended(1, "failed")
        with pytest.raises(Killed):
            clinic.look(hooks=Meddling(HookStore(clinic.storage.tables), "remember", before=killed))
        clinic.look()
        clinic.look()
        assert clinic.asked_for() == [lost.id] * 2

    def test_a_project_that_was_done_is_not_done_again(self, clinic: Clinic) -> None:
        """Each project's mark stands before the next one's events are asked for."""
        lose(clinic)
        lost = {name: clinic.repository(name).pull_request("topic-1").id for name in ("Shop", "Ops")}
        clinic.ended(2, "failed")
        store = Meddling(HookStore(clinic.storage.tables), "remember", after=killed)
        with pytest.raises(Killed):
            clinic.look(hooks=store)
        assert len(clinic.sent) == 1
        clinic.look()
        assert sorted(clinic.asked_for()) == sorted(lost.values())

    def test_an_outage_in_between_loses_nothing(self, clinic: Clinic) -> None:
        """The next look begins where this one did."""
        lose(clinic, 1)
        lost = clinic.repository("Shop").pull_request("topic-1")
        clinic.ended(1, "failed")
        clinic.site.sim.fault("POST .*/notificationsQuery", "status", status=503, count=3)
        clinic.look()
        assert clinic.sent == []
        clinic.look()
        assert clinic.asked_for() == [lost.id]

    def test_another_instance_that_was_quicker_has_the_turn(self, clinic: Clinic) -> None:
        """A turn that took too long ends without a word."""
        lose(clinic, 1)
        clinic.repository("Shop").pull_request("topic-1")
        clinic.ended(1, "failed")

        def overtake() -> None:
            clinic.look()

        clinic.look(hooks=Meddling(HookStore(clinic.storage.tables), "remember", before=overtake))
        assert clinic.events("hook_health_failed") == []
        assert len(clinic.events("hook_health")) == 2


class TestHostile:
    @pytest.mark.parametrize(
        "body",
        [
            None,
            b"not JSON",
            b"[]",
            b'{"eventType": "git.pullrequest.created"}',
            json.dumps({"eventType": "git.pullrequest.created", "resource": {"pullRequestId": "../../x"}}).encode(),
            b" " * (LARGEST_BODY + 1),
        ],
    )
    def test_an_event_that_says_too_little_or_too_much_stands_for_its_project(
        self, body: bytes | None, clinic: Clinic
    ) -> None:
        """The subscription says which it was."""
        self.given(clinic, body)
        assert clinic.asked_for_projects() == [clinic.project("Shop")]
        assert clinic.asked_for() == []

    @pytest.mark.parametrize(
        "event",
        [
            {"eventType": "workitem.created", "resource": {}},
            {"eventType": "git.pullrequest.created", "subscriptionId": NIL, "resource": {}},
        ],
    )
    def test_an_event_that_a_hook_would_not_be_served_for_is_not_either(
        self, event: dict[str, Any], clinic: Clinic
    ) -> None:
        """Such as that of the portal's Test button."""
        self.given(clinic, json.dumps(event).encode())
        assert clinic.sent == []

    @staticmethod
    def given(clinic: Clinic, body: bytes | None) -> None:
        """Look at a history that holds one lost event."""
        lose(clinic, 1)
        clinic.repository("Shop").pull_request("topic-1")
        clinic.ended(1, "failed")
        real = clinic.administration

        class Tampered:
            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            def deliveries(self, ids: list[SubscriptionId], *rest: Any) -> tuple[Delivery, ...]:
                found = real.deliveries(ids, *rest)
                return tuple(one.model_copy(update={"body": body}) for one in found)

        clinic.look(administration=lambda _: Tampered())
