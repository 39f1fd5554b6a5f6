"""What onboarding wants of every project: four subscriptions and one status policy. Pure."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scan_core.devops.hooks import HookWanted
from scan_core.devops.policies import ALWAYS, Scope, StatusPolicy, StatusPolicySettings
from scan_core.devops.projects import Project
from scan_core.model.ids import OrganisationName

GENRE: Final = "scangate"
STATUS: Final = "source"
CREATED: Final = "git.pullrequest.created"
UPDATED: Final = "git.pullrequest.updated"

WANTED_EVENTS: Final = (
    (CREATED, None, ""),
    (UPDATED, "PushNotification", "PushNotification"),
    (UPDATED, "StatusUpdateNotification", "StatusUpdateNotification"),
    # A new target branch brings other rules and is named by none of the documented values of notificationType
    # (PushNotification, ReviewersUpdateNotification, StatusUpdateNotification, ReviewerVoteNotification: "Service hooks
    # events", learn.microsoft.com). So it reaches an unfiltered subscription only; without one, the next reconciliation
    # would be the first to see it. That one hears of pushes and status changes too, and the filtered two stay even so:
    # probation and loss strike one subscription at a time, and an event that comes twice changes nothing.
    (UPDATED, None, "any"),
)
"""Event type, filter, and the mark in the hook's URL."""

_FINGERPRINT_DIGITS = 8
_BRANCHES = "refs/heads/"


class BranchUnusable(ValueError):
    """What was given is not the name of a branch; the message says what is."""


@dataclass(frozen=True)
class Wish:
    """What every chosen project is to have."""

    hook_url: str
    """Where hooks are sent, without a query."""
    user_names: tuple[str, ...]
    """User names of Basic authentication that stand for the password in use; new subscriptions get the first."""
    author_id: str
    """The identity whose status counts, and whose subscriptions and policies are ours."""
    is_blocking: bool
    scope: tuple[Scope, ...]

    def hooks(self, project: Project) -> tuple[HookWanted, ...]:
        """List the subscriptions of a project.

        Args:
            project: Which.

        Returns:
            One for each wanted event.
        """
        return tuple(
            HookWanted(
                project=project,
                event_type=event,
                notification_type=kind,
                url=f"{self.hook_url}?notificationType={mark}" if mark else self.hook_url,
                user_name=self.user_names[0],
            )
            for event, kind, mark in WANTED_EVENTS
        )

    def policy(self) -> StatusPolicy:
        """Describe the policy of a project: it counts from the first moment, and again after each push.

        Returns:
            The policy.
        """
        return StatusPolicy(
            is_enabled=True,
            is_blocking=self.is_blocking,
            settings=StatusPolicySettings(
                status_name=STATUS,
                status_genre=GENRE,
                author_id=self.author_id,
                invalidate_on_source_update=True,
                default_display_name="Scangate",
                policy_applicability=ALWAYS,
                scope=self.scope,
            ),
        )


def hook_url(public_url: str, organisation: OrganisationName) -> str:
    """Say where an organisation's hooks are sent.

    Args:
        public_url: Where the app is reached, without a slash at the end.
        organisation: Its name in lower case.

    Returns:
        The URL, without a query.
    """
    return f"{public_url}/api/hooks/{organisation}"


def user_names(secret: str, signing_keys: Sequence[str]) -> tuple[str, ...]:
    """Make the user names that tell which password a subscription has, for Azure DevOps never shows it again.

    The app takes any user name. This one carries a keyed hash of the password, which whoever may see subscriptions can
    read and, without the key, do nothing with.

    Args:
        secret: The password that new subscriptions get.
        signing_keys: The app's signing keys, the first in use first.

    Returns:
        One for each key: replacing a signing key leaves the subscriptions as they are.
    """
    digests = (hmac.digest(key.encode(), b"hook-secret/" + secret.encode(), "sha256") for key in signing_keys)
    return tuple(f"scangate-{digest.hex()[:_FINGERPRINT_DIGITS]}" for digest in digests)


def scope_of(branches: Sequence[str]) -> tuple[Scope, ...]:
    """Say which branches a policy holds for, in every repository of a project.

    Args:
        branches: Names such as ``main``, ``refs/heads/main`` or, for a folder of branches, ``release/*``; none for the
            default branch of each repository.

    Returns:
        The scope, each branch once.

    Raises:
        BranchUnusable: One of them is not such a name.
    """
    if not branches:
        return (Scope(match_kind="DefaultBranch"),)
    return tuple(dict.fromkeys(_scope(branch) for branch in branches))


def _scope(branch: str) -> Scope:
    name = branch.removeprefix(_BRANCHES)
    folder = name.removesuffix("/*")
    # git check-ref-format, as far as a typing error goes.
    if not folder or any(letter in folder for letter in " ~^:?*[\\") or folder.startswith("refs/") or ".." in folder:
        raise BranchUnusable(
            f"{branch!r} is not the name of a branch: expected one like main, or release/* for a folder"
        )
    return Scope(ref_name=f"{_BRANCHES}{folder}", match_kind="Exact" if folder == name else "Prefix")
