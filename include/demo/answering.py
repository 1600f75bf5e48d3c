"""The office's pen: a list is filled, sealed as it came, and goes back by one of two doors.

Reach for `answer` to send an answer as an office does, for `acknowledge` to say only that a list is there. As on the
receiving side, nothing here asks the ledger, and an office uses its own keys alone.
"""

import base64
import csv
import datetime as dt
import io
import secrets
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Literal

import openpyxl
import paramiko
from pysequoia import Cert

from include.arrangements.models import Arrangement, Channel
from include.delivery import sftp
from include.delivery.email import attach
from include.delivery.keys import SealingKey, SigningKey
from include.delivery.sealing import seal
from include.demo.office import Received
from include.demo.setting import SENDER, Setting
from include.lists.document import ANSWER_COLUMNS, RenderedFile
from include.lists.sheet import MACHINE_ROW_MARK
from include.lists.texts import texts

Door = Literal["folder", "email"]


class CannotAnswer(ValueError):
    """An answer that cannot be written or sent; the message says why, without anybody's name."""


@dataclass(frozen=True)
class Answer:
    """What an office says to one entry; concern None: it says nothing of that."""

    concern: bool | None = None
    record_closed_on: dt.date | None = None
    remarks: str = ""


def doors(arrangement: Arrangement) -> dict[Door, Channel]:
    """The doors by which the office answers, each with the channel whose lists it answers there."""
    found: dict[Door, Channel] = {}
    for channel in arrangement.deliver:
        if channel.via == "sftp" and arrangement.answers.folder:
            found.setdefault("folder", channel)
        if channel.via == "email" and arrangement.answers.mailbox:
            found.setdefault("email", channel)
    return found


def answer(
    setting: Setting,
    office: Arrangement,
    channel: Channel,
    received: Received,
    answers: Mapping[str, Answer],
    door: Door,
) -> str:
    """Answer entries of a list that came over `channel`; returns the name of the file that went.

    answers: by entry
    raises: CannotAnswer; OSError, SMTPException or SSHException if the server does not take it
    """
    if received.file is None:
        raise CannotAnswer(f"{received.list_number} could not be opened, so it cannot be answered")
    name, content = received.file
    stem, _, ending = name.rpartition(".")
    # An answer may follow another to the same list: it gets a name of its own.
    filled = fill(content, name, office.language, answers)
    sealed = seal_answer(setting, office.office, channel, f"{stem}_answer-{secrets.token_hex(3)}.{ending}", filled)
    send_answer(setting, office, received, sealed, door)
    return sealed[0]


def acknowledge(setting: Setting, office: Arrangement, received: Received, door: Door) -> str:
    """Say that a list is there, and nothing more; returns the name of the file that went, or the mail's subject.

    raises: as `answer`
    """
    line = f"RECEIVED {received.list_number}\r\n"
    if door == "email":
        return _mail(setting, office, received, line, [])
    name = f"{received.list_number}_received-{secrets.token_hex(3)}.txt"
    _put(setting, office, name, line.encode())
    return name


def fill(content: bytes, name: str, language: str, answers: Mapping[str, Answer]) -> bytes:
    """The list, an XLSX or CSV, with its last three columns filled for these entries.

    raises: CannotAnswer if the list has no such entry, or is of a kind that no machine reads back
    """
    words = texts(language)
    said = {
        entry: ({True: words.yes, False: words.no, None: None}[one.concern], one.record_closed_on, one.remarks or None)
        for entry, one in answers.items()
    }
    if name.endswith(".xlsx"):
        filled, content = _fill_workbook(content, said)
    elif name.endswith(".csv"):
        filled, content = _fill_table(content, said)
    else:
        raise CannotAnswer(f"{name} is read by people alone: it is answered by telephone or letter")
    if missing := set(said) - filled:
        raise CannotAnswer(f"{len(missing)} of the entries are not on {name}")
    return content


_Said = Mapping[str, tuple[str | None, dt.date | None, str | None]]


def _fill_workbook(content: bytes, said: _Said) -> tuple[set[str], bytes]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    header = next(row for row in range(1, sheet.max_row + 1) if sheet.cell(row, 1).value == MACHINE_ROW_MARK)
    column = {str(cell.value): cell.column for cell in sheet[header] if cell.value}
    filled = set()
    # The row after the machine names is the header that people read.
    for row in range(header + 2, sheet.max_row + 1):
        entry = str(sheet.cell(row, column["entry"]).value)
        if entry in said:
            filled.add(entry)
            for name, value in zip(ANSWER_COLUMNS, said[entry], strict=True):
                cell = sheet.cell(row, column[name])
                cell.value = value
                if isinstance(value, str):  # a remark that begins like a formula is none
                    cell.data_type = "s"
    written = io.BytesIO()
    book.save(written)
    return filled, written.getvalue()


def _fill_table(content: bytes, said: _Said) -> tuple[set[str], bytes]:
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    filled = set()
    for row in rows:
        if (entry := row["entry"]) in said:
            filled.add(entry)
            row.update({name: str(value or "") for name, value in zip(ANSWER_COLUMNS, said[entry], strict=True)})
    written = io.StringIO(newline="")
    if rows:
        writer = csv.DictWriter(written, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
    return filled, written.getvalue().encode("utf-8-sig")


def seal_answer(setting: Setting, office: str, channel: Channel, name: str, content: bytes) -> tuple[str, bytes]:
    """Name and content of the file, sealed as lists come over the channel, with the sides exchanged.

    raises: SealRefused if it cannot be sealed
    """
    ours, now = setting.secrets[office], dt.datetime.now(dt.UTC)
    to_iom = SealingKey(
        public_key=setting.signing_certificate,
        password=ours.password,
        password_since=now.date().isoformat(),
        age_recipient=setting.age_recipient,
        signing=SigningKey(ours.secret_key, None),
    )
    fingerprint = Cert.from_bytes(setting.signing_certificate.encode()).fingerprint.upper()
    back = channel.model_copy(update={"fingerprint": fingerprint, "recipient": setting.age_recipient})
    sealed = seal(RenderedFile(name, content, personal=True), back, to_iom, now)[-1]
    return sealed.name, sealed.content


def send_answer(
    setting: Setting, office: Arrangement, received: Received, sealed: tuple[str, bytes], door: Door
) -> None:
    """Send a sealed answer (name, content). raises: as `answer`"""
    if door == "folder":
        _put(setting, office, *sealed)
    else:
        _mail(setting, office, received, f"Our answer to {received.list_number}.\r\n", [sealed])


def _put(setting: Setting, office: Arrangement, name: str, content: bytes) -> None:
    """Put a file into the office's answers folder, over SFTP: under a temporary name, then renamed."""
    if office.answers.folder is None:
        raise CannotAnswer(f"{office.office} has no folder for answers")
    kind, key = setting.sftp_host_key.split()
    with closing(paramiko.Transport(("127.0.0.1", setting.sftp_port))) as transport:
        transport.connect(
            paramiko.PKey.from_type_string(kind, base64.b64decode(key)),
            office.office,
            setting.secrets[office.office].sftp_password,
        )
        client = paramiko.SFTPClient.from_transport(transport)
        if client is None:
            raise CannotAnswer("the SFTP server gives no files")
        sftp.deliver(client, office.answers.folder, [(name, content)])


def _mail(
    setting: Setting, office: Arrangement, received: Received, body: str, files: Sequence[tuple[str, bytes]]
) -> str:
    """Answer the list's mail, from the mailbox that it came to; returns the subject."""
    listed = received.mail
    if listed is None:
        raise CannotAnswer(f"{received.list_number} did not come by email, so there is no mail to reply to")
    if files and received.seal == "none":
        raise CannotAnswer("what names a person never leaves by email unsealed")
    mail = EmailMessage()
    got_it = [address.addr_spec for address in listed["To"].addresses]
    mail["From"] = next((address for address in got_it if address.lower() in office.senders), got_it[0])
    mail["To"] = SENDER
    mail["Subject"] = f"Re: {listed['Subject']}"
    mail["Date"] = format_datetime(dt.datetime.now(dt.UTC))
    mail["Message-ID"] = make_msgid(domain="unhcr.example")
    mail["In-Reply-To"] = mail["References"] = str(listed["Message-ID"])
    mail.set_content(body)
    attach(mail, files)
    trusted = ssl.create_default_context(cafile=setting.authority)
    with smtplib.SMTP("localhost", setting.mail_port, timeout=30) as smtp:
        smtp.starttls(context=trusted)
        smtp.login(office.office, setting.secrets[office.office].mail_password)
        smtp.send_message(mail)
    return str(mail["Subject"])
