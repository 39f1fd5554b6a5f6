"""Addresses that secrets may be sent to."""

from typing import Final
from urllib.parse import urlsplit

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
"""This machine, as a URL names it."""


def is_safe(url: str) -> bool:
    """Tell whether what is sent to an address can be read by nobody on the way.

    Args:
        url: The address.

    Returns:
        Whether it is https, or http on a loopback address.
    """
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
