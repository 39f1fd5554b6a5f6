"""Functions as their bindings describe them."""

import json

import pytest

from local.host.bindings import (
    AuthLevel,
    Function,
    HttpTrigger,
    QueueTrigger,
    TimerTrigger,
    UnsupportedBinding,
    parse_function,
)
from local.host.cron import parse_schedule

SETTINGS = {"AzureWebJobsStorage": "storage", "QUEUE": "orders"}


def parse(*bindings: dict[str, object]) -> Function:
    """Read a function with these bindings."""
    return parse_function("f", "id", [json.dumps({"name": "given", **binding}) for binding in bindings], SETTINGS)


def test_an_http_trigger() -> None:
    """Its route is the function's name, its level `function` and its methods all, unless it says otherwise."""
    assert parse({"type": "httpTrigger"}, {"type": "http", "name": "$return"}) == Function(
        "f", "id", "given", HttpTrigger("f", None, AuthLevel.FUNCTION)
    )
    assert parse(
        {"type": "httpTrigger", "route": "/a/{b}/", "methods": ["get", "POST"], "authLevel": "ANONYMOUS"}
    ).trigger == HttpTrigger("a/{b}", frozenset({"GET", "POST"}), AuthLevel.ANONYMOUS)


def test_a_queue_trigger() -> None:
    """Settings are put into its name, and its connection is looked up."""
    assert parse({"type": "queueTrigger", "queueName": "%QUEUE%", "connection": "AzureWebJobsStorage"}).trigger == (
        QueueTrigger("orders", "storage")
    )


def test_a_timer_trigger() -> None:
    """Its schedule is read when it is indexed."""
    assert parse({"type": "timerTrigger", "schedule": "00:01:00", "runOnStartup": True}).trigger == TimerTrigger(
        parse_schedule("00:01:00"), run_on_startup=True, connection="storage"
    )


@pytest.mark.parametrize(
    ("bindings", "reason"),
    [
        ([], "0 triggers"),
        ([{"type": "httpTrigger"}, {"type": "timerTrigger"}], "2 triggers"),
        ([{"type": "blobTrigger"}], "a trigger of type blobTrigger"),
        ([{"type": "httpTrigger"}, {"type": "queue"}], "the binding 'given' of type queue"),
        ([{"type": "httpTrigger"}, {"type": "http", "name": "answer"}], "the binding 'answer'"),
        ([{"type": "httpTrigger", "route": "{"}], "leaves a brace open"),
        ([{"type": "queueTrigger", "queueName": "%NONE%"}], "the app setting NONE"),
        ([{"type": "queueTrigger", "queueName": "q", "connection": "Other"}], "the app setting Other"),
        ([{"type": "timerTrigger", "schedule": "never"}], "needs six fields"),
    ],
)
def test_what_the_host_does_not_serve_is_said(bindings: list[dict[str, object]], reason: str) -> None:
    """The reason is what the log will say."""
    with pytest.raises(UnsupportedBinding, match=reason):
        parse(*bindings)
