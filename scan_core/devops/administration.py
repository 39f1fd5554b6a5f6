"""What an administrator asks of an organisation: projects, subscriptions, status policies, and one's own rights."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import batched
from typing import Any

from pydantic import SecretStr

from scan_core.devops.administration_sdk import (
    Core,
    Hooks,
    Policy,
    Security,
    hooks_models,
    policy_models,
    security_models,
)
from scan_core.devops.asking import ask, ask_list, ask_pages, tell
from scan_core.devops.caller import Caller
from scan_core.devops.deliveries import Delivery, DeliveryResult
from scan_core.devops.hooks import (
    ACTION,
    CONSUMER,
    PASSWORD_INPUT,
    PUBLISHER,
    HookWanted,
    Subscription,
    SubscriptionId,
)
from scan_core.devops.hooks_reading import delivery_from, results_from, subscription_from
from scan_core.devops.identity import Authorization
from scan_core.devops.policies import STATUS_POLICY_TYPE, PolicyRead, StatusPolicy
from scan_core.devops.projects import Project
from scan_core.devops.projects_reading import policy_from, project_from
from scan_core.devops.reading import malformed, readable
from scan_core.devops.rights import Right
from scan_core.devops.transport import Errand
from scan_core.model.ids import ProjectId

MAX_LISTING_BYTES = 128 * 1024 * 1024
"""Subscriptions come in one answer without pages, about 2 KB each: room for 60,000."""
EVALUATIONS_AT_ONCE = 800
"""Rights asked for in one call; a hundred projects with eight each."""

COUNTED_AT_ONCE = 200
"""Subscriptions whose deliveries are counted in one call."""
MAX_HISTORY_BYTES = 64 * 1024 * 1024
"""A delivery comes with event, request and answer; those of our own subscriptions are a few KB each."""

_PAGE_SIZE = 100


class Administration(Caller):
    """What is asked to connect an organisation's projects to the gate, and to see whether they are."""

    def __init__(self, url: str, authorization: Authorization, *, total_seconds: float = 30.0) -> None:
        """Prepare to call, as `Caller` says; nothing is sent yet."""
        super().__init__(url, authorization, total_seconds=total_seconds)
        self._core = Core(self._url, self._transport)
        self._hooks = Hooks(self._url, self._transport)
        self._policy = Policy(self._url, self._transport)
        self._security = Security(self._url, self._transport)

    def projects(self) -> tuple[Project, ...]:
        """List the projects that this identity may see. One that cannot be read is left out and logged.

        Returns:
            The projects, in Azure DevOps' order.

        Raises:
            DevOpsError: A call failed, or the list does not end (MALFORMED).
        """
        doing = "listing the projects"
        found = ask_pages(
            Errand(doing),
            lambda token: self._core.get_projects(top=_PAGE_SIZE, continuation_token=_number(token, doing)),
        )
        return readable(found, lambda model: project_from(model, doing), "project")

    def subscriptions(self) -> tuple[Subscription, ...]:
        """List the web hooks' subscriptions of the whole organisation, in one call.

        Returns:
            Those that this identity may see, anyone's. One that cannot be read is left out and logged.

        Raises:
            DevOpsError: The call failed.
        """
        doing = "listing the service hook subscriptions"
        found = ask_list(
            Errand(doing, max_bytes=MAX_LISTING_BYTES),
            lambda: self._hooks.list_subscriptions(
                publisher_id=PUBLISHER, consumer_id=CONSUMER, consumer_action_id=ACTION
            ),
        )
        return readable(found, lambda model: subscription_from(model, doing), "subscription")

    def create_subscription(self, wanted: HookWanted, password: SecretStr) -> SubscriptionId:
        """Make a subscription. It will belong to this identity.

        Args:
            wanted: What it is to send, and where.
            password: The password of Basic authentication; Azure DevOps keeps it and never shows it.

        Returns:
            Its id.

        Raises:
            DevOpsError: The call failed; after a time-out only a listing tells whether the subscription was made.
        """
        doing = f"creating a subscription to {wanted.event_type}"
        model = hooks_models.Subscription(
            publisher_id=PUBLISHER,
            event_type=wanted.event_type,
            resource_version=wanted.resource_version,
            consumer_id=CONSUMER,
            consumer_action_id=ACTION,
            publisher_inputs=wanted.publisher_inputs,
            consumer_inputs={**wanted.consumer_inputs, PASSWORD_INPUT: password.get_secret_value()},
        )
        made = ask(Errand(doing), lambda: self._hooks.create_subscription(model))
        return subscription_from(made, doing).id

    def delete_subscription(self, subscription_id: SubscriptionId) -> None:
        """Delete a subscription.

        Args:
            subscription_id: Its id.

        Raises:
            DevOpsError: The call failed; NOT_FOUND where there is none any more.
        """
        tell(Errand("deleting a subscription"), lambda: self._hooks.delete_subscription(subscription_id))

    def delivery_counts(
        self, subscription_ids: Sequence[SubscriptionId], since: datetime, until: datetime
    ) -> Mapping[SubscriptionId, Counter[str]]:
        """Count how the deliveries of subscriptions ended, in one call for 200 subscriptions.

        Args:
            subscription_ids: Whose.
            since: Of events from here on,
            until: up to here.

        Returns:
            For each subscription how many deliveries had each `DeliveryResult`.

        Raises:
            DevOpsError: A call failed.
        """
        doing = "counting the deliveries of service hooks"
        found: dict[SubscriptionId, Counter[str]] = {one: Counter() for one in subscription_ids}
        for some in batched(subscription_ids, COUNTED_AT_ONCE, strict=False):
            query = hooks_models.NotificationsQuery(
                subscription_ids=list(some), min_created_date=since, max_created_date=until, include_details=False
            )
            answer = ask(Errand(doing), partial(self._hooks.query_notifications, query))
            for one in _listed(answer.summary):
                subscription_id, counts = results_from(one, doing)
                if subscription_id in found:
                    found[SubscriptionId(subscription_id)] += counts
        return found

    def deliveries(
        self,
        subscription_ids: Sequence[SubscriptionId],
        since: datetime,
        until: datetime | None,
        result: DeliveryResult | None,
        most: int,
    ) -> tuple[Delivery, ...]:
        """Read deliveries with all that is known of them, in one call.

        Args:
            subscription_ids: Whose.
            since: Of events from here on,
            until: up to here; None for now.
            result: With this result; None for any.
            most: How many of each subscription, the newest.

        Returns:
            The deliveries. One that cannot be read is left out and logged.

        Raises:
            DevOpsError: The call failed.
        """
        doing = "reading the deliveries of service hooks"
        query = hooks_models.NotificationsQuery(
            subscription_ids=list(subscription_ids),
            min_created_date=since,
            max_created_date=until,
            result_type=None if result is None else result.value,
            max_results_per_subscription=most,
            include_details=True,
        )
        answer = ask(Errand(doing, max_bytes=MAX_HISTORY_BYTES), partial(self._hooks.query_notifications, query))
        return readable(_listed(answer.results), lambda model: delivery_from(model, doing), "delivery")

    def status_policies(self, project_id: ProjectId) -> tuple[PolicyRead, ...]:
        """List a project's status policies.

        Args:
            project_id: The project's id.

        Returns:
            The policies, anyone's. One that cannot be read is left out and logged.

        Raises:
            DevOpsError: A call failed, or the list does not end (MALFORMED).
        """
        doing = "listing the status policies"
        found = ask_pages(
            Errand(doing),
            lambda token: self._policy.get_policy_configurations(
                project_id, top=_PAGE_SIZE, continuation_token=token, policy_type=STATUS_POLICY_TYPE
            ),
        )
        return readable(found, lambda model: policy_from(model, doing), "policy")

    def create_policy(self, project_id: ProjectId, wanted: StatusPolicy) -> int:
        """Make a status policy.

        Args:
            project_id: The project's id.
            wanted: The policy.

        Returns:
            Its number.

        Raises:
            DevOpsError: The call failed; after a time-out only a listing tells whether the policy was made.
        """
        doing = "creating the status policy"
        made = ask(Errand(doing), lambda: self._policy.create_policy_configuration(_configuration(wanted), project_id))
        return policy_from(made, doing).id

    def change_policy(self, project_id: ProjectId, number: int, wanted: StatusPolicy) -> None:
        """Change a status policy.

        Args:
            project_id: The project's id.
            number: The policy's number.
            wanted: The policy as it is to be.

        Raises:
            DevOpsError: The call failed.
        """
        doing = "changing the status policy"
        model = _configuration(wanted)
        changed = ask(Errand(doing), lambda: self._policy.update_policy_configuration(model, project_id, number))
        policy_from(changed, doing)

    def delete_policy(self, project_id: ProjectId, number: int) -> None:
        """Delete a status policy.

        Args:
            project_id: The project's id.
            number: The policy's number.

        Raises:
            DevOpsError: The call failed; NOT_FOUND where there is none any more.
        """
        tell(
            Errand("deleting the status policy"),
            lambda: self._policy.delete_policy_configuration(project_id, number),
        )

    def rights_held(self, asked: Iterable[tuple[ProjectId, Right]]) -> Mapping[tuple[ProjectId, Right], bool]:
        """Ask whether this identity has rights, without using them.

        Args:
            asked: Projects and the rights in them.

        Returns:
            For each pair whether the right is held.

        Raises:
            DevOpsError: A call failed, or its answer leaves one out (MALFORMED).
        """
        held: dict[tuple[ProjectId, Right], bool] = {}
        for some in batched(asked, EVALUATIONS_AT_ONCE, strict=False):
            held.update(zip(some, self._evaluated(some), strict=True))
        return held

    def _evaluated(self, asked: tuple[tuple[ProjectId, Right], ...]) -> list[bool]:
        doing = "asking which rights this identity has"
        batch = security_models.PermissionEvaluationBatch(
            always_allow_administrators=False,
            evaluations=[
                security_models.PermissionEvaluation(
                    security_namespace_id=right.value.namespace_id,
                    token=right.token(project),
                    permissions=right.value.bit,
                )
                for project, right in asked
            ],
        )
        answer = ask(Errand(doing), lambda: self._security.has_permissions_batch(batch))
        values = [one.value for one in _listed(answer.evaluations) if isinstance(getattr(one, "value", None), bool)]
        if len(values) != len(asked):
            raise malformed(doing, "Azure DevOps did not answer for each right")
        return values


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 (SDK model)
    return value if isinstance(value, list) else []


def _number(token: str | None, doing: str) -> int | None:
    if token is None:
        return None
    if not (token.isascii() and token.isdecimal()):
        raise malformed(doing, "Azure DevOps gave a continuation token that is no number")
    return int(token)


def _configuration(wanted: StatusPolicy) -> Any:  # noqa: ANN401 (SDK model)
    return policy_models.PolicyConfiguration(
        type=policy_models.PolicyTypeRef(id=STATUS_POLICY_TYPE),
        is_enabled=wanted.is_enabled,
        is_blocking=wanted.is_blocking,
        settings=wanted.settings.as_json(),
    )
