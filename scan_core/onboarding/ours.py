"""What onboarding made, told from what others made; and what is wrong with it. Pure."""

from typing import Final

from scan_core.devops.hooks import ENABLED, PASSWORD_INPUT, RESOURCE_VERSION, HookWanted, Subscription
from scan_core.devops.policies import PolicyRead, StatusPolicy, StatusPolicySettings
from scan_core.onboarding.wish import GENRE, STATUS, Wish

_STATES: Final = {
    "onProbation": "on probation: deliveries failed",
    "disabledBySystem": "disabled by Azure DevOps: deliveries failed",
    "disabledByUser": "disabled by somebody",
    "disabledByInactiveIdentity": "disabled: its owner was inactive or lost its rights",
}
_VERSIONS: Final = {RESOURCE_VERSION, "1.0-preview.1"}
"""The same version, in its old spelling too."""
_NARROWING: Final = (
    "repository",
    "branch",
    "notificationType",
    "pullrequestCreatedBy",
    "pullrequestReviewersContains",
)
"""Filters of pull-request events ("Service hooks events", learn.microsoft.com); other keys are the server's own."""


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


def is_our_policy(read: PolicyRead, wish: Wish) -> bool:
    """Tell whether onboarding made a policy: it asks for our status by our identity.

    Args:
        read: Anyone's status policy.
        wish: Names the identity.

    Returns:
        Whether it may be changed.
    """
    return _asks_for_ours(read) and _author(read.policy.settings) == wish.author_id


def is_strange_policy(read: PolicyRead, wish: Wish) -> bool:
    """Tell whether a policy asks for our status by anyone else, or by anyone at all.

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
    if subscription.resource_version not in _VERSIONS:
        return f"asks for version {subscription.resource_version[:20]}"
    return _delivery_fault(subscription, wanted, wish)


def _delivery_fault(subscription: Subscription, wanted: HookWanted, wish: Wish) -> str | None:
    actual = subscription.consumer_inputs
    if actual.get("url") != wanted.url:
        return "marked for another event"
    if not actual.get(PASSWORD_INPUT) or actual.get("basicAuthUsername") not in wish.user_names:
        return "has another password than the first one in the settings"
    if any(actual.get(name) != value for name, value in wanted.consumer_inputs.items() if name != "basicAuthUsername"):
        return "sends more than is needed"
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
    # 0 is what some clients write for "always".
    if policy.settings.policy_applicability not in {None, 0} or policy.settings.filename_patterns:
        return "does not count always"
    if _branches(policy.settings) != _branches(wanted.settings):
        return "holds for other branches"
    return None


def _sends_to_us(subscription: Subscription, wish: Wish) -> bool:
    # The whole path is compared: /api/hooks/fabrikam is the beginning of /api/hooks/fabrikam-test.
    return subscription.consumer_inputs.get("url", "").partition("?")[0] == wish.hook_url


def _asks_for_ours(read: PolicyRead) -> bool:
    return (read.policy.settings.status_genre, read.policy.settings.status_name) == (GENRE, STATUS)


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
