"""Names as the OCI Distribution Specification writes them: repositories, tags, digests and scopes."""

import hashlib
import re
from typing import Final, NamedTuple

from local.registry.errors import Refused, digest_invalid

_NAME: Final = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_NAME_LIMIT: Final = 255
_TAG: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_DIGEST: Final = re.compile(r"sha256:[a-f0-9]{64}")

CATALOG: Final = ("registry", "catalog", frozenset({"*"}))


class Scope(NamedTuple):
    """What a token allows or a call needs ("Token Scope Documentation" of Docker's distribution).

    Attributes:
        kind: ``repository`` or ``registry``.
        name: the repository's name, or ``catalog``.
        actions: ``pull``, ``push``; ``*`` for the catalog.
    """

    kind: str
    name: str
    actions: frozenset[str]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(sorted(self.actions))}"


def repository_scope(name: str, *actions: str) -> Scope:
    """Return the scope of one repository.

    Args:
        name: the repository's name.
        actions: what is allowed there.
    """
    return Scope("repository", name, frozenset(actions))


def parse_scopes(texts: list[str]) -> list[Scope]:
    """Read the scopes of a token request.

    Args:
        texts: the values of ``scope``; each holds scopes parted by spaces.

    Raises:
        Refused: 400 where one is no scope.
    """
    scopes = []
    for text in " ".join(texts).split():
        kind, _, rest = text.partition(":")
        name, _, actions = rest.rpartition(":")
        if kind not in {"repository", "registry"} or not name or not actions:
            raise Refused(400, "UNSUPPORTED", f"not a scope: {text[:200]!r}; expected repository:NAME:pull[,push]")
        scopes.append(Scope(kind, name, frozenset(actions.split(","))))
    return scopes


def digest_of(content: bytes) -> str:
    """Return the digest of a content.

    Args:
        content: any bytes.
    """
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def is_digest(text: str) -> bool:
    """Tell whether a text is a digest that this registry can check.

    Args:
        text: any text.
    """
    return _DIGEST.fullmatch(text) is not None


def checked_digest(text: str) -> str:
    """Return a digest as it came.

    Args:
        text: from a client.

    Raises:
        Refused: 400, it is none.
    """
    if not is_digest(text):
        raise digest_invalid(f"not a digest: {text[:200]!r}; expected sha256: and 64 hexadecimal digits in lower case")
    return text


def checked_repository(text: str) -> str:
    """Return a repository's name as it came.

    Args:
        text: from a client.

    Raises:
        Refused: 400, no repository may have that name.
    """
    if len(text) > _NAME_LIMIT or not _NAME.fullmatch(text):
        raise Refused(400, "NAME_INVALID", "invalid repository name", details=[{"name": text[:_NAME_LIMIT]}])
    return text


def checked_reference(text: str) -> str:
    """Return a tag or a digest as it came.

    Args:
        text: from a client.

    Raises:
        Refused: 400, it is neither.
    """
    if ":" in text:
        return checked_digest(text)
    if not _TAG.fullmatch(text):
        raise Refused(400, "TAG_INVALID", "invalid tag", details=[{"tag": text[:200]}])
    return text
