"""Answers by each seal and each door, on the demo's own servers, opened with IOM's keys alone."""

import csv
import datetime as dt
import email
import email.policy
import io
import json
from pathlib import Path

import msoffcrypto
import openpyxl
import pyrage
import pytest
import pyzipper
from pysequoia import Cert, Tsk, decrypt

from include.arrangements.reading import load_offices
from include.connections import open_imap, opening_keys
from include.demo.answering import Answer, CannotAnswer, acknowledge, answer, doors, fill
from include.demo.office import Received, open_lists
from include.lists.document import ANSWER_COLUMNS, render
from include.lists.opening import open_list
from include.responses.opening import open_answer
from include.responses.reading import read_answers
from tests.demo.running import arrangement_of, inbox, newest_mail, send
from tests.lists.sample import ROWS, sample

SAID = {
    "7K3M-9QXT": Answer(concern=True, remarks="=veut parler, سلام"),
    "9VHF-X2B7": Answer(concern=False, record_closed_on=dt.date(2026, 11, 12)),
}
NUMBERS = iter(range(1, 1000))


def connection(setting, name) -> dict:
    return json.loads(setting.environment[f"AIRFLOW_CONN_{name.upper()}"])


def arranged(setting, via, seal, form):
    """GRC-ATH's arrangement with one channel alone, sealed in this way; its answers have both doors."""
    athens = arrangement_of(setting, "GRC-ATH")
    (channel,) = [channel for channel in athens.deliver if channel.via == via]
    (fingerprint,) = [channel.fingerprint for channel in athens.deliver if channel.fingerprint]
    needed = {
        "pgp": {"fingerprint": fingerprint},
        "age": {"recipient": connection(setting, "seal_grc_ath")["extra"]["age_recipient"]},
    }
    clean = {"seal": seal, "fingerprint": None, "recipient": None} | needed.get(seal, {})
    channel = channel.model_copy(update=clean)
    settings = athens.list.model_copy(update={"format": form})
    return athens.model_copy(update={"deliver": (channel,), "list": settings}), channel


def sent(setting, via, seal, form, language="en") -> tuple:
    """A list that was sent, and is received, over one channel: arrangement, channel and received list."""
    arrangement, channel = arranged(setting, via, seal, form)
    document = sample(language=language, form=form, number=next(NUMBERS))
    send(setting, arrangement, document)
    earlier = [f"GRC-ATH_2026-{number:04}" for number in range(document.number)]
    (received,) = open_lists(setting, "GRC-ATH", channel, known=earlier)
    return arrangement, channel, received


def answers_folder(setting) -> Path:
    return setting.offices / "GRC-ATH" / "answers"


def opened_by_iom(setting, name: str, content: bytes) -> tuple[str, bytes]:
    """What IOM reads of an answer with its own keys, and the list password that it gave to the office."""
    signs, seals = connection(setting, "sign_lists")["extra"], connection(setting, "seal_grc_ath")
    if name.endswith(".pgp"):
        opened = decrypt(
            content,
            decryptor=Tsk.from_bytes(signs["secret_key"].encode()).decryptor(),
            store=lambda _: [Cert.from_bytes(seals["extra"]["public_key"].encode())],
        )
        assert len(opened.valid_sigs) == 1
        return name.removesuffix(".pgp"), bytes(opened.bytes)
    if name.endswith(".age"):
        identity = pyrage.x25519.Identity.from_str(signs["age_identity"])
        return name.removesuffix(".age"), pyrage.decrypt(content, [identity])
    if name.endswith(".zip"):
        with pyzipper.AESZipFile(io.BytesIO(content)) as zipped:
            zipped.setpassword(seals["password"].encode())
            (inside,) = zipped.namelist()
            return inside, zipped.read(inside)
    book = msoffcrypto.OfficeFile(io.BytesIO(content)) if name.endswith(".xlsx") else None
    if book is None or not book.is_encrypted():
        return name, content
    plain = io.BytesIO()
    book.load_key(password=seals["password"], verify_password=True)
    book.decrypt(plain)
    return name, plain.getvalue()


SEALED_AS = {
    ("pgp", "xlsx"): ".xlsx.pgp",
    ("pgp", "csv"): ".csv.pgp",
    ("age", "xlsx"): ".xlsx.age",
    ("age", "csv"): ".csv.age",
    ("password", "xlsx"): ".xlsx",
    ("password", "csv"): ".zip",
    ("none", "xlsx"): ".xlsx",
    ("none", "csv"): ".csv",
}
WAYS = [(door, *how) for how in SEALED_AS for door in ("folder", "email") if (door, how[0]) != ("email", "none")]


@pytest.mark.parametrize(("door", "seal", "form"), WAYS)
def test_an_answer_comes_whole_through_each_door_and_opens_with_ioms_keys(setting, door, seal, form):
    via = "sftp" if door == "folder" else "email"
    arrangement, channel, received = sent(setting, via, seal, form)
    name = answer(setting, arrangement, channel, received, SAID, door)
    if door == "folder":
        content = (answers_folder(setting) / name).read_bytes()
    else:
        (attached,) = newest_mail().iter_attachments()
        assert attached.get_filename() == name
        content = attached.get_payload(decode=True)
    assert name.startswith(received.list_number)
    assert name.endswith(SEALED_AS[seal, form])
    plain_name, plain = opened_by_iom(setting, name, content)
    assert open_answer(content, name, opening_keys(arrangement)) == (plain, plain_name, seal != "none")
    assert (plain == content) == (seal == "none")
    answered = open_list(plain, plain_name)
    assert answered.list_number == received.list_number
    told = received.opened.entries
    assert answered.entries.drop(columns=list(ANSWER_COLUMNS)).equals(told.drop(columns=list(ANSWER_COLUMNS)))
    said = answered.entries.set_index("entry")[list(ANSWER_COLUMNS)]
    assert tuple(said.loc["7K3M-9QXT"]) == ("yes", "", "=veut parler, سلام")
    assert tuple(said.loc["9VHF-X2B7"]) == ("no", "2026-11-12", "")
    assert (said.drop(list(SAID)) == "").all(axis=None)
    assert read_answers(plain, plain_name, dt.date(2026, 11, 12)).findings == ()


def test_a_filled_workbook_is_the_same_workbook(setting):
    (file,) = render(sample(language="ar"), "xlsx")
    filled = fill(file.content, file.name, "ar", SAID)
    before, after = (openpyxl.load_workbook(io.BytesIO(content)).worksheets[0] for content in (file.content, filled))
    cells = [{cell.coordinate: cell.value for row in sheet for cell in row if cell.value} for sheet in (before, after)]
    new = {after[coordinate].value for coordinate in cells[1].keys() - cells[0].keys()}
    assert new == {"نعم", "لا", "=veut parler, سلام", dt.datetime(2026, 11, 12)}
    assert {name: value for name, value in cells[1].items() if name in cells[0]} == cells[0]
    (remark,) = [cell for row in after for cell in row if cell.value == "=veut parler, سلام"]
    assert remark.data_type == "s"
    assert after.protection.sheet
    assert len(after.data_validations.dataValidation) == len(before.data_validations.dataValidation) == 2


def test_a_filled_csv_says_yes_and_no_in_the_lists_language():
    file = render(sample(language="el", form="csv"), "csv")[0]
    rows = list(csv.DictReader(io.StringIO(fill(file.content, file.name, "el", SAID).decode("utf-8-sig"))))
    assert [row["voluntariness_concern"] for row in rows] == ["ναι", *[""] * (len(ROWS) - 2), "όχι"]


def test_an_entry_that_is_not_on_the_list_is_not_answered():
    file = render(sample(), "xlsx")[0]
    with pytest.raises(CannotAnswer, match="1 of the entries"):
        fill(file.content, file.name, "en", {"7K3M-9QXT": Answer(True), "0000-0000": Answer(True)})


def test_a_pdf_is_not_answered_in_the_file():
    with pytest.raises(CannotAnswer, match="telephone"):
        fill(b"%PDF", "GRC-ATH_2026-0001_scheduled.pdf", "en", {})


def test_an_answer_by_email_replies_to_the_lists_mail(setting):
    arrangement, channel, received = sent(setting, "email", "password", "xlsx")
    answer(setting, arrangement, channel, received, SAID, "email")
    (listed,) = [
        mail
        for path in (setting.mail / "protection.athens@unhcr.example").glob("*.eml")
        if (mail := email.message_from_bytes(path.read_bytes(), policy=email.policy.default))["X-Notification-List"]
        == received.list_number
    ]
    reply = newest_mail()
    assert reply["In-Reply-To"] == reply["References"] == listed["Message-ID"]
    assert reply["Subject"] == f"Re: {listed['Subject']}"
    assert (reply["From"], reply["To"]) == ("protection.athens@unhcr.example", "avr-notifications@iom.example")
    assert reply.get_all("Authentication-Results") == ["mx.iom.example; dmarc=pass header.from=unhcr.example"]


def test_nothing_leaves_by_email_that_is_not_sealed_or_replies_to_no_mail(setting):
    arrangement, channel, received = sent(setting, "email", "password", "xlsx")
    unsealed = Received(**{**vars(received), "seal": "none"})
    never_mailed = Received(**{**vars(received), "mail": None})
    for one, why in ((unsealed, "unsealed"), (never_mailed, "no mail to reply to")):
        before = inbox()
        with pytest.raises(CannotAnswer, match=why):
            answer(setting, arrangement, channel, one, SAID, "email")
        assert inbox() == before


def test_a_receipt_is_one_line_in_a_mail_or_a_text(setting):
    arrangement, _, received = sent(setting, "email", "password", "xlsx")
    acknowledge(setting, arrangement, received, "email")
    assert newest_mail().get_content().splitlines() == [f"RECEIVED {received.list_number}"]
    name = acknowledge(setting, arrangement, received, "folder")
    assert name.endswith(".txt")
    assert (answers_folder(setting) / name).read_text().splitlines() == [f"RECEIVED {received.list_number}"]


def test_two_answers_to_one_list_stand_beside_each_other(setting):
    arrangement, channel, received = sent(setting, "sftp", "pgp", "csv")
    names = [answer(setting, arrangement, channel, received, SAID, "folder") for _ in range(2)]
    assert set(names) <= {path.name for path in answers_folder(setting).iterdir()}
    assert len(set(names)) == 2


def test_the_demo_has_offices_with_both_doors_with_email_alone_and_with_a_folder_alone(setting):
    offices = load_offices(setting.arrangements)[0]
    found = {office: set(doors(versions[-1])) for office, versions in offices.items()}
    assert found["GRC-ATH"] == {"folder", "email"}
    assert found["GRC-THE"] == {"email"}
    assert found["DEU-BER"] == {"folder"}


def test_the_mailbox_does_what_reading_answers_asks_of_it(setting):
    arrangement, _, received = sent(setting, "email", "password", "xlsx")
    acknowledge(setting, arrangement, received, "email")
    with open_imap("imap_avr") as imap:
        assert [imap.create(folder)[0] for folder in ("Read", "Refused", "Read")] == ["OK", "OK", "NO"]
        assert imap.select("INBOX")[0] == "OK"
        uids = imap.uid("SEARCH", "ALL")[1][0].decode().split()
        ((head, content), _) = imap.uid("FETCH", uids[-1], "(RFC822.SIZE BODY.PEEK[])")[1]
        assert f"RFC822.SIZE {len(content)} ".encode() in head
        assert content.startswith(b"Authentication-Results: mx.iom.example; dmarc=pass")
        ((_, header), _) = imap.uid("FETCH", uids[-1], "(BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)])")[1]
        assert header.lower().startswith(b"content-type: text/plain")
        assert imap.uid("SEARCH", "UNSEEN")[1][0].decode().split()[-1] == uids[-1], "to peek marks nothing as seen"
        assert imap.uid("MOVE", uids[-1], "Read")[0] == "OK"
        assert imap.uid("SEARCH", "ALL")[1][0].decode().split() == uids[:-1]
        assert imap.uid("MOVE", uids[0], "Nowhere")[0] == "NO"
        assert imap.select("Read", readonly=True) == ("OK", [b"1"])
        ((_, header), _) = imap.uid("FETCH", "1:*", "(BODY.PEEK[HEADER])")[1]
        assert content.startswith(header)
        assert header.endswith(b"\r\n\r\n")
        ((_, moved), _) = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]
        assert moved == content


def test_the_mailbox_opens_with_its_password_alone(setting, monkeypatch):
    wrong = connection(setting, "imap_avr") | {"password": "another"}
    monkeypatch.setenv("AIRFLOW_CONN_IMAP_AVR", json.dumps(wrong))
    with pytest.raises(ConnectionError), open_imap("imap_avr"):
        pass
