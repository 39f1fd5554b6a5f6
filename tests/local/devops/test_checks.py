"""Checks and agentless tasks: what they send, what ends them, and the stage that waits for them."""

from pathlib import Path

import pytest

from local.devops.server import serve
from local.devops.state import Config
from tests.local.devops.driver import ORGANISATION, TOKEN, Receiver, Sim, wait_until
from tests.local.devops.pipelines import PREVIEW, BuildRun, Caller, asked, function_check, rest_check

HOUR_SECONDS = 3600.0


class TestRequest:
    def test_a_check_sends_what_the_documentation_lists(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """Where to call back and with what, the key as code, no timeline, and the build only to who adds it."""
        project, plan = build.project_id, build.json()["orchestrationPlan"]["planId"]
        stage, headers = asked(build, receiver, key="a-function-key", queryParameters="a=1")
        assert (headers["PlanUrl"], headers["ProjectId"]) == (sim.url, project)
        assert (headers["HubName"], headers["PlanId"]) == ("build", plan)
        check = stage.check()
        assert (headers["JobId"], headers["TaskInstanceId"]) == (check["jobId"], check["id"])
        assert headers["Content-Type"] == "application/json"
        assert headers.keys().isdisjoint({"TimelineId", "BuildId"})
        assert receiver.paths == ["/hook?code=a-function-key&a=1"]
        assert receiver.bodies == [{}]

    def test_the_author_adds_headers_and_a_body_with_variables(self, build: BuildRun, receiver: Receiver) -> None:
        """Of the system, the build and the run; what is no variable stays as it is written."""
        added = {"BuildId": "$(Build.BuildId)", "TimelineId": "$(system.TimelineId)", "X-Odd": "$(no.such)"}
        body = '{"image": "shop:$(build.buildid)", "branch": "$(Build.SourceBranch)", "own": "$(tier)"}'
        check = function_check(f"{receiver.url}?x=1", headers=added, body=body, key="k")
        build.reach_stage(checks=[check], variables={"tier": "gold"})
        (sent,) = receiver.waited(1)
        assert sent == {"image": f"shop:{build.id}", "branch": "refs/heads/main", "own": "gold"}
        headers = receiver.headers[0]
        assert (headers["BuildId"], headers["X-Odd"]) == (str(build.id), "$(no.such)")
        assert headers["TimelineId"] == build.sim.get(f"{build.path}/timeline")["id"]
        assert receiver.paths == ["/hook?x=1&code=k"]

    def test_a_rest_check_goes_through_a_service_connection(
        self, sim: Sim, build: BuildRun, receiver: Receiver
    ) -> None:
        """With its user and password, and an address that is added to the connection's."""
        endpoint = sim.endpoint({"id": build.project_id}, receiver.url, password="a-check-secret")
        assert endpoint["authorization"]["parameters"]["password"] is None
        build.reach_stage(checks=[rest_check(endpoint, urlSuffix="/contoso")])
        receiver.waited(1)
        assert receiver.paths == ["/hook/contoso"]
        assert receiver.headers[0]["Authorization"].startswith("Basic ")
        listed = sim.get(f"{build.project_id}/_apis/serviceendpoint/endpoints")
        assert [one["name"] for one in listed["value"]] == ["gate"]

    def test_an_agentless_job_is_a_stages_work(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """It sends the timeline too, and the stage ends as it does."""
        endpoint = sim.endpoint({"id": build.project_id}, receiver.url)
        stage = build.reach_stage("gate", job=rest_check(endpoint))
        receiver.waited(1)
        assert stage.json()["state"] == "inProgress"
        caller = Caller(sim, receiver.headers[0])
        assert caller.headers["TimelineId"]
        assert caller.event("failed").status_code == 204
        assert stage.result() == "failed"
        assert stage.json()["job"]["state"] == "failed"
        kinds = [one["type"] for one in build.records()]
        assert kinds == ["Stage", "Phase", "Job", "Stage", "Phase", "Job", "Task"]


class TestCallback:
    def test_the_callback_lets_the_stage_begin(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """Not before; the suite of checks, the timeline and the build tell of it."""
        stage, headers = asked(build, receiver)
        suite = f"{build.project_id}/_apis/pipelines/checks/runs/{stage.json()['suiteId']}"
        assert (stage.json()["state"], stage.check()["state"]) == ("waiting", "inProgress")
        assert sim.get(suite, headers=PREVIEW)["status"] == "running"
        assert build.json()["status"] == "inProgress"
        assert Caller(sim, headers).event().status_code == 204
        assert stage.result() == "succeeded"
        told = sim.get(suite, headers=PREVIEW)
        assert (told["status"], told["checkRuns"][0]["status"]) == ("approved", "approved")
        assert told["completedDate"]
        states = {(one["type"], one["state"], one["result"]) for one in build.records()}
        assert states == {(kind, "completed", "succeeded") for kind in ("Stage", "Phase", "Job", "Checkpoint", "Task")}

    def test_progress_is_shown_in_the_pipelines_log(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """A log is made, appended to, and tied to the task's record; the build area shows the same."""
        stage, headers = asked(build, receiver)
        caller = Caller(sim, headers)
        made = caller.call("POST", "/logs", {"path": f"logs\\{headers['TaskInstanceId']}"}).json()
        counts = [
            caller.write(made["id"], text).json()["lineCount"]
            for text in ("waiting: 2 ahead\n", "2 critical\nfailed\n")
        ]
        assert counts == [1, 3]
        assert caller.call("POST", f"/logs/{made['id']}", ["as JSON"]).status_code == 400
        assert caller.call("POST", f"/logs/{made['id']}", data=b"as nothing").status_code == 400
        timeline = stage.check()["timelineId"]
        record = {"id": headers["TaskInstanceId"], "log": {"id": made["id"]}, "currentOperation": "scanning"}
        below = {"id": "6f0c9a3e-0000-4000-8000-000000000001", "parentId": record["id"], "type": "Task", "name": "CVE"}
        path = f"/timelines/{timeline}/records"
        updated = caller.call("PATCH", path, {"count": 2, "value": [record, below]}).json()
        assert [one["name"] for one in updated["value"]] == ["AzureFunction", "CVE"]
        assert updated["value"][0]["log"]["location"].endswith(f"/logs/{made['id']}")
        assert stage.check()["log"] == ["waiting: 2 ahead", "2 critical", "failed"]
        assert build.log() == stage.check()["log"]
        (shown,) = [one for one in build.records() if one["id"] == headers["TaskInstanceId"]]
        assert (shown["currentOperation"], shown["log"]["type"]) == ("scanning", "Container")
        plain = sim.call("GET", f"{build.path}/logs/1?startLine=1&endLine=1", headers={"Accept": "text/plain"})
        assert plain.text == "2 critical\r\n"
        assert sim.get(f"{caller.plan}/logs")["value"][0]["path"] == made["path"]
        assert sim.get(f"{caller.plan}/logs/1")["count"] == 3
        assert sim.get(f"{caller.plan}{path}")["count"] == len(build.records())
        assert sim.get(f"{caller.plan}/timelines")["value"][0]["id"] == timeline

    def test_a_task_ends_once(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """The second event finds no running job, whatever it says."""
        stage, headers = asked(build, receiver)
        caller = Caller(sim, headers)
        assert caller.event("failed").status_code == 204
        again = caller.event("succeeded")
        assert (again.status_code, again.json()["typeKey"]) == (404, "TaskOrchestrationJobNotFoundException")
        assert stage.result() == "failed"
        assert stage.check()["message"] == "The callback said failed."

    def test_nobody_else_may_complete_it(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """Not an administrator's token, not another task's, not for another job; and nothing but a result counts."""
        stage, headers = asked(build, receiver)
        caller, administrator = Caller(sim, headers), Caller(sim, headers, sim.token)
        _, others = asked(sim.build(project={"id": build.project_id}), receiver)
        assert others["PlanId"] != headers["PlanId"]
        for refused in (
            administrator.event(),
            administrator.call("POST", "/logs", {"path": "x"}),
            Caller(sim, headers, others["AuthToken"]).event(),
            caller.event(jobId=others["JobId"]),
            caller.event(taskId=others["TaskInstanceId"]),
        ):
            assert (refused.status_code, refused.json()["typeKey"]) == (403, "TaskOrchestrationPlanSecurityException")
        for wrong in ({"name": "JobCompleted"}, {"result": "fine"}, {"taskId": "x"}):
            assert caller.event(**{"result": "succeeded", **wrong}).status_code == 400
        nowhere = Caller(sim, {**headers, "PlanId": others["JobId"]}, headers["AuthToken"])
        elsewhere = Caller(sim, {**headers, "HubName": "rm"}, headers["AuthToken"])
        for lost in (nowhere.event(), elsewhere.event()):
            assert (lost.status_code, lost.json()["typeKey"]) == (404, "TaskOrchestrationPlanNotFoundException")
        assert stage.check()["state"] == "inProgress"
        assert caller.call("PATCH", "/timelines/none/records", {"count": 0, "value": []}).status_code == 404

    def test_records_of_others_are_out_of_reach(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """And so are odd ones."""
        stage, headers = asked(build, receiver)
        caller, path = Caller(sim, headers), f"/timelines/{stage.check()['timelineId']}/records"
        own = {"id": headers["TaskInstanceId"]}
        first = build.records()[0]["id"]
        stranger = "6f0c9a3e-0000-4000-8000-000000000001"
        for entry, status in (
            ({"id": first, "state": "completed"}, 403),
            ({"id": stranger, "type": "Task"}, 403),
            ({"id": stranger, "parentId": first}, 403),
            ({**own, "state": "odd"}, 400),
            ({**own, "log": {"id": 9}}, 404),
            ({"state": "completed"}, 400),
            ({"id": "odd"}, 400),
        ):
            assert caller.call("PATCH", path, {"count": 1, "value": [entry]}).status_code == status, entry
        assert caller.call("PATCH", path, {"count": 2, "value": [own]}).status_code == 400
        assert caller.call("POST", "/logs", {}).status_code == 400
        assert caller.write(7, "x").status_code == 404

    def test_the_token_is_good_for_48_hours_and_little_else(
        self, sim: Sim, build: BuildRun, receiver: Receiver
    ) -> None:
        """By the simulator's clock; builds may be read with it, code may not."""
        stage, headers = asked(build, receiver)
        holder = Sim(sim.url, sim.folder, headers["AuthToken"], sim.session)
        assert holder.call("GET", build.path).status_code == 200
        assert holder.call("PUT", f"{build.path}/tags/x").status_code == 403
        assert holder.get("_apis/git/repositories")["count"] == 0
        sim.ahead(48 * HOUR_SECONDS - 60)
        assert holder.call("GET", build.path).status_code == 200
        sim.ahead(48 * HOUR_SECONDS + 1)
        assert Caller(sim, headers).event().status_code == 203
        assert stage.check()["state"] == "inProgress"


class TestTime:
    def test_a_check_that_nothing_completes_times_out(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """Nothing is sent twice, the stage fails, later stages are skipped, and a late callback is refused."""
        stage, headers = asked(build, receiver, timeout=60)
        later = build.reach_stage("later", checks=[function_check(receiver.url)], last=True)
        sim.ahead(59 * 60)
        assert (stage.json()["state"], later.json()["state"]) == ("waiting", "notStarted")
        sim.ahead(61 * 60)
        assert (stage.result(), later.result()) == ("failed", "skipped")
        assert stage.check()["state"] == "timedOut"
        assert later.check()["state"] == "canceled"
        assert Caller(sim, headers).event().status_code == 404
        assert len(receiver.bodies) == 1
        assert wait_until(lambda: build.json().get("result"), "the build's end") == "failed"

    def test_a_request_that_is_lost_is_not_repeated(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """It waits until its time is over; a request that arrives twice carries the same token."""
        sim.fault("HOOK check", "drop_hook")
        lost = build.reach_stage("lost", checks=[function_check(receiver.url, timeout=5)])
        wait_until(lambda: sim.sim("faults", method="GET")["value"][0]["hits"], "the fault")
        sim.ahead(301)
        assert lost.result() == "failed"
        assert receiver.bodies == []
        sim.fault("HOOK check", "duplicate_hook")
        sim.build(project={"id": build.project_id}).reach_stage(checks=[function_check(receiver.url)])
        receiver.waited(2)
        assert receiver.headers[0]["AuthToken"] == receiver.headers[1]["AuthToken"]

    @pytest.mark.parametrize("status", [400, 401, 500, 503])
    def test_a_request_that_is_refused_fails_the_check(self, build: BuildRun, receiver: Receiver, status: int) -> None:
        """At once."""
        receiver.default = status
        stage, _ = asked(build, receiver)
        assert stage.result() == "failed"
        assert stage.check()["attempts"][0]["status"] == status
        assert f"status {status}" in stage.check()["message"]

    def test_a_build_that_ends_cancels_what_it_waits_for(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """The event of a canceled task is refused, and no further stage can be reached."""
        stage, headers = asked(build, receiver)
        build.complete("canceled")
        assert stage.result() == "canceled"
        assert Caller(sim, headers).event().status_code == 404
        with pytest.raises(AssertionError, match="is completed"):
            build.reach_stage("later")


class TestPlansOfTheirOwn:
    def test_checks_can_run_in_the_checks_hub(self, sim: Sim, build: BuildRun, receiver: Receiver) -> None:
        """In a plan that is not the build's."""
        stage = build.reach_stage(checks=[function_check(receiver.url)], hub="checks")
        receiver.waited(1)
        headers = receiver.headers[0]
        assert headers["HubName"] == "checks"
        assert headers["PlanId"] not in {one["planId"] for one in build.json()["plans"]}
        caller = Caller(sim, headers)
        log = caller.call("POST", "/logs", {"path": "x"}).json()["id"]
        caller.write(log, "apart")
        record = {"id": headers["TaskInstanceId"], "log": {"id": log}}
        path = f"/timelines/{stage.check()['timelineId']}/records"
        assert caller.call("PATCH", path, {"count": 1, "value": [record]}).status_code == 200
        assert caller.event().status_code == 204
        assert stage.result() == "succeeded"
        assert (stage.check()["log"], build.log()) == (["apart"], [])


def test_plans_checks_and_tokens_survive_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    """What was asked before is completed after it."""
    config = Config(data=tmp_path / "data", organisation=ORGANISATION, tokens=(TOKEN,))
    with serve(config) as running:
        sim = Sim(running.url, tmp_path)
        build = sim.build(project=sim.project())
        stage, headers = asked(build, receiver)
        wait_until(lambda: stage.check()["attempts"], "the answer")
        before = stage.json()
        sim.close()
    with serve(config) as running:
        sim = Sim(running.url, tmp_path)
        build.sim = sim
        assert stage.json() == before
        assert Caller(sim, headers).event().status_code == 204
        assert stage.result() == "succeeded"
        sim.close()


def test_a_check_whose_connection_was_broken_off_fails(sim: Sim, build: BuildRun) -> None:
    """Nobody listens there."""
    stage = build.reach_stage(checks=[function_check("http://127.0.0.1:1/")])
    assert stage.result() == "failed"
    assert "no answer" in stage.check()["message"]
