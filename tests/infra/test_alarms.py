"""Alarms and the workbook read what the code logs: events, fields and kinds of failure have the same names."""

import ast
import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from scan_core.model.attempt import AttemptErrorKind
from tests.infra.bicep_text import INFRA, bicep_file, items, literal, properties

ROOT = INFRA.parent
DOCUMENT = (ROOT / "docs" / "infrastructure.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


class Query(NamedTuple):
    """A query in KQL, and where it stands."""

    name: str
    text: str


def alarm_queries() -> list[Query]:
    """Return the queries of the alarms."""
    return [Query(file.stem, file.read_text()) for file in sorted((INFRA / "queries").glob("*.kql"))]


def workbook_queries() -> list[Query]:
    """Return the queries of the workbook."""
    workbook = json.loads((INFRA / "workbook.json").read_text())
    return [Query(item["name"], item["content"]["query"]) for item in workbook["items"] if item["type"] == 3]


@cache
def emitted() -> dict[str, set[str]]:
    """Return every event that the code emits, with the fields it carries."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in [*(ROOT / "scan_core").rglob("*.py"), ROOT / "function_app.py"]:
        for call in ast.walk(ast.parse(file.read_text())):
            if is_emit(call) and isinstance(call, ast.Call) and isinstance(call.args[0], ast.Constant):
                found[str(call.args[0].value)] |= {keyword.arg for keyword in call.keywords if keyword.arg}
    return found


def is_emit(node: ast.AST) -> bool:
    """Tell whether a node is a call of `emit` with arguments."""
    if not isinstance(node, ast.Call) or not node.args:
        return False
    called = node.func
    return (called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")) == "emit"


def events_of(query: str) -> set[str]:
    """Return the events that a query names."""
    compared = re.findall(r"(?:tostring\(entry\.event\)|\bevent) (?:==|!=|in) (\([^)]*\)|'[^']*')", query)
    return {name for group in compared for name in re.findall(r"'([a-z_]+)'", group)}


def fields_of(query: str) -> set[str]:
    """Return the fields that a query reads."""
    return set(re.findall(r"\bentry\.(\w+)", query)) - {"event"}


def kinds_of(query: str) -> set[str]:
    """Return the kinds of failed attempts that a query names."""
    compared = re.findall(r"entry\.kind\)? !?(?:in|==) \(?([^)|\n]*)", query)
    return {name for group in compared for name in re.findall(r"'([a-z_]+)'", group)}


every_query = pytest.mark.parametrize("query", [*alarm_queries(), *workbook_queries()], ids=lambda query: query.name)


@every_query
def test_queries_name_events_that_the_code_emits(query: Query) -> None:
    """An event that was renamed would silence its alarm."""
    events = events_of(query.text)
    assert events
    assert events <= emitted().keys()


@every_query
def test_queries_read_fields_that_their_events_carry(query: Query) -> None:
    """A field that no event has is always empty."""
    carried = set().union(*(emitted()[event] for event in events_of(query.text)))
    assert fields_of(query.text) <= carried


@every_query
def test_queries_name_kinds_of_failure_that_exist(query: Query) -> None:
    """Only those of attempts; kinds of other errors are shown, never chosen."""
    assert kinds_of(query.text) <= {kind.value for kind in AttemptErrorKind}


def test_every_query_belongs_to_an_alarm_that_compares_its_measure() -> None:
    """A file that nothing loads would watch over nothing."""
    loaded = re.findall(r"loadTextContent\('\.\./queries/([a-z-]+)\.kql'\)", bicep_file("alarms.bicep").source)
    assert sorted(loaded) == [query.name for query in alarm_queries()]
    assert all(re.search(r"\bmeasure = ", query.text) for query in alarm_queries())


def test_alarms_are_named_after_their_queries_and_stand_in_the_document() -> None:
    """With the events they are fed by."""
    alarms = [properties(item) for item in items(bicep_file("alarms.bicep").get("alarms").rest.partition("=")[2])]
    for alarm in alarms:
        assert f"queries/{literal(alarm['name'])}.kql" in alarm["query"]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|[^|]*\| (.*) \|$", DOCUMENT, re.MULTILINE))
    assert {name: set(re.findall(r"`(\w+)`", events)) for name, events in rows.items()} == {
        query.name: events_of(query.text) for query in alarm_queries()
    }


def test_whoever_is_told_of_an_alarm_finds_what_to_do() -> None:
    """Each has its row in the document for operators, which says when it has to do with a part of that document."""
    section = OPERATIONS.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", section, re.MULTILINE))
    assert sorted(told) == [query.name for query in alarm_queries()]
    headings = set(re.findall(r"^##+ (.*)$", OPERATIONS, re.MULTILINE))
    named = {"Clocks", "When Azure DevOps has trouble", "Kinds of failed attempts"}
    assert named <= headings
    assert all(any(heading in text for text in told.values()) for heading in named)


def test_what_operators_are_told_to_watch_has_an_alarm_or_a_chart() -> None:
    """Poison, deadlines, lost attempts, silence, settings, statuses, pauses and checks are all there."""
    watched = set().union(*(events_of(query.text) for query in alarm_queries()))
    assert {
        "attempt_failed",
        "check_not_answered",
        "devops_held",
        "gate_decided",
        "hook_on_probation",
        "hook_received",
        "message_poisoned",
        "verdict_not_reported",
        "watched",
    } <= watched


def test_the_workbook_shows_what_is_asked_of_it() -> None:
    """Gates by kind and state, time to verdict, the age of what waits, top findings, images."""
    charts = {query.name: query.text for query in workbook_queries()}
    assert {"gates-by-state", "time-to-verdict", "queue-age", "top-findings", "images"} <= charts.keys()
    assert "by kind, state" in charts["gates-by-state"]


def test_the_workbook_is_whole() -> None:
    """Every chart follows the chosen time and reads the workspace of this deployment."""
    workbook = json.loads((INFRA / "workbook.json").read_text())
    charts = [item["content"] for item in workbook["items"] if item["type"] == 3]
    assert charts
    assert {chart["timeContextFromParameter"] for chart in charts} == {"TimeRange"}
    assert workbook["fallbackResourceIds"] == ["{workspace-id}"]
    assert "'{workspace-id}'" in bicep_file("workbook.bicep").source


def test_the_reader_of_emitted_events_sees_calls_however_they_are_written(tmp_path: Path) -> None:
    """By name, as an attribute, in a lambda; and nothing else."""
    source = 'emit("a", x=1)\ntelemetry.emit("b")\nf = lambda r: emit("c", y=r)\nprint("d")\nemit()\n'
    calls = [node for node in ast.walk(ast.parse(source)) if is_emit(node)]
    assert len(calls) == 3
