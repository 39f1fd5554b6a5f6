"""Reading untrusted JSON: every field is asked for by name and type, and what does not fit has a stable reason."""

import re
from collections.abc import Mapping
from enum import StrEnum

from pydantic_core import from_json

type Fields = Mapping[str, object]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,10}", re.ASCII)
_LARGEST_NUMBER = 2**31 - 1
"""Azure DevOps numbers pull requests in a 32-bit integer (Git REST 7.1, GitPullRequest)."""


class Why(StrEnum):
    """Why an authenticated event is not queued. Stable: counted, and read by others."""

    TEST = "test"
    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"
    UNWANTED_EVENT = "unwanted_event"
    NO_RESOURCE = "no_resource"
    NO_PULL_REQUEST = "no_pull_request"
    NO_PROJECT = "no_project"
    NO_BRANCH = "no_branch"
    """A push of tags, say."""


class Unwanted(Exception):
    """An event that is not wanted or not understood."""

    def __init__(self, reason: str) -> None:
        """Keep the reason.

        Args:
            reason: A `Why`, or ``wrong_type:`` or ``bad_value:`` with a field's name from this room's code.
        """
        super().__init__(reason)
        self.reason = reason


def parse(body: bytes) -> Fields:
    """Read a JSON object.

    Nesting is capped at 200 levels and numbers at 4,300 digits by the parser, so no input exhausts the stack.

    Args:
        body: The bytes received, UTF-8 with or without a byte order mark.

    Returns:
        The object; of a repeated key the last one.

    Raises:
        Unwanted: It is not JSON, or not an object.
    """
    try:
        parsed = from_json(body.removeprefix(_BYTE_ORDER_MARK))
    except ValueError:
        raise Unwanted(Why.MALFORMED_JSON) from None
    if not isinstance(parsed, dict):
        raise Unwanted(Why.NOT_AN_OBJECT)
    return parsed


def object_at(fields: Fields, *path: str) -> Fields | None:
    """Walk down nested objects.

    Args:
        fields: Where to begin.
        path: Names of the objects, each within the one before.

    Returns:
        The innermost object; None where it or one above it is absent or null.

    Raises:
        Unwanted: Something on the way is not an object.
    """
    for name in path:
        inner = fields.get(name)
        if inner is None:
            return None
        if not isinstance(inner, dict):
            raise _wrong_type(name)
        fields = inner
    return fields


def text_at(fields: Fields | None, name: str) -> str | None:
    """Read a text.

    Args:
        fields: The object that may hold it; None = holds nothing.
        name: The field.

    Returns:
        The text; None where it is absent or null.

    Raises:
        Unwanted: It is not a text.
    """
    value = fields.get(name) if fields else None
    if value is None or isinstance(value, str):
        return value
    raise _wrong_type(name)


def guid_at(fields: Fields | None, name: str, called: str) -> str | None:
    """Read a GUID.

    Args:
        fields: The object that may hold it; None = holds nothing.
        name: The field.
        called: What the field is called in a reason.

    Returns:
        The GUID in lower case; None where it is absent or null.

    Raises:
        Unwanted: It is not a text, or not a GUID.
    """
    value = fields.get(name) if fields else None
    if value is None:
        return None
    if not isinstance(value, str):
        raise _wrong_type(called)
    if not _GUID.fullmatch(value):
        raise Unwanted(f"bad_value:{called}")
    return value.lower()


def list_at(fields: Fields, name: str) -> list[Fields]:
    """Read a list of objects.

    Args:
        fields: The object that may hold it.
        name: The field.

    Returns:
        The objects; none where the list is absent or null.

    Raises:
        Unwanted: It is not a list, or holds something else than objects.
    """
    value = fields.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _wrong_type(name)
    return value


def number_at(fields: Fields, name: str) -> int | None:
    """Read a positive number such as a pull request's.

    Args:
        fields: The object that may hold it.
        name: The field; digits in a text are taken too.

    Returns:
        The number, 1 to 2^31 - 1; None where it is absent or null.

    Raises:
        Unwanted: It is neither a whole number nor digits, or out of range.
    """
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):  # bool is an int to Python, not to JSON
        raise _wrong_type(name)
    if not 1 <= value <= _LARGEST_NUMBER:
        raise Unwanted(f"bad_value:{name}")
    return value


def _wrong_type(name: str) -> Unwanted:
    return Unwanted(f"wrong_type:{name}")
