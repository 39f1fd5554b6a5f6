"""Events as JSON lines, and no known secret in any line."""

import json
import logging
from collections.abc import Iterator

import pytest

from scan_core.telemetry import Redactor, emit, redact_logs

SECRET = "hunter2-and-some-more"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Let no test's redaction reach the next."""
    yield
    redact_logs([])
    for place in (logging.getLogger(), logging.getLogger("scangate"), *logging.getLogger().handlers):
        for known in [each for each in place.filters if isinstance(each, Redactor)]:
            place.removeFilter(known)


def test_an_event_is_one_line_of_json(caplog: pytest.LogCaptureFixture) -> None:
    """With its name, its time and what identifies it."""
    with caplog.at_level(logging.INFO):
        emit("gate_decided", gate="g-1", seconds=3, words="späte Grüße\nin zwei Zeilen")
    (record,) = caplog.records
    line = json.loads(record.getMessage())
    assert (line["event"], line["gate"], line["seconds"]) == ("gate_decided", "g-1", 3)
    assert "\n" not in record.getMessage()
    assert line["at"].endswith("+00:00")
    assert "ü" in record.getMessage()


def test_an_event_has_a_level(caplog: pytest.LogCaptureFixture) -> None:
    """What operators must see is an error."""
    emit("settings_invalid", level=logging.ERROR)
    assert caplog.records[0].levelno == logging.ERROR


def test_known_secrets_are_hidden_in_whatever_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """In events and in what libraries say, arguments and tracebacks included."""
    redact_logs([SECRET])
    with caplog.at_level(logging.INFO):
        emit("x", detail=f"a {SECRET} b")
        logging.getLogger("some.library").warning("sent %s to %d", SECRET, 7)
        try:
            int(SECRET)
        except ValueError:
            logging.getLogger("some.library").exception("failed")
    assert SECRET not in caplog.text
    assert "sent *** to 7" in caplog.text
    assert "ValueError: invalid literal for int() with base 10: '***'" in caplog.text


def test_a_traceback_that_is_already_text_is_hidden_too() -> None:
    """Another handler may have formatted it."""
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "failed", None, None)
    record.exc_text = f"ValueError: {SECRET}"
    assert Redactor([SECRET]).filter(record)
    assert record.exc_text == "ValueError: ***"


def test_a_line_that_does_not_fit_its_arguments_stops_nobody() -> None:
    """Whoever logs is not to fail of it."""
    record = logging.LogRecord("x", logging.INFO, "x", 1, "%d apples", (SECRET,), None)
    assert Redactor([SECRET]).filter(record)
    assert SECRET not in record.getMessage()
    assert "apples" in record.getMessage()


def test_the_longest_secret_is_hidden_first_and_short_ones_are_words() -> None:
    """Part of a secret left over would still be part of a secret."""
    redactor = Redactor(["abcdef", "abcdefghi", "the"])
    assert redactor.redact("the abcdefghi and abcdef") == "the *** and ***"


def test_a_second_redaction_replaces_the_first() -> None:
    """Filters do not pile up."""
    redact_logs(["first-secret"])
    redact_logs(["second-secret"])
    (only,) = [each for each in logging.getLogger("scangate").filters if isinstance(each, Redactor)]
    assert only.redact("first-secret second-secret") == "first-secret ***"
