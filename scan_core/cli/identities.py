"""``scangate identities``: makes the service's identities members of an organisation, with the least rights that do."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from scan_core.cli.administrator import administrator
from scan_core.cli.onboard import Projects
from scan_core.cli.onboard_tables import show_rows
from scan_core.cli.organisation import FAILED, refuse
from scan_core.devops.administration import Administration
from scan_core.devops.directory import Directory
from scan_core.devops.errors import DevOpsError
from scan_core.devops.naming import shown
from scan_core.devops.projects import Project
from scan_core.onboarding.patience import Patience
from scan_core.onboarding.roles import NoObjectId, Role, app_role, fetch_role
from scan_core.onboarding.roles_carry_out import RoleHands
from scan_core.onboarding.roles_plan import (
    PlacePlan,
    RoleStanding,
    plan_members,
    plan_members_removal,
    plan_rights,
    plan_rights_removal,
)
from scan_core.onboarding.roles_survey import entries_in, standing_of
from scan_core.onboarding.selection import NoSuchProject, choose
from scan_core.onboarding.telling import DONE, counted
from scan_core.onboarding.words import to_an_administrator

app = typer.Typer(
    help="Make the service's identities members of an organisation, with the least rights that do. Calls as whoever"
    " is signed in to the Azure CLI.",
    no_args_is_help=True,
)

Everything = Annotated[bool, typer.Option("--all", help="Every project that you may see.")]
Url = Annotated[
    str, typer.Option("--organisation-url", help="Such as https://dev.azure.com/fabrikam.", show_default=False)
]
App = Annotated[str | None, typer.Option("--app", help="Object id of the app's identity.", show_default=False)]
Fetch = Annotated[
    str | None, typer.Option("--fetch", help="Object id of the fetch step's identity.", show_default=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")]


@app.command()
def add(
    organisation_url: Url,
    projects: Projects = None,
    everything: Everything = False,
    app_id: App = None,
    fetch_id: Fetch = None,
    onboarding: Annotated[
        bool, typer.Option("--onboarding", help="Let the app also onboard projects and repair their hooks.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Add the identities to the organisation with a Basic licence, and give each its rights in the projects.

    Ends with 0 when everything stands as wanted, 1 when something failed, 2 when nothing was begun. Run it again
    after an interruption: it continues where it stopped. With --dry-run it tells what is missing.
    """
    _both_or_neither(projects, everything)
    roles = _roles(app_id, fetch_id, onboarding=onboarding)
    with _reached(organisation_url) as reached, _told():
        standing = standing_of(reached.directory, reached.patience, roles)
        plans = [plan_members(standing)]
        if plans[0].problem is not None:
            refuse(plans[0].problem)
        for project in _chosen(reached, projects):
            entries = entries_in(reached.directory, reached.patience, project, standing)
            plans.append(plan_rights(project, standing, entries))
        _carry_out(reached, standing, plans, dry_run=dry_run)


@app.command()
def remove(
    organisation_url: Url,
    projects: Projects = None,
    everything: Everything = False,
    app_id: App = None,
    fetch_id: Fetch = None,
    dry_run: DryRun = False,
) -> None:
    """Take out what `add` made, and nothing else: with --all the members too, otherwise their rights in the projects.

    A licence that was changed is changed back. Ends as `add` does.
    """
    _both_or_neither(projects, everything)
    roles = _roles(app_id, fetch_id, onboarding=True)
    with _reached(organisation_url) as reached, _told():
        standing = standing_of(reached.directory, reached.patience, roles)
        plans = []
        for project in _chosen(reached, projects):
            entries = entries_in(reached.directory, reached.patience, project, standing)
            plans.append(plan_rights_removal(project, standing, entries))
        if everything:
            plans.append(plan_members_removal(standing))
        _carry_out(reached, standing, plans, dry_run=dry_run)


@dataclass(frozen=True)
class _Reached:
    """An organisation that can be called as an administrator."""

    url: str
    administration: Administration
    directory: Directory
    patience: Patience


@contextmanager
def _reached(url: str) -> Iterator[_Reached]:
    authorization = administrator()
    try:
        administration, directory = Administration(url, authorization), Directory(url, authorization)
    except ValueError as wrong:
        refuse(f"--organisation-url: {wrong}")
    with closing(administration), closing(directory):

        def asked_to_wait() -> float:
            return max(administration.slow_down_seconds(), directory.slow_down_seconds())

        yield _Reached(url, administration, directory, Patience(asked_to_wait, lambda words: typer.echo(f"  {words}")))


@contextmanager
def _told() -> Iterator[None]:
    """End the command with a sentence where nothing was begun, or where it was interrupted."""
    try:
        yield
    except NoSuchProject as unknown:
        refuse(str(unknown))
    except DevOpsError as error:
        refuse(to_an_administrator(error))
    except KeyboardInterrupt:
        typer.echo("Stopped. Run the same command again: it continues where it stopped.", err=True)
        raise typer.Exit(FAILED) from None


def _both_or_neither(projects: Sequence[str] | None, everything: bool) -> None:
    if bool(projects) == everything:
        refuse("Name the projects, or give --all for every project of the organisation; not both.")


def _roles(app_id: str | None, fetch_id: str | None, *, onboarding: bool) -> list[Role]:
    try:
        roles = [
            *([] if app_id is None else [app_role(app_id, onboarding=onboarding)]),
            *([] if fetch_id is None else [fetch_role(fetch_id)]),
        ]
    except NoObjectId as wrong:
        refuse(str(wrong))
    if not roles:
        refuse("Name an identity by its object id: --app, --fetch, or both. A deployment's outputs have them.")
    if len({role.origin_id for role in roles}) < len(roles):
        refuse("The app and the fetch step need identities of their own: --app and --fetch are the same one.")
    return roles


def _chosen(reached: _Reached, asked: Sequence[str] | None) -> tuple[Project, ...]:
    return choose(reached.patience.repeatedly(reached.administration.projects), asked or ())


def _carry_out(
    reached: _Reached, standing: dict[Role, RoleStanding], plans: Sequence[PlacePlan], *, dry_run: bool
) -> None:
    """Show the plans and, unless told otherwise, carry them out, a line for each place."""
    busy = [plan for plan in plans if plan.steps]
    if busy:
        rows = ((plan.name, [(step.change, step.label, step.why) for step in plan.steps]) for plan in busy)
        show_rows(f"Plan for {reached.url}", rows)
    steps = sum(len(plan.steps) for plan in busy)
    typer.echo(f"Plan: {counted(steps, 'change')}; {len(plans) - len(busy)} of {len(plans)} places as wanted.")
    if dry_run or not busy:
        return
    hands = RoleHands(reached.directory, reached.patience, standing)
    for number, plan in enumerate(busy, start=1):
        done: Counter[str] = Counter()
        try:
            for step in hands.carry_out(plan):
                done[DONE[step.change]] += 1
        except DevOpsError as error:
            typer.echo(f"[{number}/{len(busy)}] {shown(plan.name)}: {_in_words(done)}; then it failed.", err=True)
            typer.echo(f"The others were not tried: {to_an_administrator(error)}", err=True)
            raise typer.Exit(FAILED) from None
        typer.echo(f"[{number}/{len(busy)}] {shown(plan.name)}: {_in_words(done)}")
    typer.echo("Done.")


def _in_words(done: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in done.items()) or "nothing done"
