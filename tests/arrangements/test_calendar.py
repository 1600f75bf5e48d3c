import datetime as dt
from zoneinfo import ZoneInfo

import holidays
from hypothesis import given
from hypothesis import strategies as st

from include.arrangements.calendar import (
    due_lists,
    due_moments,
    next_due,
    previous_due,
    pull_moments,
    pull_window,
    working_days_between,
)
from include.arrangements.models import WEEKDAYS, Arrangement, Source
from include.extracts.countries import ISO_3166, KOSOVO

COUNTRIES = {
    "GRC": "Europe/Athens",
    "NER": "Africa/Niamey",
    "PAK": "Asia/Karachi",
    "EGY": "Africa/Cairo",
    "CHL": "America/Santiago",
}


def office(
    country="GRC", days=("mon",), at="09:00", timezone=None, begins="2020-01-01", also=None, **settings
) -> Arrangement:
    return Arrangement.model_validate(
        {
            "office": "AAA-BBB",
            "name": "An office",
            "host_countries": [country],
            "timezone": timezone or COUNTRIES[country],
            "language": "en",
            "consent": "recorded",
            "effective_from": begins,
            "list": {"days": list(days), "at": at, "holidays": country, **settings},
            "deliver": [{"via": "sftp", "connection": "a", "folder": "/", "seal": "none"}],
            "answers": {"escalate": ["a@iom.example"]},
        }
        | (also or {})
    )


def source(timezone="Europe/Athens", at="06:00") -> Source:
    return Source.model_validate(
        {
            "host_country": "GRC",
            "kind": "avr_cases",
            "url": "file:///x/{YYYYMMDD}.csv",
            "at": at,
            "cut_off": "23:59",
            "timezone": timezone,
            "data_owner": "a@iom.example",
            "iom_focal_point": "a@iom.example",
        }
    )


def midnight(day: str) -> dt.datetime:
    return dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)


def test_a_list_due_on_a_holiday_moves_to_the_working_day_before():
    # 6 January 2027, Epiphany in Greece, is a Wednesday.
    (due,) = due_lists([office(days=["wed"])], midnight("2027-01-04"), midnight("2027-01-10"))
    assert (due.moment.date().isoformat(), due.planned) == ("2027-01-05", (dt.date(2027, 1, 6),))
    assert due.moved == ((dt.date(2027, 1, 6), "public holiday (Epiphany)"),)


def test_lists_that_move_onto_one_day_are_one():
    closed = office(days=["tue", "wed", "thu"], closures=["2026-11-11..2026-11-12"])
    moments = due_moments([closed], midnight("2026-11-09"), midnight("2026-11-14"))
    assert [moment.date().isoformat() for moment in moments] == ["2026-11-10"]


def test_reasons_are_in_english_whatever_the_language_of_the_machine(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "el")
    (due,) = due_lists(
        [office("MAR", days=["mon"], timezone="Africa/Casablanca")], midnight("2027-01-07"), midnight("2027-01-10")
    )
    assert due.moved == ((dt.date(2027, 1, 11), "public holiday (Proclamation of Independence Day)"),)


def test_an_office_closed_over_its_whole_week_is_told_before_it_closes():
    closed = office(days=["mon"], closures=["2026-12-24..2027-01-02"])
    moments = due_moments([closed], midnight("2026-12-22"), midnight("2027-01-05"))
    assert [moment.date().isoformat() for moment in moments] == ["2026-12-23", "2027-01-04"]


def test_nobody_is_told_on_a_closed_day_however_long_the_closure():
    closed = office(days=["mon"], closures=["2026-12-24..2027-06-30"])
    moments = due_moments([closed], midnight("2026-12-22"), midnight("2027-07-06"))
    assert [moment.date().isoformat() for moment in moments] == ["2026-12-23", "2027-07-05"]


def test_an_office_that_begins_on_days_off_is_told_on_its_first_working_day():
    # 1 November 2026 is a Sunday.
    new = office(days=["mon"], begins="2026-11-01", closures=["2026-11-02..2026-11-03"])
    first = next(due_lists([new], midnight("2026-10-01"), midnight("2026-11-30")))
    assert (first.moment.date(), first.planned) == (dt.date(2026, 11, 4), (dt.date(2026, 11, 2),))


def test_a_list_that_moves_to_before_a_new_version_goes_by_the_version_in_force_there():
    versions = [office(days=["fri"]), office(days=["mon"], at="14:00", begins="2026-11-08", closures=["2026-11-09"])]
    (due,) = due_lists(versions, midnight("2026-11-03"), midnight("2026-11-14"))
    assert (f"{due.moment:%a %d %H:%M}", len(due.planned)) == ("Fri 06 09:00", 2)


def test_a_saturday_that_a_country_exchanges_for_a_bridge_day_is_a_working_day():
    known = holidays.country_holidays("AM", years=2024)
    saturday = min(known.weekend_workdays)
    settings = office("ARM", timezone="Asia/Yerevan").list
    assert saturday.weekday() >= 5
    assert working_days_between(settings, saturday - dt.timedelta(days=1), saturday) == 1


def test_every_country_that_an_arrangement_may_name_has_its_holidays():
    for country in sorted(ISO_3166 | {KOSOVO}):
        settings = office(country, timezone="UTC").list
        assert 200 < working_days_between(settings, dt.date(2026, 1, 1), dt.date(2027, 1, 1)) < 310, country


def test_a_workweek_of_its_own_counts():
    sunday = office("PAK", days=["sun"], workweek=["sun", "mon", "tue", "wed", "thu"])
    moments = due_moments([sunday], midnight("2026-11-14"), midnight("2026-11-17"))
    assert [moment.strftime("%a") for moment in moments] == ["Sun"]


def test_local_time_stays_when_the_clock_changes():
    moments = due_moments([office(days=["mon"])], midnight("2026-10-19"), midnight("2026-11-03"))
    assert [moment.hour for moment in moments] == [9, 9, 9]
    assert [moment.astimezone(dt.UTC).hour for moment in moments] == [6, 7, 7]


def test_a_time_that_the_clock_skips_moves_forward():
    # Athens, 29 March 2026: 03:00 becomes 04:00.
    early = office(days=["sun"], at="03:30", workweek=list(WEEKDAYS))
    (moment,) = due_moments([early], midnight("2026-03-28"), midnight("2026-03-30"))
    assert moment.strftime("%H:%M") == "04:30"


def test_a_new_version_takes_over_on_its_day():
    versions = [office(days=["mon"]), office(days=["thu"], begins="2026-11-10")]
    moments = due_moments(versions, midnight("2026-11-02"), midnight("2026-11-21"))
    assert [f"{moment:%a %d}" for moment in moments] == ["Mon 02", "Mon 09", "Thu 12", "Thu 19"]


@given(
    st.sampled_from(sorted(COUNTRIES)),
    st.sets(st.sampled_from(WEEKDAYS), min_size=1),
    st.dates(dt.date(2020, 3, 1), dt.date(2040, 1, 1)),
    st.sampled_from(["00:00", "02:30", "09:00", "23:45"]),
)
def test_due_lists_agree_with_a_slow_obvious_model(country, days, start, at):
    arrangement = office(country, sorted(days), at)
    zone = ZoneInfo(COUNTRIES[country])
    beginning = dt.datetime.combine(start, dt.time(), zone)
    end = beginning + dt.timedelta(days=40)
    known = holidays.country_holidays(country)

    def works(day):
        return day.weekday() not in known.weekend and day not in known

    expected = set()
    for offset in range(-3, 110):
        day = start + dt.timedelta(days=offset)
        if WEEKDAYS[day.weekday()] in days:
            while not works(day):
                day -= dt.timedelta(days=1)
            moment = dt.datetime.combine(day, dt.time.fromisoformat(at), zone)
            expected.add(moment.astimezone(dt.UTC))
    found = due_moments([arrangement], beginning, end)
    assert [moment.astimezone(dt.UTC) for moment in found] == sorted(
        moment for moment in expected if beginning <= moment < end
    )
    if found:
        assert next_due([arrangement], beginning - dt.timedelta(seconds=1)) == found[0]
        assert previous_due([arrangement], end - dt.timedelta(microseconds=1)) == found[-1]
        assert next_due([arrangement], found[0]) == (
            found[1] if len(found) > 1 else next_due([arrangement], end - dt.timedelta(microseconds=1))
        )


def test_working_days_are_counted_after_the_first_and_up_to_the_last():
    settings = office().list
    friday, monday, tuesday = dt.date(2026, 11, 6), dt.date(2026, 11, 9), dt.date(2026, 11, 10)
    assert working_days_between(settings, friday, friday) == 0
    assert working_days_between(settings, friday, monday) == 1
    assert working_days_between(settings, friday, tuesday) == 2
    assert working_days_between(settings, tuesday, friday) == 0


@given(
    st.sampled_from(["Pacific/Auckland", "America/Los_Angeles", "Europe/Athens", "Asia/Karachi", "Pacific/Kiritimati"]),
    st.sampled_from(["00:00", "00:30", "06:00", "12:59", "23:30"]),
    st.dates(dt.date(2020, 1, 1), dt.date(2040, 1, 1)),
)
def test_every_day_of_a_source_is_pulled_by_exactly_one_daily_run(timezone, at, start):
    one = source(timezone, at)
    runs = [midnight(start.isoformat()) + dt.timedelta(days=number) for number in range(12)]
    pulled = [day for run in runs for day in pull_moments(one, run, run + dt.timedelta(days=1))]
    assert pulled == [pulled[0] + dt.timedelta(days=number) for number in range(len(pulled))]
    assert len(pulled) in (11, 12, 13)
    for day in pulled:
        assert runs[0] <= pull_window(one, day)[0] < runs[-1] + dt.timedelta(days=1)
