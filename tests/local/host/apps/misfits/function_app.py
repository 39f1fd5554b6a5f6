"""A function app of which only some functions can be served, and one starts with the host."""

import os
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="fine")
def fine(req: func.HttpRequest) -> str:
    """Answer at a route without a prefix."""
    return "fine"


@app.route(route="open/{brace")
def open_brace(req: func.HttpRequest) -> str:
    """Never served: its route cannot be read."""
    return "never"


@app.route(route="copies")
@app.queue_output(arg_name="copy", queue_name="copies", connection="AzureWebJobsStorage")
def copies(req: func.HttpRequest, copy: func.Out[str]) -> str:
    """Never served: it has an output that the host does not write."""
    return "never"


@app.timer_trigger(arg_name="timer", schedule="00:10:00", run_on_startup=True)
def at_start(timer: func.TimerRequest) -> None:
    """Leave a file when the host starts."""
    Path(os.environ["STARTED"]).write_text("started")
