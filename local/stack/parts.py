"""The command lines and environments of a stack's parts."""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from local.arm.__main__ import HEADER_SETTING
from local.arm.identity import PATH as IDENTITY_PATH
from local.devops.__main__ import TOKEN_SETTING
from local.registry.__main__ import ACCESS_SETTING
from local.registry.access import EVERYWHERE, Access, Principal
from local.stack.job import RESOURCE_ID
from local.stack.plan import REGISTRY_USER, Plan
from local.stack.registries import PULLER, listed
from local.storage.account import recall

REPOSITORY = Path(__file__).parents[2]
LEASE_SECONDS = 30
"""Azure hides a message for ten minutes; here a killed app shall come back to it while somebody watches."""


class PartMissing(RuntimeError):
    """A part cannot start before another one; the message says which."""


@dataclass(frozen=True)
class Part:
    """A process of the stack."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)

    def replace_this_process(self) -> None:
        """Become this part; does not return."""
        os.chdir(REPOSITORY)
        os.execve(self.command[0], self.command, {**os.environ, **self.environment})  # noqa: S606 - our own part


def storage(data: Path) -> Part:
    """Describe storage.

    Args:
        data: The stack's data folder.

    Returns:
        Azurite, which keeps its data in ``storage``.
    """
    return Part("storage", _python("local.storage", "--data", str(data / "storage")))


def devops(data: Path, plan: Plan) -> Part:
    """Describe the Azure DevOps simulator.

    Args:
        data: The stack's data folder.
        plan: The stack's plan.

    Returns:
        The simulator, which keeps its data in ``devops``.
    """
    place = ("--port", str(plan.devops_port), "--data", str(data / "devops"))
    environment = {TOKEN_SETTING: plan.devops_token}  # arguments can be read by everybody
    return Part("devops", _python("local.devops", *place, "--org", plan.org), environment)


def arm(data: Path, plan: Plan) -> Part:
    """Describe the stand-in for Azure Resource Manager.

    Args:
        data: The stack's data folder.
        plan: The stack's plan.

    Returns:
        The stand-in, which keeps its jobs in ``arm`` and runs their executions where the process runner has workers.
    """
    place = ("--port", str(plan.arm_port), "--data", str(data / "arm"), "--executions", str(data / "workers"))
    return Part("arm", _python("local.arm", *place), {HEADER_SETTING: plan.identity_header})


def registry(data: Path, plan: Plan) -> Part:
    """Describe the container registry.

    Args:
        data: The stack's data folder.
        plan: The stack's plan.

    Returns:
        The registry, which keeps its images in ``registry``. One user may push; the app may pull, with a password or as
        any identity of the stand-in for Azure Resource Manager.
    """
    pusher = Principal(name=REGISTRY_USER, password=plan.registry_password, grants={EVERYWHERE: ("pull", "push")})
    puller = Principal(name=PULLER, password=plan.pull_password, identities=("*",), grants={EVERYWHERE: ("pull",)})
    access = Access(principals=(pusher, puller), identity_header=plan.identity_header)
    place = ("--port", str(plan.registry_port), "--data", str(data / "registry"))
    return Part("registry", _python("local.registry", *place), {ACCESS_SETTING: access.model_dump_json()})


def app(data: Path, plan: Plan, lease_seconds: int = LEASE_SECONDS, port: int | None = None) -> Part:
    """Describe the app: the Functions host with Scangate's function app.

    Args:
        data: The stack's data folder.
        plan: The stack's plan.
        lease_seconds: For how long the host hides a queue message while its function runs.
        port: Where a further instance listens; by default where the plan says.

    Returns:
        The host. Settings that the environment already has win over the stack's own.

    Raises:
        PartMissing: Storage has never been started in this folder.
    """
    account = recall(data / "storage")
    if account is None:
        raise PartMissing(f"There is no storage in {data} yet: start it first, with 'scangate local storage'.")
    known = {**_clocks(), **_settings(data, plan, account.connection_string)}
    environment = {name: os.environ.get(name, value) for name, value in known.items()}
    listens_on = port or plan.app_port
    # Under a name of its own, a host that was killed takes its timers back at once.
    named = ("--instance", f"app-{listens_on}")
    host = ("--app", str(REPOSITORY), "--port", str(listens_on), "--lease", str(lease_seconds))
    return Part("app", _python("local.host", *host, *named), environment)


def _settings(data: Path, plan: Plan, connection: str) -> dict[str, str]:
    organisation = {
        "url": plan.organisation_url,
        "hook_secrets": [plan.hook_secret],
        "check_secrets": [plan.check_secret],
        "registries": [listed(plan)],
    }
    return {
        "AzureWebJobsStorage": connection,
        "PYTHON_THREADPOOL_THREAD_COUNT": "32",
        "SCANGATE_ORGANISATIONS": json.dumps({plan.org: organisation}),
        "SCANGATE_PUBLIC_URL": plan.app,
        "SCANGATE_SIGNING_KEYS": json.dumps([plan.signing_key]),
        "SCANGATE_SEALING_KEYS": json.dumps([plan.sealing_key]),
        "SCANGATE_STORAGE_CONNECTION": connection,
        "SCANGATE_DEVOPS_PAT": plan.devops_token,
        "SCANGATE_QUALYS_POD": "US2",
        **_runner(data, plan),
    }


def _runner(data: Path, plan: Plan) -> dict[str, str]:
    if plan.runner == "container-apps":
        return {
            "SCANGATE_RUNNER": "container_apps",
            "SCANGATE_JOB_RESOURCE_ID": RESOURCE_ID,
            "SCANGATE_MANAGEMENT_ENDPOINT": plan.management,
            "IDENTITY_ENDPOINT": f"{plan.management}{IDENTITY_PATH}",
            "IDENTITY_HEADER": plan.identity_header,
        }
    return {
        "SCANGATE_RUNNER_FOLDER": str(data / "workers"),
        "SCANGATE_SCAN_ENVIRONMENT_FILE": str(_scan_environment(data, plan)),
    }


def _clocks() -> dict[str, str]:
    """Shorter than in Azure: everything is near, and somebody watches."""
    return {
        "SCANGATE_MAX_WORKERS": str(max(2, os.cpu_count() or 2)),
        "SCANGATE_HEARTBEAT_SECONDS": "2",
        "SCANGATE_HEARTBEAT_LIMIT_SECONDS": "20",
        "SCANGATE_QUEUED_LIMIT_SECONDS": "60",
        "SCANGATE_RETRY_SECONDS": "1",
        "SCANGATE_REPORT_LEASE_SECONDS": "25",
        "SCANGATE_DEVOPS_TIMEOUT_SECONDS": "15",
    }


def _scan_environment(data: Path, plan: Plan) -> Path:
    """Write what the scan step gets besides its links: the scanner, and the token that the app never holds."""
    path = data / "scan-environment.json"
    content = {"QUALYS_ACCESS_TOKEN": plan.qualys_token, "SCANGATE_QSCANNER": plan.scanner}
    forwarded = {name: value for name, value in os.environ.items() if name.startswith("QSCANNER_STANDIN_")}
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({**content, "SCANGATE_PYTHON": sys.executable, **forwarded}, file)
    return path


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
