"""Refusals as Azure Resource Manager writes them."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """A call that is not carried out.

    Attributes:
        status: the HTTP status code.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        """Say why.

        Args:
            status: the HTTP status code.
            code: what machines read.
            message: what people read.
            headers: further headers of the answer.
        """
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self._code = code

    def body(self) -> dict[str, Any]:
        """Return the answer ("Azure Resource Manager: error responses")."""
        return {"error": {"code": self._code, "message": str(self)}}


def wrong(message: str) -> Refused:
    """Return the refusal of a request that cannot be understood.

    Args:
        message: what is wrong with it.
    """
    return Refused(400, "BadRequest", message)
