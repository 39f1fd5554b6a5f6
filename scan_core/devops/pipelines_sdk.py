"""The SDK's clients for builds and for the plans that checks stand in, hardened like the others."""

# First of all: it makes the SDK's own import harmless.
from scan_core.devops.sdk import Hardened

# isort: split
from azure.devops._models import VssJsonCollectionWrapper
from azure.devops.v7_1.build import BuildClient
from azure.devops.v7_1.build import models as build_models
from azure.devops.v7_1.task import TaskClient
from azure.devops.v7_1.task import models as task_models

__all__ = [
    "Build",
    "Task",
    "VssJsonCollectionWrapper",
    "build_models",
    "task_models",
]


class Build(Hardened, BuildClient):  # type: ignore[misc]  # published without types
    """Builds."""


class Task(Hardened, TaskClient):  # type: ignore[misc]  # as above
    """Plans, their logs and timelines."""
