"""For which platform a report says that its image is made."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from scan_core.model.image import DEFAULT_PLATFORM, platform
from scan_core.qscanner.foreign import platform_contradiction
from scan_core.qscanner.image_statements import stated_platforms
from scan_core.qscanner.json_stream import Json
from scan_core.qscanner.sarif import Report, read_sarif


def report(**properties: Json) -> Report:
    """A report whose run has properties."""
    run = {"tool": {"driver": {"name": "QScanner"}}, "results": [], "properties": properties}
    return read_sarif(io.BytesIO(json.dumps({"version": "2.1.0", "runs": [run]}).encode()))


@pytest.mark.parametrize(
    "said", ["linux/amd64", "Linux/x86_64", "linux/amd64/v1", "", None, 7, "amd64", ["linux/amd64"]]
)
def test_the_right_platform_or_none_is_no_contradiction(said: Json) -> None:
    """However it is written; what is no platform says nothing."""
    assert platform_contradiction(report(platform=said), DEFAULT_PLATFORM) is None


def test_another_platform_is_one() -> None:
    """The sentence names both; a variant alone makes no difference, since not everyone names it."""
    sentence = platform_contradiction(report(imagePlatform="linux/arm64"), DEFAULT_PLATFORM)
    assert sentence == "The report is about an image for linux/arm64, and one for linux/amd64 was to be scanned."
    assert platform_contradiction(report(platform="linux/arm/v6"), platform("linux/arm")) is None


@given(some.text(max_size=200))
def test_anything_that_is_said_is_a_platform_or_nothing(said: str) -> None:
    """Reports are written by strangers."""
    assert all(platform(each.text) == each for each in stated_platforms({"platform": said}))
