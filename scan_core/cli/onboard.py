"""``scangate onboard``: connects projects of Azure DevOps to the gate, repairs the connection, or takes it out."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from scan_core.cli.onboard_tables import happened, line_of, show_plan
from scan_core.cli.organisation import FAILED, Organisation, named, reached, read_settings, refuse
from scan_core.devops.errors import DevOpsError
from scan_core.devops.policies import Scope
from scan_core.onboarding.carry_out import Hands, Outcome
from scan_core.onboarding.plan import ProjectPlan, plan, plan_removal
from scan_core.onboarding.selection import NoSuchProject, choose
from scan_core.onboarding.survey import plans
from scan_core.onboarding.wish import BranchUnusable, Wish, hook_url, scope_of, user_names
from scan_core.onboarding.words import in_words

Projects = Annotated[
    list[str] | None, typer.Argument(help="Names, ids or patterns such as 'Team *'.", show_default=False)
]
OrganisationOption = Annotated[
    str | None, typer.Option("--organisation", help="Which organisation, where several are configured.")
]


def onboard(
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
) -> None:
    """Create or repair hook subscriptions and the status policy, by a plan that is shown first.

    Ends with 0 when everything stands as wanted, 1 when something failed, 2 when nothing was begun. Run it again
    after an interruption: it continues where it stopped.
    """
    if bool(projects) == everything:
        refuse("Name the projects, or give --all for every project of the organisation; not both.")
    settings = read_settings()
    try:
        scope = scope_of(branch or ())
        with reached(settings, named(settings, organisation)) as found:
            failed = _onboard(found, projects or (), scope, dry_run=dry_run, blocking=not optional, remove=remove)
    except (BranchUnusable, NoSuchProject) as wrong:
        refuse(str(wrong))
    except KeyboardInterrupt:
        typer.echo("Stopped. Run the same command again: it continues where it stopped.", err=True)
        raise typer.Exit(FAILED) from None
    if failed:
        raise typer.Exit(FAILED)


def _onboard(
    organisation: Organisation,
    asked: Sequence[str],
    scope: tuple[Scope, ...],
    *,
    dry_run: bool,
    blocking: bool,
    remove: bool,
) -> bool:
    """Plan, and unless told otherwise do it; tell whether anything failed."""
    problem = secret_problem(organisation)
    if problem is not None:
        refuse(problem)
    try:
        identity = organisation.patience.repeatedly(organisation.administration.authenticated_id)
        wish = wish_for(organisation, identity, scope, blocking=blocking)
        made = _planned(organisation, asked, wish, remove=remove)
    except DevOpsError as error:
        refuse(in_words(error))
    show_plan(made, organisation.name)
    if dry_run:
        return any(each.problem is not None for each in made)
    password = organisation.described.hook_secrets[0]
    return _carried_out(made, Hands(organisation.administration, organisation.patience, password))


def secret_problem(organisation: Organisation) -> str | None:
    """Tell whether there is a password for the hooks.

    Args:
        organisation: Whose hooks.

    Returns:
        What is wrong and what to do; None where there is one.
    """
    secrets = organisation.described.hook_secrets
    if secrets and secrets[0].get_secret_value():
        return None
    return (
        f"{organisation.name} has no hook secret, so its hooks would be answered 503: put one into hook_secrets in"
        " SCANGATE_ORGANISATIONS."
    )


def wish_for(organisation: Organisation, identity: str, scope: tuple[Scope, ...], *, blocking: bool) -> Wish:
    """Say what projects are to have.

    Args:
        organisation: Whose projects; it has a hook secret.
        identity: The id of the identity that calls.
        scope: The branches that the policy holds for.
        blocking: Whether the policy blocks.

    Returns:
        The wish.
    """
    settings, secret = organisation.settings, organisation.described.hook_secrets[0]
    return Wish(
        hook_url=hook_url(settings.public_url, organisation.name),
        user_names=user_names(secret.get_secret_value(), [key.get_secret_value() for key in settings.signing_keys]),
        author_id=identity,
        is_blocking=blocking,
        scope=scope,
    )


def _planned(organisation: Organisation, asked: Sequence[str], wish: Wish, *, remove: bool) -> list[ProjectPlan]:
    administration, patience = organisation.administration, organisation.patience
    chosen = choose(patience.repeatedly(administration.projects), asked)
    planner = plan_removal if remove else plan
    return list(plans(administration, patience, chosen, lambda project, standing: planner(project, standing, wish)))


def _carried_out(made: Sequence[ProjectPlan], hands: Hands) -> bool:
    """Do it, a line for each project, and tell whether anything failed."""
    busy = [each for each in made if each.steps]
    outcomes: list[Outcome] = []
    try:
        for outcome in hands.carry_out(busy):
            outcomes.append(outcome)
            typer.echo(line_of(outcome, len(outcomes), len(busy)))
    except DevOpsError as error:
        typer.echo(f"The other projects were not tried: {in_words(error)}", err=True)
    unread = sum(each.problem is not None for each in made)
    failed = unread + sum(each.problem is not None for each in outcomes)
    untried = len(busy) - len(outcomes)
    _conclude(outcomes, len(made) - len(busy) - unread, failed, untried)
    return bool(failed or untried)


def _conclude(outcomes: Sequence[Outcome], unchanged: int, failed: int, untried: int) -> None:
    steps = Counter(happened(step) for outcome in outcomes for step in outcome.done)
    done = ", ".join(f"{number} × {words}" for words, number in steps.items()) or "nothing to do"
    numbers = {"as wanted before": unchanged, "failed": failed, "not tried": untried}
    rest = "".join(f"; projects {words}: {number}" for words, number in numbers.items() if number)
    typer.echo(f"Done: {done}{rest}.")
