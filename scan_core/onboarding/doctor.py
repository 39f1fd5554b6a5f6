"""Whether a project can be gated, told without changing anything."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from scan_core.devops.administration import Administration
from scan_core.devops.errors import DevOpsError
from scan_core.devops.hooks import Subscription
from scan_core.devops.projects import Project
from scan_core.devops.rights import Right
from scan_core.model.ids import ProjectId
from scan_core.onboarding.diagnosis import secrets
from scan_core.onboarding.ours import hook_fault, is_our_subscription, slot_of
from scan_core.onboarding.patience import Patience
from scan_core.onboarding.survey import by_project
from scan_core.onboarding.wish import Wish
from scan_core.onboarding.words import in_words


class Health(StrEnum):
    """How a check ended."""

    GOOD = "ok"
    BAD = "bad"
    UNKNOWN = "?"
    """It could not be told without changing something."""


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    health: Health
    subject: str
    sentence: str
    """What was found and, where it is not good, what to do."""


_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}

_NEEDED: Final[Mapping[Right, str]] = {
    Right.READ_CODE: "'Read' (project settings, Repositories, Security)",
    Right.CONTRIBUTE_TO_PULL_REQUESTS: "'Contribute to pull requests' (project settings, Repositories, Security)",
    Right.EDIT_POLICIES: "'Edit policies' (project settings, Repositories, Security; for onboarding only)",
    Right.VIEW_SUBSCRIPTIONS: "'View subscriptions' (az devops security permission update, bit 1)",
    Right.EDIT_SUBSCRIPTIONS: "'Edit subscriptions' (az devops security permission update, bit 2)",
    Right.DELETE_SUBSCRIPTIONS: "'Delete subscriptions' (az devops security permission update, bit 4)",
    Right.READ_BUILDS: "'View builds' (Pipelines, Manage security; only where builds are gated)",
    Right.TAG_BUILDS: "'Edit build quality' (Pipelines, Manage security; only where builds are gated)",
}
"""Each with where it is granted. Subscriptions have no page in the portal for it."""
_WHERE_BUILDS_ARE_GATED: Final = frozenset({Right.READ_BUILDS, Right.TAG_BUILDS})
_NOWHERE: Final[frozenset[Right]] = frozenset()


def address(public_url: str, organisation_url: str) -> Check:
    """Check whether Azure DevOps can reach the app where hooks and statuses say it is.

    Args:
        public_url: Where the app is reached.
        organisation_url: Where the organisation is.

    Returns:
        A line; whether the app answers there is not tried.
    """
    here, there = urlsplit(public_url), urlsplit(organisation_url)
    if here.hostname in _LOOPBACK and there.hostname not in _LOOPBACK:
        return Check(
            Health.BAD,
            "public URL",
            f"{public_url} is this machine, out of Azure DevOps' reach: set SCANGATE_PUBLIC_URL to the app's address",
        )
    if here.hostname not in _LOOPBACK and here.scheme != "https":
        return Check(
            Health.BAD,
            "public URL",
            f"{public_url} is not https, so the hooks' password would travel in the open: correct SCANGATE_PUBLIC_URL",
        )
    return Check(Health.GOOD, "public URL", public_url)


def rights(
    administration: Administration, patience: Patience, projects: Sequence[Project], *, judges_images: bool
) -> Iterator[Check]:
    """Check each right in each project, in one call for a hundred projects.

    Args:
        administration: The organisation.
        patience: Makes the calls.
        projects: Which projects.
        judges_images: Whether images are judged, for which builds have to be read and tagged.

    Yields:
        A line for each project, and one more for each right that is missing.
    """
    asked = [(project.id, right) for project in projects for right in _NEEDED]
    try:
        held = patience.repeatedly(lambda: administration.rights_held(asked))
    except DevOpsError as error:
        yield Check(Health.UNKNOWN, "rights", f"{in_words(error)} Onboarding will name what is missing.")
        return
    for project in projects:
        yield from _rights_in(project, held, _NOWHERE if judges_images else _WHERE_BUILDS_ARE_GATED)


def _rights_in(
    project: Project, held: Mapping[tuple[ProjectId, Right], bool], spared: frozenset[Right]
) -> Iterable[Check]:
    missing = [right for right in _NEEDED if not held[project.id, right]]
    if not missing:
        yield Check(Health.GOOD, project.name, f"all {len(_NEEDED)} rights are there")
    for right in missing:
        health = Health.UNKNOWN if right in spared else Health.BAD
        sentence = f"the right {_NEEDED[right]} is missing: grant it to this identity, by 'scangate identities add'"
        yield Check(health, project.name, sentence)


def hooks(
    administration: Administration, patience: Patience, projects: Sequence[Project], wish: Wish
) -> Iterator[Check]:
    """Check the subscriptions, listed once.

    Args:
        administration: The organisation.
        patience: Makes the calls.
        projects: Which projects.
        wish: What they should be.

    Yields:
        A line for each project and, while a secret is being replaced, one that says who uses the old one.
    """
    try:
        everyones = patience.repeatedly(administration.subscriptions)
    except DevOpsError as error:
        yield Check(Health.BAD, "subscriptions", in_words(error))
        return
    listed = by_project(everyones)
    for project in projects:
        yield _hooks_of(project, listed.get(project.id, ()), wish)
    if wish.old_user_names:
        yield _old_secret(everyones, wish)


def _old_secret(everyones: Sequence[Subscription], wish: Wish) -> Check:
    """Say whether the second secret can be removed, from the subscriptions of the whole organisation."""
    old, unknown = secrets(everyones, wish)
    apart = f"; {unknown} more that send to this app were not made by onboarding: see to their passwords" * bool(
        unknown
    )
    if old:
        sentence = f"the second one is still used by {old} subscriptions: onboard again, or let the app replace it"
        return Check(Health.UNKNOWN, "hook secrets", sentence + apart)
    sentence = "nothing that onboarding made uses the second one any more: remove it from SCANGATE_ORGANISATIONS"
    return Check(Health.UNKNOWN if unknown else Health.GOOD, "hook secrets", sentence + apart)


def _hooks_of(project: Project, subscriptions: Iterable[Subscription], wish: Wish) -> Check:
    ours = [one for one in subscriptions if is_our_subscription(one, wish)]
    wanted = wish.hooks(project)
    if not ours:
        return Check(Health.UNKNOWN, project.name, "has no subscription of ours: onboard it if it is to be gated")
    faults = []
    for each in wanted:
        slot = (each.event_type, each.notification_type)
        found = [hook_fault(one, each, wish) for one in ours if slot_of(one) == slot]
        if None not in found:
            faults.append(next(iter(found), None) or "missing")
    if not faults:
        return Check(Health.GOOD, project.name, f"all {len(wanted)} subscriptions are in order")
    causes = ", ".join(dict.fromkeys(faults))
    return Check(
        Health.BAD,
        project.name,
        f"{len(faults)} of {len(wanted)} subscriptions are not in order ({causes}): onboard it again",
    )
