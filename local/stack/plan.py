"""What the parts of a local stack have to agree on, remembered in its data folder so that each can be restarted."""

import json
import os
import secrets
import socket
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

HOST = "127.0.0.1"
_FILE = "stack.json"
REGISTRY_USER: Final = "admin"
"""Who may push to the registry."""
_RUNNER_SETTING = "SCANGATE_LOCAL_RUNNER"
"""The runner of new stacks, so that a whole test suite can be run with another one."""

type LocalRunner = Literal["process", "container-apps"]
"""What runs a stack's workers: the app itself, or a job in the stand-in for Azure Resource Manager."""


class PlanUnreadable(ValueError):
    """The remembered plan of a data folder is not what this program wrote."""


def _secret() -> str:
    return secrets.token_urlsafe(32)


def _free_port() -> int:
    return free_ports(1)[0]


class Plan(BaseModel):
    """Names, secrets and ports of one stack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    org: str = "scangate"
    hook_user: str = "scangate"
    hook_secret: str
    devops_token: str
    signing_key: str
    qualys_token: str
    app_port: int
    devops_port: int
    devops_url: str | None = None
    """Another server instead of the simulator."""
    scanner: str
    runner: LocalRunner = "process"
    arm_port: int = Field(default_factory=_free_port)
    identity_header: str = Field(default_factory=_secret)
    """The secret with which the app asks for tokens of its managed identity."""
    registry_port: int = Field(default_factory=_free_port)
    registry_password: str = Field(default_factory=_secret)
    """Of whoever pushes."""
    pull_password: str = Field(default_factory=_secret)
    """Of the app, which may only pull."""
    check_secret: str = Field(default_factory=_secret)
    sealing_key: str = Field(default_factory=_secret)

    @property
    def app(self) -> str:
        """The app's address, without a slash at the end."""
        return f"http://{HOST}:{self.app_port}"

    @property
    def devops(self) -> str:
        """The address of Azure DevOps, before the organisation's name, without a slash at the end."""
        return (self.devops_url or f"http://{HOST}:{self.devops_port}").rstrip("/")

    @property
    def management(self) -> str:
        """The address of the stand-in for Azure Resource Manager, without a slash at the end."""
        return f"http://{HOST}:{self.arm_port}"

    @property
    def registry(self) -> str:
        """The registry's host, as image references name it."""
        return f"{HOST}:{self.registry_port}"

    @property
    def registry_url(self) -> str:
        """The registry's address, without a slash at the end."""
        return f"http://{self.registry}"

    @property
    def organisation_url(self) -> str:
        """The organisation's address."""
        return f"{self.devops}/{self.org}"

    @classmethod
    def new(cls) -> Self:
        """Make a plan with fresh secrets and free ports.

        Returns:
            The plan, with the QScanner stand-in as its scanner.
        """
        app_port, devops_port, arm_port, registry_port = free_ports(4)
        return cls(
            hook_secret=_secret(),
            devops_token=os.environ.get("SCANGATE_DEVOPS_PAT") or _secret(),
            signing_key=secrets.token_urlsafe(48),
            qualys_token=os.environ.get("QUALYS_ACCESS_TOKEN") or _secret(),
            app_port=app_port,
            devops_port=devops_port,
            arm_port=arm_port,
            registry_port=registry_port,
            runner=TypeAdapter(LocalRunner).validate_python(os.environ.get(_RUNNER_SETTING, "process")),
            scanner=os.environ.get("SCANGATE_QSCANNER") or str(stand_in()),
        )


def stand_in() -> Path:
    """Find the QScanner stand-in.

    Returns:
        The path of its executable.
    """
    return Path(__file__).parents[1] / "qscanner" / "qscanner"


def plan_in(data: Path, **changes: str | int | None) -> Plan:
    """Read a data folder's plan, or make one, and change it for good where asked.

    Args:
        data: The folder; made where it is missing.
        changes: Fields to change; None leaves one as it is.

    Returns:
        The plan.

    Raises:
        PlanUnreadable: The remembered plan is damaged.
    """
    data.mkdir(parents=True, exist_ok=True)
    path = data / _FILE
    try:
        old = Plan.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        old = Plan.new()
    except ValidationError:
        raise PlanUnreadable(f"{path} is damaged: remove {data} to start anew") from None
    plan = old.model_copy(update={name: value for name, value in changes.items() if value is not None})
    _remember(path, plan)
    return plan


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on.

    Args:
        count: How many.

    Returns:
        Ports of the loopback address, all different.
    """
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    try:
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _remember(path: Path, plan: Plan) -> None:
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(plan.model_dump(), file, indent=2)
    draft.replace(path)
