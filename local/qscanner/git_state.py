"""What a checkout says of itself, read from git's own files: no git is needed, and none of its configuration acts.

Layouts: gitrepository-layout(5), gitformat of HEAD and packed-refs, git-config(1).
"""

import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

_LARGEST_FILE = 4 * 1024 * 1024
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCH = re.compile(r"ref: refs/heads/(?P<name>(?!.*\.\.)[^\s~^:?*\[\\]+)")
_SECTION = re.compile(r'\[\s*(?P<name>[\w.-]+)(?:\s+"(?P<sub>(?:[^"\\]|\\.)*)")?\s*\]')
_URL = re.compile(r"url\s*=\s*(?P<url>.*)", re.IGNORECASE)


class GitState(NamedTuple):
    """What is checked out; each is empty where it is not known.

    Attributes:
        branch: The local branch that HEAD names; empty for a detached HEAD.
        commit: The commit checked out.
        origin: The URL of the remote ``origin``, without credentials.
    """

    branch: str = ""
    commit: str = ""
    origin: str = ""

    @property
    def report_can_be_obtained(self) -> bool:
        """QScanner gets no report for a detached HEAD, an unborn branch or a checkout without ``origin``."""
        return bool(self.branch and self.commit and self.origin)


def read_git_state(checkout: Path) -> GitState:
    """Read the state of a checkout.

    Args:
        checkout: The folder that holds ``.git``.

    Returns:
        What could be read; all empty for a folder that is no checkout.
    """
    folder = _git_folder(checkout)
    head = _read(folder / "HEAD").strip()
    origin = _origin(_read(_shared_folder(folder) / "config"))
    if branch := _BRANCH.fullmatch(head):
        return GitState(branch["name"], _branch_commit(folder, branch["name"]), origin)
    return GitState("", head if _COMMIT.fullmatch(head) else "", origin)


def _git_folder(checkout: Path) -> Path:
    """Give the git folder, which a linked worktree names in a file."""
    place = checkout / ".git"
    if place.is_dir():
        return place
    _, _, named = _read(place).strip().partition("gitdir: ")
    return checkout / named if named else place


def _shared_folder(folder: Path) -> Path:
    """Give the folder that all worktrees of a repository share."""
    named = _read(folder / "commondir").strip()
    return folder / named if named else folder


def _branch_commit(folder: Path, branch: str) -> str:
    shared = _shared_folder(folder)
    loose = _read(shared / "refs" / "heads" / branch).strip()
    if _COMMIT.fullmatch(loose):
        return loose
    for line in _read(shared / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == f"refs/heads/{branch}" and _COMMIT.fullmatch(commit):
            return commit
    return ""


def _origin(config: str) -> str:
    """Give the last URL of the remote "origin" in a git configuration."""
    in_origin, url = False, ""
    for raw in config.splitlines():
        line = raw.strip()
        if section := _SECTION.match(line):
            in_origin = section["name"].lower() == "remote" and section["sub"] == "origin"
            line = line[section.end() :].strip()
        if in_origin and (found := _URL.fullmatch(line)):
            url = found["url"].strip().strip('"')
    return _without_credentials(url)


def _without_credentials(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.netloc else url


def _read(path: Path) -> str:
    """Read a small text file, or give nothing for what is not one."""
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""
