"""``scangate onboard`` against the Azure DevOps simulator."""

import json
from typing import Any

import pytest

from scan_core.intake.events import request_from
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.model.request import LookRequest
from scan_core.model.subject import Branch, BuildRef, Subject
from tests.builders import NOON
from tests.cli.organisation import (
    EVENTS,
    HOOK_URL,
    NAME,
    POLICIES,
    PROJECTS,
    SECRET,
    SIGNING_KEY,
    Site,
    hand_made_policy,
    strike,
)
from tests.local.devops.driver import Receiver, subscribe, wait_until

ALL = len(PROJECTS)


def told(receiver: Receiver, kind: str, count: int) -> list[dict[str, Any]]:
    """Wait for deliveries of one kind of event, and return them."""

    def found() -> list[dict[str, Any]]:
        return [body for body in receiver.bodies if body["eventType"].startswith(kind)]

    wait_until(lambda: len(found()) >= count, f"{count} deliveries of {kind}")
    return found()


def asked_by(event: dict[str, Any]) -> Subject:
    """Read an event as the app does."""
    body = json.dumps(event).encode()
    request = request_from(body, organisation=OrganisationName(NAME), now=NOON, new_id=lambda: "r")
    assert isinstance(request, LookRequest)
    return request.of


class TestFirstTime:
    def test_a_dry_run_shows_the_plan_and_changes_nothing(self, site: Site) -> None:
        """Every project with what it would get and why."""
        said = site.onboard("--all", "--dry-run")
        assert f"{EVENTS} hooks" in said
        assert "status policy source (blocking)" in said
        assert "status policy image (blocking)" in said
        assert "missing" in said
        assert f"{(EVENTS + POLICIES) * ALL} changes in {ALL} projects; 0 as wanted" in said
        assert "Übung – мост" in said
        assert site.writes() == []

    def test_each_project_gets_its_subscriptions(self, site: Site) -> None:
        """With the least payload that tells what happened, and the secret as the confidential password."""
        said = site.onboard("--all")
        assert f"Done: {EVENTS * ALL} × hook created, {POLICIES * ALL} × policy created." in said
        assert f"[{ALL}/{ALL}]" in said
        hooks = [one for one in site.subscriptions() if one["publisherInputs"]["projectId"] == site.projects["Shop"]]
        told = {
            (one["eventType"], one["publisherInputs"].get("notificationType"), one["consumerInputs"]["url"])
            for one in hooks
        }
        updated = "git.pullrequest.updated"
        assert told == {
            ("git.pullrequest.created", None, HOOK_URL),
            (updated, "PushNotification", f"{HOOK_URL}?notificationType=PushNotification"),
            (updated, "StatusUpdateNotification", f"{HOOK_URL}?notificationType=StatusUpdateNotification"),
            (updated, None, f"{HOOK_URL}?notificationType=any"),
            ("git.push", None, HOOK_URL),
            ("build.complete", None, HOOK_URL),
        }
        for one in hooks:
            inputs, kind = one["consumerInputs"], one["eventType"]
            assert inputs["basicAuthPassword"] == "********"
            assert inputs["resourceDetailsToSend"] == ("all" if kind == "git.push" else "minimal")
            assert (inputs["messagesToSend"], inputs["detailedMessagesToSend"]) == ("none", "none")
            assert one["resourceVersion"] == ("2.0" if kind == "build.complete" else "1.0")

    @pytest.mark.parametrize(("status", "counts"), [("source", None), ("image", 1)])
    def test_each_project_gets_a_policy_for_each_status(self, status: str, counts: int | None, site: Site) -> None:
        """Source is asked for always; images once their status was posted, so that none are no obstacle."""
        site.onboard("--all")
        policy = site.policy("Übung – мост", status)
        settings = policy["settings"]
        assert (policy["isEnabled"], policy["isBlocking"]) == (True, True)
        assert settings["statusGenre"] == "scangate"
        assert (settings["authorId"], settings["invalidateOnSourceUpdate"]) == (site.me(), True)
        assert settings.get("policyApplicability") == counts
        assert [scope["matchKind"] for scope in settings["scope"]] == ["DefaultBranch"]
        assert [scope.get("repositoryId") for scope in settings["scope"]] == [None]

    def test_the_second_run_changes_nothing(self, onboarded: Site) -> None:
        """And lists the subscriptions once for the organisation."""
        said = onboarded.onboard("--all")
        assert f"0 changes in 0 projects; {ALL} as wanted" in said
        assert f"Done: nothing to do; projects as wanted before: {ALL}." in said
        assert onboarded.writes() == []
        assert len(onboarded.calls("GET .*/hooks/subscriptions")) == 1

    @pytest.mark.parametrize(
        ("asked", "chosen"),
        [
            (["shop"], {"Shop"}),
            (["Web shop"], {"Web shop"}),
            (["*shop"], {"Shop", "Web shop"}),
            (["Team ?", "ops"], {"Team A", "Team B", "Ops"}),
            (["ÜBUNG – Мост"], {"Übung – мост"}),
            (["U\u0308bung*"], {"Übung – мост"}),
        ],
    )
    def test_projects_are_named_or_fit_a_pattern(self, asked: list[str], chosen: set[str], site: Site) -> None:
        """Without case, with spaces, in any alphabet."""
        said = site.onboard(*asked, "--dry-run")
        assert f"changes in {len(chosen)} project" in said
        assert all(name in said for name in chosen)

    def test_a_project_is_named_by_its_id(self, site: Site) -> None:
        """As scripts know it."""
        assert "Team A" in site.onboard(site.projects["Team A"].upper(), "--dry-run")

    def test_the_policy_can_be_optional_and_hold_for_chosen_branches(self, site: Site) -> None:
        """A folder of branches is a prefix."""
        site.onboard("Shop", "--optional", "--branch", "main", "--branch", "release/*")
        for policy in site.policies("Shop"):
            assert policy["isBlocking"] is False
            scope = [(one["refName"], one["matchKind"]) for one in policy["settings"]["scope"]]
            assert scope == [("refs/heads/main", "Exact"), ("refs/heads/release", "Prefix")]
        assert "is optional now" in site.onboard("Shop")
        assert "holds for other branches" in site.onboard("Shop", "--branch", "refs/heads/main", "--dry-run")

    def test_what_happens_to_a_pull_request_arrives(self, site: Site) -> None:
        """Its creation, a push, and the new target branch that no filter names; each with the secret."""
        with Receiver() as receiver:
            site.public_url = receiver.url.removesuffix("/hook")
            site.onboard("Shop")
            repo = site.sim.repository({"id": site.projects["Shop"]}, "told")
            clone, pull = repo.proposed()
            told(receiver, "git.pullrequest", 1)
            clone.push("main:release")
            clone.commit({"x": "x"})
            clone.push("topic")
            told(receiver, "git.pullrequest", 3)
            pull.change(targetRefName="refs/heads/release")
            bodies = told(receiver, "git.pullrequest", 4)
        assert {body["eventType"] for body in bodies} == {"git.pullrequest.created", "git.pullrequest.updated"}
        assert all(body["resource"].keys() == {"pullRequestId", "url"} for body in bodies)
        assert all(headers["Authorization"].startswith("Basic ") for headers in receiver.headers)

    def test_pushes_and_builds_arrive(self, site: Site) -> None:
        """A push with the names of its branches, a build with its id alone; and the app understands both."""
        with Receiver() as receiver:
            site.public_url = receiver.url.removesuffix("/hook")
            site.onboard("Shop")
            repo = site.sim.repository({"id": site.projects["Shop"]}, "pushed")
            repo.started()
            site.sim.build(repo).complete()
            (push,), (build,) = told(receiver, "git.push", 1), told(receiver, "build.complete", 1)
        assert build["resource"].keys() == {"id", "url"}
        assert isinstance(asked_by(push), Branch)
        assert asked_by(build) == BuildRef(
            organisation=OrganisationName(NAME),
            project_id=ProjectId(site.projects["Shop"]),
            build_id=build["resource"]["id"],
        )

    def test_the_policy_waits_for_our_status(self, site: Site) -> None:
        """And for nobody else's."""
        site.onboard("Shop")
        _, pull = site.sim.repository({"id": site.projects["Shop"]}, "waits").proposed()
        other = site.sim.as_other(displayName="Mallory", uniqueName="mallory@example.com")
        path = f"{pull.path}/iterations/1/statuses"
        other.post(path, {"state": "succeeded", "context": {"genre": "scangate", "name": "source"}})
        assert "approved" not in {one["status"] for one in pull.evaluations()}
        assert pull.status("succeeded").ok
        assert {one["status"] for one in pull.evaluations()} == {"approved"}


class TestRepair:
    def test_broken_subscriptions_are_replaced_and_the_others_left(self, onboarded: Site) -> None:
        """Deleted, disabled, on probation, narrowed, too talkative, with an old password or another's mark."""
        before = onboarded.subscriptions()
        broken = before[:20]
        deleted, disabled, narrowed, talkative, aged, marked, *struck = broken
        onboarded.sim.call("DELETE", f"_apis/hooks/subscriptions/{deleted['id']}")

        def disable(one: Any) -> None:
            one["status"] = "disabledByUser"

        def narrow(one: Any) -> None:
            one["publisherInputs"]["branch"] = "main"

        def speak(one: Any) -> None:
            one["consumerInputs"]["resourceDetailsToSend"] = "all"

        def age(one: Any) -> None:
            one["consumerInputs"]["basicAuthUsername"] = "scangate-00000000"

        def mark(one: Any) -> None:
            one["consumerInputs"]["url"] = f"{HOOK_URL}?more=1"

        for one, change in ((disabled, disable), (narrowed, narrow), (talkative, speak), (aged, age), (marked, mark)):
            onboarded.change_subscription(one, change)
        strike(onboarded, struck)
        onboarded.forget_calls()

        said = onboarded.onboard("--all")
        for why in ("missing", "disabled by somebody", "narrowed by branch", "sends more", "another password"):
            assert why in said
        after = onboarded.subscriptions()
        assert {one["status"] for one in after} == {"enabled"}
        assert len(after) == EVENTS * ALL
        kept = {one["id"] for one in before} & {one["id"] for one in after}
        unharmed = [one["id"] for one in before if one["id"] not in {each["id"] for each in broken}]
        assert set(unharmed) <= kept
        onboarded.forget_calls()
        onboarded.onboard("--all")
        assert onboarded.writes() == []

    def test_a_new_one_is_made_before_the_old_one_goes(self, onboarded: Site) -> None:
        """No event falls in between."""

        def disable(one: Any) -> None:
            one["status"] = "disabledByUser"

        onboarded.change_subscription(onboarded.subscriptions()[0], disable)
        onboarded.forget_calls()
        onboarded.onboard("--all")
        assert [line.split()[0] for line in onboarded.writes()] == ["POST", "DELETE"]

    @pytest.mark.parametrize(
        ("name", "value", "why"),
        [
            ("isEnabled", False, "switched off"),
            ("isBlocking", False, "is optional now"),
            ("invalidateOnSourceUpdate", False, "does not ask again after a push"),
            ("policyApplicability", 1, "does not count always"),
            ("filenamePatterns", ["*.md"], "does not count always"),
            ("scope", [{"refName": "refs/heads/x", "matchKind": "Exact"}], "holds for other branches"),
        ],
    )
    def test_a_changed_policy_is_put_right(self, name: str, value: Any, why: str, onboarded: Site) -> None:
        """In place, so that its history stays."""
        before = onboarded.policy("Shop")

        def change(one: Any) -> None:
            (one if name in one else one["settings"])[name] = value

        onboarded.change_policy("Shop", before, change)
        said = onboarded.onboard("Shop")
        assert why in said
        assert "Done: 1 × policy replaced." in said
        assert onboarded.policy("Shop")["id"] == before["id"]
        assert "1 as wanted" in onboarded.onboard("Shop", "--dry-run")

    def test_what_is_there_twice_goes(self, onboarded: Site) -> None:
        """As an answer that was lost leaves it."""
        one = next(each for each in onboarded.subscriptions())
        onboarded.sim.post("_apis/hooks/subscriptions", one)
        policy = onboarded.policy("Shop")
        onboarded.sim.post(f"{onboarded.projects['Shop']}/_apis/policy/configurations", policy)
        said = onboarded.onboard("--all")
        assert "there twice" in said
        assert "Done: 1 × hook removed, 1 × policy removed" in said or "1 × policy removed, 1 × hook removed" in said
        assert len(onboarded.subscriptions()) == EVENTS * ALL

    def test_a_new_secret_replaces_every_subscription_and_a_new_signing_key_none(self, onboarded: Site) -> None:
        """Azure DevOps shows no password, so the user name tells which one it is."""
        onboarded.signing_keys = ("another-signing-key-of-32-characters-or-more", SIGNING_KEY)
        assert f"{ALL} as wanted" in onboarded.onboard("--all", "--dry-run")
        onboarded.hook_secrets = ("a-new-hook-secret", SECRET)
        said = onboarded.onboard("--all")
        assert f"{EVENTS * ALL} × hook replaced" in said
        assert f"{ALL} as wanted" in onboarded.onboard("--all", "--dry-run")


class TestOthers:
    def test_what_others_made_is_never_touched(self, site: Site) -> None:
        """Another address, another identity, another status, another author; what looks like ours is named."""
        other = site.sim.as_other(displayName="Robin", uniqueName="robin@example.com")
        shop = site.projects["Shop"]
        with Receiver() as receiver:
            inputs = {"projectId": shop}
            subscribe(site.sim, receiver, "git.pullrequest.created", publisher=inputs)
            subscribe(other, receiver, "git.pullrequest.created", publisher=inputs, consumer={"url": HOOK_URL})
            longer = {"url": f"{HOOK_URL}-test"}
            subscribe(site.sim, receiver, "git.pullrequest.created", publisher=inputs, consumer=longer)
            everywhere = {"url": HOOK_URL}
            subscribe(site.sim, receiver, "git.pullrequest.created", consumer=everywhere)
        others = [hand_made_policy(site, "Shop"), hand_made_policy(site, "Shop", authorId=shop)]
        site.sim.policy({"id": shop}, {"statusName": "other", "statusGenre": "scangate", "authorId": site.me()})
        before = site.standing()

        said = site.onboard("Shop")
        assert "1 subscription of another identity send" in said
        assert f"another author stays (policy {others[0]['id']}, {others[1]['id']})" in said
        assert all(one in site.standing()[0] for one in before[0])
        site.onboard("--all", "--remove")
        assert site.standing() == before

    def test_removal_takes_out_exactly_what_was_made(self, site: Site) -> None:
        """The policies first, so that nothing waits for a status that nobody posts."""
        before = site.standing()
        site.onboard("--all")
        site.forget_calls()
        said = site.onboard("--all", "--remove")
        assert f"{POLICIES * ALL} × policy removed" in said
        assert f"{EVENTS * ALL} × hook removed" in said
        assert site.standing() == before
        assert "/policy/" in site.writes()[0]
        assert "nothing to do" in site.onboard("--all", "--remove")

    def test_removal_of_some_leaves_the_others(self, onboarded: Site) -> None:
        """And a broken one is removed like a sound one."""
        strike(onboarded, onboarded.subscriptions()[:2])
        onboarded.onboard("Shop", "Team *", "--remove")
        assert len(onboarded.subscriptions()) == EVENTS * (ALL - 3)
        assert [bool(onboarded.policies(name)) for name in PROJECTS] == [False, True, True, False, False, True]
