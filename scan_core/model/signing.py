"""The key of one attempt, and the signature it puts under a manifest. Pure."""

import hmac

from scan_core.model.attempt import Manifest
from scan_core.model.ids import AttemptNumber, ScanId, digest


def attempt_secret(key: bytes, scan: ScanId, attempt: AttemptNumber) -> str:
    """Derive the key that only this attempt's worker and the app know.

    Args:
        key: The app's signing key.
        scan: The attempt's scan.
        attempt: Its number.

    Returns:
        64 hex digits.
    """
    return hmac.digest(key, f"attempt/{scan}/{attempt}".encode(), "sha256").hex()


def signed(manifest: Manifest, secret: str) -> Manifest:
    """Sign a manifest.

    Args:
        manifest: The manifest; a signature it already has is replaced.
        secret: The attempt's key, from `attempt_secret`.

    Returns:
        The same manifest with its signature.
    """
    return manifest.model_copy(update={"signature": _signature(manifest, secret)})


def signature_holds(manifest: Manifest, secret: str) -> bool:
    """Check a manifest's signature in constant time.

    Args:
        manifest: A manifest as it was read.
        secret: The attempt's key.

    Returns:
        Whether the manifest was signed with this key and not changed since.
    """
    return hmac.compare_digest(manifest.signature.encode(), _signature(manifest, secret).encode())


def _signature(manifest: Manifest, secret: str) -> str:
    unsigned = digest(manifest.model_dump(mode="json", exclude={"signature"}))
    return hmac.digest(bytes.fromhex(secret), unsigned.encode(), "sha256").hex()
