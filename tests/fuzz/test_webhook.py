"""Whatever a stranger or a broken sender delivers is answered by the contract; nothing throws, nothing grows."""

import json
import logging
import random

import pytest

from scan_core.model.request import RequestMessage
from tests.faults.schedules import Record, wanted
from tests.faults.seeds import Choice, choice
from tests.fuzz.hooks import CONTRACT, DOCUMENTS
from tests.fuzz.mutations import Mutator
from tests.fuzz.running import feed
from tests.intake.deliveries import SECRET, Door, basic

FEW, MANY, EVERYTHING = 400, 25_000, 250_000
ORGANISATIONS = ("contoso", "CONTOSO", "nobody", "", "%2e%2e", "contoso\x00", "é" * 40)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """The hook logs what it could not queue; thousands of lines help nobody. Tests after this one hear it again."""
    caplog.set_level(logging.CRITICAL, "scan_core.intake.hooks")


def deliver(seed: int, mutator: Mutator, number: int) -> str:
    """Deliver one case, and look at all that came of it."""
    dice = random.Random(f"{seed} delivery {number}")
    door = Door()
    if dice.random() < 0.1:
        door.failure = OSError("storage is away")
    answer = door.deliver(
        mutator.case(number), _authorization(dice), dice.choice((*ORGANISATIONS, "contoso", "contoso"))
    )
    assert answer.status in CONTRACT, answer
    assert len(door.counted) == 1, door.counted
    assert len(door.queued) == (answer.status == 202)
    assert len(json.dumps(answer.body)) < 200, answer
    for request in door.queued:
        assert RequestMessage.validate_json(RequestMessage.dump_json(request)) == request
    return f"{answer.status} {str(answer.body.get('reason', '')).partition(':')[0]}"


def _authorization(dice: random.Random) -> str | None:
    right = basic(SECRET)
    if dice.random() < 0.85:
        return right
    return dice.choice(
        (None, "", "Basic", "Basic ====", "Bearer x", basic("wrong"), right[:-3], right + "\x00", "é" * 90)
    )


def fuzz(chosen: Choice, cases: int) -> dict[str, int]:
    """Deliver cases, or the one that was asked for."""
    name = wanted(chosen, "webhook")
    mutator = Mutator(chosen.seed, DOCUMENTS, lambda document: json.dumps(document).encode(errors="surrogatepass"))
    numbers = range(cases) if name is None else range(int(name), int(name) + 1)
    became = feed(chosen, "webhook", numbers, lambda number: deliver(chosen.seed, mutator, number))
    if name is None:
        # Otherwise the cases were not what they were meant to be.
        assert {"202 ", "401 unauthenticated", "503 not_queued", "200 malformed_json", "200 bad_value"} <= became.keys()
    return became


def test_hundreds_of_deliveries() -> None:
    """The same ones every time."""
    fuzz(Choice(seed=1, everything=False, only=None), FEW)


@pytest.mark.faults
def test_thousands_of_deliveries(record_property: Record) -> None:
    """Other ones every time, by the seed."""
    chosen = choice()
    record_property("cases of webhook", sum(fuzz(chosen, EVERYTHING if chosen.everything else MANY).values()))


def test_a_case_can_be_made_again() -> None:
    """By its seed and number alone, so that a failure can be."""
    first, second = (Mutator(7, DOCUMENTS, lambda document: json.dumps(document).encode()) for _ in range(2))
    assert first.case(123) == second.case(123)
    assert first.case(123) != first.case(124)
