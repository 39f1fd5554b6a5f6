"""Rules that hold for every input."""

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.registry.access import Principal
from local.registry.catalog import Catalog
from local.registry.errors import Refused
from local.registry.guard import split_header
from local.registry.manifests import OCI_MANIFEST, accepts, parse_manifest
from local.registry.names import Scope, checked_reference, checked_repository, parse_scopes
from local.registry.ranges import NotSatisfiable, asked_range
from local.registry.tokens import Tokens

NAMES = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8}){0,2}", fullmatch=True)
ACTIONS = st.frozensets(st.sampled_from(["pull", "push"]), min_size=1)


@given(st.integers(0, 100), st.integers(0, 120), st.integers(0, 120), st.sampled_from(["{}-{}", "{}-", "-{1}"]))
def test_a_range_is_within_the_content(size: int, first: int, last: int, form: str) -> None:
    """As slices of bytes would have it."""
    content = bytes(range(size))
    header = f"bytes={form.format(first, last)}"
    expected = {"{}-{}": content[first : last + 1], "{}-": content[first:], "-{1}": content[size - min(last, size) :]}
    try:
        part = asked_range(header, size)
    except NotSatisfiable:
        assert not expected[form]
        return
    if part is None:
        assert form == "{}-{}"
        assert last < first
        return
    assert content[part[0] : part[1] + 1] == expected[form] != b""


def taken[T](check: Callable[[], T]) -> T | None:
    """Give what was taken, or nothing where it was refused as the client's mistake."""
    try:
        return check()
    except Refused as refused:
        if not 400 <= refused.status < 500:
            raise
        return None


@given(st.text(max_size=40))
def test_no_name_leads_out_of_its_place(text: str) -> None:
    """A name that is taken has only letters, digits and single marks between them, and never a dot first."""
    repository, reference = taken(lambda: checked_repository(text)), taken(lambda: checked_reference(text))
    assert {repository, reference} <= {text, None}
    if repository is not None:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._/-]*[a-z0-9]|[a-z0-9]", text)
        assert ".." not in text
    if reference is not None:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._:-]*", text)


@given(st.lists(st.builds(Scope, st.just("repository"), NAMES, ACTIONS), max_size=4))
def test_scopes_are_read_as_they_are_written(scopes: list[Scope]) -> None:
    """Whether in one value or several."""
    assert parse_scopes([str(scope) for scope in scopes]) == scopes
    assert parse_scopes([" ".join(map(str, scopes))]) == scopes


@given(NAMES, ACTIONS, st.dictionaries(NAMES, st.tuples(st.sampled_from(["pull", "push"])), max_size=3))
def test_nobody_gets_more_than_was_asked_or_granted(
    name: str, actions: frozenset[str], grants: dict[str, tuple[str]]
) -> None:
    """For no other repository, and no other action."""
    principal = Principal.model_validate({"name": "a", "grants": grants})
    granted = principal.allowed(Scope("repository", name, actions))
    allowed = actions & frozenset(grants.get(name, ()))
    assert (granted.actions if granted else frozenset()) == allowed
    assert granted is None or granted.name == name


@given(st.text(max_size=80))
def test_no_text_is_a_token(text: str) -> None:
    """Whatever stands in it."""
    assert Tokens(b"key", "service").read("access_token", text) is None


@given(st.binary(max_size=200), st.text(max_size=60))
def test_no_manifest_is_too_strange(content: bytes, kind: str) -> None:
    """It is taken or refused, and nothing else."""
    assert taken(lambda: parse_manifest(content, kind)) is None
    assert taken(lambda: parse_manifest(content, OCI_MANIFEST)) is None


@given(st.lists(st.sampled_from(["text/html", "*/*", "application/*", OCI_MANIFEST]), max_size=4))
def test_a_type_is_accepted_where_it_or_its_family_is_named(kinds: list[str]) -> None:
    """Or where nothing is named at all."""
    assert accepts(", ".join(kinds), OCI_MANIFEST) is (not kinds or set(kinds) != {"text/html"})


@given(st.text(max_size=40))
def test_any_header_has_a_scheme_or_none(text: str) -> None:
    """Without regard to case."""
    scheme, value = split_header(text)
    assert scheme == scheme.lower()
    assert bool(scheme) is bool(text.strip())
    assert value == value.strip()


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    """What fails in the middle leaves nothing behind."""
    with closing(Catalog(tmp_path)) as catalog:

        def fail_in_the_middle() -> None:
            with catalog._transaction():
                catalog.link_blob("a", "sha256:0")
                catalog._rows("INSERT INTO blobs VALUES (?, ?)")

        with pytest.raises(sqlite3.ProgrammingError):
            fail_in_the_middle()
        assert not catalog.knows("a")
