"""The host's log: lines on standard error, each naming the function and invocation that it comes from."""

import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import override

from azure_functions_runtime import invocation_id_cv

# Libraries that tell at INFO of every request they send or serve, and of every binding they index.
_CHATTY = ("azure.core.pipeline.policies.http_logging_policy", "azure.functions", "uvicorn")


class _Lines(logging.Formatter):
    """`time LEVEL [function invocation] logger: message`; what belongs to no invocation has no brackets."""

    def __init__(self, running: Mapping[str, str]) -> None:
        super().__init__("%(message)s")
        self._running = running

    @override
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        invocation = invocation_id_cv.get()
        name = self._running.get(invocation or "")
        origin = f"[{name} {invocation[:8]}] " if name and invocation else ""
        return f"{moment} {record.levelname:<7} {origin}{record.name}: {super().format(record)}"


def configure_logging(running: Mapping[str, str]) -> None:
    """Send every log record of this process to standard error.

    Args:
        running: function names by invocation id, as the engine keeps them.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(running))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
