"""``scangate doctor``: says whether settings, storage and rights are as they should be. Changes nothing."""

from collections.abc import Iterator, Sequence

import typer

from scan_core.cli.onboard import OrganisationOption, Projects
from scan_core.cli.organisation import (
    FAILED,
    named,
    reached,
    read_settings,
    refuse,
    registry_client,
    storage_of,
)
from scan_core.devops.errors import DevOpsError
from scan_core.devops.naming import shown
from scan_core.devops.projects import Project
from scan_core.onboarding import doctor as checks
from scan_core.onboarding.doctor import Check, Health
from scan_core.onboarding.order import Organisation, secret_problem
from scan_core.onboarding.registries_check import check_registries, check_secrets
from scan_core.onboarding.selection import NoSuchProject, choose
from scan_core.onboarding.storage_check import check_storage
from scan_core.onboarding.wish import scope_of, wish_for
from scan_core.onboarding.words import in_words
from scan_core.rules.rules_file import RulesUnreadable, rules_from_mapping
from scan_core.settings.deployment import Settings


def doctor(projects: Projects = None, organisation: OrganisationOption = None) -> None:
    """Check settings, storage, registries, the identity in Azure DevOps, and in each project rights and subscriptions.

    Without projects, every project that the identity may see. Ends with 0 when nothing is bad, 1 when something is,
    2 when the settings cannot be read.
    """
    settings = read_settings()
    name = named(settings, organisation)
    bad = False
    with reached(settings, name) as found:
        for check in _checks(found, projects or ()):
            bad = bad or check.health is Health.BAD
            typer.echo(f"{check.health:<3} {shown(check.subject)}: {check.sentence}")
    if bad:
        raise typer.Exit(FAILED)


def _checks(organisation: Organisation, asked: Sequence[str]) -> Iterator[Check]:
    settings = organisation.settings
    yield _rules(settings)
    yield checks.address(settings.public_url, organisation.described.url)
    yield check_storage(lambda: storage_of(settings))
    yield check_secrets(settings, organisation.described)
    yield from check_registries(organisation.described, lambda registry: registry_client(settings, registry))
    administration, patience = organisation.administration, organisation.patience
    try:
        identity = patience.repeatedly(administration.authenticated_id)
        yield Check(Health.GOOD, organisation.name, f"signed in as {identity}; the policies ask for its statuses")
        chosen = choose(patience.repeatedly(administration.projects), asked)
    except DevOpsError as error:
        yield Check(Health.BAD, organisation.name, in_words(error))
        return
    except NoSuchProject as unknown:
        refuse(str(unknown))
    if not chosen:
        sentence = "this identity sees no project: add it to those that are to be gated"
        yield Check(Health.BAD, organisation.name, sentence)
    judges_images = bool(organisation.described.registries)
    yield from checks.rights(administration, patience, chosen, judges_images=judges_images)
    yield from _hooks(organisation, identity, chosen)


def _hooks(organisation: Organisation, identity: str, projects: Sequence[Project]) -> Iterator[Check]:
    problem = secret_problem(organisation)
    if problem is not None:
        yield Check(Health.BAD, "hooks", problem)
        return
    wish = wish_for(organisation.settings, organisation.name, identity, scope_of(()))
    yield from checks.hooks(organisation.administration, organisation.patience, projects, wish)


def _rules(settings: Settings) -> Check:
    try:
        rules_from_mapping(settings.default_rules)
    except RulesUnreadable as unreadable:
        return Check(Health.BAD, "settings", f"{unreadable.sentence} Correct SCANGATE_DEFAULT_RULES.")
    return Check(Health.GOOD, "settings", f"complete, with {len(settings.organisations)} organisation(s)")
