"""Delivering notifications: one thread that watches what is due, a few that post."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2

from local.devops.delivery_rules import Reply, after_reply, lost
from local.devops.records import Notification, Subscription
from local.devops.state import Organisation

TIMEOUT_SECONDS = 15.0
"""How long a receiver may take; the real service's limit is not published."""

_POSTERS = 8
_LONGEST_NAP_SECONDS = 1.0
_KEPT_RESPONSE_CHARACTERS = 2000


def post(client: httpx2.Client, subscription: Subscription, body: str) -> Reply:
    """Post one notification to a subscription's URL.

    Args:
        client: to send with.
        subscription: URL, user, password and headers.
        body: the JSON.

    Returns:
        What came back; an unreachable receiver is a reply without a status.
    """
    inputs = subscription.consumer_inputs
    headers = {"Content-Type": "application/json; charset=utf-8", **_own_headers(inputs.get("httpHeaders", ""))}
    user, password = inputs.get("basicAuthUsername", ""), inputs.get("basicAuthPassword", "")
    credentials = httpx2.BasicAuth(user, password) if user or password else httpx2.Auth()
    try:
        answer = client.post(inputs["url"], content=body.encode(), headers=headers, auth=credentials)
    except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
        return Reply(None, f"{type(problem).__name__}: {problem}")
    text = answer.text[:_KEPT_RESPONSE_CHARACTERS]
    return Reply(
        answer.status_code, f"Status Code: {answer.status_code}\nReason Phrase: {answer.reason_phrase}\n{text}"
    )


def _own_headers(written: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in written.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


class Delivery:
    """Delivers what is due until it is stopped; what is under way when the process dies is sent again after it."""

    def __init__(self, organisation: Organisation) -> None:
        """Prepare; nothing is sent before ``start``.

        Args:
            organisation: whose notifications.
        """
        self._organisation = organisation
        self._client = httpx2.Client(trust_env=False, follow_redirects=False, timeout=TIMEOUT_SECONDS)
        self._posters = ThreadPoolExecutor(_POSTERS, thread_name_prefix="hook")
        self._under_way: set[int] = set()
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="hooks", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._watcher.start()

    def stop(self) -> None:
        """End, after the posts under way; harmless when it was never started."""
        self._stopping.set()
        self._organisation.wake_delivery.set()
        if self._watcher.is_alive():
            self._watcher.join()
        self._posters.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def redeliver(self, numbers: list[int]) -> list[Reply]:
        """Post past notifications once more, one after the other, and return the replies.

        Their records are left as they are: this is the network's doing, not the service's.

        Args:
            numbers: ids, in the order wanted.
        """
        replies = []
        for number in numbers:
            notification = self._organisation.notifications.get(number)
            subscription = self._organisation.subscriptions.get(notification.subscription_id) if notification else None
            if notification and subscription:
                replies.append(post(self._client, subscription, notification.body))
        return replies

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._organisation.wake_delivery.clear()
            nap = self._dispatch()
            self._organisation.wake_delivery.wait(nap)

    def _dispatch(self) -> float:
        # Hands out what is due; returns how long nothing will be.
        now = self._organisation.clock.now()
        with self._organisation.store.lock:
            open_ones = [
                (found.due, found)
                for found in self._organisation.notifications.all()
                if found.due is not None and found.id not in self._under_way
            ]
            due = [found for moment, found in open_ones if moment <= now]
            self._under_way.update(found.id for found in due)
        held = sorted((found.id for found in due if found.held_in_order), reverse=True)
        if held:
            self._posters.submit(self._deliver, held)
        for found in due:
            if not found.held_in_order:
                self._posters.submit(self._deliver, [found.id])
        next_moment = min((moment for moment, _ in open_ones if moment > now), default=now + _LONGEST_NAP_SECONDS)
        return min(max(next_moment - now, 0.0), _LONGEST_NAP_SECONDS)

    def _deliver(self, numbers: list[int]) -> None:
        for number in numbers:
            try:
                self._attempt(number)
            finally:
                with self._organisation.store.lock:
                    self._under_way.discard(number)
                self._organisation.wake_delivery.set()

    def _attempt(self, number: int) -> None:
        organisation = self._organisation
        notification = organisation.notifications.get(number)
        if notification is None or notification.due is None:
            return
        subscription = organisation.subscriptions.get(notification.subscription_id)
        if subscription is None or not _may_send(subscription, notification):
            self._give_up(notification)
            return
        fault = organisation.faults.for_delivery(notification.event_type)
        if fault:
            reply = Reply(fault.status, f"Status Code: {fault.status}\nReason Phrase: a fault that was asked for\n")
        else:
            reply = post(self._client, subscription, notification.body)
        with organisation.store.change():
            # Somebody may have changed or deleted the subscription meanwhile.
            current = organisation.subscriptions.get(subscription.id)
            latest = organisation.notifications.get(number)
            if current is None or latest is None:
                return
            changed, told = after_reply(current, latest, reply, organisation.clock)
            organisation.notifications.put(number, told)
            if changed != current:
                organisation.subscriptions.put(changed.id, changed)

    def _give_up(self, notification: Notification) -> None:
        with self._organisation.store.change():
            self._organisation.notifications.put(notification.id, lost(notification, self._organisation.clock))


def _may_send(subscription: Subscription, notification: Notification) -> bool:
    return subscription.status == "enabled" or subscription.probe == notification.id
