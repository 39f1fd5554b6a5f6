"""The least that a webhook can do: one durable write of the same size, with the same SDK."""

import os

import azure.functions as func
from azure.storage.queue import QueueClient

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
_queue = QueueClient.from_connection_string(os.environ["AzureWebJobsStorage"], "bare")  # noqa: SIM112 - its documented name


@app.route(route="bare", methods=["POST"])
def bare(req: func.HttpRequest) -> func.HttpResponse:
    """Write a message as long as a request and say so."""
    length = int(req.params["length"])
    _queue.send_message("x" * length)
    return func.HttpResponse('{"accepted":true}', status_code=202, mimetype="application/json")
