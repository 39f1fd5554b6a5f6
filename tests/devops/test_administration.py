"""What an administrator asks for: the requests that are sent, and what is made of the answers."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from scan_core.devops import asking
from scan_core.devops.administration import EVALUATIONS_AT_ONCE, Administration
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.hooks import HookWanted, SubscriptionId
from scan_core.devops.identity import AZURE_DEVOPS_SCOPE, federated_identity, personal_access_token
from scan_core.devops.policies import STATUS_POLICY_TYPE, Scope, StatusPolicy, StatusPolicySettings
from scan_core.devops.projects import Project
from scan_core.devops.rights import Right
from tests.devops.conftest import PAT
from tests.devops.samples import IDENTITY, PROJECT, listed
from tests.devops.strict_server import Handler, Received, StrictServer, json_reply, page_reply, refusal_reply, reply

SPECIFICATIONS = Path(__file__).parents[3] / "shared" / "specs" / "azure-devops"
SUBSCRIPTION = SubscriptionId("22222222-3333-4444-5555-666666666666")
SHOP = Project(id=PROJECT, name="Shop")
HOOK = HookWanted(
    project=SHOP,
    event_type="git.pullrequest.updated",
    notification_type="PushNotification",
    url="https://gate.example/api/hooks/contoso",
    user_name="scangate-1",
)
POLICY = StatusPolicy(
    is_enabled=True,
    is_blocking=True,
    settings=StatusPolicySettings(
        status_name="source",
        status_genre="scangate",
        author_id=IDENTITY,
        invalidate_on_source_update=True,
        scope=(Scope(match_kind="DefaultBranch"),),
    ),
)
PASSWORD = SecretStr("hook-password")


def subscription(**changes: Any) -> dict[str, Any]:
    """Describe a subscription as the list does."""
    return {
        "id": SUBSCRIPTION.upper(),
        "publisherId": "tfs",
        "eventType": "git.pullrequest.updated",
        "resourceVersion": "1.0",
        "status": "enabled",
        "consumerId": "webHooks",
        "publisherInputs": {"projectId": PROJECT, "branch": None},
        "consumerInputs": {"url": "https://gate.example", "basicAuthPassword": "********"},
        "createdBy": {"id": IDENTITY.upper()},
        "createdDate": "0001-01-01T00:00:00",
        **changes,
    }


def policy(number: int = 5, **changes: Any) -> dict[str, Any]:
    """Describe a policy as the list does."""
    return {
        "id": number,
        "isEnabled": True,
        "isBlocking": True,
        "type": {"id": STATUS_POLICY_TYPE},
        "settings": POLICY.settings.as_json(),
        **changes,
    }


def well(request: Received) -> bytes:
    """Answer as Azure DevOps does when all is well."""
    path = urlsplit(request.target).path
    if request.method == "DELETE":
        return reply(204)
    if path.endswith("/permissionevaluationbatch"):
        asked = request.document["evaluations"]
        return json_reply({"evaluations": [one | {"value": one["permissions"] != 2} for one in asked]})
    if path.endswith("/ConnectionData"):
        return json_reply({"authenticatedUser": {"id": IDENTITY}})
    made: Any = subscription() if "/hooks/" in path else policy()
    if request.method in {"POST", "PUT"}:
        return json_reply(made)
    return listed({"id": PROJECT.upper(), "name": "Shop"} if path.endswith("/projects") else made)


OPERATIONS: dict[str, Callable[[Administration], Any]] = {
    "projects": lambda one: one.projects(),
    "subscriptions": lambda one: one.subscriptions(),
    "create_subscription": lambda one: one.create_subscription(HOOK, PASSWORD),
    "delete_subscription": lambda one: one.delete_subscription(SUBSCRIPTION),
    "status_policies": lambda one: one.status_policies(PROJECT),
    "create_policy": lambda one: one.create_policy(PROJECT, POLICY),
    "change_policy": lambda one: one.change_policy(PROJECT, 5, POLICY),
    "delete_policy": lambda one: one.delete_policy(PROJECT, 5),
}

type Administering = Callable[[Handler], tuple[Administration, StrictServer]]


@pytest.fixture
def administering() -> Iterator[Administering]:
    """Give a function that starts a server with a handler, and what calls it."""
    with ExitStack() as stack:

        def start(handler: Handler) -> tuple[Administration, StrictServer]:
            server = stack.enter_context(StrictServer(handler))
            made = Administration(server.url, personal_access_token(PAT))
            return stack.enter_context(closing(made)), server

        yield start


def test_answers_become_values(administering: Administering) -> None:
    """Ids in lower case, null inputs as empty texts, the rest of the answer left alone."""
    administration, _ = administering(well)
    assert administration.authenticated_id() == IDENTITY
    assert administration.projects() == (SHOP,)
    (found,) = administration.subscriptions()
    assert (found.id, found.created_by, found.status) == (SUBSCRIPTION, IDENTITY, "enabled")
    assert found.publisher_inputs == {"projectId": PROJECT, "branch": ""}
    (read,) = administration.status_policies(PROJECT)
    assert (read.id, read.policy) == (5, POLICY)
    assert administration.create_subscription(HOOK, PASSWORD) == SUBSCRIPTION
    assert administration.create_policy(PROJECT, POLICY) == 5


def test_a_subscription_asks_for_the_least(administering: Administering) -> None:
    """And carries the secret where it is confidential."""
    administration, server = administering(well)
    administration.create_subscription(HOOK, PASSWORD)
    (request,) = server.received
    assert request.document["publisherInputs"] == {"projectId": PROJECT, "notificationType": "PushNotification"}
    assert request.document["consumerInputs"] == {
        "url": HOOK.url,
        "basicAuthUsername": "scangate-1",
        "basicAuthPassword": "hook-password",
        "resourceDetailsToSend": "minimal",
        "messagesToSend": "none",
        "detailedMessagesToSend": "none",
    }


@pytest.mark.skipif(not SPECIFICATIONS.exists(), reason="needs Microsoft's swagger beside the repository")
@pytest.mark.parametrize("name", OPERATIONS)
def test_requests_are_in_the_specification(name: str, administering: Administering) -> None:
    """Path, method, query and the fields of the body."""
    administration, server = administering(well)
    OPERATIONS[name](administration)
    (request,) = server.received
    parts = urlsplit(request.target)
    area = {"projects": "core", "hooks": "serviceHooks", "policy": "policy"}[
        parts.path.split("_apis/")[1].split("/")[0]
    ]
    specification: dict[str, Any] = json.loads((SPECIFICATIONS / f"{area}.json").read_text(encoding="utf-8"))
    (operation,) = [
        methods[request.method.lower()]
        for template, methods in specification["paths"].items()
        if re.fullmatch(re.sub(r"\\{[^/]*\\}", "[^/]+", re.escape(template)), parts.path)
        and request.method.lower() in methods
    ]
    known = {one["name"] for one in operation["parameters"] if one.get("in") == "query"}
    assert {key for key, _ in parse_qsl(parts.query)} <= known
    bodies = [one for one in operation["parameters"] if one.get("in") == "body"]
    assert bool(request.body) is bool(bodies)
    if bodies:
        definition = bodies[0]["schema"]["$ref"].rpartition("/")[2]
        inherited = specification["definitions"][definition].get("allOf", [])
        fields = set(specification["definitions"][definition]["properties"])
        while inherited:
            parent = specification["definitions"][inherited[0]["$ref"].rpartition("/")[2]]
            fields |= set(parent["properties"])
            inherited = parent.get("allOf", [])
        assert set(request.document) <= fields
    assert "api-version=7.1" in request.headers["accept"]


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal_reply(403, "AccessDeniedException", "no"), DevOpsErrorKind.FORBIDDEN),
        (page_reply(203), DevOpsErrorKind.SIGNED_OUT),
        (refusal_reply(429, "RequestBlockedException", "slow", {"Retry-After": "7"}), DevOpsErrorKind.THROTTLED),
    ],
)
def test_every_refusal_is_one_request_and_one_error(
    name: str, answer: bytes, kind: DevOpsErrorKind, administering: Administering
) -> None:
    """Deletions included, whose answers are not read when all is well."""
    administration, server = administering(lambda _: answer)
    with pytest.raises(DevOpsError) as caught:
        OPERATIONS[name](administration)
    assert caught.value.kind is kind
    assert len(server.received) == 1
    assert "hook-password" not in caught.value.sentence
    assert administration.slow_down_seconds() == pytest.approx(caught.value.retry_after or 0, abs=1)


@pytest.mark.parametrize("body", [b"", b"true", b"<html>"])
def test_of_a_deletion_only_the_status_counts(body: bytes, administering: Administering) -> None:
    """Azure DevOps answers 200 or 204, with or without a body."""
    administration, _ = administering(lambda _: reply(200, body))
    administration.delete_policy(PROJECT, 5)


def pages(count: int, token: Callable[[int], str]) -> Handler:
    """Answer with pages of one project or policy; the last names no next one."""
    given = iter(range(count))

    def answer(request: Received) -> bytes:
        number = next(given)
        headers = {"X-MS-ContinuationToken": token(number)} if number + 1 < count else {}
        one = {"id": PROJECT, "name": f"P{number}"} if "/projects" in request.target else policy(number + 1)
        return json_reply({"count": 1, "value": [one]}, headers=headers)

    return answer


@pytest.mark.parametrize("name", ["projects", "status_policies"])
def test_lists_are_read_to_their_end(name: str, administering: Administering) -> None:
    """By the token in the answer's headers, which the SDK drops."""
    administration, server = administering(pages(3, lambda number: str(number + 1)))
    assert len(OPERATIONS[name](administration)) == 3
    tokens = [dict(parse_qsl(urlsplit(one.target).query)).get("continuationToken") for one in server.received]
    assert tokens == [None, "1", "2"]


@pytest.mark.parametrize("token", ["1", "abc"])
def test_a_list_that_leads_nowhere_is_malformed(token: str, administering: Administering) -> None:
    """The same page again, or a token that is no number."""
    administration, _ = administering(pages(9, lambda _: token))
    with pytest.raises(DevOpsError) as caught:
        administration.projects()
    assert caught.value.kind is DevOpsErrorKind.MALFORMED


def test_a_list_without_an_end_is_malformed(administering: Administering, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for it."""
    monkeypatch.setattr(asking, "MAX_PAGES", 4)
    administration, server = administering(pages(9, str))
    with pytest.raises(DevOpsError, match="did not end within 4 pages"):
        administration.status_policies(PROJECT)
    assert len(server.received) == 4


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("projects", {"id": "x", "name": "odd"}),
        ("subscriptions", subscription(id=None)),
        ("subscriptions", subscription(publisherInputs=["odd"])),
        ("status_policies", policy(settings={"statusName": "source", "scope": "odd"})),
        ("status_policies", policy(isEnabled="perhaps")),
    ],
)
def test_one_that_cannot_be_read_is_left_out(
    name: str, odd: dict[str, Any], administering: Administering, caplog: pytest.LogCaptureFixture
) -> None:
    """The others are read, and the log says so."""
    sound: dict[str, Any] = {"projects": {"id": PROJECT, "name": "Shop"}, "subscriptions": subscription()}
    administration, _ = administering(lambda _: listed(odd, sound.get(name, policy())))
    assert len(OPERATIONS[name](administration)) == 1
    assert "left out one" in caplog.text


def test_rights_are_asked_for_many_at_once(administering: Administering) -> None:
    """In the namespaces and by the tokens that Azure DevOps documents."""
    administration, server = administering(well)
    held = administration.rights_held([(PROJECT, right) for right in Right])
    denied = [right for (_, right), has in held.items() if not has]
    assert denied == [Right.READ_CODE, Right.EDIT_SUBSCRIPTIONS, Right.TAG_BUILDS]
    (request,) = server.received
    assert request.target.endswith("/_apis/security/permissionevaluationbatch")
    asked = {(one["token"], one["permissions"]) for one in request.document["evaluations"]}
    hooks = {(f"PublisherSecurity/{PROJECT}", bit) for bit in (1, 2, 4)}
    others = {(f"$PROJECT:vstfs:///Classification/TeamProject/{PROJECT}", 1), (PROJECT, 1), (PROJECT, 2)}
    assert asked == hooks | others | {(f"repoV2/{PROJECT}", bit) for bit in (2, 2048, 16384)}
    administration.rights_held([(PROJECT, Right.READ_CODE)] * (EVALUATIONS_AT_ONCE + 1))
    assert len(server.received) == 3


@pytest.mark.parametrize("answer", [{}, {"evaluations": [{"value": None}]}, {"evaluations": []}])
def test_a_right_without_an_answer_is_malformed(answer: dict[str, Any], administering: Administering) -> None:
    """It must not count as held, nor as missing."""
    administration, _ = administering(lambda _: json_reply(answer))
    with pytest.raises(DevOpsError, match="did not answer for each right"):
        administration.rights_held([(PROJECT, Right.READ_CODE)])


def test_a_federated_token_is_exchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a secret of ours; what is missing is told by name."""
    with pytest.raises(ValueError, match="tenant_id"):
        federated_identity("client")
    file = tmp_path / "token"
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(file))
    monkeypatch.setenv("AZURE_TENANT_ID", "11111111-2222-3333-4444-555555555555")
    authorize = federated_identity("12345678-1234-1234-1234-123456789012")
    with pytest.raises(DevOpsError, match="check the identity's federation") as caught:
        authorize()
    assert caught.value.kind is DevOpsErrorKind.SIGNED_OUT

    asked: list[str] = []

    class Token:
        token = "token-1"

    def get_token(_: object, scope: str) -> Token:
        asked.append(scope)
        return Token()

    monkeypatch.setattr("azure.identity.WorkloadIdentityCredential.get_token", get_token)
    assert authorize() == "Bearer token-1"
    assert asked == [AZURE_DEVOPS_SCOPE]
