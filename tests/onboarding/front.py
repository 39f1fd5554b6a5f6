"""The app's two routes for onboarding over HTTP, as the triggers serve them."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from scan_core.intake.answers import Answer
from scan_core.onboarding import desk as served
from scan_core.onboarding.desk import PATH, Desk


@contextmanager
def front(desk: Callable[[], Desk], work: Callable[[], object]) -> Iterator[str]:
    """Run it; `work` is done whenever somebody looks.

    Args:
        desk: Gives the desk.
        work: Serves the queue.

    Yields:
        Its address.
    """

    class Routes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == PATH
            self._say(served.receive(desk(), self.headers["Authorization"], body))

        def do_GET(self) -> None:
            work()
            self._say(served.show(desk(), self.headers["Authorization"], self.path.removeprefix(f"{PATH}/")))

        def _say(self, answer: Answer) -> None:
            body = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Routes) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
