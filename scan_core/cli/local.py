"""``scangate local``: everything on this machine, with no cloud account."""

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

if TYPE_CHECKING:
    from local.stack.parts import Part
    from local.stack.plan import Plan

app = typer.Typer(help="Run everything on this machine, with no cloud account.", no_args_is_help=True)

Data = Annotated[Path, typer.Option(help="Where everything is kept; it survives restarts.")]
Port = Annotated[int | None, typer.Option(help="The app's port; by default the last one of `up`, else a free one.")]
DevopsPort = Annotated[int | None, typer.Option(help="The simulator's port; likewise.")]
DevopsUrl = Annotated[str | None, typer.Option(help="Another server instead of the simulator.")]
Scanner = Annotated[
    Path | None, typer.Option(envvar="SCANGATE_QSCANNER", help="QScanner itself instead of the stand-in.")
]
Runner = Annotated[
    Literal["process", "container-apps"] | None,
    typer.Option(help="What runs workers: the app, or a job in a stand-in for Azure Resource Manager."),
]
Lease = Annotated[int, typer.Option(min=1, help="Seconds a queue message is hidden while its function runs.")]

_DATA = Path(".local/stack")
_LEASE = 30


@app.command()
def up(
    port: Port = None,
    devops_port: DevopsPort = None,
    devops_url: DevopsUrl = None,
    scanner: Scanner = None,
    runner: Runner = None,
    data: Data = _DATA,
    lease: Lease = _LEASE,
) -> None:
    """Start storage, Azure DevOps, a registry and the app; print a line of JSON when ready; run until told to stop."""
    from local.stack import up as stack_up  # noqa: PLC0415 - not deployed

    plan = _plan(
        data, app_port=port, devops_port=devops_port, devops_url=devops_url, scanner=_absolute(scanner), runner=runner
    )
    done = _until_told()
    try:
        with stack_up.start(
            data.absolute(), plan, lease, lambda what: typer.echo(f"starting {what}", err=True)
        ) as stack:
            typer.echo(stack_up.ready_line(stack))
            sys.stdout.flush()
            done.wait()
            typer.echo("stopping", err=True)
    except (stack_up.PartFailed, RuntimeError) as error:
        _fail(str(error))


@app.command()
def storage(data: Data = _DATA) -> None:
    """Run storage alone."""
    from local.stack import parts  # noqa: PLC0415 - not deployed

    _plan(data)
    _become(parts.storage(data.absolute()))


@app.command()
def devops(data: Data = _DATA, devops_port: DevopsPort = None) -> None:
    """Run the Azure DevOps simulator alone."""
    from local.stack import parts  # noqa: PLC0415 - not deployed

    plan = _plan(data, devops_port=devops_port)
    _become(parts.devops(data.absolute(), plan))


@app.command()
def arm(data: Data = _DATA) -> None:
    """Run the stand-in for Azure Resource Manager alone, with the job that `up --runner container-apps` made."""
    from local.stack import parts  # noqa: PLC0415 - not deployed

    plan = _plan(data)
    _become(parts.arm(data.absolute(), plan))


@app.command()
def registry(data: Data = _DATA) -> None:
    """Run the container registry alone."""
    from local.stack import parts  # noqa: PLC0415 - not deployed

    plan = _plan(data)
    _become(parts.registry(data.absolute(), plan))


@app.command(name="app")
def app_alone(
    data: Data = _DATA,
    port: Port = None,
    devops_url: DevopsUrl = None,
    scanner: Scanner = None,
    lease: Lease = _LEASE,
) -> None:
    """Run the app alone; several can run on one storage, each with a port of its own."""
    from local.stack import parts  # noqa: PLC0415 - not deployed

    plan = _plan(data, devops_url=devops_url, scanner=_absolute(scanner))
    try:
        part = parts.app(data.absolute(), plan, lease, port)
    except parts.PartMissing as missing:
        _fail(str(missing))
    _refuse_wrong_settings(part)
    _become(part)


@app.command()
def demo(
    data: Annotated[Path, typer.Option(help="Where the demo's stack is kept; emptied first.")] = Path(
        ".local/demo/stack"
    ),
    stay: Annotated[bool, typer.Option("--stay", help="Keep everything running afterwards.")] = False,
) -> None:
    """Show a pull request, then an image, being refused, fixed and let through."""
    from local.demo import show  # noqa: PLC0415 - not deployed

    raise typer.Exit(show.run(data.absolute(), stay=_until_told() if stay else None))


def _plan(data: Path, **changes: str | int | None) -> "Plan":
    from local.stack.plan import PlanUnreadable, plan_in  # noqa: PLC0415 - not deployed

    try:
        return plan_in(data.absolute(), **changes)
    except PlanUnreadable as unreadable:
        _fail(str(unreadable))


def _absolute(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())


def _refuse_wrong_settings(part: "Part") -> None:
    """End before the start what could only answer 503: the app itself goes on, as it has to in Azure."""
    from scan_core import wiring  # noqa: PLC0415 - slow to import, and only needed here

    os.environ.update(part.environment)
    problem = wiring.settings_problem()
    if problem is not None:
        _fail(problem)


def _become(part: "Part") -> None:
    sys.stdout.flush()
    part.replace_this_process()


def _until_told() -> threading.Event:
    """Be told to stop by SIGTERM or SIGINT instead of dying of them."""
    told = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return told


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
