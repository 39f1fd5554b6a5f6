"""Which network addresses may be connected to. Pure."""

import ipaddress
from enum import StrEnum
from typing import Final

type IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_AZURE_PLATFORM: Final = ipaddress.ip_address("168.63.129.16")
"""Every virtual machine's door to Azure's platform ("What is IP address 168.63.129.16?", learn.microsoft.com).
It counts as public by number, and answers from inside."""
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that a translator turns into IPv4 ones (RFC 6052)."""


class Reach(StrEnum):
    """How far an address reaches."""

    PUBLIC = "public"
    PRIVATE = "private"
    """Inside a network: RFC 1918, RFC 4193, and the shared addresses of RFC 6598."""
    LOOPBACK = "loopback"
    NEVER = "never"
    """Link-local (where metadata services give out tokens), multicast, reserved and the like: no registry is there."""


_INSIDE: Final = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def reach(address: IpAddress) -> Reach:
    """Tell how far an address reaches.

    Args:
        address: What a name resolved to.

    Returns:
        Its reach; of an IPv6 address that carries an IPv4 one, that one's.
    """
    carried = _carried(address)
    if carried is not None:
        return reach(carried)
    if address == _AZURE_PLATFORM:
        return Reach.NEVER
    if address.is_loopback:
        return Reach.LOOPBACK
    if any(address in network for network in _INSIDE):
        return Reach.PRIVATE
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local:
        return Reach.NEVER
    return Reach.PUBLIC


def _carried(address: IpAddress) -> ipaddress.IPv4Address | None:
    """Find the IPv4 address that is meant by an IPv6 one: mapped or translated."""
    if address.version == 4:  # noqa: PLR2004 - IPv4
        return None
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
