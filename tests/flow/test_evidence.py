"""What an attempt left is believed only where it is proven."""

import hashlib

import pytest
from pydantic import SecretStr

from scan_core.flow import results
from scan_core.model.attempt import Artifact, AttemptError, AttemptErrorKind, Manifest
from scan_core.model.ids import AttemptNumber, ScanId
from scan_core.model.scan import ScanState
from scan_core.model.signing import signed
from scan_core.qscanner.exit_codes import error_of
from tests.flow.scripted_worker import CLEAN, VULNERABLE, Ending
from tests.flow.world import World

POLICIES = "mode: evaluate-policy\n"


def forget_results() -> None:
    """Empty the process's memory of results, as a restart does."""
    results._kept.clear()


def with_files(manifest: Manifest, sha256: str) -> Manifest:
    """The same manifest with another hash for its report."""
    files = tuple(
        file.model_copy(update={"sha256": sha256}) if file.name is Artifact.SARIF else file for file in manifest.files
    )
    return manifest.model_copy(update={"files": files})


UNBELIEVABLE = {
    "another attempt's manifest": (
        Ending(twist=lambda manifest: manifest.model_copy(update={"attempt": AttemptNumber(2)})),
        AttemptErrorKind.TAMPERED,
    ),
    "another scan's manifest": (
        Ending(twist=lambda manifest: manifest.model_copy(update={"scan_id": ScanId("0" * 40)})),
        AttemptErrorKind.TAMPERED,
    ),
    "a wrong signature": (
        Ending(sign=lambda manifest, _: signed(manifest, "00" * 32)),
        AttemptErrorKind.TAMPERED,
    ),
    "no signature": (Ending(sign=lambda manifest, _: manifest), AttemptErrorKind.TAMPERED),
    "a manifest changed after it was signed": (
        Ending(sign=lambda manifest, key: signed(manifest, key).model_copy(update={"exit_code": 43})),
        AttemptErrorKind.TAMPERED,
    ),
    "a report that differs from its hash": (
        Ending(VULNERABLE, twist=lambda manifest: with_files(manifest, hashlib.sha256(b"clean").hexdigest())),
        AttemptErrorKind.TAMPERED,
    ),
    "a report that was not uploaded": (Ending(withheld=frozenset({Artifact.SARIF})), AttemptErrorKind.TAMPERED),
    "no report": (Ending(None), AttemptErrorKind.REPORT_MISSING),
    "half a report": (Ending(b'{"version": "2.1.0", "runs": [{"tool"'), AttemptErrorKind.REPORT_UNREADABLE),
    "a report that is none": (Ending({"runs": []}), AttemptErrorKind.REPORT_UNREADABLE),
    "no inventory": (Ending(inventory=None), AttemptErrorKind.REPORT_MISSING),
    "an inventory that is none": (Ending(inventory=b"[1, 2"), AttemptErrorKind.REPORT_UNREADABLE),
    "no exit code": (Ending(exit_code=None), AttemptErrorKind.TAMPERED),
    "an incomplete run that claims to be none": (Ending(exit_code=40), AttemptErrorKind.INCOMPLETE),
    "an incomplete run": (Ending(None, exit_code=40, error=error_of(40)), AttemptErrorKind.INCOMPLETE),
}


@pytest.mark.parametrize("what", UNBELIEVABLE)
def test_what_is_not_proven_is_tried_again_and_never_clean(what: str, world: World) -> None:
    """The attempt fails, the next one is opened; nothing is judged."""
    ending, kind = UNBELIEVABLE[what]
    pull = world.proposed()
    gate = world.gated(pull)
    world.scanned(ending)
    scan = world.scan(gate)
    assert (scan.state, scan.current.number) == (ScanState.ACTIVE, 2)
    error = scan.attempts[0].error
    assert error is not None
    assert error.kind is kind
    assert world.gate(pull).decision is None
    assert world.states(pull) == ["pending"]


@pytest.mark.parametrize("body", [b"{}", b"not json", b" " * (1024 * 1024 + 1)], ids=["empty", "no json", "huge"])
def test_a_manifest_that_cannot_be_read_is_tried_again(body: bytes, world: World) -> None:
    """Whatever stands there, the app reads no more than a manifest can be."""
    pull = world.proposed()
    gate = world.gated(pull)
    message = world.claimed()
    path = f"{message.spec.scan_id}/1/manifest.json"
    world.storage.blobs.get_blob_client("scans", path).upload_blob(body)
    world.watch()
    error = world.scan(gate).attempts[0].error
    assert error is not None
    assert error.kind is AttemptErrorKind.TAMPERED


def test_a_report_that_is_too_large_is_not_read(world: World) -> None:
    """A worker that was taken over cannot fill the app's memory."""
    pull = world.proposed()
    gate = world.gated(pull)
    small = world.with_settings(artifact_limit_bytes=10)
    small.scanned()
    error = world.scan(gate).attempts[0].error
    assert error is not None
    assert (error.kind, "larger" in error.sentence) == (AttemptErrorKind.TAMPERED, True)


def test_after_three_attempts_that_prove_nothing_the_gate_is_an_error(world: World) -> None:
    """Fail closed, with the last attempt's reason."""
    pull = world.proposed()
    world.gated(pull)
    world.run_until_quiet(Ending(None, exit_code=40, error=error_of(40)))
    assert world.scan(world.gate(pull)).current.number == 3
    (_, last) = world.shown(pull)
    assert (last.state, "did not obtain the vulnerability report" in last.description) == ("error", True)


def test_errors_may_be_let_through_visibly(world: World) -> None:
    """Where the rules say so, and then the status says it too."""
    pull = world.proposed(rules="on_error: allow\n")
    world.gated(pull)
    world.run_until_quiet(Ending(None, exit_code=40, error=error_of(40)))
    (_, last) = world.shown(pull)
    assert (last.state, "allowed on error" in last.description) == ("succeeded", True)


@pytest.mark.parametrize("kind", [AttemptErrorKind.REPOSITORY_TOO_LARGE, AttemptErrorKind.COMMIT_GONE])
def test_what_cannot_end_better_is_an_error_at_once(kind: AttemptErrorKind, world: World) -> None:
    """No second attempt is made for it."""
    pull = world.proposed()
    world.gated(pull)
    world.scanned(Ending(None, None, error=AttemptError(kind=kind, sentence="The repository is too much.")))
    (_, last) = world.shown(pull)
    assert (last.state, "too much" in last.description) == ("error", True)


class TestPolicies:
    @pytest.mark.parametrize(
        ("rules", "exit_code", "state", "words"),
        [
            (POLICIES, 0, "succeeded", "policies allow"),
            (POLICIES, 42, "failed", "deny"),
            (POLICIES, 43, "succeeded", "AUDIT"),
            (POLICIES + "on_audit: fail\n", 43, "failed", "No Qualys policy matched"),
            ("on_audit: fail\n", 42, "failed", "deny"),
        ],
    )
    def test_decide_by_exit_code(self, rules: str, exit_code: int, state: str, words: str, world: World) -> None:
        """ALLOW, DENY and AUDIT, the last as the rules say."""
        pull = world.proposed(rules=rules)
        world.gated(pull)
        world.scanned(Ending(CLEAN, exit_code=exit_code))
        (_, last) = world.shown(pull)
        assert (last.state, words in last.description) == (state, True), last.description


class TestSecrets:
    def test_in_the_source_fail_the_gate(self, world: World) -> None:
        """They are read from the inventory, whose hash is in the manifest."""
        inventory = {"secrets": [{"type": "aws-key", "path": "config.py", "line": 3}]}
        pull = world.proposed()
        world.gated(pull)
        world.scanned(Ending(CLEAN, inventory=inventory))
        (_, last) = world.shown(pull)
        assert (last.state, "1 secret" in last.description) == ("failed", True)

    def test_need_no_inventory_where_nobody_looks_for_them(self, world: World) -> None:
        """A scan of packages alone has none."""
        pull = world.proposed(rules="scan_types: [pkg]\n")
        world.gated(pull)
        world.scanned(Ending(CLEAN, inventory=None))
        assert world.states(pull)[-1] == "succeeded"


class TestKeys:
    def test_both_live_keys_hold_while_they_are_replaced(self, world: World) -> None:
        """An attempt that was opened under the old key ends under the new one."""
        pull = world.proposed()
        world.gated(pull)
        old = world.services.settings.signing_keys[0]
        world.with_settings(signing_keys=(SecretStr("n" * 40), old)).scanned()
        assert world.states(pull)[-1] == "succeeded"

    def test_a_retired_key_does_not_hold(self, world: World) -> None:
        """Then the attempt is tried again."""
        pull = world.proposed()
        gate = world.gated(pull)
        world.with_settings(signing_keys=(SecretStr("n" * 40),)).scanned()
        assert world.scan(gate).current.number == 2


class TestStoredResults:
    def test_that_changed_since_they_were_concluded_are_an_error(self, world: World) -> None:
        """What is judged is what was proven, also for the next gate."""
        repo = world.repository()
        world.gated(repo.pull_request("topic"))
        message = world.scanned()
        forget_results()
        path = f"{message.spec.scan_id}/1/manifest.json"
        world.storage.blobs.get_blob_client("scans", path).upload_blob(b"{}", overwrite=True)
        second = repo.pull_request("topic", "release")
        world.gated(second)
        assert world.states(second) == ["error"]

    def test_are_read_once_for_many_gates(self, world: World) -> None:
        """And remembered for a few scans only."""
        forget_results()
        for _ in range(5):
            world.gated(world.proposed())
            world.scanned()
        assert len(results._kept) == 4
