"""The SDK's clients for builds and for the plans that checks stand in, hardened like the others."""

# First of all: it makes the SDK's own import harmless.
from scan_core.devops.sdk import ReleasedVersions, Sender, hardened

# isort: split
from azure.devops._models import VssJsonCollectionWrapper
from azure.devops.v7_1.build import BuildClient
from azure.devops.v7_1.build import models as build_models
from azure.devops.v7_1.task import TaskClient
from azure.devops.v7_1.task import models as task_models

__all__ = [
    "BuildClient",
    "TaskClient",
    "VssJsonCollectionWrapper",
    "build_client",
    "build_models",
    "task_client",
    "task_models",
]


class _Build(ReleasedVersions, BuildClient):  # type: ignore[misc]  # published without types
    pass


class _Task(ReleasedVersions, TaskClient):  # type: ignore[misc]  # published without types
    pass


def build_client(url: str, sender: Sender) -> BuildClient:
    """Build the SDK's client for builds.

    Args:
        url: The organisation's URL, without a slash at its end.
        sender: What makes the requests.

    Returns:
        A client that may be used by several threads at once.
    """
    return hardened(_Build(url, None), sender)


def task_client(url: str, sender: Sender) -> TaskClient:
    """Build the SDK's client for plans, their logs and timelines.

    Args:
        url: The organisation's URL, without a slash at its end.
        sender: What makes the requests.

    Returns:
        A client that may be used by several threads at once.
    """
    return hardened(_Task(url, None), sender)
