"""How the scan step ends where the scanner is not what matters: nothing to do, a stop, storage that fails."""

from datetime import timedelta
from pathlib import Path

import pytest

from scan_core.model.attempt import Artifact, AttemptError, AttemptErrorKind, FetchOutcome, FetchState
from scan_core.worker.fetch import without_claim
from scan_core.worker.stopping import CANCELLED, TOLD_TO_END, StopSign
from tests.worker.conftest import Bench, StopWhen, now, with_links

COMMIT = "a" * 40


class TestOtherEnds:
    def test_nothing_to_do(self, bench: Bench) -> None:
        """Where the fetch step found nothing, the scan step ends without a word."""
        outcome = FetchOutcome(state=FetchState.NOTHING, execution="w", started_at=now(), finished_at=now())
        bench.worker.write_outcome(outcome)
        assert bench.scan() == 0
        assert bench.announced() == []

    @pytest.mark.parametrize("content", [None, "{", "{}"])
    def test_a_fetch_step_that_left_nothing_readable(self, bench: Bench, content: str | None) -> None:
        """Without links nothing can be reported; the exit code says so."""
        if content is not None:
            bench.worker.outcome.write_text(content)
        assert bench.scan() == 1

    def test_a_failed_fetch_is_reported_like_any_other_end(self, bench: Bench) -> None:
        """The scan step alone writes the manifest."""
        message = bench.message(bench.spec(COMMIT))
        error = AttemptError(kind=AttemptErrorKind.COMMIT_GONE, sentence="Gone.")
        handed = without_claim(message)
        bench.worker.write_outcome(
            FetchOutcome(
                state=FetchState.FAILED, execution="w", started_at=now(), finished_at=now(), message=handed, error=error
            )
        )
        assert bench.scan() == 0
        manifest = bench.manifest(message)
        assert (manifest.error, manifest.exit_code, manifest.fetched_at, manifest.files) == (error, None, None, ())
        assert len(bench.announced()) == 1

    def test_cancelled_before_it_starts(self, bench: Bench, tmp_path: Path) -> None:
        """The scanner is not even started."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        bench.scanner(f"touch {tmp_path / 'mark'}\n")
        bench.cancel(message)
        assert bench.scan() == 0
        assert bench.manifest(message).error == CANCELLED
        assert not (tmp_path / "mark").exists()

    def test_cancelled_while_it_runs(self, bench: Bench, tmp_path: Path) -> None:
        """The cancel is seen at a heartbeat, the scanner is stopped, and the end is still reported."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        mark = tmp_path / "mark"
        bench.scanner(f"touch {mark}; sleep 600\n")
        stop = StopWhen(mark.exists, lambda: bench.cancel(message))
        assert bench.scan(stop=stop) == 0
        manifest = bench.manifest(message)
        assert (manifest.error, manifest.exit_code) == (CANCELLED, None)
        assert len(bench.announced()) == 1

    def test_told_to_end(self, bench: Bench) -> None:
        """A worker that is told to end reports its attempt as one to try again."""
        message = bench.ready(bench.message(bench.spec(COMMIT)))
        stop = StopSign()
        stop.ask(TOLD_TO_END)
        assert bench.scan(stop=stop) == 0
        assert bench.manifest(message).error == TOLD_TO_END


class TestStorageFailures:
    def test_expired_links(self, bench: Bench) -> None:
        """Nothing can be reported; the exit code says so, and nothing of the source stays."""
        message = bench.ready(bench.message(bench.spec(COMMIT), ends_in=timedelta(seconds=-1)))
        bench.scanner()
        assert bench.scan() == 1
        assert bench.blob(message, Artifact.MANIFEST) is None
        assert not bench.worker.source.exists()

    def test_a_message_that_cannot_be_sent_is_not_needed(self, bench: Bench) -> None:
        """The manifest is found without it."""
        message = bench.message(bench.spec(COMMIT))
        bench.ready(with_links(message, results=message.links.results[:-12]))
        bench.scanner()
        assert bench.scan() == 0
        assert bench.manifest(message).error is None
        assert bench.announced() == []

    def test_a_heartbeat_that_cannot_be_written_does_not_stop_the_scan(self, bench: Bench) -> None:
        """Nor does a cancel that cannot be read."""
        message = bench.message(bench.spec(COMMIT))
        broken = {name: getattr(message.links, name)[:-12] for name in ("heartbeat", "cancel")}
        bench.ready(with_links(message, **broken))
        bench.scanner()
        assert bench.scan() == 0
        assert bench.manifest(message).error is None

    def test_a_manifest_of_another_attempt_cannot_be_written(self, bench: Bench) -> None:
        """A link is good for its own blob alone."""
        mine, other = (bench.message(bench.spec(COMMIT)) for _ in range(2))
        path, _, query = mine.links.artifacts[Artifact.MANIFEST].partition("?")
        theirs = path.replace(mine.spec.scan_id, other.spec.scan_id)
        bench.ready(with_links(mine, artifacts={**mine.links.artifacts, Artifact.MANIFEST: f"{theirs}?{query}"}))
        bench.scanner()
        assert bench.scan() == 1
        assert bench.blob(other, Artifact.MANIFEST) is None
