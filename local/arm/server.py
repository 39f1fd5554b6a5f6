"""The stand-in as a server: the ASGI application, and running it in a thread or in the foreground."""

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from local.arm.executions import Executions
from local.arm.gateway import Gateway
from local.arm.identity import PATH, Identities
from local.arm.jobs import Jobs
from local.arm.rest import Rest
from local.devops.connections import WithConnection

HOST = "127.0.0.1"
_BACKLOG = 512
_GRACE_SECONDS = 2


@dataclass(frozen=True)
class Config:
    """How the stand-in is set up.

    Attributes:
        data: where jobs are kept.
        executions: where executions live.
        app_header: the secret with which the app gets tokens.
        port: where it listens; 0 for any free one.
    """

    data: Path
    executions: Path
    app_header: str
    port: int = 0

    @property
    def url(self) -> str:
        """Where it is, with a slash at the end."""
        return f"http://{HOST}:{self.port}/"

    @property
    def identity_endpoint(self) -> str:
        """Where managed identities get their tokens."""
        return f"{self.url}{PATH[1:]}"


def create_app(config: Config) -> Starlette:
    """Return the stand-in as an application.

    Args:
        config: how it is set up; ``port`` must be the one where it will be reached.
    """
    config.data.mkdir(parents=True, exist_ok=True)
    identities = Identities(config.app_header)
    executions = Executions(config.executions, identities, config.url)
    rest = Rest(Jobs(config.data / "jobs.json"), executions, config.url)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with executions:
            yield

    return Starlette(
        routes=[Route("/{path:path}", Gateway(rest, identities, executions), methods=None)], lifespan=lifespan
    )


class _Server(uvicorn.Server):
    """Tells when it is ready to answer."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


@contextmanager
def serve(config: Config) -> Iterator[Config]:
    """Run the stand-in in a thread for as long as the block lasts.

    Args:
        config: how it is set up.

    Yields:
        The configuration with the port as it came out.

    Raises:
        OSError: when the port is taken.
        RuntimeError: when it does not start.
    """
    up_or_over = threading.Event()
    with _listening(config) as (listener, bound):
        server = _Server(_settings(bound), up_or_over.set)

        def run_it() -> None:
            # uvicorn ends a failed start by leaving the interpreter, which a thread cannot do.
            with contextlib.suppress(SystemExit):
                server.run(sockets=[listener])
            up_or_over.set()

        thread = threading.Thread(target=run_it, name="arm", daemon=True)
        thread.start()
        up_or_over.wait()
        if not server.started:
            raise RuntimeError("the stand-in did not start; its log says why")
        try:
            yield bound
        finally:
            server.should_exit = True
            thread.join()


def run(config: Config, ready: Callable[[Config], None]) -> None:
    """Run the stand-in in the foreground until a signal ends it.

    Args:
        config: how it is set up.
        ready: called with the configuration in force once requests are answered.

    Raises:
        OSError: when the port is taken.
    """
    with _listening(config) as (listener, bound):
        _Server(_settings(bound), lambda: ready(bound)).run(sockets=[listener])


@contextmanager
def _listening(config: Config) -> Iterator[tuple[socket.socket, Config]]:
    # The protocol is named because asyncio switches off Nagle's algorithm only where it is; answers would take 40 ms.
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, config.port))
        listener.listen(_BACKLOG)
        yield listener, replace(config, port=listener.getsockname()[1])


def _settings(config: Config) -> uvicorn.Config:
    return uvicorn.Config(
        WithConnection(create_app(config)),
        http="h11",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        # A client must not meet a connection that ends just as it is used again; front doors keep them for minutes.
        timeout_keep_alive=240,  # seconds
    )
