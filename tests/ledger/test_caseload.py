import pandas as pd
import pytest
from sqlalchemy import select, text

from include.ledger import caseload
from include.ledger.engine import reading, writing
from include.ledger.intake import DoesNotAddUp, Partition
from include.ledger.models import Match, Standing
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
WEDNESDAY = TUESDAY.replace(day=4)


def known() -> pd.DataFrame:
    with reading() as session:
        return caseload.known_cases(session, "GRC").set_index("case_id")


def standings(case_id):
    with reading() as session:
        rows = session.execute(select(Standing.since, Standing.standing).filter_by(case_id=case_id).order_by("since"))
        return [(since, standing) for since, standing in rows]


def test_the_day_adds_up_to_the_rows_that_were_pulled():
    counts = reconcile(MONDAY, cases(case("A"), case("B", standing="review", to_tell=False)), unusable=3)
    assert counts == {"pending": 1, "review": 1, "unusable": 3}


def test_a_day_that_does_not_add_up_is_an_error():
    reconcile(MONDAY, cases(case("A"), case("B")), add_up=False)
    with writing() as session:
        session.execute(text("DELETE FROM standing WHERE case_id = 'B'"))
    with writing() as session, pytest.raises(DoesNotAddUp, match=r"decided .*2.* but the ledger holds .*1"):
        caseload.add_up(session, Partition("GRC", MONDAY), MORNING)


def test_a_case_that_changes_moves_and_one_that_does_not_stays():
    reconcile(MONDAY, cases(case("A"), case("B")))
    reconcile(TUESDAY, cases(case("A", expected_departure_on=pd.Timestamp("2026-12-01")), case("B")))
    assert known()["since"].dt.date.to_dict() == {"A": TUESDAY, "B": MONDAY}
    assert known().loc["A", "expected_departure_on"] == pd.Timestamp("2026-12-01")
    assert known()["status_since"].dt.date.to_dict() == {"A": MONDAY, "B": MONDAY}


def test_a_status_counts_from_the_day_it_turned():
    reconcile(MONDAY, cases(case("A")))
    reconcile(TUESDAY, cases(case("A", status="no_show")))
    reconcile(WEDNESDAY, cases(case("A", status="no_show", family_name="Rahimy")))
    assert known().loc["A", "status_since"].date() == TUESDAY


def test_a_case_that_vanishes_is_missing_and_keeps_its_state():
    reconcile(MONDAY, cases(case("A"), case("B")))
    reconcile(TUESDAY, cases(case("A")))
    assert known().loc["B", "missing_since"].date() == TUESDAY
    assert known().loc["B", "status"] == "booked"
    reconcile(WEDNESDAY, cases(case("A"), case("B")))
    assert pd.isna(known().loc["B", "missing_since"])


def test_a_day_run_twice_leaves_the_same_ledger():
    links, records = matches(("A", "R")), register(record("R"))
    reconcile(MONDAY, cases(case("A"), case("B", status="no_show")), links, records)
    before = known(), standings("A"), standings("B")
    reconcile(MONDAY, cases(case("A"), case("B", status="no_show")), links, records)
    pd.testing.assert_frame_equal(known(), before[0])
    assert (standings("A"), standings("B")) == before[1:]


def test_a_backfill_of_an_older_day_changes_nothing_newer():
    reconcile(TUESDAY, cases(case("A", status="withdrawn")))
    before = known()
    counts = reconcile(MONDAY, cases(case("A"), case("C")))
    assert counts == {"pending": 2}, "the older day is counted all the same"
    pd.testing.assert_frame_equal(known(), before)


def test_a_corrected_extract_of_the_same_day_takes_back_what_the_first_said():
    reconcile(MONDAY, cases(case("A")))
    reconcile(TUESDAY, cases(case("A", standing="rejected", to_tell=False)))
    assert standings("A") == [(MONDAY, "pending"), (TUESDAY, "rejected")]
    reconcile(TUESDAY, cases(case("A")), mark="c")
    assert standings("A") == [(MONDAY, "pending")]


def test_a_row_that_was_only_in_the_first_extract_of_a_day_is_missing_after_the_correction():
    reconcile(MONDAY, cases(case("A"), case("WRONG")))
    reconcile(MONDAY, cases(case("A")), mark="c")
    assert known().loc["WRONG", "missing_since"].date() == MONDAY


def test_a_match_is_open_until_another_takes_its_place():
    both = register(record("R"), record("S"))
    reconcile(MONDAY, cases(case("A")), matches(("A", "R")), both)
    reconcile(TUESDAY, cases(case("A")), matches(("A", "S")), both)
    with reading() as session:
        rows = session.execute(select(Match.asylum_reference, Match.since, Match.ended_on).order_by(Match.id)).all()
        assert [tuple(row) for row in rows] == [("R", MONDAY, TUESDAY), ("S", TUESDAY, None)]
        assert list(caseload.open_accepts(session, "GRC")["asylum_reference"]) == ["S"]


def test_what_is_kept_of_a_record_follows_the_register():
    reconcile(MONDAY, cases(case("A")), matches(("A", "R")), register(record("R")))
    decided = record("R", outcome="rejected", outcome_on=pd.Timestamp("2026-11-03"), final=True, stage="closed")
    reconcile(TUESDAY, cases(case("A")), matches(("A", "R")), register(decided))
    with reading() as session:
        kept = caseload.procedure_records(session, "GRC").iloc[0]
    assert (kept["outcome"], kept["final"], kept["outcome_on"]) == ("rejected", True, pd.Timestamp("2026-11-03"))


def test_a_case_counts_as_told_from_the_moment_its_list_is_sealed():
    reconcile(MONDAY, cases(case("A"), case("B")))
    send_list(notices("A"))
    with reading() as session:
        assert list(caseload.told_cases(session, "GRC")) == ["A"]
