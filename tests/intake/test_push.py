"""What is understood of a push: which branches, in every shape that is documented, and with any name."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.request import LookRequest, ProjectRequest, PushRequest, Request, RequestMessage
from scan_core.model.subject import Branch
from tests.intake.deliveries import NOW, OTHER_PROJECT, PROJECT, REPOSITORY, Door, event, push

MAIN, OTHER = "refs/heads/main", "refs/heads/releases/1.4"
NIL = "00000000-0000-0000-0000-000000000000"
QUEUE_BYTES = 64 * 1024
"""A message of Azure Queue Storage, in base64."""


def asked(resource: Any, **changes: Any) -> Request:
    """Deliver a push and return what was queued."""
    door = Door()
    answer = door.deliver(event(resource, eventType="git.push", **changes))
    assert answer.status == 202, answer
    (request,) = door.queued
    assert (request.request_id, request.accepted_at) == ("request-1", NOW)
    return request


def reason(resource: Any, **changes: Any) -> str:
    """Deliver a push and return why nothing was queued."""
    door = Door()
    answer = door.deliver(event(resource, eventType="git.push", **changes))
    assert (answer.status, door.queued) == (200, [])
    return str(answer.body["reason"])


def refs_of(request: Request) -> tuple[str, ...]:
    """Give the branches that a request names."""
    assert isinstance(request, PushRequest)
    assert (request.project_id, request.repository_id) == (PROJECT, REPOSITORY)
    return request.refs


class TestBranches:
    @pytest.mark.parametrize(
        ("before", "after"), [("0" * 40, "2" * 40), ("1" * 40, "2" * 40), ("1" * 40, "0" * 40)], ids=str
    )
    def test_one_that_was_created_moved_or_deleted_is_looked_at(self, before: str, after: str) -> None:
        """Alike: where it stands by then is read from Azure DevOps."""
        update = {"name": MAIN, "oldObjectId": before, "newObjectId": after}
        request = asked(push(refUpdates=[update]))
        assert isinstance(request, LookRequest)
        assert isinstance(request.of, Branch)
        assert request.of.model_dump() == {
            "kind": "branch",
            "organisation": "contoso",
            "project_id": PROJECT,
            "repository_id": REPOSITORY,
            "ref": MAIN,
        }

    def test_several_are_one_request(self) -> None:
        """Each once, in the push's order."""
        assert refs_of(asked(push(OTHER, MAIN, OTHER))) == (OTHER, MAIN)

    def test_tags_and_other_refs_are_passed_over(self) -> None:
        """Also beside a branch."""
        request = asked(push("refs/tags/v1", MAIN, "refs/notes/commits", "refs/pull/7/merge", "HEAD"))
        assert isinstance(request, LookRequest)
        assert reason(push("refs/tags/v1", "refs/tags/v2")) == "no_branch"

    def test_more_than_a_message_holds_are_all_that_matter(self) -> None:
        """51 are too many; so are fewer whose names are long."""
        assert len(refs_of(asked(push(*(f"refs/heads/{number}" for number in range(50)))))) == 50
        assert refs_of(asked(push(*(f"refs/heads/{number}" for number in range(51))))) == ()
        assert refs_of(asked(push(*(f"refs/heads/{'é' * 500}{number}" for number in range(40))))) == ()

    @pytest.mark.parametrize("name", ["", " ", "a b", "a\x00b", "a\nb", "a\x7f", "x" * 600])
    def test_a_name_that_no_branch_has_is_none(self, name: str) -> None:
        """It never raises, and stands in no queue."""
        assert reason(push(f"refs/heads/{name}")) == "no_branch"
        assert isinstance(asked(push(f"refs/heads/{name}", MAIN)), LookRequest)

    @given(st.lists(st.text(max_size=700) | st.text().map("refs/heads/{}".format), max_size=60))
    def test_any_names(self, names: list[str]) -> None:
        """What is queued can be read again and fits into a message."""
        door = Door()
        body = event(push(*names), eventType="git.push")
        status = door.deliver(json.dumps(body).encode(errors="surrogatepass")).status
        assert status in {200, 202}
        for request in door.queued:
            written = RequestMessage.dump_json(request)
            assert RequestMessage.validate_json(written) == request
            assert len(base64.b64encode(written)) < QUEUE_BYTES


class TestDetails:
    def test_no_commits(self) -> None:
        """They can be absent, and are not read where they are there."""
        assert isinstance(asked(push(MAIN)), LookRequest)
        assert isinstance(asked(push(MAIN, commits="anything")), LookRequest)

    @pytest.mark.parametrize(
        "resource",
        [
            {"repository": {"id": REPOSITORY}, "pushId": 14},
            {"repository": {"url": f"https://dev.azure.com/contoso/_apis/git/repositories/{REPOSITORY}"}},
            {"url": f"https://contoso.visualstudio.com/_apis/repos/git/repositories/{REPOSITORY.upper()}/pushes/14"},
            push(refUpdates=None),
            push(refUpdates=[]),
            push(refUpdates=[{"name": MAIN}, {"newObjectId": "2" * 40}]),
        ],
    )
    def test_a_repository_without_branches_is_looked_at_for_all_that_matter(self, resource: Any) -> None:
        """Minimal details name no branch."""
        assert refs_of(asked(resource)) == ()

    @pytest.mark.parametrize("resource", [None, {}, {"pushId": 14}, {"url": "https://elsewhere/1"}])
    def test_a_project_alone_is_looked_at_as_a_whole(self, resource: Any) -> None:
        """A subscription may send no details at all."""
        request = asked(resource)
        assert isinstance(request, ProjectRequest)
        assert request.project_id == PROJECT

    def test_the_repositorys_own_project_comes_first(self) -> None:
        """The container may be another; a URL is the last resort."""
        containers = {"project": {"id": OTHER_PROJECT}}
        assert refs_of(asked(push(MAIN, OTHER), resourceContainers=containers)) == (MAIN, OTHER)
        url = f"https://dev.azure.com/contoso/{PROJECT}/_apis/git/repositories/{REPOSITORY}/pushes/14"
        assert refs_of(asked({"url": url}, resourceContainers=None)) == ()

    def test_without_a_project_there_is_nowhere_to_look(self) -> None:
        """It is said which was missing."""
        assert reason({"repository": {"id": REPOSITORY}}, resourceContainers={}) == "no_project"
        assert reason(None, resourceContainers=None) == "no_resource"

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"refUpdates": "x"}, "wrong_type:refUpdates"),
            ({"refUpdates": {"name": MAIN}}, "wrong_type:refUpdates"),
            ({"refUpdates": [MAIN]}, "wrong_type:refUpdates"),
            ({"refUpdates": [{"name": 7}]}, "wrong_type:name"),
            ({"repository": []}, "wrong_type:repository"),
            ({"repository": {"id": "x"}}, "bad_value:repository.id"),
            ({"repository": {"id": REPOSITORY, "project": {"id": 7}}}, "wrong_type:project.id"),
            ({"url": 7}, "wrong_type:url"),
        ],
    )
    def test_wrong_fields(self, changes: dict[str, Any], told: str) -> None:
        """The reason names the field and echoes nothing."""
        assert reason(push(MAIN, **changes)) == told


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "03c164c2-8912-4d5e-8009-3707d5f83734"},
        {"subscriptionId": NIL},
        {"resource": push(MAIN, repository={"id": "278d5cd2-584d-4b63-824a-2ba458937249", "project": {"id": PROJECT}})},
        {"resource": {}, "resourceContainers": {"project": {"id": "be9b3917-87e6-42a4-a549-2bc06a7a878f"}}},
    ],
)
def test_the_portal_s_test_button_asks_for_nothing(changes: dict[str, Any]) -> None:
    """Fabrikam is nobody."""
    door = Door()
    assert door.deliver(event(push(MAIN), eventType="git.push") | changes).body["reason"] == "test"
