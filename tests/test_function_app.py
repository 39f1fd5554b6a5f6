"""The triggers: what comes is unpacked, one function is called, its answer goes back."""

import json
from typing import Any

import azure.functions as func
import pytest

import function_app
from scan_core import triggers
from scan_core.flow.pages import Page
from scan_core.intake.answers import Answer

FUNCTIONS = {str(each.get_function_name()): each for each in function_app.app.get_functions()}


def call(name: str, argument: Any) -> Any:
    """Call a trigger as the host does."""
    return FUNCTIONS[name].get_user_function()(argument)


def trigger(name: str) -> dict[str, Any]:
    """Describe what starts a function."""
    found = FUNCTIONS[name].get_trigger()
    assert found is not None
    return dict(found.get_dict_repr())


def http(
    method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None, **more: Any
) -> func.HttpRequest:
    """Make a request."""
    return func.HttpRequest(method, "https://gate.example/api/x", body=body, headers=headers or {}, **more)


def test_every_trigger_is_there() -> None:
    """Each with the binding it needs."""
    bindings = {name: trigger(name) for name in FUNCTIONS}
    http_routes = {
        name: (each["route"], [m.value for m in each["methods"]]) for name, each in bindings.items() if "route" in each
    }
    queues = {name: each["queueName"] for name, each in bindings.items() if "queueName" in each}
    assert (
        http_routes.items()
        >= {
            "hooks": ("hooks/{organisation}", ["POST"]),
            "checks": ("checks/{organisation}", ["POST"]),
            "health": ("health", ["GET"]),
            "gate_page": ("gates/{gate_id}", ["GET"]),
            "gate_verdict": ("gates/{gate_id}/verdict.json", ["GET"]),
            "scan_artifact": ("scans/{scan_id}/{artifact}", ["GET"]),
            "order_onboarding": ("onboarding", ["POST"]),
            "show_onboarding": ("onboarding/{onboarding_id}", ["GET"]),
        }.items()
    )
    assert queues == {
        "onboardings": "onboardings",
        "scan_requests": "scan-requests",
        "scan_results": "scan-results",
        "scan_requests_poison": "scan-requests-poison",
        "scan_results_poison": "scan-results-poison",
    }
    assert "watch" in {name for name, each in bindings.items() if each["type"] == "timerTrigger"}


def test_a_hook_is_received_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Route, credentials and body go in; status, headers and JSON come out."""
    seen: list[tuple[Any, ...]] = []

    def receive(*arguments: Any) -> Answer:
        seen.append(arguments)
        return Answer(503, {"accepted": False, "reason": "not_queued"}, {"Retry-After": "30"})

    monkeypatch.setattr(triggers, "receive", receive)
    request = http("POST", b"{}", {"Authorization": "Basic x"}, route_params={"organisation": "fabrikam"})
    answer = call("hooks", request)
    assert seen == [("fabrikam", "Basic x", b"{}")]
    assert (answer.status_code, answer.mimetype, answer.headers["Retry-After"]) == (503, "application/json", "30")
    assert json.loads(answer.get_body()) == {"accepted": False, "reason": "not_queued"}


def test_a_check_is_received_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Route, headers, query and body go in; status and JSON come out."""
    seen: list[tuple[Any, ...]] = []

    def receive(organisation: str, headers: Any, query: Any, body: bytes) -> Answer:
        seen.append((organisation, headers["planid"], query["code"], body))
        return Answer(400, {"accepted": False, "reason": "missing_header", "field": "JobId", "expected": "x"})

    monkeypatch.setattr(triggers, "receive_check", receive)
    sent = http("POST", b"{}", {"PlanId": "p"}, params={"code": "c"}, route_params={"organisation": "fabrikam"})
    answer = call("checks", sent)
    assert seen == [("fabrikam", "p", "c", b"{}")]
    assert (answer.status_code, json.loads(answer.get_body())["field"]) == (400, "JobId")


def test_orders_to_onboard_are_taken_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, body and id go in; the answer comes out."""
    seen: list[tuple[Any, ...]] = []

    def answer(*arguments: Any) -> Answer:
        seen.append(arguments)
        return Answer(202, {"id": "x"}, {"Location": "/x"})

    monkeypatch.setattr(triggers, "order_onboarding", answer)
    monkeypatch.setattr(triggers, "show_onboarding", answer)
    ordered = call("order_onboarding", http("POST", b"{}", {"Authorization": "Bearer x"}))
    call("show_onboarding", http(headers={"Authorization": "Bearer x"}, route_params={"onboarding_id": "7"}))
    assert seen == [("Bearer x", b"{}"), ("Bearer x", "7")]
    assert (ordered.status_code, ordered.headers["Location"]) == (202, "/x")


def test_health_is_told_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its status."""
    monkeypatch.setattr(triggers, "health", lambda: (503, {"status": "no_storage"}))
    answer = call("health", http())
    assert (answer.status_code, json.loads(answer.get_body())) == (503, {"status": "no_storage"})


@pytest.mark.parametrize(
    ("name", "function", "route"),
    [
        ("gate_page", "gate_page", {"gate_id": "g"}),
        ("gate_verdict", "gate_verdict", {"gate_id": "g"}),
        ("scan_artifact", "scan_artifact", {"scan_id": "s", "artifact": "report.sarif.json"}),
    ],
)
def test_a_page_goes_out_as_it_is(
    name: str, function: str, route: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Body, media type and headers, and the query with the link's signature goes in."""
    seen: list[tuple[Any, ...]] = []

    def page(*arguments: Any) -> Page:
        seen.append(arguments)
        return Page(404, b"gone", "text/html", {"Cache-Control": "no-store"})

    monkeypatch.setattr(triggers, function, page)
    answer = call(name, http(params={"signature": "x"}, route_params=route))
    assert seen == [(*route.values(), {"signature": "x"})]
    assert (answer.status_code, answer.get_body(), answer.mimetype) == (404, b"gone", "text/html")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("scan_requests", "take_request"),
        ("scan_results", "take_result"),
        ("scan_requests_poison", "take_poisoned_request"),
        ("scan_results_poison", "take_poisoned_result"),
        ("onboardings", "work_on_onboarding"),
    ],
)
def test_a_message_is_handed_on(name: str, function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its body, decoded."""
    taken: list[bytes] = []
    monkeypatch.setattr(triggers, function, taken.append)
    call(name, func.QueueMessage(body=b"message"))
    assert taken == [b"message"]


def test_the_timer_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fifteen seconds."""
    watched: list[bool] = []
    monkeypatch.setattr(triggers, "watch", lambda: watched.append(True))
    call("watch", None)
    assert watched == [True]
    assert trigger("watch")["schedule"] == "*/15 * * * * *"


def test_the_timer_looks_after_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every minute; whose turn has come is settled in storage."""
    looked: list[bool] = []
    monkeypatch.setattr(triggers, "hook_health", lambda: looked.append(True))
    call("hook_health", None)
    assert looked == [True]
    assert trigger("hook_health")["schedule"] == "45 * * * * *"
