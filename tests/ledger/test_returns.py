"""What a message that came back changes in the ledger, and what a person can do then."""

import datetime as dt

import pandas as pd
import pytest
from sqlalchemy import select

from include.ledger import outbox
from include.ledger.engine import reading, writing
from include.ledger.models import List, Told
from include.ledger.outbox import NotFound, NotResendable, NotVoidable
from tests.ledger.world import MONDAY, MORNING, case, cases, notices, reconcile, send_list

pytestmark = pytest.mark.usefixtures("ledger")
LATER = MORNING + dt.timedelta(hours=5)
FIRST, SECOND = "GRC-ATH_2026-0001", "GRC-ATH_2026-0002"


@pytest.fixture(autouse=True)
def two_cases(ledger):
    reconcile(MONDAY, cases(case("A"), case("B")))


def deliver(channel, message_id="<1@iom.example>", now=MORNING, **proof):
    with writing() as session:
        delivery, _, _ = outbox.next_delivery(session, "GRC-ATH", channel)
        outbox.record_attempt(session, delivery.id, now)
        outbox.record_delivered(
            session, delivery.id, {"message_id": message_id, "accepted": 1, "refused": 0} | proof, now
        )


def bounce(message_id="<1@iom.example>", **came_back):
    with writing() as session:
        return outbox.record_bounce(session, message_id, came_back or {"x": "5.1.1"}, LATER)


def resend(number=FIRST):
    with writing() as session:
        outbox.resend_list(session, number)


def void(number=FIRST):
    with writing() as session:
        outbox.void_list(session, number, "mailbox is gone", LATER)


def states():
    with reading() as session:
        return list(session.scalars(select(List.state).order_by(List.id)))


def told():
    with reading() as session:
        table = outbox.last_told(session, "GRC-ATH")
    return dict(zip(table["case_id"], table["notice"], strict=True))


def test_a_voided_list_that_came_back_is_owed_again():
    send_list(notices("A"), channels=("email:a",))
    deliver("email:a")
    with pytest.raises(NotVoidable):
        void()
    assert bounce() == [FIRST]
    assert told() == {"A": "NEW"}, "in flight until a person decides"
    void()
    assert told() == {}


def test_a_list_that_another_channel_has_stays_told_since_then():
    send_list(notices("A"), channels=("email:a", "sftp:b"))
    deliver("email:a")
    deliver("sftp:b", "", now=LATER)
    bounce()
    with reading() as session:
        (kept,) = session.scalars(select(List))
        assert (kept.state, kept.told_at) == ("told", LATER)
        assert sorted(str(told.returned_at) for told in session.scalars(select(Told))) == [str(LATER), "None"]
    with pytest.raises(NotVoidable):
        void()
    resend()
    deliver("email:a", now=LATER)
    assert states() == ["told"]


def test_what_is_no_message_of_ours_changes_nothing():
    send_list(notices("A"), channels=("email:a",))
    deliver("email:a")
    assert bounce("<other@iom.example>") == []
    assert states() == ["told"]


def test_a_notification_read_twice_or_after_a_person_saw_to_it_changes_nothing():
    send_list(notices("A"), channels=("email:a",))
    deliver("email:a")
    bounce()
    assert bounce() == [FIRST]
    resend()
    assert bounce() == [FIRST]
    with reading() as session:
        assert outbox.next_delivery(session, "GRC-ATH", "email:a")[0].bounced_at is None


def test_a_list_comes_back_once_every_recipient_that_had_it_has_sent_it_back():
    send_list(notices("A"), channels=("email:a",))
    deliver("email:a", accepted=2, refused=1, refused_with="550")
    bounce(x="5.1.1")
    bounce(x="5.1.1")
    assert states() == ["told"]
    with reading() as session:
        assert outbox.missed_recipients(session, [("GRC-ATH", "email:a")]) == [
            f"{FIRST} (2 of 3 recipients: 5.1.1, 550)"
        ]
        assert outbox.missed_recipients(session, [("GRC-ATH", "email:b")]) == []
    bounce(y="5.2.2")
    assert states() == ["sealed"]


@pytest.mark.fault(
    "one recipient of three is refused",
    happens="the list counts as told",
    there="the others have it",
    you="*watch* is red until a list reaches all, or the arrangement no longer names that mailbox; `python -m include resend LIST` sends it to all once more",
)
def test_a_recipient_that_the_server_refused_at_once_is_named_and_can_be_sent_to_once_more():
    send_list(notices("A"), channels=("email:a",))
    deliver("email:a", accepted=2, refused=1, refused_with="550")
    with reading() as session:
        assert outbox.missed_recipients(session, [("GRC-ATH", "email:a")]) == [f"{FIRST} (1 of 3 recipients: 550)"]
    resend()
    deliver("email:a", accepted=3, now=LATER)
    with reading() as session:
        assert outbox.missed_recipients(session, [("GRC-ATH", "email:a")]) == []
        assert session.scalars(select(Told.told_at)).one() == MORNING, "most were told then"
        assert session.scalars(select(List.told_at)).one() == MORNING


def test_only_a_list_that_somebody_missed_goes_once_more():
    with pytest.raises(NotFound):
        resend()
    send_list(notices("A"), channels=("email:a",))
    with pytest.raises(NotResendable):
        resend()
    deliver("email:a")
    with pytest.raises(NotResendable):
        resend()


@pytest.mark.fault(
    "a list comes back after a later one arrived",
    happens="it cannot be sent once more where nobody has it; voided, what it alone told is owed again",
    there="the later list",
    you="`python -m include void LIST --reason …`",
)
def test_old_news_does_not_follow_new_and_what_it_alone_told_is_owed_again():
    send_list(notices("A", "B"), channels=("email:a",))
    send_list(notices("A", notice="CHANGED", reason="date_moved"), channels=("email:a",))
    deliver("email:a")
    deliver("email:a", "<2@iom.example>")
    bounce()
    with pytest.raises(NotResendable, match=f"older news than {SECOND}"):
        resend()
    void()
    assert told() == {"A": "CHANGED"}


def test_a_list_that_came_back_goes_once_more_when_nothing_followed():
    send_list(notices("A"), channels=("email:a",))
    send_list(notices("B"), channels=("email:a",))
    deliver("email:a")
    deliver("email:a", "<2@iom.example>")
    bounce()
    resend()
    deliver("email:a", now=LATER)
    assert states() == ["told", "told"]
    with reading() as session:
        assert session.scalars(select(Told.told_at).order_by(Told.list_id)).all() == [LATER, MORNING]


def test_a_departure_whose_only_announcement_was_voided_counts_as_told_too_late():
    send_list(notices("A", "B"), channels=("email:a",))
    left = notices("A", notice="DEPARTED").assign(departed_on=pd.Timestamp("2026-10-30"))
    send_list(left, channels=("email:a",))
    void()
    deliver("email:a", "<2@iom.example>")
    with reading() as session:
        assert session.scalars(select(Told.lead_days)).all() == [-3]


def test_a_departure_that_was_announced_has_no_lead_of_its_own():
    send_list(notices("A"), channels=("email:a",))
    left = notices("A", notice="DEPARTED").assign(departed_on=pd.Timestamp("2026-10-30"))
    send_list(left, channels=("email:a",))
    deliver("email:a")
    deliver("email:a", "<2@iom.example>")
    with reading() as session:
        assert session.scalars(select(Told.lead_days).order_by(Told.list_id)).all() == [18, None]
