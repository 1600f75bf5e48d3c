"""Mailing a sealed list: a message that is the same each time it is made, over a line that is encrypted."""

import datetime as dt
import hashlib
import mimetypes
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime

from include.delivery.outcomes import Delivered, DeliveryFailed, DeliveryRefused, DeliveryUnknown


def message(
    *,
    sender: str,
    to: Sequence[str],
    subject: str,
    body: str,
    files: Sequence[tuple[str, bytes]],
    list_number: str,
    date: dt.datetime,
) -> EmailMessage:
    """The message that carries a list. Its Message-ID derives from list and recipients, so a repeat is one message.

    Subject and body hold no personal data; the files are sealed.
    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ", ".join(to), subject
    mail["Date"] = format_datetime(date)
    mail["Message-ID"] = message_id(list_number, to, sender)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Notification-List"] = list_number
    mail.set_content(body)
    attach(mail, files)
    return mail


def attach(mail: EmailMessage, files: Sequence[tuple[str, bytes]]) -> None:
    """Put files (name, content) into a mail, each as what it is."""
    for name, content in files:
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if name.endswith((".pgp", ".age", ".asc")):  # a mail program opens none of them by itself
            kind = "application/octet-stream"
        main, _, sub = kind.partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=name)


def message_id(list_number: str, to: Sequence[str], sender: str) -> str:
    """The same for the same list and recipients, and nothing of a person or recipient in it."""
    what = "\n".join([list_number, *sorted(address.lower() for address in to)])
    return f"<{hashlib.sha256(what.encode()).hexdigest()[:32]}@{sender.rpartition('@')[2].rstrip('>')}>"


def deliver(smtp: smtplib.SMTP, mail: EmailMessage) -> Delivered:
    """Hand `mail` to the server for all of its recipients.

    Taken for one recipient of several, the list is with its office, and a repeat would reach that one twice: it counts
    as delivered, and the proof says how many were refused, for a person to put right.
    raises: DeliveryRefused if the line is not encrypted, or the server says no for good; DeliveryFailed if it says
        not now; DeliveryUnknown if the line was cut when it may have taken the message already
    """
    if not isinstance(smtp.sock, ssl.SSLSocket):
        raise DeliveryRefused("the line to the mail server is not encrypted; nothing was sent")
    recipients = [address.addr_spec for address in mail["To"].addresses]
    try:
        refused = smtp.send_message(mail, to_addrs=recipients)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        _raise(max(codes), f"the mail server refused every recipient ({_codes(codes)})")
    except smtplib.SMTPResponseException as error:
        _raise(error.smtp_code, f"the mail server refused the message ({error.smtp_code})")
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        raise DeliveryUnknown(
            f"cut off while sending ({type(error).__name__}): the server may have it; a repeat is the same message"
        ) from None
    proof: dict[str, str | int] = {
        "message_id": str(mail["Message-ID"]),
        "accepted": len(recipients) - len(refused),
        "refused": len(refused),
    }
    if refused:
        proof["refused_with"] = _codes([code for code, _ in refused.values()])
    return Delivered(proof)


def _raise(code: int, sentence: str) -> None:
    raise (DeliveryFailed if 400 <= code < 500 else DeliveryRefused)(sentence) from None


def _codes(codes: Sequence[int]) -> str:
    return ", ".join(str(code) for code in sorted(set(codes)))
