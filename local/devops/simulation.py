"""The one route that the real service does not have: ``{org}/_sim/``. Faults, recorded calls, tokens, knobs.

Every call needs a token, like everything else; no api-version.
"""

import random
import secrets
import threading
from collections import deque
from dataclasses import replace
from typing import Any, Final

from local.devops.auth import RIGHTS, add_token, named_identity
from local.devops.calls import Answer, Call, Handler, collection
from local.devops.delivery import Delivery
from local.devops.errors import ServiceError
from local.devops.limits import Limits
from local.devops.shapes import Shape
from local.devops.simulation_builds import HANDLERS as BUILD_HANDLERS
from local.devops.subscriptions import STATUSES as SUBSCRIPTION_STATUSES
from local.devops.subscriptions import subscription, subscription_json

_CALLS_KEPT: Final = 20_000

_TOKEN: Final[dict[str, Shape]] = {
    "token": str,
    "id": str,
    "displayName": str,
    "uniqueName": str,
    "rights": [str],
    "without": [str],
}
_REDELIVERY: Final[dict[str, Shape]] = {"times": int, "order": str, "subscriptionId": str, "seed": int}


class Journal:
    """The latest calls to the REST API and to git, for tests to look at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[dict[str, Any]] = deque(maxlen=_CALLS_KEPT)

    def note(self, entry: dict[str, Any]) -> None:
        """Keep one call.

        Args:
            entry: method, path, query, status, identity and time.
        """
        with self._lock:
            self._calls.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        """Return the calls, oldest first."""
        with self._lock:
            return list(self._calls)

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()


class Simulation:
    """Handlers of the simulator's own route."""

    def __init__(self, delivery: Delivery, limits: Limits, journal: Journal) -> None:
        """Take what the handlers work on.

        Args:
            delivery: of hooks.
            limits: throttling.
            journal: of calls.
        """
        self._delivery = delivery
        self._limits = limits
        self._journal = journal
        self._handlers: dict[tuple[str, str], Handler] = {
            ("GET", "faults"): lambda call: collection(call.organisation.faults.listing()),
            ("POST", "faults"): lambda call: Answer(call.organisation.faults.add(call.json({})), status=201),
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "calls"): lambda _: collection(self._journal.entries()),
            ("DELETE", "calls"): self._clear_calls,
            ("POST", "tokens"): _add_token,
            ("POST", "prune"): _prune,
            ("POST", "settings"): self._change_settings,
            ("POST", "pullRequests"): _change_pull_request,
            ("POST", "hooks/redeliver"): self._redeliver,
            ("POST", "hooks/subscriptions"): _change_subscription,
            **BUILD_HANDLERS,
        }

    def answer(self, call: Call) -> Answer:
        """Answer a call below ``_sim/``.

        Args:
            call: its path decides.

        Raises:
            ServiceError: 404 for an unknown path, 400 for a body that is wrong.
        """
        what = call.path.partition("/_sim/")[2].strip("/")
        handler = self._handlers.get((call.method, what))
        if handler is None:
            known = sorted(" ".join(key) for key in self._handlers)
            raise ServiceError(404, "NotFound", f"no {call.method} {what} here; there are {known}")
        return handler(call)

    def _clear_faults(self, call: Call) -> Answer:
        call.organisation.faults.clear()
        return Answer(status=204)

    def _clear_calls(self, _: Call) -> Answer:
        self._journal.clear()
        return Answer(status=204)

    def _change_settings(self, call: Call) -> Answer:
        organisation, wanted = call.organisation, call.json({})
        known = {"mergeDelaySeconds", "timeScale", "clockAheadSeconds", "tstuLimit", "tstuCost"}
        if not wanted.keys() <= known or not all(isinstance(value, int | float) for value in wanted.values()):
            raise ServiceError(400, "ArgumentException", f"numbers under these keys are taken: {sorted(known)}")
        organisation.merge_delay_seconds = float(wanted.get("mergeDelaySeconds", organisation.merge_delay_seconds))
        organisation.clock.time_scale = float(wanted.get("timeScale", organisation.clock.time_scale))
        organisation.clock.ahead_seconds = float(wanted.get("clockAheadSeconds", organisation.clock.ahead_seconds))
        self._limits.limit_tstu = float(wanted.get("tstuLimit", self._limits.limit_tstu))
        self._limits.cost_tstu = float(wanted.get("tstuCost", self._limits.cost_tstu))
        organisation.wake_delivery.set()
        organisation.wake_server_jobs.set()
        return Answer(
            {
                "mergeDelaySeconds": organisation.merge_delay_seconds,
                "timeScale": organisation.clock.time_scale,
                "clockAheadSeconds": organisation.clock.ahead_seconds,
                "tstuLimit": self._limits.limit_tstu,
                "tstuCost": self._limits.cost_tstu,
            }
        )

    def _redeliver(self, call: Call) -> Answer:
        wanted = call.json(_REDELIVERY) if call.content else {}
        owner, order = wanted.get("subscriptionId"), wanted.get("order", "forward")
        numbers = [
            one.id for one in call.organisation.notifications.all() if owner is None or one.subscription_id == owner
        ]
        match order:
            case "forward":
                pass
            case "reverse":
                numbers.reverse()
            case "random":
                random.Random(wanted.get("seed", 0)).shuffle(numbers)  # noqa: S311 - repeatable, not secret
            case _:
                raise ServiceError(400, "ArgumentException", f"order is forward, reverse or random, not {order!r}")
        replies = self._delivery.redeliver(numbers * wanted.get("times", 1))
        delivered = sum(reply.status is not None and 200 <= reply.status < 300 for reply in replies)
        return Answer({"sent": len(replies), "delivered": delivered, "statuses": [reply.status for reply in replies]})


def _add_token(call: Call) -> Answer:
    wanted = call.json(_TOKEN)
    name, address = wanted.get("displayName", "Somebody"), wanted.get("uniqueName", "somebody@example.com")
    identity = named_identity(call.organisation, name, address, wanted.get("id"))
    without = set(wanted.get("without", ()))
    unknown = sorted(without - set(RIGHTS))
    if unknown:
        raise ServiceError(400, "ArgumentException", f"unknown rights {unknown}; known are {list(RIGHTS)}")
    rights = tuple(right for right in wanted.get("rights", RIGHTS) if right not in without)
    secret = wanted.get("token") or secrets.token_hex(26)
    add_token(call.organisation, secret, identity, rights)
    told = {"id": identity.id, "displayName": identity.display_name, "uniqueName": identity.unique_name}
    return Answer({"token": secret, "identity": told, "rights": list(rights)}, status=201)


def _prune(call: Call) -> Answer:
    wanted = call.json({"repositoryId": str}).get("repositoryId") if call.content else None
    for repository in call.organisation.repositories.all():
        if wanted in {None, repository.id}:
            with call.organisation.git_lock(repository.id):
                call.organisation.git(repository.id).prune()
    return Answer(status=204)


def _change_subscription(call: Call) -> Answer:
    # The states that only the service itself brings about, without the hours of failures that lead to them. One put
    # on probation here has no delivery to be tried with: it stays so until told otherwise.
    wanted = call.json({"subscriptionId": str, "status": str, "probationRetries": int})
    status, organisation = wanted.get("status"), call.organisation
    if status not in SUBSCRIPTION_STATUSES:
        raise ServiceError(400, "ArgumentException", f"status is one of {', '.join(SUBSCRIPTION_STATUSES)}")
    with organisation.store.change():
        old = subscription(organisation, wanted.get("subscriptionId", ""))
        retries = wanted.get("probationRetries", 0)
        changed = replace(
            old,
            status=status,
            probation_retries=retries,
            last_probation_retry=organisation.clock.stamp() if retries else None,
            probe=None,
        )
        organisation.subscriptions.put(old.id, changed)
    return Answer(subscription_json(organisation, changed))


def _change_pull_request(call: Call) -> Answer:
    # A pull request with more than 100,000 changed files is too much to make for real.
    wanted, organisation = call.json({"pullRequestId": int, "supportsIterations": bool}), call.organisation
    with organisation.store.change():
        old = organisation.pull_request(wanted.get("pullRequestId", 0))
        changed = replace(old, supports_iterations=wanted.get("supportsIterations") is True)
        organisation.pull_requests.put(old.id, changed)
    return Answer({"pullRequestId": changed.id, "supportsIterations": changed.supports_iterations})
