"""Papers in the ledger, and over real servers by the sender that lists have as well."""

import datetime as dt
import hashlib
import threading

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from include.__main__ import main
from include.arrangements.models import SftpChannel
from include.delivery.send import NotDelivered, send_owed
from include.ledger import papers
from include.ledger.engine import alone, reading, writing
from include.ledger.models import Paper, PaperCase, PaperDelivery, PaperFile
from include.ledger.outbox import NotFound, NotResendable, NotVoidable
from include.ledger.sending import Parcel
from include.reports.overdue import overdue_lists, still_owed
from tests.ledger.world import MONDAY, MORNING, case, cases, notices, reconcile, send_list
from tests.servers import client, sftp

pytestmark = pytest.mark.usefixtures("ledger")
SERIES = "GRC-ATH/rejected"
FIRST, SECOND = "GRC-ATH_2026-R01", "GRC-ATH_2026-R02"
LATER = MORNING + dt.timedelta(hours=5)
FOLDER = SftpChannel(via="sftp", connection="a", folder="/lists", seal="none")


def store(month=1, series=SERIES, channels=("sftp:a",), names=(), year=2026):
    """Seal a paper on a month; its number."""
    with writing() as session:
        papers.lock_series(session, series)
        number, number_text = papers.next_number(session, series, year)
        sealed = Paper(
            series=series,
            addressee=series.partition("/")[0],
            year=year,
            number=number,
            number_text=number_text,
            kind="rejected",
            state="sealed",
            period_from=dt.date(year, month, 1),
            period_to=dt.date(year, month, 28),
            content={},
            arrangement_version="test",
            sealed_at=MORNING,
        )
        content = number_text.encode()
        file = (f"{number_text}.txt", content, hashlib.sha256(content).hexdigest())
        cover = {"subject": "Summary", "body": "A summary is attached.\n"}
        papers.store_paper(session, sealed, [Parcel(channel, cover, (file,)) for channel in channels], names)
    return number_text


def deliver(channel="sftp:a", message_id="<1@iom.example>", series=SERIES):
    with writing() as session:
        delivery, sealed, _ = papers.next_delivery(session, series, channel)
        papers.record_attempt(session, delivery.id, MORNING)
        papers.record_delivered(session, delivery.id, {"message_id": message_id, "accepted": 1, "refused": 0}, MORNING)
        return sealed.number_text


def bounce(message_id="<1@iom.example>"):
    with writing() as session:
        return papers.record_bounce(session, message_id, {"x": "5.1.1"}, LATER)


def states():
    with reading() as session:
        return list(session.scalars(select(Paper.state).order_by(Paper.id)))


def send(port, series=SERIES):
    return send_owed(
        "GRC-ATH",
        [FOLDER],
        series=series,
        open_sftp=lambda _: client(port),
        open_smtp=lambda _: client(port),
        admitted=lambda _: None,
        clock=lambda: MORNING,
    )


def test_papers_numbered_at_once_have_numbers_without_gaps():
    threads = [threading.Thread(target=store, args=(month,)) for month in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading() as session:
        assert sorted(session.scalars(select(Paper.number))) == [1, 2, 3, 4, 5, 6]


def test_each_series_and_year_counts_for_itself():
    made = [store(1), store(2), store(1, "AFG-DEU/origin"), store(1, year=2027), store(3)]
    assert made == [FIRST, SECOND, "AFG-DEU_2026-O01", "GRC-ATH_2027-R01", "GRC-ATH_2026-R03"]


def test_the_database_refuses_a_second_paper_of_a_period_until_the_first_is_void():
    store(1)
    with pytest.raises(IntegrityError):
        store(1)
    with writing() as session:
        papers.void_paper(session, FIRST, "folder lost", LATER)
    assert store(1) == SECOND, "a number is never used again"
    with reading() as session:
        assert papers.paper_of(session, SERIES, dt.date(2026, 1, 1), dt.date(2026, 1, 28)).number_text == SECOND
        kept = [paper.number_text for paper in papers.papers_of_kind(session, "rejected")]
    assert kept == [FIRST, SECOND], "what was voided may have been read"


def test_a_channel_has_its_papers_in_number_order_and_the_first_to_arrive_tells():
    store(1, channels=("sftp:a", "email:b"))
    store(2, channels=("sftp:a", "email:b"))
    assert deliver("email:b", "<2@iom.example>") == FIRST
    assert (deliver(), deliver()) == (FIRST, SECOND)
    assert states() == ["told", "told"]
    with reading() as session:
        assert papers.open_channels(session, SERIES) == ["email:b"]


def test_a_paper_that_came_back_is_owed_again_and_goes_once_more():
    store(1)
    deliver()
    assert (bounce(), states()) == ([FIRST], ["sealed"])
    with reading() as session:
        assert papers.next_delivery(session, SERIES, "sftp:a")[0].last_error == "came back (5.1.1)"
    assert main(["resend", FIRST]) == 0
    deliver()
    assert states() == ["told"]
    with writing() as session, pytest.raises(NotResendable):
        papers.resend_paper(session, FIRST)


def test_a_paper_that_came_back_from_one_of_two_channels_stays_told():
    store(1, channels=("sftp:a", "email:b"))
    deliver("email:b", "<2@iom.example>")
    deliver()
    assert (bounce(), states()) == ([FIRST], ["told"])


def test_a_paper_is_voided_by_its_number_unless_somebody_has_it():
    store(1)
    store(2)
    assert main(["void", FIRST, "--reason", "folder lost"]) == 0
    assert deliver() == SECOND
    assert main(["void", SECOND, "--reason", "folder lost"]) == 1
    assert states() == ["void", "told"]
    with writing() as session:
        with pytest.raises(NotVoidable):
            papers.void_paper(session, SECOND, "folder lost", LATER)
        with pytest.raises(NotFound):
            papers.void_paper(session, "GRC-ATH_2026-R09", "folder lost", LATER)


def test_which_cases_a_paper_names_is_known_of_cases_that_are():
    reconcile(MONDAY, cases(case("A")))
    store(1, names=[("GRC", "A"), ("GRC", "A")])
    with reading() as session:
        assert [(one.host_country, one.case_id) for one in session.scalars(select(PaperCase))] == [("GRC", "A")]
    with pytest.raises(IntegrityError):
        store(2, names=[("GRC", "unknown")])


def test_what_is_owed_of_a_series_is_sent_to_a_real_server_in_order_and_once(tmp_path):
    (tmp_path / "lists").mkdir()
    store(1, channels=(FOLDER.key,))
    store(2, channels=(FOLDER.key,))
    store(1, "GRC-ATH/other", channels=(FOLDER.key,))
    with sftp(tmp_path) as (port, _):
        assert send(port) == [f"{FIRST} via sftp", f"{SECOND} via sftp"]
        assert send(port) == []
    assert {path.name: path.read_bytes() for path in (tmp_path / "lists").iterdir()} == {
        f"{number}.txt": number.encode() for number in (FIRST, SECOND)
    }
    assert states() == ["told", "told", "sealed"]


def test_a_paper_whose_bytes_changed_is_not_sent(tmp_path):
    (tmp_path / "lists").mkdir()
    store(1, channels=(FOLDER.key,))
    with writing() as session:
        session.execute(update(PaperFile).values(content=b"something else"))
    with sftp(tmp_path) as (port, _), pytest.raises(NotDelivered, match="no longer what was sealed"):
        send(port)
    with reading() as session:
        assert session.scalars(select(PaperDelivery.state)).one() == "refused"


def test_while_lists_are_sent_to_a_channel_no_paper_is(tmp_path):
    """Both would send a test message to a new address, and the second code would make the first one void."""
    (tmp_path / "lists").mkdir()
    store(1, channels=(FOLDER.key,))
    with sftp(tmp_path) as (port, _):
        with alone(f"send GRC-ATH {FOLDER.key}") as ours:
            assert ours
            with pytest.raises(NotDelivered, match="another process"):
                send(port)
        assert send(port) == [f"{FIRST} via sftp"]


def test_what_is_owed_of_lists_and_papers_is_found():
    reconcile(MONDAY, cases(case("A")))
    send_list(notices("A"))
    store(1)
    store(1, "AFG-DEU/origin")
    assert still_owed({"GRC-ATH"}) == ["GRC-ATH", SERIES]
    overdue = overdue_lists(MORNING + dt.timedelta(days=3))
    assert f"paper {FIRST} via sftp is still owed" in overdue["GRC-ATH"]
    assert overdue["AFG-DEU"] == ["paper AFG-DEU_2026-O01 via sftp is still owed"]
    deliver()
    bounce()
    overdue = overdue_lists(MORNING)
    expected = f"paper {FIRST} via sftp came back (5.1.1): repair the mailbox and resend it, or void it"
    assert expected in overdue["GRC-ATH"]
    assert still_owed({"GRC-ATH", "AFG-DEU"}) == ["GRC-ATH", "AFG-DEU/origin"]
