"""Why an authenticated check is refused: a stable reason, the place, and what belongs there."""

from enum import StrEnum


class WhyNot(StrEnum):
    """Why a check is refused. Stable: counted, and shown in the pipeline."""

    MISSING_HEADER = "missing_header"
    BAD_HEADER = "bad_header"
    NOT_REPLACED = "not_replaced"
    """A pipeline variable still stands there as it was written."""
    PLAN_ELSEWHERE = "plan_elsewhere"
    UNKNOWN_HUB = "unknown_hub"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a reason
    BAD_BODY = "bad_body"
    UNKNOWN_KEY = "unknown_key"
    BAD_VALUE = "bad_value"
    BAD_IMAGE = "bad_image"
    NO_BUILD = "no_build"


class CheckRefused(Exception):
    """A check that cannot be taken on as it is."""

    def __init__(self, reason: WhyNot, field: str, expected: str) -> None:
        """Keep what is told.

        Args:
            reason: Why.
            field: The header or field that is wrong.
            expected: What belongs there, in words; nothing of what stood there but a name.
        """
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.expected = expected
