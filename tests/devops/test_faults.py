"""Whatever goes wrong in a call, it was made once and ends in one typed error."""

import pytest

from scan_core.devops.errors import SENTENCE_CHARACTERS, DevOpsError, DevOpsErrorKind
from tests.devops.conftest import Calling
from tests.devops.faults import FAULTS, JSON_FAULTS, Fault
from tests.devops.samples import OPERATIONS

K = DevOpsErrorKind
ALL = [(operation, name, fault) for operation in OPERATIONS for name, fault in FAULTS.items()] + [
    (operation, name, fault)
    for operation in OPERATIONS
    if operation != "file_on_branch"
    for name, fault in JSON_FAULTS.items()
    # In a listing of pull requests one that cannot be read is left out.
    if (operation, name) != ("active_pull_requests", "a list of texts")
]


@pytest.mark.parametrize(("operation", "fault"), [pytest.param(o, f, id=f"{o}-{n}") for o, n, f in ALL])
def test_a_fault_costs_one_request_and_is_a_typed_error(operation: str, fault: Fault, calling: Calling) -> None:
    """No retry, no redirect, no second kind of exception, and a sentence that may be shown."""
    devops, server = calling(lambda _: fault.answer, **fault.clocks)

    with pytest.raises(DevOpsError) as caught:
        OPERATIONS[operation](devops)

    error = caught.value
    assert (error.kind, error.status, error.type_key, error.retry_after) == (
        fault.kind,
        fault.status,
        fault.type_key,
        fault.retry_after,
    )
    assert len(server.received) == 1
    assert error.sentence.isprintable()
    assert len(error.sentence) <= SENTENCE_CHARACTERS
    assert "://" not in error.sentence
    assert str(server.port) not in error.sentence


def test_nobody_listening_is_unreachable(calling: Calling) -> None:
    """A refused connection is a typed error too."""
    devops, server = calling(lambda _: b"")
    server.__exit__()
    with pytest.raises(DevOpsError) as caught:
        devops.authenticated_id()
    assert caught.value.kind is DevOpsErrorKind.UNREACHABLE


def test_a_server_without_tls_is_unreachable_by_https(calling: Calling) -> None:
    """What fails before anything is sent is a typed error too."""
    _, server = calling(lambda _: b"")
    secure, _ = calling(lambda _: b"", url=server.url.replace("http:", "https:"))
    with pytest.raises(DevOpsError) as caught:
        secure.authenticated_id()
    assert caught.value.kind is DevOpsErrorKind.UNREACHABLE
    assert server.received == []


@pytest.mark.parametrize(
    ("kind", "transient"),
    [
        (K.SIGNED_OUT, True),
        (K.FORBIDDEN, True),
        (K.NOT_FOUND, False),
        (K.CONFLICT, False),
        (K.REJECTED, False),
        (K.THROTTLED, True),
        (K.UNAVAILABLE, True),
        (K.TIMED_OUT, True),
        (K.UNREACHABLE, True),
        (K.MALFORMED, True),
    ],
)
def test_an_error_knows_whether_the_same_call_can_succeed_later(kind: DevOpsErrorKind, transient: bool) -> None:
    """Rights are granted late; a thing that is not there or a request that is wrong stays so."""
    assert DevOpsError(kind, "reading").transient is transient


@pytest.mark.parametrize("kind", DevOpsErrorKind)
def test_an_error_knows_whether_other_calls_would_fail_as_well(kind: DevOpsErrorKind) -> None:
    """Then there is no use in going on with the next repository."""
    about_all = {"signed_out", "throttled", "unavailable", "timed_out", "unreachable"}
    assert DevOpsError(kind, "reading").everywhere is (kind in about_all)
