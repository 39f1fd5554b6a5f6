"""``scangate poison``: what was put aside is listed, and sent again."""

import json

import pytest
from azure.core.exceptions import ServiceRequestError
from typer.testing import CliRunner

from scan_core.cli.main import app
from scan_core.model.request import LookRequest, RequestMessage
from scan_core.store.connection import Storage
from scan_core.store.poison import PoisonQueue, PoisonStore
from tests.builders import NOON, a_pull_request
from tests.wired import configured, unconfigured

__all__ = ["configured", "unconfigured"]

run = CliRunner().invoke


@pytest.fixture
def poison(configured: pytest.MonkeyPatch, storage: Storage) -> PoisonStore:
    """An empty shelf."""
    store = PoisonStore(storage)
    for message in store.kept():
        store.forget(message)
    return store


def put_aside(poison: PoisonStore) -> str:
    """Put a request aside, and give its id."""
    request = LookRequest(request_id="r", of=a_pull_request(), accepted_at=NOON)
    return poison.keep(PoisonQueue.REQUESTS, RequestMessage.dump_json(request), NOON).message_id


def in_queue(storage: Storage) -> int:
    """Count the requests that wait."""
    return len(storage.queues.get_queue_client("scan-requests").peek_messages(32))


class TestList:
    def test_says_where_there_is_nothing(self, poison: PoisonStore) -> None:
        """In words, and as an empty list."""
        assert run(app, ["poison", "list"]).stdout.strip() == "Nothing was put aside."
        assert json.loads(run(app, ["poison", "list", "--json"]).stdout) == []

    def test_shows_a_table_that_fits(self, poison: PoisonStore) -> None:
        """What, when, how often."""
        name = put_aside(poison)
        put_aside(poison)
        done = run(app, ["poison", "list"])
        assert done.exit_code == 0
        assert name in done.stdout
        assert "pull request 7" in " ".join(done.stdout.split())
        assert max(len(line) for line in done.stdout.splitlines()) <= 100

    def test_gives_it_to_machines(self, poison: PoisonStore) -> None:
        """With every time, and without the message itself."""
        name = put_aside(poison)
        (item,) = json.loads(run(app, ["poison", "list", "--json"]).stdout)
        assert (item["id"], item["queue"], item["times"], item["handled"]) == (name, "scan-requests", 1, True)
        assert item["first_at"] == item["last_at"] == NOON.isoformat()
        assert set(item) == {
            *("id", "queue", "about", "readable", "handled", "times", "first_at", "last_at", "gates"),
        }

    def test_says_where_storage_does_not_answer(self, poison: PoisonStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """In one line."""

        def refuse(_: PoisonStore) -> None:
            raise ServiceRequestError("no route to storage")

        monkeypatch.setattr(PoisonStore, "kept", refuse)
        done = run(app, ["poison", "list"])
        assert (done.exit_code, done.stderr.startswith("Storage cannot be read")) == (2, True)

    def test_says_where_the_connection_is_none(self, configured: pytest.MonkeyPatch) -> None:
        """By the setting's name."""
        configured.setenv("SCANGATE_STORAGE_CONNECTION", "UseDevelopmentStorage=true")
        done = run(app, ["poison", "list"])
        assert (done.exit_code, "SCANGATE_STORAGE_CONNECTION" in done.stderr) == (2, True)


class TestReplay:
    def test_sends_one(self, poison: PoisonStore, storage: Storage) -> None:
        """And leaves the others."""
        first, _ = put_aside(poison), put_aside(poison)
        done = run(app, ["poison", "replay", "--id", first])
        assert (done.exit_code, f"{first}: sent again" in done.stdout) == (0, True)
        assert in_queue(storage) == 1
        assert [message.message_id for message in poison.kept()] != [first]
        assert len(poison.kept()) == 1

    def test_sends_all_that_can_be_read(self, poison: PoisonStore, storage: Storage) -> None:
        """What cannot stays, which is a failure."""
        put_aside(poison)
        unreadable = poison.keep(PoisonQueue.RESULTS, b"{", NOON).message_id
        done = run(app, ["poison", "replay", "--all", "--json"])
        assert done.exit_code == 1
        problems = {item["id"]: item["problem"] for item in json.loads(done.stdout)}
        assert len(problems) == 2
        assert "--force" in problems[unreadable]
        assert [message.message_id for message in poison.kept()] == [unreadable]
        assert run(app, ["poison", "replay", "--id", unreadable, "--force"]).exit_code == 0
        assert poison.kept() == []

    def test_leaves_what_storage_does_not_take(self, poison: PoisonStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """It can be sent again later."""

        def refuse(*_: object) -> None:
            raise ServiceRequestError("no route to storage")

        name = put_aside(poison)
        monkeypatch.setattr(PoisonStore, "resend", refuse)
        done = run(app, ["poison", "replay", "--id", name])
        assert (done.exit_code, "storage refused" in done.stdout) == (1, True)
        assert len(poison.kept()) == 1

    @pytest.mark.parametrize("arguments", [[], ["--all", "--id", "x"]])
    def test_asks_which(self, arguments: list[str], poison: PoisonStore) -> None:
        """Neither nothing nor both."""
        done = run(app, ["poison", "replay", *arguments])
        assert (done.exit_code, "--all" in done.stderr) == (2, True)

    def test_does_not_guess(self, poison: PoisonStore) -> None:
        """An id that is not there is named."""
        put_aside(poison)
        done = run(app, ["poison", "replay", "--id", "nothing"])
        assert (done.exit_code, "nothing" in done.stderr) == (2, True)
        assert len(poison.kept()) == 1
