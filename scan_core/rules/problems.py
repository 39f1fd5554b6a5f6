"""What is wrong with a rules file, in words that lead to the place."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

_LONGEST_QUOTE = 60


class Problem(NamedTuple):
    """One thing that is wrong.

    Attributes:
        line: The line it stands on, from 1; None where the source has no lines.
        key: The key it is about, as it was written but printable; None where it is about the whole file.
        says: What is wrong, without the place.
    """

    line: int | None
    key: str | None
    says: str


class RulesUnreadable(Exception):
    """Rules that cannot be followed because they cannot be understood.

    Attributes:
        file: Where they stand.
        problems: Everything that is wrong, in the order of the file.
        line: The line of the first problem, from 1, if it has one.
        key: The key of the first problem, if it is about one.
        sentence: The first problem with its place.
        sentences: All of them.
    """

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        first = problems[0]
        self.file = file
        self.problems = problems
        self.line = first.line
        self.key = first.key
        self.sentences = tuple(_placed(file, problem) for problem in problems)
        self.sentence = self.sentences[0]
        super().__init__(self.sentence)


def _placed(file: str, problem: Problem) -> str:
    return f"{file}: {problem.says}" if problem.line is None else f"{file}, line {problem.line}: {problem.says}"


def quoted(text: object) -> str:
    """Quote something from a file so that it cannot do more than be read.

    Args:
        text: A key or value as it was written.

    Returns:
        Its first 60 characters in backticks, without control characters or backticks.
    """
    return f"`{printable(text)}`"


def printable(text: object) -> str:
    """Make something from a file fit to be shown.

    Args:
        text: A key or value as it was written.

    Returns:
        Its first 60 characters without control characters or backticks.
    """
    shown = str(text)[: _LONGEST_QUOTE + 1].replace("`", "'")
    shown = "".join(character if character.isprintable() else "?" for character in shown)
    return shown if len(shown) <= _LONGEST_QUOTE else f"{shown[:_LONGEST_QUOTE]}…"


def hint(key: str, known: Iterable[str]) -> str:
    """Lead from a key that is not known to the one that was meant.

    Args:
        key: The key as it was written.
        known: The keys that there are.

    Returns:
        A clause that names the nearest key, or where none is near, all of them.
    """
    names = list(known)
    spelled = printable(key).lower().replace("-", "_").replace(" ", "_")
    near = get_close_matches(spelled, names, n=1) or get_close_matches(spelled.replace("_", ""), names, n=1)
    return f"; did you mean `{near[0]}`?" if near else f"; known keys are {', '.join(names)}"
