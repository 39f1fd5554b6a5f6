"""What the app says of itself in its log, kept by the test: there a defect shows that the app has caught."""

import json
import logging
from collections.abc import Iterator
from typing import Any

from azure.core import exceptions


class Events(logging.Handler):
    """Keeps every structured event for as long as it is attached."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__(logging.INFO)
        self.kept: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an event."""
        self.kept.append(json.loads(record.getMessage()))

    def attach(self) -> None:
        """Begin to keep."""
        logging.getLogger("scangate").addHandler(self)

    def detach(self) -> None:
        """Keep no more."""
        logging.getLogger("scangate").removeHandler(self)

    def defects(self) -> Iterator[str]:
        """Tell of every error that was caught and is not storage's."""
        for event in self.kept:
            error = event.get("error")
            if error is not None and not hasattr(exceptions, str(error)):
                yield json.dumps(event)
