"""Puts the host together: one engine, its HTTP server, its queue and timer listeners, and a stop that drains them."""

import asyncio
import hashlib
import logging
import os
import signal
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import override

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from local.host.admin import Admin
from local.host.bindings import Function, QueueTrigger, TimerTrigger
from local.host.config import BadConfiguration, HostOptions, read_host_options
from local.host.engine import Engine
from local.host.logs import configure_logging
from local.host.messages import MessageQueue
from local.host.queue_triggers import POISON_SUFFIX, QueueListener
from local.host.singleton import SingletonLock
from local.host.timer_triggers import TimerListener
from local.host.web import BODY_LIMIT_BYTES, HttpLimits, HttpTriggers
from local.http.serving import HOST, KEEP_ALIVE_SECONDS, bound

_log = logging.getLogger("local.host")

KEY_SETTING = "LOCAL_HOST_KEY"
DRAIN_S = 30
_STORAGE_THREADS = 16

type Listener = QueueListener | TimerListener


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What a host is started with."""

    app_dir: Path
    port: int
    """0 chooses a free one."""
    lease_s: int
    """Seconds for which a queue message is hidden while it runs."""
    instance: str
    """This host's name; one that starts again under the same name takes its own timers back at once."""
    settings: Mapping[str, str]
    """The app settings: the environment."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a host serves, and which functions."""

    url: str
    port: int
    functions: tuple[str, ...]


class _Server(uvicorn.Server):
    """A server that leaves the signals to the host and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


async def serve(host: HostSettings, ready: Callable[[Ready], None]) -> int:
    """Run a function app until SIGTERM or SIGINT.

    Args:
        host: what to run and how.
        ready: called once everything is served.

    Returns:
        The number of invocations that were still running when the time to drain was over.

    Raises:
        BadConfiguration: host.json or an app setting cannot be used.
        OSError: the port is taken.
    """
    options = read_host_options(host.app_dir, host.settings)
    limits = HttpLimits(body_bytes=_body_limit(host.settings))
    with _bound(host.port) as listener, ThreadPoolExecutor(_STORAGE_THREADS, "storage") as threads:
        engine = Engine(host.app_dir, host.settings)
        configure_logging(engine.running)
        indexed = await engine.index()
        listeners = list(_listeners(host, options, indexed.functions, engine, threads))
        key = host.settings.get(KEY_SETTING) or None
        admin = Admin(indexed, engine.invoke, key, {"id": _host_id(host), "instanceId": host.instance})
        functions = HttpTriggers(indexed.functions, options.route_prefix, engine.invoke, key, limits)
        server = _Server(_server_config(Starlette(routes=[*admin.routes(), Mount("/", functions)])))
        stopping = _stop_on_signals()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.listening.wait()
        running = [asyncio.create_task(listener.run(stopping)) for listener in listeners]
        port = listener.getsockname()[1]
        ready(Ready(f"http://{HOST}:{port}", port, tuple(function.name for function in indexed.functions)))
        await stopping.wait()
        _log.info("stopping: nothing new is taken, what runs has %d seconds", DRAIN_S)
        server.should_exit = True
        await asyncio.wait([serving, *running, asyncio.create_task(admin.finish())], timeout=DRAIN_S)
    return len(engine.running)


def _body_limit(settings: Mapping[str, str]) -> int:
    name = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
    value = settings.get(name) or str(BODY_LIMIT_BYTES)
    if not (value.isascii() and value.isdigit()):
        raise BadConfiguration(f"the app setting {name} must be a number of bytes, not {value!r}")
    return int(value)


def _bound(port: int) -> socket.socket:
    try:
        return bound(port)
    except OSError as error:
        raise OSError(f"the port {port} cannot be listened on: {error.strerror}") from error


def _server_config(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _listeners(
    host: HostSettings, options: HostOptions, functions: tuple[Function, ...], engine: Engine, threads: Executor
) -> Iterator[Listener]:
    for function in functions:
        match function.trigger:
            case QueueTrigger(queue=name, connection=connection):
                queue = MessageQueue(connection, name, threads)
                # A poison queue has no further poison queue.
                is_last = name.endswith(POISON_SUFFIX)
                poison = None if is_last else MessageQueue(connection, name + POISON_SUFFIX, threads)
                yield QueueListener(function, queue, poison, options.queues, host.lease_s, engine.invoke)
            case TimerTrigger(schedule=schedule, run_on_startup=run_on_startup, connection=connection):
                lock = SingletonLock(
                    connection,
                    f"locks/{_host_id(host)}/{function.name}.Listener",
                    str(uuid.uuid5(uuid.NAMESPACE_OID, host.instance)),
                    threads,
                )
                yield TimerListener(function, schedule, lock, engine.invoke, run_on_startup=run_on_startup)


def _host_id(host: HostSettings) -> str:
    """All hosts of one app share it: the app setting of Azure, else a hash of the folder, as Core Tools has it."""
    given = host.settings.get("AzureFunctionsWebHost__hostid")
    return given or hashlib.sha256(os.fsencode(host.app_dir)).hexdigest()[:32]
