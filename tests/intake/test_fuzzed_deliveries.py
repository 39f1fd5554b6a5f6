"""Whatever is delivered is answered by the contract, and never with words of the delivery."""

import json
import re
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.intake.deliveries import SECRET, Door, basic, build, event, pull_request, push

CONTRACT = {200, 202, 401, 413, 503}
REASON = re.compile(r"[a-z_]+(:[A-Za-z.]+)?")

WHOLE = json.dumps(event(pull_request())).encode()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


def paths(value: Any, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """List the ways to every field."""
    if not isinstance(value, dict):
        return [at]
    return [at, *(path for name, inner in value.items() for path in paths(inner, (*at, name)))]


EVENTS = (
    event(pull_request()),
    event({"pullRequest": pull_request()}),
    event(push("refs/heads/main"), eventType="git.push"),
    event(build(), eventType="build.complete", resourceVersion="2.0"),
)
PATHS = sorted({path for each in EVENTS for path in paths(each)} - {()})


def put(whole: Any, path: tuple[str, ...], value: Any) -> Any:
    """Replace what stands at a path, building what is missing on the way."""
    if not path:
        return value
    fields = whole if isinstance(whole, dict) else {}
    return fields | {path[0]: put(fields.get(path[0]), path[1:], value)}


def keeps_to_the_contract(body: bytes, authorization: str | None, organisation: str) -> None:
    """Deliver, and look at all that came of it."""
    door = Door()
    answer = door.deliver(body, authorization, organisation)
    assert answer.status in CONTRACT
    assert len(door.counted) == 1
    assert len(door.queued) == (answer.status == 202)
    if answer.status == 200:
        assert answer.body.keys() == {"accepted", "reason"}
        assert REASON.fullmatch(str(answer.body["reason"]))
    json.dumps(answer.body)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_any_bytes(body: bytes) -> None:
    """Bytes that mean nothing."""
    keeps_to_the_contract(body, basic(SECRET), "contoso")


@settings(max_examples=300)
@given(st.integers(0, len(WHOLE)), st.integers(0, 20), st.binary(max_size=20))
def test_an_event_with_other_bytes_in_it(at: int, length: int, other: bytes) -> None:
    """Bytes that nearly mean something."""
    keeps_to_the_contract(WHOLE[:at] + other + WHOLE[at + length :], basic(SECRET), "contoso")


@settings(max_examples=500)
@given(st.sampled_from(EVENTS), st.lists(st.tuples(st.sampled_from(PATHS), json_values), min_size=1, max_size=3))
def test_an_event_with_other_values_in_it(whole: Any, changes: list[tuple[tuple[str, ...], Any]]) -> None:
    """Fields of every type in every place."""
    changed: Any = whole
    for path, value in changes:
        changed = put(changed, path, value)
    keeps_to_the_contract(json.dumps(changed).encode(), basic(SECRET), "contoso")


@given(st.text(max_size=80), st.none() | st.text(max_size=80), st.binary(max_size=40))
def test_any_organisation_and_header(organisation: str, authorization: str | None, body: bytes) -> None:
    """What stands in the route and the header is foreign too."""
    keeps_to_the_contract(body, authorization, organisation)
