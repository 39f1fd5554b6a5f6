"""What can be asked of whatever runs workers, be it a container job or this machine."""

from typing import Protocol


class RunnerError(Exception):
    """A worker could not be started or stopped.

    Attributes:
        sentence: What happened, fit to be shown.
        transient: Whether trying again may help.
    """

    def __init__(self, sentence: str, *, transient: bool) -> None:
        """Say what happened.

        Args:
            sentence: What happened, and what to do where something can be done.
            transient: Whether trying again may help.
        """
        super().__init__(sentence)
        self.sentence = sentence
        self.transient = transient


class Runner(Protocol):
    """Starts and stops workers. Starting one too many is harmless: it finds nothing to do and ends."""

    def start(self) -> str | None:
        """Start one worker.

        Returns:
            The name of its execution, which also stands in its claim; None where as many run as may, so that whoever
            asks has to ask again later.

        Raises:
            RunnerError: It could not be started.
        """
        ...

    def stop(self, execution: str) -> None:
        """End a worker and everything it started. Harmless where it has ended, or never was.

        Args:
            execution: The name of its execution.

        Raises:
            RunnerError: It could not be ended.
        """
        ...

    def is_alive(self, execution: str) -> bool | None:
        """Tell whether a worker runs.

        Args:
            execution: The name of its execution.

        Returns:
            Whether it runs; None where that cannot be told.
        """
        ...

    def reason_of(self, execution: str) -> str | None:
        """Say how a worker ended, by what its platform remembers.

        Args:
            execution: The name of its execution.

        Returns:
            One line, fit to be shown; None where it has not ended or nothing is known.

        Raises:
            RunnerError: The platform could not be asked.
        """
        ...
