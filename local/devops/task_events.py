"""What ends agentless tasks from outside: the event that a caller posts, the answer to a request, time.

"Callback" of "Invoke Azure Function task" in the Azure Pipelines documentation. A task ends once. The event of a task
that has ended is refused with 404, as that of a job that its plan no longer knows: the documentation does not say what
Azure Pipelines answers, and a caller that is ready for a refusal is ready for silence too.
"""

from typing import Any, Final

from local.devops.delivery_rules import Reply
from local.devops.errors import TASKS, ServiceError, invalid_argument
from local.devops.pipeline_records import Plan, ServerTask
from local.devops.plans import RESULTS, security_refusal
from local.devops.server_tasks import after_answer, note_answer, put_end
from local.devops.stages import progress
from local.devops.state import Organisation

_COMPLETED: Final = "TaskCompleted"


def take_event(organisation: Organisation, plan: Plan, caller: ServerTask, event: dict[str, Any]) -> None:
    """End a task as its caller says.

    Args:
        organisation: where.
        plan: to which the event was posted.
        caller: the task whose token came with it.
        event: name, taskId, jobId and result.

    Raises:
        ServiceError: 400 for an event that is wrong, 403 for another task's or job's, 404 when the task has ended.
    """
    if event.get("name") != _COMPLETED:
        raise invalid_argument("name", f"The event {event.get('name')!r} is not {_COMPLETED}.")
    if (event.get("taskId"), event.get("jobId")) != (caller.id, caller.job_id):
        raise security_refusal(f"The token of task {caller.id} may not complete task {event.get('taskId')}.")
    result = {one.casefold(): one for one in RESULTS}.get(str(event.get("result", "")).casefold())
    if result is None:
        raise invalid_argument("result", f"The result {event.get('result')!r} is not one of {', '.join(RESULTS)}.")
    with organisation.store.change():
        task = organisation.server_tasks.get(caller.id)
        if task is None or task.state != "inProgress" or not task.in_callback_mode:
            message = f"Job {caller.job_id} of plan {plan.id} is not running."
            raise ServiceError(404, "TaskOrchestrationJobNotFoundException", message, TASKS)
        passed = result in {"succeeded", "succeededWithIssues"}
        put_end(organisation, task, "succeeded" if passed else "failed", f"The callback said {result}.")
        progress(organisation, task.build_id)


def take_answer(organisation: Organisation, task_id: str, reply: Reply, answer: bytes) -> None:
    """Take in what a task's request came to. A task that ended meanwhile stays as it ended.

    Args:
        organisation: where.
        task_id: whose request it was.
        reply: what came back.
        answer: the body.
    """
    with organisation.store.change():
        task = organisation.server_tasks.get(task_id)
        if task is None:
            return
        task = note_answer(organisation, task, reply)
        end = after_answer(task, reply, answer) if task.state == "inProgress" else None
        if end:
            put_end(organisation, task, *end)
            progress(organisation, task.build_id)


def end_overdue(organisation: Organisation) -> None:
    """Time out every task whose time is over, by the simulator's clock.

    Args:
        organisation: where.
    """
    now = organisation.clock.now()
    with organisation.store.change():
        for one in organisation.server_tasks.all():
            # The end of one can end others of its stage.
            task = organisation.server_tasks.get(one.id)
            if task and task.deadline is not None and task.deadline <= now:
                message = f"Nothing completed it within {task.timeout_minutes:g} minutes."
                put_end(organisation, task, "timedOut", message)
                progress(organisation, task.build_id)
