"""The timer that looks after hooks: what it sees, what it repairs, and what it leaves alone."""

from datetime import timedelta
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError

from scan_core.onboarding.health import LONGEST_TURN, look_after_hooks
from scan_core.onboarding.repair import MOST_A_DAY
from scan_core.store.hook_health import HookStore
from tests.cli.organisation import EVENTS
from tests.flow.fakes import Meddling
from tests.local.devops.driver import subscribe
from tests.onboarding.clinic import A_TURN_LATER, CYCLE_SECONDS, Clinic

CREATED = "hook pullrequest.created"
ALL = ["enabled"] * EVENTS
DAY = 24 * 3600


def refusals(clinic: Clinic, project_id: str) -> int:
    """Say how many repairs of a project in a row were refused."""
    return next(known.refusals for known in clinic.remembered() if known.project_id == project_id)


class TestHealthy:
    def test_three_calls_tell_that_all_is_well(self, clinic: Clinic) -> None:
        """Who we are, what there is, and what was delivered; nothing is changed or remembered."""
        repo = clinic.repository("Shop")
        repo.pull_request("topic-1")
        clinic.ended(1, "succeeded")
        clinic.site.forget_calls()
        clinic.look()
        health = clinic.health()
        assert (health["calls"], health["projects"], health["hooks"]) == (3, 2, 2 * EVENTS)
        assert (health["states"], health["missing"], health["delivered"]) == ({"enabled": 2 * EVENTS}, 0, 1)
        assert [line for line in clinic.site.writes() if "query" not in line] == []
        assert clinic.remembered() == []
        assert clinic.sent == []

    def test_a_turn_comes_once_a_cycle(self, clinic: Clinic) -> None:
        """Whichever instance fires."""
        clinic.look()
        clinic.look(0)
        clinic.look(CYCLE_SECONDS * 0.8)
        assert len(clinic.events("hook_health")) == 1
        clinic.look()
        assert len(clinic.events("hook_health")) == 2

    def test_of_two_instances_at_once_one_has_the_turn(self, clinic: Clinic) -> None:
        """The other read the same row, and its claim is refused."""
        store = Meddling(HookStore(clinic.storage.tables), "write", before=lambda: look_after_hooks(clinic.services))
        clinic.look(hooks=store)
        assert len(clinic.events("hook_health")) == 1


class TestBroken:
    @pytest.mark.parametrize(
        ("status", "event", "by"),
        [
            ("onProbation", "hook_on_probation", None),
            ("disabledBySystem", "hook_disabled", "system"),
            ("disabledByInactiveIdentity", "hook_disabled", "inactive_identity"),
        ],
    )
    def test_is_told_and_made_anew(self, status: str, event: str, by: str | None, clinic: Clinic) -> None:
        """The new one before the old one goes; what happened meanwhile is asked for by project."""
        broken = clinic.hooks("Shop")[0]
        clinic.strike(broken, status)
        clinic.look()
        (told,) = clinic.events(event)
        assert (told["project"], told["hooks"], told.get("by")) == (clinic.project("Shop"), [CREATED], by)
        assert told["last_delivery"] is None
        (recreated,) = clinic.events("hook_recreated")
        assert recreated["hook"] == CREATED
        assert clinic.states("Shop") == ALL
        assert broken["id"] not in [one["id"] for one in clinic.hooks("Shop")]
        assert [line.split()[0] for line in clinic.site.writes() if "query" not in line] == ["POST", "DELETE"]
        assert clinic.asked_for_projects() == [clinic.project("Shop")]
        assert (clinic.health()["recreated"], clinic.health()["states"]) == (1, {"enabled": 2 * EVENTS - 1, status: 1})
        repo = clinic.repository("Shop")
        repo.pull_request("topic-1")
        clinic.reception.waited(1)
        assert clinic.reception.statuses[0] == 202

    def test_is_told_with_its_last_delivery(self, clinic: Clinic) -> None:
        """Its history goes with it."""
        clinic.repository("Shop").pull_request("topic-1")
        clinic.ended(1, "succeeded")
        clinic.strike(clinic.hooks("Shop")[0], "disabledBySystem")
        clinic.look()
        (told,) = clinic.events("hook_disabled")
        assert told["last_delivery"].endswith("+00:00")

    def test_what_a_person_disabled_is_raised_and_left_alone(self, clinic: Clinic) -> None:
        """A person did that; nothing is put beside it, however often the timer fires."""
        switched_off = clinic.hooks("Shop")[0]
        clinic.strike(switched_off, "disabledByUser")
        clinic.look()
        clinic.look()
        assert [told["by"] for told in clinic.events("hook_disabled")] == ["user", "user"]
        assert clinic.hooks("Shop")[0]["id"] == switched_off["id"]
        assert clinic.states("Shop") == ["disabledByUser", *ALL[1:]]
        assert clinic.events("hook_missing") == []

    def test_what_is_missing_is_completed(self, clinic: Clinic) -> None:
        """In a project that has some; one that has none was not onboarded."""
        clinic.site.sim.call("DELETE", f"_apis/hooks/subscriptions/{clinic.hooks('Ops')[0]['id']}")
        clinic.look()
        (told,) = clinic.events("hook_missing")
        assert (told["project"], told["hooks"]) == (clinic.project("Ops"), [CREATED])
        assert clinic.states("Ops") == ALL
        assert clinic.health()["missing"] == 1
        assert clinic.hooks("Spare") == []

    def test_what_is_there_twice_goes(self, clinic: Clinic) -> None:
        """As a repair that was cut short leaves it: the new one was made, and the old one is still there."""
        first = clinic.hooks("Shop")[0]
        clinic.site.sim.post("_apis/hooks/subscriptions", first)
        for one in clinic.hooks("Shop"):
            if one["eventType"] == first["eventType"] and one["id"] != first["id"]:
                clinic.strike(one, "onProbation")
        clinic.look()
        (removed,) = clinic.events("hook_removed")
        assert (removed["hook"], removed["why"]) == (CREATED, "there twice")
        assert clinic.hooks("Shop")[0]["id"] == first["id"]
        assert clinic.states("Shop") == ALL
        assert clinic.events("hook_recreated") == []

    def test_what_onboarding_did_not_make_stays(self, clinic: Clinic) -> None:
        """Another identity's, one made by hand as the same identity, and what sends elsewhere."""
        url = f"{clinic.reception.public_url}/api/hooks/contoso"
        other = clinic.site.sim.as_other(name="Somebody")
        shop = {"projectId": clinic.project("Shop")}
        strangers = [
            subscribe(other, clinic.reception, "git.pullrequest.created", publisher=shop, consumer={"url": url}),
            subscribe(
                clinic.site.sim, clinic.reception, "git.pullrequest.created", publisher=shop, consumer={"url": url}
            ),
            subscribe(
                clinic.site.sim,
                clinic.reception,
                "git.pullrequest.created",
                publisher={"projectId": clinic.project("Spare")},
                consumer={"url": url},
            ),
        ]
        for stranger in strangers:
            clinic.strike(stranger, "onProbation")
        clinic.look()
        assert clinic.health()["hooks"] == 2 * EVENTS
        assert clinic.health()["unknown_secret"] == 3
        assert clinic.events("hook_on_probation") == []
        left = {one["id"]: one["status"] for one in clinic.site.subscriptions()}
        assert [left[one["id"]] for one in strangers] == ["onProbation"] * 3

    def test_repair_can_be_switched_off(self, clinic: Clinic) -> None:
        """Then it is told every time and nothing else."""
        clinic.changes["hook_repair"] = False
        clinic.strike(clinic.hooks("Shop")[0], "disabledBySystem")
        clinic.look()
        clinic.look()
        assert len(clinic.events("hook_disabled")) == 2
        assert clinic.states("Shop")[0] == "disabledBySystem"

    def test_without_a_secret_nothing_can_be_made(self, clinic: Clinic) -> None:
        """And every hook is answered 503: that is told."""
        clinic.secrets = ()
        clinic.look()
        (told,) = clinic.events("hook_not_repaired")
        assert told["kind"] == "no_secret"
        assert "hook_secrets" in told["sentence"]


class TestRefused:
    def test_a_refusal_is_told_and_tried_again_later_and_later(self, clinic: Clinic) -> None:
        """Other projects are repaired meanwhile; once the right is there, all is well again."""
        for project in ("Shop", "Ops"):
            clinic.strike(clinic.hooks(project)[0], "disabledBySystem")
        first = min(clinic.project("Shop"), clinic.project("Ops"))
        name = {clinic.project(name): name for name in ("Shop", "Ops")}[first]
        clinic.site.sim.fault("POST .*/hooks/subscriptions$", "status", status=403)
        clinic.look()
        (told,) = clinic.events("hook_not_repaired")
        assert (told["project"], told["hooks"], told["kind"]) == (first, [CREATED], "forbidden")
        assert "'Edit subscriptions'" in told["sentence"]
        assert told["sentence"].endswith("It is tried again by itself.")
        assert clinic.health()["recreated"] == clinic.health()["not_repaired"] == 1
        assert refusals(clinic, first) == 1
        clinic.site.sim.fault("POST .*/hooks/subscriptions$", "status", status=403)
        clinic.look()
        assert refusals(clinic, first) == 2
        clinic.look(CYCLE_SECONDS * 1.2)
        assert len(clinic.events("hook_not_repaired")) == 2
        clinic.look()
        assert clinic.states(name) == ALL
        assert refusals(clinic, first) == 0

    def test_a_deletion_that_is_refused_is_made_up_for(self, clinic: Clinic) -> None:
        """The new one stands already, and the old one goes when it may."""
        clinic.strike(clinic.hooks("Shop")[0], "disabledBySystem")
        clinic.site.sim.fault("DELETE .*/hooks/subscriptions", "status", status=403)
        clinic.look()
        assert sorted(clinic.states("Shop")) == ["disabledBySystem", *ALL]
        clinic.look(CYCLE_SECONDS * 2.2)
        assert clinic.states("Shop") == ALL
        assert [told["why"] for told in clinic.events("hook_removed")] == ["there twice"]

    def test_made_anew_in_vain_it_is_left_alone(self, clinic: Clinic) -> None:
        """Until a day has passed."""
        for _ in range(MOST_A_DAY):
            clinic.strike(clinic.hooks("Shop")[0], "onProbation")
            clinic.look()
        assert len(clinic.events("hook_recreated")) == MOST_A_DAY
        worn_out = clinic.hooks("Shop")[0]
        clinic.strike(worn_out, "onProbation")
        clinic.look()
        clinic.look()
        assert [told["kind"] for told in clinic.events("hook_not_repaired")] == ["worn_out"] * 2
        assert clinic.hooks("Shop")[0]["id"] == worn_out["id"]
        clinic.look(DAY)
        assert clinic.states("Shop") == ALL

    def test_a_delivery_makes_the_count_begin_anew(self, clinic: Clinic) -> None:
        """What works now and then is worth another try."""
        repo = clinic.repository("Shop", MOST_A_DAY + 1)
        for number in range(1, MOST_A_DAY + 2):
            repo.pull_request(f"topic-{number}")
            clinic.ended(1, "succeeded")
            clinic.strike(clinic.hooks("Shop")[0], "onProbation")
            clinic.look()
        assert len(clinic.events("hook_recreated")) == MOST_A_DAY + 1
        assert clinic.events("hook_not_repaired") == []

    def test_what_is_calm_again_is_forgotten(self, clinic: Clinic) -> None:
        """A day later nothing is remembered."""
        clinic.strike(clinic.hooks("Shop")[0], "onProbation")
        clinic.look()
        assert [known.made_anew.keys() for known in clinic.remembered()] == [{CREATED}]
        clinic.look(DAY + 60)
        assert clinic.remembered() == []


class TestTrouble:
    @pytest.mark.parametrize(
        ("fault", "kind"),
        [
            ({"kind": "status", "status": 503}, "unavailable"),
            ({"kind": "html203"}, "signed_out"),
            ({"kind": "status", "status": 403}, "forbidden"),
        ],
    )
    def test_of_azure_devops_postpones_the_turn(self, fault: dict[str, Any], kind: str, clinic: Clinic) -> None:
        """Minutes for an outage; a cycle for a right that is missing."""
        clinic.site.sim.fault("GET .*/hooks/subscriptions", count=-1, **fault)
        clinic.look()
        (told,) = clinic.events("hook_health_postponed")
        assert [told["kind"]] == clinic.failures == [kind]
        assert told["sentence"].endswith("It is tried again by itself.")
        assert (clinic.next_look_in() >= timedelta(seconds=CYCLE_SECONDS)) is (kind == "forbidden")
        clinic.site.sim.sim("faults", method="DELETE")
        clinic.look()
        assert clinic.health()["hooks"] == 2 * EVENTS

    def test_in_the_middle_of_a_repair_ends_the_turn(self, clinic: Clinic) -> None:
        """The other project is not tried, and nothing counts as refused."""
        for project in ("Shop", "Ops"):
            clinic.strike(clinic.hooks(project)[0], "disabledBySystem")
        clinic.site.sim.fault("POST .*/hooks/subscriptions$", "status", status=503, count=-1)
        clinic.look()
        assert len(clinic.events("hook_health_postponed")) == 1
        assert clinic.events("hook_not_repaired") == []
        clinic.site.sim.sim("faults", method="DELETE")
        clinic.look()
        assert clinic.states("Shop") == clinic.states("Ops") == ALL

    def test_a_pause_that_is_asked_for_with_a_good_answer_is_kept(self, clinic: Clinic) -> None:
        """A short one within the turn."""
        clinic.site.sim.fault("GET .*/hooks/subscriptions", "retry_after_200", seconds=7)
        clinic.look()
        assert clinic.slept == [7.0]
        assert clinic.health()["hooks"] == 2 * EVENTS

    def test_a_pause_longer_than_the_turn_ends_it(self, clinic: Clinic) -> None:
        """And the next one does not come before its time."""
        clinic.site.sim.fault("GET .*/hooks/subscriptions", "retry_after_200", seconds=1500)
        clinic.look()
        (told,) = clinic.events("hook_health_postponed")
        assert (told["kind"], told["seconds"]) == ("throttled", 1500)
        assert clinic.slept == []
        assert clinic.next_look_in() == timedelta(seconds=1500)

    def test_a_pause_that_was_asked_of_another_part_of_the_app_is_kept(self, clinic: Clinic) -> None:
        """Nothing is called at all."""
        clinic.look(asked_to_wait=lambda _: 100.0)
        assert clinic.events("hook_health") == []
        assert timedelta(seconds=100) <= clinic.next_look_in() <= timedelta(seconds=120)

    def test_a_history_that_may_not_be_read_keeps_no_hook_from_its_repair(self, clinic: Clinic) -> None:
        """What goes with a subscription that cannot be asked for one by one is asked for by project."""
        clinic.strike(clinic.hooks("Shop")[0], "disabledBySystem")
        clinic.site.sim.fault("POST .*/notificationsQuery", "status", status=403, count=-1)
        clinic.look()
        assert clinic.events("hook_history_unread")[0]["kind"] == "forbidden"
        assert clinic.states("Shop") == ALL
        assert set(clinic.asked_for_projects()) == {clinic.project("Shop")}
        assert [told["last_delivery"] for told in clinic.events("hook_disabled")] == [None]

    def test_a_history_that_is_away_while_a_hook_goes_leaves_it_for_now(self, clinic: Clinic) -> None:
        """Nothing is deleted that may hold an event."""
        clinic.strike(clinic.hooks("Shop")[0], "disabledBySystem")
        # The last deliveries and the counts are read before, each once.
        clinic.site.sim.fault("POST .*/notificationsQuery", "status", status=503, count=-1, skip=2)
        clinic.look()
        assert sorted(clinic.states("Shop")) == ["disabledBySystem", *ALL]
        assert len(clinic.events("hook_health_postponed")) == 1

    def test_the_rest_of_a_long_turn_comes_in_the_next(self, clinic: Clinic) -> None:
        """Within the time of one invocation only as much is done as fits."""
        for project in ("Shop", "Ops"):
            clinic.strike(clinic.hooks(project)[0], "disabledBySystem")
        slow = Meddling(
            clinic.administration,
            "delete_subscription",
            after=lambda: clinic.clock.advance(LONGEST_TURN.total_seconds()),
        )
        clinic.look(administration=lambda _: slow)
        assert sorted(clinic.states("Shop") + clinic.states("Ops")) == ["disabledBySystem", *ALL, *ALL[1:]]
        assert clinic.next_look_in() == timedelta(seconds=60)
        clinic.look(61)
        assert clinic.states("Shop") == clinic.states("Ops") == ALL

    def test_of_storage_is_told_and_passes(self, clinic: Clinic) -> None:
        """The trigger never throws."""

        def away() -> None:
            raise ServiceRequestError("no route to storage")

        clinic.look(hooks=Meddling(HookStore(clinic.storage.tables), "turn", before=away))
        (told,) = clinic.events("hook_health_postponed")
        assert (told["kind"], told["sentence"]) == ("storage", "ServiceRequestError")
        clinic.look()
        assert clinic.health()["hooks"] == 2 * EVENTS

    def test_a_defect_is_told_and_stops_nothing(self, clinic: Clinic) -> None:
        """Nor does it come back at once."""

        def broken(_: object) -> Any:
            raise RuntimeError("a defect")

        clinic.look(administration=broken)
        (told,) = clinic.events("hook_health_failed")
        assert (told["error"], told["detail"]) == ("RuntimeError", "a defect")
        assert clinic.next_look_in() >= timedelta(seconds=CYCLE_SECONDS)
        clinic.look(A_TURN_LATER)
        assert clinic.health()["hooks"] == 2 * EVENTS
