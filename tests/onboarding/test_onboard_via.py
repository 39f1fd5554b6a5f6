"""Onboarding ordered on the command line: the app does the work, and the command shows how far it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from scan_core.cli import onboard_via
from scan_core.cli.main import app
from scan_core.intake.answers import Answer
from scan_core.onboarding import desk as subject
from tests.cli.organisation import EVENTS, POLICIES, PROJECTS, Site
from tests.onboarding.entra import CLIENT, Entra
from tests.onboarding.front import front
from tests.onboarding.office import Office

ALL = len(PROJECTS)


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
