"""Whatever goes wrong in a call about repositories, builds and checks ends in one typed error, and is made once."""

from dataclasses import replace

import pytest

from scan_core.devops.errors import SENTENCE_CHARACTERS, DevOpsError, DevOpsErrorKind
from tests.devops.conftest import PAT, Calling
from tests.devops.faults import FAULTS, JSON_FAULTS, Fault
from tests.devops.pipeline_samples import CHECK, OPERATIONS, TOKEN, mark, well
from tests.devops.strict_server import Answer, Received, json_reply, refusal_reply, reply

BY_STATUS = {"append_log", "answer"}
"""Their answer is its status alone."""
NOT_READ = {"file_at_commit", "mark_build"}
"""The first gives content; the second goes on after an answer that says nothing."""
SLOW = {"read_build", "answer"}
"""Those that try what takes a while: all go through the same transport."""
GOOD_BY_STATUS = {"204"}

ALL = [
    (operation, name, fault)
    for operation in OPERATIONS
    for name, fault in FAULTS.items()
    if (operation in SLOW or not fault.clocks) and not (operation in BY_STATUS and name in GOOD_BY_STATUS)
] + [
    (operation, name, fault)
    for operation in OPERATIONS
    if operation not in BY_STATUS | NOT_READ
    for name, fault in JSON_FAULTS.items()
]


@pytest.mark.parametrize(("operation", "fault"), [pytest.param(o, f, id=f"{o}-{n}") for o, n, f in ALL])
def test_a_fault_costs_one_request_and_is_a_typed_error(operation: str, fault: Fault, calling: Calling) -> None:
    """No retry, no redirect, no second kind of exception, and a sentence that may be shown."""
    devops, server = calling(lambda _: fault.answer, **fault.clocks)

    with pytest.raises(DevOpsError) as caught:
        OPERATIONS[operation](devops)

    error = caught.value
    known = (error.kind, error.status, error.type_key, error.retry_after)
    assert known == (fault.kind, fault.status, fault.type_key, fault.retry_after)
    assert len(server.received) == 1
    assert error.sentence.isprintable()
    assert len(error.sentence) <= SENTENCE_CHARACTERS
    assert "://" not in error.sentence
    assert str(server.port) not in error.sentence


FIVE_HUNDRED = Fault(reply(500), DevOpsErrorKind.UNAVAILABLE, 500)
LATER = {
    "tags": FIVE_HUNDRED,
    "tags that are none": Fault(json_reply({"count": 1, "value": {"x": 1}}), DevOpsErrorKind.MALFORMED),
    "a tag that is refused": replace(
        FIVE_HUNDRED, answer=refusal_reply(403, "X", "no"), kind=DevOpsErrorKind.FORBIDDEN
    ),
    "a build that is gone": replace(FIVE_HUNDRED, answer=reply(404), kind=DevOpsErrorKind.NOT_FOUND),
}


@pytest.mark.parametrize("name", LATER)
def test_a_build_that_was_marked_in_part_is_an_error(name: str, calling: Calling) -> None:
    """What was done before it stands; the whole is done again."""
    fault, method = LATER[name], "GET" if name.startswith("tags") else "PUT"

    def answer(request: Received) -> Answer:
        return fault.answer if request.method == method else well(request)

    devops, _ = calling(answer)
    with pytest.raises(DevOpsError) as caught:
        mark(devops)
    assert caught.value.kind is fault.kind


@pytest.mark.parametrize("body", [b"<html>", b'{"half": '])
def test_a_check_is_not_answered_by_whoever_writes_no_json(body: bytes, calling: Calling) -> None:
    """Somebody on the way says 200; the pipeline still waits."""
    devops, _ = calling(lambda _: reply(200, body))
    with pytest.raises(DevOpsError) as caught:
        OPERATIONS["answer"](devops)
    assert caught.value.kind is DevOpsErrorKind.MALFORMED


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_check_is_answered_with_or_without_a_body(body: bytes, calling: Calling) -> None:
    """204 by the documentation."""
    devops, server = calling(lambda _: reply(200, body))
    OPERATIONS["answer"](devops)
    assert len(server.received) == 1


def test_a_tag_that_is_gone_already_is_all_the_better(calling: Calling) -> None:
    """Somebody else took it off meanwhile."""
    devops, server = calling(lambda request: reply(404) if request.method == "DELETE" else well(request))
    mark(devops)
    assert [request.method for request in server.received] == ["PATCH", "GET", "PUT", "DELETE"]


def test_a_tag_that_cannot_be_taken_off_is_an_error(calling: Calling) -> None:
    """Else a build would be passed and failed at once."""
    devops, _ = calling(lambda request: reply(403) if request.method == "DELETE" else well(request))
    with pytest.raises(DevOpsError):
        mark(devops)


@pytest.mark.parametrize(("failing", "made"), [("/records", 2), ("/logs/5", 3)])
def test_a_log_that_cannot_be_shown_or_written_is_an_error(failing: str, made: int, calling: Calling) -> None:
    """Nobody would see it; it is made again."""
    devops, server = calling(lambda request: reply(503) if request.target.endswith(failing) else well(request))
    with pytest.raises(DevOpsError):
        OPERATIONS["make_log"](devops)
    assert len(server.received) == made


@pytest.mark.parametrize("name", ["make_log", "append_log", "answer"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_the_checks_token_stays_out_of_errors_and_logs(
    name: str, status: int, calling: Calling, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the answer repeats it."""
    caplog.set_level("DEBUG")
    devops, _ = calling(lambda _: refusal_reply(status, "Some", f"the token {TOKEN} of Bearer {TOKEN} is not good"))
    with pytest.raises(DevOpsError) as caught:
        OPERATIONS[name](devops)
    assert TOKEN not in caught.value.sentence
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    assert TOKEN not in caplog.text
    assert PAT not in caplog.text


@pytest.mark.parametrize("token", ["two\nlines", "umläut", "tab\tbed"])
def test_a_token_that_no_header_can_hold_sends_nothing(token: str, calling: Calling) -> None:
    """And is not repeated."""
    devops, server = calling(well)
    with pytest.raises(DevOpsError) as caught:
        devops.checks.answer(CHECK, token, passed=True)
    assert caught.value.kind is DevOpsErrorKind.SIGNED_OUT
    assert token not in caught.value.sentence
    assert server.received == []
