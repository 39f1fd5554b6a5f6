"""The contract of checks: what is queued, what a body may say, and what is answered at once."""

import base64
import logging
from typing import Any

import pytest

from scan_core.model.request import RequestMessage
from scan_core.model.subject import StatusName
from tests.intake.check_requests import (
    CHECK_SECRET,
    IMAGE,
    JOB,
    KEY,
    KNOWN,
    PLAN,
    TASK,
    TIMELINE,
    TOKEN,
    CheckPoint,
    headers,
    jwt,
)
from tests.intake.deliveries import NOW, PROJECT, basic


class TestAccepted:
    def test_a_check_is_queued(self) -> None:
        """One write, then 200 with words for whoever reads the pipeline."""
        point = CheckPoint()
        answer = point.send()
        assert answer.status == 200
        assert (answer.body["accepted"], answer.body["request"]) == (True, "request-1")
        assert "Scangate" in str(answer.body["message"])
        assert point.check().model_dump(exclude={"sealed_token"}) == {
            "kind": "check",
            "organisation": "contoso",
            "project_id": PROJECT,
            "hub": "checks",
            "plan_id": PLAN,
            "job_id": JOB,
            "task_id": TASK,
            "timeline_id": TIMELINE,
            "build_id": 31,
            "judges": (StatusName.IMAGE,),
            "images": (),
        }
        assert point.counted == ["accepted"]

    def test_its_token_is_sealed(self) -> None:
        """Nothing that is queued holds it, and it opens for this check."""
        point = CheckPoint()
        point.send()
        assert point.token() == TOKEN
        assert TOKEN.encode() not in RequestMessage.dump_json(point.queued[0])

    def test_the_same_check_again_is_the_same_subject(self) -> None:
        """Azure Pipelines may send it twice; the sealed token differs each time."""
        first, second = CheckPoint(), CheckPoint()
        first.send()
        second.send(AuthToken=jwt(exp=NOW.timestamp() + 1))
        assert first.check().subject == second.check().subject
        assert first.check().sealed_token != second.check().sealed_token

    def test_the_largest_one_fits_into_a_message(self) -> None:
        """A queue's message holds 64 KiB of base64."""
        point = CheckPoint()
        images = [f"{'r' * 60}.azurecr.io/{'n' * 180}:{'t' * 126}{number:02}" for number in range(20)]
        assert point.send({"images": images}, AuthToken="a" * 8192).status == 200
        assert len(point.check().images) == 20
        assert len(base64.b64encode(RequestMessage.dump_json(point.queued[0]))) < 64 * 1024

    @pytest.mark.parametrize("hub", ["build", "Build", "checks", "Gates", "release", "deployment"])
    def test_hubs_are_known_without_case(self, hub: str) -> None:
        """As they are written in URLs of theirs."""
        point = CheckPoint()
        assert point.send(HubName=hub).status == 200
        assert point.check().hub == hub.lower()

    @pytest.mark.parametrize("timeline", [None, "", "  ", "$(system.TimelineId)"])
    def test_a_timeline_may_be_absent(self, timeline: str | None) -> None:
        """Checks are not always told theirs."""
        point = CheckPoint()
        assert point.send(TimelineId=timeline).status == 200
        assert point.check().timeline_id is None

    def test_header_names_have_no_case_and_values_no_blanks_around_them(self) -> None:
        """As HTTP has it; ids in upper case are the same ids."""
        point = CheckPoint()
        whole = {name.upper(): f" {value} " for name, value in headers(PlanId=PLAN.upper()).items()}
        assert point.send(whole=whole, organisation="Contoso").status == 200
        assert point.check().plan_id == PLAN

    @pytest.mark.parametrize(
        ("header", "body", "build"),
        [("31", b"", 31), (None, {"buildId": 31}, 31), (None, {"buildId": "31"}, 31), ("31", {"buildId": 31}, 31)],
    )
    def test_the_build_stands_in_header_or_body(self, header: str | None, body: Any, build: int) -> None:
        """Only the check's author can name it."""
        point = CheckPoint()
        assert point.send(body, BuildId=header).status == 200
        assert point.check().build_id == build

    def test_a_check_may_name_no_build(self) -> None:
        """Then it names its images, or finds nothing to judge."""
        point = CheckPoint()
        assert point.send({"images": [IMAGE]}, BuildId=None).status == 200
        assert (point.check().build_id, point.check().images) == (None, (IMAGE,))

    @pytest.mark.parametrize("token", [TOKEN, "opaque", "a.b.c", "x" * 8192, jwt(exp="soon"), jwt(exp=True), jwt()])
    def test_a_token_whose_end_cannot_be_read_is_taken(self, token: str) -> None:
        """What is in it is its issuer's business."""
        point = CheckPoint()
        assert point.send(AuthToken=token).status == 200
        assert point.token() == token


class TestBodies:
    @pytest.mark.parametrize("body", [b"", b"  \r\n", {}, {"judge": None, "images": None, "mode": None}])
    def test_it_may_be_left_out(self, body: Any) -> None:
        """Images of the build, by callback."""
        point = CheckPoint()
        assert point.send(body).status == 200
        assert (point.check().judges, point.check().images) == ((StatusName.IMAGE,), ())

    @pytest.mark.parametrize(
        ("asked", "judged"),
        [
            (["image"], ("image",)),
            (["source"], ("source",)),
            (["image", "source"], ("source", "image")),
            (["image", "image"], ("image",)),
        ],
    )
    def test_it_says_what_to_judge(self, asked: list[str], judged: tuple[str, ...]) -> None:
        """Each once, in one order."""
        point = CheckPoint()
        point.send({"judge": asked})
        assert point.check().judges == judged

    def test_it_names_images(self) -> None:
        """By tag, digest or both, each once."""
        digest = f"contoso.azurecr.io/shop/web@sha256:{'a' * 64}"
        point = CheckPoint()
        assert point.send({"images": [IMAGE, digest, IMAGE], "mode": "callback"}).status == 200
        assert point.check().images == (IMAGE, digest)


class TestAnswerMode:
    BODY: dict[str, Any] = {"mode": "answer"}  # noqa: RUF012 - never changed

    def test_what_is_known_is_answered_at_once(self) -> None:
        """And the build is looked at, so that the next evaluation knows more."""
        point = CheckPoint()
        answer = point.send(self.BODY)
        assert answer.status == 200
        assert answer.body.items() >= {**KNOWN, "accepted": True, "request": "request-1"}.items()
        assert (point.build().project_id, point.build().build_id) == (PROJECT, 31)
        assert point.counted == ["answered"]

    @pytest.mark.parametrize("token", [None, "a b", jwt(exp=1), TOKEN])
    def test_no_token_is_needed_or_kept(self, token: str | None) -> None:
        """Nobody calls back."""
        point = CheckPoint()
        assert point.send(self.BODY, AuthToken=token).status == 200
        assert TOKEN.encode() not in RequestMessage.dump_json(point.queued[0])

    def test_it_needs_a_build(self) -> None:
        """Known is what a build is known to have made."""
        answer = CheckPoint().send(self.BODY, BuildId=None)
        assert (answer.status, answer.body["reason"], answer.body["field"]) == (400, "no_build", "BuildId")

    @pytest.mark.parametrize(
        ("name", "value"), [("images", [IMAGE]), ("judge", ["source"]), ("judge", ["image", "source"])]
    )
    def test_it_answers_for_the_images_of_a_build_alone(self, name: str, value: Any) -> None:
        """For anything else the answer would be unknown for ever."""
        answer = CheckPoint().send({**self.BODY, name: value})
        assert (answer.status, answer.body["reason"], answer.body["field"]) == (400, "bad_value", name)

    def test_what_cannot_be_read_is_asked_for_again(self, caplog: pytest.LogCaptureFixture) -> None:
        """503; the log names the kind of error and none of its words."""
        point = CheckPoint(known=ConnectionError("AccountKey=hidden"))
        with caplog.at_level(logging.DEBUG):
            answer = point.send(self.BODY)
        assert (answer.status, answer.body["reason"]) == (503, "not_answered")
        assert point.counted == ["not_answered"]
        assert "ConnectionError" in caplog.text
        assert "hidden" not in caplog.text


@pytest.mark.parametrize("body", [b"", {"mode": "answer"}])
def test_a_queue_that_fails(body: Any, caplog: pytest.LogCaptureFixture) -> None:
    """503 with Retry-After: what is not queued is not accepted."""
    point = CheckPoint(failure=ConnectionError("AccountKey=hidden"))
    with caplog.at_level(logging.DEBUG):
        answer = point.send(body)
    assert (answer.status, answer.body["reason"]) == (503, "not_queued")
    assert int(answer.headers["Retry-After"]) > 0
    assert point.counted == ["not_queued"]
    assert "hidden" not in caplog.text


def test_nothing_of_the_headers_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the token nor the secret, whether the check is taken or not."""
    with caplog.at_level(logging.DEBUG):
        for changed in (headers(), headers(PlanId="x"), headers(Authorization=basic("wrong-secret"))):
            CheckPoint().send(whole=changed)
            CheckPoint(failure=OSError(TOKEN)).send(whole=changed, query={"code": CHECK_SECRET})
    for hidden in (TOKEN, CHECK_SECRET, "wrong-secret", KEY, PLAN):
        assert hidden not in caplog.text
