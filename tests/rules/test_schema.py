"""The published schema: the committed file is current, and says what the reader says."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from scan_core.model.rules import Rules
from scan_core.rules.keys import KEYS
from scan_core.rules.rules_file import RulesUnreadable, read_rules, rules_from_mapping
from scan_core.rules.schema import as_text, schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "scangate-rules.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(schema())

_WORDS = st.sampled_from(
    [
        "pkg",
        "os",
        "secret",
        "get-report",
        "evaluate-policy",
        "pass",
        "fail",
        "block",
        "allow",
        "scan",
        "wait",
        "critical",
    ]
)
_NAMES = _WORDS | st.text("ab/.,-\\ :\n\u202eé", max_size=6) | st.just("x" * 201)
_NUMBERS = st.integers(-3, 8) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.none() | st.booleans() | _NUMBERS | _NAMES | st.lists(_NAMES | _NUMBERS, max_size=3)
_IMAGES = st.sampled_from(
    [
        "a.b/c:1",
        "a.b/c",
        "c:1",
        "localhost/c:1",
        "localhost:65535/c:1",
        "localhost:65536/c:1",
        "a.b/c:$(Build.BuildId)",
        "a.b/$(build.buildid)/c-$(Build.BuildNumber)@sha256:" + "0" * 64,
        "a.b/c:$(Build.Nothing)",
        "a.b/c:$( Build.BuildNumber)",
        "$(Build.BuildNumber).b/c:1",
        "a.b/c:1\n",
        "a.b/c:" + "x" * 128,
        "a.b/c:" + "x" * 129,
    ]
)
_PLATFORMS = st.lists(
    st.sampled_from(["linux/amd64", "linux/arm/v7", "linux", "a/b/c/d", "Linux/x", "l/x\n"]), max_size=9
)
_GROUPS = st.fixed_dictionaries(
    {},
    optional={
        "image": _IMAGES | _NAMES,
        "pipeline": _NAMES | st.integers(-1, 3) | st.just(2**31),
        "platforms": _PLATFORMS,
        "other": _WORDS,
    },
)
_BRANCHES = st.sampled_from(
    ["main", "release/*", "refs/heads/x", "/a", "a/", "a//b", "a b", "a\n", "[a]", "é", "", "x~1"]
)
_FITTING = {
    "images": st.lists(_IMAGES | _GROUPS | _NUMBERS, max_size=3),
    "platforms": _PLATFORMS,
    "branches": st.lists(_BRANCHES, max_size=3),
    "on_nothing": _WORDS,
    "enabled": st.booleans(),
    "scan_types": st.lists(st.sampled_from(["pkg", "os", "sca", "secret", "x"]), max_size=3),
    "exclude_dirs": st.lists(_NAMES, max_size=2),
    "policy_tags": st.lists(_NAMES, max_size=2),
    "mode": _WORDS,
    "max_high": st.integers(-2, 5),
    "fail_on_severity": st.integers(-1, 6) | _WORDS,
    "max_secrets": st.integers(-2, 5),
    "drafts": _WORDS,
}


def reader_accepts(values: dict[str, Any]) -> bool:
    """What the reader says."""
    try:
        rules_from_mapping(values)
    except RulesUnreadable:
        return False
    return True


def test_the_published_file_is_current() -> None:
    """`python -m scan_core.rules.schema` prints it."""
    assert PUBLISHED.read_text() == as_text()
    command = [sys.executable, "-m", "scan_core.rules.schema"]
    printed = subprocess.run(command, cwd=PUBLISHED.parents[1], check=True, capture_output=True, text=True)
    assert printed.stdout == as_text()


def test_it_is_a_schema() -> None:
    """Of the draft that it names."""
    jsonschema.Draft202012Validator.check_schema(schema())


@given(st.dictionaries(st.sampled_from([*KEYS, "unknown"]), _VALUES, max_size=4))
def test_schema_and_reader_agree(values: dict[str, Any]) -> None:
    """On whatever may stand there."""
    assert VALIDATOR.is_valid(values) == reader_accepts(values)


@given(st.fixed_dictionaries({}, optional=_FITTING))
def test_schema_and_reader_agree_on_likely_files(values: dict[str, Any]) -> None:
    """Where most keys hold almost the right thing."""
    assert VALIDATOR.is_valid(values) == reader_accepts(values)


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_described(key: str) -> None:
    """An editor shows it."""
    assert KEYS[key].description.endswith(".")


@pytest.mark.parametrize(
    "text", ["", "enabled: true", "max_low: -1\nexclude_dirs: [a/b, c]", "images: [{image: a.b/c:1, pipeline: 3}]"]
)
def test_what_is_read_is_valid(text: str) -> None:
    """Also an empty file."""
    read_rules(text.encode(), Rules())
    assert VALIDATOR.is_valid(yaml.safe_load(text))
