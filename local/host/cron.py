"""When a timer fires: NCRONTAB expressions and fixed intervals, in UTC.

Libraries were looked at: those that know a field of seconds join day and weekday with "or", as cron does, where
NCRONTAB joins them with "and"; so these few lines are our own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from local.host.timespans import NotATimeSpan, parse_timespan

# In English whatever the machine speaks, as NCRONTAB has them; calendar.month_name follows the locale.
_MONTHS = tuple("january february march april may june july august september october november december".split())  # noqa: SIM905 - reads better than one a line
_DAYS = tuple("sunday monday tuesday wednesday thursday friday saturday".split())  # noqa: SIM905 - like the months
# A date that exists comes back on the same weekday within 40 years, whatever century lies between.
_YEARS_TO_LOOK = 40


class BadSchedule(ValueError):
    """A timer's schedule cannot be understood, or never comes."""


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of an expression: its name in messages, its bounds, and words that stand for its numbers."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()

    def parse(self, text: str) -> frozenset[int]:
        """Read `*`, numbers, words, ranges, steps and lists of them into the numbers that they mean."""
        return frozenset(number for term in text.split(",") for number in self._term(term))

    def _term(self, term: str) -> Iterable[int]:
        extent, slash, step_text = term.partition("/")
        step = self._number(step_text, low=1) if slash else 1
        if extent == "*":
            return range(self.low, self.high + 1, step)
        first_text, dash, last_text = extent.partition("-")
        first = self._value(first_text)
        if not dash:
            # "5/15" counts on from 5 to the end of the field.
            return range(first, (self.high if slash else first) + 1, step)
        last = self._value(last_text)
        if last < first:
            raise BadSchedule(f"{self.name}: the range {extent!r} runs backwards")
        return range(first, last + 1, step)

    def _value(self, text: str) -> int:
        lowered = text.lower()
        for index, word in enumerate(self.words):
            if lowered in {word, word[:3]}:
                return index + self.low
        return self._number(text, low=self.low, high=self.high)

    def _number(self, text: str, low: int, high: int | None = None) -> int:
        if not (text.isascii() and text.isdigit()) or int(text) < low or (high is not None and int(text) > high):
            bounds = f"from {low} to {high}" if high is not None else f"of at least {low}"
            raise BadSchedule(f"{self.name}: {text!r} is not a number {bounds}")
        return int(text)


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """The moments at which all six fields hold: also day and day of week together, as NCRONTAB has it."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: datetime) -> datetime:
        """Find the next time to fire.

        Args:
            moment: any moment, with its time zone.

        Returns:
            The first whole second after the moment, in the same zone, at which the schedule fires.

        Raises:
            BadSchedule: there is none in the next forty years.
        """
        earliest = moment.replace(microsecond=0) + timedelta(seconds=1)
        for day in self._days_from(earliest.date()):
            after = earliest.time() if day == earliest.date() else time.min
            found = self._time_from(after)
            if found is not None:
                return datetime.combine(day, found, moment.tzinfo)
        raise BadSchedule(f"no such day within {_YEARS_TO_LOOK} years")

    def _days_from(self, first: date) -> Iterator[date]:
        for offset in range(_YEARS_TO_LOOK * 366):
            day = first + timedelta(days=offset)
            if day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays:
                yield day

    def _time_from(self, first: time) -> time | None:
        for hour in sorted(hour for hour in self.hours if hour >= first.hour):
            for minute in sorted(self.minutes):
                if (hour, minute) < (first.hour, first.minute):
                    continue
                same_minute = (hour, minute) == (first.hour, first.minute)
                seconds = [second for second in self.seconds if not same_minute or second >= first.second]
                if seconds:
                    return time(hour, minute, min(seconds))
        return None


@dataclass(frozen=True, slots=True)
class IntervalSchedule:
    """A fixed time from one firing to the next."""

    interval: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """Find the next time to fire.

        Args:
            moment: the last firing, or when the host began to count.

        Returns:
            The moment one interval later.
        """
        return moment + self.interval


type Schedule = CronSchedule | IntervalSchedule


def parse_schedule(text: str) -> Schedule:
    """Read the schedule of a timer trigger.

    Source: the page "Timer trigger for Azure Functions". Six fields `{second} {minute} {hour} {day} {month}
    {day of week}`, five without the seconds, or a TimeSpan.

    Args:
        text: the schedule, with app settings already put in.

    Raises:
        BadSchedule: it is none of these, or it never comes.
    """
    parts = text.split()
    if len(parts) == 1 and ":" in text:
        return _interval(text)
    if len(parts) == len(_FIELDS) - 1:
        parts = ["0", *parts]
    if len(parts) != len(_FIELDS):
        raise BadSchedule(f"the schedule {text!r} needs six fields, or a duration such as 00:05:00")
    try:
        schedule = CronSchedule(*(field.parse(part) for field, part in zip(_FIELDS, parts, strict=True)))
        # From the start of a leap cycle, so that 29 February is found and 30 February is not.
        schedule.next_after(datetime(2000, 1, 1))  # noqa: DTZ001 - any zone does: only dates are looked at
    except BadSchedule as error:
        raise BadSchedule(f"the schedule {text!r} cannot be used: {error}") from None
    return schedule


def _interval(text: str) -> IntervalSchedule:
    try:
        seconds = parse_timespan(text)
    except NotATimeSpan as error:
        raise BadSchedule(str(error)) from None
    if seconds <= 0:
        raise BadSchedule(f"the interval {text!r} must be longer than nothing")
    return IntervalSchedule(timedelta(seconds=seconds))
