"""Who gets in, how far, and what the others are told."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from local.arm.identity import Identities
from local.registry.access import Access, Principal, parse_access
from local.registry.names import Scope
from local.registry.tokens import Tokens, key_in
from tests.local.registry.driver import ADMIN, HEADER, TEAM, Client, Clock, challenge, code

NULL_USER = "00000000-0000-0000-0000-000000000000"
PULL = "repository:team/app:pull"


def claims(token: str) -> dict[str, Any]:
    """Read what a token says."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def managed(audience: str, name: str | None = None) -> str:
    """Get the token of a managed identity, as the stand-in for Azure Resource Manager gives it."""
    identities = Identities(HEADER)
    header = HEADER if name is None else identities.container_header("one", (name,))
    query = {"api-version": "2019-08-01", "resource": audience} | ({"client_id": name} if name else {})
    return str(identities.answer({"x-identity-header": header}, query)["access_token"])


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/", None),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("GET", "/v2/team/app/tags/list", PULL),
        ("HEAD", "/v2/team/app/manifests/1", PULL),
        ("GET", "/v2/none/manifests/1", "repository:none:pull"),
        ("PUT", "/v2/team/app/manifests/1", "repository:team/app:pull,push"),
        ("POST", "/v2/team/app/blobs/uploads/", "repository:team/app:pull,push"),
        ("GET", "/v2/nothing", None),
    ],
)
def test_nobody_is_told_where_to_get_what(steady: Client, method: str, path: str, scope: str | None) -> None:
    """Realm, service and scope stand in the challenge; nothing else is told before."""
    answer = steady.ask(method, path, auth=None)
    assert answer.status_code == 401
    expected = {"realm": f"{steady.registry.url}/oauth2/token", "service": steady.registry.host}
    assert challenge(answer) == expected | ({"scope": scope} if scope else {})
    if method == "GET":
        assert code(answer) == "UNAUTHORIZED"


def test_an_entra_token_becomes_one_for_a_repository(steady: Client) -> None:
    """By way of a refresh token, with the claims that Azure documents."""
    steady.tagged("team/app", "1")
    refresh = steady.exchange(tenant="t").json()["refresh_token"]
    assert claims(refresh)["grant_type"] == "refresh_token"
    token = steady.bearer(PULL)
    said = claims(token)
    assert (said["aud"], said["sub"], said["exp"] - said["iat"]) == (steady.registry.host, "app", 4500)
    assert said["access"] == [{"type": "repository", "name": "team/app", "actions": ["pull"]}]
    assert steady.get("/v2/team/app/manifests/1", bearer=token).status_code == 200
    assert steady.get("/v2/", bearer=token).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/team/other/manifests/1"),
        ("PUT", "/v2/team/app/manifests/1"),
        ("POST", "/v2/team/app/blobs/uploads/"),
        ("GET", "/v2/_catalog"),
    ],
)
def test_a_token_holds_for_one_repository_and_action(steady: Client, method: str, path: str) -> None:
    """For others it lacks scope, and the challenge says which."""
    answer = steady.ask(method, path, bearer=steady.bearer(PULL))
    assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")
    assert challenge(answer)["error"] == "insufficient_scope"
    assert challenge(answer)["scope"]


def test_tokens_expire(client: Client, clock: Clock) -> None:
    """The access token first, then the refresh token."""
    client.tagged("team/app", "1")
    token = client.bearer(PULL)
    refresh = client.exchange().json()["refresh_token"]
    clock.now += 4499
    assert client.get("/v2/team/app/manifests/1", bearer=token).status_code == 200
    clock.now += 1
    answer = client.get("/v2/team/app/manifests/1", bearer=token)
    assert (answer.status_code, challenge(answer)["error"]) == (401, "invalid_token")
    assert client.token(PULL, refresh_token=refresh).status_code == 200
    clock.now += 3 * 3600
    assert code(client.token(PULL, refresh_token=refresh)) == "UNAUTHORIZED"


def test_a_token_of_another_service_is_worthless(client: Client, tmp_path: Path) -> None:
    """Even where the key is the same."""
    other = Tokens(key_in(tmp_path / "registry"), "other.azurecr.io").give("access_token", "admin", 60)
    assert challenge(client.get("/v2/", bearer=other))["error"] == "invalid_token"


@pytest.mark.parametrize("spoil", ["x", "", "a.b.c"])
def test_a_forged_token_is_worthless(steady: Client, spoil: str) -> None:
    """As is a refresh token in the place of an access token."""
    answer = steady.get("/v2/", bearer=f"{steady.bearer(PULL)[:-4]}{spoil}")
    assert challenge(answer)["error"] == "invalid_token"
    refresh = steady.exchange().json()["refresh_token"]
    assert challenge(steady.get("/v2/", bearer=refresh))["error"] == "invalid_token"


@pytest.mark.parametrize("header", ["Digest x", "Basic ###", "Basic YQ==", "Basic /w=="])
def test_other_credentials_are_none(steady: Client, header: str) -> None:
    """They are challenged like nobody."""
    assert steady.get("/v2/", auth=None, Authorization=header).status_code == 401


def test_a_password_opens_what_its_user_may(steady: Client) -> None:
    """Directly; what the user may not is denied, a wrong password challenged."""
    steady.tagged("secret", "1")
    assert steady.get("/v2/secret/manifests/1", auth=ADMIN).status_code == 200
    denied = steady.get("/v2/secret/manifests/1", auth=TEAM)
    assert (denied.status_code, code(denied)) == (403, "DENIED")
    assert steady.get("/v2/_catalog", auth=TEAM).status_code == 403
    wrong = steady.get("/v2/", auth=("team", "wrong"))
    assert (wrong.status_code, code(wrong)) == (401, "UNAUTHORIZED")


def ask_token(client: Client, path: str = "/oauth2/token", auth: tuple[str, str] | None = None, **query: Any) -> Any:
    """Ask for a token with a name and a password."""
    return client.http.get(path, params={"service": client.registry.host, **query}, auth=auth)


def test_a_user_gets_the_part_of_a_scope_that_it_may_have(steady: Client) -> None:
    """And is denied where that is nothing."""
    answer = ask_token(steady, auth=TEAM, scope=["repository:team/app:pull,push repository:secret:pull", PULL])
    assert claims(answer.json()["access_token"])["access"] == [
        {"type": "repository", "name": "team/app", "actions": ["pull", "push"]},
        {"type": "repository", "name": "team/app", "actions": ["pull"]},
    ]
    denied = ask_token(steady, auth=TEAM, scope="repository:secret:pull")
    assert (denied.status_code, code(denied)) == (403, "DENIED")
    assert ask_token(steady, auth=("team", "wrong"), scope=PULL).status_code == 401
    assert steady.http.get("/oauth2/token", headers={"Authorization": "Bearer x"}).status_code == 401
    assert steady.get("/v2/", bearer=ask_token(steady, auth=TEAM).json()["access_token"]).status_code == 200


def test_elsewhere_the_answer_has_another_name(client: Client) -> None:
    """As at registries that are not Azure's."""
    answer = ask_token(client, "/token", TEAM, scope=PULL).json()
    assert set(answer) == {"token", "expires_in", "issued_at"}
    assert client.get("/v2/team/app/tags/list", bearer=answer["token"]).status_code == 404


@pytest.mark.parametrize("kind", ["refresh", "access"])
def test_a_token_may_be_the_password_of_nobody(steady: Client, kind: str) -> None:
    """Of the user whose name is the null GUID; it gives no more than it has."""
    token = steady.exchange().json()["refresh_token"] if kind == "refresh" else steady.bearer(PULL)
    login = (NULL_USER, token)
    steady.tagged("team/app", "1")
    steady.tagged("team/other", "1")
    assert ask_token(steady, auth=login, scope="repository:team/app:pull,push").status_code == 200
    assert steady.get("/v2/team/app/manifests/1", auth=login).status_code == 200
    other = steady.get("/v2/team/other/manifests/1", auth=login)
    assert other.status_code == (200 if kind == "refresh" else 403)
    assert steady.get("/v2/", auth=(NULL_USER, "nonsense")).status_code == 401


def test_anybody_may_pull_what_is_public(steady: Client) -> None:
    """With a token all the same, and nothing else."""
    steady.tagged("public/base", "1")
    assert steady.get("/v2/public/base/manifests/1", auth=None).status_code == 401
    token = ask_token(steady, scope="repository:public/base:pull,push").json()["access_token"]
    assert steady.get("/v2/public/base/manifests/1", bearer=token).status_code == 200
    assert steady.ask("POST", "/v2/public/base/blobs/uploads/", bearer=token).status_code == 401
    assert code(ask_token(steady, scope=PULL)) == "UNAUTHORIZED"
    assert ask_token(steady, auth=(NULL_USER, token), scope="repository:public/base:pull").status_code == 200
    form = {"grant_type": "password", "service": steady.registry.host, "scope": "repository:public/base:pull"}
    assert steady.http.post("/oauth2/token", data=form).status_code == 200


def test_a_password_may_come_in_a_form(steady: Client) -> None:
    """As OAuth 2 has it."""
    form = {"grant_type": "password", "service": steady.registry.host, "scope": PULL, "username": TEAM[0]}
    assert steady.http.post("/oauth2/token", data={**form, "password": TEAM[1]}).status_code == 200
    assert steady.http.post("/oauth2/token", data={**form, "password": "wrong"}).status_code == 401


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"grant_type": "client_credentials"}, 400),
        ({"service": "other.azurecr.io"}, 401),
        ({"scope": "nonsense"}, 400),
        ({"scope": "plugin:x:pull"}, 400),
        ({"scope": "registry:other:*"}, 403),
        ({"refresh_token": "nonsense"}, 401),
    ],
)
def test_a_wrong_request_for_a_token_is_refused(steady: Client, change: dict[str, str], status: int) -> None:
    """Each with what it is."""
    answer = steady.token(**{"scope": PULL, **change})
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        ({"grant_type": "refresh_token"}, 400, "UNSUPPORTED"),
        ({"service": "other.azurecr.io"}, 401, "UNAUTHORIZED"),
        ({"token": "nonsense"}, 401, "UNAUTHORIZED"),
        ({"token": "entra-stranger-0123456789"}, 403, "DENIED"),
    ],
)
def test_a_wrong_exchange_is_refused(steady: Client, change: dict[str, str], status: int, expected: str) -> None:
    """A stranger to the registry is denied, a token that nobody accepts is worth nothing."""
    answer = steady.exchange(**change)
    assert (answer.status_code, code(answer)) == (status, expected)


def test_forms_are_forms(steady: Client) -> None:
    """Of a sensible size, with one value each, and posted."""
    assert steady.http.post("/oauth2/exchange", json={}).status_code == 400
    assert steady.http.post("/oauth2/exchange", data={"x": "y" * (1 << 18)}).status_code == 413
    assert steady.http.post("/oauth2/exchange", data={"grant_type": ["a", "b"]}).status_code == 400
    for method, path in (("GET", "/oauth2/exchange"), ("PUT", "/oauth2/token"), ("POST", "/token")):
        answer = steady.http.request(method, path)
        assert code(answer) == "UNSUPPORTED"


def test_managed_identities_are_known_by_their_tokens(steady: Client) -> None:
    """Where they are meant for a registry or for Azure Resource Manager."""
    for audience in ("https://containerregistry.azure.net", "https://management.azure.com/"):
        assert steady.exchange(managed(audience)).status_code == 200
    assert steady.exchange(managed("https://vault.azure.net")).status_code == 401
    assert steady.exchange(managed("https://containerregistry.azure.net", "another")).status_code == 401


def test_a_registry_may_be_public_as_a_whole() -> None:
    """Its catalog is not."""
    anybody = Access(principals=(), public=("*",)).anonymous()
    assert anybody.allowed(Scope("repository", "any/thing", frozenset({"pull", "push"}))) is not None
    assert anybody.allowed(Scope("registry", "catalog", frozenset({"*"}))) is None


def test_an_arrangement_is_read_from_json() -> None:
    """What is wrong with it is told without its secrets."""
    read = parse_access(json.dumps({"principals": [{"name": "a", "password": "p" * 16, "grants": {"*": ["pull"]}}]}))
    assert read.user == ("a", "p" * 16)
    with pytest.raises(LookupError):
        _ = read.entra_token
    nobody = Access(principals=(Principal(name="x", grants={}),))
    with pytest.raises(LookupError):
        _ = nobody.user
    with pytest.raises(ValidationError) as caught:
        parse_access('{"principals": [{"name": "a", "password": "short-secret", "grants": {}}]}')
    assert "short-secret" not in str(caught.value)
    assert "p" * 16 not in repr(read)
    with pytest.raises(ValueError, match="Expecting value"):
        parse_access("")
