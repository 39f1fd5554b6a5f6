"""The documents say what the code does: names in them exist, and names that operators meet are in them."""

import re
from pathlib import Path

import pytest

from scan_core.model.attempt import AttemptErrorKind
from scan_core.model.gate import GateState
from scan_core.model.rules import Rules, Thresholds
from scan_core.settings.deployment import Settings
from scan_core.settings.organisation import OrganisationSettings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def emitted() -> set[str]:
    """Return the names of all events that the code emits."""
    sources = [*(ROOT / "scan_core").rglob("*.py"), ROOT / "function_app.py"]
    return {name for file in sources for name in re.findall(r'\bemit\(\s*"([a-z_]+)"', file.read_text())}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """A file that was moved takes its links along."""
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (document.parent / link).exists()] == []


def test_every_event_is_explained_to_operators() -> None:
    """What stands in the log can be looked up."""
    assert {name for name in emitted() if f"`{name}`" not in OPERATIONS} == set()


def test_every_kind_of_failed_attempt_is_explained_to_operators() -> None:
    """Where the cause is the repository's or the deployment's, there is something to do."""
    kinds = {kind.value for kind in AttemptErrorKind} - {AttemptErrorKind.CANCELLED.value}
    assert {kind for kind in kinds if f"`{kind}`" not in OPERATIONS} == set()


def test_every_state_of_a_gate_is_explained_to_operators() -> None:
    """With what the pull request shows meanwhile."""
    assert {state.value for state in GateState if f"| `{state}` |" not in OPERATIONS} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_settings_are_called_by_their_names(document: Path) -> None:
    """A document names no setting that does not exist. A worker's own environment has two more."""
    own = {"SCANGATE_QSCANNER", "SCANGATE_REGISTRIES"}
    known = {f"SCANGATE_{name.upper()}" for name in Settings.model_fields} | own
    named = set(re.findall(r"\bSCANGATE_[A-Z_]*[A-Z]\b", document.read_text()))
    assert named <= known


def test_every_key_of_the_rules_file_is_documented() -> None:
    """With the name it has in the file."""
    text = (ROOT / "docs" / "rules.md").read_text()
    keys = (Rules.model_fields.keys() - {"thresholds"}) | Thresholds.model_fields.keys()
    assert {key for key in keys if f"`{key}`" not in text} == set()


def test_secrets_that_can_be_rotated_are_lists_of_one_or_two() -> None:
    """What operations.md says about replacing a secret holds for both kinds."""
    for field in (Settings.model_fields["signing_keys"], OrganisationSettings.model_fields["hook_secrets"]):
        assert any(getattr(limit, "max_length", None) == 2 for limit in field.metadata), field
