"""The host as a process: how it starts, fails, is killed and stops."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local.host import process
from tests.local.host.conftest import APPS, KEY, Stage
from tests.local.host.eventually import eventually


def gone(pid: int) -> bool:
    """Whether a process has ended, be it waited for or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


class TestStarting:
    def test_the_ready_line_names_the_functions(self, stage: Stage) -> None:
        """What can be served is listed; what cannot is left out, and the log says why."""
        host = stage.host("misfits")

        assert sorted(host.functions) == ["at_start", "fine"]
        assert httpx2.get(f"{host.url}/fine").text == "fine"
        log = host.log_text()
        assert "open_brace is left out" in log
        assert "leaves a brace open" in log
        assert "copies is left out" in log
        assert "the binding 'copy' of type queue" in log

    def test_a_function_may_be_disabled_by_a_setting(self, stage: Stage) -> None:
        """As documented for Azure: AzureWebJobs.NAME.Disabled."""
        disabled: dict[str, Any] = {"AzureWebJobs.at_start.Disabled": "true"}
        host = stage.host("misfits", **disabled)

        assert host.functions == ["fine"]
        assert "at_start is disabled by its setting" in host.log_text()

    @pytest.mark.parametrize(
        ("app", "reason"),
        [("unimportable", "a setting is missing"), ("exits", "no configuration"), ("", "function_app")],
    )
    def test_an_app_that_cannot_be_imported_answers_404(self, stage: Stage, app: str, reason: str) -> None:
        """As on Flex Consumption: nothing is indexed, the process stays, the log has the reason."""
        folder = APPS / app if app else stage.folder
        if not app:
            (folder / "host.json").write_text('{"version": "2.0"}')
        host = stage.host(str(folder))

        assert host.functions == []
        assert httpx2.get(f"{host.url}/never").status_code == 404
        status = httpx2.get(f"{host.url}/admin/host/status", headers={"x-functions-key": KEY}).json()
        assert status["state"] == "Error"
        assert reason in status["errors"][0]
        assert "Traceback" in host.log_text()
        assert host.exit_status is None

    def test_a_folder_without_host_json_is_refused(self, stage: Stage) -> None:
        """The host ends with status 1 and one line that names the file."""
        host = stage.host(str(stage.folder))

        with pytest.raises(process.HostFailed, match=r"host\.json is missing"):
            host.wait_ready()
        assert host.exit_status == 1

    def test_a_wrong_body_limit_is_refused(self, stage: Stage) -> None:
        """The setting is named."""
        host = stage.host(FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="a lot")

        with pytest.raises(process.HostFailed, match="FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"):
            host.wait_ready()

    def test_a_taken_port_is_refused(self, stage: Stage) -> None:
        """The port is named, in the log file that was asked for."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with (
                process.start(APPS / "misfits", {}, port=port, log=stage.folder / "log") as host,
                pytest.raises(process.HostFailed, match=f"the port {port} cannot be listened on"),
            ):
                host.wait_ready()
        assert "Address already in use" in (stage.folder / "log").read_text()

    def test_a_host_that_is_not_ready_in_time_is_said(self, stage: Stage) -> None:
        """Waiting has an end."""
        with pytest.raises(process.HostFailed, match="not ready"):
            stage.host().wait_ready(seconds=0)

    def test_what_needs_storage_is_left_out_without_it(self, stage: Stage) -> None:
        """Queues and timers need AzureWebJobsStorage; HTTP functions do not."""
        host = stage.host(AzureWebJobsStorage="")

        assert "work" not in host.functions
        assert "tick" not in host.functions
        assert "echo" in host.functions
        assert "AzureWebJobsStorage is missing" in host.log_text()


class TestEnding:
    def test_it_starts_again_on_its_port_after_a_kill(self, stage: Stage) -> None:
        """Signal 9 leaves nothing behind that keeps the port."""
        first = stage.host("misfits")
        port = first.port
        first.kill()
        assert first.exit_status == -signal.SIGKILL

        env = {"AzureWebJobsStorage": stage.connection, "STARTED": str(stage.folder / "started")}
        with process.start(APPS / "misfits", env, port=port) as again:
            assert again.port == port
            assert httpx2.get(f"{again.url}/fine").text == "fine"

    def test_sigterm_lets_what_runs_finish(self, stage: Stage, send: Callable[..., None]) -> None:
        """The message under way is done and removed, a waiting request is answered, and nothing new is taken."""
        host = stage.host().wait_ready()
        send("wait", gate="drain")
        eventually(lambda: stage.journal("started"))

        host.terminate()
        eventually(lambda: "stopping" in host.log_text())
        send("ok")
        stage.open_gate("drain")

        assert host.stop() == 0
        assert [entry["told"]["do"] for entry in stage.journal("ended")] == ["wait"]
        assert stage.queue().get_queue_properties().approximate_message_count == 1

    def test_what_does_not_finish_is_left_behind(self, stage: Stage, send: Callable[..., None]) -> None:
        """When the time to drain is over the process ends all the same, with a line that says so."""
        impatient = (
            "import sys; from local.host import __main__, server; server.DRAIN_S = 1; __main__.main(sys.argv[1:])"
        )
        log = stage.folder / "log"
        env = {
            **os.environ,
            "AzureWebJobsStorage": stage.connection,
            "WORK_QUEUE": stage.name,
            "TICK": "24:00:00",
            "JOURNAL": str(stage.folder / "journal"),
            "GATES": str(stage.folder),
        }
        send("wait", gate="never")
        with log.open("wb") as stderr:
            host = subprocess.Popen(
                [sys.executable, "-c", impatient, "--app", str(APPS / "everything")],
                env=env,
                stderr=stderr,
                stdout=subprocess.DEVNULL,
            )
            eventually(lambda: stage.journal("started"))
            host.terminate()
            assert host.wait(timeout=30) == 0
        assert "1 invocations did not end in time" in log.read_text()

    def test_one_that_does_not_stop_is_killed(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        """Waiting for a stop has an end."""
        monkeypatch.setattr(process, "_STOP_S", 0.2)
        host = stage.host("misfits").wait_ready()
        os.kill(host.pid, signal.SIGSTOP)
        assert host.stop() == -signal.SIGKILL

    def test_it_ends_with_the_process_that_started_it(self, stage: Stage) -> None:
        """A parent killed with signal 9 leaves no host behind."""
        script = (
            "import sys, pathlib; from local.host import process; "
            f"h = process.start(pathlib.Path({str(APPS / 'misfits')!r}), "
            f"{{'AzureWebJobsStorage': {stage.connection!r}, 'STARTED': {str(stage.folder / 'started')!r}}}); "
            "h.wait_ready(); print(h.pid, flush=True); sys.stdin.read()"
        )
        parent = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            parent.kill()

        eventually(lambda: gone(pid))
