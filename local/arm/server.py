"""The stand-in as a server: the ASGI application, and running it in a thread or in the foreground."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from local.arm.executions import Executions
from local.arm.gateway import Gateway
from local.arm.identity import PATH, Identities
from local.arm.jobs import Jobs
from local.arm.rest import Rest
from local.http.serving import HOST, in_foreground, in_thread, listening


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
    with listening(config.port) as listener:
        bound = replace(config, port=listener.getsockname()[1])
        with in_thread(create_app(bound), [listener], "stand-in"):
            yield bound


def run(config: Config, ready: Callable[[Config], None]) -> None:
    """Run the stand-in in the foreground until a signal ends it.

    Args:
        config: how it is set up.
        ready: called with the configuration in force once requests are answered.

    Raises:
        OSError: when the port is taken.
    """
    with listening(config.port) as listener:
        bound = replace(config, port=listener.getsockname()[1])
        in_foreground(create_app(bound), [listener], lambda: ready(bound))
