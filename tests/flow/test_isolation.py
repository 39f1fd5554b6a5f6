"""What a scanner that was taken over can do with what its attempt was given, and what it cannot."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qs, urlsplit, urlunsplit

import pytest

from scan_core.flow import results
from scan_core.model.attempt import Artifact, AttemptErrorKind, AttemptLinks, AttemptMessage, ResultMessage
from scan_core.model.ids import AttemptNumber
from scan_core.store.attempt_links import AttemptLinkClient, StorageFailed, StorageRefused
from tests.flow.scripted_worker import CLEAN, VULNERABLE, Ending
from tests.flow.world import World

thief = AttemptLinkClient(deadline_seconds=0)


def two_attempts(world: World) -> tuple[AttemptMessage, AttemptMessage]:
    """Two attempts for two pull requests, both claimed: the first has been taken over, the second has not."""
    messages = []
    for branch in ("topic", "other"):
        world.gated(world.repository().pull_request(branch))
        messages.append(world.claimed())
    return messages[0], messages[1]


def blob_links(links: AttemptLinks) -> dict[str, str]:
    """All links to blobs, by name."""
    artifacts = {str(name): link for name, link in links.artifacts.items()}
    return {"claim": links.claim, "cancel": links.cancel, "heartbeat": links.heartbeat, **artifacts}


def moved(link: str, other: str) -> str:
    """The address of one link with the signature of another."""
    return urlunsplit(urlsplit(other)._replace(query=urlsplit(link).query))


def queue(link: str, name: str) -> str:
    """A link to a queue, turned to another queue."""
    parts = urlsplit(link)
    return urlunsplit(parts._replace(path=parts.path.replace("scan-results", name)))


def permissions(link: str) -> tuple[str, str]:
    """What a link is for, and what it allows (Azure Storage, "Create a service SAS": ``sr``, ``sp``)."""
    query = parse_qs(urlsplit(link).query)
    return query.get("sr", ["queue"])[0], "".join(sorted(query["sp"][0]))


def taken_over(world: World, message: AttemptMessage, victim: AttemptMessage, ending: Ending) -> ResultMessage:
    """Write the end of another's attempt with the key of one's own, as if storage had let it happen."""
    forged = victim.model_copy(update={"secret": message.secret})
    return world.worker.leave(forged, ending)


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    results._kept.clear()
    yield
    results._kept.clear()


class TestLinks:
    def test_each_is_for_one_thing_and_ends_with_the_attempt(self, world: World) -> None:
        """One blob or one queue each; nothing can be deleted, listed or written twice but the heartbeat."""
        world.gated(world.proposed())
        message = world.claimed()
        allowed = {name: permissions(link) for name, link in blob_links(message.links).items()}
        expected = dict.fromkeys(["claim", *Artifact], ("b", "cr")) | {"cancel": ("b", "r"), "heartbeat": ("b", "cw")}
        assert allowed == expected
        assert permissions(message.links.results) == ("queue", "a")
        ends = {
            parse_qs(urlsplit(link).query)["se"][0]
            for link in (*blob_links(message.links).values(), message.links.results)
        }
        assert ends == {message.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def test_an_expired_one_is_refused_whatever_it_was_for(self, world: World) -> None:
        """Reading, creating, writing, adding."""
        world.gated(world.proposed())
        spec = world.claimed().spec
        ended = datetime.now(UTC) - timedelta(minutes=1)
        results_link = world.services.queues.results_link(ended)
        links = world.services.attempts.links(spec.scan_id, AttemptNumber(spec.attempt), results_link, ended)
        tries: list[Callable[[], object]] = [
            partial(thief.add_message, links.results, "{}"),
            partial(thief.read_blob, links.cancel),
            partial(thief.write_blob, links.heartbeat, b"{}"),
            *(partial(thief.create_blob, url, b"{}") for url in (links.claim, *links.artifacts.values())),
        ]
        for tried in tries:
            with pytest.raises(StorageRefused) as refused:
                tried()
            assert refused.value.status == 403

    def test_none_opens_another_attempt(self, world: World) -> None:
        """Neither its documents nor its heartbeat, to read or to write."""
        message, victim = two_attempts(world)
        theirs = blob_links(victim.links)
        for name, link in blob_links(message.links).items():
            stolen = moved(link, theirs[name])
            with pytest.raises(StorageRefused):
                thief.read_blob(stolen)
            for write in (thief.create_blob, thief.write_blob):
                with pytest.raises(StorageRefused):
                    write(stolen, b"{}")

    def test_the_one_to_a_queue_adds_to_that_queue_alone(self, world: World) -> None:
        """What others said cannot be read or taken away, and no work can be asked for."""
        message, _ = two_attempts(world)
        link = message.links.results
        for other in ("scan-requests", "scan-attempts"):
            with pytest.raises(StorageRefused):
                thief.add_message(queue(link, other), "{}")
        with pytest.raises(StorageRefused):
            thief.receive_message(link, 1)


class TestOtherAttempts:
    def test_are_not_ended_by_a_message(self, world: World) -> None:
        """The message is a hint; nothing stands behind it."""
        message, victim = two_attempts(world)
        world.worker.announce(
            message, ResultMessage(scan_id=victim.spec.scan_id, attempt=AttemptNumber(victim.spec.attempt))
        )
        world.receive_results()
        world.take_results()
        scan = world.services.scans.read(victim.spec.scan_id)
        assert scan is not None
        assert scan.value.attempts[-1].error is None
        assert scan.value.conclusion is None

    def test_are_not_ended_by_a_manifest_with_ones_own_key(self, world: World) -> None:
        """Even if it could be put there: each attempt has a key of its own."""
        message, victim = two_attempts(world)
        world.results.append(taken_over(world, message, victim, Ending(CLEAN)))
        world.take_results()
        scan = world.services.scans.read(victim.spec.scan_id)
        assert scan is not None
        error = scan.value.attempts[0].error
        assert error is not None
        assert error.kind is AttemptErrorKind.TAMPERED
        assert scan.value.conclusion is None


class TestFinishedAttempts:
    def test_cannot_be_changed_by_their_own_links(self, world: World) -> None:
        """A verdict's evidence stays what it was; what was there cannot be replaced, and a heartbeat is no evidence."""
        pull = world.proposed()
        world.gated(pull)
        message = world.scanned(Ending(VULNERABLE))
        for artifact in (Artifact.SARIF, Artifact.INVENTORY, Artifact.MANIFEST):
            link = message.links.artifacts[artifact]
            for act in (thief.create_blob, thief.write_blob):
                with pytest.raises(StorageFailed):
                    act(link, b"{}")
        thief.create_blob(message.links.artifacts[Artifact.SPDX], b"{}")  # was not left, and is in no manifest
        world.worker.announce(message, ResultMessage(scan_id=message.spec.scan_id, attempt=AttemptNumber(1)))
        world.receive_results()
        world.take_results()
        assert world.states(pull) == ["pending", "failed"]

    def test_whose_report_was_replaced_are_not_believed_again(self, world: World) -> None:
        """By somebody who may write to storage: the next gate that would share the result is an error."""
        repo = world.repository()
        world.gated(repo.pull_request("topic"))
        message = world.scanned(Ending(VULNERABLE))
        results._kept.clear()
        path = f"{message.spec.scan_id}/1/{Artifact.SARIF}"
        world.storage.blobs.get_blob_client("scans", path).upload_blob(b'{"runs": []}', overwrite=True)
        second = repo.pull_request("topic", "release")
        world.gated(second)
        assert world.states(second) == ["error"]
