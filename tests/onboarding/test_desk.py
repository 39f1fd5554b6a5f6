"""Onboarding ordered from the app: who may, what is answered, and what comes of it, against real storage."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from scan_core.cli import onboard_via
from scan_core.cli.main import app
from scan_core.devops.administration import Administration
from scan_core.devops.identity import personal_access_token
from scan_core.intake.answers import Answer
from scan_core.intake.bearer import SigningKeys
from scan_core.model.ids import OrganisationName
from scan_core.model.onboarding import OnboardingState
from scan_core.onboarding import desk as subject
from scan_core.onboarding.desk import Desk
from scan_core.onboarding.order import Organisation
from scan_core.onboarding.patience import Patience
from scan_core.settings.deployment import Settings
from scan_core.store.connection import Storage
from scan_core.store.onboardings import OnboardingStore
from tests.cli.organisation import EVENTS, NAME, POLICIES, PROJECTS, Site, site_in
from tests.onboarding.entra import CALLER, CLIENT, TENANT, Entra, entra
from tests.onboarding.front import front

ALL = len(PROJECTS)


@dataclass
class Office:
    """A desk with an organisation, storage and Entra behind it, and a clock."""

    site: Site
    entra: Entra
    storage: Storage
    now: datetime = datetime(2026, 11, 23, 12, tzinfo=UTC)
    audit: list[tuple[str, Any]] = field(default_factory=list)
    after_each: timedelta = timedelta()
    """How much time passes whenever somebody looks at the clock."""

    @property
    def desk(self) -> Desk:
        """The desk."""
        environment = self.site.environment(
            SCANGATE_ADMIN_TENANT_ID=TENANT,
            SCANGATE_ADMIN_CLIENT_ID=CLIENT,
            SCANGATE_ADMIN_AUTHORITY=self.entra.authority,
        )
        settings = _settings(environment)
        return Desk(
            settings=settings,
            store=OnboardingStore(self.storage),
            keys=SigningKeys(self.entra.trust.keys_url),
            reach=lambda name: self._reached(settings, name),
            audit=self._note,
            now=self._tick,
        )

    def order(self, **body: Any) -> dict[str, Any]:
        """Order, as somebody who may."""
        answer = subject.receive(self.desk, self.entra.header(), json.dumps(body).encode())
        assert answer.status == 202, answer
        assert answer.headers["Location"] == f"/api/onboarding/{answer.body['id']}"
        return answer.body

    def look(self, name: object) -> dict[str, Any]:
        """Look how far it is."""
        answer = subject.show(self.desk, self.entra.header(), str(name))
        assert answer.status == 200
        return answer.body

    def messages(self) -> list[bytes]:
        """Take the visible messages out of the queue."""
        queue = self.storage.queues.get_queue_client("onboardings")
        found = list(queue.receive_messages())
        for message in found:
            queue.delete_message(message)
        return [base64.b64decode(message.content) for message in found]

    def work(self) -> int:
        """Serve the queue until it is empty; return the number of turns."""
        turns = 0
        while served := self.messages():
            for message in served:
                subject.work(self.desk, message)
                turns += 1
        return turns

    def _tick(self) -> datetime:
        self.now += self.after_each
        return self.now

    def _note(self, _: datetime, what: str, fields: Any) -> None:
        self.audit.append((what, fields))

    @contextmanager
    def _reached(self, settings: Settings, name: OrganisationName) -> Iterator[Organisation]:
        described = settings.organisations[name]
        administration = Administration(described.url, personal_access_token(self.site.token))
        patience = Patience(lambda: 0.0, lambda _: None, lambda _: None)
        yield Organisation(name, described, settings, administration, patience)
        administration.close()


def _settings(environment: dict[str, str | None]) -> Settings:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value or "")
        return Settings()


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Entra]]:
    """Run an organisation and Entra for all tests of this file."""
    with site_in(tmp_path_factory.mktemp("office")) as site, entra() as authority:
        yield site, authority


@pytest.fixture
def office(behind: tuple[Site, Entra], storage: Storage, storage_connection: str) -> Office:
    """Give a desk with nothing onboarded."""
    site, authority = behind
    site.clear()
    return Office(replace(site, storage=storage_connection), authority, storage)


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
        off = replace(office.desk, settings=_settings(office.site.environment()))
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


class Bearer:
    """A credential that asks the stand-in for Entra."""

    def __init__(self, authority: Entra) -> None:
        self.authority = authority
        self.scopes: list[str] = []

    def get_token(self, scope: str) -> Any:
        """Sign a token."""
        self.scopes.append(scope)
        return type("Token", (), {"token": self.authority.token()})()


class TestCommandLine:
    @pytest.fixture
    def via(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        """Give what runs the command against the app, which works whenever somebody looks."""
        credential = Bearer(office.entra)
        monkeypatch.setattr(onboard_via, "_credential", lambda: credential)
        monkeypatch.setattr(onboard_via, "_LOOK_SECONDS", 0.0)
        with front(lambda: office.desk, office.work) as url:

            def run(*arguments: str) -> Result:
                result = CliRunner().invoke(app, ["onboard", *arguments, "--via", url, "--audience", CLIENT], env={})
                assert set(credential.scopes) <= {f"api://{CLIENT}/.default"}
                return result

            yield run

    def test_it_shows_the_same_as_onboarding_from_here(self, via: Any, office: Office) -> None:
        """Plan, projects, conclusion; and needs no setting of the app."""
        result = via("--all")
        assert result.exit_code == 0, result.output
        words = " ".join(result.output.split())
        assert f"{EVENTS} hooks missing" in words
        assert f"{(EVENTS + POLICIES) * ALL} changes in {ALL} projects; 0 as wanted." in words
        assert f"[{ALL}/{ALL}]" in words
        assert f"Done: {EVENTS * ALL} × hook created, {POLICIES * ALL} × policy created." in words
        here = office.site.onboard("--all")
        assert f"{ALL} as wanted" in here

    def test_a_refusal_ends_with_2_and_a_failure_with_1(self, via: Any, office: Office) -> None:
        """As from here."""
        result = via("Nowhere")
        assert (result.exit_code, "No project fits 'Nowhere'" in result.output) == (2, True)
        office.site.sim.fault("POST .*/policy/configurations", "status", status=403, count=1)
        assert via("Shop").exit_code == 1

    def test_a_dry_run_changes_nothing(self, via: Any, office: Office) -> None:
        """It is the app that plans."""
        assert via("--all", "--dry-run").exit_code == 0
        assert office.site.writes() == []

    def test_refusals_of_the_app_have_a_next_step(
        self, via: Any, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """For each a sentence, and status 2."""
        good = office.entra.claims
        for changes, words in (({"aud": "x"}, "Check --audience"), ({"roles": []}, "have the role Scangate.Onboard")):
            monkeypatch.setattr(office.entra, "claims", lambda changes=changes, **_: good(**changes))
            result = via("Shop")
            assert (result.exit_code, words in " ".join(result.output.split())) == (2, True)
        monkeypatch.setattr(office.entra, "claims", good)
        monkeypatch.setattr(office.entra, "document", None)
        assert "The app answered 503: keys_unavailable." in via("Shop").output

    def test_what_the_app_says_is_wrong_with_an_order_is_shown(self, via: Any) -> None:
        """An organisation that it does not know, say."""
        result = via("Shop", "--organisation", "x")
        assert (result.exit_code, "The app answered 400: organisation: expected one of" in _plain(result)) == (2, True)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (("--via", "http://gate.example", "--audience", "x"), "expected an address with https://"),
            (("--via", "https://gate.example"), "needs --audience"),
            (("--via", "http://127.0.0.1:9", "--audience", "x"), "could not be reached"),
        ],
    )
    def test_a_token_goes_only_where_it_may(
        self, arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch, behind: tuple[Site, Entra]
    ) -> None:
        """And nothing is begun."""
        monkeypatch.setattr(onboard_via, "_credential", lambda: Bearer(behind[1]))
        result = CliRunner().invoke(app, ["onboard", "Shop", *arguments], env={})
        assert (result.exit_code, words in _plain(result)) == (2, True), result.output

    def test_an_app_that_falls_silent_is_given_up(self, via: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """After some questions, with a next step."""
        monkeypatch.setattr(subject, "show", lambda *_: Answer(503, {}))
        result = via("Shop")
        assert (result.exit_code, "run the same command again" in _plain(result)) == (1, True)

    def test_an_answer_of_something_else_is_told(self, via: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """A proxy's page, say."""
        monkeypatch.setattr(subject, "receive", lambda *_: Answer(202, {"hello": "world"}))
        assert "cannot be read" in _plain(via("Shop"))

    def test_without_a_token_the_next_step_is_told(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Nobody is signed in."""
        from azure.core.exceptions import ClientAuthenticationError  # noqa: PLC0415 - for this test alone

        class Nobody:
            def get_token(self, _: str) -> Any:
                raise ClientAuthenticationError("a page of text")

        monkeypatch.setattr(onboard_via, "_credential", Nobody)
        arguments = ["onboard", "Shop", "--via", "http://127.0.0.1:9", "--audience", "x"]
        result = CliRunner().invoke(app, arguments, env={})
        assert (result.exit_code, "run 'az login'" in _plain(result)) == (2, True)
        assert "a page of text" not in result.output


def _plain(result: Result) -> str:
    return " ".join(result.output.split())
