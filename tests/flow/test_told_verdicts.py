"""What the event of a verdict tells, from which the workbook in Azure is drawn."""

import json
import logging
from typing import Any

import pytest

from tests.flow.builds import APP, BAD, BASE, built, gate_of, told
from tests.flow.world import World


@pytest.fixture
def decided(caplog: pytest.LogCaptureFixture) -> Any:
    """Gives every event of a verdict so far."""
    caplog.set_level(logging.INFO, "scangate")
    return lambda: [line for line in map(_read, caplog.records) if line.get("event") == "gate_decided"]


def _read(record: logging.LogRecord) -> dict[str, Any]:
    return dict(json.loads(record.message)) if record.name == "scangate" else {}


def test_a_verdict_is_told_with_what_it_is_about(world: World, decided: Any) -> None:
    """Its kind, its worst findings, and no digest of its images: a chart counts them by name."""
    world.registry.push(APP)
    world.registry.push(BASE)
    build = built(world, world.repository(), APP, BASE)
    told(world, build)
    world.scanned(BAD)
    world.scanned(BAD)
    (line,) = [each for each in decided() if each["gate"] == gate_of(world, build).gate_id]
    assert (line["kind"], line["outcome"], line["provisional"]) == ("build", "failed", False)
    assert line["images"] == ["shop.azurecr.io/app", "shop.azurecr.io/base"]
    (finding,) = line["findings"]
    assert finding["severity"] == 5
    assert set(finding) == {"qid", "cve", "package", "severity"}


def test_a_pull_request_that_is_clean_has_nothing_to_tell(world: World, decided: Any) -> None:
    """Neither findings nor images."""
    world.gated(world.proposed())
    world.run_until_quiet()
    (line,) = decided()
    assert (line["kind"], line["findings"], line["images"]) == ("pull_request", [], [])
