"""Queue triggers: polls one queue, runs its function on the messages, and settles each by how the function ended.

Source: the pages "Azure Queue storage trigger" (polling algorithm, concurrency, poison messages, visibility timeout)
and "Azure Queue storage bindings" (host.json).
"""

import asyncio
import logging
import random

from azure.core.exceptions import AzureError

from local.host.bindings import Function
from local.host.config import QueueOptions
from local.host.datums import queue_input
from local.host.engine import Invoke
from local.host.messages import Message, MessageLost, MessageQueue
from local.host.waiting import wait_unless

_log = logging.getLogger("local.host")

_SHORTEST_WAIT_S = 0.1
POISON_SUFFIX = "-poison"


class PollingDelay:
    """How long to wait before a queue is asked again.

    Not at all while there are messages, a tenth of a second after the last, then about twice as long each time, up to
    the longest.
    """

    def __init__(self, longest_s: float, dice: random.Random) -> None:
        """Begin with the shortest wait.

        Args:
            longest_s: host.json's maxPollingInterval in seconds.
            dice: so that several hosts do not poll in step.
        """
        self._longest_s = longest_s
        self._dice = dice
        self._empty_polls = 0

    def after(self, *, found: bool) -> float:
        """Note the end of a poll.

        Args:
            found: whether it brought messages.

        Returns:
            The seconds to wait before the next.
        """
        if found:
            self._empty_polls = 0
            return 0.0
        # The exponent is bounded so that a queue empty for days does not overflow.
        wait = _SHORTEST_WAIT_S * 2.0 ** min(self._empty_polls, 20)
        if self._empty_polls:
            wait *= self._dice.uniform(0.8, 1.2)
        self._empty_polls += 1
        return min(wait, self._longest_s)


class QueueListener:
    """Serves one queue-triggered function."""

    def __init__(
        self,
        function: Function,
        queue: MessageQueue,
        poison: MessageQueue | None,
        options: QueueOptions,
        lease_s: int,
        invoke: Invoke,
    ) -> None:
        """Take what it works with.

        Args:
            function: the function.
            queue: its queue.
            poison: where messages that failed too often go; None for a queue that is itself one of these.
            options: from host.json.
            lease_s: the seconds for which a message is hidden while its function runs; renewed at half of them.
            invoke: runs the function.
        """
        self._function = function
        self._queue = queue
        self._poison = poison
        self._options = options
        self._lease_s = lease_s
        self._invoke = invoke
        self._delay = PollingDelay(options.max_polling_interval_s, random.Random())  # noqa: S311 - jitter, not a secret
        self._running: set[asyncio.Task[None]] = set()
        self._reachable = True

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until told to stop, then finish what runs.

        Args:
            stopping: no message is taken once it is set.
        """
        while await self._room(stopping):
            found = await self._take_batch()
            wait = self._delay.after(found=found)
            if wait and not await wait_unless(wait, stopping):
                break
        if self._running:
            await asyncio.wait(self._running)
        await self._queue.close()
        if self._poison is not None:
            await self._poison.close()

    async def _room(self, stopping: asyncio.Event) -> bool:
        """Wait until few enough messages run for another batch; False when told to stop."""
        stop = asyncio.ensure_future(stopping.wait())
        try:
            while len(self._running) > self._options.new_batch_threshold and not stop.done():
                await asyncio.wait({*self._running, stop}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.cancel()
        return not stopping.is_set()

    async def _take_batch(self) -> bool:
        try:
            messages = await self._queue.take(self._options.batch_size, self._lease_s)
        except AzureError as error:
            self._note_reachable(reachable=False, reason=str(error))
            return False
        except Exception:  # noqa: BLE001 - a listener that ended would be a queue that nobody serves
            _log.exception("the queue %s could not be read", self._queue.name)
            return False
        self._note_reachable(reachable=True)
        for message in messages:
            task = asyncio.create_task(self._handle(message))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return bool(messages)

    def _note_reachable(self, *, reachable: bool, reason: str = "") -> None:
        if reachable is self._reachable:
            return
        self._reachable = reachable
        if reachable:
            _log.info("the queue %s can be read again", self._queue.name)
        else:
            _log.warning("the queue %s cannot be read, trying on: %s", self._queue.name, reason)

    async def _handle(self, message: Message) -> None:
        try:
            await self._process(message)
        except MessageLost:
            _log.warning("the message %s of %s was taken by another meanwhile", message.id, self._queue.name)
        except AzureError as error:
            # It comes back when its lease ends, as after a crash.
            _log.warning("the message %s of %s could not be settled: %s", message.id, self._queue.name, error)
        except Exception:  # noqa: BLE001 - one message must not hide what became of it
            _log.exception("the message %s of %s could not be handled", message.id, self._queue.name)

    async def _process(self, message: Message) -> None:
        if self._poison is not None and message.dequeue_count > self._options.max_dequeue_count:
            # Its earlier tries ended without a word: the process died.
            await self._set_aside(message, self._poison, "it was taken too often")
            return
        body = message.body(base64_encoded=self._options.base64)
        if body is None:
            await self._refuse(message)
            return
        ended = asyncio.Event()
        renewing = asyncio.create_task(self._renew(message, ended))
        try:
            outcome = await self._invoke(self._function, queue_input(body, message.metadata()))
        finally:
            # Awaited, not cancelled: the pop receipt of a renewal under way is the one that settles the message.
            ended.set()
            await renewing
        await self._settle(message, succeeded=outcome.succeeded)

    async def _settle(self, message: Message, *, succeeded: bool) -> None:
        if succeeded:
            await self._queue.remove(message)
        elif self._poison is None:
            # Left hidden until its lease ends, as Azure does, so that a failing poison handler is no tight loop.
            return
        elif message.dequeue_count >= self._options.max_dequeue_count:
            await self._set_aside(message, self._poison, "it failed too often")
        else:
            await self._queue.keep_hidden(message, int(self._options.visibility_timeout_s))

    async def _refuse(self, message: Message) -> None:
        if self._poison is None:
            _log.error("the message %s of %s is not base64", message.id, self._queue.name)
            return
        await self._set_aside(message, self._poison, "it is not base64")

    async def _set_aside(self, message: Message, poison: MessageQueue, reason: str) -> None:
        _log.warning("the message %s of %s goes to %s: %s", message.id, self._queue.name, poison.name, reason)
        await poison.put(message.content)
        await self._queue.remove(message)

    async def _renew(self, message: Message, ended: asyncio.Event) -> None:
        wait = self._lease_s / 2
        while await wait_unless(wait, ended):
            try:
                await self._queue.keep_hidden(message, self._lease_s)
                wait = self._lease_s / 2
            except MessageLost:
                return
            except AzureError as error:
                # There is time for a few more tries before the lease is over.
                wait = self._lease_s / 8
                _log.warning("the message %s of %s could not be kept hidden: %s", message.id, self._queue.name, error)
