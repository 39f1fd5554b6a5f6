"""Azurite as a child of this process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.storage import account, azurite


def ended(pid: int, seconds: float = 20.0) -> bool:
    """Wait until a process that is not our child has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{pid}/stat")
        if stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def write(connection: str) -> None:
    """Put something into each of the three services."""
    with BlobServiceClient.from_connection_string(connection) as blobs:
        blobs.create_container("kept").upload_blob("name", b"content")
    with QueueServiceClient.from_connection_string(connection) as queues:
        queues.create_queue("kept").send_message("content")
    with TableServiceClient.from_connection_string(connection) as tables:
        tables.create_table("kept").create_entity({"PartitionKey": "p", "RowKey": "r"})


def read(connection: str) -> tuple[bytes, str, str]:
    """Read what `write` wrote."""
    with BlobServiceClient.from_connection_string(connection) as blobs:
        blob = blobs.get_blob_client("kept", "name").download_blob().readall()
    with QueueServiceClient.from_connection_string(connection) as queues:
        [message] = queues.get_queue_client("kept").peek_messages()
    with TableServiceClient.from_connection_string(connection) as tables:
        [row] = tables.get_table_client("kept").list_entities()
    return blob, str(message.content), str(row["RowKey"])


class TestServing:
    def test_all_three_services_work_in_memory(self) -> None:
        """With an account and a key of their own, on ports that the system chose."""
        with azurite.start(None) as one, azurite.start(None) as other:
            write(one.connection_string)
            assert read(one.connection_string) == (b"content", "content", "r")
            assert one.account.key != other.account.key
            ports = {*vars_of(one), *vars_of(other)}
            assert len(ports) == 6

    def test_a_folder_is_served_again_as_it_was(self, tmp_path: Path) -> None:
        """After a stop, the same address, account and key lead to the same content."""
        folder = tmp_path / "made" / "when missing"
        with azurite.start(folder) as first:
            write(first.connection_string)
        with azurite.start(folder) as second:
            assert second.connection_string == first.connection_string
            assert read(second.connection_string) == (b"content", "content", "r")

    def test_ports_can_be_chosen_one_by_one(self, tmp_path: Path) -> None:
        """A port that is not chosen stays the one that was remembered."""
        with azurite.start(tmp_path) as first:
            old = first.account.ports
        with azurite.start(None) as other:
            free = other.account.ports.blob
        with azurite.start(tmp_path, account.Ports(blob=free)) as second:
            assert second.account.ports == account.Ports(free, old.queue, old.table)

    def test_the_key_is_readable_by_its_owner_alone(self, tmp_path: Path) -> None:
        """The file with the key is nobody else's."""
        account.remember(tmp_path, account.Account.new(account.Ports(1, 2, 3)))
        assert (tmp_path / account.ACCOUNT_FILE).stat().st_mode & 0o777 == 0o600


class TestEnding:
    def test_a_stopped_one_ends_well(self) -> None:
        """It saves and ends by itself, and stopping it twice does nothing more."""
        running = azurite.start(None)
        running.stop()
        running.stop()
        assert running.process.returncode == 0

    def test_a_killed_one_leaves_its_folder_usable(self, tmp_path: Path) -> None:
        """What was saved before is served again on the same ports."""
        running = azurite.start(tmp_path)
        write(running.connection_string)
        running.stop()
        running = azurite.start(tmp_path)
        running.kill()
        with azurite.start(tmp_path) as again:
            assert read(again.connection_string) == (b"content", "content", "r")
            with pytest.raises(ResourceExistsError):
                write(again.connection_string)

    def test_one_that_does_not_stop_is_killed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Waiting has an end."""
        monkeypatch.setattr(azurite, "_STOP_SECONDS", 0.2)
        running = azurite.start(None)
        running.process.send_signal(signal.SIGSTOP)
        running.stop()
        assert running.process.returncode == -signal.SIGKILL

    def test_it_ends_with_the_process_that_started_it(self) -> None:
        """A parent killed with signal 9 leaves no Azurite behind."""
        script = (
            "import sys; from local.storage import azurite; a = azurite.start(None); "
            "print(a.process.pid, flush=True); sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            parent.kill()
        assert ended(pid)

    def test_what_it_still_saves_is_waited_for(self, tmp_path: Path) -> None:
        """Started again at once after its parent was killed, it knows what had just been written."""
        script = (
            "import sys; from pathlib import Path; from local.storage import azurite; "
            f"a = azurite.start(Path({str(tmp_path)!r})); print(a.connection_string, flush=True); sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as parent:
            assert parent.stdout is not None
            connection = parent.stdout.readline().strip()
            write(connection)
            parent.kill()
            with azurite.start(tmp_path) as again:
                assert again.connection_string == connection
                assert read(connection) == (b"content", "content", "r")


class TestFailing:
    def test_a_folder_that_is_served_already_is_not_served_twice(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """Two would overwrite what the other saves."""
        monkeypatch.setattr(azurite, "_LOCK_SECONDS", 0.2)
        with azurite.start(tmp_path), pytest.raises(azurite.AzuriteFailed, match="another Azurite serves"):
            azurite.start(tmp_path)

    def test_a_missing_azurite_says_what_to_run(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """One line with the path that was looked at."""
        monkeypatch.setenv("SCANGATE_AZURITE", str(tmp_path / "azurite.js"))
        with pytest.raises(azurite.AzuriteMissing, match="run `make`"):
            azurite.start(None)

    def test_a_missing_node_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing is started."""
        monkeypatch.setenv("PATH", "")
        with pytest.raises(azurite.AzuriteMissing, match="needs node"):
            azurite.start(None)

    def test_a_taken_port_fails_with_its_last_words(self) -> None:
        """What Azurite said is part of the message."""
        with (
            azurite.start(None) as one,
            pytest.raises(azurite.AzuriteFailed, match="EADDRINUSE"),
        ):
            azurite.start(None, one.account.ports)

    def test_one_that_never_listens_is_given_up(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """And does not stay behind."""
        silent = tmp_path / "azurite.js"
        silent.write_text("setInterval(() => {}, 1000)")
        monkeypatch.setenv("SCANGATE_AZURITE", str(silent))
        monkeypatch.setattr(azurite, "_START_SECONDS", 0.2)
        with pytest.raises(azurite.AzuriteFailed, match="not ready"):
            azurite.start(None)

    @pytest.mark.parametrize(
        "content", ["{", "[]", '{"name": "a", "key": "b"}', '{"name": "a", "key": "b", "ports": {"x": 1}}']
    )
    def test_a_damaged_account_is_said(self, tmp_path: Path, content: str) -> None:
        """The file is named, and what to do."""
        (tmp_path / account.ACCOUNT_FILE).write_text(content)
        with pytest.raises(account.AccountUnreadable, match="is damaged"):
            azurite.start(tmp_path)


def vars_of(running: azurite.Azurite) -> tuple[int, int, int]:
    """The three ports of a running emulator."""
    ports = running.account.ports
    return ports.blob, ports.queue, ports.table
