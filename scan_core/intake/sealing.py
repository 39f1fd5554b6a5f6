"""Sealing: tokens that answer checks are kept encrypted, each bound to its own check.

AES-GCM (NIST SP 800-38D) under a key derived from the setting by HKDF (RFC 5869), with the check's ids as associated
data: a sealed token that is moved to another check does not open. Whoever reads queue or tables reads no token.
"""

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from scan_core.model.ids import digest
from scan_core.model.subject import Check

_PURPOSE = b"scangate/check-token/1"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed text does not open: another key, another check, or it was changed."""


def context_of(check: Check) -> str:
    """Name what a token is sealed for.

    Args:
        check: The check.

    Returns:
        The same text for the same check, and for no other.
    """
    return digest([check.organisation, check.project_id, check.hub, check.plan_id, check.job_id, check.task_id])


def seal(token: str, keys: Sequence[str], context: str) -> str:
    """Seal a token.

    Args:
        token: The token, ASCII.
        keys: The sealing keys, the one in use first.
        context: What it is sealed for, from `context_of`.

    Returns:
        The sealed token, URL-safe base64: 4/3 of 28 bytes more than the token.
    """
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_derived(keys[0])).encrypt(nonce, token.encode("ascii"), context.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode("ascii")


def open_sealed(text: str, keys: Sequence[str], context: str) -> str:
    """Open a sealed token.

    Args:
        text: From `seal`.
        keys: The live sealing keys; any of them opens.
        context: What it has to be sealed for.

    Returns:
        The token.

    Raises:
        SealBroken: No key opens it for this context.
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise SealBroken("The sealed token is no base64.") from None
    nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
    for key in keys:
        try:
            return AESGCM(_derived(key)).decrypt(nonce, sealed, context.encode()).decode("ascii")
        except (InvalidTag, ValueError):  # ValueError: too short to be one
            continue
    raise SealBroken("No live sealing key opens the sealed token for this check.")


def _derived(key: str) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=_PURPOSE).derive(key.encode())
