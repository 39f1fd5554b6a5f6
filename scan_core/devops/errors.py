"""What can go wrong in a call to Azure DevOps: one typed error, whatever the SDK or the network made of it."""

from enum import StrEnum

SENTENCE_CHARACTERS = 400


class DevOpsErrorKind(StrEnum):
    """Why a call to Azure DevOps did not do what it was made for."""

    SIGNED_OUT = "signed_out"
    """The credential was not accepted: 401, 203, a redirect, or a sign-in page in place of an answer."""
    FORBIDDEN = "forbidden"
    """403: a right is missing, or a policy refused it."""
    NOT_FOUND = "not_found"
    """404; Azure DevOps also says so of what the identity may not see."""
    CONFLICT = "conflict"
    """409."""
    REJECTED = "rejected"
    """The request itself is at fault (other 4xx), or what it asks for exceeds a limit."""
    THROTTLED = "throttled"
    """429, or 503 with Retry-After: the organisation's share of the service is used up for now."""
    UNAVAILABLE = "unavailable"
    """5xx."""
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    """No connection, or one that broke: name resolution, refusal, reset, TLS, half an answer."""
    MALFORMED = "malformed"
    """An answer that is not what the REST specification promises, or not of what was asked."""


_EVERYWHERE = {
    DevOpsErrorKind.SIGNED_OUT,
    DevOpsErrorKind.THROTTLED,
    DevOpsErrorKind.UNAVAILABLE,
    DevOpsErrorKind.TIMED_OUT,
    DevOpsErrorKind.UNREACHABLE,
}
_LASTING = {DevOpsErrorKind.NOT_FOUND, DevOpsErrorKind.CONFLICT, DevOpsErrorKind.REJECTED}


class DevOpsError(Exception):
    """A call to Azure DevOps failed. It was made once; whether to make it again is the caller's choice."""

    def __init__(
        self,
        kind: DevOpsErrorKind,
        sentence: str,
        *,
        status: int | None = None,
        type_key: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence[:SENTENCE_CHARACTERS])
        self.kind = kind
        self.sentence = sentence[:SENTENCE_CHARACTERS]
        """What was wanted, what came instead: one line for a developer, without links, headers or credentials."""
        self.status = status
        """The HTTP status; None where no answer came."""
        self.type_key = type_key
        """Azure DevOps' own name of the error, such as ``GitItemNotFoundException``; None where it gave none."""
        self.retry_after = retry_after
        """Seconds to wait before the next call, where Azure DevOps said."""

    @property
    def transient(self) -> bool:
        """Whether the same call can succeed later. A refusal counts: rights are often granted late."""
        return self.kind not in _LASTING

    @property
    def everywhere(self) -> bool:
        """Whether other calls would probably fail as well, since it is not about what this one asked for."""
        return self.kind in _EVERYWHERE
