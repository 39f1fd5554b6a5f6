"""Workers that the platform starts by itself, as many as attempts wait: a job with an event trigger."""


class PlatformRunner:
    """Starts nothing. A worker that is not wanted any more finds `cancel.json` at its next sign of life."""

    def start(self) -> str | None:
        """Leave starting to the platform.

        Returns:
            None: there is nothing to ask for again.
        """
        return None

    def stop(self, execution: str) -> None:
        """Leave stopping to the worker itself.

        Args:
            execution: The name of its execution.
        """

    def is_alive(self, execution: str) -> bool | None:  # noqa: ARG002 - the interface of runners
        """Know nothing.

        Args:
            execution: The name of its execution.

        Returns:
            None.
        """
        return None

    def reason_of(self, execution: str) -> str | None:  # noqa: ARG002 - the interface of runners
        """Know nothing.

        Args:
            execution: The name of its execution.

        Returns:
            None.
        """
        return None
