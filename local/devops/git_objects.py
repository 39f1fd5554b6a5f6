"""What git prints about trees, changes and commits, read into values."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class TreeEntry:
    """One file or folder at a commit. ``kind`` is blob, tree or commit (a submodule); ``mode`` as git writes it."""

    path: str
    mode: str
    kind: str
    sha: str
    size: int


@dataclass(frozen=True)
class Change:
    """One changed path between two commits; ``kind`` in the words of Azure DevOps."""

    kind: str
    path: str
    old_path: str | None
    sha: str
    old_sha: str


@dataclass(frozen=True)
class CommitInfo:
    """A commit as its object says. Dates are ISO 8601 in UTC."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: tuple[str, str, str]
    committer: tuple[str, str, str]
    message: str


@dataclass(frozen=True)
class Merge:
    """What came of merging: a commit, or the reason there is none (``conflicts`` or ``failure``)."""

    commit: str | None
    problem: str | None = None
    details: str = ""


COMMIT_LAYOUT: Final = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
"""Format of ``git log -z`` that ``commits_in`` reads."""

_COMMIT_WORDS: Final = 10


def changes_in(listing: bytes) -> list[Change]:
    """Read what ``git diff-tree -r -z -M --raw`` prints.

    Args:
        listing: its output.
    """
    words = listing.decode(errors="replace").split("\0")
    found: list[Change] = []
    position = 0
    while position < len(words) and words[position].startswith(":"):
        _, _, old_sha, sha, letter = words[position][1:].split(" ")
        if letter[0] == "R":
            kind = "rename" if letter == "R100" else "edit, rename"
            found.append(Change(kind, words[position + 2], words[position + 1], sha, old_sha))
            position += 3
        else:
            kind = {"A": "add", "D": "delete"}.get(letter[0], "edit")
            found.append(Change(kind, words[position + 1], None, sha, old_sha))
            position += 2
    return found


def entries_in(listing: bytes) -> list[TreeEntry]:
    """Read what ``git ls-tree -z -l`` prints.

    Args:
        listing: its output.
    """
    found = []
    for line in filter(None, listing.decode(errors="surrogateescape").split("\0")):
        facts, _, path = line.partition("\t")
        mode, kind, sha, size = facts.split()
        found.append(TreeEntry(path, mode, kind, sha, 0 if size == "-" else int(size)))
    return found


def commits_in(log: bytes) -> list[CommitInfo]:
    """Read what ``git log -z`` prints in ``COMMIT_LAYOUT``.

    Args:
        log: its output.
    """
    words = log.decode(errors="replace").split("\0")
    starts = range(0, len(words) - _COMMIT_WORDS + 1, _COMMIT_WORDS)
    return [_commit(words[start : start + _COMMIT_WORDS]) for start in starts]


def _commit(words: list[str]) -> CommitInfo:
    sha, tree, parents, *people, message = words
    author, committer = _person(people[:3]), _person(people[3:6])
    return CommitInfo(sha, tree, tuple(parents.split()), author, committer, message.rstrip("\n"))


def _person(words: list[str]) -> tuple[str, str, str]:
    name, email, date = words
    return name, email, date.replace("+00:00", "Z")
