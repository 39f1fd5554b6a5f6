"""Times the webhook against a bare function that does the same write in the same host, over the same storage.

Run with ``make bench``. Both are asked in turn, one request at a time, so that what else the machine does hits both.
"""

import base64
import json
import os
import statistics
import time
import uuid
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from azure.storage.queue import QueueServiceClient

from local.host import process
from local.stack import parts
from local.stack.plan import Plan, plan_in
from local.storage import azurite

_WARM_UP = 50
_COUNTED = 500
_HERE = Path(__file__).parent
_MESSAGE_CHARACTERS = 480
"""Length of a request as it stands in the queue, base64."""


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory() as folder:
        data = Path(folder)
        plan = plan_in(data)
        with azurite.start(data / "storage") as storage:
            queues = QueueServiceClient.from_connection_string(storage.connection_string)
            queues.create_queue("bare")
            app = parts.app(data, plan)
            # What the queued requests would set going is not what is measured here.
            alone = {f"AzureWebJobs.{name}.Disabled": "1" for name in ("scan_requests", "scan_results", "watch")}
            bare = {"AzureWebJobsStorage": storage.connection_string}
            with (
                process.start(parts.REPOSITORY, {**app.environment, **alone}, log=data / "app.log") as scangate,
                process.start(_HERE / "bare", bare, log=data / "bare.log") as host,
            ):
                _compare(scangate.wait_ready().url, host.wait_ready().url, plan)


def _compare(scangate: str, bare: str, plan: Plan) -> None:
    hook, headers, body = f"{scangate}/api/hooks/{plan.org}", _headers(plan), _event()
    with httpx2.Client(trust_env=False, timeout=30) as http:

        def ask_webhook() -> float:
            return _timed(http, hook, headers, body)

        def ask_bare() -> float:
            return _timed(http, f"{bare}/api/bare?length={_MESSAGE_CHARACTERS}", headers, body)

        for _ in range(_WARM_UP):
            ask_webhook()
            ask_bare()
        pairs = [(ask_webhook(), ask_bare()) for _ in range(_COUNTED)]
    webhook, same_write = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    print(f"{_COUNTED} requests each, in turn, one at a time, {len(body)} bytes each, on {os.cpu_count()} processors")
    print(f"{'milliseconds':<26}{'min':>8}{'median':>8}{'p95':>8}{'max':>8}")
    _row("webhook", webhook)
    _row("bare function, same write", same_write)
    difference = statistics.median(webhook) - statistics.median(same_write)
    print(f"the webhook takes {difference:+.2f} ms of its own at the median")


def _timed(http: httpx2.Client, url: str, headers: dict[str, str], body: bytes) -> float:
    started = time.perf_counter()
    answer = http.post(url, headers=headers, content=body)
    elapsed = time.perf_counter() - started
    if answer.status_code != httpx2.codes.ACCEPTED:
        raise SystemExit(f"{url} answered {answer.status_code}: {answer.text[:200]}")
    return elapsed * 1000


def _row(name: str, times: list[float]) -> None:
    ordered = sorted(times)
    p95 = ordered[int(len(ordered) * 0.95)]
    print(f"{name:<26}{ordered[0]:>8.2f}{statistics.median(ordered):>8.2f}{p95:>8.2f}{ordered[-1]:>8.2f}")


def _headers(plan: Plan) -> dict[str, str]:
    user = base64.b64encode(f"{plan.hook_user}:{plan.hook_secret}".encode()).decode()
    return {"Authorization": f"Basic {user}", "Content-Type": "application/json"}


def _event() -> bytes:
    project, repository = (str(uuid.uuid4()) for _ in range(2))
    event = {
        "subscriptionId": "6d1f5c3e-0000-4000-8000-000000000001",
        "notificationId": 1,
        "id": "6d1f5c3e-0000-4000-8000-000000000002",
        "eventType": "git.pullrequest.updated",
        "publisherId": "tfs",
        "message": None,
        "detailedMessage": None,
        "resource": {"pullRequestId": 1, "repository": {"id": repository, "project": {"id": project}}},
        "resourceVersion": "1.0",
        "resourceContainers": {"project": {"id": project}},
        "createdDate": "2026-06-01T12:00:00Z",
    }
    return json.dumps(event).encode()


if __name__ == "__main__":
    main()
