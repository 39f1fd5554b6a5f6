"""Which projects are meant by names, patterns and ``--all``. Pure."""

import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from scan_core.devops.naming import shown
from scan_core.devops.projects import Project

_SUGGESTED = 3


class NoSuchProject(ValueError):
    """A name or pattern fits no project; the message is a sentence with the next step."""


def choose(projects: Sequence[Project], asked: Sequence[str]) -> tuple[Project, ...]:
    """Find the projects that are meant.

    Names are compared without case and in one Unicode form. Characters that make a pattern (``*``, ``?``, ``[``) cannot
    stand in a project's name ("Naming restrictions", learn.microsoft.com), so a pattern is never mistaken for a name.

    Args:
        projects: All that this identity may see.
        asked: Names, ids or patterns; none for all.

    Returns:
        The projects, each once, by name.

    Raises:
        NoSuchProject: One of them fits nothing.
    """
    chosen = {project.id: project for project in projects} if not asked else {}
    for pattern in asked:
        found = [project for project in projects if _fits(project, pattern)]
        if not found:
            raise NoSuchProject(_sentence(pattern, projects))
        chosen.update({project.id: project for project in found})
    return tuple(sorted(chosen.values(), key=lambda project: _plain(project.name)))


def _fits(project: Project, pattern: str) -> bool:
    return project.id == pattern.lower() or fnmatchcase(_plain(project.name), _plain(pattern))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _sentence(pattern: str, projects: Sequence[Project]) -> str:
    by_name = {_plain(project.name): project.name for project in projects}
    near = [by_name[name] for name in get_close_matches(_plain(pattern), by_name, n=_SUGGESTED)]
    meant = f" Did you mean {' or '.join(repr(shown(name)) for name in near)}?" if near else ""
    return (
        f"No project fits {shown(pattern)!r}: there is none of that name, or this identity may not see it.{meant}"
        " Correct the name, or add the identity to the project, and run the command again."
    )
