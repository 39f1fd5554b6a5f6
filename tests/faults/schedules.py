"""Running many schedules in one test: every one that fails is told, with what to type to see it again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from tests.faults.figures import FAILURES
from tests.faults.seeds import ONLY, SEED, Choice

type Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Schedule:
    """One way in which things may go."""

    name: str
    """Says all of it, so that it can be run again by this name."""
    run: Callable[[], None]


def wanted(choice: Choice, family: str, *, first: bool = True) -> str | None:
    """Tell which schedule of a family was asked for alone; a test of another family is skipped then.

    Args:
        choice: What this run was told to try.
        family: The family of the test that asks.
        first: Whether that test is the first of those that share the family.

    Returns:
        The schedule's name within the family; None where all are to be tried.
    """
    if choice.only is None:
        return None
    asked, _, name = choice.only.partition("/")
    if asked != family or not first:
        pytest.skip(f"only {choice.only} was asked for")
    return name


def run_all(choice: Choice, family: str, schedules: Iterable[Schedule], record: Record, *, figure: str) -> None:
    """Run schedules to the last, and fail if any did.

    Args:
        choice: What this run was told to try.
        family: What they have in common; the first part of their names.
        schedules: What to run.
        record: Pytest's ``record_property``.
        figure: What they are counted as.

    Raises:
        AssertionError: One or more failed; the message has each with what to type.
    """
    told: list[str] = []
    count = 0
    for schedule in schedules:
        count += 1
        try:
            schedule.run()
        except Exception as error:  # noqa: BLE001 - the others are run all the same, and this one is told below
            again = f"make faults SEED={choice.seed} ONLY={family}/{schedule.name}"
            told.append(f"{family}/{schedule.name}: {type(error).__name__}: {error}\n    again: {again}")
            print(told[-1], flush=True)  # noqa: T201 - a run of hours shall not keep it to itself
    record(f"{figure} of {family}", count)
    record(f"{FAILURES} of {family}", len(told))
    assert not told, f"{len(told)} of {count} schedules failed ({SEED}={choice.seed}, {ONLY}):\n" + "\n".join(told)
