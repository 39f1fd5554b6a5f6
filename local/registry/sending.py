"""Sends an answer, or, where a fault is about time and connections, part of it."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

from starlette.types import Scope, Send

from local.http.connections import reset
from local.registry.answers import Answer
from local.registry.faults import RegistryFault

_TRICKLES: Final = 20


async def send_answer(scope: Scope, send: Send, answer: Answer, fault: RegistryFault | None) -> None:
    """Send an answer.

    Args:
        scope: the request's.
        send: the server's.
        answer: what is sent.
        fault: what struck the call; of interest here are ``cut`` and ``trickle``.
    """
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.length_known and answer.status != 204:
        headers.append((b"content-length", str(answer.length).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    kind = fault.kind if fault and scope["method"] != "HEAD" else ""
    if kind == "cut":
        await _send_piece(send, answer.read()[: answer.length // 2])
        # There is nobody left to tell.
        with contextlib.suppress(ConnectionResetError):
            reset(scope)
        return
    if scope["method"] != "HEAD":
        pause = fault.seconds / _TRICKLES if fault and kind == "trickle" else 0.0
        for piece in _trickles(answer.read()) if kind == "trickle" else answer.chunks():
            await _send_piece(send, piece)
            await asyncio.sleep(pause)
    await send({"type": "http.response.body", "body": b""})


async def _send_piece(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


def _trickles(content: bytes) -> Iterator[bytes]:
    size = len(content) // _TRICKLES + 1
    for start in range(0, len(content), size):
        yield content[start : start + size]
