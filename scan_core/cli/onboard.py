"""``scangate onboard``: connects projects of Azure DevOps to the gate, repairs the connection, or takes it out."""

from typing import Annotated

import typer

from scan_core.cli.onboard_tables import show_plan
from scan_core.cli.onboard_via import onboard_via
from scan_core.cli.organisation import FAILED, named, reached, read_settings, refuse
from scan_core.model.onboarding import Order, PlanTold
from scan_core.onboarding.order import End, Refused, carry_out

Projects = Annotated[
    list[str] | None, typer.Argument(help="Names, ids or patterns such as 'Team *'.", show_default=False)
]
OrganisationOption = Annotated[
    str | None, typer.Option("--organisation", help="Which organisation, where several are configured.")
]


def onboard(  # noqa: PLR0913, PLR0917 - options of a command line
    projects: Projects = None,
    everything: Annotated[bool, typer.Option("--all", help="Every project that this identity may see.")] = False,
    organisation: OrganisationOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    optional: Annotated[bool, typer.Option("--optional", help="The status is shown and does not block.")] = False,
    branch: Annotated[
        list[str] | None,
        typer.Option(
            help="A branch that the policy holds for, or release/*; repeatable. By default the default branches."
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take out what onboarding made, and nothing else.")] = False,
    via: Annotated[
        str | None,
        typer.Option(help="The app's address: it onboards by itself, and this command only orders it and shows how."),
    ] = None,
    audience: Annotated[
        str | None,
        typer.Option(envvar="SCANGATE_ADMIN_CLIENT_ID", help="With --via: client id of the app's registration."),
    ] = None,
) -> None:
    """Create or repair hook subscriptions and the status policy, by a plan that is shown first.

    Ends with 0 when everything stands as wanted, 1 when something failed, 2 when nothing was begun. Run it again
    after an interruption: it continues where it stopped.
    """
    if bool(projects) == everything:
        refuse("Name the projects, or give --all for every project of the organisation; not both.")
    order = Order(
        projects=tuple(projects or ()),
        branches=tuple(branch or ()),
        dry_run=dry_run,
        optional=optional,
        remove=remove,
    )
    try:
        done = onboard_via(via, audience, organisation, order) if via else _onboard_here(organisation, order)
    except Refused as refused:
        refuse(str(refused))
    except KeyboardInterrupt:
        typer.echo("Stopped. Run the same command again: it continues where it stopped.", err=True)
        raise typer.Exit(FAILED) from None
    if not done:
        raise typer.Exit(FAILED)


def _onboard_here(organisation: str | None, order: Order) -> bool:
    """Onboard from this machine; tell whether everything came about."""
    settings = read_settings()
    with reached(settings, named(settings, organisation)) as found:
        return carry_out(found, order, _Printer()) is End.DONE


class _Printer:
    """Tells whoever sits before the terminal."""

    def plan(self, plan: PlanTold) -> None:
        show_plan(plan)

    def line(self, text: str) -> None:
        typer.echo(text)

    def problem(self, text: str) -> None:
        typer.echo(text, err=True)
