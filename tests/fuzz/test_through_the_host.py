"""The same deliveries over the network, to the app as the Functions host runs it."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.site import Site, opened_site
from tests.faults.schedules import Record, wanted
from tests.faults.seeds import Choice, choice
from tests.fuzz.hooks import CONTRACT, DOCUMENTS
from tests.fuzz.mutations import Mutator
from tests.intake.deliveries import basic

pytestmark = pytest.mark.faults

FEW, MANY = 300, 3000


def test_deliveries_through_the_real_host(tmp_path: Path, record_property: Record) -> None:
    """Never another status than the contract's, never a function that failed; and the app is well afterwards."""
    chosen = choice()
    name = wanted(chosen, "host")
    numbers = range(MANY if chosen.everything else FEW) if name is None else range(int(name), int(name) + 1)
    mutator = Mutator(chosen.seed, DOCUMENTS, lambda document: json.dumps(document).encode(errors="surrogatepass"))
    with opened_site(tmp_path) as site:
        became = Counter(_delivered(site, chosen, mutator, number) for number in numbers)
        assert site.ask("GET", "/api/health").status_code == 200
        assert "Traceback" not in site.log()
    assert name is not None or {200, 202, 401} <= became.keys()
    record_property("cases of host", len(numbers))


def _delivered(site: Site, chosen: Choice, mutator: Mutator, number: int) -> int:
    dice = random.Random(f"{chosen.seed} host {number}")
    secret = site.plan.hook_secret if dice.random() < 0.85 else "wrong"
    answer = site.ask(
        "POST", f"/api/hooks/{site.plan.org}", content=mutator.case(number), headers={"Authorization": basic(secret)}
    )
    again = f"make faults SEED={chosen.seed} ONLY=host/{number}"
    assert answer.status_code in CONTRACT, f"{answer.status_code} {answer.text}; again: {again}"
    return answer.status_code
