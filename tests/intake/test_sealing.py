"""What is sealed opens with a live key, for its own check, and in no other way."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scan_core.intake.sealing import SealBroken, context_of, open_sealed, seal
from scan_core.model.ids import OrganisationName, ProjectId
from scan_core.model.subject import Check
from tests.intake.check_requests import JOB, PLAN, TASK, TIMELINE
from tests.intake.deliveries import OTHER_PROJECT, PROJECT

KEYS = ("the-first-key-" + "1" * 20, "the-second-key-" + "2" * 20)
CHECK = Check(
    organisation=OrganisationName("contoso"),
    project_id=ProjectId(PROJECT),
    hub="checks",
    plan_id=PLAN,
    job_id=JOB,
    task_id=TASK,
)


@given(st.text(st.characters(codec="ascii"), max_size=200), st.text(max_size=80))
def test_what_is_sealed_opens(token: str, context: str) -> None:
    """And shows nothing of itself."""
    sealed = seal(token, KEYS, context)
    assert open_sealed(sealed, KEYS, context) == token
    assert len(token) < 12 or token not in sealed


def test_two_seals_of_one_token_differ() -> None:
    """Whoever reads them cannot tell that they are the same."""
    assert seal("token", KEYS, "x") != seal("token", KEYS, "x")


def test_a_key_is_replaced_without_a_gap() -> None:
    """The first seals; either opens; one that went opens nothing."""
    old = seal("token", KEYS[1:], "x")
    assert open_sealed(old, KEYS, "x") == "token"
    assert open_sealed(seal("token", KEYS, "x"), KEYS[:1], "x") == "token"
    with pytest.raises(SealBroken):
        open_sealed(old, KEYS[:1], "x")
    with pytest.raises(SealBroken):
        open_sealed(old, (), "x")


@pytest.mark.parametrize(
    "change",
    [
        {"organisation": "fabrikam"},
        {"project_id": OTHER_PROJECT},
        {"hub": "build"},
        {"plan_id": TIMELINE},
        {"job_id": TIMELINE},
        {"task_id": TIMELINE},
    ],
)
def test_a_sealed_token_that_is_moved_to_another_check_does_not_open(change: dict[str, str]) -> None:
    """It would answer for a plan that it was not sent for."""
    sealed = seal("token", KEYS, context_of(CHECK))
    with pytest.raises(SealBroken):
        open_sealed(sealed, KEYS, context_of(CHECK.model_copy(update=change)))


def test_what_a_check_asks_for_is_no_part_of_it() -> None:
    """A check is read back from storage with its token, or without its timeline."""
    other = CHECK.model_copy(update={"timeline_id": TIMELINE, "images": ("x",), "sealed_token": "y"})
    assert context_of(other) == context_of(CHECK)


@given(st.data())
def test_what_was_changed_does_not_open(data: st.DataObject) -> None:
    """Not one bit of it."""
    raw = bytearray(base64.urlsafe_b64decode(seal("token", KEYS, "x")))
    place = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[place // 8] ^= 1 << place % 8
    with pytest.raises(SealBroken):
        open_sealed(base64.urlsafe_b64encode(raw).decode(), KEYS, "x")


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_is_no_seal_is_told_by_one_error(text: str) -> None:
    """Whatever it is."""
    with pytest.raises(SealBroken):
        open_sealed(text, KEYS, "x")
