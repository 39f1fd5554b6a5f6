"""Where an organisation's services are that have a host of their own. Pure."""

from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

type Service = Literal["vssps", "vsaex"]
"""Graph and identities; member entitlements."""

_SHARED: Final = "dev.azure.com"
_OLD: Final = ".visualstudio.com"


def service_url(organisation_url: str, service: Service) -> str:
    """Say where one of an organisation's other services is.

    The hosts are those in the pages of the REST API ("Service Principal Entitlements - Add", "Groups - List",
    learn.microsoft.com); whatever else stands in for Azure DevOps has one host for everything.

    Args:
        organisation_url: The organisation's URL, such as ``https://dev.azure.com/contoso``.
        service: Which service.

    Returns:
        The organisation's URL at that service.
    """
    parts = urlsplit(organisation_url)
    host = (parts.hostname or "").lower()
    if host == _SHARED:
        return urlunsplit(parts._replace(netloc=f"{service}.{_SHARED}"))
    if host.endswith(_OLD):
        return urlunsplit(parts._replace(netloc=f"{host.removesuffix(_OLD)}.{service}{_OLD}"))
    return organisation_url
