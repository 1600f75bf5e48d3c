"""IOM's mailbox: replies of offices with their answers, and what mail servers could not deliver.

Reach for this to see where a message goes. The inbox holds what nobody has looked at. What was taken is moved to
`Handled`, what a person must read to `For-a-person`, and what is from nobody known, or not from whom it says, to
`Quarantine`, unopened. A message is moved only once it is written down: a crash in between reads it again, which
changes nothing.
"""

import datetime as dt
import email
import email.policy
import html
import imaplib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import PurePath
from typing import Any

from include.arrangements.models import Arrangement
from include.delivery.bounces import take_notification
from include.responses.opening import OpeningKeys
from include.responses.reading import Finding
from include.responses.senders import sender, vouched
from include.responses.taking import Outcome, note, refuse, take_file, take_line

HANDLED, FOR_A_PERSON, QUARANTINE = "Handled", "For-a-person", "Quarantine"
LARGEST_MESSAGE = 40 << 20
"""Bytes of a message that is fetched: twice the largest file, since an attachment grows by a third on its way."""
_BESIDE = (".asc", ".sig", ".p7s", ".ics", ".vcf")
"""What mail programs attach by themselves."""
_ENTRY = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
_WROTE = r"wrote|écrit|escribió|schrieb|пишет|написал\w*|έγραψε|كتب"
_QUOTED = re.compile(rf"\s*(>|-{{3,}}|_{{5,}}|From:|De ?:|Von:|От:|Από:|من:|.*\b({_WROTE})\b.*:\s*$)", re.IGNORECASE)
"""How the part of a reply begins that the other side has written."""


@dataclass
class Collected:
    """What came of a mailbox: lists that came back, and how many messages were which."""

    came_back: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    for_a_person: int = 0
    quarantined: int = 0


def collect_mailbox(
    mailbox: str,
    authserv_id: str,
    offices: Mapping[str, Arrangement],
    *,
    open_imap: Callable[[str], AbstractContextManager[imaplib.IMAP4]],
    keys_of: Callable[[Arrangement], OpeningKeys],
    now: dt.datetime,
) -> Collected:
    """Take every message of the inbox of connection `mailbox`.

    authserv_id: the name under which IOM's own mail server says what it found of a sender; empty: nobody is believed
    offices: those that answer to this mailbox, by their code
    raises: imaplib.IMAP4.error or OSError if the mailbox cannot be read; what was taken until then is taken
    """
    collected = Collected()
    with open_imap(mailbox) as imap:
        for folder in (HANDLED, FOR_A_PERSON, QUARANTINE):
            imap.create(folder)  # the answer is no where it is there already
        _asked(imap.select("INBOX"))
        for uid, size in _messages(imap):
            large = size > LARGEST_MESSAGE
            content = _fetch(imap, uid, "(BODY.PEEK[HEADER])" if large else "(BODY.PEEK[])")
            goes_to = _take(content, large, authserv_id, offices, keys_of, now, collected)
            collected.for_a_person += goes_to == FOR_A_PERSON
            collected.quarantined += goes_to == QUARANTINE
            _move(imap, uid, goes_to)
    return collected


def waiting(imap: imaplib.IMAP4) -> list[str]:
    """The UIDs of the messages in the inbox."""
    _asked(imap.select("INBOX", readonly=True))
    found: list[str] = _asked(imap.uid("SEARCH", "ALL"))[0].decode().split()
    return found


def left_over(imap: imaplib.IMAP4) -> dict[str, int]:
    """Messages that wait for a person, by folder; a folder without any is left out."""
    found = {}
    for folder in (FOR_A_PERSON, QUARANTINE):
        answer, data = imap.select(folder, readonly=True)
        if answer == "OK" and (count := int(data[0] or 0)):
            found[folder] = count
    return found


def _take(
    content: bytes,
    large: bool,
    authserv_id: str,
    offices: Mapping[str, Arrangement],
    keys_of: Callable[[Arrangement], OpeningKeys],
    now: dt.datetime,
    collected: Collected,
) -> str:
    """The folder that the message belongs into, once what it says is written down."""
    try:
        mail = email.message_from_bytes(content, EmailMessage, policy=email.policy.default)
        notification = _is_notification(mail)
        automatic = _is_automatic(mail)
        address = sender(mail)
        believed = vouched(mail, authserv_id)
    except Exception:  # what others write can break a parser in any way
        return _stranger(content, "not_vouched", [], now)
    if notification:
        came_back = None if large else take_notification(content, now)
        if came_back is None:
            _stranger(content, "bounce", [], now)
            return FOR_A_PERSON
        collected.came_back += came_back
        return HANDLED
    theirs = {office: one for office, one in offices.items() if address in one.senders}
    if not theirs:
        return _stranger(content, "stranger", [], now)
    if not believed:
        return _stranger(content, "not_vouched", sorted(theirs), now)
    if automatic:  # that somebody is on leave is no answer
        return HANDLED
    if large:
        collected.outcomes.append(refuse(next(iter(theirs)), "email", content, "too_large", now))
        return FOR_A_PERSON
    return _take_reply(content, mail, theirs, keys_of, now, collected)


def _take_reply(
    content: bytes,
    mail: EmailMessage,
    theirs: Mapping[str, Arrangement],
    keys_of: Callable[[Arrangement], OpeningKeys],
    now: dt.datetime,
    collected: Collected,
) -> str:
    """As `_take`, for what one of `theirs` has written."""
    first = next(iter(theirs.values()))
    try:
        files, text = list(_files(mail)), _own_words(mail)
    except Exception:
        collected.outcomes.append(refuse(first.office, "email", content, "not_readable", now))
        return FOR_A_PERSON
    outcomes = []
    for name, attached in files:
        answering = _office_of(name, theirs) or first
        outcomes.append(take_file(answering, attached, name, "email", keys_of(answering), now))
    collected.outcomes += outcomes
    refused = any(outcome.outcome == "refused" for outcome in outcomes)
    received = not outcomes and take_line(list(theirs), text, now)
    # Who names an entry in the mail itself says something that no machine reads.
    if (not outcomes and not received) or refused or (not received and _ENTRY.search(text)):
        note(first.office, "email", content, "letter", [], now)
        return FOR_A_PERSON
    return HANDLED


def _stranger(content: bytes, code: str, claimed: list[str], now: dt.datetime) -> str:
    """Note a message that nobody answers for. claimed: the offices whose sender it says to be"""
    finding = Finding(code).as_dict() | ({"offices": claimed} if claimed else {})
    note("", "email", content, "stranger", [finding], now)
    return QUARANTINE


def _is_notification(mail: EmailMessage) -> bool:
    return mail.get_content_type() == "multipart/report" and "delivery-status" in str(mail["Content-Type"]).lower()


def _is_automatic(mail: EmailMessage) -> bool:
    """Whether no person has written it (RFC 3834, and what Exchange does instead)."""
    said = str(mail["Auto-Submitted"] or "no").partition(";")[0].strip().lower()
    return said != "no" or str(mail["Precedence"] or "").strip().lower() == "auto_reply" or "X-Autoreply" in mail


def _files(mail: EmailMessage) -> Iterator[tuple[str, bytes]]:
    """Name and content of each attachment that somebody meant to send."""
    for part in mail.walk():
        if part.is_multipart() or (name := part.get_filename()) is None:
            continue
        if part.get_content_maintype() == "image" or name.lower().endswith(_BESIDE):
            continue
        content = part.get_payload(decode=True)
        yield PurePath(name).name, content if isinstance(content, bytes) else b""


def _own_words(mail: EmailMessage) -> str:
    """The text of the mail above what it quotes."""
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    text = str(body.get_content())
    if body.get_content_subtype() == "html":
        text = html.unescape(re.sub(r"<[^>]*>", " ", re.sub(r"(?i)<(br|/p|/div)[^>]*>", "\n", text)))
    lines: list[str] = []
    for line in text.splitlines():
        if lines and _QUOTED.match(line):
            break
        lines.append(line)
    return "\n".join(lines).strip()


def _office_of(name: str, offices: Mapping[str, Arrangement]) -> Arrangement | None:
    """Where one address answers for several offices, that whose code the file's name begins with."""
    return next((one for office, one in offices.items() if name.upper().startswith(f"{office}_")), None)


def _messages(imap: imaplib.IMAP4) -> list[tuple[str, int]]:
    """UID and size of each message of the inbox, oldest first."""
    sizes = []
    for uid in _asked(imap.uid("SEARCH", "ALL"))[0].decode().split():
        said = b" ".join(
            part if isinstance(part, bytes) else part[0]
            for part in _asked(imap.uid("FETCH", uid, "(RFC822.SIZE)"))
            if part
        )
        found = re.search(rb"RFC822\.SIZE (\d+)", said)
        sizes.append((uid, int(found[1]) if found else 0))
    return sizes


def _move(imap: imaplib.IMAP4, uid: str, folder: str) -> None:
    _asked(imap.uid("MOVE", uid, folder))


def _fetch(imap: imaplib.IMAP4, uid: str, what: str) -> bytes:
    return b"".join(part[1] for part in _asked(imap.uid("FETCH", uid, what)) if isinstance(part, tuple))


def _asked(answer: tuple[str, list[Any]]) -> list[Any]:
    """What the server gave; imaplib says nothing of an answer that is no."""
    if answer[0] != "OK":
        raise imaplib.IMAP4.error("the server of the mailbox does not do what it is asked to")
    return answer[1]
