"""Checks as they are configured, stages as they are asked for, and the mode in which the answer decides."""

from typing import Any

import pytest

from tests.local.devops.driver import Receiver, Sim, wait_until
from tests.local.devops.pipelines import PREVIEW, BuildRun, Caller, asked, function_check, rest_check


class TestApiResponse:
    def test_the_answer_decides(self, build: BuildRun, receiver: Receiver) -> None:
        """By the success criteria; an event does not count."""
        receiver.answer = {"status": "Succeeded"}
        check: dict[str, Any] = {"callback": False, "successCriteria": "eq(root['status'], 'succeeded')"}
        good, headers = asked(build, receiver, **check)
        assert good.result() == "succeeded"
        receiver.answer = {"status": "failed"}
        bad = build.reach_stage("next", checks=[function_check(receiver.url, **check)])
        assert bad.result() == "failed"
        assert "does not meet" in bad.check()["message"]
        assert Caller(build.sim, headers).event().status_code == 404

    def test_without_criteria_any_good_answer_will_do(self, build: BuildRun, receiver: Receiver) -> None:
        """Even an empty one, while criteria on an empty one are not met."""
        stage, _ = asked(build, receiver, callback=False)
        assert stage.result() == "succeeded"
        strict = function_check(receiver.url, callback=False, successCriteria="eq(root['a'], 'b')")
        assert build.reach_stage("strict", checks=[strict]).result() == "failed"

    def test_it_is_asked_again_until_its_time_is_over(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """After the time between evaluations, each time with a token of its own."""
        receiver.default = 503
        stage, _ = asked(build, receiver, callback=False, retryInterval=5, timeout=60)
        wait_until(lambda: stage.check()["attempts"], "the first answer")
        receiver.default = 200
        sim.ahead(301)
        assert stage.result() == "succeeded"
        assert len({headers["AuthToken"] for headers in receiver.headers}) == 2


class TestConfiguration:
    def test_checks_stand_on_environments(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """Made, shown with settings only to who asks, changed, disabled, searched, removed."""
        project = {"id": build.project_id}
        environment = sim.environment(project)
        made = sim.check(project, environment, function_check(receiver.url, key="k"), timeout=30)
        path = f"{build.project_id}/_apis/pipelines/checks/configurations"
        one = f"{path}/{made['id']}"
        assert (made["timeout"], made["settings"]["inputs"]["key"]) == (30, "k")
        assert "settings" not in sim.get(one, headers=PREVIEW)
        assert sim.get(one, headers=PREVIEW, params={"$expand": "settings"})["settings"] == made["settings"]
        wanted = {"resourceType": "environment", "resourceId": str(environment["id"])}
        assert sim.get(path, headers=PREVIEW, params=wanted)["count"] == 1
        assert sim.get(path, headers=PREVIEW, params={**wanted, "resourceId": "9"})["count"] == 0
        query = [{"type": "environment", "id": str(environment["id"])}]
        found = sim.post(f"{build.project_id}/_apis/pipelines/checks/queryconfigurations", query, headers=PREVIEW)
        assert [entry["id"] for entry in found["value"]] == [made["id"]]
        stage = build.reach_stage(environment="production")
        receiver.waited(1)
        assert stage.check()["checkId"] == made["id"]
        run = sim.get(f"{build.project_id}/_apis/pipelines/checks/runs/{stage.json()['suiteId']}", headers=PREVIEW)
        assert run["checkRuns"][0]["checkConfigurationRef"]["id"] == made["id"]
        disabled = sim.call("PATCH", one, {"isDisabled": True, "timeout": 45}, headers=PREVIEW).json()
        assert (disabled["isDisabled"], disabled["timeout"]) == (True, 45)
        free = sim.build(project=project).reach_stage(environment="production")
        assert (free.result(), free.json()["checks"]) == ("succeeded", [])
        assert sim.call("DELETE", one, headers=PREVIEW).status_code == 200
        assert sim.call("GET", one, headers=PREVIEW).status_code == 404
        environments = f"{build.project_id}/_apis/pipelines/environments"
        assert sim.get(environments, params={"name": "production"})["count"] == 1
        assert sim.get(f"{environments}/{environment['id']}")["name"] == "production"

    def test_wrong_checks_are_refused(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """Each with 400, or 404 for what is not there."""
        project = {"id": build.project_id}
        environment = sim.environment(project)
        good = function_check(receiver.url)
        path = f"{build.project_id}/_apis/pipelines/checks/configurations"

        def status(settings: Any = good, **more: Any) -> int:
            wanted = {
                "type": {"id": "fe1de3ee-a436-41b4-bb20-f6eb4cb879a7"},
                "settings": settings,
                "resource": {"type": "environment", "id": str(environment["id"])},
                **more,
            }
            return sim.call("POST", path, wanted, headers=PREVIEW).status_code

        assert status() == 200
        assert status(function_check("not-an-address")) == 400
        assert status(function_check(receiver.url, method="FETCH")) == 400
        assert status(function_check(receiver.url, queryParameters="?a=1")) == 400
        assert status(function_check(receiver.url, successCriteria="eq(root['a']")) == 400
        assert status({**good, "inputs": {**good["inputs"], "headers": "[]"}}) == 400
        assert status({**good, "inputs": {**good["inputs"], "headers": "{"}}) == 400
        assert status({**good, "inputs": {**good["inputs"], "body": 5}}) == 400
        assert status({**good, "retryInterval": 5}) == 400
        assert status({**good, "retryInterval": -1}) == 400
        assert status({**good, "definitionRef": {"id": "other"}}) == 400
        assert status(rest_check({"id": "none"})) == 404
        assert status(timeout=43_201) == 400
        assert status(type={"id": "8c6f20a7-a545-4486-9777-f762fafe0d4d"}) == 400
        assert status(resource={"type": "queue", "id": "1"}) == 400
        assert status(resource={"type": "environment", "id": "77"}) == 404
        assert sim.call("POST", path, {}, headers={"Accept": "application/json;api-version=7.1"}).status_code == 400
        environments = f"{build.project_id}/_apis/pipelines/environments"
        assert sim.call("POST", environments, {"name": " "}).status_code == 400
        assert sim.call("POST", environments, {"name": "Production"}).status_code == 409
        for wrong in ({"type": "azurerm"}, {"authorization": {"scheme": "Token"}}):
            body = {"type": "generic", "url": receiver.url, "serviceEndpointProjectReferences": [], **wrong}
            assert sim.call("POST", "_apis/serviceendpoint/endpoints", body).status_code == 400
        runs = f"{build.project_id}/_apis/pipelines/checks/runs/none"
        assert sim.call("GET", runs, headers=PREVIEW).status_code == 404

    def test_wrong_stages_are_refused(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """Unknown builds, hubs, environments, times; twice the same, or after the last."""
        for wrong, status in (
            ({"buildId": 99}, 404),
            ({"hub": "rm"}, 400),
            ({"environment": "none"}, 404),
            ({"variables": {"a": 1}}, 400),
            ({"checks": [{**function_check(receiver.url), "timeout": -1}]}, 400),
        ):
            answer = sim.call("POST", "_sim/builds/stages", {"buildId": build.id, "name": "x", **wrong})
            assert answer.status_code == status, wrong
        waiting = build.reach_stage(checks=[function_check(receiver.url)])
        with pytest.raises(AssertionError, match="cannot reach"):
            build.reach_stage()
        receiver.waited(1)
        assert Caller(sim, receiver.headers[0]).event().status_code == 204
        assert waiting.result() == "succeeded"
        assert build.reach_stage("last", last=True).result() == "succeeded"
        assert build.json()["result"] == "succeeded"
