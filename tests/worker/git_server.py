"""A Git server over smart HTTP that wants a credential, on git's own http-backend; and ways in which it can fail."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

PAT = "pat-0123456789abcdefghijklmnopqrstuvwxyz"
BEARER = "bearer-0123456789abcdefghijklmnopqrstuv"
ACCEPTED = {f"Basic {base64.b64encode(f':{PAT}'.encode()).decode()}", f"Bearer {BEARER}"}


@dataclass
class GitServer:
    """Serves every repository below a folder. Set `answer` to have every request answered with that instead."""

    root: Path
    port: int
    answer: tuple[int, dict[str, str], bytes] | None = None
    stall: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)
    authorisations: list[str | None] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """The address below which all repositories are."""
        return f"http://127.0.0.1:{self.port}/contoso/"


@contextmanager
def serve(root: Path) -> Iterator[GitServer]:
    """Serve the repositories in a folder on a free port."""
    known: list[GitServer] = []
    server = _Server(("127.0.0.1", 0), _handler(known))
    known.append(GitServer(root, server.server_address[1]))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield known[0]
    finally:
        if known[0].stall is not None:
            known[0].stall.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is part of these tests."""


def _handler(known: list[GitServer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, *_: object) -> None:
            return

        def _serve(self) -> None:
            server = known[0]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.authorisations.append(self.headers.get("Authorization"))
            server.entered.set()
            if server.stall is not None:
                server.stall.wait(60)
            if server.answer is not None:
                self._reply(*server.answer)
            elif self.headers.get("Authorization") not in ACCEPTED:
                self._reply(401, {"WWW-Authenticate": "Basic"}, b"")
            else:
                self._reply(*_backend(server.root, self, body))

        def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _backend(root: Path, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
    path, _, query = request.path.removeprefix("/contoso").partition("?")
    variables = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REQUEST_METHOD": request.command,
        "PATH_INFO": unquote(path),
        "QUERY_STRING": query,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "REMOTE_USER": "someone",
        "REMOTE_ADDR": "127.0.0.1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    done = subprocess.run(["git", "http-backend"], input=body, env=variables, capture_output=True, check=False)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
    status = int(headers.pop("Status", "200").split()[0])
    return status, headers, content
