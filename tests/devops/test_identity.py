"""Who calls."""

import base64

import pytest
from pydantic import SecretStr

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.identity import AZURE_DEVOPS_SCOPE, managed_identity, personal_access_token
from tests.devops.strict_server import Answer, Received, StrictServer, json_reply, reply

CLIENT = "12345678-1234-1234-1234-123456789012"


@pytest.mark.parametrize("pat", ["token", SecretStr("token")])
def test_a_personal_access_token_is_basic_without_a_user(pat: str | SecretStr) -> None:
    """As Azure DevOps documents it."""
    scheme, _, value = personal_access_token(pat)().partition(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", b":token")


@pytest.mark.parametrize("pat", ["", SecretStr("")])
def test_an_empty_personal_access_token_is_refused(pat: str | SecretStr) -> None:
    """It would call as nobody."""
    with pytest.raises(ValueError, match="it is empty"):
        personal_access_token(pat)


def tokens(request: Received) -> Answer:
    """Answer as an app's own identity endpoint does."""
    assert request.headers["x-identity-header"] == "of-the-app"
    return json_reply({"access_token": "token-1", "expires_on": "4102444800", "resource": "x", "token_type": "Bearer"})


def as_app(monkeypatch: pytest.MonkeyPatch, server: StrictServer) -> None:
    """Pretend to run in Azure Functions, whose identity endpoint is named by the environment."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{server.port}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "of-the-app")


@pytest.mark.parametrize("client_id", [None, CLIENT])
def test_a_managed_identity_is_a_bearer_that_is_asked_for_once(
    client_id: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """azure-identity keeps the token until it is due."""
    with StrictServer(tokens) as server:
        as_app(monkeypatch, server)
        authorization = managed_identity(client_id)
        assert [authorization(), authorization()] == ["Bearer token-1"] * 2
        (request,) = server.received
    assert f"resource={AZURE_DEVOPS_SCOPE.removesuffix('/.default')}" in request.target
    assert (f"client_id={CLIENT}" in request.target) is (client_id is not None)


@pytest.mark.parametrize(
    "answer", [json_reply({"error": "no identity", "secret": "s3cr3t"}, 400), reply(200, b"not json s3cr3t")]
)
def test_a_managed_identity_without_a_token_is_signed_out(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says what to check, without what the endpoint said."""
    with StrictServer(lambda _: answer) as server:
        as_app(monkeypatch, server)
        with pytest.raises(DevOpsError, match="check that the identity is assigned") as caught:
            managed_identity(None)()
    assert caught.value.kind is DevOpsErrorKind.SIGNED_OUT
    assert "s3cr3t" not in str(caught.value)
