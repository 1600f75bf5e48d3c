import datetime as dt

import pytest

from include.ledger import intake
from include.ledger.engine import reading, writing
from include.ledger.intake import NotPulled, Partition
from tests.ledger.world import MONDAY, MORNING, TUESDAY, accept_both, case, cases, reconcile

pytestmark = pytest.mark.usefixtures("ledger")
PARTITION = Partition("GRC", MONDAY)
LATER = MORNING + dt.timedelta(hours=1)


def accept(sha256, rows=10):
    with writing() as session:
        intake.accept_extract(
            session,
            PARTITION,
            "avr_cases",
            sha256=sha256.ljust(64, "0"),
            file_name="x.csv",
            row_count=rows,
            quarantined_count=0,
            now=MORNING,
        )


def in_force():
    with reading() as session:
        return intake.extract_in_force(session, PARTITION, "avr_cases")


def test_the_same_bytes_twice_are_one_extract():
    accept("a")
    first = in_force()
    accept("a")
    assert (in_force().id, in_force().turn) == (first.id, 1)


def test_a_corrected_extract_of_the_same_day_replaces_it():
    accept("a")
    accept("b")
    assert in_force().sha256.startswith("b")


def test_a_correction_that_is_taken_back_puts_the_first_in_force_again():
    accept("a")
    accept("b")
    accept("a")
    assert in_force().sha256.startswith("a")


def test_the_rows_to_compare_with_are_those_of_an_earlier_day():
    accept("a", rows=400)
    with reading() as session:
        assert intake.previous_row_count(session, PARTITION, "avr_cases") is None
        assert intake.previous_row_count(session, Partition("GRC", TUESDAY), "avr_cases") == 400
        assert intake.previous_row_count(session, Partition("NER", TUESDAY), "avr_cases") is None


def test_a_partition_key_is_read_and_written_alike():
    assert str(Partition.of("GRC|2026-11-02")) == "GRC|2026-11-02"
    for wrong in ("GRC", "grc|2026-11-02", "GRC|02.11.2026", ""):
        with pytest.raises(ValueError, match=r"partition key|isoformat"):
            Partition.of(wrong)


def test_a_partition_with_one_extract_is_not_pulled():
    accept("a")
    with reading() as session, pytest.raises(NotPulled, match="no good extract of asylum_procedure"):
        intake.both_extracts(session, PARTITION)


def test_a_partition_is_forgotten_until_it_was_reconciled_from_its_extracts_in_force():
    def forgotten(before=LATER):
        with reading() as session:
            return intake.forgotten(session, accepted_before=before)

    accept("a")
    assert forgotten() == [], "one extract alone starts nothing"
    with writing() as session:
        accept_both(session, PARTITION, rows=1)
    assert forgotten() == [PARTITION]
    assert forgotten(before=MORNING) == [], "what has just come is given time"
    reconcile(MONDAY, cases(case()), add_up=False)
    assert forgotten() == [PARTITION], "a day that was not added up is not reconciled"
    reconcile(MONDAY, cases(case()))
    assert forgotten() == []
    with writing() as session:
        accept_both(session, PARTITION, rows=1, mark="c")
    assert forgotten() == [PARTITION], "a corrected extract is reconciled again"


def test_the_newest_reconciled_day_of_each_host_country():
    reconcile(MONDAY, cases(case()))
    reconcile(TUESDAY, cases(case()), add_up=False)
    with reading() as session:
        assert intake.newest_reconciled(session, ["GRC", "NER"]) == {"GRC": MONDAY, "NER": None}
