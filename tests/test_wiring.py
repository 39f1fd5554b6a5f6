"""What is built once from settings: the doors to storage, to organisations and to their registries."""

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from scan_core import wiring
from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.model.ids import OrganisationName
from scan_core.model.image import image_reference
from scan_core.registry.access import ENTRA_SCOPE
from scan_core.registry.client import RegistryClient
from scan_core.registry.refusals import RefusalKind, RegistryRefused
from tests.wired import ORGANISATION, PAT, configured, unconfigured

__all__ = ["configured", "unconfigured"]


class TestBuilt:
    def test_everything_is_built_once(self, configured: pytest.MonkeyPatch) -> None:
        """Connections are kept between invocations."""
        assert wiring.services() is wiring.services()
        assert wiring.services().devops(OrganisationName(ORGANISATION)) is wiring.services().devops(
            OrganisationName(ORGANISATION)
        )
        assert wiring.services().now().utcoffset() is not None

    def test_an_organisation_of_others_is_not_found(self, configured: pytest.MonkeyPatch) -> None:
        """A request may be older than the settings."""
        with pytest.raises(DevOpsError, match="is not configured here") as caught:
            wiring.services().devops(OrganisationName("contoso"))
        assert caught.value.kind is DevOpsErrorKind.NOT_FOUND

    def test_without_a_token_the_managed_identity_is_used(self, configured: pytest.MonkeyPatch) -> None:
        """And storage is reached by it where only an account is named."""
        configured.delenv("SCANGATE_DEVOPS_PAT")
        wiring.services().devops(OrganisationName(ORGANISATION))
        configured.delenv("SCANGATE_STORAGE_CONNECTION")
        configured.setenv("SCANGATE_STORAGE_ACCOUNT", "scangatestorage")
        configured.setenv("SCANGATE_IDENTITY_CLIENT_ID", "00000000-0000-0000-0000-000000000001")
        wiring.settings.cache_clear()
        wiring._storage.cache_clear()
        assert wiring._storage().blobs.url.startswith("https://scangatestorage.blob.core.windows.net")
        assert wiring._storage().account_key is None

    def test_known_secrets_are_hidden_in_logs(
        self, configured: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """From the moment the settings are read."""
        wiring.settings()
        logging.getLogger("any.library").error("sent %s", PAT)
        assert PAT not in caplog.text


class TestRegistries:
    """Those that an organisation lists, and no others."""

    def listing(self, configured: pytest.MonkeyPatch, *registries: dict[str, Any]) -> None:
        """List registries."""
        described = {"url": "http://127.0.0.1:9/fabrikam", "registries": list(registries)}
        configured.setenv("SCANGATE_ORGANISATIONS", json.dumps({ORGANISATION: described}))

    def refusal(self, organisation: str, image: str) -> RegistryRefused:
        """Ask for an image that cannot be had."""
        with pytest.raises(RegistryRefused) as caught:
            wiring.services().registries(OrganisationName(organisation)).resolve(image_reference(image))
        return caught.value

    def test_of_an_organisation_are_asked_and_no_others(self, configured: pytest.MonkeyPatch) -> None:
        """Another organisation's are not its own."""
        self.listing(configured, {"url": "http://127.0.0.1:9"})
        assert self.refusal(ORGANISATION, "127.0.0.1:9/app:1").kind is not RefusalKind.NOT_LISTED
        assert self.refusal(ORGANISATION, "docker.example/app:1").kind is RefusalKind.NOT_LISTED
        assert self.refusal("contoso", "127.0.0.1:9/app:1").kind is RefusalKind.NOT_LISTED

    def test_are_built_once_for_each_organisation(self, configured: pytest.MonkeyPatch) -> None:
        """Whoever asks."""
        registries = wiring.services().registries
        assert registries(OrganisationName(ORGANISATION)) is registries(OrganisationName(ORGANISATION))
        assert registries(OrganisationName(ORGANISATION)) is not registries(OrganisationName("contoso"))

    @pytest.mark.parametrize(
        ("pat", "endpoint", "has_token"), [(True, False, False), (True, True, True), (False, False, True)]
    )
    def test_are_entered_with_the_managed_identity_where_there_is_one(
        self, pat: bool, endpoint: bool, has_token: bool, configured: pytest.MonkeyPatch
    ) -> None:
        """In trials there is none, unless an endpoint that gives tokens is named."""
        self.listing(configured, {"url": "https://shop.azurecr.io", "login": "entra"})
        configured.delenv("IDENTITY_ENDPOINT", raising=False)
        if endpoint:
            configured.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9/token")
        if not pat:
            configured.delenv("SCANGATE_DEVOPS_PAT")
            configured.setenv("SCANGATE_IDENTITY_CLIENT_ID", "a-client")
        asked: list[tuple[str, str | None]] = []

        class Credential:
            def __init__(self, client_id: str | None, **limits: float) -> None:
                self.client_id = client_id
                assert limits == {"connection_timeout": 5, "read_timeout": 5, "retry_total": 1}, "it may hang"

            def get_token(self, scope: str) -> SimpleNamespace:
                asked.append((scope, self.client_id))
                return SimpleNamespace(token="a-token-of-entra")

        configured.setattr("azure.identity.ManagedIdentityCredential", Credential)
        client = wiring.services().registries(OrganisationName(ORGANISATION))
        assert isinstance(client, RegistryClient)
        assert asked == [], "nothing is asked for before there is an image"
        if not has_token:
            assert client._entra_token is None
            return
        assert client._entra_token is not None
        assert client._entra_token() == "a-token-of-entra"
        assert asked == [(ENTRA_SCOPE, None if pat else "a-client")]
