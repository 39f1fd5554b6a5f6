"""Running agentless tasks: one thread that watches what is due and what is over, a few that send requests."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx2

from local.devops.delivery_rules import Reply
from local.devops.errors import ServiceError
from local.devops.server_tasks import begin_request
from local.devops.state import Organisation
from local.devops.task_events import end_overdue, take_answer
from local.devops.task_requests import TaskRequest

TIMEOUT_SECONDS: Final = 20.0
"""How long the receiver may take: "The function must respond within 20 seconds" (Invoke Azure Function task)."""

_SENDERS: Final = 4
_LONGEST_NAP_SECONDS: Final = 1.0
_KEPT_ANSWER_CHARACTERS: Final = 2000


class ServerJobs:
    """Sends the requests of agentless tasks and times them out, until it is stopped.

    Faults of hooks strike here too, as ``HOOK check``: ``drop_hook`` loses a request on its way, ``duplicate_hook``
    lets it arrive twice, with the same token.
    """

    def __init__(self, organisation: Organisation) -> None:
        """Prepare; nothing is sent before ``start``.

        Args:
            organisation: whose tasks.
        """
        self._organisation = organisation
        self._client = httpx2.Client(trust_env=False, follow_redirects=False, timeout=TIMEOUT_SECONDS)
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="task")
        self._under_way: set[str] = set()
        self._stopping = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="tasks", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._watcher.start()

    def stop(self) -> None:
        """End, after the requests under way; harmless when it was never started."""
        self._stopping.set()
        self._organisation.wake_server_jobs.set()
        if self._watcher.is_alive():
            self._watcher.join()
        self._senders.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            self._organisation.wake_server_jobs.clear()
            end_overdue(self._organisation)
            self._organisation.wake_server_jobs.wait(self._dispatch())

    def _dispatch(self) -> float:
        # Hands out what is due; returns for how long nothing will be.
        now = self._organisation.clock.now()
        with self._organisation.store.lock:
            waiting = [task for task in self._organisation.server_tasks.all() if task.id not in self._under_way]
            due = [task.id for task in waiting if task.due is not None and task.due <= now]
            self._under_way.update(due)
        for task_id in due:
            self._senders.submit(self._perform, task_id)
        moments = [moment for task in waiting for moment in (task.due, task.deadline) if moment and moment > now]
        return min(max(min(moments, default=now + _LONGEST_NAP_SECONDS) - now, 0.0), _LONGEST_NAP_SECONDS)

    def _perform(self, task_id: str) -> None:
        try:
            reply, answer = self._sent(task_id)
            if reply:
                take_answer(self._organisation, task_id, reply, answer)
        finally:
            with self._organisation.store.lock:
                self._under_way.discard(task_id)
            self._organisation.wake_server_jobs.set()

    def _sent(self, task_id: str) -> tuple[Reply | None, bytes]:
        try:
            request = begin_request(self._organisation, task_id)
        except ServiceError as refused:
            return Reply(None, refused.message), b""
        fault = self._organisation.faults.for_hook("check") if request else None
        if request is None or (fault and fault.kind == "drop_hook"):
            return None, b""
        if fault and fault.kind == "duplicate_hook":
            self._send(request)
        return self._send(request)

    def _send(self, request: TaskRequest) -> tuple[Reply, bytes]:
        credentials = httpx2.BasicAuth(*request.credentials) if request.credentials else httpx2.Auth()
        content = request.body.encode() if request.body is not None else None
        try:
            answer = self._client.request(
                request.method, request.url, headers=request.headers, content=content, auth=credentials
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as problem:
            return Reply(None, f"{type(problem).__name__}: {problem}"), b""
        shown = f"Response Code: {answer.reason_phrase}\n{answer.text[:_KEPT_ANSWER_CHARACTERS]}"
        return Reply(answer.status_code, shown), answer.content
