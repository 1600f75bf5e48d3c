"""When a case is due, and what stands against it."""

import pandas as pd
import pytest

from include.arrangements.models import Arrangement, Retention
from include.retention import due
from tests.year.arranged import OFFICES

TODAY = pd.Timestamp("2027-06-01")


def day(before: int) -> pd.Timestamp:
    return TODAY - pd.Timedelta(days=before)


def case(**more) -> dict:
    return {
        "host_country": "GRC",
        "case_id": "A",
        "iom_office": "ATH",
        "status": "departed",
        "departed_on": day(90),
        "since": day(90),
        "status_since": day(90),
        "missing_since": pd.NaT,
        "told_on": day(95),
        "answered_on": pd.NaT,
        "in_flight": False,
        "concern": False,
        "in_review": False,
        "held": False,
        "ordered": False,
        "to_hear": False,
    } | more


def weighed(*rows: dict, owed=(), after=90, without=365) -> dict[str, str]:
    frame = pd.DataFrame([case(**row) for row in rows], columns=due.CASE_COLUMNS)
    for column in ("departed_on", "since", "status_since", "missing_since", "told_on", "answered_on"):
        frame[column] = pd.to_datetime(frame[column]).astype("datetime64[s]")
    days = pd.DataFrame({"after_departure": after, "without_departure": without}, index=frame.index)
    found = due.weigh(frame, days, TODAY, lambda pairs: [pair for pair in pairs if pair[1] in owed])
    return dict(zip(found["case_id"], found["blocked"], strict=True))


def test_a_departure_is_due_after_its_days_and_not_one_before():
    assert weighed({"case_id": "A"}, {"case_id": "B", "departed_on": day(89)}) == {"A": ""}


def test_the_days_begin_when_the_departure_was_known():
    assert weighed({"departed_on": day(200), "status_since": day(20)}) == {}


def test_a_closed_case_that_has_departed_counts_from_its_departure():
    assert weighed({"status": "closed"}) == {"A": ""}
    assert weighed({"status": "closed", "departed_on": pd.NaT}) == {}


@pytest.mark.parametrize("news", ["since", "status_since", "missing_since", "told_on", "answered_on"])
def test_without_a_departure_any_news_begins_the_days_anew(news):
    stays = dict.fromkeys(["since", "status_since", "missing_since", "told_on", "answered_on"], day(365))
    stays |= {"status": "withdrawn", "departed_on": pd.NaT}
    assert weighed(stays) == {"A": ""}
    assert weighed(stays | {news: day(364)}) == {}


@pytest.mark.parametrize("status", due.OPEN_STATUSES)
def test_a_case_that_its_source_has_as_open_is_never_due_by_time(status):
    old = dict.fromkeys(["since", "status_since", "told_on", "answered_on"], day(3000))
    still = old | {"status": status, "departed_on": pd.NaT}
    assert weighed(still) == {}
    assert weighed(still | {"missing_since": day(364)}) == {}
    assert weighed(still | {"missing_since": day(365)}) == {"A": ""}


@pytest.mark.parametrize("what", ["held", "in_flight", "concern", "in_review"])
def test_what_stands_against_it_is_named(what):
    assert weighed({what: True}) == {"A": what}


def test_what_an_office_is_still_owed_stands_against_it():
    assert weighed({"case_id": "A"}, {"case_id": "B"}, owed={"B"}) == {"A": "", "B": "owed"}


def test_a_wish_needs_no_time_and_waits_until_every_office_that_was_told_has_heard():
    wish = {"ordered": True, "status": "booked", "departed_on": pd.NaT}
    assert weighed(wish | {"in_review": True}) == {"A": ""}
    assert weighed(wish | {"to_hear": True}) == {"A": "to_hear"}
    assert weighed(wish, owed={"A"}) == {"A": "owed"}
    for what in ("held", "in_flight", "concern"):
        assert weighed(wish | {what: True}) == {"A": what}


def arranged(office, **retention) -> Arrangement:
    one = next(one for one in OFFICES if one.office == office)
    return one.model_copy(update={"retention": Retention.model_validate(retention)})


def test_of_several_offices_the_shortest_retention_counts():
    cases = pd.DataFrame({"host_country": "GRC", "case_id": ["A", "B", "C"], "iom_office": ["ATH", "THE", None]})
    told = pd.DataFrame({"host_country": ["GRC"], "case_id": ["C"], "office": ["GRC-THE"]})
    offices = [
        arranged("GRC-ATH", after_departure="90 days", without_departure="100 days"),
        arranged("GRC-THE", after_departure="30 days", without_departure="400 days"),
        arranged("GRC-LAW", after_departure="60 days", without_departure="300 days after last news"),
    ]
    found = due.periods(cases, told, offices)
    assert found.to_dict("records") == [
        {"after_departure": 60, "without_departure": 100},
        {"after_departure": 30, "without_departure": 300},
        {"after_departure": 30, "without_departure": 300},
    ]


def test_a_case_of_no_office_has_the_usual_retention():
    cases = pd.DataFrame({"host_country": ["ISL"], "case_id": ["A"], "iom_office": [None]})
    (found,) = due.periods(cases, pd.DataFrame(columns=[*due.KEY, "office"]), OFFICES).to_dict("records")
    assert found == {"after_departure": 90, "without_departure": 365}
