"""Access to the TCP connection behind a request, for the faults that break it."""

import asyncio
import socket
import struct
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

_KEY: Final = "simulator.transport"
_LONGEST_HANG_SECONDS: Final = 3600.0


class WithConnection:
    """Puts the server's transport into the scope, where ``reset`` finds it; an application around the other one."""

    def __init__(self, application: ASGIApp) -> None:
        """Wrap an application.

        Args:
            application: what answers.
        """
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        # uvicorn passes a bound method of the object that holds the transport; ASGI has no name for it.
        holder: Any = getattr(send, "__self__", None)
        if scope["type"] == "http":
            scope[_KEY] = getattr(holder, "transport", None)
        await self._application(scope, receive, send)


def reset(scope: Scope) -> None:
    """Break a request's connection with a TCP reset.

    Args:
        scope: the request's.

    Raises:
        ConnectionResetError: always, so that no answer is attempted.
    """
    transport: Any = scope.get(_KEY)
    if transport is not None:
        connection = transport.get_extra_info("socket")
        # Lingering for no time turns closing into a reset.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    raise ConnectionResetError("the connection was reset on purpose")


async def hang(scope: Scope, seconds: float) -> None:
    """Let a request wait, then break its connection.

    Args:
        scope: the request's.
        seconds: how long; 0 for longer than anybody waits.

    Raises:
        ConnectionResetError: always, so that no answer is attempted.
    """
    await asyncio.sleep(seconds or _LONGEST_HANG_SECONDS)
    reset(scope)
