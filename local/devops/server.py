"""The simulator as a server: the ASGI application, and running it in a thread or in the foreground."""

import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route as StarletteRoute

from local.devops.auth import start_tokens
from local.devops.clock import Clock
from local.devops.connections import WithConnection
from local.devops.delivery import Delivery
from local.devops.gateway import Gateway
from local.devops.merges import MergeQueue
from local.devops.pushes import take_in_push
from local.devops.records import Identity
from local.devops.server_jobs import ServerJobs
from local.devops.state import Config, Organisation

_BACKLOG = 512
_GRACE_SECONDS = 2


def create_app(config: Config, clock: Clock | None = None) -> Starlette:
    """Return the simulator as an application; it loads its state when it starts up.

    Args:
        config: how the organisation is set up; ``base_url`` must be where the application will be reached.
        clock: the time; the machine's own, scaled as configured, without one.
    """
    organisation = Organisation(config, clock or Clock(config.time_scale))
    start_tokens(organisation)
    delivery, merges, jobs = Delivery(organisation), MergeQueue(organisation), ServerJobs(organisation)
    gateway = Gateway(organisation, delivery)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        with contextlib.ExitStack() as at_the_end:
            at_the_end.callback(organisation.store.close)
            at_the_end.callback(delivery.stop)
            at_the_end.callback(merges.stop)
            at_the_end.callback(jobs.stop)
            _catch_up(organisation)
            delivery.start()
            merges.start()
            jobs.start()
            yield

    # One route: the service's own routing compares without case and decodes names piece by piece.
    return Starlette(routes=[StarletteRoute("/{path:path}", gateway, methods=None)], lifespan=lifespan)


def _catch_up(organisation: Organisation) -> None:
    # A push whose process was killed between git and the record of it.
    system = Identity(organisation.derived_id("system"), "Project Collection Service", "service@example.com")
    for repository in organisation.repositories.all():
        take_in_push(organisation, repository.id, system)


class _Server(uvicorn.Server):
    """Tells when it is ready to answer."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


@dataclass(frozen=True)
class RunningServer:
    """A simulator that is up. ``url`` is the organisation's address with a slash at the end."""

    url: str
    port: int
    _server: uvicorn.Server
    _thread: threading.Thread

    def stop(self) -> None:
        """End it and wait for the end; twice is harmless."""
        self._server.should_exit = True
        self._thread.join()


@contextmanager
def serve(config: Config, clock: Clock | None = None) -> Iterator[RunningServer]:
    """Run the simulator in a thread for as long as the block lasts.

    Args:
        config: how the organisation is set up; ``base_url`` is set here.
        clock: the time.

    Raises:
        OSError: when the port is taken.
        RuntimeError: when it does not start.
    """
    up_or_over = threading.Event()
    with listening(config) as (listener, bound):
        server = _Server(_settings(bound, clock), up_or_over.set)

        def run() -> None:
            # uvicorn ends a failed start by leaving the interpreter, which a thread cannot do.
            with contextlib.suppress(SystemExit):
                server.run(sockets=[listener])
            up_or_over.set()

        thread = threading.Thread(target=run, name="devops", daemon=True)
        thread.start()
        up_or_over.wait()
        if not server.started:
            raise RuntimeError("the simulator did not start; its log says why")
        running = RunningServer(f"{bound.base_url}{bound.organisation}/", listener.getsockname()[1], server, thread)
        try:
            yield running
        finally:
            running.stop()


def run(config: Config, ready: Callable[[Config], None]) -> None:
    """Run the simulator in the foreground until a signal ends it.

    Args:
        config: how the organisation is set up; ``base_url`` is set here.
        ready: called with the configuration in force once requests are answered.

    Raises:
        OSError: when the port is taken.
    """
    with listening(config) as (listener, bound):
        _Server(_settings(bound, None), lambda: ready(bound)).run(sockets=[listener])


@contextmanager
def listening(config: Config) -> Iterator[tuple[socket.socket, Config]]:
    """Open the socket to listen on.

    Args:
        config: names host and port.

    Yields:
        The socket, and the configuration with port and base URL as they came out.

    Raises:
        OSError: when the port is taken.
    """
    # The protocol is named because asyncio switches off Nagle's algorithm only where it is; answers would take 40 ms.
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((config.host, config.port))
        listener.listen(_BACKLOG)
        port = listener.getsockname()[1]
        yield listener, replace(config, port=port, base_url=f"http://{config.host}:{port}/")


def _settings(config: Config, clock: Clock | None) -> uvicorn.Config:
    return uvicorn.Config(
        WithConnection(create_app(config, clock)),
        http="h11",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        # A client must not meet a connection that ends just as it is used again; front doors keep them for minutes.
        timeout_keep_alive=240,  # seconds
    )
