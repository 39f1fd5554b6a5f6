"""Refusals as the OCI Distribution Specification writes them ("Error Codes")."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

CODE_BY_STATUS: Final[Mapping[int, str]] = {
    401: "UNAUTHORIZED",
    403: "DENIED",
    404: "MANIFEST_UNKNOWN",
    405: "UNSUPPORTED",
    413: "SIZE_INVALID",
    429: "TOOMANYREQUESTS",
}
"""The code that goes with a status where nothing more is known."""


class Refused(Exception):
    """A call that is not carried out.

    Attributes:
        status: the HTTP status code.
        headers: further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Sequence[Any] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Say why.

        Args:
            status: the HTTP status code.
            code: what machines read.
            message: what people read.
            details: one entry for each error; a single error without a detail where there is none.
            headers: further headers of the answer.
        """
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})
        self._errors = [{"code": code, "message": message, "detail": detail} for detail in details or (None,)]

    def body(self) -> dict[str, Any]:
        """Return the answer's content."""
        return {"errors": self._errors}


def digest_invalid(message: str) -> Refused:
    """Return the refusal of a digest that is none, or not the content's.

    Args:
        message: what is wrong with it.
    """
    return Refused(400, "DIGEST_INVALID", message)


def manifest_invalid(message: str) -> Refused:
    """Return the refusal of a manifest that cannot be understood.

    Args:
        message: what is wrong with it.
    """
    return Refused(400, "MANIFEST_INVALID", message)


def name_unknown(repository: str) -> Refused:
    """Return the refusal of a repository that nothing was ever pushed to.

    Args:
        repository: its name.
    """
    return Refused(404, "NAME_UNKNOWN", "repository name not known to registry", details=[{"name": repository}])
