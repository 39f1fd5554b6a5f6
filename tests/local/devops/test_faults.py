"""Throttling, faults, and the simulator's own route."""

import contextlib
from typing import Any

import pytest
import requests

from local.devops.clock import Clock
from local.devops.limits import Limits
from local.http.connections import reset
from tests.local.devops.driver import Sim


class TestThrottling:
    def test_near_the_limit_answers_ask_to_slow_down_and_above_it_calls_are_blocked(self, sim: Sim) -> None:
        """With Retry-After and the rate limit headers, on a 200 too; other identities are not concerned."""
        other = sim.as_other()
        sim.sim("settings", {"tstuLimit": 10, "tstuCost": 1})
        answers = [sim.call("GET", "_apis/projects") for _ in range(12)]
        assert [one.status_code for one in answers] == [200] * 10 + [429] * 2
        assert "Retry-After" not in answers[6].headers
        slow = answers[8].headers
        assert int(slow["Retry-After"]) > 0
        assert (slow["X-RateLimit-Limit"], slow["X-RateLimit-Remaining"]) == ("10", "1")
        blocked = answers[11]
        assert blocked.json()["message"].startswith("TF400733")
        assert int(blocked.headers["Retry-After"]) > 30
        assert other.call("GET", "_apis/projects").status_code == 200

    def test_the_window_slides(self) -> None:
        """Five minutes later the budget is whole again."""

        class Moving(Clock):
            at = 0.0

            def now(self) -> float:
                return self.at

        clock = Moving()
        limits = Limits(clock)
        limits.cost_tstu = 200.0
        assert not limits.charge("me").blocked
        assert limits.charge("me").blocked
        clock.at = 299.0
        assert limits.charge("me").blocked
        clock.at = 301.0
        assert not limits.charge("me").blocked


class TestFaults:
    def test_every_kind_of_answer_goes_wrong_as_asked(self, sim: Sim) -> None:
        """Status, sign-in page, redirect, broken JSON, a 200 that asks for patience."""
        route = "GET .*/_apis/projects$"
        sim.fault(route, "status", status=503, seconds=7)
        sim.fault(route, "status", status=418)
        for kind in ("html203", "redirect302", "malformed"):
            sim.fault(route, kind)
        sim.fault(route, "retry_after_200", seconds=3)
        sim.fault(route, "delay", seconds=0.01)
        answers = [sim.call("GET", "_apis/projects") for _ in range(8)]
        assert [one.status_code for one in answers] == [503, 418, 203, 302, 200, 200, 200, 200]
        assert answers[0].headers["Retry-After"] == "7"
        assert "Retry-After" not in answers[1].headers
        with pytest.raises(requests.exceptions.JSONDecodeError):
            answers[4].json()
        assert answers[5].headers["Retry-After"] == "3"
        assert answers[7].json()["count"] == 0

    def test_a_fault_can_skip_calls_and_strike_for_ever(self, sim: Sim) -> None:
        """And is listed with its counts until all are cleared."""
        sim.fault("/_apis/projects", "status", skip=1, count=-1)
        assert [sim.call("GET", "_apis/projects").status_code for _ in range(4)] == [200, 500, 500, 500]
        (listed,) = sim.sim("faults", method="GET")["value"]
        assert (listed["hits"], listed["seen"]) == (3, 4)
        sim.sim("faults", method="DELETE")
        assert sim.call("GET", "_apis/projects").status_code == 200

    def test_an_answer_can_be_lost_after_the_deed(self, sim: Sim) -> None:
        """The project is there although its creation failed; the same with a delay and a reset."""
        for name, kind in (("one", "status"), ("two", "reset"), ("three", "delay")):
            sim.fault("POST .*/_apis/projects", kind, after=True)
            with contextlib.suppress(requests.exceptions.ConnectionError):
                sim.call("POST", "_apis/projects", {"name": name})
        assert [one["name"] for one in sim.get("_apis/projects")["value"]] == ["one", "three", "two"]
        statuses = [one["status"] for one in sim.sim("calls", method="GET")["value"] if one["method"] == "POST"]
        assert statuses == [500, 0, 202]

    def test_a_call_can_hang_and_git_can_fail(self, sim: Sim) -> None:
        """A hanging call ends without an answer; git sees faults too."""
        sim.fault("GET .*/_apis/projects", "hang", seconds=0.05)
        with pytest.raises(requests.exceptions.ConnectionError):
            sim.call("GET", "_apis/projects")
        clone = sim.repository(sim.project()).started()
        sim.fault("git-upload-pack", "reset", count=-1)
        sim.fault("info/refs", "status", status=503)
        assert "503" in clone.remote_git("fetch", "origin", check=False).stderr

    @pytest.mark.parametrize(
        "wrong",
        [
            {"kind": "explode", "route": "x"},
            {"kind": "status"},
            {"kind": "status", "route": "("},
            {"kind": "status", "route": "x", "often": 3},
            {"kind": "status", "route": "x", "count": "many"},
        ],
    )
    def test_a_wrong_fault_is_refused(self, sim: Sim, wrong: dict[str, Any]) -> None:
        """Naming what is wrong."""
        assert sim.call("POST", "_sim/faults", wrong).status_code == 400

    def test_a_reset_without_a_transport_still_gives_no_answer(self) -> None:
        """Under a server that has no such thing."""
        with pytest.raises(ConnectionResetError):
            reset({})


class TestSimulation:
    def test_calls_are_recorded_with_who_made_them(self, sim: Sim) -> None:
        """The simulator's own route and pages are left out."""
        sim.sim("calls", method="DELETE")
        sim.call("GET", "_apis/projects?$top=1")
        sim.call("GET", "_apis/projects", auth=None)
        first, second = sim.sim("calls", method="GET")["value"]
        assert (first["method"], first["path"], first["query"]) == ("GET", "/Contoso/_apis/projects", "$top=1")
        assert (first["status"], first["identity"]) == (200, "admin@example.com")
        assert (second["status"], second["identity"]) == (203, None)

    def test_wrong_calls_of_the_own_route_are_refused(self, sim: Sim) -> None:
        """Without a token, with an unknown path, with wrong values."""
        assert sim.call("GET", "_sim/faults", auth=None).status_code == 401
        assert sim.call("GET", "_sim/nothing").status_code == 404
        assert sim.call("POST", "_sim/settings", {"odd": 1}).status_code == 400
        assert sim.call("POST", "_sim/settings", {"timeScale": "fast"}).status_code == 400
        assert sim.call("POST", "_sim/tokens", {"rights": ["fly"]}).status_code == 400
        assert sim.call("POST", "_sim/tokens", {"without": ["fly"]}).status_code == 400
        assert sim.call("POST", "_sim/tokens", {"id": "not a guid"}).status_code == 400
        assert sim.sim("prune") is None
