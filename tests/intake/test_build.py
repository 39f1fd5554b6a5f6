"""What is understood of the end of a build: its ids, in both versions and with any amount of detail."""

from typing import Any

import pytest

from scan_core.model.request import LookRequest, ProjectRequest
from scan_core.model.subject import BuildRef
from tests.intake.deliveries import BUILD_URL, OTHER_PROJECT, PROJECT, Door, build, event

SAMPLES_PROJECT = "71777fbc-1cf2-4bd1-9540-128c1c71f766"
FIRST = {
    "id": 31,
    "uri": "vstfs:///Build/Build/31",
    "url": BUILD_URL,
    "status": "failed",
    "sourceGetVersion": "LG:refs/heads/main:" + "1" * 40,
    "definition": {"id": 3, "name": "ci", "url": "https://dev.azure.com/contoso/_apis/build/Definitions/3"},
}
"""Version 1.0, which has the result for a status and no project."""


def told(resource: Any, **changes: Any) -> tuple[str, int]:
    """Deliver, and return project and number of the build that was queued."""
    door = Door()
    answer = door.deliver(event(resource, eventType="build.complete", **changes))
    assert answer.status == 202, answer
    (request,) = door.queued
    assert isinstance(request, LookRequest)
    assert isinstance(request.of, BuildRef)
    assert request.of.organisation == "contoso"
    return request.of.project_id, request.of.build_id


def reason(resource: Any, **changes: Any) -> str:
    """Deliver, and return why nothing was queued."""
    door = Door()
    answer = door.deliver(event(resource, eventType="build.complete", **changes))
    assert (answer.status, door.queued) == (200, [])
    return str(answer.body["reason"])


class TestShapes:
    @pytest.mark.parametrize("result", ["succeeded", "partiallySucceeded", "failed", "canceled", None, 7])
    def test_a_build_of_any_result_is_passed_on(self, result: Any) -> None:
        """What of it is judged is not decided here."""
        assert told(build(result=result)) == (PROJECT, 31)

    def test_version_one(self) -> None:
        """The project is the container's."""
        assert told(FIRST, resourceVersion="1.0") == (PROJECT, 31)

    def test_minimal_details(self) -> None:
        """An id and a URL, or either."""
        assert told({"id": 31, "url": BUILD_URL}) == (PROJECT, 31)
        assert told({"url": BUILD_URL}, resourceContainers=None) == (PROJECT, 31)
        assert told({"id": "31"}) == (PROJECT, 31)
        assert told({"url": "https://contoso.visualstudio.com/DefaultCollection/_apis/build/builds/31?x=1"})[1] == 31

    @pytest.mark.parametrize(
        "resource",
        [
            build(definition=None),
            build(project=None),
            {"id": 31, "project": {"id": PROJECT.upper()}},
        ],
    )
    def test_its_own_project_comes_before_the_containers(self, resource: Any) -> None:
        """Also where only its definition says."""
        assert told(resource, resourceContainers={"project": {"id": OTHER_PROJECT}}) == (PROJECT, 31)

    @pytest.mark.parametrize("resource", [None, {}, {"url": "https://elsewhere/1"}])
    def test_without_details_the_project_is_looked_at(self, resource: Any) -> None:
        """An event that does not say which build it was."""
        door = Door()
        assert door.deliver(event(resource, eventType="build.complete")).status == 202
        (request,) = door.queued
        assert isinstance(request, ProjectRequest)
        assert request.project_id == PROJECT


@pytest.mark.parametrize(
    ("resource", "changes", "why"),
    [
        (None, {"resourceContainers": None}, "no_resource"),
        ({"id": 31}, {"resourceContainers": {}}, "no_project"),
        ({"id": {}}, {}, "wrong_type:id"),
        ({"id": 0}, {}, "bad_value:id"),
        ({"id": 2**31}, {}, "bad_value:id"),
        ({"id": "31; drop"}, {}, "wrong_type:id"),
        (build(project="x"), {}, "wrong_type:project"),
        (build(project={"id": "x"}), {}, "bad_value:project.id"),
        (build(project=None, definition={"project": {"id": 7}}), {}, "wrong_type:definition.project.id"),
        (build(url=[]), {}, "wrong_type:url"),
    ],
)
def test_what_is_not_understood_has_a_reason(resource: Any, changes: dict[str, Any], why: str) -> None:
    """It names the field and echoes nothing."""
    assert reason(resource, **changes) == why


@pytest.mark.parametrize(
    ("resource", "changes"),
    [
        (build(), {"id": "4a5d99d6-1c75-4e53-91b9-ee80057d4ce3"}),
        (build(), {"id": "33433986-7F56-4969-BFD4-3E59774C75AD"}),
        ({"id": 2, "url": BUILD_URL.replace(PROJECT, SAMPLES_PROJECT)}, {}),
        (build(project=None, definition={"project": {"id": SAMPLES_PROJECT}}), {}),
        ({"id": 2}, {"resourceContainers": {"project": {"id": "be9b3917-87e6-42a4-a549-2bc06a7a878f"}}}),
    ],
)
def test_the_portal_s_test_button_asks_for_nothing(resource: Any, changes: dict[str, Any]) -> None:
    """The samples name one project in the containers and another in the URL; both are Fabrikam's."""
    assert reason(resource, **changes) == "test"
