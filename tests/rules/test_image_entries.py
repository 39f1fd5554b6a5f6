"""Image entries: what the published pattern takes is what is understood when a build is there."""

import re
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from scan_core.model.image import image_reference
from scan_core.model.image_template import BUILD_VARIABLES, expand
from scan_core.rules.image_entries import Images
from scan_core.rules.kinds import Unfit

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"

_VARIABLES = st.sampled_from([f"$({name})" for name in BUILD_VARIABLES] + ["$(build.buildid)", "$(X)", "$(", "$"])
_PIECES = st.sampled_from(
    ["a", "b.c", "localhost", "x-y", "1", "Z", ".", "_", "__", "--", "/", "/", ":", ":", "@", "@sha256:" + "0f" * 32]
)
_TEXTS = st.lists(_PIECES | _VARIABLES, max_size=9).map("".join)
_LIKELY = st.builds(
    "{}/{}{}".format,
    st.sampled_from(["a.b", "localhost:5000", "a.b:65536", "a", "$(Build.BuildId).b"]),
    st.lists(_PIECES.filter(lambda text: ":" not in text) | _VARIABLES, min_size=1, max_size=4).map("".join),
    st.sampled_from(["", ":1", ":$(Build.BuildId)", ":-", ":" + "x" * 128, ":1@sha256:" + "a" * 64, "@sha256:b"]),
)


def is_read(text: str) -> bool:
    """Whether a rules file may hold it."""
    try:
        Images().read([text])
    except Unfit:
        return False
    return True


def is_understood(text: str) -> bool:
    """Whether it is a reference once a build is there."""
    try:
        image_reference(expand(text, dict.fromkeys(BUILD_VARIABLES, "1")))
    except ValueError:
        return False
    return True


@given(_TEXTS | _LIKELY)
@example("a.b/c:" + "x" * 129)
@example("a.b:0/c:1")
@example("a..b/c:1")
@example("a.b/c:$(Build.BuildId)$(Build.BuildNumber)")
def test_the_pattern_takes_what_is_understood(text: str) -> None:
    """No entry is refused that a build could use, and none is taken that no build could."""
    assert is_read(text) == is_understood(text)


def test_every_variable_is_documented() -> None:
    """As it is written in a file."""
    text = DOCUMENT.read_text()
    assert {name for name in BUILD_VARIABLES if f"`$({name})`" not in text} == set()


def test_the_pattern_is_bounded() -> None:
    """An editor that reads the schema is not kept busy by it."""
    schema = Images().schema()
    assert schema["maxItems"] == 50
    assert not re.search(str(_pattern(schema)), "a.b/" + "a-" * 240 + "!")


def _pattern(schema: object) -> object:
    """The pattern of a reference alone."""
    assert isinstance(schema, dict)
    return schema["items"]["anyOf"][0]["pattern"]
