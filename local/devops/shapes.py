"""The types of request bodies, checked before a handler sees them.

The real service reads a body into typed objects and refuses what does not fit with 400; fields that it does not know
are ignored, and every field may be null.
"""

from typing import Any

from local.devops.errors import invalid_argument

type Shape = type | tuple[type, ...] | list[Shape] | dict[str, Shape]
"""A type or several, a list of something, or an object with fields; fields that are not named may hold anything."""


def check(value: object, shape: Shape, place: str = "body") -> None:
    """Refuse a value that does not fit its shape.

    Args:
        value: parsed JSON.
        shape: what it must be.
        place: where it stands, for the message.

    Raises:
        ServiceError: 400 naming the place.
    """
    if isinstance(shape, dict):
        _check_object(value, shape, place)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise invalid_argument(place, "Error converting value: a list was expected.")
        for number, inner in enumerate(value):
            check(inner, shape[0], f"{place}[{number}]")
    elif not _is_a(value, shape if isinstance(shape, tuple) else (shape,)):
        raise invalid_argument(place, f"Error converting value {str(value)[:50]!r}.")


def _check_object(value: object, shape: dict[str, Shape], place: str) -> None:
    if not isinstance(value, dict):
        raise invalid_argument(place, "Error converting value: an object was expected.")
    for name, inner in shape.items():
        if value.get(name) is not None:
            check(value[name], inner, f"{place}.{name}")


def _is_a(value: object, types: tuple[type, ...]) -> bool:
    # To Python a truth value is a number; to JSON it is not.
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types)


def fitting(value: Any, shape: dict[str, Shape]) -> dict[str, Any]:  # noqa: ANN401 - parsed JSON
    """Return an object whose fields have been checked, without those that are null.

    Args:
        value: parsed JSON.
        shape: what it must be.

    Raises:
        ServiceError: 400 naming the place that does not fit.
    """
    check(value, shape)
    return {name: inner for name, inner in value.items() if inner is not None}
