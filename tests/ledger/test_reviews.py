"""What people decide, as the ledger keeps it."""

import datetime as dt
import threading

import pandas as pd
import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from include.ledger import reviews
from include.ledger.engine import reading, writing
from include.ledger.models import Review
from include.ledger.reviews import NotDecidable, Pair
from tests.ledger.world import (
    MONDAY,
    MORNING,
    TUESDAY,
    case,
    cases,
    matches,
    notices,
    reconcile,
    record,
    register,
    send_list,
)

pytestmark = pytest.mark.usefixtures("ledger")
SEEN = "e" * 64
BEFORE, AFTER = MORNING - dt.timedelta(hours=1), MORNING + dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def two_cases(ledger):
    """A and B, in review with R and S; B is A's person or is not."""
    links = matches(("A", "R"), ("A", "S"), ("B", "R"), ("B", "S"), decision="review")
    waiting = {"standing": "review", "to_tell": False}
    reconcile(MONDAY, cases(case("A", **waiting), case("B", **waiting)), links, register(record("R"), record("S")))


def decide(decision, case_id="A", reference="R", at=AFTER, one_person=False, evidence=SEEN, by="W", reason="seen"):
    with writing() as session:
        reviews.record_decision(
            session, Pair("GRC", case_id, reference), decision,
            by=by, reason=reason, evidence=evidence, one_person=one_person, clock=lambda: at,
        )  # fmt: skip


def in_force():
    with reading() as session:
        found = reviews.in_force(session, "GRC")
    return set(found[["case_id", "asylum_reference", "decision"]].itertuples(index=False, name=None))


def queue():
    with reading() as session:
        found = reviews.queue(session)
    return set(found[["case_id", "asylum_reference"]].itertuples(index=False, name=None))


def test_a_decision_supersedes_the_one_before_and_history_keeps_both():
    decide("accept")
    decide("reject", at=AFTER + dt.timedelta(minutes=1), reason="looked again")
    assert in_force() == {("A", "R", "reject")}
    with reading() as session:
        first, second = reviews.history(session, "GRC", "A")
    assert (first.decision, first.superseded_at) == ("accept", AFTER + dt.timedelta(minutes=1))
    assert (second.decision, second.superseded_at, second.reason) == ("reject", None, "looked again")


def test_a_reopened_pair_has_no_decision_that_says_something():
    decide("reject")
    decide("reopen")
    assert in_force() == set()
    assert queue() >= {("A", "R")}


def test_a_clock_that_is_behind_takes_no_decision_away():
    decide("accept")
    decide("reject", at=AFTER - dt.timedelta(minutes=5))
    assert in_force() == {("A", "R", "reject")}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"by": "  "}, "who decides"),
        ({"reason": ""}, "say why"),
        ({"reference": "ASY-UNKNOWN"}, "never offered"),
        ({"case_id": "C"}, "never offered"),
        ({"decision": "perhaps"}, "one of accept, reject, reopen"),
        ({"evidence": None}, "no evidence"),
    ],
)
def test_what_lacks_something_is_not_taken_down(given, sentence):
    with pytest.raises(NotDecidable, match=sentence):
        decide(**{"decision": "accept"} | given)
    assert in_force() == set()


def test_a_second_record_of_a_case_is_accepted_only_as_the_same_persons():
    decide("accept")
    with pytest.raises(NotDecidable, match="another accepted record"):
        decide("accept", reference="S")
    decide("accept", reference="S", one_person=True)
    assert in_force() == {("A", "R", "accept"), ("A", "S", "accept")}


def test_a_record_of_another_case_is_free_once_it_is_rejected_there():
    decide("accept")
    with pytest.raises(NotDecidable, match="accepted for another case"):
        decide("accept", "B")
    decide("reject")
    decide("accept", "B")
    assert in_force() == {("A", "R", "reject"), ("B", "R", "accept")}


def test_a_record_that_the_machine_accepted_for_another_case_is_not_taken_silently():
    both = cases(case("A"), case("B", standing="review", to_tell=False))
    links = pd.concat([matches(("A", "R")), matches(("B", "R"), decision="review")])
    reconcile(TUESDAY, both, links.reset_index(drop=True), register(record("R")))
    with pytest.raises(NotDecidable, match="accepted for another case"):
        decide("accept", "B")
    decide("reject")
    decide("accept", "B")
    assert ("B", "R", "accept") in in_force(), "no reconciliation has to come in between"


def test_a_told_match_of_the_machine_is_not_moved_silently():
    reconcile(TUESDAY, cases(case("A"), case("B")), matches(("A", "R")), register(record("R")))
    decide("accept", reference="S")
    decide("reopen", reference="S")
    send_list(notices("A"))
    with pytest.raises(NotDecidable, match="another accepted record"):
        decide("accept", reference="S")


def test_of_two_who_decide_at_once_one_decision_is_in_force_and_both_are_kept(ledger):
    refused = []

    def one(decision, case_id):
        try:
            decide(decision, case_id)
        except NotDecidable as error:
            refused.append(error)

    both = [threading.Thread(target=one, args=given) for given in [("accept", "A"), ("reject", "A")] * 3]
    both += [threading.Thread(target=one, args=("accept", "B")) for _ in range(3)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    with reading() as session:
        kept = session.scalars(select(Review)).all()
    assert len(kept) + len(refused) == len(both)
    of_record = [one.case_id for one in kept if one.superseded_at is None and one.decision == "accept"]
    assert len(of_record) <= 1


def test_the_queue_is_what_is_in_review_and_not_decided_since():
    assert queue() == {("A", "R"), ("A", "S"), ("B", "R"), ("B", "S")}
    decide("reject")
    assert queue() == {("A", "S"), ("B", "R"), ("B", "S")}
    decide("accept", "B", "S")
    assert queue() == {("A", "S")}, "who is accepted has no other candidates"


def test_what_is_in_review_again_after_it_was_decided_shows_the_decision():
    decide("reject", at=BEFORE, by="Who")
    with reading() as session:
        row = reviews.queue(session).iloc[0]
    assert (row["asylum_reference"], row["decision"], row["decided_by"]) == ("R", "reject", "Who")


def test_a_case_that_vanished_from_its_extract_is_not_in_the_queue():
    only_b = matches(("A", "R"), ("B", "S"), decision="review")
    reconcile(TUESDAY, cases(case("B", standing="review", to_tell=False)), only_b, register(record("R"), record("S")))
    assert queue() == {("B", "S")}


def test_decisions_wait_for_the_newest_partition_of_their_host_country_until_it_is_reconciled():
    def waiting():
        with reading() as session:
            return {str(partition): count for partition, count in reviews.not_yet_laid_over(session).items()}

    decide("reject", at=BEFORE)
    assert waiting() == {}
    decide("accept")
    decide("reject", "B")
    assert waiting() == {f"GRC|{MONDAY}": 2}
    reconcile(TUESDAY, cases(case("A"), case("B")))
    assert waiting() == {f"GRC|{TUESDAY}": 2}, "the older day changes nothing any more"


def row(case_id="A", reference="R", **more):
    return {
        "host_country": "GRC", "case_id": case_id, "asylum_reference": reference, "decision": "accept",
        "decided_by": "W", "decided_at": MORNING, "reason": "seen", "evidence": SEEN, "shares_case": False,
        "shares_record": False, "superseded_at": None,
    } | more  # fmt: skip


@pytest.mark.parametrize(
    "rows",
    [
        [row(), row(decision="reject")],
        [row(), row(reference="S")],
        [row(), row("B")],
        [row(decision="maybe")],
        [row(decided_by=" ")],
        [row(reason="")],
        [row(evidence="Ahmad Rahimi")],
        [row(decision="reject", shares_case=True)],
        [row(superseded_at=BEFORE)],
        [row("C")],
        [row(reference="T")],
    ],
)
def test_what_must_never_be_is_refused_by_the_database_itself(rows):
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(insert(Review), rows)


@pytest.mark.parametrize(
    "rows",
    [
        [row(superseded_at=AFTER), row(superseded_at=AFTER), row(decision="reject")],
        [row(), row(reference="S", shares_case=True), row("B", shares_record=True)],
        [row(decision="reject", evidence=None), row("B")],
    ],
)
def test_history_and_what_is_one_persons_are_kept(rows):
    with writing() as session:
        session.execute(insert(Review), rows)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Review)) == len(rows)
