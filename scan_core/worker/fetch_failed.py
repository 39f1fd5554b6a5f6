"""How a fetch ends that did not get what it was sent for."""

from scan_core.model.attempt import AttemptError


class FetchFailed(Exception):
    """What the scan needs could not be had.

    Attributes:
        error: What to record.
    """

    def __init__(self, error: AttemptError) -> None:
        """Take the error.

        Args:
            error: What to record.
        """
        super().__init__(error.sentence)
        self.error = error
