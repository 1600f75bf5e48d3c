"""Messages that come back hours after a mail server took them: delivery status notifications (RFC 3464).

Reach for this to see how a list or paper that was told becomes one that is owed again.
"""

import datetime as dt
import email
import email.policy
import hashlib
import hmac
import re
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from include.ledger import outbox, papers
from include.ledger.engine import writing
from include.settings import hashing_key


@dataclass(frozen=True)
class Bounce:
    """What a notification says: which message, and the status code of each address that it did not reach."""

    message_id: str
    failed: dict[str, str]


def take_notification(content: bytes, now: dt.datetime) -> list[str] | None:
    """The lists and papers that a delivery status notification says did not reach somebody; they are owed again.

    returns: an empty list where it only tells of a delay; None where it has no form, or is of none of them
    """
    bounce = read_notification(content)
    if bounce is None:
        return None
    failed = {_hashed(address): code for address, code in bounce.failed.items()}
    if not failed:
        return []
    with writing() as session:
        carried = [queue.record_bounce(session, bounce.message_id, failed, now) for queue in (outbox, papers)]
    return [number for numbers in carried for number in numbers] or None


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


def _hashed(address: str) -> str:
    return hmac.new(hashing_key(), address.encode(), hashlib.sha256).hexdigest()[:16]
