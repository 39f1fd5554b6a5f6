"""Storage for whoever is waited for: in time, or its sender is asked to come again."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError, ServiceRequestTimeoutError

from scan_core.model.request import Request
from scan_core.store.connection import Storage
from scan_core.store.queues import Queues

IN_TIME_SECONDS = 2.5
"""For one request to stand in its queue. Azure DevOps gives a check 3 seconds ("Invoke REST API", learn.microsoft.com),
and does not say how many a hook."""
_AT_ONCE = 32


class Hurry:
    """Calls that are waited for so long and no longer, wherever storage, its name or its token hangs."""

    def __init__(self) -> None:
        """Start no thread yet."""
        self._threads = ThreadPoolExecutor(_AT_ONCE, "hurried")

    def run[T](self, call: Callable[[], T], seconds: float) -> T:
        """Make a call. After a time-out it may go on, and have its effect.

        Args:
            call: What is to be done.
            seconds: How long it may take; none where 0 or less.

        Returns:
            What the call gave.

        Raises:
            azure.core.exceptions.ServiceRequestTimeoutError: It took longer.
            Exception: Whatever the call raised.
        """
        running = self._threads.submit(call)
        try:
            return running.result(max(0, seconds))
        except TimeoutError:
            running.cancel()  # where it has not begun, because others hang
            raise ServiceRequestTimeoutError("storage did not answer in time") from None


class HurriedQueues(Queues):
    """Queues whose requests are sent in time or not at all, wherever storage, its name or its token hangs."""

    def __init__(self, storage: Storage, in_time_seconds: float = IN_TIME_SECONDS) -> None:
        """Use the queues of an account.

        Args:
            storage: The account, best with short time-outs of its own, so that a thread that hangs does not for long.
            in_time_seconds: How long sending a request may take.
        """
        super().__init__(storage)
        self._in_time_seconds = in_time_seconds
        self._hurry = Hurry()

    def send_request(self, request: Request, delay_seconds: int = 0) -> None:
        """Queue a request. After a time-out it may stand there all the same; then it is served twice.

        Args:
            request: What is asked for.
            delay_seconds: For how long nobody shall see it, at most seven days.

        Raises:
            azure.core.exceptions.AzureError: It was not queued, or not in time.
        """
        self._hurry.run(lambda: self._send(request, delay_seconds), self._in_time_seconds)

    def _send(self, request: Request, delay_seconds: int) -> None:
        try:
            super().send_request(request, delay_seconds)
        except ResourceNotFoundError:  # a new account, which the app has not looked at yet
            with suppress(ResourceExistsError):
                self._requests.create_queue()
            super().send_request(request, delay_seconds)
