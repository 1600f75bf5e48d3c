"""When the views of an agreement on Afghan returns are due, of which days they tell, and whether it is in force.

Pure: no clock in here, and nothing but the agreement: a day on which views go depends on nobody's data.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.arrangements.calendar import at_time, first_moment
from include.arrangements.framework import Framework
from include.arrangements.reading import in_force


@dataclass(frozen=True)
class DueView:
    """When views are due, and the days of which they tell, both included."""

    moment: dt.datetime
    first: dt.date
    last: dt.date


def agreement_on(versions: Sequence[Framework], day: dt.date) -> Framework | None:
    """The version in force on `day`, a day of the agreement's timezone; None where none is."""
    found = in_force(versions, day)
    return None if found is None or (found.until and found.until < day) else found


def due_views(versions: Sequence[Framework], start: dt.datetime, end: dt.datetime) -> Iterator[DueView]:
    """The views due in [start, end), in order: by the settings in force, or, where none are, by those next to it.

    A run that finds no agreement in force says so; it could not if it did not come.
    versions: of one host country, oldest first
    """
    start, end = start.astimezone(dt.UTC), end.astimezone(dt.UTC)
    found = []
    # Two days more on either side: the clock there may be most of a day before or behind.
    for day in map(dt.date.fromordinal, range(start.toordinal() - 2, end.toordinal() + 3)):
        version = in_force(versions, day) or versions[0]
        if (last := version.covers_until(day)) is not None:
            moment = at_time(day, version.at, version.timezone)
            if start <= moment < end:
                found.append(DueView(moment, day, last))
    yield from sorted(found, key=lambda due: due.moment.astimezone(dt.UTC))


def _moments(versions: Sequence[Framework], start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    return [due.moment for due in due_views(versions, start, end)]


def next_view(versions: Sequence[Framework], after: dt.datetime) -> dt.datetime | None:
    """The first due moment after `after`, or None if there is none within two years."""
    return first_moment(lambda start, end: _moments(versions, start, end), after, forward=True)


def previous_view(versions: Sequence[Framework], before: dt.datetime) -> dt.datetime | None:
    """The last due moment at or before `before`, or None if there is none within two years."""
    return first_moment(lambda start, end: _moments(versions, start, end), before, forward=False)
