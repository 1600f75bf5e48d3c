"""What lists say of persons of concern and when, on both databases: headquarters' measures and what an office adds."""

import pandas as pd
import pytest
from sqlalchemy import select

from include.ledger.engine import reading
from include.ledger.models import List, Notice
from include.lists.compose import offices_that_cannot_wait
from tests.ledger.world import MONDAY, TUESDAY, case, cases, reconcile
from tests.lists.test_compose import MORNING, NEXT, arrangement, compose, compose_urgent

pytestmark = pytest.mark.usefixtures("ledger")
FAR = pd.Timestamp("2027-03-01")


def child(case_id="A", **more):
    found = {"concerns": "unaccompanied_child", "marked": "unaccompanied_child", "urgent": True}
    return case(case_id, **{"expected_departure_on": FAR} | found | more)


def stateless(case_id="B", **more):
    found = {"concerns": "stateless", "marked": "stateless"}
    return case(case_id, **{"expected_departure_on": FAR} | found | more)


def told() -> list[tuple[str, str, str]]:
    """What lists said: kind of list, notice and marks, in their order."""
    with reading() as session:
        rows = session.execute(select(List.kind, Notice.notice, Notice.marked).join(List).order_by(Notice.list_id))
        return [tuple(row) for row in rows]


def test_a_person_whom_a_rule_calls_urgent_is_told_at_once_and_marked_and_others_wait():
    reconcile(MONDAY, cases(child(), stateless()))
    assert offices_that_cannot_wait({"GRC-ATH": [arrangement()]}, "GRC", MONDAY, MORNING) == ["GRC-ATH"]
    assert compose_urgent()[1] == {"NEW": 1}
    assert compose_urgent() == (None, {})
    compose()
    assert told() == [("urgent", "NEW", "unaccompanied_child"), ("scheduled", "NEW", "stateless")]


def test_what_changes_of_a_person_told_at_once_is_told_at_once():
    reconcile(MONDAY, cases(child()))
    compose_urgent()
    reconcile(TUESDAY, cases(child(expected_departure_on=FAR + pd.Timedelta(days=30))))
    assert compose_urgent(day=TUESDAY, now=NEXT)[1] == {"CHANGED": 1}
    wednesday = TUESDAY.replace(day=4)
    reconcile(wednesday, cases(child(status="withdrawn")))
    assert compose_urgent(day=wednesday, now=NEXT)[1] == {"CANCELLED": 1}


def test_an_office_adds_measures_and_another_office_hears_as_headquarters_has_it():
    here = arrangement(iom_offices=["ATH"], measures={"stateless": ["urgent"], "with_disability": ["flag"]})
    there = arrangement(iom_offices=["THE"], office="GRC-THE")
    disability = {"concerns": "stateless;with_disability"}
    reconcile(MONDAY, cases(stateless("A", **disability), stateless("B", iom_office="THE", **disability)))
    assert compose_urgent(here)[1] == {"NEW": 1}
    assert compose_urgent(there) == (None, {})
    compose(there)
    assert told() == [("urgent", "NEW", "stateless;with_disability"), ("scheduled", "NEW", "stateless")]


def test_an_office_cannot_take_a_measure_away():
    less = arrangement(measures={"unaccompanied_child": ["flag"]})
    reconcile(MONDAY, cases(child()))
    assert compose_urgent(less)[1] == {"NEW": 1}
    assert told() == [("urgent", "NEW", "unaccompanied_child")]


@pytest.mark.parametrize("sharing", [{"sharing_consent": False}, {"iom_office": "THE"}])
def test_an_office_that_is_to_learn_nothing_more_of_a_person_reads_no_mark(sharing):
    made = arrangement(iom_offices=["ATH"], consent="required")
    reconcile(MONDAY, cases(child(sharing_consent=True)))
    compose_urgent(made)
    reconcile(TUESDAY, cases(child(**{"sharing_consent": True} | sharing, marked="recognised;unaccompanied_child")))
    compose(made, NEXT)
    assert told()[1:] == [("scheduled", "CANCELLED", "")]


def test_a_list_says_by_which_policy_the_days_it_knows_were_decided():
    reconcile(MONDAY, cases(child()), policy_version="111111111111")
    compose()
    reconcile(TUESDAY, cases(child(), stateless()), policy_version="222222222222")
    reconcile(MONDAY, cases(case("N")), policy_version="111111111111", host="NER")
    compose(arrangement(host_countries=["GRC", "NER"]), NEXT)
    reconcile(TUESDAY.replace(day=4), cases(child(), stateless(), case("C")))
    compose(due_at=NEXT.replace(day=9))
    with reading() as session:
        versions = session.scalars(select(List.policy_version).order_by(List.id)).all()
    assert versions == ["111111111111", "111111111111;222222222222", None]
