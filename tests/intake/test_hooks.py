"""The web hook's contract: what is answered, what is queued, and in which order things are looked at."""

import json
import logging

import pytest

from scan_core.intake.hooks import LARGEST_BODY
from scan_core.model.request import LookRequest
from tests.intake.deliveries import NOW, PROJECT, REPOSITORY, SECRET, Door, basic, event, pull_request


class TestAccepted:
    def test_a_pull_request_is_queued(self) -> None:
        """One write, then 202 with the request's id."""
        door = Door()
        answer = door.deliver(event(pull_request()))
        assert (answer.status, answer.body) == (202, {"accepted": True, "request": "request-1"})
        (request,) = door.queued
        assert isinstance(request, LookRequest)
        assert request.request_id == "request-1"
        assert request.accepted_at == NOW
        assert request.of.model_dump() == {
            "kind": "pull_request",
            "organisation": "contoso",
            "project_id": PROJECT,
            "repository_id": REPOSITORY,
            "pull_request_id": 12,
        }
        assert door.counted == ["accepted"]

    def test_the_organisation_has_no_case(self) -> None:
        """Azure DevOps does not tell names apart by case, and one organisation shall not have two rows."""
        door = Door()
        assert door.deliver(event(pull_request()), organisation="Contoso").status == 202
        assert isinstance(door.queued[0], LookRequest)
        assert door.queued[0].of.organisation == "contoso"


class TestRefused:
    @pytest.mark.parametrize(
        ("organisation", "authorization"),
        [("contoso", None), ("contoso", basic("wrong")), ("unknown", basic(SECRET)), ("\u212aontoso", basic(SECRET))],
    )
    def test_wrong_credentials_and_unknown_organisations_look_alike(
        self, organisation: str, authorization: str | None
    ) -> None:
        """401 with a challenge, before anything is parsed."""
        door = Door()
        answer = door.deliver(b"{not json", authorization, organisation)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="scangate"'
        assert (door.queued, door.counted) == ([], ["unauthenticated"])

    def test_one_organisations_secret_does_not_open_another(self) -> None:
        """Secrets belong to their organisation."""
        door = Door(secrets={"contoso": ("one",), "fabrikam": ("two",)})
        assert door.deliver(event(pull_request()), basic("two")).status == 401

    @pytest.mark.parametrize("secrets", [(), ("",)])
    def test_an_organisation_without_secrets_is_never_open(self, secrets: tuple[str, ...]) -> None:
        """503, so that Azure DevOps tries again once it is configured."""
        door = Door(secrets={"contoso": secrets})
        answer = door.deliver(event(pull_request()), basic(""))
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert door.queued == []

    def test_a_body_over_the_limit(self) -> None:
        """413 over 4 MiB, and only for those who may know."""
        door = Door()
        assert door.deliver(b" " * (LARGEST_BODY + 1)).status == 413
        assert door.deliver(b" " * (LARGEST_BODY + 1), basic("wrong")).status == 401

    def test_a_body_at_the_limit(self) -> None:
        """4 MiB are read."""
        body = json.dumps(event(pull_request())).encode()
        assert Door().deliver(body.ljust(LARGEST_BODY)).status == 202

    def test_a_queue_that_fails(self, caplog: pytest.LogCaptureFixture) -> None:
        """503 with Retry-After; the log names the kind of error and none of its words."""
        door = Door(failure=ConnectionError("AccountKey=hidden"))
        with caplog.at_level(logging.DEBUG):
            answer = door.deliver(event(pull_request()))
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert door.counted == ["not_queued"]
        assert "ConnectionError" in caplog.text
        assert "hidden" not in caplog.text

    def test_an_unwanted_event_is_delivered(self) -> None:
        """200, since anything else would put the subscription on probation."""
        door = Door()
        answer = door.deliver(event(pull_request(), eventType="git.repo.created"))
        assert (answer.status, answer.body) == (200, {"accepted": False, "reason": "unwanted_event"})
        assert (door.queued, door.counted) == ([], ["unwanted_event"])
