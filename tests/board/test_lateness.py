"""Was a list late, and why: from what the ledger keeps, to the sentence on its page."""

import datetime as dt

import pytest
from sqlalchemy import update

from include.board.pages import list_page, office_page
from include.board.today import today
from include.ledger import outbox
from include.ledger.engine import writing
from include.ledger.models import Approval, Extract, List, Recipient, Reconciliation
from tests.board.test_pages import shown
from tests.board.world import DOUBTED, LIST, run
from tests.ledger.world import MORNING, notices, send_list

HOUR = dt.timedelta(hours=1)
EVENING = MORNING + 12 * HOUR


@pytest.fixture(autouse=True)
def only_this_week(monkeypatch):
    monkeypatch.setenv("AVR_FROM", "2026-11-02")


@pytest.fixture
def sealed(ledger) -> int:
    """A list that was due in the morning, on a day whose extracts came at six: its id."""
    run()
    number = send_list(notices(DOUBTED))
    came(extracts=-HOUR, reconciled=-HOUR)
    with writing() as session:
        session.get_one(List, number).as_of = {"GRC": "2026-11-02"}
    return number


def came(*, extracts: dt.timedelta, reconciled: dt.timedelta) -> None:
    """Let the day's extracts have come, and its reconciliation have been, so long after the list was due."""
    with writing() as session:
        session.execute(update(Extract).values(accepted_at=MORNING + extracts))
        session.execute(update(Reconciliation).values(added_up_at=MORNING + reconciled))


def seal(number: int, after: dt.timedelta) -> None:
    with writing() as session:
        session.get_one(List, number).sealed_at = MORNING + after


def tries(*outcomes: tuple[str, dt.timedelta]) -> None:
    """Attempts to deliver the list, each with how it ended, so long after it was due."""
    for outcome, after in outcomes:
        with writing() as session:
            delivery, _, _ = outbox.next_delivery(session, "GRC-ATH", "sftp:a")
            outbox.record_attempt(session, delivery.id, MORNING + after)
            if outcome == "delivered":
                outbox.record_delivered(session, delivery.id, {}, MORNING + after)
            else:
                outbox.record_failure(session, delivery.id, outcome, "the folder /lists is not there")


def way(now=EVENING):
    return list_page(LIST, now).way


def whats(now=EVENING) -> list[tuple[str, dt.timedelta]]:
    return [(one.what, one.lasted) for one in way(now).stretches]


def test_a_list_in_time_was_not_late_and_has_no_reason(sealed):
    seal(sealed, HOUR / 60)
    tries(("delivered", HOUR / 2))
    assert (way().late_by, way().reason) == (None, None)
    assert whats() == [("compose", HOUR / 60), ("start", HOUR / 2 - HOUR / 60)]
    assert office_page("GRC-ATH", EVENING).late == {}
    (athens,) = [one for one in today(EVENING).offices if one.office == "GRC-ATH"]
    assert athens.told_late is None


def test_an_extract_that_came_late_made_it_late(sealed, login):
    came(extracts=6 * HOUR, reconciled=6 * HOUR + HOUR / 10)
    seal(sealed, 6 * HOUR + HOUR / 4)
    tries(("delivered", 6 * HOUR + HOUR / 2))
    assert (way().late_by, way().reason.what, way().reason.of) == (6 * HOUR + HOUR / 2, "extract", ("GRC",))
    assert [what for what, _ in whats()] == ["extract", "reconcile", "compose", "start"]
    page = login("watcher").get(f"list/{LIST}").text
    assert "What took longest: The extract came late: Greece (6 hr)" in shown(page)
    assert office_page("GRC-ATH", EVENING).late == {LIST: 6 * HOUR + HOUR / 2}
    now = today(EVENING)
    assert now.told_late == 1
    board = shown(login("watcher").get("").text)
    assert "6 hr 30 min late" in board
    assert "Every office has been told of everyone, but not all in time" in board or not now.all_told


def test_a_person_who_was_long_asked_made_it_late(sealed):
    seal(sealed, 7 * HOUR)
    with writing() as session:
        session.add(
            Approval(office="GRC-ATH", kind="scheduled", due_at=MORNING, figures={}, decision="approve", decided_by="x",
                     decided_at=MORNING + 7 * HOUR, list_id=sealed)
        )  # fmt: skip
    tries(("delivered", 7 * HOUR))
    assert whats() == [("approve", 7 * HOUR)]
    assert (way().reason.what, way().reason.of) == ("approve", ("x",))


def test_an_extract_that_did_not_come_is_named_when_the_list_went_without_it(sealed):
    with writing() as session:
        session.get_one(List, sealed).as_of = {"GRC": "2026-11-01"}
    seal(sealed, 5 * HOUR)
    tries(("delivered", 5 * HOUR))
    assert [(one.what, one.of) for one in way().stretches] == [("no_extract", ("GRC",))]


@pytest.mark.parametrize("outcome", ["refused", "queued", "unknown"])
def test_a_server_that_did_not_take_it_made_it_late(sealed, outcome):
    tries((outcome, HOUR), (outcome, 2 * HOUR), ("delivered", 8 * HOUR))
    assert whats() == [("start", HOUR), (outcome, 7 * HOUR)]
    assert way().reason.what == outcome


def test_a_list_that_is_still_owed_is_late_by_as_much_as_it_is_now(sealed, login):
    tries(("refused", HOUR))
    assert way(MORNING + 2 * HOUR).late_by is None
    assert (way().late_by, way().reason.what) == (12 * HOUR, "refused")
    text = shown(login("watcher").get(f"list/{LIST}").text)
    assert "Still waiting" in text


def test_a_test_message_that_nobody_answered_made_it_late(sealed):
    with writing() as session:
        session.add(Recipient(office="GRC-ATH", channel="sftp:a", address="a" * 64, code="C", tested_at=MORNING))
    assert (way().reason.what, way().late_by) == ("address", 12 * HOUR)
    with writing() as session:
        recipient = session.get_one(Recipient, ("GRC-ATH", "sftp:a", "a" * 64))
        recipient.confirmed_at, recipient.confirmed_by = MORNING + 9 * HOUR, "the office"
    tries(("delivered", 10 * HOUR))
    assert whats() == [("address", 9 * HOUR), ("start", HOUR)]


def test_a_list_that_came_back_waits_for_a_person(sealed):
    tries(("delivered", HOUR))
    with writing() as session:
        (delivery,) = session.query(outbox.Delivery).all()
        delivery.state, delivery.delivered_at, delivery.bounced_at = "refused", None, MORNING + 2 * HOUR
        told = session.get_one(List, sealed)
        told.state, told.told_at = "sealed", None
    assert (way().reason.what, way().reason.lasted) == ("came_back", 10 * HOUR)


def test_an_urgent_list_is_due_when_its_day_is_reconciled(sealed):
    came(extracts=6 * HOUR, reconciled=7 * HOUR)
    seal(sealed, 7 * HOUR)
    with writing() as session:
        session.get_one(List, sealed).kind = "urgent"
    tries(("delivered", 8 * HOUR))
    assert (way().since, way().late_by) == (MORNING + 7 * HOUR, None)
    came(extracts=HOUR, reconciled=2 * HOUR)
    assert way().late_by == 6 * HOUR


def test_a_day_that_was_reconciled_again_later_says_nothing_of_when_it_first_was(sealed):
    seal(sealed, HOUR)
    came(extracts=-HOUR, reconciled=20 * HOUR)
    tries(("delivered", 8 * HOUR))
    assert [what for what, _ in whats(MORNING + 30 * HOUR)] == ["compose", "start"]
