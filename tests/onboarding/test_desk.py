"""Onboarding ordered from the app: who may, what is answered, and what comes of it, against real storage."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from scan_core.model.onboarding import OnboardingState
from scan_core.onboarding import desk as subject
from scan_core.store.onboardings import OnboardingStore
from tests.cli.organisation import EVENTS, NAME, POLICIES, PROJECTS
from tests.onboarding.entra import CALLER
from tests.onboarding.office import Office, settings_from

ALL = len(PROJECTS)


class TestOrders:
    def test_an_order_is_carried_out(self, office: Office) -> None:
        """It is answered at once, and what was done can be looked up; the audit says who ordered it."""
        ordered = office.order(projects=["Shop"])
        assert (ordered["state"], ordered["organisation"]) == ("queued", NAME)
        assert office.work() == 1
        done = office.look(ordered["id"])
        assert done["state"] == "done"
        assert done["plan"]["summary"] == f"Plan for {NAME}: {EVENTS + POLICIES} changes in 1 project; 0 as wanted."
        assert done["lines"][-1].startswith(f"Done: {EVENTS} × hook created, {POLICIES} × policy created")
        assert len(office.site.subscriptions()) == EVENTS
        (first, said), (second, ended) = office.audit
        assert (first, second) == ("onboarding_ordered", "onboarding_ended")
        assert (said["by"], ended["state"]) == (CALLER, "done")

    def test_a_second_message_does_nothing(self, office: Office) -> None:
        """Messages come at least once."""
        ordered = office.order(projects=["Shop"])
        (message,) = office.messages()
        subject.work(office.desk, message)
        office.site.forget_calls()
        subject.work(office.desk, message)
        assert office.site.calls(".") == []
        assert office.look(ordered["id"])["state"] == "done"

    def test_long_work_is_done_in_turns(self, office: Office) -> None:
        """Each ends after some minutes, and the next one continues where it stopped."""
        office.after_each = timedelta(minutes=1.5)
        ordered = office.order()
        assert office.work() > 2
        done = office.look(ordered["id"])
        assert done["state"] == "done"
        assert done["turns"] > 2
        assert f"{(EVENTS + POLICIES) * ALL} changes in {ALL} projects" in done["plan"]["summary"]
        assert len(office.site.subscriptions()) == EVENTS * ALL

    def test_a_turn_that_was_killed_is_taken_over(self, office: Office) -> None:
        """After the time that a turn can last; before that the message waits."""
        ordered = office.order(projects=["Shop"])
        store = OnboardingStore(office.storage)
        found = store.read(ordered["id"])
        assert found is not None
        busy = {"busy_until": office.now + timedelta(minutes=9), "state": OnboardingState.RUNNING, "turns": 1}
        store.write(found, found.value.model_copy(update=busy))
        (message,) = office.messages()
        subject.work(office.desk, message)
        assert office.look(ordered["id"])["turns"] == 1
        assert office.messages() == []
        office.now += timedelta(minutes=10)
        subject.work(office.desk, message)
        assert office.look(ordered["id"])["state"] == "done"

    def test_one_that_is_not_worked_on_any_more_has_failed(self, office: Office) -> None:
        """Its message was lost; whoever waits for it is told to order again."""
        ordered = office.order(projects=["Shop"])
        office.messages()
        assert office.look(ordered["id"])["state"] == "queued"
        office.now += timedelta(hours=2)
        lost = office.look(ordered["id"])
        assert (lost["state"], "Order it again" in lost["problems"][0]) == ("failed", True)

    def test_only_one_of_two_takes_a_turn(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever writes second leaves it."""
        office.order(projects=["Shop"])
        (message,) = office.messages()
        desk, other = office.desk, office.desk
        store = desk.store
        read = store.read

        def read_late(name: Any) -> Any:
            found = read(name)
            subject.work(other, message)
            return found

        monkeypatch.setattr(store, "read", read_late)
        subject.work(desk, message)
        assert len(office.site.subscriptions()) == EVENTS

    def test_what_cannot_be_begun_is_refused(self, office: Office) -> None:
        """With the sentence that the command line gives."""
        ordered = office.order(projects=["Nowhere"])
        office.work()
        refused = office.look(ordered["id"])
        assert refused["state"] == "refused"
        assert "No project fits 'Nowhere'" in refused["problems"][0]

    def test_what_fails_on_the_way_has_failed(self, office: Office) -> None:
        """And names the project and the next step."""
        office.site.sim.fault("POST .*/policy/configurations", "status", status=403, count=1)
        ordered = office.order(projects=["Shop"])
        office.work()
        failed = office.look(ordered["id"])
        assert failed["state"] == "failed"
        assert "then it failed" in failed["lines"][0]

    def test_a_defect_ends_it_and_is_said(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without its text, which could hold anything."""

        def broken(*_: Any) -> Any:
            raise ZeroDivisionError("secret")

        monkeypatch.setattr(subject, "carry_out", broken)
        ordered = office.order(projects=["Shop"])
        office.work()
        failed = office.look(ordered["id"])
        assert failed["state"] == "failed"
        assert failed["problems"] == ["There is a defect (ZeroDivisionError): please report it with the app's log."]


class TestDoor:
    @pytest.mark.parametrize(("changes", "status"), [({"aud": "x"}, 401), ({"roles": []}, 403)], ids=str)
    def test_who_may_not_order_may_not_look_either(self, changes: dict[str, Any], status: int, office: Office) -> None:
        """Nothing is written, and nothing said about what there is."""
        header = office.entra.header(**changes)
        assert subject.receive(office.desk, header, b"{}").status == status
        assert subject.show(office.desk, header, "0" * 32).status == status
        assert (office.messages(), office.audit) == ([], [])

    def test_without_settings_there_is_no_door(self, office: Office) -> None:
        """Switched off by default."""
        off = replace(office.desk, settings=settings_from(office.site.environment()))
        assert subject.receive(off, office.entra.header(), b"{}").status == 404
        assert subject.show(off, office.entra.header(), "0" * 32).status == 404

    def test_while_entra_is_away_nobody_is_let_in(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """And the answer says to come back."""
        monkeypatch.setattr(office.entra, "document", None)
        answer = subject.receive(office.desk, office.entra.header(), b"{}")
        assert (answer.status, answer.headers) == (503, {"Retry-After": "60"})

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"", "expected a JSON object"),
            (b"[]", "order: "),
            (b'{"projects": 7}', "projects: "),
            (b'{"organisation": "other"}', "organisation: expected one of contoso"),
            (b'{"dry_run": "perhaps"}', "dry_run: "),
        ],
    )
    def test_what_is_no_order_is_told(self, body: bytes, reason: str, office: Office) -> None:
        """Without repeating it."""
        answer = subject.receive(office.desk, office.entra.header(), body)
        assert answer.status == 400
        assert str(answer.body["reason"]).startswith(reason)

    def test_an_order_has_a_size(self, office: Office) -> None:
        """As everything that comes from outside."""
        assert subject.receive(office.desk, office.entra.header(), b" " * 300_000).status == 413

    @pytest.mark.parametrize("name", ["0" * 32, "../x", "", "é" * 8, "a" * 500])
    def test_what_there_is_not_is_not_found(self, name: str, office: Office) -> None:
        """Whatever stands in the path."""
        assert subject.show(office.desk, office.entra.header(), name).status == 404

    def test_a_message_about_nothing_is_dropped(self, office: Office) -> None:
        """It could not be served later either."""
        subject.work(office.desk, b"\xff")
