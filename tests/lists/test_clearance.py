"""First notices that wait for a person: who is held, for how long, and that nobody is ever held past the departure."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from include.ledger import clearances
from include.ledger.clearances import NotClearable
from include.ledger.engine import reading, writing
from include.ledger.models import List, Notice
from include.lists.clearance import NOT_REVIEWED, hold
from include.lists.compose import offices_that_cannot_wait
from include.lists.difference import KEY
from include.reports.overdue import forgotten_partitions, undone_decisions
from tests.ledger.world import MONDAY, TUESDAY, case, cases, reconcile
from tests.lists.test_compose import MORNING, NEXT, arrangement, compose, compose_urgent

FAR = pd.Timestamp("2027-03-01")
THE_WEEK_AFTER = MORNING + dt.timedelta(days=7)
on_a_ledger = pytest.mark.usefixtures("ledger")


def child(case_id="A", **more):
    found = {"concerns": "unaccompanied_child", "review": "unaccompanied_child", "expected_departure_on": FAR}
    return case(case_id, **found | more)


def told() -> list[tuple[str, str, str]]:
    """What lists said: kind of list, notice and marks, in their order."""
    with reading() as session:
        rows = session.execute(select(List.kind, Notice.notice, Notice.marked).join(List).order_by(Notice.list_id))
        return [tuple(row) for row in rows]


def waiting() -> list[clearances.Waiting]:
    with reading() as session:
        return clearances.waiting(session)


def clear(number=None, by="A. Person", note=""):
    with writing() as session:
        clearances.clear(session, number or clearances.waiting(session)[0].number, by, note, NEXT)


@on_a_ledger
def test_a_case_waits_for_a_person_others_do_not_and_it_goes_unmarked_once_somebody_has_looked():
    reconcile(MONDAY, cases(child("A"), case("B")))
    assert compose()[1] == {"NEW": 1}
    assert [(one.office, one.rules, one.asked_on) for one in waiting()] == [
        ("GRC-ATH", ("unaccompanied_child",), MONDAY)
    ]
    clear()
    assert waiting() == []
    assert compose(due_at=NEXT)[1] == {"NEW": 1}
    assert told() == [("scheduled", "NEW", ""), ("scheduled", "NEW", "")]


@on_a_ledger
def test_who_must_be_looked_at_is_asked_for_when_the_day_is_reconciled_and_not_only_with_a_list():
    reconcile(MONDAY, cases(child()))
    assert offices_that_cannot_wait({"GRC-ATH": [arrangement()]}, "GRC", MONDAY, MORNING) == []
    assert len(waiting()) == 1
    assert offices_that_cannot_wait({"GRC-ATH": [arrangement()]}, "GRC", MONDAY, MORNING) == []
    assert len(waiting()) == 1


@on_a_ledger
def test_a_departure_that_is_near_is_told_at_once_and_says_that_nobody_has_looked():
    reconcile(MONDAY, cases(child(expected_departure_on=pd.Timestamp("2026-11-05"))))
    assert offices_that_cannot_wait({"GRC-ATH": [arrangement()]}, "GRC", MONDAY, MORNING) == ["GRC-ATH"]
    assert compose_urgent()[1] == {"NEW": 1}
    assert told() == [("urgent", "NEW", NOT_REVIEWED)]
    assert waiting() == []


@on_a_ledger
def test_no_list_leaves_somebody_out_for_whom_the_list_after_it_would_be_too_late():
    # Lists are on Monday and Tuesday: after Tuesday's the next is a week later, in the departure's own week.
    reconcile(TUESDAY, cases(child(expected_departure_on=pd.Timestamp("2026-11-13"))))
    assert compose(due_at=NEXT)[1] == {"NEW": 1}
    assert told() == [("scheduled", "NEW", NOT_REVIEWED)]


@on_a_ledger
@pytest.mark.parametrize("departure", [FAR, pd.NaT])
def test_what_nobody_looks_at_goes_when_the_arrangements_time_is_over_and_says_so(departure):
    made = arrangement(list={"undated": True, "review_within": "3 working days"})
    reconcile(MONDAY, cases(child(expected_departure_on=departure)))
    assert compose(made) == (None, {})
    assert compose(made, due_at=NEXT) == (None, {})
    assert compose(made, due_at=THE_WEEK_AFTER)[1] == {"NEW": 1}
    assert told() == [("scheduled", "NEW", NOT_REVIEWED)]


@on_a_ledger
def test_a_week_goes_by_no_faster_because_a_list_is_made_again():
    made = arrangement(list={"review_within": "6 working days"})
    reconcile(MONDAY, cases(child()))
    for _ in range(3):
        assert compose(made) == (None, {})
    assert compose(made, due_at=THE_WEEK_AFTER) == (None, {})
    assert [one.asked_on for one in waiting()] == [MONDAY]


@on_a_ledger
def test_what_is_told_already_changes_and_ends_without_waiting():
    reconcile(MONDAY, cases(case("A", expected_departure_on=FAR)))
    compose()
    reconcile(TUESDAY, cases(child("A", expected_departure_on=FAR + pd.Timedelta(days=3))))
    assert compose(due_at=NEXT)[1] == {"CHANGED": 1}
    reconcile(THE_WEEK_AFTER.date(), cases(child("A", status="withdrawn")))
    assert compose(due_at=THE_WEEK_AFTER)[1] == {"CANCELLED": 1}


@on_a_ledger
def test_who_has_left_is_told_of_whoever_has_looked():
    reconcile(MONDAY, cases(child(status="departed", departed_on=pd.Timestamp("2026-11-02"))))
    assert compose()[1] == {"DEPARTED": 1}


@on_a_ledger
def test_an_office_that_adds_the_measure_waits_and_another_one_does_not():
    here = arrangement(measures={"stateless": ["review"]}, iom_offices=["ATH"])
    there = arrangement(office="GRC-THE", iom_offices=["THE"])
    stateless = {"concerns": "stateless", "review": ""}
    reconcile(MONDAY, cases(child("A", **stateless), child("B", iom_office="THE", **stateless)))
    assert compose(here) == (None, {})
    assert compose(there)[1] == {"NEW": 1}
    assert [(one.office, one.rules) for one in waiting()] == [("GRC-ATH", ("stateless",))]


@on_a_ledger
def test_a_rule_that_nobody_looked_for_is_asked_for_again():
    reconcile(MONDAY, cases(child()))
    compose()
    clear()
    reconcile(TUESDAY, cases(child(review="stateless;unaccompanied_child")))
    assert compose(due_at=NEXT) == (None, {})
    assert [one.rules for one in waiting()] == [("stateless",)]


@on_a_ledger
def test_who_is_to_be_told_at_once_waits_for_a_person_and_is_told_at_once_then():
    reconcile(MONDAY, cases(child(urgent=True)))
    assert compose_urgent() == (None, {})
    assert undone_decisions() == frozenset()
    clear()
    assert undone_decisions() == {f"GRC|{MONDAY} 0 1"}
    assert forgotten_partitions(NEXT) == [f"GRC|{MONDAY}"]
    assert compose_urgent()[1] == {"NEW": 1}
    assert told() == [("urgent", "NEW", "")]


@on_a_ledger
def test_who_stays_before_anybody_was_told_waits_for_nobody():
    reconcile(MONDAY, cases(child()))
    compose()
    reconcile(TUESDAY, cases(child(status="withdrawn")))
    assert waiting() == []
    assert compose(due_at=NEXT) == (None, {})


@on_a_ledger
def test_nobody_clears_without_a_name_or_what_does_not_wait():
    reconcile(MONDAY, cases(child()))
    compose()
    number = waiting()[0].number
    with pytest.raises(NotClearable, match="--by"):
        clear(number, by=" ")
    with pytest.raises(NotClearable, match="nothing of this number"):
        clear(number + 1)
    clear(number)
    with pytest.raises(NotClearable, match="nothing of this number"):
        clear(number)


DAYS = st.dates(dt.date(2026, 11, 1), dt.date(2026, 12, 31))
CASE = st.fixed_dictionaries(
    {
        "notice": st.sampled_from(["NEW"] * 5 + ["CHANGED", "CANCELLED", "DEPARTED"]),
        "review": st.sampled_from(["", "a", "a;b"]),
        "expected_departure_on": st.none() | DAYS,
        "looked": st.sampled_from(["", "a", "a;b"]),
        "asked_on": st.none() | DAYS,
    }
)


@given(st.lists(CASE, min_size=1, max_size=6), DAYS, DAYS)
def test_each_notice_goes_or_is_asked_for_and_none_waits_that_is_near_or_has_waited(rows, near_from, asked_until):
    table = pd.DataFrame(rows, columns=["notice", "review", "expected_departure_on", "looked", "asked_on"])
    table = table.assign(host_country="GRC", case_id=[f"{n}" for n in range(len(rows))], marked="")
    for column in ("expected_departure_on", "asked_on"):
        table[column] = pd.to_datetime(table[column]).astype("datetime64[s]")
    known = pd.concat(
        [
            table.loc[table["looked"].ne(""), KEY].assign(
                rules=table["looked"], asked_on=pd.Timestamp("2026-11-01"), cleared=True
            ),
            table.loc[table["asked_on"].notna(), [*KEY, "asked_on"]].assign(rules=table["review"], cleared=False),
        ]
    )
    held = hold(table, table, known, near=lambda day: day <= near_from, over=lambda day: day <= asked_until)
    gone = held.notices.set_index("case_id")
    assert set(gone.index) | {case_id for _, case_id in held.wanted} == set(table["case_id"])
    assert not set(gone.index) & {case_id for _, case_id in held.wanted}
    for row in table.to_dict("records"):
        open_rules = set(filter(None, row["review"].split(";"))) - set(row["looked"].split(";"))
        near = pd.notna(row["expected_departure_on"]) and row["expected_departure_on"].date() <= near_from
        waited = pd.notna(row["asked_on"]) and row["asked_on"].date() <= asked_until
        if row["notice"] != "NEW" or not open_rules:
            assert gone.loc[row["case_id"], "marked"] == ""
        elif near or waited:
            assert gone.loc[row["case_id"], "marked"] == NOT_REVIEWED
        else:
            assert set(held.wanted["GRC", row["case_id"]].split(";")) == open_rules
