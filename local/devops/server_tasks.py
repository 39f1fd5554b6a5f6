"""The life of an agentless task: started, sent, answered, ended.

States: notStarted, inProgress, then succeeded, failed, timedOut or canceled, once and for all. In callback mode the
request is sent once and nothing is repeated: whatever gets lost, the task waits until its time is over. In the other
mode the answer decides, and is asked for again after the time between evaluations.
"""

import json
import secrets
from dataclasses import replace
from typing import Final

from local.devops.criteria import holds
from local.devops.delivery_rules import Reply
from local.devops.errors import ServiceError
from local.devops.pipeline_records import Attempt, Plan, ServerTask
from local.devops.plans import put_record
from local.devops.records import Identity, Token
from local.devops.state import Organisation, digest_of
from local.devops.task_requests import TaskRequest, task_request

TASK_ENDS: Final = frozenset({"succeeded", "failed", "timedOut", "canceled"})
TOKEN_SECONDS: Final = 48 * 3600.0
"""How long the token that is sent along is good for."""
_TOKEN_RIGHTS: Final = ("builds_read",)
"""What it may do outside of its plan."""
_RESULTS: Final = {"succeeded": "succeeded", "failed": "failed", "timedOut": "failed", "canceled": "canceled"}


def start_task(organisation: Organisation, task: ServerTask) -> None:
    """Let a task send its request now; its time begins to run. Call it inside a change.

    Args:
        organisation: where.
        task: one that was not started.
    """
    now = organisation.clock.now()
    started = replace(
        task, due=now, deadline=now + task.timeout_minutes * 60, started=organisation.clock.stamp(), state="inProgress"
    )
    organisation.server_tasks.put(task.id, started)
    _show(organisation, started)
    organisation.wake_server_jobs.set()


def begin_request(organisation: Organisation, task_id: str) -> TaskRequest | None:
    """Issue a token and return what is to be sent; nothing when the task is not due any more.

    A task whose process is killed between this and the answer has sent, or not: nobody knows, and nothing is repeated.

    Args:
        organisation: where.
        task_id: which.

    Raises:
        ServiceError: 404 when its service connection was deleted.
    """
    with organisation.store.change():
        task = organisation.server_tasks.get(task_id)
        plan = organisation.plans.get(task.plan_id) if task else None
        if task is None or plan is None or task.due is None or task.state != "inProgress":
            return None
        secret = secrets.token_urlsafe(48)
        organisation.server_tasks.put(task.id, replace(task, due=None))
        _issue(organisation, plan, task, secret)
        return task_request(organisation, plan, task, secret)


def _issue(organisation: Organisation, plan: Plan, task: ServerTask, secret: str) -> None:
    project = organisation.project(plan.project_id)
    service = Identity(
        organisation.derived_id("build service", project.id),
        f"{project.name} Build Service ({organisation.name})",
        f"Build\\{project.id}",
    )
    digest, expires = digest_of(secret), organisation.clock.now() + TOKEN_SECONDS
    organisation.tokens.put(digest, Token(digest, service, _TOKEN_RIGHTS, task.id, expires))


def after_answer(task: ServerTask, reply: Reply, answer: bytes) -> tuple[str, str] | None:
    """Tell how a task ends by the answer to its request: state and message; nothing when it goes on waiting.

    Args:
        task: whose request it was.
        reply: what came back.
        answer: the body.
    """
    if reply.status is None or not 200 <= reply.status < 300:
        shown = "no answer" if reply.status is None else f"status {reply.status}"
        return None if _again(task) else ("failed", f"The request failed: {shown}.")
    if task.in_callback_mode:
        return None
    criteria = task.inputs.get("successCriteria", "")
    if not criteria or _met(criteria, answer):
        return ("succeeded", "The answer meets the success criteria.")
    return None if _again(task) else ("failed", f"The answer does not meet the success criteria {criteria}.")


def _again(task: ServerTask) -> bool:
    return not task.in_callback_mode and task.retry_minutes > 0


def _met(criteria: str, answer: bytes) -> bool:
    try:
        return holds(criteria, json.loads(answer))
    except (ValueError, ServiceError):
        return False


def note_answer(organisation: Organisation, task: ServerTask, reply: Reply) -> ServerTask:
    """Keep what a request came to, and when the next one is due; call it inside a change.

    Args:
        organisation: where.
        task: as it is now.
        reply: what came back.
    """
    attempt = Attempt(organisation.clock.stamp(), reply.status, reply.text)
    due = organisation.clock.now() + task.retry_minutes * 60 if _again(task) and task.state == "inProgress" else None
    return organisation.server_tasks.put(task.id, replace(task, attempts=(*task.attempts, attempt), due=due))


def put_end(organisation: Organisation, task: ServerTask, state: str, message: str | None) -> None:
    """End a task that has not ended, inside a change.

    Args:
        organisation: where.
        task: as it is now.
        state: one of ``TASK_ENDS``.
        message: why.
    """
    ended = replace(task, state=state, message=message, due=None, deadline=None, finished=organisation.clock.stamp())
    organisation.server_tasks.put(task.id, ended)
    _show(organisation, ended)


def cancel_task(organisation: Organisation, task: ServerTask) -> None:
    """End a task that nobody waits for any more, if it has not ended; call it inside a change.

    Args:
        organisation: where.
        task: which.
    """
    if task.state not in TASK_ENDS:
        put_end(organisation, task, "canceled", None)


def _show(organisation: Organisation, task: ServerTask) -> None:
    result = _RESULTS.get(task.state)
    for record in (task.job_id, task.id):
        put_record(
            organisation,
            task.plan_id,
            record,
            state="completed" if result else "inProgress",
            result=result,
            startTime=task.started,
            finishTime=task.finished,
            issues=[{"type": "error", "message": task.message}] if result == "failed" and task.message else [],
        )
