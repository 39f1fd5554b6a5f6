"""Structured events, one JSON line each, that never carry a known secret."""

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from opentelemetry import metrics
from pydantic import JsonValue

_logger = logging.getLogger("scangate")
# Alarms read these events; the level that a host gives to everything else must not swallow them.
_logger.setLevel(logging.INFO)
_events = metrics.get_meter("scangate").create_counter("scangate.events", description="Structured events, by name")

_MASK = "***"
_SHORTEST = 6
"""Characters; a shorter value would blank out ordinary words."""


class Redactor(logging.Filter):
    """Replaces known secrets in whatever is logged, also by libraries."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Know what to hide.

        Args:
            secrets: Values that must not be seen; those under 6 characters are ignored.
        """
        super().__init__()
        self._secrets = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """Hide secrets in a text.

        Args:
            text: Any text.

        Returns:
            The text with each known secret replaced by three asterisks.
        """
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite a record in place, its traceback included.

        Args:
            record: What is about to be logged.

        Returns:
            True: everything is logged, redacted.
        """
        record.msg = self.redact(_message(record))
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self.redact(record.exc_text)
            record.exc_info = None
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        # Whoever logs is not to fail of it: their template does not fit what they gave it.
        return f"{record.msg} {record.args}"


def redact_logs(secrets: Iterable[str]) -> None:
    """Hide secrets in everything that this process logs from now on.

    Args:
        secrets: Values that must not be seen.
    """
    redactor = Redactor(secrets)
    root = logging.getLogger()
    for place in (root, _logger, *root.handlers, *_logger.handlers):
        for old in [known for known in place.filters if isinstance(known, Redactor)]:
            place.removeFilter(old)
        place.addFilter(redactor)


def emit(event: str, level: int = logging.INFO, **fields: JsonValue) -> None:
    """Log a structured event and count it.

    Args:
        event: Its stable name, such as ``gate_decided``; docs/operations.md lists those that matter.
        level: A level of `logging`.
        fields: What identifies it: ids, states, words. Never headers, tokens or bodies.
    """
    _events.add(1, {"event": event})
    line = {"event": event, "at": datetime.now(UTC).isoformat(timespec="milliseconds"), **fields}
    _logger.log(level, json.dumps(line, ensure_ascii=False, default=str))
