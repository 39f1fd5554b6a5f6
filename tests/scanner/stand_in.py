"""The QScanner stand-in as one file that can be fetched, and a server to fetch it from."""

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from local.qscanner.version import current_version

LOCAL = Path(__file__).parents[2] / "local"
_MAIN = """\
import os, sys, tempfile, zipfile
with tempfile.TemporaryDirectory() as folder:  # in TMPDIR, which a run may write to
    zipfile.ZipFile(sys.argv[0]).extractall(folder)
    sys.path.insert(0, folder)
    from local.qscanner.__main__ import main
    code = main(sys.argv[1:])
sys.stdout.flush()
os._exit(code)
"""


def packed() -> bytes:
    """Pack the stand-in and its advisories into one program that Python runs (zipapp)."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("__main__.py", _MAIN)
        archive.write(LOCAL / "__init__.py", "local/__init__.py")
        for path in sorted((LOCAL / "qscanner").rglob("*")):
            if path.suffix in {".py", ".json"}:
                archive.write(path, str(path.relative_to(LOCAL.parent)))
    return b"#!/usr/bin/env python3\n" + content.getvalue()


def sha256(content: bytes) -> str:
    """The sum of a program."""
    return hashlib.sha256(content).hexdigest()


def version() -> str:
    """The version that the stand-in says it is."""
    return current_version()


@contextmanager
def served(content: bytes) -> Iterator[str]:
    """Serve a file on a free port of the loopback address; give its address. Other paths are not found."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/qscanner" else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/qscanner"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
