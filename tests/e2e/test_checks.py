"""Checks of pipelines over the whole stack: a stage waits, is told why it may not go on, or goes on."""

import pytest

from tests.e2e.pipeline import CLEAN_IMAGE, VULNERABLE_IMAGE, WHY, Shipyard
from tests.e2e.site import Site


@pytest.fixture
def shipyard(site: Site) -> Shipyard:
    """A repository whose pushes and builds are gated."""
    return Shipyard.opened(site)


def test_a_stage_is_held_back_until_the_image_is_rebuilt(shipyard: Shipyard) -> None:
    """The check says why in the log of its own run; the run with the fixed image goes on."""
    refused = shipyard.reach(shipyard.build(VULNERABLE_IMAGE))
    assert refused.await_end() == "failed"
    words = refused.words()
    assert f"Failed: {WHY}" in words
    assert f"blocks: {WHY}" in words
    assert "scangate-failed" in shipyard.await_verdict(refused.build).tags

    passed = shipyard.reach(shipyard.build(CLEAN_IMAGE))
    assert passed.await_end() == "succeeded"
    assert "Passed: no findings in 1 image" in passed.words()
    assert refused.answers() + passed.answers() == [204, 204]


def test_a_wrong_secret_fails_the_stage_at_once(shipyard: Shipyard) -> None:
    """The run says that it was refused, and nothing of the check is looked at."""
    refused = shipyard.reach(shipyard.build(CLEAN_IMAGE), key="not-the-secret")
    assert refused.await_end() == "failed"
    check = refused.check
    assert check["message"] == "The request failed: status 401."
    assert "unauthenticated" in check["attempts"][0]["text"]
    assert refused.answers() == []


def test_a_check_that_finds_nothing_to_judge_does_not_pass(shipyard: Shipyard) -> None:
    """A pipeline that forgot to tell of its image is told so, and goes nowhere."""
    build = shipyard.build(CLEAN_IMAGE)
    tag = next(tag for tag in build.tags() if tag.startswith("scangate-image."))
    build.team.call("DELETE", f"{build.path}/tags/{tag}")
    forgotten = shipyard.reach(build)
    assert forgotten.await_end() == "failed"
    assert any(line.startswith("Error: ") for line in forgotten.words()), forgotten.words()
