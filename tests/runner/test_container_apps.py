"""The container_apps runner, on the real SDK and a stand-in for Azure Resource Manager."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import ManagedIdentityCredential
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import Response

from local.arm.gateway import Gateway
from local.arm.rest import Call
from scan_core.runner import container_apps, places
from scan_core.runner.api import Runner, RunnerError
from scan_core.runner.azure_refusals import LONGEST_WAIT_SECONDS, refusal, wait_seconds
from scan_core.runner.container_apps import ContainerAppsRunner, JobId
from scan_core.runner.execution_ends import reason
from tests.local.arm.conftest import arm, steps
from tests.local.arm.driver import HEADER, JOB, PREVIEW, Arm

__all__ = ["arm", "steps"]  # fixtures

ROOT = Path(__file__).parents[2]

type Steps = Callable[..., None]
type Make = Callable[..., ContainerAppsRunner]


@pytest.fixture
def make(arm: Arm, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make runners for the job of the stand-in, which is there; nothing is waited for longer than a moment."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", arm.config.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", HEADER)
    monkeypatch.setattr(container_apps, "_POLL_SECONDS", 0.01)
    assert arm.put().status_code == 201
    runners: list[ContainerAppsRunner] = []

    def runner(most: int = 2, job: str = JOB, endpoint: str | None = None) -> ContainerAppsRunner:
        credential = ManagedIdentityCredential(connection_timeout=1, read_timeout=5, retry_total=0)
        runners.append(ContainerAppsRunner(JobId.parse(job), most, credential, endpoint or arm.config.url.rstrip("/")))
        return runners[-1]

    yield runner
    for made in runners:
        made._client.close()
        made._credential.close()  # type: ignore[attr-defined]  # of ManagedIdentityCredential


def refused(call: Callable[[], object]) -> RunnerError:
    """What a runner says when it cannot."""
    with pytest.raises(RunnerError) as caught:
        call()
    return caught.value


class TestStart:
    def test_a_worker_is_an_execution_of_the_job_as_it_stands(self, arm: Arm, make: Make) -> None:
        """Its name is the one that the claim will have."""
        runner: Runner = make()
        execution = runner.start()
        assert execution is not None
        assert arm.ended(execution)["status"] == "Succeeded"
        assert runner.is_alive(execution) is False

    def test_an_order_whose_outcome_has_to_be_asked_for(self, arm: Arm, make: Make) -> None:
        """202 with a Location: the name comes with the outcome."""
        arm.fault("POST .*/start$", "accepted", seconds=0.05)
        execution = make().start()
        assert execution is not None
        assert arm.execution(execution)

    def test_an_outcome_that_never_comes(self, arm: Arm, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is not waited for longer than is sensible, and said to be open."""
        monkeypatch.setattr(container_apps, "_NAME_SECONDS", 0.05)
        arm.fault("POST .*/start$", "accepted", seconds=3600)
        error = refused(make().start)
        assert error.transient
        assert "may have" in error.sentence

    def test_a_lost_answer_does_no_harm(self, arm: Arm, make: Make, steps: Steps) -> None:
        """The worker runs, and takes its place in the next count."""
        steps("exec sleep 600")
        arm.fault("POST .*/start$", "reset", after=True)
        runner = make(2)
        error = refused(runner.start)
        assert error.transient
        assert runner.start() is not None
        assert runner.start() is None

    @pytest.mark.parametrize("body", [b"{}", b'{"name": ".."}', b'{"name": null}', b"[]", b"<html>", b""])
    def test_an_answer_that_names_nothing(
        self, make: Make, monkeypatch: pytest.MonkeyPatch, body: bytes, arm: Arm
    ) -> None:
        """Whatever it is, it is an error in words; what looks like a path is no name."""
        whole = Gateway._answer

        async def answer(self: Gateway, headers: Any, call: Call) -> Response:
            if call.path.endswith("/start"):
                return Response(body, media_type="application/json")
            return await whole(self, headers, call)

        monkeypatch.setattr(Gateway, "_answer", answer)
        error = refused(make().start)
        assert error.transient
        assert "worker" in error.sentence

    def test_no_more_than_the_cap(self, arm: Arm, make: Make, steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever comes third is told to come again, and can once a worker has ended."""
        monkeypatch.setattr(places, "_FULL_SECONDS", 0.0)
        steps("exec sleep 600")
        runner = make(2)
        first, second = runner.start(), runner.start()
        assert first
        assert second
        assert runner.start() is None
        runner.stop(first)
        arm.ended(first)
        assert runner.start() is not None

    def test_workers_of_others_count(self, arm: Arm, make: Make) -> None:
        """Those that run or are about to; one that Azure cannot tell of holds no place for ever."""
        runner, names = make(2), [arm.start() for _ in range(4)]
        for name, status in zip(names, ("Running", "Processing", "Unknown", "Degraded"), strict=True):
            arm.ended(name)
            arm.simulate("PUT", f"executions/{name}", {"status": status})
        assert runner.start() is None
        arm.simulate("PUT", f"executions/{names[0]}", {"status": None})
        assert make(2).start() is not None

    def test_a_burst_counts_once(self, arm: Arm, make: Make) -> None:
        """Eight that ask at once get what there is, and the list is asked for once."""
        runner = make(3)
        with ThreadPoolExecutor(8) as pool:
            started = list(pool.map(lambda _: runner.start(), range(8)))
        assert len([name for name in started if name]) == 3
        assert len(arm.calls("/executions")) == 1


class TestRefusals:
    def test_throttling_is_heeded(self, arm: Arm, make: Make) -> None:
        """What Azure asked for is kept, without asking again meanwhile."""
        arm.fault("POST .*/start$", "status", status=429, seconds=40)
        runner = make()
        error = refused(runner.start)
        assert error.transient
        assert "40 seconds" in error.sentence
        again = refused(runner.start)
        assert again.transient
        assert "more seconds" in again.sentence
        assert arm.calls("/start") == [429]

    def test_the_limit_of_azures_own(self, arm: Arm, make: Make) -> None:
        """The list is throttled as well as the start."""
        arm.simulate("PUT", "limits/reads", {"most": 0, "per_second": 1})
        assert refused(make().start).transient
        assert arm.calls("/start") == []

    @pytest.mark.parametrize(
        ("status", "transient", "words"),
        [
            (500, True, "(500 SimulatedFault)"),
            (503, True, "Azure did not start a worker"),
            (408, True, "408"),
            (409, True, "409"),
            (400, False, "400"),
            (401, False, "SCANGATE_IDENTITY_CLIENT_ID"),
            (403, False, "on the job scan-job"),
            (404, False, "SCANGATE_JOB_RESOURCE_ID"),
        ],
    )
    def test_refusals_in_words(self, arm: Arm, make: Make, status: int, transient: bool, words: str) -> None:
        """Passing ones may be tried again; the others say what to do."""
        arm.fault("POST .*/start$", "status", status=status, count=-1)
        error = refused(make().start)
        assert error.transient is transient
        assert words in error.sentence
        assert arm.calls("/start") == [status]

    def test_a_right_that_is_missing_is_named(self, arm: Arm, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """By the action, as the custom role has it."""
        monkeypatch.setattr("local.arm.identity._APP", "somebody")
        assert "with the action Microsoft.App/jobs/executions/read on" in refused(make().start).sentence

    @pytest.mark.parametrize("kind", ["malformed", "reset"])
    def test_answers_of_no_use(self, arm: Arm, make: Make, kind: str) -> None:
        """Of the list, too."""
        arm.fault("GET .*/executions$", kind)
        assert refused(make().start).transient

    def test_an_answer_that_takes_too_long(self, arm: Arm, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is not waited for."""
        monkeypatch.setattr(container_apps, "_READ_SECONDS", 0.1)
        arm.fault("POST .*/start$", "hang", seconds=2)
        error = refused(make().start)
        assert error.transient
        assert "no answer in time" in error.sentence

    def test_azure_out_of_reach(self, make: Make) -> None:
        """Nothing listens there."""
        error = refused(make(endpoint="http://127.0.0.1:9").start)
        assert error.transient
        assert error.sentence == "Azure could not be reached to list the workers."

    def test_no_token(self, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """The identity is not assigned, or its endpoint fails."""
        monkeypatch.setenv("IDENTITY_HEADER", "wrong")
        error = refused(make().start)
        assert error.transient
        assert "managed identity gave no token" in error.sentence

    def test_a_place_is_given_back(self, arm: Arm, make: Make) -> None:
        """A start that failed leaves room for the next."""
        arm.fault("POST .*/start$", "status", status=500, count=2)
        runner = make(1)
        for _ in range(2):
            refused(runner.start)
        assert runner.start() is not None

    @given(st.text(max_size=12) | st.integers(0, 10**9).map(str), st.sampled_from([429, 500, 503, 404]))
    def test_no_answer_silences_the_runner_for_long(self, asked: str, status: int) -> None:
        """Whatever Retry-After says; only 429 means it without saying it."""
        response: Any = SimpleNamespace(status_code=status, reason="", headers={"Retry-After": asked})
        wait = wait_seconds(HttpResponseError("x", response=response))
        assert 0 <= wait <= LONGEST_WAIT_SECONDS
        assert (wait > 0) >= (status == 429)
        assert wait == 0 or status != 404

    @pytest.mark.parametrize(
        "error", [ServiceRequestError("s"), ServiceResponseError("s"), ValueError("s"), AzureError("s")]
    )
    def test_no_text_of_the_sdk_is_repeated(self, error: AzureError | ValueError) -> None:
        """It may hold what was sent."""
        found = refusal(error, "start a worker", "job")
        assert found.transient
        assert "start a worker" in found.sentence
        assert wait_seconds(error) == 0
        assert "401" not in refusal(ClientAuthenticationError("s"), "x", "job").sentence


class TestStop:
    def test_a_worker_is_ended(self, arm: Arm, make: Make, steps: Steps) -> None:
        """Twice is harmless, and so is one that never was."""
        steps("exec sleep 600")
        runner = make()
        execution = runner.start()
        assert execution is not None
        assert runner.is_alive(execution) is True
        runner.stop(execution)
        assert arm.ended(execution)["status"] == "Stopped"
        runner.stop(execution)
        runner.stop("scan-job-0000000")
        assert runner.reason_of(execution) == "Stopped"

    @pytest.mark.parametrize("name", ["", ".", "..", "../..", "a/b", "a%2Fb", "-a", "a" * 200, "a\n"])
    def test_what_is_no_name_is_never_asked_for(self, arm: Arm, make: Make, name: str) -> None:
        """`..` in the path would stop every execution of the job."""
        runner = make()
        runner.stop(name)
        assert runner.is_alive(name) is False
        assert runner.reason_of(name) is None
        assert arm.calls("/stop") == []

    def test_a_refusal_for_one_that_has_ended(self, arm: Arm, make: Make, steps: Steps) -> None:
        """What was wanted holds; where it runs, the refusal is one."""
        runner = make()
        execution = arm.start()
        arm.ended(execution)
        arm.fault("POST .*/stop$", "status", status=400, count=-1)
        runner.stop(execution)
        arm.simulate("PUT", f"executions/{execution}", {"status": "Running"})
        error = refused(lambda: runner.stop(execution))
        assert not error.transient
        assert "stop a worker" in error.sentence

    def test_a_stop_that_fails(self, arm: Arm, make: Make) -> None:
        """It is said, and can be repeated."""
        arm.fault("POST .*/stop$", "status", status=503)
        assert refused(lambda: make().stop("scan-job-1")).transient


class TestLook:
    @pytest.mark.parametrize(
        ("status", "alive"),
        [
            ("Running", True),
            ("Processing", True),
            ("Stopped", False),
            ("Failed", False),
            ("Succeeded", False),
            ("Degraded", None),
            ("Unknown", None),
        ],
    )
    def test_states(self, arm: Arm, make: Make, status: str, alive: bool | None) -> None:
        """Each of Azure's; two of them say nothing."""
        execution = arm.start()
        arm.simulate("PUT", f"executions/{execution}", {"status": status})
        assert make().is_alive(execution) is alive

    def test_what_cannot_be_told(self, arm: Arm, make: Make) -> None:
        """No answer is no answer; one that is not known any more has ended."""
        runner = make()
        arm.fault("GET .*/executions/", "status", status=500, count=2)
        assert runner.is_alive("scan-job-1") is None
        assert refused(lambda: runner.reason_of("scan-job-1")).transient
        assert runner.is_alive("scan-job-1") is False
        assert runner.reason_of("scan-job-1") is None

    def test_a_worker_that_failed(self, arm: Arm, make: Make, steps: Steps) -> None:
        """The state is all that the stable version of Azure's API tells."""
        steps(scan="kill -9 $$")
        runner = make()
        execution = arm.start()
        arm.ended(execution)
        assert runner.reason_of(execution) == "Failed"

    def test_exit_codes_are_read_back_where_they_are_told(
        self, arm: Arm, make: Make, steps: Steps, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As the preview tells them."""
        monkeypatch.setattr(container_apps, "_API_VERSION", PREVIEW)
        steps(scan="kill -9 $$")
        runner = make()
        execution = arm.start()
        arm.ended(execution)
        assert runner.reason_of(execution) == "Failed: fetch ended with 0 (Completed); scan ended with 137 (Error)"

    def test_what_is_asked_for_is_what_was_deployed(self) -> None:
        """The SDK's own default is newer, and not registered everywhere."""
        deployed = (ROOT / "infra/modules/scan-job.bicep").read_text()
        assert f"resource job 'Microsoft.App/jobs@{container_apps._API_VERSION}'" in deployed

    def test_a_version_that_azure_does_not_know(self, arm: Arm, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is named, and does not pass by itself."""
        monkeypatch.setattr(container_apps, "_API_VERSION", "2026-07-01")
        error = refused(lambda: make().start())
        assert "(400 NoRegisteredProviderFound)" in error.sentence
        assert not error.transient

    def test_one_that_runs_has_no_reason_yet(self, arm: Arm, make: Make, steps: Steps) -> None:
        """Nor has one of which Azure says nothing."""
        steps("exec sleep 600")
        assert make().reason_of(arm.start()) is None

    @given(st.text(max_size=300), st.text(max_size=300))
    def test_a_reason_is_one_line(self, message: str, name: str) -> None:
        """Whatever the platform writes, and however much of it is missing."""
        container = SimpleNamespace(name=name, code=1, status=message, additional_information=None)
        replicas = [SimpleNamespace(containers=[container]), SimpleNamespace(containers=None)]
        detail = SimpleNamespace(replicas=replicas)
        bare = {"status": "Failed", "reason": None, "message": message}
        said = reason(SimpleNamespace(**bare, detailed_status=detail))
        assert said is not None
        assert said.startswith("Failed")
        assert said.isprintable()
        assert len(said) < 1000
        for missing in (None, SimpleNamespace(replicas=None)):
            assert str(reason(SimpleNamespace(**bare, detailed_status=missing))).startswith("Failed")
