"""Microsoft's own client library against the simulator, and answers against Microsoft's own specification."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.local.devops.driver import STATUS_POLICY, TOKEN, Receiver, Sim, subscribe
from tests.local.devops.pipelines import PREVIEW, function_check

SPECIFICATIONS = Path(__file__).parents[4] / "shared" / "specs" / "azure-devops"


@pytest.fixture
def clients(sim: Sim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that makes a client of the library for this simulator."""
    # The library makes a cache folder when it is imported, and would remember another test's server.
    monkeypatch.setitem(os.environ, "AZURE_DEVOPS_CACHE_DIR", str(tmp_path))
    from azure.devops import _file_cache, client  # noqa: PLC0415 - the folder must be set first
    from msrest.authentication import BasicAuthentication  # noqa: PLC0415 - imported by the line above

    monkeypatch.setattr(_file_cache.OPTIONS_CACHE, "file_name", "")
    monkeypatch.setattr(client.Client, "_locations_cache", {})
    made = []

    def make(kind: Any) -> Any:
        found = kind(sim.url.rstrip("/"), BasicAuthentication("", sim.token))
        found.config.keep_alive = True
        made.append(found)
        return found

    yield make
    for found in made:
        found._client.close()


class TestClientLibrary:
    def test_the_way_of_a_gate_works_with_its_git_client(self, sim: Sim, clients: Any) -> None:
        """Iterations, changes, a file, statuses, threads: discovered, called and read back."""
        from azure.devops.v7_1.git import models  # noqa: PLC0415 - after the cache's folder is set
        from azure.devops.v7_1.git.git_client import GitClient  # noqa: PLC0415 - the same

        project = sim.project("My Shop")
        clone, pull = sim.repository(project).proposed()
        client = clients(GitClient)
        repository = pull.repo.json["id"]
        read = client.get_pull_request(repository, pull.id, project="My Shop")
        assert (read.pull_request_id, read.last_merge_source_commit.commit_id) == (pull.id, clone.head())
        criteria = models.GitPullRequestSearchCriteria(status="active")
        assert [one.pull_request_id for one in client.get_pull_requests_by_project(project["id"], criteria)] == [1]
        assert client.get_pull_request_iterations(repository, pull.id)[0].reason == "create"
        changes = client.get_pull_request_iteration_changes(repository, pull.id, 1)
        assert changes.change_entries[0].additional_properties["item"]["path"] == "/file.txt"
        version = models.GitVersionDescriptor(version="main", version_type="branch")
        content = client.get_item_content(repository, "/README.md", project["id"], version_descriptor=version)
        assert b"".join(content) == b"hello\n"
        status = models.GitPullRequestStatus(
            state="succeeded",
            description="fine",
            context=models.GitStatusContext(name="source", genre="scangate"),
            target_url="https://gate.example/",
        )
        posted = client.create_pull_request_iteration_status(status, repository, pull.id, 1, project["id"])
        assert (posted.id, posted.iteration_id, posted.created_by.display_name) == (1, 1, "Administrator")
        assert client.get_pull_request_statuses(repository, pull.id)[0].state == "succeeded"
        on_commit = client.create_commit_status(status, clone.head(), repository, project["id"])
        assert on_commit.creation_date is not None
        thread = models.GitPullRequestCommentThread(comments=[models.Comment(content="hi")], status="closed")
        made = client.create_thread(thread, repository, pull.id)
        changed = models.Comment(content="hello")
        assert client.update_comment(changed, repository, pull.id, made.id, 1).content == "hello"
        assert [one.name for one in client.get_repositories(project["id"])] == ["My Shop", "web"]

    def test_the_other_clients_find_their_way_too(self, sim: Sim, clients: Any) -> None:
        """Projects, policies, hooks, builds, connection data."""
        from azure.devops.v7_1.build.build_client import BuildClient  # noqa: PLC0415 - after the cache's folder is set
        from azure.devops.v7_1.core.core_client import CoreClient  # noqa: PLC0415 - the same
        from azure.devops.v7_1.location.location_client import LocationClient  # noqa: PLC0415 - the same
        from azure.devops.v7_1.policy.models import PolicyConfiguration, PolicyTypeRef  # noqa: PLC0415 - the same
        from azure.devops.v7_1.policy.policy_client import PolicyClient  # noqa: PLC0415 - the same
        from azure.devops.v7_1.service_hooks.models import Subscription  # noqa: PLC0415 - the same
        from azure.devops.v7_1.service_hooks.service_hooks_client import ServiceHooksClient  # noqa: PLC0415 - the same

        project = sim.project()
        _, pull = sim.repository(project).proposed()
        assert [one.name for one in clients(CoreClient).get_projects()] == ["Shop"]
        assert clients(LocationClient).get_connection_data().authenticated_user.id
        policies = clients(PolicyClient)
        wanted = PolicyConfiguration(
            type=PolicyTypeRef(id=STATUS_POLICY),
            is_enabled=True,
            is_blocking=True,
            settings={"statusName": "source", "scope": [{"refName": "refs/heads/main", "matchKind": "Exact"}]},
        )
        made = policies.create_policy_configuration(wanted, project["id"])
        assert policies.get_policy_configuration(project["id"], made.id).settings["statusName"] == "source"
        artifact = f"vstfs:///CodeReview/CodeReviewId/{project['id']}/{pull.id}"
        assert [one.status for one in policies.get_policy_evaluations(project["id"], artifact)] == ["queued"]
        hooks = clients(ServiceHooksClient)
        subscription = hooks.create_subscription(
            Subscription(
                publisher_id="tfs",
                event_type="git.push",
                resource_version="1.0",
                consumer_id="webHooks",
                consumer_action_id="httpRequest",
                publisher_inputs={"projectId": project["id"]},
                consumer_inputs={"url": "https://example.com/", "basicAuthPassword": "secret"},
            )
        )
        assert subscription.consumer_inputs["basicAuthPassword"] == "********"
        assert [one.id for one in hooks.list_subscriptions()] == [subscription.id]
        build = sim.post(f"{project['id']}/_apis/build/builds", {"definition": {"id": 1}})
        builds = clients(BuildClient)
        assert builds.get_build(project["id"], build["id"]).status == "notStarted"
        assert builds.add_build_tag(project["id"], build["id"], "scangate-passed") == ["scangate-passed"]

    def test_a_check_is_answered_with_its_task_client(self, sim: Sim, clients: Any, receiver: Receiver) -> None:
        """A log made and appended to, a record tied to it, and the event that the library has no method for."""
        from azure.devops._models import VssJsonCollectionWrapper  # noqa: PLC0415 - after the cache's folder is set
        from azure.devops.v7_1.build.build_client import BuildClient  # noqa: PLC0415 - the same
        from azure.devops.v7_1.task.models import TaskLog, TaskLogReference, TimelineRecord  # noqa: PLC0415 - the same
        from azure.devops.v7_1.task.task_client import TaskClient  # noqa: PLC0415 - the same

        build = sim.build(project=sim.project())
        stage = build.reach_stage(checks=[function_check(receiver.url)])
        receiver.waited(1)
        headers = receiver.headers[0]
        builds = clients(BuildClient)
        sim.token = headers["AuthToken"]
        tasks = clients(TaskClient)
        sim.token = TOKEN
        place = (headers["ProjectId"], headers["HubName"], headers["PlanId"])
        log = tasks.create_log(TaskLog(path="logs\\scangate"), *place)
        assert tasks.append_log_content(io.BytesIO(b"one\ntwo\n"), *place, log.id).line_count == 2
        record = TimelineRecord(id=headers["TaskInstanceId"], log=TaskLogReference(id=log.id))
        timeline = builds.get_build_timeline(headers["ProjectId"], build.id)
        wrapper = VssJsonCollectionWrapper(count=1, value=[record])
        (updated,) = tasks.update_records(wrapper, *place, timeline.id)
        assert (updated.log.id, updated.state) == (log.id, "inProgress")
        assert builds.get_build_log_lines(headers["ProjectId"], build.id, log.id) == ["one", "two"]
        assert b"".join(builds.get_build_log(headers["ProjectId"], build.id, log.id)) == b"one\r\ntwo\r\n"
        assert [one.line_count for one in builds.get_build_logs(headers["ProjectId"], build.id)] == [2]
        values = dict(zip(("scopeIdentifier", "hubName", "planId"), place, strict=True))
        event = {
            "name": "TaskCompleted",
            "taskId": headers["TaskInstanceId"],
            "jobId": headers["JobId"],
            "result": "succeeded",
        }
        events = "557624af-b29e-4c20-8ab0-0399d2204f3f"
        answer = tasks._send("POST", events, "7.1-preview.1", route_values=values, content=event)
        # Until it is read, an empty answer keeps its connection from being closed.
        assert (answer.status_code, answer.content) == (204, b"")
        assert stage.result() == "succeeded"

    def test_hooks_are_looked_after_with_its_client(self, sim: Sim, clients: Any, receiver: Receiver) -> None:
        """States and retries are read, and the history is queried."""
        from azure.devops.v7_1.service_hooks.models import NotificationsQuery  # noqa: PLC0415 - after the cache's folder
        from azure.devops.v7_1.service_hooks.service_hooks_client import ServiceHooksClient  # noqa: PLC0415 - the same

        made = subscribe(sim, receiver, "git.push")
        sim.repository(sim.project()).started()
        receiver.waited(1)
        hooks = clients(ServiceHooksClient)
        query = NotificationsQuery(subscription_ids=[made["id"]], include_details=True, max_results=5)
        (entry,) = hooks.query_notifications(query).results
        assert entry.details.event.event_type == "git.push"
        sim.subscription_state(made, "onProbation", 2)
        (seen,) = hooks.list_subscriptions()
        assert (seen.status, str(seen.probation_retries)) == ("onProbation", "2")

    def test_its_exceptions_carry_the_services_words(self, sim: Sim, clients: Any) -> None:
        """The body of a refusal is read as the library's own error."""
        from azure.devops.exceptions import AzureDevOpsServiceError  # noqa: PLC0415 - after the cache's folder is set
        from azure.devops.v7_1.git.git_client import GitClient  # noqa: PLC0415 - the same

        project = sim.project()
        with pytest.raises(AzureDevOpsServiceError) as caught:
            clients(GitClient).get_pull_request("web", 1, project=project["id"])
        assert caught.value.type_key == "GitRepositoryNotFoundException"


def schema_of(area: str, definition: str) -> dict[str, Any]:
    """Return a definition of Microsoft's specification as a JSON schema."""
    document = json.loads((SPECIFICATIONS / f"{area}.json").read_text())
    definitions = document["definitions"]
    for one in definitions.values():
        for name, field in list(one.get("properties", {}).items()):
            if field.get("format") == "T":
                # A generic type of the original, written down as a text.
                one["properties"][name] = {}
    return {"$ref": f"#/definitions/{definition}", "definitions": definitions}


@pytest.mark.skipif(not SPECIFICATIONS.is_dir(), reason="Microsoft's specifications are not in this checkout")
def test_answers_fit_the_published_specification(sim: Sim, receiver: Any) -> None:
    """Types of all fields that the 7.1 specification defines, and no pull request field that it does not know."""
    project = sim.project()
    policy = sim.policy(project, {"statusName": "source"})
    clone, pull = sim.repository(project).proposed()
    pull.status("succeeded")
    thread = sim.post(f"{pull.path}/threads", {"comments": [{"content": "x"}], "status": "active"})
    subscription = subscribe(sim, receiver, "git.push")
    clone.push("main:other")
    receiver.waited(1)
    history = f"_apis/hooks/subscriptions/{subscription['id']}/notifications"
    build = sim.build(pull.repo)
    build.say("hello")
    environment = sim.environment(project)
    check = sim.check(project, environment, function_check(receiver.url))
    stage = build.reach_stage(environment="production")
    plan = f"{project['id']}/_apis/distributedtask/hubs/build/plans/{build.json()['orchestrationPlan']['planId']}"
    timeline = sim.get(f"{build.path}/timeline")
    suite = f"{project['id']}/_apis/pipelines/checks/runs/{stage.json()['suiteId']}"
    query = {"subscriptionIds": [subscription["id"]], "includeDetails": True}
    found = [
        ("git", "GitPullRequest", pull.json()),
        ("git", "GitPullRequestIteration", pull.iterations()[0]),
        ("git", "GitPullRequestIterationChanges", sim.get(f"{pull.path}/iterations/1/changes")),
        ("git", "GitPullRequestStatus", sim.get(f"{pull.path}/statuses")["value"][0]),
        ("git", "GitRepository", sim.get(pull.repo.path)),
        ("git", "GitCommit", sim.get(f"{pull.repo.path}/commits/{clone.head()}")),
        ("git", "GitPush", sim.get(f"{pull.repo.path}/pushes")["value"][0]),
        ("git", "GitItem", sim.get(f"{pull.repo.path}/items", params={"path": "/"})),
        ("git", "GitPullRequestCommentThread", thread | {"identities": {}, "threadContext": {}}),
        ("core", "TeamProject", sim.get(f"_apis/projects/{project['id']}")),
        ("policy", "PolicyConfiguration", policy),
        ("serviceHooks", "Subscription", subscription | {"subscriber": {}}),
        ("serviceHooks", "Notification", sim.get(history)["value"][0]),
        ("serviceHooks", "NotificationsQuery", sim.post("_apis/hooks/notificationsQuery", query)),
        ("build", "Build", build.json()),
        ("build", "Timeline", timeline),
        ("build", "TimelineRecord", timeline["records"][-1]),
        ("build", "BuildLog", sim.get(f"{build.path}/logs")["value"][0]),
        ("task", "TaskLog", sim.get(f"{plan}/logs")["value"][0]),
        ("task", "TimelineRecord", sim.get(f"{plan}/timelines/{timeline['id']}/records")["value"][-1]),
        ("pipelinesChecks", "TaskCheckConfiguration", check),
        ("pipelinesChecks", "CheckSuite", sim.get(suite, headers=PREVIEW)),
    ]
    for area, definition, answer in found:
        schema = schema_of(area, definition)
        jsonschema.Draft4Validator(schema).validate(_without_nulls(answer))
        known = _properties(schema["definitions"], definition)
        assert set(answer) <= known | {"pullRequestThreadContext", "changeEntries"}, (definition, set(answer) - known)


def _without_nulls(value: Any) -> Any:
    # The specification's language cannot say that a field may be null.
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _properties(definitions: dict[str, Any], name: str) -> set[str]:
    found = definitions[name]
    inherited = [entry["$ref"].rpartition("/")[2] for entry in found.get("allOf", []) if "$ref" in entry]
    return set(found.get("properties", {})).union(*(_properties(definitions, one) for one in inherited))
