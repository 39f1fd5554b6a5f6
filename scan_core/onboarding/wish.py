"""What onboarding wants of every project: six subscriptions and two status policies. Pure."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from scan_core.devops.hooks import BUILD_RESOURCE_VERSION, RESOURCE_VERSION, HookWanted
from scan_core.devops.policies import ALWAYS, ONCE_POSTED, Scope, StatusPolicy, StatusPolicySettings
from scan_core.devops.projects import Project
from scan_core.model.ids import OrganisationName
from scan_core.model.subject import StatusName
from scan_core.settings.deployment import Settings

GENRE: Final = "scangate"
CREATED: Final = "git.pullrequest.created"
UPDATED: Final = "git.pullrequest.updated"

PUSHED: Final = "git.push"
BUILT: Final = "build.complete"


class WantedEvent(NamedTuple):
    """An event, how it is narrowed, and what of it is asked for."""

    event_type: str
    notification_type: str | None = None
    """The filter of ``git.pullrequest.updated``."""
    mark: str = ""
    """What the hook's URL says of it."""
    resource_version: str = RESOURCE_VERSION
    details: Literal["minimal", "all"] = "minimal"


WANTED_EVENTS: Final = (
    WantedEvent(CREATED),
    WantedEvent(UPDATED, "PushNotification", "PushNotification"),
    WantedEvent(UPDATED, "StatusUpdateNotification", "StatusUpdateNotification"),
    # A new target branch brings other rules and is named by none of the documented values of notificationType
    # (PushNotification, ReviewersUpdateNotification, StatusUpdateNotification, ReviewerVoteNotification: "Service hooks
    # events", learn.microsoft.com). So it reaches an unfiltered subscription only; without one, the next reconciliation
    # would be the first to see it. That one hears of pushes and status changes too, and the filtered two stay even so:
    # probation and loss strike one subscription at a time, and an event that comes twice changes nothing.
    WantedEvent(UPDATED, mark="any"),
    # Minimal details name the repository and no branch. Then every push to any branch would cost a look at all branches
    # that matter; with all details one to a branch that does not costs nothing.
    WantedEvent(PUSHED, details="all"),
    WantedEvent(BUILT, resource_version=BUILD_RESOURCE_VERSION),
)

_FINGERPRINT_DIGITS = 8
_USER_NAME = re.compile(rf"scangate-[0-9a-f]{{{_FINGERPRINT_DIGITS}}}")
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
    old_user_names: tuple[str, ...] = ()
    """User names that stand for the password that is being replaced; none where there is none such."""

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
                event_type=event.event_type,
                notification_type=event.notification_type,
                url=f"{self.hook_url}?notificationType={event.mark}" if event.mark else self.hook_url,
                user_name=self.user_names[0],
                resource_version=event.resource_version,
                details=event.details,
            )
            for event in WANTED_EVENTS
        )

    def policies(self) -> tuple[StatusPolicy, ...]:
        """Describe the policies of a project: both ask again after each push.

        That for source counts from the first moment. That for images counts once a status was posted, so that it does
        not block pull requests whose builds make no image.

        Returns:
            The policies.
        """
        return self._policy(StatusName.SOURCE, "Scangate", ALWAYS), self._policy(
            StatusName.IMAGE, "Scangate images", ONCE_POSTED
        )

    def _policy(self, status: StatusName, shown: str, applicability: int | None) -> StatusPolicy:
        return StatusPolicy(
            is_enabled=True,
            is_blocking=self.is_blocking,
            settings=StatusPolicySettings(
                status_name=status.value,
                status_genre=GENRE,
                author_id=self.author_id,
                invalidate_on_source_update=True,
                default_display_name=shown,
                policy_applicability=applicability,
                scope=self.scope,
            ),
        )


def wish_for(settings: Settings, organisation: OrganisationName, identity: str, scope: tuple[Scope, ...]) -> Wish:
    """Say what projects are to have under the settings, with a policy that blocks.

    Args:
        settings: The settings; the organisation has a hook secret.
        organisation: Whose projects.
        identity: The id of the identity that calls.
        scope: The branches that the policy holds for.

    Returns:
        The wish.
    """
    keys = [key.get_secret_value() for key in settings.signing_keys]
    secrets = [secret.get_secret_value() for secret in settings.organisations[organisation].hook_secrets]
    return Wish(
        hook_url=hook_url(settings.public_url, organisation),
        user_names=user_names(secrets[0], keys),
        author_id=identity,
        is_blocking=True,
        scope=scope,
        old_user_names=tuple(name for old in secrets[1:] for name in user_names(old, keys)),
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


def is_onboardings_name(user_name: str) -> bool:
    """Tell whether a user name is one that onboarding gives, for whatever secret and key.

    Args:
        user_name: The user name of a subscription's Basic authentication.

    Returns:
        Whether it is; people who make subscriptions by hand give others.
    """
    return _USER_NAME.fullmatch(user_name) is not None


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
