"""The requests that are sent, against Microsoft's REST API 7.1 specification."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from scan_core.devops.pull_requests import MergeStatus, PullRequestStatus
from scan_core.model.gate import StatusState
from tests.devops.conftest import Calling
from tests.devops.samples import OPERATIONS, well

SPECIFICATION = Path(__file__).parents[3] / "shared" / "specs" / "azure-devops" / "git.json"

pytestmark = pytest.mark.skipif(
    not SPECIFICATION.exists(),
    reason="needs Microsoft's swagger of the git API beside the repository (../shared/specs)",
)

# ConnectionData is in no published specification.
SPECIFIED = sorted(set(OPERATIONS) - {"authenticated_id"})


@pytest.fixture(scope="module")
def git() -> dict[str, Any]:
    """Read the specification."""
    specification: dict[str, Any] = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    return specification


def operation_for(git: dict[str, Any], method: str, path: str, asked: set[str]) -> dict[str, Any]:
    """Find the one operation that a path, in its exact spelling, and the names of its query belong to."""
    found: list[dict[str, Any]] = []
    # Operations that share their path stand apart, with the query that tells them from each other.
    for template, operations in (git["paths"] | git["x-ms-paths"]).items():
        operation = operations.get(method.lower())
        bare = re.escape(template.partition("?")[0])
        if operation and re.fullmatch(re.sub(r"\\{[^/]*\\}", "[^/]+", bare), path) and asked <= query_of(operation):
            found.append(operation)
    assert len(found) == 1, f"{method} {path} is in {len(found)} places of the specification"
    return found[0]


def query_of(operation: dict[str, Any]) -> set[str]:
    """List the names that an operation knows in its query."""
    return {parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "query"}


@pytest.mark.parametrize("name", SPECIFIED)
def test_requests_are_in_the_specification(name: str, git: dict[str, Any], calling: Calling) -> None:
    """Path in its spelling, method, and every parameter of the query."""
    devops, server = calling(well)
    OPERATIONS[name](devops)
    for request in server.received:
        parts = urlsplit(request.target)
        asked = {name for name, _ in parse_qsl(parts.query)}
        operation = operation_for(git, request.method, parts.path, asked)
        bodies = [parameter for parameter in operation["parameters"] if parameter.get("in") == "body"]
        assert bool(bodies) is bool(request.body)
        assert git["info"]["version"] == "7.1"


def test_posted_fields_are_in_the_specification(git: dict[str, Any], calling: Calling) -> None:
    """A field the service does not know would be dropped silently."""
    devops, server = calling(well)
    OPERATIONS["post_status"](devops)
    document = server.received[0].document
    definitions = git["definitions"]
    assert set(document) <= set(definitions["GitStatus"]["properties"])
    assert set(document["context"]) <= set(definitions["GitStatusContext"]["properties"])


@pytest.mark.parametrize(
    ("definition", "field", "values", "not_ours"),
    [
        ("GitPullRequest", "status", PullRequestStatus, {"all"}),
        ("GitPullRequest", "mergeStatus", MergeStatus, set()),
        ("GitStatus", "state", StatusState, {"notSet"}),
    ],
)
def test_enumerations_hold_every_value_of_the_specification(
    definition: str, field: str, values: Any, not_ours: set[str], git: dict[str, Any]
) -> None:
    """A value that is missing would make an answer unreadable."""
    specified = set(git["definitions"][definition]["properties"][field]["enum"])
    assert specified - not_ours == {value.value for value in values}
