"""The timetables, with Airflow's own scheduler rules, and through the serialisation that the scheduler sees them by."""

import datetime as dt
import json
import os
import subprocess
import sys

import office_timetable
import pendulum
import pytest
from airflow.timetables.base import DataInterval, TimeRestriction
from office_timetable import OfficeTimetable
from pull_timetable import DailyPullTimetable, HourlyTimetable

from include.settings import ROOT
from tests.arrangements.test_calendar import office

START = pendulum.datetime(2026, 11, 2)


def runs(timetable, *, catchup=True, earliest=START, latest=None, count=4):
    last, found = None, []
    for _ in range(count):
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=TimeRestriction(earliest, latest, catchup)
        )
        if info is None:
            break
        found.append(info)
        last = info.data_interval
    return found


def test_an_office_is_due_on_its_days_and_its_interval_begins_at_the_list_before():
    found = runs(OfficeTimetable([office(days=["mon", "thu"])]), count=3)
    assert [info.run_after.isoformat() for info in found] == [
        "2026-11-02T07:00:00+00:00",
        "2026-11-05T07:00:00+00:00",
        "2026-11-09T07:00:00+00:00",
    ]
    assert all(before.data_interval.end == after.data_interval.start for before, after in zip(found, found[1:]))


def test_no_two_runs_of_an_office_have_one_logical_date():
    found = runs(OfficeTimetable([office(days=["mon", "tue"], begins="2026-11-01")]), count=4)
    assert len({info.logical_date for info in found}) == 4


def test_no_run_has_a_logical_date_before_its_dag_begins_for_airflow_would_give_it_no_task():
    for begins in ("2026-10-01", "2026-11-01", "2026-11-02"):
        found = runs(OfficeTimetable([office(days=["mon", "thu"], begins=begins)]), count=3)
        assert all(info.logical_date >= START for info in found)


def test_without_catchup_only_the_newest_missed_list_is_made(monkeypatch):
    monkeypatch.setattr(office_timetable, "now", lambda zone: pendulum.datetime(2026, 11, 12, 12, tz=zone))
    found = runs(OfficeTimetable([office(days=["mon", "thu"])]), catchup=False, count=2)
    assert [info.run_after.isoformat() for info in found] == ["2026-11-12T07:00:00+00:00", "2026-11-16T07:00:00+00:00"]


def test_nothing_is_due_before_the_first_or_after_the_last_day():
    found = runs(OfficeTimetable([office(days=["mon"])]), latest=pendulum.datetime(2026, 11, 10))
    assert len(found) == 2
    found = runs(OfficeTimetable([office(days=["mon"], begins="2026-11-09")]), count=1)
    assert found[0].run_after.day == 9


def test_a_list_made_by_hand_reaches_back_to_the_one_before():
    interval = OfficeTimetable([office(days=["mon"])]).infer_manual_data_interval(
        run_after=pendulum.datetime(2026, 11, 4, 12)
    )
    assert interval == DataInterval(pendulum.datetime(2026, 11, 2, 7), pendulum.datetime(2026, 11, 4, 12))


def test_a_list_made_by_hand_at_a_due_moment_reaches_back_to_the_one_before_too():
    due = pendulum.datetime(2026, 11, 9, 7)
    interval = OfficeTimetable([office(days=["mon"])]).infer_manual_data_interval(run_after=due)
    assert interval == DataInterval(pendulum.datetime(2026, 11, 2, 7), due)


def after(last: DataInterval, **settings):
    """The run that follows `last`, by an arrangement that was changed since."""
    daily = OfficeTimetable([office(days=["mon", "tue", "wed", "thu", "fri"], **settings)])
    restriction = TimeRestriction(START, None, catchup=True)
    return daily.next_dagrun_info(last_automated_data_interval=last, restriction=restriction)


MONDAYS = DataInterval(pendulum.datetime(2026, 11, 6, 7), pendulum.datetime(2026, 11, 9, 7))


def test_a_closure_that_is_added_later_moves_what_is_still_to_come():
    info = after(MONDAYS, closures=["2026-11-11..2026-11-13"])
    assert info.run_after.isoformat() == "2026-11-10T07:00:00+00:00"
    info = after(info.data_interval, closures=["2026-11-11..2026-11-13"])
    assert info.run_after.isoformat() == "2026-11-16T07:00:00+00:00"


def test_a_closure_that_is_added_after_its_list_went_gives_no_logical_date_twice():
    """Airflow makes no second run of one date: the next list would never be made."""
    info = after(MONDAYS, closures=["2026-11-09..2026-11-10"])
    assert info.run_after.isoformat() == "2026-11-11T07:00:00+00:00"
    assert info.logical_date == MONDAYS.end


def test_a_closure_that_is_added_when_the_day_before_has_passed_sends_the_list_at_once():
    weekly = OfficeTimetable([office(days=["thu"], closures=["2026-11-11..2026-11-12"])])
    last = DataInterval(pendulum.datetime(2026, 10, 29, 7), pendulum.datetime(2026, 11, 5, 7))
    info = weekly.next_dagrun_info(
        last_automated_data_interval=last, restriction=TimeRestriction(START, None, catchup=True)
    )
    assert info.run_after.isoformat() == "2026-11-10T07:00:00+00:00"


def test_the_ui_says_what_is_in_force_and_what_is_to_come(monkeypatch):
    versions = [office(days=["mon"]), office(days=["thu", "fri"], at="14:00", begins="2026-11-10")]
    monkeypatch.setattr(office_timetable, "now", lambda zone: pendulum.datetime(2026, 11, 9, 21, 59, tz=zone))
    timetable = OfficeTimetable(versions)
    assert timetable.summary == "mon 09:00"
    assert timetable.description == (
        "mon at 09:00 Europe/Athens, on working days of AAA-BBB; from 2026-11-10: thu, fri at 14:00 Europe/Athens"
    )
    # Midnight in Athens.
    monkeypatch.setattr(office_timetable, "now", lambda zone: pendulum.datetime(2026, 11, 9, 22, tz=zone))
    timetable = OfficeTimetable(versions)
    assert timetable.summary == "thu, fri 14:00"
    assert timetable.description == "thu, fri at 14:00 Europe/Athens, on working days of AAA-BBB"


def test_a_daily_pull_begins_with_its_day_and_covers_it():
    found = runs(DailyPullTimetable(), count=3)
    assert [info.run_after for info in found] == [START.add(days=number) for number in range(3)]
    assert all(info.data_interval.start == info.run_after for info in found)
    assert all(info.data_interval.end == info.run_after.add(days=1) for info in found)


def test_a_pull_by_hand_covers_the_day_it_is_started_on():
    interval = DailyPullTimetable().infer_manual_data_interval(run_after=pendulum.datetime(2026, 11, 4, 12))
    assert interval == DataInterval(pendulum.datetime(2026, 11, 4), pendulum.datetime(2026, 11, 5))


@pytest.mark.parametrize("timetable", [DailyPullTimetable, lambda: HourlyTimetable(20)])
def test_the_runs_of_pulls_and_sweeps_name_their_partitions_themselves(timetable):
    assert timetable().partitioned_at_runtime


def test_the_scheduler_sees_the_same_timetables_and_no_recipient(tmp_path):
    """Encoded and decoded in a process of its own, with the plugins folder as Airflow loads it."""
    code = """
import json
from airflow.serialization.encoders import encode_timetable
from airflow.serialization.decoders import decode_timetable
from office_timetable import OfficeTimetable
from pull_timetable import DailyPullTimetable, HourlyTimetable
from include.arrangements.reading import load_offices
from include.settings import arrangements_folder
offices = load_offices(arrangements_folder())[0]
out = {}
for timetable in [*(OfficeTimetable(versions) for versions in offices.values()), DailyPullTimetable(), HourlyTimetable(20)]:
    encoded = json.loads(json.dumps(encode_timetable(timetable)))
    back = decode_timetable(encoded)
    out[timetable.description] = [back.description, json.dumps(encoded)]
print(json.dumps(out))
"""
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    assert len(seen) >= 10
    for description, (decoded, encoded) in seen.items():
        assert decoded == description
        assert "@unhcr.example" not in encoded
        assert "sftp_" not in encoded


def test_the_days_of_an_office_survive_serialisation():
    versions = [office(days=["mon"]), office(days=["thu"], begins="2026-11-10", closures=["2026-11-19"])]
    before = OfficeTimetable(versions)
    after = OfficeTimetable.deserialize(json.loads(json.dumps(before.serialize())))
    assert [info.run_after for info in runs(before, count=5)] == [info.run_after for info in runs(after, count=5)]
    assert runs(after, count=5)[3].run_after.date() == dt.date(2026, 11, 18)
