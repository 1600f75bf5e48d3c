"""An office's days: working days, when its lists are due and why a date moved; a source's days of pull.

Pure: no clock in here. Local times that a clock change skips move forward with it; of a time that comes twice the
first counts.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from include.arrangements.models import WEEKDAYS, Arrangement, ListSettings, Source
from include.arrangements.reading import in_force

if TYPE_CHECKING:
    from holidays import HolidayBase

_FURTHEST = 366
"""Days: what is planned further ahead than this is not told before a closure; it waits for its end."""
_DAY = dt.timedelta(days=1)
_SATURDAY_AND_SUNDAY = frozenset({5, 6})
_WEEKENDS: dict[str | None, frozenset[int]] = {"LBY": frozenset({4, 5}), "PSE": frozenset({4, 5})}
"""Weekends that the library of holidays does not have right: Friday and Saturday in Libya and Palestine."""
_TWO_LETTERS = {"BGR": "BG", "BHR": "BH", "GTM": "GT", "MAR": "MA", "SWZ": "SZ", "VUT": "VU", "XKX": "XK"}
"""Countries that the library of holidays does not know by their three letters: it takes MAR for a month."""


@dataclass(frozen=True)
class Due:
    """A list's due day, and the days that it stands for (more than one where lists moved onto one day)."""

    moment: dt.datetime
    planned: tuple[dt.date, ...]
    moved: tuple[tuple[dt.date, str], ...]
    """Of the planned days those that the office does not work on, each with why."""


def day_off(settings: ListSettings, day: dt.date) -> str:
    """Why the office does not work on `day`, or nothing if it does."""
    for closure in settings.closures:
        if closure.first <= day <= closure.last:
            return "office closed"
    known = _holidays(settings.holidays) if settings.holidays else None
    holiday = known.get(day) if known is not None else None  # asking fetches the year's days, exchanged ones too
    if settings.workweek is not None:
        if WEEKDAYS[day.weekday()] not in settings.workweek:
            return "not in the workweek"
    elif _is_weekend(settings.holidays, day):
        # Some countries make a Saturday a working day, in exchange for a bridge day.
        return "" if known is not None and day in known.weekend_workdays else "weekend"
    return f"public holiday ({holiday})" if holiday else ""


def _is_weekend(country: str | None, day: dt.date) -> bool:
    if country is None or country in _WEEKENDS:
        return day.weekday() in _WEEKENDS.get(country, _SATURDAY_AND_SUNDAY)
    return _holidays(country).is_weekend(day)  # which may change from one year to another


def is_working_day(settings: ListSettings, day: dt.date) -> bool:
    """Whether the office works on `day`."""
    return not day_off(settings, day)


def working_days_between(settings: ListSettings, start: dt.date, end: dt.date) -> int:
    """Working days after `start` up to and including `end`; 0 if `end` is not after `start`."""
    return sum(is_working_day(settings, start + _DAY * number) for number in range(1, (end - start).days + 1))


def due_lists(versions: Sequence[Arrangement], start: dt.datetime, end: dt.datetime) -> Iterator[Due]:
    """The lists due in [start, end), in order: one on each working day that a planned day falls on or moves back to.

    Each day goes by the version in force on it. Planned days before the office's first working day cannot move back:
    they move forward to it.
    versions: of one office, oldest first
    """
    start, end = start.astimezone(dt.UTC), end.astimezone(dt.UTC)
    found = []
    # Two days more on either side: the office's clock may be most of a day before or behind.
    for day in map(dt.date.fromordinal, range(start.toordinal() - 2, end.toordinal() + 3)):
        version = in_force(versions, day)
        if version is not None and is_working_day(version.list, day):
            moment = at_time(day, version.list.at, version.timezone)
            if start <= moment < end and (
                planned := [*_before_the_first(versions, day), *_until_the_next(versions, day)]
            ):
                moved = tuple((one, why) for one, why in planned if why)
                found.append(Due(moment, tuple(one for one, _ in planned), moved))
    # Where a version moves an office to another timezone its days may overlap.
    yield from sorted(found, key=lambda due: due.moment.astimezone(dt.UTC))


def _until_the_next(versions: Sequence[Arrangement], day: dt.date) -> Iterator[tuple[dt.date, str]]:
    """The planned days from the working day `day` to the next, each with why nobody works on it."""
    why = ""
    for ahead in (day + _DAY * number for number in range(_FURTHEST)):
        version = in_force(versions, ahead)
        if version is None or (ahead != day and not (why := day_off(version.list, ahead))):
            return
        if WEEKDAYS[ahead.weekday()] in version.list.days:
            yield ahead, why


def _before_the_first(versions: Sequence[Arrangement], day: dt.date) -> list[tuple[dt.date, str]]:
    """The planned days before the working day `day` if it is the office's first, each with why nobody works on it."""
    planned: list[tuple[dt.date, str]] = []
    before = day - _DAY
    while (version := in_force(versions, before)) is not None:
        if not (why := day_off(version.list, before)):
            return []
        if WEEKDAYS[before.weekday()] in version.list.days:
            planned.insert(0, (before, why))
        before -= _DAY
    return planned


def due_moments(versions: Sequence[Arrangement], start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    """The moments in [start, end) at which the office's lists are due, in order, in its timezone."""
    return [due.moment for due in due_lists(versions, start, end)]


def summaries_due(versions: Sequence[Arrangement], start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    """The moments in [start, end) at which the office's summaries of rejected cases are due, in order.

    Each goes by the version in force on the day after its period; its working day may be in the month after, where the
    office is closed for long, and of two on one moment there is one.
    """
    found = set()
    month = (start.date() - dt.timedelta(days=_FURTHEST)).replace(day=1)
    while month <= end.date() + _DAY:
        version = in_force(versions, month)
        if version is not None and period_end(version.rejected.every, month) == month - _DAY:
            days = (month + _DAY * number for number in range(_FURTHEST))
            working = (day for day in days if is_working_day(version.list, day))
            day = next(islice(working, version.rejected.working_day - 1, None), None)
            if day is not None and start <= (moment := at_time(day, version.rejected.at, version.timezone)) < end:
                found.add(moment)
        month = (month + dt.timedelta(days=31)).replace(day=1)
    return sorted(found)


def period_end(every: str, day: dt.date) -> dt.date | None:
    """The last day of the newest month or quarter that was over before `day`; None where there are no periods."""
    if every == "never":
        return None
    first = day.month - (day.month - 1) % (3 if every == "quarter" else 1)
    return day.replace(month=first, day=1) - _DAY


def next_due(versions: Sequence[Arrangement], after: dt.datetime) -> dt.datetime | None:
    """The first due moment after `after`, or None if there is none within two years."""
    return first_moment(lambda start, end: due_moments(versions, start, end), after, forward=True)


def previous_due(versions: Sequence[Arrangement], before: dt.datetime) -> dt.datetime | None:
    """The last due moment at or before `before`, or None if there is none within two years."""
    return first_moment(lambda start, end: due_moments(versions, start, end), before, forward=False)


def pull_window(source: Source, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """When the pull of the source's `day` begins, and its cut-off."""
    return at_time(day, source.at, source.timezone), at_time(day, source.cut_off, source.timezone)


def pull_moments(source: Source, start: dt.datetime, end: dt.datetime) -> list[dt.date]:
    """The days of the source, in its own timezone, whose pull begins in [start, end)."""
    first = start.astimezone(ZoneInfo(source.timezone)).date() - _DAY
    days = (first + _DAY * number for number in range((end - start).days + 4))
    return [day for day in days if start <= pull_window(source, day)[0] < end]


def first_moment(
    moments: Callable[[dt.datetime, dt.datetime], list[dt.datetime]], around: dt.datetime, *, forward: bool
) -> dt.datetime | None:
    """The first moment after `around`, or the last one at or before it; None if there is none within two years.

    moments: those in [start, end), in order
    """
    instant, around = dt.timedelta(microseconds=1), around.astimezone(dt.UTC)
    steps = range(0, 728, 14)
    for step in steps:
        near, far = dt.timedelta(days=step), dt.timedelta(days=step + steps.step)
        if forward:
            found = moments(around + near + instant, around + far + instant)
        else:
            found = moments(around - far + instant, around - near + instant)
        if found:
            return found[0] if forward else found[-1]
    return None


def at_time(day: dt.date, time: dt.time, timezone: str) -> dt.datetime:
    """That time of the day by the clock of the timezone."""
    zone = ZoneInfo(timezone)
    local = dt.datetime.combine(day, time, zone)
    # A time that the clock skips does not survive the way over UTC: it comes back moved forward.
    return local.astimezone(dt.UTC).astimezone(zone)


@lru_cache
def _holidays(country: str) -> "HolidayBase":
    import holidays  # slow to import, and not needed to read an arrangement

    code = _TWO_LETTERS.get(country, country)
    known = holidays.country_holidays(code)
    # Their names in English where it has them, whatever the language of the machine.
    return holidays.country_holidays(code, language="en_US") if "en_US" in known.supported_languages else known
