"""What a function's bindings say, as types; from the JSON texts that the worker engine indexes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from local.host.config import BadConfiguration, connection_string, resolve_settings
from local.host.cron import BadSchedule, Schedule, parse_schedule
from local.host.routes import BadRoute, parse_route


class UnsupportedBinding(ValueError):
    """A function needs something that this host does not serve; the message says what."""


class AuthLevel(StrEnum):
    """Who may call an HTTP function; the values of its binding, in lower case."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    """A route template without the prefix and slashes around it, and the methods it takes; None means all of them."""

    route: str
    methods: frozenset[str] | None
    auth: AuthLevel


@dataclass(frozen=True, slots=True)
class QueueTrigger:
    """A queue, and the connection string of its account."""

    queue: str
    connection: str


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """When to fire, whether also when the host starts, and the connection string of the account that holds its lock."""

    schedule: Schedule
    run_on_startup: bool
    connection: str


type Trigger = HttpTrigger | QueueTrigger | TimerTrigger


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the app: its name, the engine's id for it, and the parameter that its trigger fills."""

    name: str
    id: str
    parameter: str
    trigger: Trigger


def parse_function(name: str, function_id: str, raw_bindings: Sequence[str], settings: Mapping[str, str]) -> Function:
    """Read the bindings of one function.

    Args:
        name: its name.
        function_id: the id by which the engine knows it.
        raw_bindings: JSON texts, one a binding, as in a function.json.
        settings: the app settings that `%NAME%` and connections refer to.

    Raises:
        UnsupportedBinding: it has another trigger than HTTP, queue or timer, or an output other than the HTTP answer,
            or a binding's values cannot be used.
    """
    bindings: list[dict[str, Any]] = [json.loads(raw) for raw in raw_bindings]
    triggers = [binding for binding in bindings if binding["type"].lower().endswith("trigger")]
    if len(triggers) != 1:
        raise UnsupportedBinding(f"{len(triggers)} triggers, where one is wanted")
    for binding in bindings:
        is_answer = binding["type"] == "http" and binding["name"] == "$return"
        if binding is not triggers[0] and not is_answer:
            raise UnsupportedBinding(f"the binding {binding['name']!r} of type {binding['type']}")
    try:
        trigger = _trigger(triggers[0], name, settings)
    except (BadConfiguration, BadRoute, BadSchedule) as error:
        raise UnsupportedBinding(str(error)) from error
    return Function(name=name, id=function_id, parameter=triggers[0]["name"], trigger=trigger)


def _trigger(binding: Mapping[str, Any], function: str, settings: Mapping[str, str]) -> Trigger:
    match binding["type"]:
        case "httpTrigger":
            methods = binding.get("methods")
            route = resolve_settings(binding.get("route") or function, settings).strip("/")
            # Read here so that a route which cannot be read leaves its function out; it is matched with its prefix.
            parse_route(route)
            return HttpTrigger(
                route=route,
                methods=frozenset(method.upper() for method in methods) if methods else None,
                auth=AuthLevel(str(binding.get("authLevel", AuthLevel.FUNCTION)).lower()),
            )
        case "queueTrigger":
            return QueueTrigger(
                queue=resolve_settings(binding["queueName"], settings),
                connection=connection_string(binding.get("connection", ""), settings),
            )
        case "timerTrigger":
            return TimerTrigger(
                schedule=parse_schedule(resolve_settings(binding["schedule"], settings)),
                run_on_startup=bool(binding.get("runOnStartup", False)),
                connection=connection_string("", settings),
            )
        case other:
            raise UnsupportedBinding(f"a trigger of type {other}")
