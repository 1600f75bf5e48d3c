"""An office's days: working days, when its lists are due and why a date moved; a source's days of pull.

Pure: no clock in here. Local times that a clock change skips move forward with it; of a time that comes twice the
first counts.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from include.arrangements.models import WEEKDAYS, Arrangement, ListSettings, Source

if TYPE_CHECKING:
    from holidays import HolidayBase

_FURTHEST_ROLL = 60
"""Days: a list is not moved further back than this, whatever the closures."""
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Due:
    """A list's due day, and the days that it stands for (more than one where lists moved onto one day)."""

    moment: dt.datetime
    planned: tuple[dt.date, ...]
    why: str
    """Empty, or why the day is not the planned one."""


def day_off(settings: ListSettings, day: dt.date) -> str:
    """Why the office does not work on `day`, or nothing if it does."""
    for closure in settings.closures:
        if closure.first <= day <= closure.last:
            return "closure"
    weekday = WEEKDAYS[day.weekday()]
    if settings.workweek is not None:
        if weekday not in settings.workweek:
            return "not in the workweek"
    elif day.weekday() in _weekend(settings.holidays):
        return "weekend"
    if settings.holidays and day in (known := _holidays(settings.holidays)):
        return f"public holiday: {known.get(day)}"
    return ""


def is_working_day(settings: ListSettings, day: dt.date) -> bool:
    """Whether the office works on `day`."""
    return not day_off(settings, day)


def working_days_between(settings: ListSettings, start: dt.date, end: dt.date) -> int:
    """Working days after `start` up to and including `end`; 0 if `end` is not after `start`."""
    return sum(is_working_day(settings, start + _DAY * number) for number in range(1, (end - start).days + 1))


def due_lists(versions: Sequence[Arrangement], start: dt.datetime, end: dt.datetime) -> Iterator[Due]:
    """The lists due in [start, end), in order, by the version that is in force on each planned day.

    versions: of one office, oldest first
    """
    margin = dt.timedelta(days=_FURTHEST_ROLL + 2)
    found: dict[dt.datetime, list[tuple[dt.date, str]]] = {}
    day, last = start.date() - 2 * _DAY, (end + margin).date()
    while day <= last:
        begun = [version for version in versions if version.effective_from <= day]
        if begun and WEEKDAYS[day.weekday()] in begun[-1].list.days:
            arrangement = begun[-1]
            why, moved = "", day
            for _ in range(_FURTHEST_ROLL):
                reason = day_off(arrangement.list, moved)
                if not reason or moved <= arrangement.effective_from:
                    break
                why, moved = why or reason, moved - _DAY
            moment = _at(moved, arrangement.list.at, arrangement.timezone)
            if start <= moment < end:
                found.setdefault(moment, []).append((day, why if moved != day else ""))
        day += _DAY
    for moment in sorted(found):
        planned = tuple(day for day, _ in found[moment])
        yield Due(moment, planned, "; ".join(f"{day} is a {why}" for day, why in found[moment] if why))


def due_moments(versions: Sequence[Arrangement], start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    """The moments in [start, end) at which the office's lists are due, in order, in its timezone."""
    return [due.moment for due in due_lists(versions, start, end)]


def next_due(versions: Sequence[Arrangement], after: dt.datetime) -> dt.datetime | None:
    """The first due moment after `after`, or None if there is none within two years."""
    return _first(versions, after, range(0, 728, 14), forward=True)


def previous_due(versions: Sequence[Arrangement], before: dt.datetime) -> dt.datetime | None:
    """The last due moment at or before `before`, or None if there is none within two years."""
    return _first(versions, before, range(0, 728, 14), forward=False)


def pull_window(source: Source, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """When the pull of the source's `day` begins, and its cut-off."""
    return _at(day, source.at, source.timezone), _at(day, source.cut_off, source.timezone)


def pull_moments(source: Source, start: dt.datetime, end: dt.datetime) -> list[dt.date]:
    """The days of the source, in its own timezone, whose pull begins in [start, end)."""
    first = start.astimezone(ZoneInfo(source.timezone)).date() - _DAY
    days = (first + _DAY * number for number in range((end - start).days + 4))
    return [day for day in days if start <= pull_window(source, day)[0] < end]


def _first(versions: Sequence[Arrangement], around: dt.datetime, steps: range, *, forward: bool) -> dt.datetime | None:
    instant = dt.timedelta(microseconds=1)
    for step in steps:
        near, far = dt.timedelta(days=step), dt.timedelta(days=step + steps.step)
        if forward:
            found = due_moments(versions, around + near + instant, around + far + instant)
        else:
            found = due_moments(versions, around - far + instant, around - near + instant)
        if found:
            return found[0] if forward else found[-1]
    return None


def _at(day: dt.date, time: dt.time, timezone: str) -> dt.datetime:
    zone = ZoneInfo(timezone)
    local = dt.datetime.combine(day, time, zone)
    # A time that the clock skips does not survive the way over UTC: it comes back moved forward.
    return local.astimezone(dt.UTC).astimezone(zone)


@lru_cache
def _holidays(country: str) -> "HolidayBase":
    import holidays  # slow to import, and not needed to read an arrangement

    return holidays.country_holidays(country)


@lru_cache
def _weekend(country: str | None) -> frozenset[int]:
    return frozenset(_holidays(country).weekend) if country else frozenset({5, 6})
