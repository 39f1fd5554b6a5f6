"""PlanUrl: whether the collection that a check names is the configured organisation. Pure.

A check's token answers for its plan, at whatever host it is sent to; ``dev.azure.com`` is every organisation's. So the
whole URL is compared, as far as it names an organisation, and the callback is built from the configured one.
"""

import re
from typing import Final

_PLAIN_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?(?P<path>(?:/[a-z0-9._-]{1,64}){0,3})/?",
    re.ASCII,
)
"""No user name, query, fragment, escape or backslash: nothing that two readers could read differently."""
_PORTS: Final = {"https": 443, "http": 80}
_SERVICE: Final = "dev.azure.com"
_OLD_SERVICE: Final = ".visualstudio.com"

type _Place = tuple[str, str, int, str]


def is_same_organisation(plan_url: str, organisation_url: str) -> bool:
    """Compare a check's PlanUrl with the URL of the organisation whose secret it came with.

    ``https://dev.azure.com/fabrikam`` and ``https://fabrikam.visualstudio.com`` name one organisation (Microsoft,
    "Allowed IP addresses and domain URLs" and "Work with URLs": both forms are served, and an organisation may have
    the old one as its primary URL).

    Args:
        plan_url: As the check says; untrusted.
        organisation_url: As configured.

    Returns:
        Whether both name the same organisation, whatever their case and with or without a slash at the end.
    """
    asked = _place(plan_url)
    return asked is not None and asked == _place(organisation_url)


def _place(url: str) -> _Place | None:
    found = _PLAIN_URL.fullmatch(url.lower())
    if found is None or ".." in url or not url.isascii():  # a Kelvin sign is a k to `lower`
        return None
    scheme, host, path = found["scheme"], found["host"], found["path"]
    place = scheme, host, int(found["port"] or _PORTS[scheme]), path
    name = host.removesuffix(_OLD_SERVICE)
    if name != host and "." not in name and place == ("https", host, 443, ""):
        return "https", _SERVICE, 443, f"/{name}"
    return place
