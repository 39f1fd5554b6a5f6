"""Signed links: open for one path until their time, with either live key."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.report.links import link_holds, signed_path
from tests.report.builders import NOW

PATH = "/api/gates/0123456789abcdef01234567-3"
KEY, OLD = b"k" * 32, b"o" * 32
LATER = NOW + timedelta(days=7)


def parts(link: str) -> tuple[str, str, str]:
    """Take a link apart as a server does."""
    split = urlsplit(link)
    query = parse_qs(split.query)
    return split.path, query["expires"][0], query["signature"][0]


def test_a_link_opens_its_path() -> None:
    """Until it expires, and not at that moment."""
    path, expires, signature = parts(signed_path(PATH, KEY, LATER))
    assert path == PATH
    assert link_holds(path, expires, signature, [KEY], LATER - timedelta(seconds=1))
    assert not link_holds(path, expires, signature, [KEY], LATER)


def test_two_live_keys() -> None:
    """A link signed with the older key opens while that is still live."""
    path, expires, signature = parts(signed_path(PATH, OLD, LATER))
    assert link_holds(path, expires, signature, [KEY, OLD], NOW)
    assert not link_holds(path, expires, signature, [KEY], NOW)
    assert not link_holds(path, expires, signature, [], NOW)


def test_no_other_path_and_no_later_time() -> None:
    """Path and expiry are both signed."""
    path, expires, signature = parts(signed_path(PATH, KEY, LATER))
    assert not link_holds(path + "/verdict.json", expires, signature, [KEY], NOW)
    assert not link_holds(path, str(int(expires) + 1), signature, [KEY], NOW)
    assert not link_holds(path, expires, "0" * 64, [KEY], NOW)


@pytest.mark.parametrize("expires", [None, "", "x", "-1", "1e9", "9" * 13, "\u0661", " 1", "1\n"])
def test_malformed_expiry(expires: str | None) -> None:
    """Seconds are plain digits."""
    assert not link_holds(PATH, expires, "0" * 64, [KEY], NOW)


@given(st.text(), st.none() | st.text(), st.none() | st.text())
def test_nothing_else_opens_and_nothing_raises(path: str, expires: str | None, signature: str | None) -> None:
    """Whatever stands in the URL."""
    assert not link_holds(path, expires, signature, [KEY, OLD], NOW)
    assert not link_holds(path, "99999999999", signature or "0" * 64, [KEY, OLD], NOW)


def test_a_path_no_server_should_pass_on() -> None:
    """Even half a character is answered."""
    assert not link_holds("\ud800", "99999999999", "0" * 64, [KEY], NOW)
