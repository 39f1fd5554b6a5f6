"""The SDK's clients for what an administrator does, hardened like the others; only timers need them."""

# First of all: it makes the SDK's own import harmless.
from scan_core.devops.sdk import Hardened

# isort: split
from azure.devops.v7_1.core import CoreClient
from azure.devops.v7_1.policy import PolicyClient
from azure.devops.v7_1.policy import models as policy_models
from azure.devops.v7_1.security import SecurityClient
from azure.devops.v7_1.security import models as security_models
from azure.devops.v7_1.service_hooks import ServiceHooksClient
from azure.devops.v7_1.service_hooks import models as hooks_models

__all__ = [
    "Core",
    "Hooks",
    "Policy",
    "Security",
    "hooks_models",
    "policy_models",
    "security_models",
]


class Core(Hardened, CoreClient):  # type: ignore[misc]  # published without types
    """Projects."""


class Hooks(Hardened, ServiceHooksClient):  # type: ignore[misc]  # as above
    """Service hook subscriptions."""


class Policy(Hardened, PolicyClient):  # type: ignore[misc]  # as above
    """Branch policies."""


class Security(Hardened, SecurityClient):  # type: ignore[misc]  # as above
    """Access control lists, and the caller's own rights."""
