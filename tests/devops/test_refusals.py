"""From an answer that is no success to an error that may be shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.devops.errors import SENTENCE_CHARACTERS, DevOpsErrorKind
from scan_core.devops.refusals import kind_of, refusal

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["message", "typeKey", "value", "Message"]), inner),
)


def sentence(body: bytes | None, secret: str = "") -> str:
    """Refuse with this body and give the sentence."""
    kind = DevOpsErrorKind.NOT_FOUND
    return refusal(kind, "reading", 404, body, retry_after=None, secret=secret).sentence


@given(JSON)
def test_any_body_makes_a_sentence_of_one_short_line(document: object) -> None:
    """It comes from outside."""
    said = sentence(json.dumps(document).encode())
    assert said.startswith("reading: Azure DevOps does not have it or does not show it to this identity (404")
    assert said.isprintable()
    assert len(said) <= SENTENCE_CHARACTERS


@given(st.binary())
def test_any_bytes_make_a_sentence(body: bytes) -> None:
    """Not every error is JSON."""
    assert sentence(body).startswith("reading: ")


def test_the_services_own_words_are_kept() -> None:
    """They tell a developer most."""
    assert sentence(b'{"message": "TF401180: not found.", "typeKey": "GitPullRequestNotFoundException"}').endswith(
        "(404 GitPullRequestNotFoundException): TF401180: not found."
    )
    assert sentence(b'{"count": 1, "value": {"Message": "No route."}}').endswith("(404): No route.")


def test_links_secrets_and_length_are_taken_out() -> None:
    """The sentence reaches statuses and logs."""
    said = sentence(json.dumps({"message": f"see https://x/?t=1 with abc and {'y' * 300}"}).encode(), secret="abc")
    assert "see … with … and yyy" in said
    assert said.endswith("y…")


def test_a_body_too_large_to_read_leaves_the_status() -> None:
    """The status alone says enough."""
    assert sentence(None).endswith("(404)")


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (200, {}, None),
        (201, {"Content-Type": "application/json"}, None),
        (200, {"Content-Type": "Text/HTML ;charset=utf-8"}, DevOpsErrorKind.SIGNED_OUT),
        (200, {"Content-Type": "application/xhtml+xml"}, DevOpsErrorKind.SIGNED_OUT),
        (404, {"Content-Type": "text/html"}, DevOpsErrorKind.NOT_FOUND),
        (418, {}, DevOpsErrorKind.REJECTED),
        (599, {}, DevOpsErrorKind.UNAVAILABLE),
        (101, {}, DevOpsErrorKind.MALFORMED),
    ],
)
def test_status_and_headers_tell_the_kind(status: int, headers: dict[str, str], kind: DevOpsErrorKind | None) -> None:
    """A page counts only where an answer was due."""
    assert kind_of(status, headers) is kind
