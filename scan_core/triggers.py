"""What each trigger calls: it opens the doors that the trigger needs, and raises only what is to be repeated."""

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError
from pydantic import SecretStr, ValidationError

from scan_core import wiring
from scan_core.settings.loading import SettingsInvalid
from scan_core.store.hurried import IN_TIME_SECONDS, Hurry
from scan_core.telemetry import emit

if TYPE_CHECKING:
    from scan_core.flow.pages import Page
    from scan_core.intake.answers import Answer
    from scan_core.model.request import Request
    from scan_core.model.subject import Check

_STORAGE_PAUSE_SECONDS = 30
_hurry = Hurry()
"""For checks that are answered at once: their sender waits."""


def receive(organisation: str, authorization: str | None, body: bytes) -> "Answer":
    """Answer a hook's delivery.

    Args:
        organisation: The name in the route.
        authorization: The header ``Authorization``.
        body: The event.

    Returns:
        The answer: 503 while the settings are wrong or storage is out of reach, so that nothing is lost.
    """
    from scan_core.intake import answers  # noqa: PLC0415 - as for every room: an app that cannot import it still indexes
    from scan_core.intake.hooks import receive as take_hook  # noqa: PLC0415

    started = time.perf_counter()
    try:
        entrance = wiring.door()
    except SettingsInvalid as invalid:
        emit("settings_invalid", level=logging.ERROR, problem=str(invalid))
        return answers.unavailable("not_configured")
    return take_hook(
        organisation,
        authorization,
        body,
        organisations=_hook_secrets(),
        send=lambda request: _queue(entrance, request),
        now=wiring.now(),
        new_id=lambda: uuid.uuid4().hex,
        count=lambda reason: emit(
            "hook_received",
            organisation=organisation[:50],
            reason=reason,
            milliseconds=round((time.perf_counter() - started) * 1000, 1),
        ),
    )


def receive_check(organisation: str, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> "Answer":
    """Answer a check of a pipeline.

    Args:
        organisation: The name in the route.
        headers: The request's headers. They hold a token and are not logged.
        query: The request's query, which may hold the secret.
        body: What the check's author asks for.

    Returns:
        The answer: 503 while the settings are wrong or storage is out of reach.
    """
    from scan_core.intake import answers  # noqa: PLC0415
    from scan_core.intake import checks as intake_checks  # noqa: PLC0415

    started, asked_at = time.perf_counter(), wiring.now()
    try:
        entrance = wiring.door()
    except SettingsInvalid as invalid:
        emit("settings_invalid", level=logging.ERROR, problem=str(invalid))
        return answers.unavailable("not_configured")
    return intake_checks.receive(
        intake_checks.Incoming(organisation, headers, query, body),
        intake_checks.CheckDoor(
            organisations={
                name: intake_checks.CheckedOrganisation(known.url, _plain(known.check_secrets))
                for name, known in entrance.settings.organisations.items()
            },
            sealing_keys=_plain(entrance.settings.sealing_keys),
            send=lambda request: _queue(entrance, request),
            known=lambda check: _known_of(check, asked_at, started),
            now=lambda: asked_at,  # the look that a check asks for counts as asked for when it asked
            new_id=lambda: uuid.uuid4().hex,
            count=lambda reason: emit(
                "check_received",
                organisation=organisation[:50],
                reason=reason,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            ),
        ),
    )


def _known_of(check: "Check", asked_at: datetime, started: float) -> Mapping[str, object]:
    """Say what is known of a check, in what is left of the time for its answer."""
    from scan_core.flow.check_answers import answer  # noqa: PLC0415

    entrance = wiring.answer_door()
    left = IN_TIME_SECONDS - (time.perf_counter() - started)
    return _hurry.run(lambda: answer(entrance, check, asked_at), left)


def _plain(secrets: Iterable[SecretStr]) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in secrets)


def _queue(entrance: wiring.Door, request: "Request") -> None:
    try:
        entrance.queues.send_request(request)
    except AzureError as unreachable:
        emit("storage_unreachable", level=logging.ERROR, error=type(unreachable).__name__)
        raise


def health() -> tuple[int, dict[str, str]]:
    """Say whether the app can work.

    Returns:
        An HTTP status and a JSON object; 503 names what is wrong.
    """
    problem = wiring.settings_problem()
    if problem is not None:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "misconfigured", "problem": problem}
    try:
        wiring.back_door().queues.attempts_waiting()
    except SettingsInvalid as invalid:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "misconfigured", "problem": str(invalid)}
    except AzureError as unreachable:
        return HTTPStatus.SERVICE_UNAVAILABLE, {"status": "no_storage", "problem": type(unreachable).__name__}
    return HTTPStatus.OK, {"status": "ok"}


def gate_page(gate_id: str, query: Mapping[str, str]) -> "Page":
    """Show a gate.

    Args:
        gate_id: From the path.
        query: With the link's expiry and signature.

    Returns:
        The page, or one that says why there is none.
    """
    from scan_core.flow import pages  # noqa: PLC0415

    return _shown(lambda: pages.gate(wiring.services(), gate_id, query))


def gate_verdict(gate_id: str, query: Mapping[str, str]) -> "Page":
    """Give a gate's verdict to a machine.

    Args:
        gate_id: From the path.
        query: With the link's expiry and signature.

    Returns:
        The verdict, or a page that says why there is none.
    """
    from scan_core.flow import pages  # noqa: PLC0415

    return _shown(lambda: pages.verdict(wiring.services(), gate_id, query))


def scan_artifact(scan_id: str, artifact: str, query: Mapping[str, str]) -> "Page":
    """Give a scan's SARIF or SBOM.

    Args:
        scan_id: From the path.
        artifact: From the path.
        query: With the link's expiry and signature.

    Returns:
        The artifact, or a page that says why there is none.
    """
    from scan_core.flow import pages  # noqa: PLC0415

    return _shown(lambda: pages.artifact(wiring.services(), scan_id, artifact, query))


def _shown(show: Callable[[], "Page"]) -> "Page":
    from scan_core.flow import pages  # noqa: PLC0415

    try:
        return show()
    except (SettingsInvalid, AzureError) as error:
        emit("page_not_shown", level=logging.ERROR, error=type(error).__name__)
        return pages.unavailable()


def take_request(body: bytes) -> None:
    """Serve a message of ``scan-requests``. While storage fails, the same request waits in the queue again.

    Args:
        body: The message.

    Raises:
        Exception: There is a defect, or not even the queue can be reached; the message comes back.
    """
    from scan_core.flow.looks import handle  # noqa: PLC0415
    from scan_core.flow.poison import note_defect  # noqa: PLC0415
    from scan_core.model.request import RequestMessage  # noqa: PLC0415

    request = RequestMessage.validate_json(body)
    try:
        handle(wiring.services(), request)
    except AzureError as error:
        emit("request_delayed", level=logging.WARNING, request=request.request_id, error=type(error).__name__)
        wiring.door().queues.send_request(request, _STORAGE_PAUSE_SECONDS)
    except SettingsInvalid:
        raise
    except Exception as defect:
        note_defect(wiring.services(), request, defect)
        raise


def take_result(body: bytes) -> None:
    """Take a message of ``scan-results``. Workers can add to that queue: one that cannot be read is dropped.

    Args:
        body: The message.

    Raises:
        AzureError: Storage failed; the message comes back. The watch finds the manifest that it tells of, but not where
            the scan had ended before: a late result is told of by its message alone.
        Exception: There is a defect; the message comes back.
    """
    from scan_core.flow.result import take  # noqa: PLC0415
    from scan_core.model.attempt import ResultMessage  # noqa: PLC0415

    try:
        message = ResultMessage.model_validate_json(body)
    except ValidationError:
        emit("result_dropped", level=logging.WARNING, why="unreadable")
        return
    try:
        take(wiring.services(), message)
    except AzureError as error:
        emit("result_delayed", level=logging.WARNING, scan=message.scan_id, error=type(error).__name__)
        raise


def order_onboarding(authorization: str | None, body: bytes) -> "Answer":
    """Take an order to onboard projects.

    Args:
        authorization: The header ``Authorization``.
        body: The order.

    Returns:
        The answer.
    """
    from scan_core.onboarding import desk  # noqa: PLC0415

    return _at_the_desk(lambda: desk.receive(wiring.desk(), authorization, body))


def show_onboarding(authorization: str | None, name: str) -> "Answer":
    """Show how far an onboarding is.

    Args:
        authorization: The header ``Authorization``.
        name: Its id, from the path.

    Returns:
        The answer.
    """
    from scan_core.onboarding import desk  # noqa: PLC0415

    return _at_the_desk(lambda: desk.show(wiring.desk(), authorization, name))


def work_on_onboarding(body: bytes) -> None:
    """Take a message of ``onboardings``.

    Args:
        body: The message.

    Raises:
        Exception: Storage cannot be reached; the message comes back.
    """
    from scan_core.onboarding import desk  # noqa: PLC0415

    desk.work(wiring.desk(), body)


def _at_the_desk(serve: Callable[[], "Answer"]) -> "Answer":
    from scan_core.intake import answers  # noqa: PLC0415

    try:
        return serve()
    except SettingsInvalid as invalid:
        emit("settings_invalid", level=logging.ERROR, problem=str(invalid))
        return answers.unavailable("not_configured")
    except AzureError as unreachable:
        emit("storage_unreachable", level=logging.ERROR, error=type(unreachable).__name__)
        return answers.unavailable("no_storage")


def take_poisoned_request(body: bytes) -> None:
    """Take a message of ``scan-requests-poison``.

    Args:
        body: The message.

    Raises:
        Exception: The settings are wrong, or storage is out of reach; the message comes back.
    """
    from scan_core.flow.poison import poisoned_request  # noqa: PLC0415

    _once_configured(lambda: poisoned_request(wiring.services(), body))


def take_poisoned_result(body: bytes) -> None:
    """Take a message of ``scan-results-poison``.

    Args:
        body: The message.

    Raises:
        Exception: As for a request.
    """
    from scan_core.flow.poison import poisoned_result  # noqa: PLC0415

    _once_configured(lambda: poisoned_result(wiring.services(), body))


def watch() -> None:
    """Find what was lost on the way; without settings there is nothing to watch."""
    from scan_core.flow.watch import watch as look_round  # noqa: PLC0415

    _unless_unconfigured(lambda: look_round(wiring.services()))


def reconcile() -> None:
    """Find what no hook told of; without settings there is nothing to compare."""
    from scan_core.flow.reconcile import reconcile as look_round  # noqa: PLC0415

    _unless_unconfigured(lambda: look_round(wiring.services()))


def hook_health() -> None:
    """Look after the subscriptions of hooks; without settings there is nothing to look after."""
    from scan_core.onboarding.health import look_after_hooks  # noqa: PLC0415

    _unless_unconfigured(lambda: look_after_hooks(wiring.hook_services()))


def _unless_unconfigured(step: Callable[[], None]) -> None:
    with suppress(SettingsInvalid, AzureError):
        _once_configured(step)


def _once_configured(step: Callable[[], None]) -> None:
    """Take a step, or let its message come back: a poison queue has no further one, and hides what fails for a while.

    So the host does it (azure-sdk-for-net, `QueueProcessor`); a message that it puts there lives for seven days.
    """
    try:
        step()
    except (SettingsInvalid, AzureError) as error:
        emit("not_ready", level=logging.ERROR, error=type(error).__name__)
        raise


@cache
def _hook_secrets() -> dict[str, tuple[str, ...]]:
    return {name: _plain(organisation.hook_secrets) for name, organisation in wiring.settings().organisations.items()}
