"""Reads what an app folder and the app settings say to the host: host.json, `%NAME%`, connections."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.host.timespans import NotATimeSpan, parse_timespan

_OVERRIDE_PREFIX = "AzureFunctionsJobHost__"
_SETTING = re.compile(r"%([^%]+)%")
# The most messages that one Get Messages call of the Queue service returns.
_MAX_BATCH = 32


class BadConfiguration(ValueError):
    """host.json, or an app setting it depends on, cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """How queues are polled and retried; the defaults are those of the page "Azure Queue storage bindings"."""

    batch_size: int = 16
    new_batch_threshold: int = 8
    max_dequeue_count: int = 5
    visibility_timeout_s: float = 0.0
    max_polling_interval_s: float = 60.0
    base64: bool = True


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What this host reads from host.json."""

    route_prefix: str = "api"
    queues: QueueOptions = QueueOptions()


def read_host_options(app_dir: Path, settings: Mapping[str, str]) -> HostOptions:
    """Read the host.json of an app.

    Source: the page "host.json reference for Azure Functions 2.x and later". App settings named
    `AzureFunctionsJobHost__path__to__setting` come before the file.

    Args:
        app_dir: the folder of the function app.
        settings: the app settings, which is to say the environment.

    Raises:
        BadConfiguration: the file is missing or wrong, or a value in it is.
    """
    path = app_dir / "host.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadConfiguration(f"{path} is missing: is {app_dir} a function app?") from None
    except ValueError as error:
        raise BadConfiguration(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("version") != "2.0":
        raise BadConfiguration(f'{path} must have "version": "2.0"')
    _override(document, settings)
    prefix = _section(document, "extensions", "http").get("routeprefix", "api")
    if not isinstance(prefix, str) or "{" in prefix or "}" in prefix:
        raise BadConfiguration(f"routePrefix in host.json must be a text without braces, not {prefix!r}")
    queues = _queue_options(_section(document, "extensions", "queues"))
    return HostOptions(route_prefix=prefix.strip("/"), queues=queues)


def resolve_settings(text: str, settings: Mapping[str, str]) -> str:
    """Put app settings in place of `%NAME%`.

    Args:
        text: a property of a binding, such as a queue's name.
        settings: the app settings.

    Raises:
        BadConfiguration: a named setting does not exist.
    """

    def value(match: re.Match[str]) -> str:
        try:
            return settings[match[1]]
        except KeyError:
            raise BadConfiguration(f"the app setting {match[1]} that {text!r} names is missing") from None

    return _SETTING.sub(value, text)


def connection_string(name: str, settings: Mapping[str, str]) -> str:
    """Find the connection string that a binding names.

    Args:
        name: the binding's `connection`; empty means AzureWebJobsStorage.
        settings: the app settings. `AzureWebJobs` may stand before the name, as in Azure.

    Raises:
        BadConfiguration: there is none; connections by identity exist in Azure only.
    """
    wanted = name or "AzureWebJobsStorage"
    found = settings.get(f"AzureWebJobs{wanted}") or settings.get(wanted)
    if not found:
        raise BadConfiguration(f"the app setting {wanted} is missing: the local host needs a connection string there")
    return found


def _override(document: dict[str, Any], settings: Mapping[str, str]) -> None:
    """Write the app settings that stand for parts of host.json into it; names match without regard to case."""
    for name, value in settings.items():
        if not name.lower().startswith(_OVERRIDE_PREFIX.lower()):
            continue
        place = document
        *folders, last = name[len(_OVERRIDE_PREFIX) :].split("__")
        for folder in folders:
            key = _same_key(place, folder)
            if not isinstance(place.get(key), dict):
                place[key] = {}
            place = place[key]
        place[_same_key(place, last)] = value


def _same_key(place: Mapping[str, Any], name: str) -> str:
    return next((key for key in place if key.lower() == name.lower()), name)


def _section(document: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """Find an object within host.json; its keys are returned in lower case."""
    place: Any = document
    for part in path:
        place = place.get(_same_key(place, part), {})
        if not isinstance(place, dict):
            raise BadConfiguration(f"{part} in host.json must be an object, not {place!r}")
    return {key.lower(): value for key, value in place.items()}


def _queue_options(section: Mapping[str, Any]) -> QueueOptions:
    usual = QueueOptions()
    batch_size = _whole(section, "batchSize", default=usual.batch_size, low=1, high=_MAX_BATCH)
    encoding = str(section.get("messageencoding", "base64")).lower()
    if encoding not in {"base64", "none"}:
        raise BadConfiguration(f"messageEncoding in host.json must be base64 or none, not {encoding!r}")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_whole(section, "newBatchThreshold", default=batch_size // 2, low=0),
        max_dequeue_count=_whole(section, "maxDequeueCount", default=usual.max_dequeue_count, low=1),
        visibility_timeout_s=_duration(section, "visibilityTimeout", default=usual.visibility_timeout_s),
        max_polling_interval_s=_duration(section, "maxPollingInterval", default=usual.max_polling_interval_s, low=0.1),
        base64=encoding == "base64",
    )


def _whole(section: Mapping[str, Any], name: str, *, default: int, low: int, high: int | None = None) -> int:
    value = section.get(name.lower(), default)
    # Overrides from app settings are texts.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < low or (high is not None and value > high):
        limit = f"from {low} to {high}" if high is not None else f"of at least {low}"
        raise BadConfiguration(f"{name} in host.json must be a whole number {limit}, not {value!r}")
    return value


def _duration(section: Mapping[str, Any], name: str, *, default: float, low: float = 0.0) -> float:
    value = section.get(name.lower())
    if value is None:
        return default
    try:
        seconds = parse_timespan(str(value))
    except NotATimeSpan as error:
        raise BadConfiguration(f"{name} in host.json: {error}") from None
    if seconds < low:
        raise BadConfiguration(f"{name} in host.json must be at least {low} seconds, not {value!r}")
    return seconds
