"""From the SDK's models to our values: what reading each kind has in common."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from pydantic import ValidationError

from scan_core.devops.errors import DevOpsError, DevOpsErrorKind
from scan_core.devops.sdk import Unreadable
from scan_core.model.value import Value

_logger = logging.getLogger(__name__)


def value[V: Value](kind: type[V], doing: str, **fields: Any) -> V:  # noqa: ANN401 (parsed JSON)
    """Make a value of what was read.

    Args:
        kind: What to make.
        doing: What is being done, in words for an error.
        **fields: What was read.

    Returns:
        The value.

    Raises:
        DevOpsError: MALFORMED, naming the first field that does not fit.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors(include_input=False, include_url=False)[0]["loc"])
        raise malformed(doing, f"Azure DevOps gave no usable value for {place} of a {kind.__name__}") from None


def readable[T](models: Iterable[Any], read: Callable[[Any], T], kind: str) -> tuple[T, ...]:
    """Read what a listing gave; one that cannot be read is left out and logged, for the others shall not wait for it.

    Args:
        models: The SDK's models.
        read: Reads one of them; what it makes of one that it cannot read is a DevOpsError.
        kind: What one is, in a word for the log.

    Returns:
        Those that could be read, in the listing's order.
    """
    found: list[T] = []
    for model in models:
        try:
            found.append(read(model))
        except DevOpsError as error:
            _logger.warning("left out one %s: %s", kind, error.sentence)
    return tuple(found)


def at(model: Any, *path: str) -> Any:  # noqa: ANN401 (SDK model)
    """Follow attributes down.

    Args:
        model: A model of the SDK.
        *path: The attributes.

    Returns:
        The value, None where there is none, or the first part that could not be read.
    """
    for step in path:
        if model is None or isinstance(model, Unreadable):
            return model
        model = getattr(model, step, None)
    return model


def each(found: Any, name: str, doing: str) -> tuple[Any, ...]:  # noqa: ANN401 (any field's value)
    """Take a list apart.

    Args:
        found: The list; None where there is none.
        name: The field's name.
        doing: What is being done, in words for an error.

    Returns:
        What is in it.

    Raises:
        DevOpsError: MALFORMED: it is none.
    """
    if found is None:
        return ()
    if not isinstance(found, list):
        raise malformed(doing, f"Azure DevOps gave no list for {name}")
    return tuple(found)


def number_from(model: Any, name: str, doing: str) -> int:  # noqa: ANN401 (SDK model)
    """Read a number.

    Args:
        model: A model of the SDK.
        name: The field's name in it.
        doing: What is being done, in words for an error.

    Returns:
        The number.

    Raises:
        DevOpsError: MALFORMED: it is none.
    """
    number = at(model, name)
    if not isinstance(number, int):
        raise malformed(doing, f"Azure DevOps gave no number for {name}")
    return number


def lower(found: Any) -> Any:  # noqa: ANN401 (any field's value)
    """Write ids as they are compared.

    Args:
        found: A field's value.

    Returns:
        A text in lower case; anything else as it is.
    """
    return found.lower() if isinstance(found, str) else found


def displayable(found: Any) -> Any:  # noqa: ANN401 (any field's value)
    """Give text for people: absent is empty, and halves of surrogate pairs cannot be stored.

    Args:
        found: A field's value.

    Returns:
        The text; what is none as it is.
    """
    if found is None:
        return ""
    return found.encode(errors="replace").decode() if isinstance(found, str) else found


def texts(found: Any) -> Any:  # noqa: ANN401 (any field's value)
    """Give inputs as texts: one that is absent or null is empty.

    Args:
        found: A field's value.

    Returns:
        The texts by name; what is no mapping as it is.
    """
    return {name: text or "" for name, text in found.items()} if isinstance(found, dict) else found or {}


def is_there(found: Any) -> Any:  # noqa: ANN401 (any field's value)
    """Tell whether a field holds anything.

    Args:
        found: Its value.

    Returns:
        Whether; what could not be read as it is.
    """
    return found if isinstance(found, Unreadable) else found is not None


def malformed(doing: str, what: str) -> DevOpsError:
    """Make the error for an answer that cannot be used.

    Args:
        doing: What is being done, in words.
        what: What is wrong with the answer.

    Returns:
        The error, MALFORMED.
    """
    return DevOpsError(DevOpsErrorKind.MALFORMED, f"{doing}: {what}")
