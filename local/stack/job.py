"""The job whose executions are the stack's workers, as the deployment to Azure describes it, put into the stand-in."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2

from local.arm.identity import MANAGEMENT
from local.stack.plan import Plan
from local.stack.registries import listed
from scan_core.store.connection import from_connection_string
from scan_core.store.queues import Queues

RESOURCE_ID: Final = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local/providers/Microsoft.App/jobs/scan"
)
_FETCH_IDENTITY: Final = RESOURCE_ID.replace(
    "Microsoft.App/jobs/scan", "Microsoft.ManagedIdentity/userAssignedIdentities/fetch"
)
_API_VERSION: Final = "2025-01-01"
_FOLDER: Final = "/scangate-worker"
"""Not /work as in the deployment: a checkout may stand there, and paths below it are moved by the stand-in."""
_REPLICA_SECONDS: Final = 1800
_LINK: Final = timedelta(days=365)
"""Azurite takes no identity over plain http, so fetch gets a link to its queue, anew with each start of the stack."""
_SECONDS: Final = 30


class JobRefused(RuntimeError):
    """The stand-in did not take the job; the message has its answer."""


def deploy(plan: Plan, connection: str) -> None:
    """Make or replace the job.

    Args:
        plan: The stack's plan.
        connection: The connection string of its storage.

    Raises:
        JobRefused: The stand-in did not take it.
    """
    with httpx2.Client(base_url=plan.management, trust_env=False, timeout=_SECONDS) as client:
        asked = {"api-version": "2019-08-01", "resource": MANAGEMENT}
        given = client.get("/identity/token", params=asked, headers={"X-IDENTITY-HEADER": plan.identity_header})
        bearer = {"Authorization": f"Bearer {given.json().get('access_token')}"}
        body = definition(plan, connection)
        answer = client.put(RESOURCE_ID, params={"api-version": _API_VERSION}, headers=bearer, json=body)
    if not answer.is_success:
        raise JobRefused(f"the job was refused ({answer.status_code}): {answer.text}")


def definition(plan: Plan, connection: str) -> dict[str, Any]:
    """Describe the job.

    Args:
        plan: The stack's plan.
        connection: The connection string of its storage.

    Returns:
        A resource of type Microsoft.App/jobs, as infra/modules/scan-job.bicep has it but for what this machine lacks:
        images, a key vault, and storage by identity.
    """
    secrets = {
        "qualys-access-token": plan.qualys_token,
        "devops-pat": plan.devops_token,
        "attempts-queue": Queues(from_connection_string(connection)).attempts_link(datetime.now(UTC) + _LINK),
        # By reference as in the deployment, where passwords of registries may stand in it.
        "registries": json.dumps([{"organisation": plan.org, **listed(plan)}]),
    }
    forwarded = {name: value for name, value in os.environ.items() if name.startswith("QSCANNER_STANDIN_")}
    fetch = [
        _secret("SCANGATE_ATTEMPTS_QUEUE", "attempts-queue"),
        _secret("SCANGATE_DEVOPS_PAT", "devops-pat"),
        _secret("SCANGATE_REGISTRIES", "registries"),
        *_values(
            {
                "SCANGATE_DEVOPS_ORIGINS": json.dumps([f"{plan.organisation_url}/"]),
                "AZURE_CLIENT_ID": "fetch",
            }
        ),
    ]
    scan = [
        _secret("QUALYS_ACCESS_TOKEN", "qualys-access-token"),
        *_values({"SCANGATE_QSCANNER": plan.scanner, "SCANGATE_PYTHON": sys.executable, **forwarded}),
    ]
    return {
        "location": "local",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {_FETCH_IDENTITY: {}}},
        "properties": {
            "configuration": {
                "triggerType": "Manual",
                "replicaRetryLimit": 0,
                "replicaTimeout": _REPLICA_SECONDS,
                "manualTriggerConfig": {"parallelism": 1, "replicaCompletionCount": 1},
                "secrets": [{"name": name, "value": value} for name, value in secrets.items()],
                "identitySettings": [{"identity": _FETCH_IDENTITY, "lifecycle": "Init"}],
            },
            "template": {
                "initContainers": [_container("fetch", fetch)],
                "containers": [_container("scan", scan)],
                "volumes": [{"name": "work", "storageType": "EmptyDir"}],
            },
        },
    }


def _container(step: str, environment: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "name": step,
        "image": "scangate-worker",
        "args": [step],
        "env": [*_values({"SCANGATE_WORKER_DIR": _FOLDER}), *environment],
        "volumeMounts": [{"volumeName": "work", "mountPath": _FOLDER}],
    }


def _values(variables: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


def _secret(name: str, secret: str) -> dict[str, str]:
    return {"name": name, "secretRef": secret}
