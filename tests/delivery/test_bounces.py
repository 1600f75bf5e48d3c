"""Lists that come back hours later, as notifications in a real mailbox (Dovecot), after a real mail server took them."""

import datetime as dt
import email
import hashlib
import json

import pytest
from sqlalchemy import select

from include import connections
from include.arrangements.models import EmailChannel
from include.delivery.bounces import Bounce, read_notification
from include.delivery.send import NotDelivered, send_owed
from include.ledger import outbox, responses
from include.ledger.engine import reading, writing
from include.ledger.models import Delivery, List, Paper, Told
from include.responses.mailbox import collect_mailbox
from include.responses.opening import OpeningKeys
from tests.delivery.notifications import SERVERS, notification
from tests.delivery.test_email import SENDER, boxes, connect
from tests.imap import count, counts, inbox_of, put
from tests.ledger.test_papers import SERIES, store
from tests.ledger.world import MONDAY, MORNING, case, cases, notices, reconcile, send_list
from tests.servers import USER, mail

ID = "<0123456789abcdef0123456789abcdef@iom.example>"
TO = ("protection@unhcr.example", "second@unhcr.example", "third@unhcr.example")
LATER = MORNING + dt.timedelta(hours=5)


@pytest.mark.parametrize("server", SERVERS)
def test_what_each_mail_server_writes_is_understood(server):
    assert read_notification(notification(server, ID, TO[:1])) == Bounce(ID, {TO[0]: "5.1.1"})
    two = read_notification(notification(server, ID, TO[:2], status="5.2.2 (mailbox full)"))
    assert two == Bounce(ID, dict.fromkeys(TO[:2], "5.2.2"))


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_is_no_failure_is_understood_as_none(server, action):
    assert read_notification(notification(server, ID, TO[:1], action=action, status="4.4.7")) == Bounce(ID, {})


@pytest.mark.parametrize("server", SERVERS)
def test_a_notification_cut_off_anywhere_is_never_an_error(server):
    whole = notification(server, ID, TO)
    seen = [read_notification(whole[:end]) for end in range(0, len(whole), 7)]
    assert None in seen
    assert {address for bounce in seen if bounce and bounce.message_id == ID for address in bounce.failed} <= set(TO)


@pytest.fixture
def inbox(imap_server, monkeypatch):
    with inbox_of(imap_server, monkeypatch) as opened:
        yield opened


def collect(monkeypatch, imap_server, now=LATER):
    # The mail server of the same test has an authority of its own.
    monkeypatch.setenv("SSL_CERT_FILE", str(imap_server[1]))
    return collect_mailbox(
        "imap_test", "", {}, open_imap=connections.open_imap, keys_of=lambda _: OpeningKeys(), now=now
    ).came_back


def channel(to=TO[:1]):
    return EmailChannel(via="email", connection="smtp_test", to=to, seal="password")


def cover(number):
    """A list as composing stores it, for its email channel."""
    with writing() as session:
        for delivery in session.scalars(select(Delivery).filter_by(list_id=number)):
            delivery.cover = {"subject": "Notification list", "body": "A list is attached.\n"}
            for file in session.scalars(select(outbox.SealedFile).filter_by(delivery_id=delivery.id)):
                file.sha256 = hashlib.sha256(file.content).hexdigest()
    return number


def send(monkeypatch, port, authority, to=TO[:1], series=None):
    connect(monkeypatch, port, authority)
    return send_owed(
        "GRC-ATH",
        [channel(to)],
        series=series,
        open_sftp=connections.open_sftp,
        open_smtp=connections.open_smtp,
        admitted=lambda _: None,
        clock=lambda: MORNING,
    )


def only(model):
    with reading() as session:
        return session.scalars(select(model)).one()


def message_ids(folder):
    return [email.message_from_bytes(content)["Message-ID"] for box in boxes(folder).values() for content in box]


@pytest.fixture
def a_list(ledger):
    reconcile(MONDAY, cases(case("A"), case("B")))
    return cover(send_list(notices("A"), channels=(channel().key,)))


@pytest.mark.fault(
    "a mail server took the list and sends it back hours later",
    happens="told is taken back, the list is owed, its channel waits",
    there="nothing",
    you="*watch* and *send* are red and name it; have the mailbox repaired, then `python -m include resend LIST`, or void it",
)
@pytest.mark.parametrize("form", SERVERS)
def test_a_list_that_came_back_is_owed_again_and_goes_once_a_person_says_so(
    form, tmp_path, monkeypatch, a_list, imap_server, inbox
):
    with mail(tmp_path) as (port, authority):
        send(monkeypatch, port, authority)
        assert only(List).state == "told"
        (message_id,) = message_ids(tmp_path)
        put(inbox, notification(form, message_id, TO[:1]))

        assert collect(monkeypatch, imap_server) == ["GRC-ATH_2026-0001"]
        assert (only(List).state, only(List).told_at) == ("sealed", None)
        assert (only(Delivery).state, only(Delivery).bounced_at) == ("refused", LATER)
        assert only(Delivery).last_error == "came back (5.1.1)"
        assert only(Told).returned_at == LATER
        assert (count(inbox, "INBOX"), count(inbox, "Handled")) == (0, 1)
        assert collect(monkeypatch, imap_server) == []

        with pytest.raises(NotDelivered, match=r"came back \(5\.1\.1\); once .* resend GRC-ATH_2026-0001"):
            send(monkeypatch, port, authority)
        assert len(message_ids(tmp_path)) == 1, "it would only come back again"
        with writing() as session:
            outbox.resend_list(session, "GRC-ATH_2026-0001")
        send(monkeypatch, port, authority)
        assert message_ids(tmp_path) == [message_id] * 2
        assert (only(List).state, only(Told).returned_at) == ("told", None)


def test_a_list_that_came_back_is_named_at_once(tmp_path, monkeypatch, a_list, imap_server, inbox):
    with mail(tmp_path) as (port, authority):
        send(monkeypatch, port, authority)
    put(inbox, notification("postfix", *message_ids(tmp_path), TO[:1]))
    collect(monkeypatch, imap_server)
    with reading() as session:
        assert outbox.owed_lists(session, MORNING) == ["GRC-ATH_2026-0001 (came back (5.1.1))"]


def test_a_paper_that_came_back_is_known_by_its_message(tmp_path, monkeypatch, ledger, imap_server, inbox):
    number = store(channels=(channel().key,))
    with mail(tmp_path) as (port, authority):
        assert send(monkeypatch, port, authority, series=SERIES) == [f"{number} via email"]
        put(inbox, notification("postfix", *message_ids(tmp_path), TO[:1]))
        assert collect(monkeypatch, imap_server) == [number]
        with pytest.raises(NotDelivered, match=f"python -m include resend {number}"):
            send(monkeypatch, port, authority, series=SERIES)
    assert only(Paper).state == "sealed"


def test_no_address_is_kept_of_what_came_back(tmp_path, monkeypatch, a_list, imap_server, inbox):
    with mail(tmp_path) as (port, authority):
        send(monkeypatch, port, authority)
    put(inbox, notification("postfix", *message_ids(tmp_path), TO[:1]))
    collect(monkeypatch, imap_server)
    assert "unhcr" not in f"{only(Delivery).proof} {only(Delivery).last_error}"


@pytest.mark.fault(
    "it comes back from one recipient of three",
    happens="the list stays told",
    there="the others have it",
    you="as where one recipient is refused",
)
def test_one_recipient_of_three_that_it_did_not_reach_is_named_until_a_list_reaches_all(
    tmp_path, monkeypatch, ledger, imap_server, inbox
):
    reconcile(MONDAY, cases(case("A"), case("B")))
    key = channel(TO).key
    cover(send_list(notices("A"), channels=(key,)))

    def missed():
        with reading() as session:
            return outbox.missed_recipients(session, [("GRC-ATH", key)])

    with mail(tmp_path) as (port, authority):
        send(monkeypatch, port, authority, TO)
        assert missed() == []
        put(inbox, *[notification("postfix", message_ids(tmp_path)[0], TO[1:2])] * 2)
        assert collect(monkeypatch, imap_server) == ["GRC-ATH_2026-0001"] * 2
        assert missed() == ["GRC-ATH_2026-0001 (1 of 3 recipients: 5.1.1)"], "the same mailbox twice is one"
        assert (only(List).state, only(Told).returned_at) == ("told", None)
        cover(send_list(notices("B"), channels=(key,)))
        send(monkeypatch, port, authority, TO)
        assert missed() == []
        put(inbox, notification("exim", message_ids(tmp_path)[-1], TO))
        collect(monkeypatch, imap_server)
    with reading() as session:
        assert [sent.state for sent in session.scalars(select(List).order_by(List.id))] == ["told", "sealed"]


@pytest.mark.fault(
    "a message came back that has no form, or is of no list",
    happens="it goes to the mailbox's folder For-a-person, all others are handled",
    there="as before",
    you="IOM's focal points are mailed, and *watch* is red until it has been looked at and moved away",
)
def test_what_is_not_understood_waits_for_a_person_and_holds_up_nothing(
    tmp_path, monkeypatch, a_list, imap_server, inbox
):
    with mail(tmp_path) as (port, authority):
        send(monkeypatch, port, authority)
    good = notification("postfix", *message_ids(tmp_path), TO[:1])
    put(
        inbox,
        notification("exim", ID, TO[:1]),  # of no list of ours
        good[: good.index(b"Reporting-MTA")],
        b"Subject: Out of office\r\n\r\nI am away.\r\n",  # from nobody
        notification("exchange", ID, TO[:1], action="delayed", status="4.4.7"),
        good,
    )
    for _ in range(2):
        collect(monkeypatch, imap_server)
        assert only(List).state == "sealed"
        assert counts(inbox) == {"For-a-person": 2, "Quarantine": 1, "Handled": 2}
    with reading() as session:
        findings = [one.findings[0]["code"] for one in responses.unreported(session)]
    assert findings == ["bounce", "bounce", "stranger"]


def test_a_mailbox_that_cannot_be_opened_is_said_without_its_login(monkeypatch, imap_server, inbox, tmp_path):
    monkeypatch.setenv("AVR_DATA", str(tmp_path))
    for change in ({"password": "wrong"}, {"port": 1}):
        given = json.loads(
            json.dumps({"conn_type": "imap", "host": "localhost", "login": USER, "port": imap_server[0]})
        )
        monkeypatch.setenv("AIRFLOW_CONN_IMAP_TEST", json.dumps(given | change))
        with pytest.raises(ConnectionError, match=r"^the mailbox of imap_test cannot be opened \(\w+\)$"):
            collect(monkeypatch, imap_server)


def test_the_mailbox_is_the_one_that_the_senders_connection_names(monkeypatch):
    extra = {"from_email": SENDER, "bounces": "imap_test"}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_TEST", json.dumps({"conn_type": "smtp", "extra": extra}))
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_OTHER", json.dumps({"conn_type": "smtp", "extra": {}}))
    other = EmailChannel(via="email", connection="smtp_other", to=TO, seal="password")
    assert connections.bounce_mailboxes([channel(), channel(TO), other]) == ["imap_test"]
