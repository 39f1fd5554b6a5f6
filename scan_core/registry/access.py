"""Which registries may be asked, and how to come in: what an organisation lists."""

import ipaddress
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from pydantic import ConfigDict, SecretStr, model_validator

from scan_core.model.image import Login, RegistryHost, registry_host
from scan_core.model.value import Value

ENTRA_SCOPE: Final = "https://containerregistry.azure.net/.default"
"""The scope of the Entra token that an Azure Container Registry exchanges ("Disable authentication-as-ARM in Azure
Container Registry", learn.microsoft.com): unlike one for Azure Resource Manager, good for registries alone."""

_PORTS: Final = {"https": 443, "http": 80}


class Origin(NamedTuple):
    """Where a URL leads, without what is asked there."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host, and port where it is not the scheme's own: the form of a registry's host in a reference."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"


class Address(NamedTuple):
    """A URL in parts."""

    origin: Origin
    target: str
    """Path and query, as they are sent."""


def address(url: str) -> Address:
    """Take a URL apart.

    Args:
        url: A URL. Untrusted.

    Returns:
        Its parts.

    Raises:
        ValueError: It is not http or https, has a user name, a fragment, a host that is no name or IPv4 address, or
            characters that have no place in a request.
    """
    if any(not "!" <= character <= "~" for character in url):
        raise ValueError("a URL has visible ASCII characters only")
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or "@" in parts.netloc or "\\" in url or parts.fragment or not parts.hostname:
        raise ValueError("expected an http or https URL without user name and fragment")
    host = registry_host(parts.hostname)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme]), target)


class RegistryAccess(Value):
    """One registry that the organisation lists."""

    # A password of the wrong type must not be repeated by the error that says so.
    model_config = ConfigDict(hide_input_in_errors=True)

    url: str
    """``https://`` and its host; ``http://`` on this machine's own loopback only."""
    private: bool = False
    """Whether its addresses, and its realms', may be private ones, as behind a private endpoint."""
    login: Login = Login.ANONYMOUS
    username: str = ""
    password: SecretStr | None = None
    token_realms: tuple[str, ...] = ()
    """URLs beside its own host where it may send for tokens, such as ``https://auth.docker.io/token``; one without a
    path stands for all of its host."""

    @model_validator(mode="after")
    def _can_be_used(self) -> "RegistryAccess":
        where, target = address(self.url)
        if target != "/":
            raise ValueError("a registry's URL ends with its host: the distribution API knows no path before /v2/")
        for url in (self.url, *self.token_realms):
            place = address(url).origin
            if place.scheme == "http" and not _is_loopback(place.host):
                raise ValueError(f"the registry {where.authority} has to use https everywhere")
        if self.login is Login.BASIC and not (self.username and self.password):
            raise ValueError(f"the registry {where.authority} with login basic needs username and password")
        return self

    @property
    def origin(self) -> Origin:
        """Where it is."""
        return address(self.url).origin

    @property
    def host(self) -> RegistryHost:
        """How references name it."""
        return RegistryHost(self.origin.authority)

    def gives_tokens_at(self, realm: Address) -> bool:
        """Tell whether a credential may be shown to a token realm.

        Args:
            realm: Where the registry sends for tokens.

        Returns:
            True for the registry's own host and for the listed realms.
        """
        if realm.origin == self.origin:
            return True
        path = realm.target.partition("?")[0]
        listed = [address(url) for url in self.token_realms]
        return any(realm.origin == known.origin and known.target in {"/", path} for known in listed)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
