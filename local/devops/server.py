"""The simulator as a server: the ASGI application, and running it in a thread or in the foreground."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace

from starlette.applications import Starlette
from starlette.routing import Route as StarletteRoute

from local.devops.auth import start_tokens
from local.devops.clock import Clock
from local.devops.delivery import Delivery
from local.devops.gateway import Gateway
from local.devops.merges import MergeQueue
from local.devops.pushes import take_in_push
from local.devops.records import Identity
from local.devops.server_jobs import ServerJobs
from local.devops.state import Config, Organisation
from local.http.serving import in_foreground, in_thread, listening


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


@dataclass(frozen=True)
class RunningServer:
    """A simulator that is up.

    Attributes:
        url: the organisation's address with a slash at the end.
        port: where it listens.
        stop: ends it and waits for the end; twice is harmless.
    """

    url: str
    port: int
    stop: Callable[[], None]


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
    with listening(config.port, config.host) as listener:
        bound = _reached_at(config, listener)
        with in_thread(create_app(bound, clock), [listener], "simulator") as stop:
            yield RunningServer(f"{bound.base_url}{bound.organisation}/", bound.port, stop)


def run(config: Config, ready: Callable[[Config], None]) -> None:
    """Run the simulator in the foreground until a signal ends it.

    Args:
        config: how the organisation is set up; ``base_url`` is set here.
        ready: called with the configuration in force once requests are answered.

    Raises:
        OSError: when the port is taken.
    """
    with listening(config.port, config.host) as listener:
        bound = _reached_at(config, listener)
        in_foreground(create_app(bound), [listener], lambda: ready(bound))


def _reached_at(config: Config, listener: socket.socket) -> Config:
    """Give the configuration with port and base URL as they came out."""
    port = listener.getsockname()[1]
    return replace(config, port=port, base_url=f"http://{config.host}:{port}/")
