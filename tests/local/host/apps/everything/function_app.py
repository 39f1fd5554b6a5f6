"""A function app that tells what it was given, and does with queue messages what they say."""

import base64
import json
import logging
import os
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def journal(**entry: object) -> None:
    """Append one line to the journal that the test reads; short appends do not mix."""
    line = json.dumps({**entry, "instance": os.environ.get("INSTANCE", ""), "at": time.time()}) + "\n"
    descriptor = os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def wait_for(path: Path) -> None:
    """Block this thread until the test makes a file."""
    while not path.exists():
        time.sleep(0.02)


@app.route(route="echo/{first:int?}/{second?}", methods=["GET", "POST", "PUT"])
def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with everything that the request brought."""
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "route": dict(req.route_params),
        "body": base64.b64encode(req.get_body()).decode(),
    }
    return func.HttpResponse(json.dumps(seen), status_code=201, mimetype="application/json", headers={"X-Told": "yes"})


@app.route(route="mirror")
def mirror(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with the body as it came."""
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@app.route(route="text")
async def text(req: func.HttpRequest) -> str:
    """Answer with a plain text, from a coroutine."""
    logging.getLogger("app").info("from a coroutine")
    return "grüße"


@app.route(route="cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with a cookie."""
    return func.HttpResponse(headers={"Set-Cookie": "taste=sweet; Path=/; HttpOnly"})


@app.route(route="boom")
def boom(req: func.HttpRequest) -> func.HttpResponse:
    """Fail."""
    print("printed before it failed")  # noqa: T201 - what an app prints must not spoil the ready line
    logging.getLogger("app").warning("about to fail")
    raise RuntimeError("the reason, for the log alone")


@app.route(route="guarded", auth_level=func.AuthLevel.FUNCTION)
def guarded(req: func.HttpRequest) -> str:
    """Answer those who hold a key."""
    return "in"


@app.route(route="held/{name}")
def held(req: func.HttpRequest) -> str:
    """Answer when the test opens the gate of that name."""
    journal(event="held", name=req.route_params["name"])
    wait_for(Path(os.environ["GATES"]) / req.route_params["name"])
    return "released"


@app.function_name("work")
@app.queue_trigger(arg_name="message", queue_name="%WORK_QUEUE%", connection="AzureWebJobsStorage")
def work(message: func.QueueMessage, context: func.Context) -> None:
    """Do what the message says: ok, fail, die, or wait for a gate."""
    told = json.loads(message.get_body())
    journal(
        event="started",
        told=told,
        id=message.id,
        dequeue_count=message.dequeue_count,
        pop_receipt=message.pop_receipt,
        inserted=str(message.insertion_time),
        expires=str(message.expiration_time),
        next_visible=str(message.time_next_visible),
        invocation=context.invocation_id,
        function=context.function_name,
    )
    match told["do"]:
        case "fail":
            raise RuntimeError("told to fail")
        case "die":
            os._exit(9)
        case "wait":
            wait_for(Path(os.environ["GATES"]) / told["gate"])
    journal(event="ended", told=told)


@app.timer_trigger(arg_name="timer", schedule="%TICK%", run_on_startup=False)
def tick(timer: func.TimerRequest) -> None:
    """Note that the timer fired."""
    journal(event="tick", past_due=timer.past_due, status=timer.schedule_status)  # type: ignore[attr-defined]  # its class has it, its protocol not
