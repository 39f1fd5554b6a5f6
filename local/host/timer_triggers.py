"""Timer triggers: one host of several holds a timer's lock and fires it; the others wait for the lock.

Source: the page "Timer trigger for Azure Functions". A run that takes longer than the interval delays the next one, and
firings missed while no host ran are not made up for (`useMonitor` is taken as false).
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime

from local.host.bindings import Function
from local.host.cron import Schedule
from local.host.datums import timer_input
from local.host.engine import Invoke
from local.host.singleton import SingletonLock
from local.host.waiting import wait_unless

_log = logging.getLogger("local.host")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class TimerListener:
    """Serves one timer-triggered function."""

    def __init__(
        self,
        function: Function,
        schedule: Schedule,
        lock: SingletonLock,
        invoke: Invoke,
        *,
        run_on_startup: bool,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        """Take what it works with.

        Args:
            function: the function.
            schedule: when it fires.
            lock: held by the host that fires it.
            invoke: runs the function.
            run_on_startup: fire once when the lock is first got.
            now: the clock, in UTC.
        """
        self._function = function
        self._schedule = schedule
        self._lock = lock
        self._invoke = invoke
        self._run_on_startup = run_on_startup
        self._now = now
        self._last: datetime | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until told to stop; a run under way is finished first.

        Args:
            stopping: the timer does not fire once it is set.
        """
        while await self._lock.acquire(stopping):
            _log.info("the timer %s runs on this host", self._function.name)
            lost, released = asyncio.Event(), asyncio.Event()
            keeping = asyncio.create_task(self._lock.keep(lost, released))
            await self._fire_while_held(stopping, lost)
            released.set()
            await keeping
            if not lost.is_set():
                await self._lock.release()
        await self._lock.close()

    async def _fire_while_held(self, stopping: asyncio.Event, lost: asyncio.Event) -> None:
        if self._run_on_startup:
            self._run_on_startup = False
            await self._fire()
        due = self._schedule.next_after(self._now())
        while await wait_unless(max((due - self._now()).total_seconds(), 0.0), stopping, lost):
            # A wait may end a moment early, or the clock may have been set back.
            if self._now() < due:
                continue
            await self._fire()
            due = self._schedule.next_after(self._now())

    async def _fire(self) -> None:
        begun = self._now()
        await self._invoke(self._function, timer_input(self._last, self._schedule.next_after(begun)))
        self._last = begun
