import datetime as dt
import threading

import pytest
from sqlalchemy import select

from include.ledger import caseload, outbox, reviews
from include.ledger.engine import reading, writing
from include.ledger.models import Entry, List, Notice, Told
from include.ledger.outbox import NotFound, NotVoidable
from tests.ledger.world import (
    MONDAY,
    MORNING,
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


@pytest.fixture(autouse=True)
def two_cases(ledger):
    reconcile(MONDAY, cases(case("A"), case("B")))


def told():
    with reading() as session:
        return outbox.last_told(session, "GRC-ATH")


def deliver(channel="sftp:a"):
    with writing() as session:
        delivery, sealed, files = outbox.next_delivery(session, "GRC-ATH", channel)
        outbox.record_attempt(session, delivery.id, MORNING)
        outbox.record_delivered(session, delivery.id, {"size": 4}, MORNING)
        return sealed.number, [file.name for file in files]


def test_numbers_rise_by_one_without_gaps():
    for _ in range(3):
        send_list(notices())
    with reading() as session:
        assert list(session.scalars(select(List.number).order_by(List.number))) == [1, 2, 3]


def test_two_writers_at_once_number_without_gap_or_clash(ledger):
    threads = [threading.Thread(target=send_list, args=(notices(),)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading() as session:
        assert sorted(session.scalars(select(List.number))) == [1, 2, 3, 4, 5, 6]


def test_an_entry_reference_is_one_for_all_notices_to_one_office_and_another_elsewhere():
    send_list(notices("A"))
    send_list(notices("A", notice="CHANGED", reason="date_moved"))
    send_list(notices("A"), office="GRC-THE")
    with reading() as session:
        assert session.scalars(select(Entry.office).order_by(Entry.office)).all() == ["GRC-ATH", "GRC-THE"]
        assert len(set(session.scalars(select(Entry.entry)))) == 2


def test_what_was_told_includes_a_list_in_flight():
    send_list(notices("A"))
    assert list(told()["notice"]) == ["NEW"]
    send_list(notices("A", notice="CHANGED", reason="date_moved"))
    assert list(told()["notice"]) == ["CHANGED"]


def test_a_channel_is_a_queue_in_number_order():
    send_list(notices("A"), channels=("sftp:a", "email:b"))
    send_list(notices("B"), channels=("sftp:a", "email:b"))
    assert deliver("sftp:a") == (1, ["list.csv"])
    assert deliver("sftp:a") == (2, ["list.csv"])
    assert deliver("email:b")[0] == 1
    with reading() as session:
        assert outbox.next_delivery(session, "GRC-ATH", "sftp:a") is None
        assert outbox.open_channels(session, "GRC-ATH") == ["email:b"]


def test_the_first_recipient_to_have_the_list_starts_the_clock_and_each_is_recorded():
    send_list(notices("A"), channels=("sftp:a", "email:b"))
    deliver("sftp:a")
    with reading() as session:
        assert session.scalars(select(List.state)).one() == "told"
    deliver("email:b")
    with reading() as session:
        assert len(session.scalars(select(Told.delivery_id)).all()) == 2


def test_a_delivery_recorded_twice_is_told_once():
    send_list(notices("A"))
    with writing() as session:
        delivery = outbox.next_delivery(session, "GRC-ATH", "sftp:a")[0].id
    for _ in range(2):
        with writing() as session:
            outbox.record_delivered(session, delivery, {}, MORNING)
    with reading() as session:
        assert len(session.scalars(select(Told.entry)).all()) == 1


def test_an_attempt_that_never_reported_back_is_unknown_and_still_owed():
    send_list(notices("A"))
    with writing() as session:
        outbox.record_attempt(session, outbox.next_delivery(session, "GRC-ATH", "sftp:a")[0].id, MORNING)
    with reading() as session:
        delivery, _, _ = outbox.next_delivery(session, "GRC-ATH", "sftp:a")
        assert (delivery.state, delivery.attempts) == ("unknown", 1)


def test_a_voided_list_is_owed_again_and_its_number_is_named_once():
    send_list(notices("A"))
    with writing() as session:
        outbox.void_list(session, "GRC-ATH_2026-0001", "key lost", MORNING)
    assert told().empty
    with reading() as session:
        assert [void.list_number for void in outbox.voids_to_name(session, "GRC-ATH")] == ["GRC-ATH_2026-0001"]
        assert outbox.next_delivery(session, "GRC-ATH", "sftp:a") is None
    send_list(notices("A"))
    assert list(told()["notice"]) == ["NEW"]
    with reading() as session:
        assert outbox.voids_to_name(session, "GRC-ATH") == []
        assert len(set(session.scalars(select(Entry.entry)))) == 1, "the case keeps its reference"


def test_a_list_that_its_office_has_cannot_be_voided():
    send_list(notices("A"))
    deliver()
    for number, error in (("GRC-ATH_2026-0001", NotVoidable), ("GRC-ATH_2026-0002", NotFound), ("nonsense", NotFound)):
        with writing() as session, pytest.raises(error):
            outbox.void_list(session, number, "", MORNING)


def test_a_notice_in_error_closes_its_entry():
    send_list(notices("A"))
    send_list(notices("A", notice="CANCELLED", reason="notified_in_error"))
    assert told().empty
    send_list(notices("A"))
    with reading() as session:
        assert len(set(session.scalars(select(Entry.entry)))) == 2


def test_what_was_told_in_error_is_owed_again_when_the_list_that_said_so_is_voided():
    send_list(notices("A"))
    deliver()
    send_list(notices("A", notice="CANCELLED", reason="notified_in_error"))
    with reading() as session:
        assert list(caseload.told_cases(session, "GRC")) == []
    send_list(notices("A"))
    with pytest.raises(NotVoidable, match="void GRC-ATH_2026-0003 first"), writing() as session:
        outbox.void_list(session, "GRC-ATH_2026-0002", "", MORNING)
    for number in ("GRC-ATH_2026-0003", "GRC-ATH_2026-0002"):
        with writing() as session:
            outbox.void_list(session, number, "folder lost", MORNING)
    assert list(told()["notice"]) == ["NEW"], "the office still believes it"
    with reading() as session:
        assert list(caseload.told_cases(session, "GRC")) == ["A"]
        first = session.scalars(select(Notice.entry).order_by(Notice.list_id)).first()
    assert list(told()["entry"]) == [first]


def concern():
    with reading() as session:
        return outbox.cases_of_concern(session, "GRC-ATH", ["GRC"]).set_index("case_id")["told_in_error"].to_dict()


def test_a_case_is_told_in_error_once_a_person_rejected_its_record_and_a_day_was_reconciled_since():
    pair, both = reviews.Pair("GRC", "A", "R"), cases(case("A"), case("B"))

    def decide(decision):
        with writing() as session:
            reviews.record_decision(
                session,
                pair,
                decision,
                by="W",
                reason="seen",
                evidence="e" * 64,
                one_person=False,
                clock=lambda: MORNING,
            )

    reconcile(MONDAY, both, matches(("A", "R")), register(record("R")))
    assert concern() == {"A": False, "B": False}
    decide("reject")
    reconcile(MONDAY, both)
    assert concern() == {"A": False, "B": False}, "nobody was told"
    decide("accept")
    reconcile(MONDAY, both, matches(("A", "R")), register(record("R")))
    send_list(notices("A", "B"))
    assert concern() == {"A": False, "B": False}
    decide("reject")
    assert concern() == {"A": False, "B": False}, "a list before the reconciliation would announce it anew"
    reconcile(MONDAY, both)
    assert concern() == {"A": True, "B": False}, "B lost its match, but not by a person"
    with writing() as session:
        outbox.void_list(session, "GRC-ATH_2026-0001", "folder lost", MORNING)
    assert concern() == {"A": False, "B": False}


def test_an_office_is_seen_to_also_when_there_was_nothing_to_tell():
    later = MORNING + dt.timedelta(days=1)
    for due_at in (later, MORNING):
        with writing() as session:
            outbox.lock_office(session, "GRC-THE")
            outbox.see_to(session, "GRC-THE", due_at)
    with reading() as session:
        assert outbox.composed_for(session)["GRC-THE"] == later


def test_lists_that_wait_too_long_are_named():
    send_list(notices("A"))
    with reading() as session:
        assert outbox.owed_lists(session, MORNING) == []
        assert outbox.owed_lists(session, MORNING + dt.timedelta(hours=1)) == ["GRC-ATH_2026-0001 (queued)"]
