"""Messages that come back hours after a mail server took them: delivery status notifications (RFC 3464) in a mailbox.

Reach for this to see how a list that was told becomes one that is owed again. A notification that was understood is
moved to the folder `Handled`; all others stay in the inbox, and are reported until a person has moved them away.
"""

import datetime as dt
import email
import email.policy
import hashlib
import hmac
import imaplib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from include.ledger import outbox
from include.ledger.engine import writing
from include.settings import hashing_key

HANDLED = "Handled"


class NotUnderstood(RuntimeError):
    """Messages came back that no list is known for; the message says in which mailbox."""


@dataclass(frozen=True)
class Bounce:
    """What a notification says: which message, and the status code of each address that it did not reach."""

    message_id: str
    failed: dict[str, str]


def collect_bounces(
    mailbox: str, open_imap: Callable[[str], AbstractContextManager[imaplib.IMAP4]], now: dt.datetime
) -> list[str]:
    """Read what came back to the mailbox of this connection; returns the lists that did not reach somebody.

    raises: NotUnderstood, after all others were handled, if a notification has no form or is of no list;
        imaplib.IMAP4.error or OSError if the mailbox cannot be read
    """
    came_back: list[str] = []
    not_understood = 0
    with open_imap(mailbox) as imap:
        imap.create(HANDLED)  # the answer is no where it is there already
        _asked(imap.select("INBOX"))
        for uid in _notifications(imap):
            bounce = read_notification(_fetch(imap, uid, "(BODY.PEEK[])"))
            if bounce is None:
                not_understood += 1
                continue
            if bounce.failed:
                failed = {_hashed(address): code for address, code in bounce.failed.items()}
                with writing() as session:
                    lists = outbox.record_bounce(session, bounce.message_id, failed, now)
                if not lists:
                    not_understood += 1
                    continue
                came_back += lists
            # Only once it is written down: a crash in between reads it again, which changes nothing.
            _asked(imap.uid("MOVE", uid, HANDLED))
    if not_understood:
        raise NotUnderstood(
            f"{not_understood} undeliverable messages in the inbox of {mailbox} are of no list that is known: "
            "look at them, and move them away"
        )
    return came_back


def read_notification(content: bytes) -> Bounce | None:
    """What a delivery status notification says, nobody failed where it only tells of a delay; None without its form."""
    mail = email.message_from_bytes(content, policy=email.policy.default)
    try:
        parts: list[Any] = list(mail.walk())
        statuses = [part for part in parts if part.get_content_type() == "message/delivery-status"]
        message_id = next(filter(None, map(_original_id, parts)), None)
        failed: dict[str, str] = {}
        recipients = 0
        for status in statuses:
            for block in status.get_payload():
                address = block["Original-Recipient"] or block["Final-Recipient"]
                if address is None or block["Action"] is None:
                    continue  # the block of the message itself
                recipients += 1
                if str(block["Action"]).strip().lower() == "failed":
                    code = re.search(r"\d\.\d+\.\d+", str(block["Status"]))
                    failed[str(address).rpartition(";")[2].strip().lower()] = code[0] if code else "5.0.0"
    except Exception:  # what others write can break a parser in any way
        return None
    if message_id is None or not recipients:
        return None
    return Bounce(message_id, failed)


def _original_id(part: Any) -> str | None:
    """The Message-ID of the message that came back, where this part holds it or its headers."""
    if part.get_content_type() == "message/rfc822":
        original = part.get_payload(0)
    elif part.get_content_type() == "text/rfc822-headers":
        original = email.message_from_string(part.get_content(), EmailMessage, policy=email.policy.default)
    else:
        return None
    return str(original["Message-ID"]).strip() if original["Message-ID"] else None


def _notifications(imap: imaplib.IMAP4) -> list[str]:
    """The UIDs of the inbox's delivery status notifications."""
    uids = _asked(imap.uid("SEARCH", "ALL"))[0].decode().split()
    headers = {uid: _fetch(imap, uid, "(BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE)])") for uid in uids}
    return [uid for uid, header in headers.items() if b"delivery-status" in header.lower()]


def _fetch(imap: imaplib.IMAP4, uid: str, what: str) -> bytes:
    return b"".join(part[1] for part in _asked(imap.uid("FETCH", uid, what)) if isinstance(part, tuple))


def _asked(answer: tuple[str, list[Any]]) -> list[Any]:
    """What the server gave; imaplib says nothing of an answer that is no."""
    if answer[0] != "OK":
        raise imaplib.IMAP4.error("the server of the mailbox does not do what it is asked to")
    return answer[1]


def _hashed(address: str) -> str:
    return hmac.new(hashing_key(), address.encode(), hashlib.sha256).hexdigest()[:16]
