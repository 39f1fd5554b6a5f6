"""What onboarding made, told from what others made; and what is wrong with it. Pure."""

from typing import Final

from scan_core.devops.hooks import ENABLED, PASSWORD_INPUT, RESOURCE_VERSION, HookWanted, Subscription
from scan_core.devops.policies import PolicyRead, StatusPolicy, StatusPolicySettings
from scan_core.model.subject import StatusName
from scan_core.onboarding.wish import GENRE, Wish, is_onboardings_name

ON_PROBATION: Final = "onProbation"
DISABLED_BY_USER: Final = "disabledByUser"
OTHER_PASSWORD: Final = "has another password than the first one in the settings"  # noqa: S105 - a sentence
_STATES: Final = {
    ON_PROBATION: "on probation: deliveries failed",
    "disabledBySystem": "disabled by Azure DevOps: deliveries failed",
    DISABLED_BY_USER: "disabled by somebody",
    "disabledByInactiveIdentity": "disabled: its owner was inactive or lost its rights",
}
_OLD_SPELLINGS: Final = {"1.0-preview.1": RESOURCE_VERSION}
"""Of the same version."""
_NARROWING: Final = (
    "repository",
    "branch",
    "notificationType",
    "pullrequestCreatedBy",
    "pullrequestReviewersContains",
    "pushedBy",
    "definitionName",
    "buildStatus",
)
"""Filters of the wanted events ("Service hooks events", learn.microsoft.com); other keys are the server's own."""


def is_our_subscription(subscription: Subscription, wish: Wish) -> bool:
    """Tell whether onboarding made a subscription: it sends to our address and belongs to our identity.

    Args:
        subscription: Anyone's.
        wish: Names address and identity.

    Returns:
        Whether it may be changed.
    """
    return _sends_to_us(subscription, wish) and subscription.created_by == wish.author_id


def is_strange_subscription(subscription: Subscription, wish: Wish) -> bool:
    """Tell whether somebody else made a subscription that sends to our address.

    Args:
        subscription: Anyone's.
        wish: Names address and identity.

    Returns:
        Whether it is worth a note.
    """
    return _sends_to_us(subscription, wish) and subscription.created_by != wish.author_id


def was_onboarded(subscription: Subscription, wish: Wish) -> bool:
    """Tell whether a subscription is not only ours but was made by onboarding, and not by hand as the same identity.

    Args:
        subscription: Anyone's.
        wish: Names address and identity.

    Returns:
        Whether it may be changed without being asked to.
    """
    return is_our_subscription(subscription, wish) and is_onboardings_name(_user_name(subscription))


def uses_old_secret(subscription: Subscription, wish: Wish) -> bool:
    """Tell whether anybody's subscription sends to our address with the password that is being replaced.

    Args:
        subscription: Anyone's.
        wish: Says which user names stand for that password.

    Returns:
        Whether it does, as far as its user name tells: one that a person made by hand has a name of their own.
    """
    return _sends_to_us(subscription, wish) and _user_name(subscription) in wish.old_user_names


def uses_no_known_secret(subscription: Subscription, wish: Wish) -> bool:
    """Tell whether anybody's subscription sends to our address with a password that cannot be told.

    Args:
        subscription: Anyone's.
        wish: Says which user names stand for which password.

    Returns:
        Whether its user name is none of those that onboarding gives.
    """
    known = {*wish.user_names, *wish.old_user_names}
    return _sends_to_us(subscription, wish) and _user_name(subscription) not in known


def is_our_policy(read: PolicyRead, wish: Wish) -> bool:
    """Tell whether onboarding made a policy: it asks for one of our statuses by our identity.

    Args:
        read: Anyone's status policy.
        wish: Names the identity.

    Returns:
        Whether it may be changed.
    """
    return _asks_for_ours(read) and _author(read.policy.settings) == wish.author_id


def is_strange_policy(read: PolicyRead, wish: Wish) -> bool:
    """Tell whether a policy asks for one of our statuses by anyone else, or by anyone at all.

    Args:
        read: Anyone's status policy.
        wish: Names the identity.

    Returns:
        Whether it is worth a note.
    """
    return _asks_for_ours(read) and _author(read.policy.settings) != wish.author_id


def slot_of(subscription: Subscription) -> tuple[str, str | None]:
    """Say which of the wanted subscriptions one of ours stands for.

    Args:
        subscription: One of ours.

    Returns:
        Event type and filter.
    """
    return subscription.event_type, subscription.publisher_inputs.get("notificationType") or None


def hook_fault(subscription: Subscription, wanted: HookWanted, wish: Wish) -> str | None:
    """Say why a subscription does not do.

    Args:
        subscription: One of ours, for the same event and filter.
        wanted: What it should be.
        wish: Says which user names stand for the password in use.

    Returns:
        The reason in words; None where it does.
    """
    if subscription.status != ENABLED:
        return _STATES.get(subscription.status, f"in the unknown state {subscription.status[:40]}")
    narrowed = [name for name in _NARROWING if _filter(subscription, name) != wanted.publisher_inputs.get(name, "")]
    if narrowed:
        return f"narrowed by {', '.join(narrowed)}"
    version = subscription.resource_version
    if _OLD_SPELLINGS.get(version, version) != wanted.resource_version:
        return f"asks for version {version[:20]}"
    return _delivery_fault(subscription, wanted, wish)


def _delivery_fault(subscription: Subscription, wanted: HookWanted, wish: Wish) -> str | None:
    actual = subscription.consumer_inputs
    if actual.get("url") != wanted.url:
        return "marked for another event"
    if not actual.get(PASSWORD_INPUT) or _user_name(subscription) not in wish.user_names:
        return OTHER_PASSWORD
    if any(actual.get(name) != value for name, value in wanted.consumer_inputs.items() if name != "basicAuthUsername"):
        return "sends more or less than is needed"
    return None


def policy_fault(policy: StatusPolicy, wanted: StatusPolicy) -> str | None:
    """Say why a policy does not do.

    Args:
        policy: One of ours.
        wanted: What it should be.

    Returns:
        The reason in words; None where it does.
    """
    if not policy.is_enabled:
        return "switched off"
    if policy.is_blocking != wanted.is_blocking:
        return f"is {'blocking' if policy.is_blocking else 'optional'} now"
    if not policy.settings.invalidate_on_source_update:
        return "does not ask again after a push"
    if policy.settings.filename_patterns or _applicability(policy) > _applicability(wanted):
        return "does not count always"
    if _applicability(policy) < _applicability(wanted):
        return "blocks where no status was posted"
    if _branches(policy.settings) != _branches(wanted.settings):
        return "holds for other branches"
    return None


def _applicability(policy: StatusPolicy) -> int:
    """Read from when a policy counts; 0 is what some clients write for "always"."""
    return policy.settings.policy_applicability or 0


def _user_name(subscription: Subscription) -> str:
    return subscription.consumer_inputs.get("basicAuthUsername", "")


def _sends_to_us(subscription: Subscription, wish: Wish) -> bool:
    # The whole path is compared: /api/hooks/fabrikam is the beginning of /api/hooks/fabrikam-test.
    return subscription.consumer_inputs.get("url", "").partition("?")[0] == wish.hook_url


def _asks_for_ours(read: PolicyRead) -> bool:
    settings = read.policy.settings
    return settings.status_genre == GENRE and settings.status_name in list(StatusName)


def _author(settings: StatusPolicySettings) -> str:
    return (settings.author_id or "").lower()


def _filter(subscription: Subscription, name: str) -> str:
    return subscription.publisher_inputs.get(name, "")


def _branches(settings: StatusPolicySettings) -> set[tuple[str | None, str | None, str]]:
    return {
        (one.repository_id, None if kind == "defaultbranch" else one.ref_name, kind)
        for one in settings.scope
        for kind in [one.match_kind.casefold()]
    }
