"""The registry as a server: in a thread for as long as a block lasts, or in the foreground."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from starlette.applications import Starlette
from starlette.routing import Route

from local.http.serving import HOST, in_foreground, in_thread, listening
from local.registry.access import Access
from local.registry.catalog import Catalog
from local.registry.data_endpoint import DataEndpoint
from local.registry.distribution import Distribution
from local.registry.faults import RegistryFaults
from local.registry.gateway import Gateway
from local.registry.guard import Guard
from local.registry.issuing import Issuer
from local.registry.journal import Journal
from local.registry.tokens import Tokens, key_in

type Clock = Callable[[], float]


@dataclass(frozen=True)
class Place:
    """Where a registry is reached.

    Attributes:
        port: the registry's own.
        data_port: that of its data endpoint, where a blob is redirected to when a fault says so.
    """

    port: int
    data_port: int

    @property
    def host(self) -> str:
        """What image references begin with, and the name of the service in tokens."""
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        """The registry's address, without a slash at the end."""
        return f"http://{self.host}"

    @property
    def data_url(self) -> str:
        """The data endpoint's address, without a slash at the end."""
        return f"http://{HOST}:{self.data_port}"


class RegistryServer:
    """A registry in a thread of this process, for as long as the block lasts.

    ::

        with RegistryServer(folder) as registry:
            push_image(registry.url, "team/app", "1", image, registry.access.user)

    Attributes:
        access: who may do what; ``access.user`` may push, ``access.entra_token`` can be exchanged.
    """

    def __init__(self, data: Path, access: Access | None = None, *, port: int = 0, clock: Clock = time.time) -> None:
        """Say what it shall be.

        Args:
            data: where it keeps everything; a later server on the same folder goes on with it.
            access: who may do what; without it, ``Access.of_one_app()``.
            port: where it listens; 0 for any free one.
            clock: tells the time in seconds since 1970; tokens expire by it.
        """
        self.access = access or Access.of_one_app()
        self._data = data
        self._port = port
        self._clock = clock
        self._running = ExitStack()
        self._up: tuple[Place, Gateway] | None = None

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            OSError: when the port is taken.
            RuntimeError: when it does not start.
        """
        with ExitStack() as started:
            sockets, place = started.enter_context(_listening(self._port))
            gateway = started.enter_context(_gateway(self._data, self.access, place, self._clock))
            started.enter_context(in_thread(_application(gateway), sockets, "registry"))
            self._up = place, gateway
            self._running = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End it and wait for the end."""
        self._up = None
        self._running.close()

    @property
    def place(self) -> Place:
        """Where it is.

        Raises:
            RuntimeError: it is not running.
        """
        return self._parts()[0]

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return self.place.url

    @property
    def host(self) -> str:
        """What references to its images begin with: address and port."""
        return self.place.host

    @property
    def data_url(self) -> str:
        """The address of its data endpoint, without a slash at the end."""
        return self.place.data_url

    @property
    def faults(self) -> RegistryFaults:
        """The faults in force."""
        return self._parts()[1].faults

    @property
    def journal(self) -> Journal:
        """What was asked."""
        return self._parts()[1].journal

    def _parts(self) -> tuple[Place, Gateway]:
        if self._up is None:
            raise RuntimeError("the registry is not running: use it as 'with RegistryServer(...) as registry'")
        return self._up


def run(data: Path, access: Access, port: int, ready: Callable[[Place], None]) -> None:
    """Run a registry in the foreground until a signal ends it.

    Args:
        data: where it keeps everything.
        access: who may do what.
        port: where it listens; 0 for any free one.
        ready: called once requests are answered.

    Raises:
        OSError: when the port is taken.
    """
    with _listening(port) as (sockets, place), _gateway(data, access, place, time.time) as gateway:
        in_foreground(_application(gateway), sockets, lambda: ready(place))


@contextmanager
def _gateway(data: Path, access: Access, place: Place, clock: Clock) -> Iterator[Gateway]:
    data.mkdir(parents=True, exist_ok=True)
    key = key_in(data)
    with contextlib.closing(Catalog(data)) as catalog:
        tokens = Tokens(key, place.host, clock)
        guard = Guard(access, tokens, place.url, place.host)
        issuer = Issuer(access, tokens, guard, place.host)
        door = DataEndpoint(place.data_url, key, catalog.content, clock)
        yield Gateway(Distribution(catalog, guard), issuer, guard, door, place.data_port)


@contextmanager
def _listening(port: int) -> Iterator[tuple[list[socket.socket], Place]]:
    with listening(port) as own, listening(0) as data:
        yield [own, data], Place(own.getsockname()[1], data.getsockname()[1])


def _application(gateway: Gateway) -> Starlette:
    # One route: the API has its own routing, for repositories' names hold slashes.
    return Starlette(routes=[Route("/{path:path}", gateway, methods=None)])
