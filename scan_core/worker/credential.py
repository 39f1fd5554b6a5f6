"""What the fetch step shows to Azure DevOps, registries and its queue, and whom it may be shown to."""

import base64
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_DEVOPS_SCOPE: Final = "499b84ac-1321-427f-aa17-267ca6975798/.default"
"""Azure DevOps as a resource (Microsoft, "Use service principals and managed identities in Azure DevOps")."""
_STORAGE_SCOPE: Final = "https://storage.azure.com/.default"
_PORTS: Final = {"https": 443, "http": 80}
_UNSAFE: Final = re.compile(r"[^!-~]|[\\@?#\"'<>]|%(?![0-9A-Fa-f]{2})|%(?:2[fF]|5[cC]|[01]|7[fF])")
"""What an address to clone from has no use for: not printable, a user name, a query, an escaped slash or control."""


class NoToken(Exception):
    """The managed identity gave no token. The message is fit to be shown."""


def address_allowed(address: str, origins: Iterable[str]) -> bool:
    """Tell whether our credential may be shown to an address.

    Args:
        address: Where a spec says that a repository is.
        origins: Prefixes that are ours, such as ``https://dev.azure.com/contoso/``.

    Returns:
        True where scheme, host and port are those of an origin, its path begins the address's path at a whole segment,
        and nothing in the address could make it mean another one.
    """
    if _UNSAFE.search(address) or any(unquote(part) in {".", ".."} for part in address.split("/")):
        return False
    return any(_begins(origin, address) for origin in origins)


def basic(pat: str) -> str:
    """Write a personal access token as Azure DevOps wants it.

    Args:
        pat: The token.

    Returns:
        The value of an Authorization header.
    """
    return f"Basic {base64.b64encode(f':{pat}'.encode()).decode()}"


def devops_bearer(identity: str | None) -> str:
    """Get a token of the managed identity for Azure DevOps.

    Args:
        identity: The client id of a user-assigned identity; None = the only one there is.

    Returns:
        The value of an Authorization header.

    Raises:
        NoToken: The identity gave none.
    """
    return f"Bearer {_token(identity, _DEVOPS_SCOPE)}"


def storage_token(identity: str | None) -> str:
    """Get a token of the managed identity for Azure Storage.

    Args:
        identity: As for `devops_bearer`.

    Returns:
        The token.

    Raises:
        NoToken: The identity gave none.
    """
    return _token(identity, _STORAGE_SCOPE)


def registry_token(identity: str | None, scope: str) -> str:
    """Get a token of the managed identity that a registry exchanges for one of its own.

    Args:
        identity: As for `devops_bearer`.
        scope: Of registries, `scan_core.registry.access.ENTRA_SCOPE`.

    Returns:
        The token.

    Raises:
        NoToken: The identity gave none.
    """
    return _token(identity, scope)


def _token(identity: str | None, scope: str) -> str:
    # Imported here: a local trial never needs it, and it takes longer to load than everything else.
    from azure.core.exceptions import AzureError  # noqa: PLC0415

    try:
        return _credential(identity).get_token(scope).token
    except AzureError as error:
        raise NoToken(f"the managed identity gave no token ({type(error).__name__})") from None


def _credential(identity: str | None) -> "TokenCredential":
    from azure.identity import ManagedIdentityCredential  # noqa: PLC0415 - as above

    return ManagedIdentityCredential(client_id=identity)


def _begins(origin: str, address: str) -> bool:
    try:
        wanted, given = urlsplit(origin), urlsplit(address)
        same_place = (wanted.scheme, wanted.hostname) == (given.scheme, given.hostname)
        same_port = (wanted.port or _PORTS[wanted.scheme]) == (given.port or _PORTS[given.scheme])
    except (ValueError, KeyError):
        return False
    return same_place and same_port and f"{given.path}/".startswith(f"{wanted.path.rstrip('/')}/")
