"""The SDK's clients for what an administrator does, hardened like the others; only timers need them."""

# First of all: it makes the SDK's own import harmless.
from scan_core.devops.sdk import ReleasedVersions, Sender, hardened

# isort: split
from azure.devops.v7_1.core import CoreClient
from azure.devops.v7_1.policy import PolicyClient
from azure.devops.v7_1.policy import models as policy_models
from azure.devops.v7_1.security import SecurityClient
from azure.devops.v7_1.security import models as security_models
from azure.devops.v7_1.service_hooks import ServiceHooksClient
from azure.devops.v7_1.service_hooks import models as hooks_models

__all__ = [
    "CoreClient",
    "PolicyClient",
    "SecurityClient",
    "ServiceHooksClient",
    "core_client",
    "hooks_client",
    "hooks_models",
    "policy_client",
    "policy_models",
    "security_client",
    "security_models",
]


class _Core(ReleasedVersions, CoreClient):  # type: ignore[misc]  # published without types
    pass


class _Hooks(ReleasedVersions, ServiceHooksClient):  # type: ignore[misc]  # published without types
    pass


class _Policy(ReleasedVersions, PolicyClient):  # type: ignore[misc]  # published without types
    pass


class _Security(ReleasedVersions, SecurityClient):  # type: ignore[misc]  # published without types
    pass


def core_client(url: str, sender: Sender) -> CoreClient:
    """Build the SDK's client for projects.

    Args:
        url: The organisation's URL, without a slash at its end.
        sender: What makes the requests.

    Returns:
        A client that may be used by several threads at once.
    """
    return hardened(_Core(url, None), sender)


def hooks_client(url: str, sender: Sender) -> ServiceHooksClient:
    """Build the SDK's client for service hook subscriptions.

    Args:
        url: The organisation's URL, without a slash at its end.
        sender: What makes the requests.

    Returns:
        A client that may be used by several threads at once.
    """
    return hardened(_Hooks(url, None), sender)


def policy_client(url: str, sender: Sender) -> PolicyClient:
    """Build the SDK's client for branch policies.

    Args:
        url: The organisation's URL, without a slash at its end.
        sender: What makes the requests.

    Returns:
        A client that may be used by several threads at once.
    """
    return hardened(_Policy(url, None), sender)


def security_client(url: str, sender: Sender) -> SecurityClient:
    """Build the SDK's client for the caller's own rights.

    Args:
        url: The organisation's URL, without a slash at its end.
        sender: What makes the requests.

    Returns:
        A client that may be used by several threads at once.
    """
    return hardened(_Security(url, None), sender)
