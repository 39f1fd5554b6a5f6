"""Waits that end early when the host is told to stop."""

import asyncio


async def wait_unless(seconds: float, *events: asyncio.Event) -> bool:
    """Wait for a time, or until one of the events is set.

    Args:
        seconds: the longest wait.
        events: what ends it early.

    Returns:
        Whether the time passed with none of them set.
    """
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        done, _ = await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
    return not done
