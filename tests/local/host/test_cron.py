"""When timers fire."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.cron import BadSchedule, CronSchedule, parse_schedule


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "moment", "following"),
    [
        # The examples of the page "Timer trigger for Azure Functions".
        ("0 */5 * * * *", "2026-11-23 10:02:30", "2026-11-23 10:05:00"),
        ("0 0 * * * *", "2026-11-23 10:00:00", "2026-11-23 11:00:00"),
        ("0 0 */2 * * *", "2026-11-23 10:00:01", "2026-11-23 12:00:00"),
        ("0 0 9-17 * * *", "2026-11-23 17:00:00", "2026-11-24 09:00:00"),
        ("0 30 9 * * *", "2026-12-31 09:30:00", "2027-01-01 09:30:00"),
        ("0 30 9 * * 1-5", "2026-11-27 09:30:00", "2026-11-30 09:30:00"),
        ("0 30 9 * Jan Mon", "2026-11-23 00:00:00", "2027-01-04 09:30:00"),
        ("5,8,10 * * * * *", "2026-11-23 10:00:05", "2026-11-23 10:00:08"),
        ("0 5 0 * january sunday", "2026-11-23 00:00:00", "2027-01-03 00:05:00"),
        # Five fields have no seconds; a number with a step counts on to the end of the field.
        ("50/5 * * * *", "2026-11-23 10:50:00", "2026-11-23 10:55:00"),
        ("10-20/5 0 0 * * *", "2026-11-23 00:00:10", "2026-11-23 00:00:15"),
        # Day and day of week hold together.
        ("0 0 0 13 * 5", "2026-11-23 00:00:00", "2027-08-13 00:00:00"),
        ("0 0 0 29 2 *", "2026-11-23 00:00:00", "2028-02-29 00:00:00"),
        # Fixed intervals.
        ("00:00:30", "2026-11-23 10:00:00", "2026-11-23 10:00:30"),
        ("24:00:00", "2026-11-01 00:00:00", "2026-11-25 00:00:00"),
    ],
)
def test_the_next_firing(schedule: str, moment: str, following: str) -> None:
    """Each schedule fires next when its page says."""
    assert parse_schedule(schedule).next_after(at(moment)) == at(following)


@pytest.mark.parametrize(
    ("schedule", "reason"),
    [
        ("", "six fields"),
        ("* * * *", "six fields"),
        ("60 * * * * *", "second: '60' is not a number from 0 to 59"),
        ("* * * 0 * *", "day: '0' is not a number from 1 to 31"),
        ("* * * * Foo *", "month: 'Foo'"),
        ("* * * * * 7", "day of week: '7'"),
        ("*/0 * * * * *", "second: '0' is not a number of at least 1"),
        ("5-1 * * * * *", "runs backwards"),
        ("5, * * * * *", "second: ''"),
        ("٣ * * * * *", "second"),
        ("0 0 0 30 2 *", "no such day"),
        ("00:00:00", "longer than nothing"),
        ("00:99:00", "is not a duration"),
    ],
)
def test_a_schedule_that_cannot_be_used_is_refused(schedule: str, reason: str) -> None:
    """The error says which field, or that the day never comes."""
    with pytest.raises(BadSchedule, match=reason):
        parse_schedule(schedule)


def numbers(low: int, high: int) -> st.SearchStrategy[frozenset[int]]:
    """Sets of numbers within the bounds of a field."""
    return st.frozensets(st.integers(low, high), min_size=1, max_size=6)


schedules = st.builds(
    CronSchedule,
    numbers(0, 59),
    numbers(0, 59),
    numbers(0, 23),
    numbers(1, 28),
    st.just(frozenset(range(1, 13))),
    numbers(0, 6),
)
# Schedules that mostly fire within hours, so that walking to the next firing is quick.
dense = st.builds(
    CronSchedule,
    numbers(0, 59),
    numbers(0, 59),
    st.frozensets(st.integers(0, 23), min_size=12),
    st.frozensets(st.integers(1, 31), min_size=20),
    st.just(frozenset(range(1, 13))),
    st.frozensets(st.integers(0, 6), min_size=5),
)
moments = st.datetimes(
    at("2024-01-01").replace(tzinfo=None), at("2030-01-01").replace(tzinfo=None), timezones=st.just(UTC)
)


def fires_at(schedule: CronSchedule, moment: datetime) -> bool:
    """Whether all six fields hold at a whole second."""
    return (
        moment.second in schedule.seconds
        and moment.minute in schedule.minutes
        and moment.hour in schedule.hours
        and moment.day in schedule.days
        and moment.month in schedule.months
        and moment.isoweekday() % 7 in schedule.weekdays
    )


@given(schedules, moments)
def test_the_next_firing_matches_and_is_later(schedule: CronSchedule, moment: datetime) -> None:
    """What is found satisfies every field, lies strictly after the moment and is a whole second."""
    following = schedule.next_after(moment)

    assert following > moment
    assert following.microsecond == 0
    assert fires_at(schedule, following)


@given(dense, moments)
def test_no_firing_is_passed_over(schedule: CronSchedule, moment: datetime) -> None:
    """Walking second by second from the moment, the first at which all fields hold is the one that is found."""
    whole = moment.replace(microsecond=0)
    walked = (whole + timedelta(seconds=step) for step in range(1, 3 * 3600))
    first = next((step for step in walked if fires_at(schedule, step)), None)

    following = schedule.next_after(moment)
    assert following == first if first is not None else following > whole + timedelta(hours=3, seconds=-1)


@given(st.integers(1, 59), st.integers(0, 59), moments)
def test_steps_agree_with_lists(step: int, start: int, moment: datetime) -> None:
    """`a/n` is the list of the numbers it stands for."""
    listed = ",".join(str(second) for second in range(start, 60, step))
    assert parse_schedule(f"{start}/{step} * * * * *") == parse_schedule(f"{listed} * * * * *")
