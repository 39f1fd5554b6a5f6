"""The requests about repositories, builds and checks, against Microsoft's REST API 7.1 specification."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from scan_core.devops.locations import LOCATIONS
from tests.devops.conftest import Calling
from tests.devops.pipeline_samples import OPERATIONS, well
from tests.devops.strict_server import Received

FOLDER = Path(__file__).parents[3] / "shared" / "specs" / "azure-devops"
AREAS = ("git", "build", "task")

pytestmark = pytest.mark.skipif(
    not FOLDER.exists(), reason="needs Microsoft's swagger of the API beside the repository (../shared/specs)"
)


@pytest.fixture(scope="module")
def areas() -> dict[str, Any]:
    """Read the specifications."""
    return {area: json.loads((FOLDER / f"{area}.json").read_text(encoding="utf-8")) for area in AREAS}


def operation_of(areas: dict[str, Any], request: Received) -> tuple[str, dict[str, Any]]:
    """Find the one operation that a request belongs to, by its path in its exact spelling; and its area."""
    parts = urlsplit(request.target)
    asked = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    found: list[tuple[str, dict[str, Any]]] = []
    for area, specification in areas.items():
        for template, operations in (specification["paths"] | specification.get("x-ms-paths", {})).items():
            operation = operations.get(request.method.lower())
            pattern = re.sub(r"\\{[^/]*\\}", "[^/]+", re.escape(template.partition("?")[0]))
            named = set(re.findall("[?&]([^=&]+)", template))  # what tells it from others of the same path
            if operation and re.fullmatch(pattern, parts.path) and named <= asked <= query_of(operation):
                found.append((area, operation))
    assert len(found) == 1, f"{request.method} {parts.path} is in {len(found)} places of the specification"
    return found[0]


def query_of(operation: dict[str, Any]) -> set[str]:
    """List the names that an operation knows in its query."""
    return {parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "query"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_requests_are_in_the_specification(name: str, areas: dict[str, Any], calling: Calling) -> None:
    """Path in its spelling, method, query, and what kind of body it takes, if any."""
    devops, server = calling(well)
    OPERATIONS[name](devops)
    assert server.received
    for request in server.received:
        _, operation = operation_of(areas, request)
        bodies = [parameter for parameter in operation["parameters"] if parameter.get("in") == "body"]
        assert bool(bodies) is bool(request.body)
        if bodies:
            assert request.headers["content-type"].partition(";")[0] in operation["consumes"]


def test_the_released_version_is_asked_for(calling: Calling) -> None:
    """A preview can be withdrawn; posting an event has the one version that its documentation names."""
    devops, server = calling(well)
    for operation in OPERATIONS.values():
        operation(devops)
    for request in server.received:
        version = request.headers["accept"].rpartition("api-version=")[2]
        assert version == ("2.0-preview.1" if request.target.endswith("/events") else "7.1")


@pytest.mark.parametrize(("definition", "fields"), [("TaskLog", {"path"}), ("TimelineRecord", {"id", "log"})])
def test_what_is_sent_about_a_log_is_in_the_specification(
    definition: str, fields: set[str], areas: dict[str, Any], calling: Calling
) -> None:
    """A field that the service does not know would be dropped silently."""
    devops, server = calling(well)
    OPERATIONS["make_log"](devops)
    sent = server.received[0].document if definition == "TaskLog" else server.received[1].document["value"][0]
    assert set(sent) == fields
    assert fields <= set(areas["task"]["definitions"][definition]["properties"])


def test_the_fields_of_a_build_are_those_of_the_specification(areas: dict[str, Any]) -> None:
    """A name of ours that is none of Azure DevOps' would always be absent."""
    known = set(areas["build"]["definitions"]["Build"]["properties"])
    read = {"id", "buildNumber", "status", "result", "reason", "definition", "project", "repository", "sourceBranch"}
    assert read | {"sourceVersion", "orchestrationPlan", "plans", "tags", "triggerInfo", "finishTime"} <= known


def test_every_location_is_named_once() -> None:
    """Two of one id would be one of them."""
    ids = [location.location_id for location in LOCATIONS]
    assert len(set(ids)) == len(ids)
