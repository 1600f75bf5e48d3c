"""Calendar and timetable beside a slow, obvious model, over twenty years and sixty countries.

`AVR_LONG_SWEEP=1` walks every timetable through every year, which takes some minutes; without it every country's
calendar is compared in every year, and every country's timetable in one.
"""

import datetime as dt
import os
import random
from bisect import bisect_left, bisect_right

import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction
from hypothesis import given, settings
from hypothesis import strategies as st
from office_timetable import OfficeTimetable

from include.arrangements.calendar import due_lists, next_due, previous_due
from include.arrangements.models import WEEKDAYS
from tests.arrangements.slow_calendar import PLACES, expected_lists
from tests.arrangements.test_calendar import office

YEARS = range(2015, 2036)
TIMES = ["00:00", "00:30", "01:30", "02:00", "02:30", "03:15", "09:00", "14:00", "23:45"]
LONG = bool(os.environ.get("AVR_LONG_SWEEP"))


def closure(chance: random.Random, year: int) -> str:
    first = dt.date(year, 1, 1) + dt.timedelta(days=chance.randrange(365))
    return f"{first}..{first + dt.timedelta(days=chance.choice([0, 2, 9, 20, 100]))}"


def two_versions(country: str, chance: random.Random) -> list:
    """One office's two arrangements, the second from somewhere in the twenty years on."""
    begins = dt.date(2015, 1, 1) + dt.timedelta(days=chance.randrange(40))
    changes = dt.date(2016, 1, 1) + dt.timedelta(days=chance.randrange(19 * 365))
    made = []
    for first_day in (begins, changes):
        made.append(
            office(
                country,
                sorted(chance.sample(WEEKDAYS, chance.choice([1, 1, 2, 5]))),
                chance.choice(TIMES),
                timezone=PLACES[country][1],
                begins=first_day.isoformat(),
                closures=[closure(chance, year) for year in YEARS if chance.random() < 0.6],
                workweek=chance.choice([None, None, None, ["sun", "mon", "tue", "wed", "thu"], list(WEEKDAYS)]),
            )
        )
    return made


def utc(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def walked(timetable: OfficeTimetable, start: dt.datetime, end: dt.datetime):
    """The runs that Airflow's scheduler makes of a DAG with these first and last moments."""
    last, restriction = None, TimeRestriction(pendulum.instance(start), pendulum.instance(end), catchup=True)
    while info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction):
        yield info
        last = info.data_interval


def compare_timetable(versions, expected: list[dt.datetime], start: dt.datetime, end: dt.datetime) -> None:
    due = expected[bisect_right(expected, start) : bisect_right(expected, end)]
    runs = list(walked(OfficeTimetable(versions), start, end))
    assert [run.run_after for run in runs] == due
    assert [run.data_interval.end for run in runs] == due
    # From the list before to this one; the first begins with the DAG or the list before it, whichever is later.
    assert [run.data_interval.start for run in runs[1:]] == due[:-1]
    assert all(start <= run.data_interval.start < run.run_after for run in runs)
    assert len({run.logical_date for run in runs}) == len(runs)


@pytest.mark.parametrize("country", PLACES)
def test_every_list_of_twenty_years_is_due_when_an_office_would_expect_it(country):
    chance = random.Random(country)
    versions = two_versions(country, chance)
    expected = expected_lists(versions)
    found = {
        due.moment.astimezone(dt.UTC): list(due.planned)
        for due in due_lists(versions, utc(dt.date(2014, 12, 1)), utc(dt.date(2036, 1, 1)))
    }
    assert found == {moment: planned for moment, planned in expected.items() if moment < utc(dt.date(2036, 1, 1))}

    moments = list(expected)
    mine = YEARS if LONG else [YEARS[list(PLACES).index(country) % len(YEARS)]]
    for year in mine:
        compare_timetable(versions, moments, utc(dt.date(year, 1, 1)), utc(dt.date(year, 12, 31)))


@settings(max_examples=1000 if LONG else 30, deadline=None)
@given(
    st.sampled_from(sorted(PLACES)),
    st.integers(0, 10**6),
    st.datetimes(dt.datetime(2015, 3, 1), dt.datetime(2034, 1, 1)),
    st.booleans(),
)
def test_next_and_previous_list_of_any_moment(country, seed, moment, on_a_list):
    """A run started by hand at that very moment reaches back to the list before, never only to itself."""
    versions = two_versions(country, random.Random(seed))
    moments = [at for at in expected_lists(versions) if moment.year - 2 <= at.year <= moment.year + 2]
    at = pendulum.instance(moment, tz="UTC")
    if on_a_list and at < moments[-1]:
        at = pendulum.instance(moments[bisect_left(moments, at)])
    after = moments[bisect_right(moments, at) :]
    until = moments[: bisect_right(moments, at)]
    before = moments[: bisect_left(moments, at)]
    assert next_due(versions, at) == (after[0] if after else None)
    assert previous_due(versions, at) == (until[-1] if until else None)
    assert OfficeTimetable(versions).infer_manual_data_interval(run_after=at) == DataInterval(
        pendulum.instance(before[-1]) if before else at, at
    )
