"""Drives the stand-in over HTTP."""

from typing import Any

import httpx2

from local.arm.identity import MANAGEMENT
from local.arm.server import Config
from scan_core.runner.executions import Executions as Workers
from tests.waiting import until

HEADER = "header-secret-0123456789"
PREVIEW = "2025-02-02-preview"
"""The version in which executions tell of their containers."""
GROUP = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-scan"
JOB = f"{GROUP}/providers/Microsoft.App/jobs/scan-job"
FETCH_IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/fetch"
PULL_IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/pull"


def job(**more: Any) -> dict[str, Any]:
    """Describe a job with both steps, two secrets, and an identity for each of its uses."""
    mounts = [{"volumeName": "work", "mountPath": "/work"}]
    folder = {"name": "SCANGATE_WORKER_DIR", "value": "/work"}
    return {
        "location": "westeurope",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {FETCH_IDENTITY: {}, PULL_IDENTITY: {}}},
        "properties": {
            "configuration": {
                "triggerType": "Manual",
                "replicaTimeout": 600,
                "secrets": [{"name": "token", "value": "SECRET-TOKEN"}],
                "identitySettings": [
                    {"identity": FETCH_IDENTITY, "lifecycle": "Init"},
                    {"identity": PULL_IDENTITY, "lifecycle": "None"},
                ],
                **more,
            },
            "template": {
                "initContainers": [
                    {"name": "fetch", "image": "i", "args": ["fetch"], "env": [folder], "volumeMounts": mounts}
                ],
                "containers": [
                    {
                        "name": "scan",
                        "image": "i",
                        "args": ["scan"],
                        "env": [folder, {"name": "TOKEN", "secretRef": "token"}, {"name": "OTHER", "value": "/work/x"}],
                        "volumeMounts": mounts,
                    }
                ],
                "volumes": [{"name": "work", "storageType": "EmptyDir"}],
            },
        },
    }


class Arm:
    """One stand-in."""

    def __init__(self, config: Config) -> None:
        """Connect to it."""
        self.config = config
        self._client = httpx2.Client(base_url=config.url, trust_env=False, timeout=60)
        self._own = {"X-IDENTITY-HEADER": HEADER}
        self.bearer = {"Authorization": f"Bearer {self.token()}"}

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def end_all(self) -> None:
        """End every execution."""
        workers = Workers(self.config.executions, 1)
        workers.stop(workers.names())

    def identity(self, header: str = HEADER, **query: str) -> httpx2.Response:
        """Ask for a token."""
        asked = {"api-version": "2019-08-01", "resource": MANAGEMENT, **query}
        return self._client.get("/identity/token", params=asked, headers={"X-IDENTITY-HEADER": header})

    def token(self, header: str = HEADER, **query: str) -> str:
        """Get a token."""
        return str(self.identity(header, **query).json()["access_token"])

    def call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Call the API as the app."""
        options.setdefault("headers", self.bearer)
        options.setdefault("params", {"api-version": "2025-01-01"})
        return self._client.request(method, path, **options)

    def put(self, body: dict[str, Any] | None = None) -> httpx2.Response:
        """Make the job."""
        return self.call("PUT", JOB, json=job() if body is None else body)

    def start(self) -> str:
        """Start the job."""
        answer = self.call("POST", f"{JOB}/start")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["name"])

    def execution(self, name: str, version: str = "2025-01-01") -> dict[str, Any]:
        """Look at an execution."""
        answer = self.call("GET", f"{JOB}/executions/{name}", params={"api-version": version})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["properties"]
        return found

    def containers(self, name: str) -> list[dict[str, Any]]:
        """Look at the containers of an execution, which only the preview tells of."""
        found: list[dict[str, Any]] = self.execution(name, PREVIEW)["detailedStatus"]["replicas"][0]["containers"]
        return found

    def ended(self, name: str) -> dict[str, Any]:
        """Wait for the end of an execution."""

        def look() -> dict[str, Any] | None:
            found = self.execution(name)
            return found if found["status"] != "Running" else None

        seen = until(look)
        assert seen is not None
        return seen

    def simulate(self, method: str, what: str, body: Any = None) -> Any:
        """Use the stand-in's own routes."""
        answer = self._client.request(method, f"/_sim/{what}", json=body, headers=self._own)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def fault(self, route: str, kind: str, **more: Any) -> None:
        """Have calls go wrong."""
        self.simulate("POST", "faults", {"route": route, "kind": kind, **more})

    def calls(self, ending: str = "") -> list[int]:
        """List the statuses of the calls to paths with an ending."""
        return [int(one["status"]) for one in self.simulate("GET", "calls")["value"] if one["path"].endswith(ending)]
