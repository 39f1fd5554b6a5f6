"""Who may send a check: either secret in either place, and all others look alike."""

import hmac
from unittest import mock

import pytest

from scan_core.intake.checks import CheckedOrganisation
from scan_core.intake.hooks import LARGEST_BODY
from tests.intake.check_requests import CHECK_SECRET, HOOKS_SECRET, URL, CheckPoint, headers
from tests.intake.deliveries import basic

CODE = {"code": CHECK_SECRET}


def headers_of(authorization: str | None) -> dict[str, str]:
    """Write good headers with other credentials."""
    return headers(Authorization=authorization)


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
