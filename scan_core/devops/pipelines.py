"""The adapter's pipelines: builds with their tags and properties, and checks that wait for their callback."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from scan_core.devops.asking import ask, ask_list, ask_pages, tell
from scan_core.devops.builds import BuildRead
from scan_core.devops.builds_reading import build_from
from scan_core.devops.errors import DevOpsError
from scan_core.devops.pipelines_sdk import Build, Task, VssJsonCollectionWrapper, build_models, task_models
from scan_core.devops.reading import at, lower, malformed, number_from, readable
from scan_core.devops.transport import Errand, Transport
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.model.subject import BuildRef, Check

_PAGE_SIZE = 200
_EVENTS = "557624af-b29e-4c20-8ab0-0399d2204f3f"
"""Posting an event to a plan, which the SDK does not generate (Microsoft Learn, "Invoke Azure Function check")."""
_LOGS = "46f5667d-263a-4684-91b1-dff7fdcf64e2"
_BYTES = "application/octet-stream"


class Builds:
    """The builds of one organisation. Satisfies `BuildsApi`; may be used by several threads at once."""

    def __init__(self, client: Build, organisation: OrganisationName) -> None:
        """Use the SDK's client.

        Args:
            client: Hardened.
            organisation: The organisation's name.
        """
        self._client = client
        self._organisation = organisation

    def read(self, ref: BuildRef) -> BuildRead:
        """Read a build as it is now.

        Args:
            ref: Which.

        Returns:
            The build.

        Raises:
            DevOpsError: The call failed; MALFORMED also where the answer is about another build or project.
        """
        doing = f"reading build {ref.build_id}"
        model = ask(Errand(doing), lambda: self._client.get_build(ref.project_id, ref.build_id))
        build = build_from(model, self._organisation, ref.project_id, doing)
        if build.ref != ref:
            raise malformed(doing, "Azure DevOps answered about another build")
        return build

    def completed(self, project_id: ProjectId, since: datetime) -> tuple[BuildRead, ...]:
        """List a project's builds that completed since a moment. One that cannot be read is left out and logged.

        Args:
            project_id: The project.
            since: The moment.

        Returns:
            The builds, the oldest first.

        Raises:
            DevOpsError: A call failed.
        """
        doing = f"listing the completed builds of project {project_id}"
        found = ask_pages(
            Errand(doing),
            lambda token: self._client.get_builds(
                project_id,
                min_time=since,
                status_filter="completed",
                query_order="finishTimeAscending",
                top=_PAGE_SIZE,
                continuation_token=token,
            ),
        )
        if any(lower(at(model, "project", "id")) != project_id for model in found):
            raise malformed(doing, "Azure DevOps answered about another project")
        # A build's own hook brings a look at it; the others shall not wait for it.
        return readable(found, lambda model: build_from(model, self._organisation, project_id, doing), "build")

    def mark(
        self, ref: BuildRef, *, add_tags: Sequence[str], remove_tags: Sequence[str], properties: Mapping[str, str]
    ) -> None:
        """Mark a build. Marking it twice alike is harmless.

        Args:
            ref: Which.
            add_tags: Tags that it shall have.
            remove_tags: Tags that it shall not have.
            properties: Properties by name.

        Raises:
            DevOpsError: A call failed; what was done before it stands.
        """
        doing = f"marking build {ref.build_id}"
        document = [
            build_models.JsonPatchOperation(op="add", path=f"/{name}", value=value)
            for name, value in properties.items()
        ]
        project, number = ref.project_id, ref.build_id
        ask(Errand(doing), lambda: self._client.update_build_properties(document, project, number))
        present = ask_list(Errand(doing), lambda: self._client.get_build_tags(project, number))
        for tag in [tag for tag in add_tags if tag not in present]:
            ask(Errand(doing), partial(self._client.add_build_tag, project, number, tag))
        for tag in [tag for tag in remove_tags if tag in present]:
            _gone(doing, partial(self._client.delete_build_tag, project, number, tag))


class Checks:
    """Checks that wait for their callback. Satisfies `ChecksApi`; may be used by several threads at once.

    They are answered with their own token, at the configured organisation: never at an address that a check names.
    """

    def __init__(self, url: str, transport: Transport) -> None:
        """Prepare to call.

        Args:
            url: The organisation's URL.
            transport: What sends requests, with another credential.
        """
        self._url = url
        self._transport = transport

    def append_log(self, check: Check, token: str, log_id: int | None, lines: Sequence[str]) -> int:
        """Write lines into a check's log.

        Args:
            check: Which check.
            token: Its token.
            log_id: Its log; None where it has none yet.
            lines: The lines, without their ends.

        Returns:
            The log's id.

        Raises:
            DevOpsError: A call failed.
        """
        doing = "writing into the log of a check"
        scope, hub, plan = check.project_id, check.hub, check.plan_id
        client = self._client(token)
        if log_id is None:
            log = task_models.TaskLog(path=f"logs\\{check.task_id}")
            made = ask(Errand(doing), lambda: client.create_log(log, scope, hub, plan))
            log_id = number_from(made, "id", doing)
            self._show_log(client, check, log_id)
        body = "".join(f"{line}\n" for line in lines).encode()
        route = {"scopeIdentifier": scope, "hubName": hub, "planId": plan, "logId": log_id}
        # The SDK's own method sends a stream, which goes out in chunks and without a length.
        tell(
            Errand(doing),
            lambda: client._send("POST", _LOGS, "7.1", route_values=route, content=body, media_type=_BYTES),  # noqa: SLF001 (it sends bytes whole)
        )
        return log_id

    def answer(self, check: Check, token: str, *, passed: bool) -> None:
        """Complete a check or agentless task.

        Args:
            check: Which check.
            token: Its token.
            passed: Whether the stage may go on.

        Raises:
            DevOpsError: The call failed, as far as can be told.
        """
        event = {
            "name": "TaskCompleted",
            "taskId": check.task_id,
            "jobId": check.job_id,
            "result": "succeeded" if passed else "failed",
        }
        route = {"scopeIdentifier": check.project_id, "hubName": check.hub, "planId": check.plan_id}
        client, doing = self._client(token), "answering a check"

        def send() -> None:
            answer = client._send("POST", _EVENTS, "2.0-preview.1", route_values=route, content=event)  # noqa: SLF001 (not generated)
            if answer.content and not _is_json(answer.content):
                raise malformed(doing, "the answer is something else than JSON")  # from somebody on the way

        tell(Errand(doing), send)

    def _show_log(self, client: Task, check: Check, log_id: int) -> None:
        """Hang a log on the check's record in its timeline, without which nobody sees it."""
        if check.timeline_id is None:
            return
        records = [{"id": check.task_id, "log": {"id": log_id, "location": None}}]
        wrapped = VssJsonCollectionWrapper(count=1, value=records)
        ask_list(
            Errand("showing the log of a check"),
            lambda: client.update_records(wrapped, check.project_id, check.hub, check.plan_id, check.timeline_id),
        )

    def _client(self, token: str) -> Task:
        return Task(self._url, self._transport.signed_by(lambda: f"Bearer {token}"))


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def _gone(doing: str, call: Callable[[], Any]) -> None:
    """Take something away; where it is not there any more, that is all the better."""
    try:
        ask(Errand(doing), call)
    except DevOpsError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
