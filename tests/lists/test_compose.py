"""From the ledger's cases to numbered lists in an office's folder, over a real SFTP server, on both databases."""

import datetime as dt
from contextlib import contextmanager
from zoneinfo import ZoneInfo

import asyncssh
import pandas as pd
import pytest
from sqlalchemy import select

from include.delivery.keys import SealingKey, SealRefused
from include.delivery.send import NotDelivered, send_owed
from include.delivery.unsealing import unseal
from include.ledger.engine import reading, writing
from include.ledger.models import Approval, Delivery, Entry, List, Notice, SealedFile, Told
from include.ledger.outbox import composed_for, lock_office, see_to, void_list
from include.lists.compose import (
    Approved,
    OutOfProportion,
    compose_list,
    compose_urgent_list,
    hold_list,
    offices_that_cannot_wait,
)
from include.lists.opening import open_list
from tests.arrangements.test_calendar import office
from tests.ledger.world import MONDAY, TUESDAY, case, cases, reconcile
from tests.lists.composing import approving, keys_of
from tests.servers import client, sftp
from tests.signing import CERTIFICATE, SIGNING

pytestmark = pytest.mark.usefixtures("ledger")
MORNING = dt.datetime(2026, 11, 2, 7, tzinfo=dt.UTC)
NEXT = MORNING + dt.timedelta(days=1)


def arrangement(**more):
    settings = more.pop("list", {})
    channel = {"via": "sftp", "connection": "a", "folder": "/lists", "seal": "none"}
    also = {"deliver": [channel], "office": "GRC-ATH"} | more
    return office("GRC", days=["mon", "tue"], begins="2026-11-01", also=also, **settings)


def compose(made=None, due_at=MORNING):
    """Make the list; a person approves whatever is asked (an office's first list always is)."""
    made = made or arrangement()
    return approving(lambda approved: compose_list(made, due_at, keys_of(made), due_at, approved))


def compose_urgent(made=None, day=MONDAY, now=MORNING):
    made = made or arrangement()
    return approving(lambda approved: compose_urgent_list([made], day, keys_of(made), now, approved))


@contextmanager
def folder(tmp_path, files=None):
    """Sends what is owed to a real server; gives the lists that are there, opened, by file name."""
    (tmp_path / "root" / "lists").mkdir(parents=True, exist_ok=True)
    with sftp(tmp_path / "root", files) as (port, _):

        def send(made=None, clock=lambda: dt.datetime.now(dt.UTC)):
            return send_owed(
                "GRC-ATH",
                (made or arrangement()).deliver,
                open_sftp=lambda _: client(port),
                open_smtp=lambda _: client(port),
                admitted=lambda _: None,
                clock=clock,
            )

        def there():
            return {
                p.name: open_list(p.read_bytes(), p.name) for p in sorted((tmp_path / "root" / "lists").glob("*.xlsx"))
            }

        yield send, there


def test_a_list_is_numbered_sent_and_told(tmp_path):
    reconcile(MONDAY, cases(case("A"), case("B", standing="rejected", to_tell=False)))
    assert compose() == ("GRC-ATH_2026-0001", {"NEW": 1})
    with folder(tmp_path) as (send, there):
        assert send() == ["GRC-ATH_2026-0001 via sftp"]
        (opened,) = there().values()
    assert list(opened.entries["name"]) == ["RAHIMI, Ahmad"]
    with reading() as session:
        assert session.scalars(select(List.state)).one() == "told"


def test_a_day_run_again_makes_and_sends_nothing_twice(tmp_path):
    reconcile(MONDAY, cases(case("A")))
    with folder(tmp_path) as (send, there):
        for _ in range(3):
            compose()
            send()
        assert len(there()) == 1


def test_an_empty_list_is_made_once_where_the_arrangement_wants_one():
    reconcile(MONDAY, cases(case("A", standing="review", to_tell=False)))
    assert compose() == (None, {})
    wanted = arrangement(list={"when_empty": "send"})
    assert compose(wanted)[0] == "GRC-ATH_2026-0001"
    assert compose(wanted) == (None, {})


def test_the_next_day_tells_the_difference_under_the_same_entry(tmp_path):
    moved = pd.Timestamp("2026-12-01")
    reconcile(MONDAY, cases(case("A"), case("B"), case("C")))
    compose()
    left = case("C", status="departed", departed_on=pd.Timestamp("2026-11-03"))
    reconcile(TUESDAY, cases(case("A", expected_departure_on=moved), case("B", status="withdrawn"), left, case("D")))
    number, counts = compose(due_at=NEXT)
    assert (number, counts) == ("GRC-ATH_2026-0002", {"NEW": 1, "CHANGED": 1, "CANCELLED": 1, "DEPARTED": 1})
    with folder(tmp_path) as (send, there):
        send()
        first, second = there().values()
    assert set(first.entries["entry"]) < set(second.entries["entry"])
    changed = second.entries[second.entries["notice"] == "CHANGED"].iloc[0]
    assert (changed["expected_departure_on"], changed["previous_expected_departure_on"]) == ("2026-12-01", "2026-11-20")


def test_a_number_has_no_gap_when_a_send_fails_and_is_tried_again(tmp_path):
    class Full(asyncssh.SFTPServer):
        def write(self, file_obj, offset, data):
            raise asyncssh.SFTPFailure("No space left on device")

    reconcile(MONDAY, cases(case("A")))
    compose()
    with folder(tmp_path, Full) as (send, there):
        with pytest.raises(NotDelivered, match="GRC-ATH_2026-0001 via sftp"):
            send()
        assert there() == {}
    reconcile(TUESDAY, cases(case("A"), case("B")))
    compose(due_at=NEXT)
    with folder(tmp_path) as (send, there):
        assert send() == ["GRC-ATH_2026-0001 via sftp", "GRC-ATH_2026-0002 via sftp"]
        assert [name[:17] for name in there()] == ["GRC-ATH_2026-0001", "GRC-ATH_2026-0002"]
    with reading() as session:
        assert sorted(session.scalars(select(Delivery.attempts))) == [1, 2]


def test_a_list_of_the_old_year_that_is_made_late_has_a_number_after_those_of_the_new_one():
    """An office reads its lists in number order: what was made later must not have the earlier number."""
    new_year = dt.date(2027, 1, 1)
    reconcile(new_year, cases(case("A", expected_departure_on=pd.Timestamp("2027-01-02"))))
    assert compose_urgent(day=new_year) == ("GRC-ATH_2027-0001", {"NEW": 1})
    reconcile(new_year, cases(case("A", expected_departure_on=pd.Timestamp("2027-01-28"))), mark="b")
    late = dt.datetime(2026, 12, 28, 7, tzinfo=dt.UTC)
    assert compose(due_at=late) == ("GRC-ATH_2027-0002", {"CHANGED": 1})


def test_a_voided_list_is_told_anew_and_named(tmp_path):
    reconcile(MONDAY, cases(case("A")))
    compose()
    with writing() as session:
        void_list(session, "GRC-ATH_2026-0001", "folder lost", MORNING)
    assert compose(due_at=NEXT) == ("GRC-ATH_2026-0002", {"NEW": 1})


def test_a_key_that_is_not_the_recorded_one_makes_nothing():
    channel = {"via": "sftp", "connection": "a", "folder": "/lists", "seal": "pgp", "fingerprint": "0" * 40}
    reconcile(MONDAY, cases(case("A")))
    with pytest.raises(SealRefused):
        compose(arrangement(deliver=[channel]))
    with reading() as session:
        assert session.scalars(select(List.id)).all() == []


def test_without_a_key_that_signs_nothing_is_made():
    made = arrangement()
    reconcile(MONDAY, cases(case("A")))
    with pytest.raises(SealRefused, match="signing key"):
        approving(
            lambda approved: compose_list(made, MORNING, dict.fromkeys(keys_of(made), SealingKey()), MORNING, approved)
        )
    with reading() as session:
        assert session.scalars(select(List.id)).all() == []


def test_every_file_goes_after_its_signature_and_the_list_itself_is_last():
    reconcile(MONDAY, cases(case("A")))
    number, _ = compose(arrangement(list={"format": "csv"}))
    with reading() as session:
        names = session.scalars(select(SealedFile.name).order_by(SealedFile.position)).all()
    assert names == [f"{number}_scheduled.{end}" for end in ("txt.asc", "txt", "csv.asc", "csv")]


def test_nobody_is_listed_without_consent_where_it_is_required():
    reconcile(MONDAY, cases(case("A"), case("B", sharing_consent=True), case("C", sharing_consent=False)))
    assert compose(arrangement(consent="required")) == ("GRC-ATH_2026-0001", {"NEW": 1})
    reconcile(TUESDAY, cases(case("A"), case("B", sharing_consent=False), case("C", sharing_consent=False)))
    assert compose(arrangement(consent="required"), NEXT) == ("GRC-ATH_2026-0002", {"CANCELLED": 1})


def test_a_case_that_moves_to_another_office_is_cancelled_at_the_one_and_new_at_the_other():
    here, there = arrangement(iom_offices=["ATH"]), arrangement(iom_offices=["THE"], office="GRC-THE")
    reconcile(MONDAY, cases(case("A")))
    assert compose(here)[1] == {"NEW": 1}
    assert compose(there) == (None, {})
    reconcile(TUESDAY, cases(case("A", iom_office="THE")))
    assert compose(here, NEXT)[1] == {"CANCELLED": 1}
    assert compose(there, NEXT)[1] == {"NEW": 1}


def test_a_no_show_is_cancelled_after_the_grace_and_not_before():
    reconcile(MONDAY, cases(case("A")))
    compose()
    reconcile(TUESDAY, cases(case("A", status="no_show")))
    assert compose(due_at=NEXT) == (None, {})
    later = MORNING + dt.timedelta(days=4)
    assert compose(due_at=later)[1] == {"CANCELLED": 1}


def test_a_case_without_a_date_is_told_when_it_gets_one_or_when_the_office_wants_it():
    reconcile(MONDAY, cases(case("A", expected_departure_on=None)))
    assert compose() == (None, {})
    assert compose(arrangement(list={"undated": True}))[1] == {"NEW": 1}


def soon(case_id, days=2, **more):
    return case(case_id, expected_departure_on=pd.Timestamp(MONDAY) + pd.Timedelta(days=days), **more)


def test_a_near_departure_is_on_an_urgent_list_and_not_on_the_scheduled_one_again():
    reconcile(MONDAY, cases(soon("A"), case("B")))
    assert compose_urgent() == ("GRC-ATH_2026-0001", {"NEW": 1})
    assert compose() == ("GRC-ATH_2026-0002", {"NEW": 1})
    assert compose_urgent() == (None, {})
    with reading() as session:
        assert list(session.scalars(select(List.kind).order_by(List.number))) == ["urgent", "scheduled"]


def test_however_short_its_lead_an_office_hears_of_whom_the_next_list_would_find_gone():
    made = arrangement(list={"urgent_within": "0 working days"})
    with writing() as session:
        lock_office(session, "GRC-ATH")
        see_to(session, "GRC-ATH", MORNING)
    # The next list is due on Tuesday.
    reconcile(MONDAY, cases(case("A", expected_departure_on=pd.Timestamp(TUESDAY)), soon("B", days=2)))
    assert compose_urgent(made)[1] == {"NEW": 1}


def test_every_second_thought_up_to_the_day_of_the_flight_is_told_under_one_entry():
    """Withdrawn, back again, moved, not there, booked anew, and on the day of the flight the person stays after all."""
    flight = pd.Timestamp("2026-11-13")
    days = [
        (MONDAY, case("A")),
        (dt.date(2026, 11, 3), case("A", status="withdrawn")),
        (dt.date(2026, 11, 9), case("A")),
        (dt.date(2026, 11, 10), case("A", expected_departure_on=flight)),
        (dt.date(2026, 11, 11), case("A", expected_departure_on=flight, status="no_show")),
        (dt.date(2026, 11, 12), case("A", expected_departure_on=flight)),
        (flight.date(), case("A", expected_departure_on=flight, status="withdrawn")),
    ]
    for day, row in days:
        reconcile(day, cases(row, case("B")), mark=f"{day.day}")
        moment = dt.datetime.combine(day, dt.time(7), dt.UTC)
        compose_urgent(day=day, now=moment)
        if day.weekday() < 2:  # the office's lists are due on Mondays and Tuesdays
            compose(due_at=moment)
    with reading() as session:
        rows = session.execute(
            select(List.kind, Notice.notice, Notice.reason, Notice.entry)
            .join(Notice, Notice.list_id == List.id)
            .where(Notice.name == "RAHIMI, Ahmad")
            .order_by(List.number)
        )
        of_a = [row for row in rows if row.entry == entry_of("A")]
    assert [(kind, notice, reason) for kind, notice, reason, _ in of_a] == [
        ("scheduled", "NEW", ""),
        ("scheduled", "CANCELLED", "stays"),
        ("scheduled", "NEW", ""),
        ("urgent", "CHANGED", "date_moved"),
        ("urgent", "CANCELLED", "stays"),
    ]


def entry_of(case_id):
    with reading() as session:
        return session.scalars(select(Entry.entry).filter_by(case_id=case_id)).one()


def test_which_departure_is_near_depends_on_the_list_that_is_due_next():
    # Lists on Mondays and Tuesdays, lead of five working days. On Monday morning that day's list is still due.
    reconcile(MONDAY, cases(soon("A", days=6), soon("B", days=7)))
    assert compose_urgent()[1] == {"NEW": 1}
    # Once it was seen to, the next one is on Tuesday: what falls into its lead is a day more.
    with writing() as session:
        see_to(session, "GRC-ATH", MORNING)
    assert compose_urgent()[1] == {"NEW": 1}


def test_an_urgent_list_does_not_stand_for_the_scheduled_one():
    reconcile(MONDAY, cases(soon("A")))
    compose_urgent()
    assert compose(arrangement(list={"when_empty": "send"})) == ("GRC-ATH_2026-0002", {})


def test_offices_that_cannot_wait_are_those_with_something_near():
    here, there = arrangement(iom_offices=["ATH"]), arrangement(iom_offices=["THE"], office="GRC-THE")
    offices = {"GRC-ATH": [here], "GRC-THE": [there]}
    reconcile(MONDAY, cases(soon("A"), case("B", iom_office="THE")))
    assert offices_that_cannot_wait(offices, "GRC", MONDAY, MORNING) == ["GRC-ATH"]
    assert offices_that_cannot_wait(offices, "NER", MONDAY, MORNING) == []
    compose_urgent(here)
    assert offices_that_cannot_wait(offices, "GRC", MONDAY, MORNING) == []


def test_an_offices_first_list_waits_for_a_person_and_has_no_number_yet():
    reconcile(MONDAY, cases(case("A")))
    made = arrangement()
    with pytest.raises(OutOfProportion, match="first list") as asked:
        compose_list(made, MORNING, keys_of(made), MORNING)
    assert "RAHIMI" not in str(asked.value)
    with reading() as session:
        assert session.scalars(select(List.id)).all() == []
        assert composed_for(session) == {}, "the list that waits is not seen to"
    assert compose() == ("GRC-ATH_2026-0001", {"NEW": 1})
    with reading() as session:
        kept = session.scalars(select(Approval)).one()
        assert (kept.decision, kept.decided_by, kept.figures["notices"]) == ("approve", "somebody", {"NEW": 1})


def test_a_list_in_proportion_asks_nobody():
    reconcile(MONDAY, cases(case("A")))
    compose()
    reconcile(TUESDAY, cases(case("A"), case("B")))
    made = arrangement()
    assert compose_list(made, NEXT, keys_of(made), NEXT) == ("GRC-ATH_2026-0002", {"NEW": 1})
    with reading() as session:
        assert len(session.scalars(select(Approval)).all()) == 1


def test_a_list_that_cancels_nearly_everybody_waits_and_an_approval_of_less_does_not_cover_it():
    many = [f"C{number:02}" for number in range(20)]
    reconcile(MONDAY, cases(*map(case, many)))
    compose()
    reconcile(TUESDAY, cases(*(case(one, status="withdrawn") for one in many[:12]), *map(case, many[12:])))
    made = arrangement()
    with pytest.raises(OutOfProportion, match="cancels 12 of the 20") as asked:
        compose_list(made, NEXT, keys_of(made), NEXT)
    approved = Approved(asked.value.figures.as_dict(), "somebody", NEXT)
    reconcile(TUESDAY, cases(*(case(one, status="withdrawn") for one in many)), mark="b")
    with pytest.raises(OutOfProportion, match="cancels 20 of the 20"):
        compose_list(made, NEXT, keys_of(made), NEXT, approved)


def test_cases_that_went_missing_in_numbers_hold_the_list_once():
    many = [f"C{number:02}" for number in range(20)]
    reconcile(MONDAY, cases(*map(case, many)))
    compose()
    reconcile(TUESDAY, cases(*map(case, many[5:]), case("NEW")))
    made = arrangement()
    with pytest.raises(OutOfProportion, match="5 of the 21 open cases of GRC have gone missing"):
        compose_list(made, NEXT, keys_of(made), NEXT)
    compose(due_at=NEXT)
    later = TUESDAY + dt.timedelta(days=1)
    reconcile(later, cases(*map(case, many[5:]), case("NEW"), case("NEWER")))
    assert compose_list(made, NEXT + dt.timedelta(days=5), keys_of(made), NEXT)[1] == {"NEW": 1}


def test_a_list_that_is_held_back_tells_nothing_and_stays_owed():
    reconcile(MONDAY, cases(case("A")))
    hold_list("GRC-ATH", "scheduled", MORNING, Approved({"notices": {"NEW": 1}}, "somebody", MORNING))
    with reading() as session:
        assert session.scalars(select(Approval.decision)).one() == "hold"
        assert session.scalars(select(List.id)).all() == []
    assert compose(due_at=NEXT)[1] == {"NEW": 1}


@pytest.mark.parametrize(
    ("earlier", "why"),
    [
        ({"standing": "review", "to_tell": False}, "was_in_review"),
        ({"standing": "awaiting_consent", "to_tell": False}, "awaited_consent"),
        ({}, "left_before_list"),
        (None, "known_after_departure"),
    ],
)
def test_a_late_departure_says_why_nobody_was_told(earlier, why):
    gone = case("A", status="departed", departed_on=pd.Timestamp(TUESDAY if earlier is not None else MONDAY))
    reconcile(MONDAY, cases(case("A", **earlier)) if earlier is not None else cases(case("B")))
    reconcile(TUESDAY, cases(gone))
    assert compose(due_at=NEXT)[1]["DEPARTED"] == 1
    with reading() as session:
        marked = session.scalars(select(Notice.marked).where(Notice.notice == "DEPARTED")).one()
    assert marked == f"late;{why}"


def test_the_ledger_knows_how_many_days_the_office_had(tmp_path):
    reconcile(MONDAY, cases(soon("A", days=3), case("B", expected_departure_on=None)))
    compose(arrangement(list={"undated": True}))
    athens = ZoneInfo("Europe/Athens")
    with folder(tmp_path) as (send, _):
        send(clock=lambda: dt.datetime(2026, 11, 3, 0, 30, tzinfo=athens))  # still Monday in UTC
    with reading() as session:
        assert sorted(session.scalars(select(Told.lead_days)), key=str) == [2, None]


@pytest.mark.parametrize("form", ["csv", "pdf"])
def test_a_list_in_another_form_goes_into_a_zip_where_it_is_sealed_with_a_password(tmp_path, form):
    reconcile(MONDAY, cases(case("A")))
    channel = {"via": "sftp", "connection": "a", "folder": "/lists", "seal": "password", "password_by": "telephone 1"}
    made = arrangement(list={"format": form}, deliver=[channel])
    password = "correct-horse-battery"
    key = SealingKey(password=password, password_since=f"{MORNING:%Y-%m-%d}", signing=SIGNING)
    approving(lambda approved: compose_list(made, MORNING, dict.fromkeys(keys_of(made), key), MORNING, approved))
    with folder(tmp_path) as (send, _):
        send(made)
    (path,) = (tmp_path / "root" / "lists").glob("*.zip")
    assert path.name == "GRC-ATH_2026-0001_scheduled.zip"
    signature = path.with_name(f"{path.name}.asc").read_bytes()
    name, content = unseal(
        path.read_bytes(), path.name, certificate=CERTIFICATE, signature=signature, password=password
    )
    assert name == f"GRC-ATH_2026-0001_scheduled.{form}"
    assert content.startswith(b"%PDF" if form == "pdf" else b"\xef\xbb\xbflist_number")
