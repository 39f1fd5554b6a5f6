"""Triggers only: each unpacks what came, calls one function and returns."""

import json
from typing import TYPE_CHECKING

import azure.functions as func

from scan_core import triggers

if TYPE_CHECKING:
    from scan_core.flow.pages import Page
    from scan_core.intake.answers import Answer

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
"""Anonymous to Functions: hooks and checks have secrets, pages signed links, orders tokens (docs/security.md)."""

_STORAGE = "AzureWebJobsStorage"


@app.route(route="hooks/{organisation}", methods=["POST"])
def hooks(req: func.HttpRequest) -> func.HttpResponse:
    """Take a service hook's delivery."""
    return _json(triggers.receive(req.route_params["organisation"], req.headers.get("Authorization"), req.get_body()))


@app.route(route="checks/{organisation}", methods=["POST"])
def checks(req: func.HttpRequest) -> func.HttpResponse:
    """Take a pipeline's check."""
    return _json(
        triggers.receive_check(req.route_params["organisation"], req.headers, req.params, req.get_body()),
    )


@app.route(route="health", methods=["GET"])
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the trigger's signature
    """Say whether the app can work."""
    status, body = triggers.health()
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")


@app.route(route="gates/{gate_id}", methods=["GET"])
def gate_page(req: func.HttpRequest) -> func.HttpResponse:
    """Show a gate."""
    return _response(triggers.gate_page(req.route_params["gate_id"], req.params))


@app.route(route="gates/{gate_id}/verdict.json", methods=["GET"])
def gate_verdict(req: func.HttpRequest) -> func.HttpResponse:
    """Give a gate's verdict to a machine."""
    return _response(triggers.gate_verdict(req.route_params["gate_id"], req.params))


@app.route(route="scans/{scan_id}/{artifact}", methods=["GET"])
def scan_artifact(req: func.HttpRequest) -> func.HttpResponse:
    """Give a scan's SARIF or SBOM."""
    return _response(triggers.scan_artifact(req.route_params["scan_id"], req.route_params["artifact"], req.params))


@app.route(route="onboarding", methods=["POST"])
def order_onboarding(req: func.HttpRequest) -> func.HttpResponse:
    """Take an order to onboard projects, from whoever Entra says may give it."""
    return _json(triggers.order_onboarding(req.headers.get("Authorization"), req.get_body()))


@app.route(route="onboarding/{onboarding_id}", methods=["GET"])
def show_onboarding(req: func.HttpRequest) -> func.HttpResponse:
    """Show how far an onboarding is, to the same people."""
    return _json(triggers.show_onboarding(req.headers.get("Authorization"), req.route_params["onboarding_id"]))


@app.queue_trigger(arg_name="msg", queue_name="onboardings", connection=_STORAGE)
def onboardings(msg: func.QueueMessage) -> None:
    """Work on an onboarding for a while."""
    triggers.work_on_onboarding(msg.get_body())


@app.queue_trigger(arg_name="msg", queue_name="scan-requests", connection=_STORAGE)
def scan_requests(msg: func.QueueMessage) -> None:
    """Serve a request."""
    triggers.take_request(msg.get_body())


@app.queue_trigger(arg_name="msg", queue_name="scan-results", connection=_STORAGE)
def scan_results(msg: func.QueueMessage) -> None:
    """Take the end of an attempt."""
    triggers.take_result(msg.get_body())


@app.queue_trigger(arg_name="msg", queue_name="scan-requests-poison", connection=_STORAGE)
def scan_requests_poison(msg: func.QueueMessage) -> None:
    """Tell what waits for a request that cannot be served."""
    triggers.take_poisoned_request(msg.get_body())


@app.queue_trigger(arg_name="msg", queue_name="scan-results-poison", connection=_STORAGE)
def scan_results_poison(msg: func.QueueMessage) -> None:
    """Tell what waits for a result that cannot be taken."""
    triggers.take_poisoned_result(msg.get_body())


@app.timer_trigger(arg_name="timer", schedule="*/15 * * * * *")
def watch(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's signature
    """Find what was lost on the way."""
    triggers.watch()


@app.timer_trigger(arg_name="timer", schedule="30 * * * * *")
def reconcile(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's signature
    """Find what no hook told of."""
    triggers.reconcile()


@app.timer_trigger(arg_name="timer", schedule="45 * * * * *")
def hook_health(timer: func.TimerRequest) -> None:  # noqa: ARG001 - the trigger's signature
    """Look after the subscriptions that hooks come by."""
    triggers.hook_health()


def _json(answer: "Answer") -> func.HttpResponse:
    return func.HttpResponse(
        json.dumps(answer.body), status_code=answer.status, headers=answer.headers, mimetype="application/json"
    )


def _response(page: "Page") -> func.HttpResponse:
    return func.HttpResponse(page.body, status_code=page.status, headers=page.headers, mimetype=page.media_type)
