"""Whatever stands in a rules file is read or refused in words; nothing else is thrown, nothing takes long or grows."""

from typing import Any

import pytest
import yaml

from scan_core.model.rules import Rules
from scan_core.rules.keys import KEYS
from scan_core.rules.rules_file import RulesUnreadable, read_rules
from tests.faults.schedules import Record, wanted
from tests.faults.seeds import Choice, choice
from tests.fuzz.mutations import Mutator
from tests.fuzz.running import feed

FEW, MANY, EVERYTHING = 400, 25_000, 250_000
LONGEST_SENTENCE = 4000
DOCUMENTS: tuple[Any, ...] = (
    {"max_critical": 0, "max_high": 3, "max_medium": -1, "max_secrets": 0},
    {"fail_on_severity": "high", "on_error": "allow", "drafts": "wait"},
    {"mode": "evaluate-policy", "policy_tags": ["one", "two"], "on_audit": "fail"},
    {"scan_types": ["pkg", "secret"], "exclude_dirs": ["vendor", "docs/**"], "exclude_files": ["*.lock"]},
    {"enabled": False},
    {"on_nothing": "allow", "branches": ["release/*", "hotfix"], "platforms": ["linux/amd64", "linux/arm/v7"]},
    {
        "images": [
            "contoso.azurecr.io/app:$(Build.BuildId)",
            {"image": "localhost:5000/a/b:1", "pipeline": 7, "platforms": ["linux/arm64"]},
            {"image": "contoso.azurecr.io/web:$(build.buildid)-x", "pipeline": "release web"},
        ]
    },
    {},
)


def read(mutator: Mutator, number: int) -> str:
    """Read one case."""
    defaults = Rules()
    try:
        rules = read_rules(mutator.case(number), defaults)
    except RulesUnreadable as unreadable:
        return _refused(unreadable.sentence)
    assert Rules.model_validate_json(rules.model_dump_json()) == rules
    return "as the defaults" if rules == defaults else "read"


def _refused(sentence: str) -> str:
    assert 0 < len(sentence) < LONGEST_SENTENCE
    assert sentence.isprintable(), sentence
    return "refused"


def fuzz(chosen: Choice, cases: int) -> dict[str, int]:
    """Read cases, or the one that was asked for."""
    name = wanted(chosen, "rules")
    mutator = Mutator(chosen.seed, DOCUMENTS, lambda document: yaml.safe_dump(document).encode(errors="surrogatepass"))
    numbers = range(cases) if name is None else range(int(name), int(name) + 1)
    became = feed(chosen, "rules", numbers, lambda number: read(mutator, number))
    if name is None:
        assert became.keys() == {"refused", "read", "as the defaults"}
    return became


def test_hundreds_of_rules_files() -> None:
    """The same ones every time."""
    fuzz(Choice(seed=1, everything=False, only=None), FEW)


@pytest.mark.faults
def test_thousands_of_rules_files(record_property: Record) -> None:
    """Other ones every time, by the seed."""
    chosen = choice()
    record_property("cases of rules", sum(fuzz(chosen, EVERYTHING if chosen.everything else MANY).values()))


def test_every_key_is_in_some_document() -> None:
    """A new key is fuzzed as well."""
    named = {name for document in DOCUMENTS for name in document}
    assert {key for key in KEYS if not key.startswith("max_")} <= named
