"""Whatever is sent as a check is answered by the contract; no token gets out; nothing throws, nothing grows."""

import json
import logging
import random
from typing import Any

import pytest

from scan_core.model.request import RequestMessage
from tests.faults.schedules import Record, wanted
from tests.faults.seeds import Choice, choice
from tests.fuzz.mutations import Mutator
from tests.fuzz.running import feed
from tests.intake.check_requests import CHECK_SECRET, IMAGE, KEY, TOKEN, CheckPoint, headers
from tests.intake.deliveries import basic

FEW, MANY, EVERYTHING = 400, 25_000, 250_000
CONTRACT = {200, 400, 401, 413, 503}
HIDDEN = (TOKEN, CHECK_SECRET, KEY)
ORGANISATIONS = ("contoso", "CONTOSO", "nobody", "", "%2e%2e", "contoso\x00", "é" * 40)
FIRST, MANY_IMAGES = headers(), [IMAGE, f"contoso.azurecr.io/shop/api@sha256:{'a' * 64}"]
DOCUMENTS: tuple[Any, ...] = (
    {"headers": FIRST, "query": {}, "body": {}},
    {"headers": FIRST, "query": {}, "body": {"judge": ["image", "source"], "images": MANY_IMAGES, "mode": "callback"}},
    {"headers": FIRST, "query": {}, "body": {"mode": "answer", "buildId": 31}},
    {"headers": headers(Authorization=None), "query": {"code": CHECK_SECRET}, "body": {"images": [IMAGE]}},
    {"headers": headers(PlanUrl="https://contoso.visualstudio.com/", TimelineId=None), "query": {}, "body": None},
)
"""A check as a document, so that its headers are changed like its body."""


class Said(logging.Handler):
    """Keeps what was logged for one case."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())


def send(seed: int, mutator: Mutator, number: int) -> str:
    """Send one case, and look at all that came of it."""
    dice = random.Random(f"{seed} check {number}")
    case = mutator.case(number)
    sent, body = _parts(case)
    point = CheckPoint()
    if dice.random() < 0.1:
        point.failure = OSError(f"storage is away {TOKEN}")
    if dice.random() < 0.1:
        point.known = ValueError(TOKEN)
    said, log = Said(), logging.getLogger("scan_core.intake.checks")
    log.addHandler(said)
    try:
        answer = point.send(
            body,
            whole=_headers(sent, dice),
            query=_texts(sent.get("query")),
            organisation=dice.choice((*ORGANISATIONS, *["contoso"] * 12)),
        )
    finally:
        log.removeHandler(said)
    assert answer.status in CONTRACT, answer
    assert len(point.counted) == 1, point.counted
    assert answer.status != 200 or len(point.queued) == 1
    told = json.dumps(answer.body)
    assert len(told) < 1000, answer
    for request in point.queued:
        written = RequestMessage.dump_json(request)
        assert RequestMessage.validate_json(written) == request
        told += written.decode()
    assert [each for each in HIDDEN if each in told or any(each in line for line in said.lines)] == []
    return f"{answer.status} {answer.body.get('reason', '')}"


def _parts(case: bytes) -> tuple[dict[str, Any], bytes]:
    """Take a case apart; what cannot be read as a check is a body under good headers."""
    try:
        found = json.loads(case)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("headers"), dict):
        return DOCUMENTS[0], case
    body = found.get("body")
    return found, b"" if body is None else json.dumps(body).encode(errors="surrogatepass")


def _headers(sent: dict[str, Any], dice: random.Random) -> dict[str, str]:
    """Write the headers that were changed; most of them with good credentials, since else nothing is read."""
    written = _texts(sent["headers"])
    return {**written, "Authorization": basic(CHECK_SECRET)} if dice.random() < 0.85 else written


def _texts(values: Any) -> dict[str, str]:
    """Make texts of values, which is all that a header or a query can hold."""
    if not isinstance(values, dict):
        return {}
    return {name: value if isinstance(value, str) else json.dumps(value)[:2000] for name, value in values.items()}


def fuzz(chosen: Choice, cases: int) -> dict[str, int]:
    """Send cases, or the one that was asked for."""
    name = wanted(chosen, "checks")
    mutator = Mutator(chosen.seed, DOCUMENTS, lambda document: json.dumps(document).encode(errors="surrogatepass"))
    numbers = range(cases) if name is None else range(int(name), int(name) + 1)
    logging.getLogger("scan_core.intake.checks").propagate = False
    try:
        became = feed(chosen, "checks", numbers, lambda number: send(chosen.seed, mutator, number))
    finally:
        logging.getLogger("scan_core.intake.checks").propagate = True
    if name is None:
        # Otherwise the cases were not what they were meant to be.
        reasons = {
            "missing_header",
            "bad_header",
            "unknown_key",
            "bad_value",
            "plan_elsewhere",
            "bad_body",
        }
        wanted_ends = {"200 ", "401 unauthenticated", "503 not_queued", *(f"400 {reason}" for reason in reasons)}
        assert wanted_ends <= became.keys(), became
    return became


def test_hundreds_of_checks() -> None:
    """The same ones every time."""
    fuzz(Choice(seed=1, everything=False, only=None), FEW)


@pytest.mark.faults
def test_thousands_of_checks(record_property: Record) -> None:
    """Other ones every time, by the seed."""
    chosen = choice()
    record_property("cases", sum(fuzz(chosen, EVERYTHING if chosen.everything else MANY).values()))
