"""Bodies of every kind of wrongness."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.devops.errors import ServiceError
from local.devops.shapes import Shape, check, fitting
from tests.local.devops.driver import STATUS_POLICY, Sim, subscribe
from tests.local.devops.pipelines import JSON_PATCH, function_check

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
PREVIEW = "api-version=7.1-preview.1"
SHAPE: dict[str, Shape] = {"a": str, "b": [{"a": int}], "c": {"a": bool, "b": (str, int)}}
JUNK: list[Any] = [None, True, 7, -1, "", "x", [], {}, [1], ["x"], {"id": 5}, {"id": None}, "refs/heads/main", 1.5]


@given(JSON)
def test_a_body_either_fits_or_is_refused(body: Any) -> None:
    """What fits has the declared types wherever it is not null; anything else is a 400."""
    try:
        found = fitting(body, SHAPE)
    except ServiceError as refused:
        assert refused.status == 400  # noqa: PT017 - both outcomes are allowed
        return
    assert isinstance(found.get("a", ""), str)
    assert all(type(entry["a"]) is int for entry in found.get("b", []) if entry.get("a") is not None)
    assert (found.get("c") or {}).get("a") in {None, True, False}


@pytest.mark.parametrize(("value", "shape"), [(True, int), ("x", int), (None, str), ({}, [str]), ([1], [str])])
def test_types_are_those_of_json(value: Any, shape: Shape) -> None:
    """A truth value is no number, and an entry of a list is not null."""
    with pytest.raises(ServiceError, match="body"):
        check(value, shape)
    check("x", (str, int))


def mutated(value: Any, chance: random.Random) -> Any:
    """Return a body with something in it replaced or taken away."""
    if not isinstance(value, dict | list) or not value or chance.random() < 0.15:
        return chance.choice(JUNK)
    if isinstance(value, list):
        return [mutated(value[0], chance)]
    name = chance.choice(list(value))
    if chance.random() < 0.15:
        return {other: inner for other, inner in value.items() if other != name}
    return {**value, name: mutated(value[name], chance)}


def test_no_body_breaks_the_server(sim: Sim, receiver: Any) -> None:
    """Bodies of every call, each wrong in some place: never a 5xx, and everything can still be read."""
    project = sim.project()
    clone, pull = sim.repository(project).proposed()
    clone.push("main:other")
    thread = sim.post(f"{pull.path}/threads", {"comments": [{"content": "x"}]})
    subscription = subscribe(sim, receiver, "git.push")
    build = sim.post(f"{project['id']}/_apis/build/builds", {"definition": {"id": 1}})
    repository, builds = pull.repo.path, f"{project['id']}/_apis/build/builds"
    status = {"state": "pending", "context": {"name": "n", "genre": "g"}, "targetUrl": "u", "iterationId": 1}
    scope = [{"repositoryId": None, "refName": "refs/heads/main", "matchKind": "Exact"}]
    settings = {"statusName": "n", "policyApplicability": 1, "filenamePatterns": ["/a"], "scope": scope}
    place = {"line": 1, "offset": 1}
    context = {"filePath": "/f", "rightFileStart": place, "rightFileEnd": place}
    condition = {"inputId": "a", "operator": "equals", "inputValue": "b"}
    parent = {"id": pull.repo.json["id"]}
    opened = {
        "sourceRefName": "refs/heads/other",
        "targetRefName": "refs/heads/main",
        "title": "t",
        "reviewers": [{"id": "x"}],
        "forkSource": {"repository": parent},
    }
    changed = {
        "title": "t",
        "isDraft": True,
        "status": "active",
        "autoCompleteSetBy": {"id": "x"},
        "completionOptions": {"mergeStrategy": "squash"},
    }
    done = {"status": "completed", "lastMergeSourceCommit": {"commitId": "x"}}
    move = [{"name": "refs/heads/q", "oldObjectId": "0" * 40, "newObjectId": clone.head()}]
    query = {"subscriptionIds": [subscription["id"]], "maxResults": 5, "minCreatedDate": "2026-01-01T00:00:00Z"}
    test = {"subscriptionId": subscription["id"], "details": {"consumerInputs": {"messagesToSend": "none"}}}
    tag = {"op": "add", "path": "/a", "value": "b"}
    second = sim.build(project=project)
    settings_of_check = function_check(receiver.url)
    where = {"type": "environment", "id": str(sim.environment(project)["id"])}
    made = sim.check(project, sim.environment(project, "other"), settings_of_check)
    check = {"type": made["type"], "resource": where, "settings": settings_of_check, "timeout": 5, "isDisabled": False}
    connection = {
        "name": "n",
        "type": "generic",
        "url": receiver.url,
        "authorization": {"scheme": "UsernamePassword", "parameters": {"username": "u", "password": "p"}},
        "serviceEndpointProjectReferences": [{"projectReference": {"id": project["id"]}}],
    }
    targets: list[tuple[str, str, Any]] = [
        ("POST", "_apis/projects", {"name": "n", "visibility": "private"}),
        ("POST", f"{project['id']}/_apis/git/repositories", {"name": "n", "parentRepository": parent}),
        ("PATCH", repository, {"name": "web", "defaultBranch": "refs/heads/main"}),
        ("POST", f"{repository}/refs", move),
        ("POST", f"{repository}/pullrequests", opened),
        ("PATCH", pull.path, changed),
        ("PATCH", pull.path, done),
        ("POST", f"{pull.path}/statuses", status),
        ("POST", f"{repository}/commits/{clone.head()}/statuses", status),
        ("POST", f"{pull.path}/threads", {"comments": [{"content": "c"}], "status": 1, "threadContext": context}),
        ("PATCH", f"{pull.path}/threads/{thread['id']}", {"status": "closed", "properties": {"a": {"$value": "x"}}}),
        ("POST", f"{pull.path}/threads/{thread['id']}/comments", {"content": "c", "parentCommentId": 1}),
        ("PATCH", f"{pull.path}/threads/{thread['id']}/comments/1", {"content": "c"}),
        ("POST", f"{project['id']}/_apis/policy/configurations", {"type": {"id": STATUS_POLICY}, "settings": settings}),
        ("PUT", f"_apis/hooks/subscriptions/{subscription['id']}", subscription),
        ("POST", "_apis/hooks/subscriptions", subscription),
        ("POST", "_apis/hooks/notificationsQuery", query),
        ("POST", "_apis/hooks/subscriptionsQuery", {"publisherInputFilters": [{"conditions": [condition]}]}),
        ("POST", "_apis/hooks/testNotifications", test),
        ("POST", builds, {"definition": {"id": 1}, "repository": parent, "triggerInfo": {"a": "b"}}),
        ("PATCH", f"{builds}/{build['id']}", {"status": "completed", "result": "failed"}),
        ("POST", f"{builds}/{build['id']}/tags", ["a"]),
        ("PATCH", f"{builds}/{build['id']}/tags", {"tagsToAdd": ["a"], "tagsToRemove": ["b"]}),
        ("PATCH", f"{builds}/{build['id']}/properties", [tag]),
        ("POST", f"{project['id']}/_apis/pipelines/environments", {"name": "n", "description": "d"}),
        ("POST", f"{project['id']}/_apis/pipelines/checks/configurations?{PREVIEW}", check),
        ("PATCH", f"{project['id']}/_apis/pipelines/checks/configurations/1?{PREVIEW}", check),
        ("POST", f"{project['id']}/_apis/pipelines/checks/queryconfigurations?{PREVIEW}", [check["resource"]]),
        ("POST", "_apis/serviceendpoint/endpoints", connection),
        ("POST", "_sim/builds/stages", {"buildId": second.id, "checks": [settings_of_check], "last": True}),
        ("POST", "_sim/builds/lines", {"buildId": second.id, "line": "##vso[build.addbuildtag]x"}),
        ("POST", "_sim/hooks/subscriptions", {"subscriptionId": subscription["id"], "status": "enabled"}),
        ("POST", "_sim/tokens", {"token": "x", "rights": ["code_read"], "without": []}),
        ("POST", "_sim/pullRequests", {"pullRequestId": 1, "supportsIterations": True}),
        ("POST", "_sim/hooks/redeliver", {"times": 1, "order": "reverse"}),
    ]
    chance = random.Random(20261123)
    for method, path, body in targets * 12:
        wrong = mutated(body, chance)
        answer = sim.call(method, path, wrong, headers=JSON_PATCH if path.endswith("/properties") else {})
        assert answer.status_code < 500, (method, path, wrong, answer.text)
    for path in (pull.path, f"{pull.path}/statuses", f"{pull.path}/threads", "_apis/hooks/subscriptions", builds):
        sim.get(path)
    assert sim.session.get(f"{sim.url}Shop/_git/web/pullrequest/1", timeout=30).status_code == 200


def test_a_bug_is_answered_as_one(sim: Sim, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 500 in the service's shape, and the connection lives on."""

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    sim.project()
    monkeypatch.setattr("local.devops.rest_core.project_reference_json", broken)
    answer = sim.call("GET", "_apis/projects")
    assert (answer.status_code, answer.json()["errorCode"]) == (500, 0)
