"""The worker engine's own value type, and how each trigger's input is written in it.

`Datum` is part of azure-functions-runtime's half-private interface, pinned at 1.3.0: a value and the name of its type.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from azure_functions_runtime.bindings.datumdef import Datum


@dataclass(frozen=True, slots=True)
class TriggerInput:
    """What an invocation is given: the value of the trigger's parameter, and the metadata beside it."""

    value: Any  # a Datum; the engine publishes no types
    metadata: Mapping[str, Any] = field(default_factory=dict)


def http_input(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    query: Mapping[str, str],
    route_values: Mapping[str, str],
    body: bytes,
) -> TriggerInput:
    """Write an HTTP request.

    Args:
        method: GET, POST and so on.
        url: the whole address with its query.
        headers: by name.
        query: the query's values by name.
        route_values: the values of the route's parameters by name.
        body: the body, empty when there is none.
    """
    value = {
        "method": _text(method),
        "url": _text(url),
        "headers": _texts(headers),
        "query": _texts(query),
        "params": _texts(route_values),
        "body": Datum(body, "bytes"),
    }
    return TriggerInput(Datum(value, "http"))


def queue_input(body: bytes, metadata: Mapping[str, str]) -> TriggerInput:
    """Write a queue message.

    Args:
        body: its content, decoded. Text reaches the function as text, anything else as bytes.
        metadata: Id, DequeueCount, PopReceipt, InsertionTime, ExpirationTime, NextVisibleTime.
    """
    try:
        value = _text(body.decode("utf-8"))
    except UnicodeDecodeError:
        value = Datum(body, "bytes")
    return TriggerInput(value, _texts(metadata))


def timer_input(last: datetime | None, following: datetime | None) -> TriggerInput:
    """Write the firing of a timer.

    Args:
        last: when it fired before, None for the first time.
        following: when it will fire next, None when it was invoked by hand.
    """
    status = {name: moment.isoformat() for name, moment in (("Last", last), ("Next", following)) if moment is not None}
    value = {"IsPastDue": False, "Schedule": {"AdjustForDST": True}, "ScheduleStatus": status}
    return TriggerInput(Datum(json.dumps(value), "json"))


def _text(value: str) -> Any:  # noqa: ANN401 - a Datum; the engine publishes no types
    return Datum(value, "string")


def _texts(values: Mapping[str, str]) -> dict[str, Any]:
    return {name: _text(value) for name, value in values.items()}
