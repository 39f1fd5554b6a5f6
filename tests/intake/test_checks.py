"""The contract of checks: who may send one, what is queued, and how refusals are told."""

import base64
import hmac
import json
import logging
from typing import Any
from unittest import mock

import pytest

from scan_core.intake.checks import CheckedOrganisation
from scan_core.intake.hooks import LARGEST_BODY
from scan_core.model.request import RequestMessage
from scan_core.model.subject import StatusName
from tests.intake.check_requests import (
    CHECK_SECRET,
    HOOKS_SECRET,
    IMAGE,
    JOB,
    KEY,
    KNOWN,
    PLAN,
    TASK,
    TIMELINE,
    TOKEN,
    URL,
    CheckPoint,
    headers,
    jwt,
)
from tests.intake.deliveries import NOW, PROJECT, basic

CODE = {"code": CHECK_SECRET}


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


class TestWhoMaySend:
    @pytest.mark.parametrize("secrets", [(CHECK_SECRET,), ("old", CHECK_SECRET)])
    @pytest.mark.parametrize(
        ("authorization", "query"),
        [
            (basic(CHECK_SECRET), {}),
            (None, CODE),
            (basic("wrong"), CODE),
            ("Bearer x", CODE),
            (basic(CHECK_SECRET), {"code": "wrong"}),
        ],
    )
    def test_password_or_code(self, authorization: str | None, query: dict[str, str], secrets: tuple[str, ...]) -> None:
        """Either live secret, in the header or, where the function task puts its key, in the query."""
        point = CheckPoint({"contoso": CheckedOrganisation(URL, secrets)})
        assert point.send(query=query, Authorization=authorization).status == 200

    @pytest.mark.parametrize(
        ("organisation", "authorization", "query"),
        [
            ("contoso", None, {}),
            ("contoso", basic("wrong"), {"code": "wrong"}),
            ("contoso", basic(""), {"code": ""}),
            ("contoso", basic(HOOKS_SECRET), {"code": HOOKS_SECRET}),
            ("contoso", None, {"Code": CHECK_SECRET, "key": CHECK_SECRET}),
            ("contoso", None, {"code": "\udcff"}),
            ("unknown", basic(CHECK_SECRET), CODE),
            ("\u212aontoso", basic(CHECK_SECRET), CODE),
        ],
    )
    def test_all_others_look_alike(self, organisation: str, authorization: str | None, query: dict[str, str]) -> None:
        """401 before anything is parsed, and the hooks' secret opens no check."""
        point = CheckPoint()
        answer = point.send(b"{not json", organisation=organisation, query=query, whole=headers_of(authorization))
        assert (answer.status, answer.body) == (401, {"accepted": False, "reason": "unauthenticated"})
        assert (point.queued, point.counted) == ([], ["unauthenticated"])

    @pytest.mark.parametrize("secrets", [(), ("",)])
    def test_an_organisation_without_secrets_is_never_open(self, secrets: tuple[str, ...]) -> None:
        """503 until one is configured."""
        point = CheckPoint({"contoso": CheckedOrganisation(URL, secrets)})
        answer = point.send(query={"code": ""}, Authorization=basic(""))
        assert (answer.status, answer.body["reason"]) == (503, "not_configured")
        assert int(answer.headers["Retry-After"]) > 0

    @pytest.mark.parametrize("keys", [(), ("",)])
    @pytest.mark.parametrize("organisation", ["contoso", "unknown"])
    def test_without_a_sealing_key_no_token_is_taken(self, organisation: str, keys: tuple[str, ...]) -> None:
        """Rather none than one that lies open."""
        point = CheckPoint(keys=keys)
        assert point.send(organisation=organisation).status == 503
        assert point.queued == []

    @pytest.mark.parametrize("secrets", [None, ("one",), ("one", "two")])
    @pytest.mark.parametrize("query", [{}, {"code": "one"}, {"code": "wrong"}])
    @pytest.mark.parametrize("authorization", [None, "Basic !!!!", basic("one"), basic("wrong")])
    def test_every_answer_costs_the_same(
        self, authorization: str | None, query: dict[str, str], secrets: tuple[str, ...] | None
    ) -> None:
        """As many comparisons for an unknown organisation as for one with two secrets, matching or not."""
        organisations = {} if secrets is None else {"contoso": CheckedOrganisation(URL, secrets)}
        with mock.patch("hmac.compare_digest", wraps=hmac.compare_digest) as compare:
            CheckPoint(organisations).send(whole=headers_of(authorization), query=query)
        assert compare.call_count == 4

    def test_a_body_over_the_limit(self) -> None:
        """413 over 4 MiB, and only for those who may know."""
        point = CheckPoint()
        assert point.send(b" " * LARGEST_BODY).status == 200
        assert point.send(b" " * (LARGEST_BODY + 1)).status == 413
        assert point.send(b" " * (LARGEST_BODY + 1), Authorization=None).status == 401


def headers_of(authorization: str | None) -> dict[str, str]:
    """Write good headers with other credentials."""
    return headers(Authorization=authorization)


class TestRefused:
    @pytest.mark.parametrize(
        "name", ["PlanUrl", "ProjectId", "HubName", "PlanId", "JobId", "TaskInstanceId", "AuthToken"]
    )
    @pytest.mark.parametrize("value", [None, "", " "])
    def test_a_header_that_is_missing_is_named(self, name: str, value: str | None) -> None:
        """With the variable that belongs there."""
        body = self.told(CheckPoint(), b"", **{name: value})
        assert (body["reason"], body["field"]) == ("missing_header", name)
        assert "$(system." in str(body["expected"])

    @pytest.mark.parametrize("name", ["PlanUrl", "ProjectId", "HubName", "PlanId", "AuthToken", "BuildId"])
    def test_a_variable_that_was_not_replaced_is_told(self, name: str) -> None:
        """As Azure Pipelines leaves one that it does not know."""
        body = self.told(CheckPoint(), b"", **{name: "$(sytem.Misspelt)"})
        assert (body["reason"], body["field"]) == ("not_replaced", name)

    @pytest.mark.parametrize("name", ["ProjectId", "PlanId", "JobId", "TaskInstanceId", "TimelineId"])
    @pytest.mark.parametrize("value", ["x", PLAN + "0", f"{{{PLAN}}}", PLAN.replace("-", ""), "../" + PLAN])
    def test_what_is_no_guid(self, name: str, value: str) -> None:
        """It would stand in a URL."""
        body = self.told(CheckPoint(), b"", **{name: value})
        assert (body["reason"], body["field"]) == ("bad_header", name)

    @pytest.mark.parametrize("value", ["0", "-1", "31.0", "031", "\uff13\uff11", str(2**31), "9" * 40])
    def test_what_is_no_build(self, value: str) -> None:
        """Nothing is guessed."""
        assert self.told(CheckPoint(), b"", BuildId=value)["reason"] == "bad_header"

    @pytest.mark.parametrize("hub", ["x", "build/../checks", "builds", "ch\u212aecks"])
    def test_an_unknown_hub(self, hub: str) -> None:
        """The known ones are named."""
        body = self.told(CheckPoint(), b"", HubName=hub)
        assert body["reason"] == "unknown_hub"
        assert "checks" in str(body["expected"])

    @pytest.mark.parametrize("url", ["https://dev.azure.com/fabrikam", "https://dev.azure.com.evil.example/contoso"])
    def test_a_plan_elsewhere(self, url: str) -> None:
        """The token goes nowhere, not even into the queue."""
        body = self.told(CheckPoint(), b"", PlanUrl=url)
        assert (body["reason"], body["field"]) == ("plan_elsewhere", "PlanUrl")
        assert URL in str(body["expected"])

    @pytest.mark.parametrize("token", ["a b", "a\nb", "é" * 20, "a" * 8193, "=a", "<x>"])
    def test_what_is_no_token(self, token: str) -> None:
        """None of it is repeated."""
        assert self.told(CheckPoint(), b"", AuthToken=token)["reason"] == "bad_header"

    @pytest.mark.parametrize("seconds", [0, -1, -1e9])
    def test_a_token_that_has_expired(self, seconds: float) -> None:
        """It could answer nothing any more."""
        body = self.told(CheckPoint(), b"", AuthToken=jwt(exp=NOW.timestamp() + seconds))
        assert (body["reason"], body["field"]) == ("token_expired", "AuthToken")

    @pytest.mark.parametrize(
        ("body", "reason", "field", "words"),
        [
            (b"{", "bad_body", "body", "JSON object"),
            (b"\xff", "bad_body", "body", "JSON object"),
            (b"[]", "bad_body", "body", "JSON object"),
            (b"null", "bad_body", "body", "JSON object"),
            ({"image": [IMAGE]}, "unknown_key", "image", "'images' is near"),
            ({"BuildID": 31}, "unknown_key", "BuildID", "'buildId' is near"),
            ({"Judge": ["image"]}, "unknown_key", "Judge", "'judge' is near"),
            ({"zzz": 1}, "unknown_key", "zzz", "one of judge, images, mode, buildId"),
            ({"<b>": 1}, "unknown_key", "body", "one of judge, images, mode, buildId"),
            ({TOKEN: 1}, "unknown_key", "body", "one of judge, images, mode, buildId"),
            ({"judge": "image"}, "bad_value", "judge", "a list"),
            ({"judge": []}, "bad_value", "judge", "a list"),
            ({"judge": ["secrets"]}, "bad_value", "judge", "source or image"),
            ({"judge": [["image"]]}, "bad_value", "judge", "a list"),
            ({"judge": ["image"] * 3}, "bad_value", "judge", "a list"),
            ({"judge": ["source"], "images": [IMAGE]}, "bad_value", "images", "leaves them out"),
            ({"images": IMAGE}, "bad_value", "images", "a list of 1 to 20"),
            ({"images": []}, "bad_value", "images", "leave it out"),
            ({"images": [IMAGE] * 21}, "bad_value", "images", "a list of 1 to 20"),
            ({"images": [7]}, "bad_value", "images", "a list of 1 to 20"),
            ({"images": [IMAGE, "shop/web:31"]}, "bad_image", "images[1]", "registry's host"),
            ({"images": [IMAGE, IMAGE, "contoso.azurecr.io/web"]}, "bad_image", "images[2]", "neither tag nor digest"),
            ({"images": ["contoso.azurecr.io/web:$(Build.BuildId)"]}, "bad_image", "images[0]", "'$'"),
            ({"images": [f"{IMAGE};curl evil"]}, "bad_image", "images[0]", "';'"),
            ({"images": ["user:password@contoso.azurecr.io/web:1"]}, "bad_image", "images[0]", "sha256"),
            ({"images": ["https://contoso.azurecr.io/web:1"]}, "bad_image", "images[0]", "scheme"),
            ({"mode": "Callback"}, "bad_value", "mode", "callback or answer"),
            ({"mode": 7}, "bad_value", "mode", "callback or answer"),
            ({"buildId": "x"}, "bad_value", "buildId", "number"),
            ({"buildId": True}, "bad_value", "buildId", "number"),
            ({"buildId": 0}, "bad_value", "buildId", "number"),
            ({"buildId": 32}, "bad_value", "buildId", "header BuildId"),
        ],
        ids=lambda value: None if isinstance(value, dict) else str(value)[:30],
    )
    def test_a_body_that_is_not_understood(self, body: Any, reason: str, field: str, words: str) -> None:
        """With the place and what belongs there."""
        told = self.told(CheckPoint(), body)
        assert (told["reason"], told["field"]) == (reason, field)
        assert words in str(told["expected"])

    @staticmethod
    def told(point: CheckPoint, body: Any, **changes: Any) -> dict[str, object]:
        """Send a check that is refused, and give the answer's body."""
        answer = point.send(body, **changes)
        assert answer.status == 400, answer
        assert answer.body.keys() == {"accepted", "reason", "field", "expected"}
        assert answer.body["accepted"] is False
        assert (point.queued, point.counted) == ([], [answer.body["reason"]])
        assert TOKEN not in json.dumps(answer.body)
        return answer.body


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
            CheckPoint(failure=OSError(TOKEN)).send(whole=changed, query=CODE)
    for hidden in (TOKEN, CHECK_SECRET, "wrong-secret", KEY, PLAN):
        assert hidden not in caplog.text
