"""Who may call, what goes wrong on purpose, throttling, and the program itself."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential

from local.arm import identity
from local.arm.__main__ import HEADER_SETTING, main
from local.arm.errors import Refused
from local.arm.executions import Executions
from local.arm.limits import Limits
from local.arm.server import Config, serve
from tests.local.arm.driver import HEADER, JOB, Arm

ROOT = Path(__file__).parents[3]


class TestIdentity:
    def test_azures_own_library_gets_a_token(self, arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
        """By the two variables that the app finds in Azure."""
        monkeypatch.setenv("IDENTITY_ENDPOINT", arm.config.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", HEADER)
        with ManagedIdentityCredential() as credential:
            token = credential.get_token("https://management.azure.com/.default").token
        arm.put()
        assert arm.call("GET", JOB, headers={"Authorization": f"Bearer {token}"}).status_code == 200

    def test_azures_own_library_is_refused(self, arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
        """With a wrong header there is none."""
        monkeypatch.setenv("IDENTITY_ENDPOINT", arm.config.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", "wrong")
        with ManagedIdentityCredential() as credential, pytest.raises(ClientAuthenticationError):
            credential.get_token("https://management.azure.com/.default")

    @pytest.mark.parametrize(
        ("query", "status"),
        [({"api-version": "2018-01-01"}, 400), ({"resource": ""}, 400), ({"client_id": "another"}, 400)],
    )
    def test_questions_that_get_no_token(self, arm: Arm, query: dict[str, str], status: int) -> None:
        """Of another version, for nothing, or for an identity that is not the app's."""
        assert arm.identity(**query).status_code == status

    def test_a_header_of_nobodys(self, arm: Arm) -> None:
        """Neither the app's nor a container's."""
        assert arm.identity("bm9ib2R5.0000").status_code == 401

    @pytest.mark.parametrize("authorization", ["", "Basic Om0=", "Bearer", "Bearer e30=.00", "Bearer x"])
    def test_calls_without_a_good_token(self, arm: Arm, authorization: str) -> None:
        """401, with where to get one."""
        answer = arm.call("GET", JOB, headers={"Authorization": authorization})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")

    def test_a_token_for_somebody_else(self, arm: Arm) -> None:
        """One for storage opens nothing here."""
        bearer = {"Authorization": f"Bearer {arm.token(resource='https://storage.azure.com')}"}
        code = arm.call("GET", JOB, headers=bearer).json()["error"]["code"]
        assert code == "InvalidAuthenticationTokenAudience"

    def test_a_token_that_is_too_old(self, arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
        """It holds for a day."""
        monkeypatch.setattr(identity, "_SECONDS", -1)
        assert arm.call("GET", JOB, headers={"Authorization": f"Bearer {arm.token()}"}).status_code == 401


class TestFaults:
    def test_a_fault_strikes_as_often_as_it_was_asked_for(self, arm: Arm) -> None:
        """After those that pass, and no more; what was seen is listed and can be cleared."""
        arm.put()
        arm.fault("GET .*/scan-job$", "status", status=503, seconds=7, skip=1)
        answers = [arm.call("GET", JOB) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 503, 200]
        assert answers[1].headers["Retry-After"] == "7"
        (listed,) = arm.simulate("GET", "faults")["value"]
        assert (listed["hits"], listed["seen"], listed["count"]) == (1, 2, 0)
        arm.simulate("DELETE", "faults")
        assert arm.simulate("GET", "faults")["value"] == []

    def test_ways_to_go_wrong(self, arm: Arm) -> None:
        """Delay, broken JSON, a plain status, and connections that end."""
        arm.put()
        for kind in ("delay", "malformed", "status", "reset", "hang"):
            arm.fault("GET .*/scan-job$", kind, seconds=0.01 if kind in {"delay", "hang"} else 0)
        assert arm.call("GET", JOB).json()["name"] == "scan-job"
        assert arm.call("GET", JOB).content == b'{"id": "/subscriptions/'
        refused = arm.call("GET", JOB)
        assert (refused.status_code, "Retry-After" in refused.headers) == (500, False)
        for _ in range(2):
            with pytest.raises(httpx2.TransportError):
                arm.call("GET", JOB)
        assert arm.calls("/scan-job")[-2:] == [0, 0]

    def test_an_answer_that_comes_late(self, arm: Arm) -> None:
        """After the call was carried out, too."""
        arm.fault("PUT .*/scan-job$", "delay", seconds=0.01, after=True)
        assert arm.put().status_code == 201

    @pytest.mark.parametrize(
        "wanted",
        [
            {},
            {"kind": "x", "route": ""},
            {"kind": "reset"},
            {"kind": "reset", "route": "("},
            {"kind": "reset", "route": "", "hits": 1},
            {"kind": "reset", "route": "", "seconds": "x"},
        ],
    )
    def test_what_is_not_a_fault(self, arm: Arm, wanted: dict[str, Any]) -> None:
        """It is refused with what is known."""
        with pytest.raises(AssertionError, match="BadRequest"):
            arm.simulate("POST", "faults", wanted)

    def test_the_own_routes_want_the_apps_header(self, arm: Arm) -> None:
        """And exist by name only."""
        assert httpx2.get(f"{arm.config.url}_sim/faults", trust_env=False).status_code == 401
        for method, what, body in (
            ("GET", "nothing", None),
            ("POST", "faults", []),
            ("PUT", "executions/x", {"status": "Asleep"}),
        ):
            with pytest.raises(AssertionError, match="error"):
                arm.simulate(method, what, body)

    def test_a_body_that_is_no_json(self, arm: Arm) -> None:
        """It is refused."""
        own = {"X-IDENTITY-HEADER": HEADER}
        url = f"{arm.config.url}_sim/faults"
        assert httpx2.post(url, content=b"{", headers=own, trust_env=False).status_code == 400

    def test_a_bug_is_answered_as_one(self, arm: Arm, monkeypatch: pytest.MonkeyPatch) -> None:
        """The connection and the record stay whole."""
        arm.put()
        monkeypatch.setattr(Executions, "of", lambda *_: 1 / 0)
        assert arm.call("GET", f"{JOB}/executions").status_code == 500


class TestLimits:
    def test_too_many_calls_are_refused_with_how_long_to_wait(self, arm: Arm) -> None:
        """Reading and writing are counted apart."""
        arm.put()
        arm.simulate("PUT", "limits/reads", {"most": 2, "per_second": 0.1})
        answers = [arm.call("GET", JOB) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[0].headers["x-ms-ratelimit-remaining-subscription-reads"] == "1"
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 10
        assert arm.put().status_code == 200

    def test_buckets_are_filled_again(self) -> None:
        """By so many a second, and never above their brim."""
        now = [0.0]
        limits = Limits(lambda: now[0])
        limits.set("writes", most=2, per_second=0.5)
        limits.charge("POST")
        limits.charge("PUT")
        with pytest.raises(Refused) as refused:
            limits.charge("POST")
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "2")
        now[0] = 1000.0
        assert limits.charge("POST") == {"x-ms-ratelimit-remaining-subscription-writes": "1"}


class TestProgram:
    def test_it_tells_where_it_is_and_ends_with_its_parent(self, tmp_path: Path) -> None:
        """One line of JSON; the pipe's end is its own."""
        command = [sys.executable, "-m", "local.arm", "--data", str(tmp_path), "--die-with-parent"]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, HEADER_SETTING: HEADER},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            ready = json.loads(process.stdout.readline())
            assert ready["identity_endpoint"] == f"http://127.0.0.1:{ready['port']}/identity/token"
            driver = Arm(Config(tmp_path, tmp_path / "executions", HEADER, ready["port"]))
            assert driver.put().status_code == 201
            driver.close()
            process.stdin.close()
            assert process.wait(30) == 1

    def test_sigterm_ends_it_in_order(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """With exit code 0."""
        command = [sys.executable, "-m", "local.arm", "--data", str(tmp_path)]
        environment = {**os.environ, HEADER_SETTING: HEADER}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0

    def test_without_the_apps_secret(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """It names the variable."""
        monkeypatch.delenv(HEADER_SETTING, raising=False)
        assert main(["--data", str(tmp_path)]) == 2
        assert HEADER_SETTING in capsys.readouterr().err

    def test_a_port_that_is_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """It says so."""
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
        monkeypatch.setenv(HEADER_SETTING, HEADER)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            assert main(["--data", str(tmp_path), "--port", str(taken.getsockname()[1])]) == 1
        assert "cannot listen" in capsys.readouterr().err
        for number, handler in before.items():
            signal.signal(number, handler)

    def test_a_start_that_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is an error in whoever asked for it."""

        def refuse(*_: object) -> None:
            raise RuntimeError("no threads are left")

        monkeypatch.setattr(Executions, "__enter__", refuse)
        with pytest.raises(RuntimeError, match="did not start"), serve(Config(tmp_path, tmp_path / "e", HEADER)):
            pass
