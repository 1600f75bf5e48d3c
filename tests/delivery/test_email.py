"""Delivery to a real mail server over STARTTLS, with its faults caused for real."""

import datetime as dt
import email
import email.policy
import json
import smtplib
from pathlib import Path

import pytest

from include import connections
from include.delivery.email import deliver, message, message_id
from include.delivery.outcomes import DeliveryFailed, DeliveryRefused, DeliveryUnknown
from tests.servers import PASSWORD, USER, mail

TO = ["protection@unhcr.example", "second@unhcr.example"]
SENDER = "avr@iom.example"


def mailing(to=TO):
    return message(
        sender=SENDER,
        to=to,
        subject="Liste",
        body="Texte\n",
        files=[("list.csv.pgp", b"\x00sealed\xff")],
        list_number="GRC-ATH_2026-0001",
        date=dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC),
    )


def connect(monkeypatch, port, authority, **more):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    extra = {"from_email": SENDER, "disable_ssl": True, "disable_tls": False, "retry_limit": 0} | more.pop("extra", {})
    given = {
        "conn_type": "smtp",
        "host": "localhost",
        "port": port,
        "login": USER,
        "password": PASSWORD,
        "extra": extra,
    }
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_TEST", json.dumps(given | more))
    return connections.open_smtp("smtp_test")


def boxes(folder: Path) -> dict[str, list[bytes]]:
    return {
        box.name: [path.read_bytes() for path in sorted(box.glob("*.eml"))]
        for box in sorted((folder / "mail").glob("*"))
    }


def test_a_list_reaches_each_recipient_with_its_bytes(tmp_path, monkeypatch):
    with mail(tmp_path) as (port, authority), connect(monkeypatch, port, authority) as (smtp, sender):
        outcome = deliver(smtp, mailing())
    assert sender == SENDER
    assert outcome.proof["accepted"] == 2
    assert sorted(boxes(tmp_path)) == sorted(TO)
    received = email.message_from_bytes(boxes(tmp_path)[TO[0]][0], policy=email.policy.default)
    (part,) = received.iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("list.csv.pgp", b"\x00sealed\xff")
    assert received["Auto-Submitted"] == "auto-generated"


def test_no_mail_program_takes_a_seal_or_signature_for_something_to_show():
    files = [(name, b"\xff") for name in ("list.csv.zip.asc", "list.csv.age", "list.csv.pgp")]
    mail = message(
        sender=SENDER, to=TO, subject="", body="", files=files, list_number="A_1", date=dt.datetime.now(dt.UTC)
    )
    parts = list(mail.iter_attachments())
    assert [(part.get_filename(), part.get_content()) for part in parts] == files
    assert {part.get_content_type() for part in parts} == {"application/octet-stream"}


def test_a_repeat_is_the_same_message_to_any_mail_client():
    assert bytes(mailing())[:200].split(b"Message-ID")[0] == bytes(mailing())[:200].split(b"Message-ID")[0]
    assert mailing()["Message-ID"] == mailing(list(reversed(TO)))["Message-ID"]
    assert message_id("GRC-ATH_2026-0002", TO, SENDER) != mailing()["Message-ID"]
    assert message_id("GRC-ATH_2026-0001", TO[:1], SENDER) != mailing()["Message-ID"]
    assert "unhcr" not in mailing()["Message-ID"]


def test_a_line_without_tls_is_not_used(tmp_path):
    with mail(tmp_path) as (port, _), smtplib.SMTP("localhost", port) as smtp:
        with pytest.raises(DeliveryRefused, match="not encrypted"):
            deliver(smtp, mailing())
    assert boxes(tmp_path) == {}


def test_a_certificate_that_nobody_we_trust_signed_stops_the_send(tmp_path, monkeypatch):
    (tmp_path / "other").mkdir()
    with mail(tmp_path / "other") as (_, other), mail(tmp_path) as (port, _):
        with pytest.raises(DeliveryRefused, match="certificate"), connect(monkeypatch, port, other):
            pass


@pytest.mark.fault(
    "the mail server's certificate has expired",
    happens="nothing is sent",
    there="nothing",
    you="*send* is red and names the list; tell whoever runs the server",
)
def test_an_expired_certificate_stops_the_send(tmp_path, monkeypatch):
    with mail(tmp_path, valid=dt.timedelta(days=-1)) as (port, authority):
        with pytest.raises(DeliveryRefused, match="certificate"), connect(monkeypatch, port, authority):
            pass


@pytest.mark.fault(
    "the mailbox is full (452, 552)",
    happens="452 is tried again, 552 is refused",
    there="nothing",
    you="*send* is red and names the list; tell the office",
)
@pytest.mark.parametrize(("answer", "error"), [("452 4.2.2 full", DeliveryFailed), ("552 5.2.2 full", DeliveryRefused)])
def test_a_full_mailbox_is_tried_again_or_named_as_the_server_says(tmp_path, monkeypatch, answer, error):
    with mail(tmp_path, answers("handle_RCPT", lambda _: answer)) as (port, authority):
        with connect(monkeypatch, port, authority) as (smtp, _), pytest.raises(error, match=answer[:3]):
            deliver(smtp, mailing())


@pytest.mark.fault(
    "greylisting",
    happens="tried again",
    there="one message",
    you="the task is orange, then green: nothing to do",
)
def test_greylisting_is_over_when_it_is_tried_again(tmp_path, monkeypatch):
    seen = set()

    def once(address):
        if address in seen:
            return None
        seen.add(address)
        return "451 4.7.1 greylisted"

    with mail(tmp_path, answers("handle_RCPT", once)) as (port, authority):
        with connect(monkeypatch, port, authority) as (smtp, _), pytest.raises(DeliveryFailed, match="451"):
            deliver(smtp, mailing())
        with connect(monkeypatch, port, authority) as (smtp, _):
            assert deliver(smtp, mailing()).proof["accepted"] == 2
    assert {len(box) for box in boxes(tmp_path).values()} == {1}


def test_a_wrong_login_is_refused(tmp_path, monkeypatch):
    with mail(tmp_path) as (port, authority):
        with pytest.raises(DeliveryRefused, match="login"), connect(monkeypatch, port, authority, password="wrong"):
            pass


def test_a_connection_without_a_sender_is_not_used(tmp_path, monkeypatch):
    with mail(tmp_path) as (port, authority):
        no_sender = {"from_email": None}
        with pytest.raises(DeliveryRefused, match="from_email"), connect(monkeypatch, port, authority, extra=no_sender):
            pass


def answers(method, answer):
    """A change that makes the server answer at that step."""

    async def handle(server, session, envelope, *rest):
        given = answer(rest[0] if rest else None)
        if given is None:
            envelope.rcpt_tos.append(rest[0])
            return "250 OK"
        return given

    def change(server):
        setattr(server, method, handle)

    return change


@pytest.mark.parametrize(("answer", "error"), [("451 later", DeliveryFailed), ("552 full", DeliveryRefused)])
def test_not_now_is_tried_again_and_no_is_not(tmp_path, monkeypatch, answer, error):
    with mail(tmp_path, answers("handle_DATA", lambda _: answer)) as (port, authority):
        with connect(monkeypatch, port, authority) as (smtp, _), pytest.raises(error, match=answer[:3]):
            deliver(smtp, mailing())


def test_a_refused_recipient_of_two_is_in_the_proof_without_its_address(tmp_path, monkeypatch):
    refuse = answers("handle_RCPT", lambda address: "550 unknown" if address == TO[1] else None)
    with mail(tmp_path, refuse) as (port, authority), connect(monkeypatch, port, authority) as (smtp, _):
        proof = deliver(smtp, mailing()).proof
    assert (proof["accepted"], proof["refused"], proof["refused_with"]) == (1, 1, "550")
    assert "unhcr" not in str(proof)


def test_every_recipient_refused_is_a_refusal_without_an_address(tmp_path, monkeypatch):
    with mail(tmp_path, answers("handle_RCPT", lambda _: "550 unknown")) as (port, authority):
        with connect(monkeypatch, port, authority) as (smtp, _), pytest.raises(DeliveryRefused) as refused:
            deliver(smtp, mailing())
    assert "unhcr" not in str(refused.value)


def test_a_line_cut_after_the_message_is_unknown(tmp_path, monkeypatch):
    async def cut(server, session, envelope):
        server.transport.abort()
        return "250 OK"

    with mail(tmp_path, lambda server: setattr(server, "handle_DATA", cut)) as (port, authority):
        with connect(monkeypatch, port, authority) as (smtp, _), pytest.raises(DeliveryUnknown, match="same message"):
            deliver(smtp, mailing())
