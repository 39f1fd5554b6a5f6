"""Checks that are not understood: each answer names the place and what belongs there."""

import json
from typing import Any

import pytest

from tests.intake.check_requests import IMAGE, PLAN, TOKEN, URL, CheckPoint, jwt
from tests.intake.deliveries import NOW


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
