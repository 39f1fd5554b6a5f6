"""The fetch step's first half: from the queue to one attempt that nobody else has."""

from datetime import timedelta

import pytest

from scan_core.model.attempt import FetchState
from scan_core.store.attempt_links import AttemptLinkClient, StorageUnreachable
from tests.worker.conftest import Bench, now, with_links
from tests.worker.repositories import Repository


class TestClaiming:
    def test_claims_the_attempt_and_takes_its_message_out_of_the_queue(
        self, bench: Bench, repository: Repository
    ) -> None:
        """A claim stands, and nobody else will get the message."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        assert bench.fetch("worker-7").state is FetchState.READY
        claim = bench.claim(message)
        assert claim is not None
        assert claim.execution == "worker-7"
        assert bench.waiting() == 0

    def test_finds_nothing_in_an_empty_queue(self, bench: Bench) -> None:
        """An empty queue is an ordinary end."""
        outcome = bench.fetch()
        assert (outcome.state, outcome.message, outcome.error) == (FetchState.NOTHING, None, None)
        assert bench.worker.read_outcome() == outcome

    def test_drops_a_message_whose_attempt_is_claimed_and_takes_the_next(
        self, bench: Bench, repository: Repository
    ) -> None:
        """A message delivered twice is worked on once."""
        spec = bench.spec(repository.commit({"a": b"1"}))
        twice = bench.message(spec)
        for _ in range(2):
            bench.queue(twice)
        following = bench.queue(bench.message(bench.spec(repository.commit({"a": b"2"}))))
        bench.fetch("worker-1")
        second = bench.fetch("worker-2")
        assert second.message is not None
        assert second.message.spec == following.spec
        assert bench.waiting() == 0
        claim = bench.claim(twice)
        assert claim is not None
        assert claim.execution == "worker-1"

    def test_leaves_alone_what_a_worker_claimed_that_then_died(self, bench: Bench, repository: Repository) -> None:
        """A death between claim and deletion brings the message back, and it is dropped."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        AttemptLinkClient().create_blob(
            message.links.claim, b'{"execution":"dead","claimed_at":"2026-01-01T00:00:00Z"}'
        )
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.waiting() == 0

    def test_goes_on_with_a_claim_of_its_own(self, bench: Bench, repository: Repository) -> None:
        """An execution that is started again after its claim, or never saw the answer to it, still has it."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        AttemptLinkClient().create_blob(
            message.links.claim, b'{"execution":"worker-1","claimed_at":"2026-01-01T00:00:00Z"}'
        )
        assert bench.fetch("worker-1").state is FetchState.READY

    def test_drops_a_message_behind_a_claim_that_nobody_can_read(self, bench: Bench, repository: Repository) -> None:
        """Whatever stands there is not ours."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        AttemptLinkClient().create_blob(message.links.claim, b"{")
        assert bench.fetch().state is FetchState.NOTHING

    @pytest.mark.parametrize("text", ["not base64 at all", "e30=", "", "//8="])
    def test_drops_garbage(self, bench: Bench, repository: Repository, text: str) -> None:
        """What is not an attempt goes, and what stands behind it is taken."""
        bench.storage.queues.get_queue_client("scan-attempts").send_message(text)
        bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        assert bench.fetch().state is FetchState.READY
        assert bench.waiting() == 0

    def test_drops_an_expired_attempt(self, bench: Bench) -> None:
        """Its links could do nothing any more."""
        message = bench.queue(bench.message(bench.spec("a" * 40), ends_in=timedelta(seconds=-1)))
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.waiting() == 0
        assert bench.claim(message) is None

    def test_drops_an_expired_attempt_whose_links_still_work(self, bench: Bench) -> None:
        """Whoever queued it has given it up by its own clock, whatever storage's clock says."""
        message = bench.message(bench.spec("a" * 40))
        bench.queue(message.model_copy(update={"expires_at": message.expires_at - timedelta(hours=2)}))
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.claim(message) is None

    def test_drops_an_attempt_whose_links_do_not_work(self, bench: Bench) -> None:
        """A link that storage refuses will be refused for every other worker too."""
        message = bench.message(bench.spec("a" * 40))
        bench.queue(with_links(message, cancel=message.links.cancel[:-12]))
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.waiting() == 0

    def test_drops_an_attempt_that_was_cancelled_before(self, bench: Bench) -> None:
        """Nobody waits for it; it leaves no claim."""
        message = bench.queue(bench.message(bench.spec("a" * 40)))
        bench.cancel(message)
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.claim(message) is None
        assert bench.waiting() == 0

    def test_leaves_the_message_where_storage_refuses_the_queue(self, bench: Bench) -> None:
        """A wrong link to the queue is an end without an attempt, not a crash."""
        bench.queue(bench.message(bench.spec("a" * 40)))
        wrong = bench.fetch_variables()["SCANGATE_ATTEMPTS_QUEUE"][:-12]
        assert bench.fetch(SCANGATE_ATTEMPTS_QUEUE=wrong).state is FetchState.NOTHING
        assert bench.waiting() == 1

    @pytest.mark.parametrize("claimed_before", [False, True])
    def test_a_message_that_cannot_be_deleted(
        self, bench: Bench, repository: Repository, monkeypatch: pytest.MonkeyPatch, claimed_before: bool
    ) -> None:
        """Whoever has the claim goes on; whoever has not leaves the rest to another worker."""
        message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
        if claimed_before:
            AttemptLinkClient().create_blob(message.links.claim, b"{}")

        def refuse(*_: object) -> None:
            raise StorageUnreachable("gone")

        monkeypatch.setattr(AttemptLinkClient, "delete_message", refuse)
        assert bench.fetch().state is (FetchState.NOTHING if claimed_before else FetchState.READY)

    def test_a_queue_that_never_ends_is_left_in_time(
        self, bench: Bench, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A worker looks at a bounded number of messages."""
        monkeypatch.setattr("scan_core.worker.claim._MOST_MESSAGES", 2)
        for _ in range(3):
            bench.storage.queues.get_queue_client("scan-attempts").send_message("garbage")
        assert bench.fetch().state is FetchState.NOTHING
        assert bench.waiting() == 1

    def test_survives_an_unforeseen_failure_before_the_claim(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Even a bug leaves an outcome for the scan step."""

        def broken(*_: object) -> None:
            raise RuntimeError("?")

        monkeypatch.setattr("scan_core.worker.fetch.claim_next", broken)
        assert bench.fetch().state is FetchState.NOTHING


def test_a_claim_is_dated(bench: Bench, repository: Repository) -> None:
    """The claim says when it was made, which the clocks of the flow count from."""
    before = now()
    message = bench.queue(bench.message(bench.spec(repository.commit({"a": b"1"}))))
    bench.fetch()
    claim = bench.claim(message)
    assert claim is not None
    assert before <= claim.claimed_at <= now()
