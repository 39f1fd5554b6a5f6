"""The body of a check, which its author may leave out: what to judge, which images, and how to answer."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from scan_core.intake.check_refusal import CheckRefused, WhyNot
from scan_core.intake.payload import Fields, Unwanted, number_at, parse
from scan_core.model.ids import BuildId
from scan_core.model.image import image_reference
from scan_core.model.subject import StatusName

MOST_IMAGES: Final = 20
_KEYS: Final = ("judge", "images", "mode", "buildId")
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)
"""A key that may be repeated in an answer: no token, no markup."""


class Mode(StrEnum):
    """How a check is answered: "Completion event" of its task."""

    CALLBACK = "callback"
    """By a callback, once the verdict is known."""
    ANSWER = "answer"
    """At once, with what is known ("ApiResponse"); Azure Pipelines asks again."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a check's author asks for."""

    judges: tuple[StatusName, ...]
    images: tuple[str, ...]
    mode: Mode
    build_id: BuildId | None


def wishes_in(body: bytes) -> Wishes:
    """Read a check's body.

    Args:
        body: As received.

    Returns:
        What it asks for; the defaults where it is empty.

    Raises:
        CheckRefused: It is not a JSON object, or something in it is not understood.
    """
    fields = _fields(body)
    judges = _judges(fields)
    images = _images(fields)
    if images and StatusName.IMAGE not in judges:
        expected = 'no images, since "judge" leaves them out; or "image" in "judge"'
        raise CheckRefused(WhyNot.BAD_VALUE, "images", expected)
    return Wishes(judges, images, _mode(fields), _build(fields))


def _fields(body: bytes) -> Fields:
    if not body.strip():
        return {}
    try:
        fields = parse(body)
    except Unwanted:
        raise CheckRefused(WhyNot.BAD_BODY, "body", "a JSON object, or nothing") from None
    unknown = next((name for name in fields if name not in _KEYS), None)
    if unknown is not None:
        raise _unknown(unknown)
    return fields


def _unknown(name: str) -> CheckRefused:
    is_plain = _PLAIN_NAME.fullmatch(name) is not None
    near = get_close_matches(name.lower(), [key.lower() for key in _KEYS], 1) if is_plain else []
    meant = "".join(f"; {key!r} is near" for key in _KEYS if key.lower() in near)
    return CheckRefused(WhyNot.UNKNOWN_KEY, name if is_plain else "body", f"one of {', '.join(_KEYS)}{meant}")


def _judges(fields: Fields) -> tuple[StatusName, ...]:
    if fields.get("judge") is None:
        return (StatusName.IMAGE,)
    known = [name.value for name in StatusName]
    expected = f"a list of {' or '.join(known)}, or of both"
    asked = _texts(fields, "judge", len(known), expected)
    if not set(asked) <= set(known):
        raise CheckRefused(WhyNot.BAD_VALUE, "judge", expected)
    return tuple(name for name in StatusName if name.value in asked)


def _images(fields: Fields) -> tuple[str, ...]:
    if fields.get("images") is None:
        return ()
    expected = f"a list of 1 to {MOST_IMAGES} image references; leave it out to judge those that the build made"
    asked = _texts(fields, "images", MOST_IMAGES, expected)
    return tuple(dict.fromkeys(_reference(text, place) for place, text in enumerate(asked)))


def _reference(text: str, place: int) -> str:
    try:
        return image_reference(text).text
    except ValueError as wrong:
        raise CheckRefused(WhyNot.BAD_IMAGE, f"images[{place}]", str(wrong)) from None


def _texts(fields: Fields, name: str, most: int, expected: str) -> list[str]:
    value = fields[name]
    if not isinstance(value, list) or not 1 <= len(value) <= most or not all(isinstance(text, str) for text in value):
        raise CheckRefused(WhyNot.BAD_VALUE, name, expected)
    return value


def _mode(fields: Fields) -> Mode:
    asked = fields.get("mode")
    if asked is None:
        return Mode.CALLBACK
    mode = next((mode for mode in Mode if mode.value == asked), None)
    if mode is None:
        raise CheckRefused(WhyNot.BAD_VALUE, "mode", " or ".join(Mode))
    return mode


def _build(fields: Fields) -> BuildId | None:
    try:
        number = number_at(fields, "buildId")
    except Unwanted:
        raise CheckRefused(WhyNot.BAD_VALUE, "buildId", "a build's number: $(Build.BuildId)") from None
    return None if number is None else BuildId(number)
