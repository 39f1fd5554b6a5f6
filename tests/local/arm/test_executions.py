"""Jobs and their executions: what the steps are told, how they end, and what is shown of it."""

import json
import os
import signal
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local.arm import executions, rest
from local.arm.server import serve
from scan_core.runner.api import RunnerError
from scan_core.runner.executions import Executions as Workers
from tests.local.arm.driver import HEADER, JOB, PREVIEW, Arm, job
from tests.waiting import until

type Steps = Callable[..., None]


def variables(file: Path) -> dict[str, str]:
    """Read what `env` wrote."""
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Change the job."""
    body = deepcopy(job())
    change(body)
    return body


class TestJobs:
    def test_a_job_is_shown_without_the_values_of_its_secrets(self, arm: Arm) -> None:
        """Made with 201, replaced with 200, found whatever the case of its id."""
        assert [arm.put().status_code, arm.put().status_code] == [201, 200]
        shown = arm.call("GET", JOB.replace("resourceGroups", "RESOURCEGROUPS")).json()
        assert (shown["id"], shown["name"], shown["type"]) == (JOB, "scan-job", "Microsoft.App/jobs")
        assert shown["properties"]["provisioningState"] == "Succeeded"
        assert shown["properties"]["configuration"]["secrets"] == [{"name": "token"}]
        assert "SECRET-TOKEN" not in json.dumps(shown)

    def test_a_job_and_its_executions_outlive_the_stand_in(self, arm: Arm, steps: Steps) -> None:
        """As they would in Azure; the file with the secrets is the user's alone."""
        arm.put()
        name = arm.start()
        with serve(arm.config.__class__(arm.config.data, arm.config.executions, HEADER)) as again:
            other = Arm(again)
            assert other.ended(name)["status"] == "Succeeded"
            other.close()
        assert (arm.config.data / "jobs.json").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda body: body.pop("properties"), "not a job that can be run here"),
            (lambda body: body.pop("location"), "location"),
            (lambda body: body["properties"]["configuration"].update(triggerType="Now"), "triggerType"),
            (lambda body: body["properties"]["configuration"].update(replicaTimeout="1"), "replicaTimeout"),
            (lambda body: body["properties"]["configuration"].update(secrets=[]), "SecretRef 'token' not found"),
            (lambda body: body["properties"]["configuration"].update(secrets=[{"name": "x"}]), "'value'"),
            (lambda body: body["properties"]["template"]["containers"][0].update(args=["sh"]), "'scan' is not a step"),
            (lambda body: body["properties"]["template"]["containers"][0].update(command=["sh"]), "is not a step"),
        ],
    )
    def test_a_job_that_cannot_be_run_here(self, arm: Arm, change: Callable[[Any], object], words: str) -> None:
        """It is refused with what is wrong."""
        answer = arm.put(changed(change))
        assert answer.status_code == 400
        assert words in answer.json()["error"]["message"]

    def test_a_body_that_is_no_json(self, arm: Arm) -> None:
        """It is refused, not a crash."""
        assert arm.call("PUT", JOB, content=b"{").json()["error"]["code"] == "InvalidRequestContent"

    def test_what_is_not_there(self, arm: Arm) -> None:
        """Jobs, executions, outcomes and kinds of resources are told apart by their codes."""
        codes = [arm.call("GET", JOB).json()["error"]["code"], arm.call("POST", f"{JOB}/start").json()["error"]["code"]]
        assert codes == ["ResourceNotFound", "ResourceNotFound"]
        arm.put()
        outcome = "/subscriptions/1/providers/Microsoft.App/locations/local/containerappOperationResults/1"
        answers = [
            arm.call("GET", f"{JOB}/executions/none"),
            arm.call("POST", f"{JOB}/executions/none/stop"),
            arm.call("GET", outcome),
            arm.call("GET", JOB.replace("/jobs/", "/apps/")),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4

    @pytest.mark.parametrize("asked", ["2026-07-01", "2025-01-01-preview", "2025-13-01", "1", "latest"])
    def test_a_version_that_is_not_registered(self, arm: Arm, asked: str) -> None:
        """It is refused, however new it is; and so is a call that names none."""
        arm.put()
        answer = arm.call("GET", JOB, params={"api-version": asked})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "NoRegisteredProviderFound")
        assert "'2025-01-01, " in answer.json()["error"]["message"]
        assert arm.call("GET", JOB, params={}).json()["error"]["code"] == "MissingApiVersionParameter"


class TestExecutions:
    def test_both_steps_run_with_what_is_theirs(self, arm: Arm, steps: Steps, tmp_path: Path) -> None:
        """One after the other, in one folder; the secret for the scan, the identity for the fetch."""
        steps(f"env > {tmp_path}/fetch; echo x > $SCANGATE_WORKER_DIR/x", f"env > {tmp_path}/scan; cat $OTHER")
        arm.put()
        name = arm.start()
        assert name.startswith("scan-job-")
        found = arm.ended(name)
        assert found["status"] == "Succeeded"
        assert [(one["name"], one["code"], one["status"]) for one in arm.containers(name)] == [
            ("fetch", 0, "Terminated"),
            ("scan", 0, "Terminated"),
        ]
        assert found["startTime"] <= found["endTime"]
        fetch, scan = variables(tmp_path / "fetch"), variables(tmp_path / "scan")
        assert fetch["CONTAINER_APP_JOB_EXECUTION_NAME"] == scan["CONTAINER_APP_JOB_EXECUTION_NAME"] == name
        assert fetch["SCANGATE_WORKER_DIR"] == scan["SCANGATE_WORKER_DIR"]
        assert scan["TOKEN"] == "SECRET-TOKEN"
        assert "TOKEN" not in fetch
        assert "IDENTITY_HEADER" in fetch
        assert not {"IDENTITY_HEADER", "IDENTITY_ENDPOINT"} & scan.keys()

    def test_a_containers_identity_is_its_own(self, arm: Arm, steps: Steps, tmp_path: Path) -> None:
        """It gets tokens for the fetch identity alone, and with them no right to start anything."""
        steps(f"env > {tmp_path}/fetch")
        arm.put()
        arm.ended(arm.start())
        header = variables(tmp_path / "fetch")["IDENTITY_HEADER"]
        assert arm.identity(header).json()["client_id"] == "fetch"
        assert arm.identity(header, client_id="pull").status_code == 400
        bearer = {"Authorization": f"Bearer {arm.token(header, client_id='fetch')}"}
        answer = arm.call("POST", f"{JOB}/start", headers=bearer)
        assert answer.status_code == 403
        assert "'Microsoft.App/jobs/start/action'" in answer.json()["error"]["message"]

    def test_a_step_that_fails_is_the_last(self, arm: Arm, steps: Steps) -> None:
        """Its exit code is shown, and that the other never ran."""
        steps("exit 3")
        arm.put()
        name = arm.start()
        assert arm.ended(name)["status"] == "Failed"
        fetch, scan = arm.containers(name)
        assert (fetch["code"], fetch["additionalInformation"]) == (3, "Error")
        assert scan["status"] == "Waiting"

    def test_a_step_that_is_killed(self, arm: Arm, steps: Steps) -> None:
        """A signal is shown as a shell shows it."""
        steps(scan="kill -9 $$")
        arm.put()
        name = arm.start()
        arm.ended(name)
        assert arm.containers(name)[1]["code"] == 137

    def test_a_stable_version_tells_the_state_alone(self, arm: Arm, steps: Steps) -> None:
        """Exit codes are in the preview only, and reasons in neither; so no client may need them."""
        steps("exit 3")
        arm.put()
        name = arm.start()
        arm.ended(name)
        told = {"status", "startTime", "endTime", "template"}
        assert arm.execution(name).keys() == told
        assert arm.call("GET", f"{JOB}/executions").json()["value"][0]["properties"].keys() == told
        assert arm.execution(name, PREVIEW).keys() == told | {"detailedStatus"}

    def test_stop(self, arm: Arm, steps: Steps) -> None:
        """An execution that runs is ended; one that has ended stays as it is."""
        steps("exec sleep 600")
        arm.put()
        name = arm.start()
        assert arm.execution(name)["status"] == "Running"
        assert "endTime" not in arm.execution(name)
        assert arm.call("POST", f"{JOB}/executions/{name}/stop").status_code == 202
        assert arm.ended(name)["status"] == "Stopped"
        assert arm.call("POST", f"{JOB}/executions/{name}/stop").status_code == 202

    def test_an_execution_that_takes_too_long(self, arm: Arm, steps: Steps) -> None:
        """It is ended after the job's timeout."""
        steps("exec sleep 600")
        arm.put(job(replicaTimeout=1))
        assert arm.ended(arm.start())["status"] == "Failed"

    def test_a_node_that_is_lost(self, arm: Arm, steps: Steps) -> None:
        """Everything of the execution is killed at once."""
        steps("exec sleep 600")
        arm.put()
        name = arm.start()
        pid = until(lambda: next(iter(arm.config.executions.glob("running/*/pid")), None))
        assert pid is not None
        os.killpg(int(pid.read_text()), signal.SIGKILL)
        assert arm.ended(name)["status"] == "Failed"

    def test_the_list_has_pages_and_an_end(self, arm: Arm, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
        """The latest come first; what ended long ago is forgotten, what runs is not."""
        monkeypatch.setattr(rest, "_PAGE", 2)
        monkeypatch.setattr(executions, "HISTORY", 3)
        steps("exec sleep 600")
        arm.put()
        names = [arm.start()]
        steps()
        for _ in range(4):
            names.append(arm.start())
            arm.ended(names[-1])
        pages, link = [], f"{JOB}/executions?api-version=2025-01-01"
        while link:
            page = arm.call("GET", link, params=None).json()
            pages.append([one["name"] for one in page["value"]])
            link = page.get("nextLink", "")
        assert pages == [[names[4], names[3]], [names[2], names[0]]]
        assert arm.call("GET", f"{JOB}/executions/{names[1]}").status_code == 404

    def test_what_is_told_of_an_execution(self, arm: Arm, steps: Steps) -> None:
        """Every state of Azure's can be had, and taken back."""
        arm.put()
        name = arm.start()
        arm.ended(name)
        for status in executions.STATES:
            arm.simulate("PUT", f"executions/{name}", {"status": status})
            assert arm.execution(name)["status"] == status
        arm.simulate("PUT", f"executions/{name}", {"status": None})
        assert arm.execution(name)["status"] == "Succeeded"

    def test_what_is_not_taken(self, arm: Arm, steps: Steps) -> None:
        """A template in place of the job's own, and a filter that nobody documents, are refused aloud."""
        arm.put()
        assert arm.call("POST", f"{JOB}/start", json={"containers": []}).status_code == 400
        filtered = {"api-version": "2025-01-01", "$filter": "x"}
        assert arm.call("GET", f"{JOB}/executions", params=filtered).status_code == 400

    def test_folders_that_are_no_executions(self, arm: Arm, steps: Steps) -> None:
        """They are left out: whoever else uses the folder, and what is just being made."""
        arm.put()
        name = arm.start()
        (arm.config.executions / "ended" / "worker-0000000000000-00000000").mkdir(parents=True)
        assert [one["name"] for one in arm.call("GET", f"{JOB}/executions").json()["value"]] == [name]

    def test_a_machine_that_starts_nothing(self, arm: Arm, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is a failure of the service."""

        def refuse(*_: object) -> None:
            raise RunnerError("no", transient=True)

        monkeypatch.setattr(Workers, "start", refuse)
        arm.put()
        assert arm.call("POST", f"{JOB}/start").status_code == 500


class TestOrders:
    def test_an_order_that_is_accepted(self, arm: Arm, steps: Steps) -> None:
        """202 until the outcome is known; the execution is there meanwhile."""
        arm.put()
        arm.fault("POST .*/start$", "accepted", seconds=3600)
        arm.fault("POST .*/start$", "accepted")
        late, known = (arm.call("POST", f"{JOB}/start") for _ in range(2))
        assert (late.status_code, late.content) == (202, b"")
        place = late.headers["Location"]
        again = arm.call("GET", place, params=None)
        assert (again.status_code, again.headers["Location"]) == (202, place)
        outcome = arm.call("GET", known.headers["Location"], params=None)
        assert outcome.status_code == 200
        names = {one["name"] for one in arm.call("GET", f"{JOB}/executions").json()["value"]}
        assert outcome.json()["name"] in names
        assert len(names) == 2

    def test_lost_answers(self, arm: Arm, steps: Steps) -> None:
        """The order is carried out, and nobody hears of it."""
        arm.put()
        arm.fault("POST .*/start$", "reset", after=True)
        with pytest.raises(httpx2.TransportError):
            arm.call("POST", f"{JOB}/start")
        assert len(arm.call("GET", f"{JOB}/executions").json()["value"]) == 1
