"""The smaller words: ids, moments, severities, states, requests."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter, ValidationError

from scan_core.model.attempt import AttemptErrorKind
from scan_core.model.finding import Finding, Severity
from scan_core.model.gate import GateState, Status, StatusState
from scan_core.model.ids import GateName, Iteration, Subject, digest
from scan_core.model.request import LookRequest, ProjectRequest, RequestMessage
from scan_core.model.rules import Rules, Thresholds
from scan_core.model.scan import AttemptRecord, Scan, ScanState
from scan_core.model.subject import PullRequestRef
from scan_core.model.value import Moment
from scan_core.model.verdict import SeverityCounts
from tests.builders import an_iteration

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REFERENCE: dict[str, Any] = {
    "organisation": "contoso",
    "project_id": "11111111-2222-3333-4444-555555555555",
    "repository_id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "pull_request_id": 7,
}


class TestIds:
    @given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=5))
    def test_a_digest_does_not_depend_on_order(self, value: dict[str, Any]) -> None:
        """One value, one name."""
        assert digest(value) == digest(dict(reversed(value.items())))

    def test_a_digest_tells_values_apart(self) -> None:
        """Also text from number."""
        values: list[JsonValue] = [1, "1", [1], {"a": 1}, None, True, 1.5]
        assert len({digest(value) for value in values}) == 7

    @given(st.integers(1, 10**9), st.integers(0, 10**8))
    def test_a_gate_is_named_after_its_pull_request_and_iteration(self, number: int, iteration: int) -> None:
        """And its name can be read back."""
        reference = PullRequestRef.model_validate(REFERENCE | {"pull_request_id": number})
        subject = reference.subject
        TypeAdapter(Subject).validate_python(subject)
        name = an_iteration(pull_request=reference, iteration=Iteration(iteration)).gate_id
        TypeAdapter(GateName).validate_python(name)
        assert name == f"{subject}-{iteration}"

    @pytest.mark.parametrize("name", ["", "a-1", "a" * 24, "a" * 24 + "-01", "a" * 24 + "-1/..", "A" * 24 + "-1"])
    def test_nothing_else_is_a_gates_name(self, name: str) -> None:
        """It comes from an address."""
        with pytest.raises(ValidationError):
            TypeAdapter(GateName).validate_python(name)

    def test_pull_requests_of_two_places_have_two_subjects(self) -> None:
        """The same number exists in every repository."""
        changes: list[dict[str, Any]] = [{}, {"pull_request_id": 8}, {"organisation": "fabrikam"}]
        assert len({PullRequestRef.model_validate(REFERENCE | change).subject for change in changes}) == 3

    @pytest.mark.parametrize("change", [{"pull_request_id": 0}, {"project_id": "x"}])
    def test_a_reference_holds_ids_only(self, change: dict[str, Any]) -> None:
        """Names may change and may hold anything."""
        with pytest.raises(ValidationError):
            PullRequestRef.model_validate(REFERENCE | change)


class TestVersions:
    def test_what_a_newer_version_wrote_is_passed_over(self) -> None:
        """Two versions run side by side while one is deployed, and after it is rolled back."""
        assert PullRequestRef.model_validate(REFERENCE | {"extra": 1}) == PullRequestRef.model_validate(REFERENCE)


class TestMoment:
    def test_it_is_always_in_utc(self) -> None:
        """So that two can be compared as they are stored."""
        elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
        assert TypeAdapter(Moment).validate_python(elsewhere).tzinfo is UTC

    def test_it_needs_a_zone(self) -> None:
        """Without one, nobody knows which moment it is."""
        with pytest.raises(ValidationError, match="with its zone"):
            TypeAdapter(Moment).validate_python(NOW.replace(tzinfo=None))


class TestSeverity:
    def test_counts_are_looked_up_by_severity(self) -> None:
        """Each has its own."""
        counts = SeverityCounts(informational=1, low=2, medium=3, high=4, critical=5, secrets=9)
        assert [counts.of(severity) for severity in Severity] == [1, 2, 3, 4, 5]

    def test_a_finding_is_the_same_by_four_things(self) -> None:
        """Severity and title are not among them."""
        one = Finding(
            qid="1", package="p", installed_version="1", path="x", severity=Severity.LOW, title="a", fixed_version="2"
        )
        assert one.key == one.model_copy(update={"severity": Severity.HIGH, "title": "b"}).key == ("1", "p", "1", "x")


class TestStates:
    def test_only_a_gate_that_still_stands_may_get_a_status(self) -> None:
        """A superseded gate never turns red."""
        assert {state for state in GateState if state.is_current} == {
            GateState.WAITING,
            GateState.OPEN,
            GateState.DECIDED,
        }

    def test_what_cannot_end_better_is_not_tried_again(self) -> None:
        """Another attempt would cost the same time for the same answer."""
        final = {kind for kind in AttemptErrorKind if not kind.retryable}
        assert {AttemptErrorKind.COMMIT_GONE, AttemptErrorKind.UNSUPPORTED, AttemptErrorKind.CANCELLED} <= final
        assert not {AttemptErrorKind.INCOMPLETE, AttemptErrorKind.LOST, AttemptErrorKind.UNREACHABLE} & final

    def test_a_status_is_shorter_than_azure_devops_cuts_it(self) -> None:
        """Under 200 characters."""
        assert len(Status(state=StatusState.ERROR, description="x" * 199).description) == 199
        with pytest.raises(ValidationError):
            Status(state=StatusState.ERROR, description="x" * 200)

    def test_the_current_attempt_is_the_newest(self) -> None:
        """They stand oldest first."""
        attempts = [
            AttemptRecord.model_validate({"number": number, "opened_at": NOW, "due_at": NOW}) for number in (3, 4)
        ]
        scan = Scan.model_validate(
            {
                "scan_id": "a" * 40,
                "target": {"kind": "source"}
                | {key: value for key, value in REFERENCE.items() if key != "pull_request_id"}
                | {"commit": "a" * 40},
                "profile": Rules().profile,
                "state": ScanState.ACTIVE,
                "round_start": 3,
                "attempts": attempts,
            }
        )
        assert scan.current.number == 4
        assert Scan.model_validate_json(scan.model_dump_json()) == scan


class TestRequests:
    @pytest.mark.parametrize(
        "request_",
        [
            LookRequest.model_validate(
                {"request_id": "r", "of": {"kind": "pull_request", **REFERENCE}, "accepted_at": NOW}
            ),
            ProjectRequest.model_validate(
                {"request_id": "r", "accepted_at": NOW}
                | {key: REFERENCE[key] for key in ("organisation", "project_id")}
            ),
        ],
    )
    def test_a_request_survives_the_queue(self, request_: LookRequest | ProjectRequest) -> None:
        """As the kind that it was."""
        assert RequestMessage.validate_json(RequestMessage.dump_json(request_)) == request_

    @pytest.mark.parametrize("content", [b"{}", b'{"kind": "other"}', b"null", b'{"kind": "project"}'])
    def test_anything_else_in_the_queue_is_refused(self, content: bytes) -> None:
        """It becomes poison, not a guess."""
        with pytest.raises(ValidationError):
            RequestMessage.validate_json(content)


def test_the_rules_without_a_file_block_what_is_critical_or_high_and_any_secret() -> None:
    """The defaults of Qualys' own task, and secrets with them."""
    rules = Rules()
    assert rules.thresholds == Thresholds(max_critical=0, max_high=0)
    assert rules.max_secrets == 0
    with pytest.raises(ValidationError):
        Thresholds(max_high=-1)
