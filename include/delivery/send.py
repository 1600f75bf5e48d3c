"""Sending what an office is owed: each channel a queue of its own, in number order.

Reach for this to see what is written down when: an attempt before anything is sent, its outcome after it. One process
at a time sends to a channel; whatever kills it, the next one goes on from what is written down.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from smtplib import SMTP

import paramiko

from include.arrangements.models import Channel
from include.delivery import email, sftp
from include.delivery.outcomes import Delivered, DeliveryFailed, DeliveryRefused, DeliveryUnknown
from include.ledger import outbox
from include.ledger.engine import alone, reading, writing
from include.ledger.models import Delivery, List, SealedFile


class BeingSent(ValueError):
    """A list cannot be given up while it is on its way."""


class NotDelivered(RuntimeError):
    """A list is still owed. Which, and why, is in the message and in the ledger."""


def send_owed(
    office: str,
    channels: Sequence[Channel],
    *,
    open_sftp: Callable[[str], AbstractContextManager[paramiko.SFTPClient]],
    open_smtp: Callable[[str], AbstractContextManager[tuple[SMTP, str]]],
    admitted: Callable[[Channel], str | None],
    clock: Callable[[], dt.datetime],
) -> list[str]:
    """Send every list that the office's channels owe it; returns what arrived, as `LIST via sftp`.

    open_sftp: opens the SFTP client of a connection; open_smtp: the SMTP session of a connection, and its sender
    admitted: None where lists may go to where the channel leads, else why not (see `delivery.recipients`)
    clock: in the office's own time
    raises: NotDelivered if a channel still owes a list: the oldest stops the channel, so that numbers arrive in order;
        so does another process that sends to the channel now
    """
    by_key = {channel.key: channel for channel in channels}
    with reading() as session:
        owing = outbox.open_channels(session, office)
    arrived, owed = [], []
    for key in owing:
        channel = by_key.get(key)
        if channel is None:
            owed.append(
                f"{office}: a list waits for a channel that its arrangement no longer has; void it, or put it back"
            )
            continue
        with alone(_turn(office, key)) as ours:
            if not ours:
                owed.append(f"{office} via {channel.via}: another process is sending to it now; nothing was sent twice")
                continue
            if waits := admitted(channel):
                owed.append(f"{office} via {channel.via}: {waits}")
                continue
            while (found := _next(office, key)) is not None:
                delivery, sealed, files = found
                problem = _send_one(channel, delivery, sealed, files, open_sftp, open_smtp, clock)
                if problem:
                    owed.append(f"{sealed.list_number} via {channel.via}: {problem}")
                    break
                arrived.append(f"{sealed.list_number} via {channel.via}")
    if owed:
        raise NotDelivered("; ".join(owed))
    return arrived


def give_up(list_number: str, reason: str, now: dt.datetime) -> None:
    """Void a list that can never be delivered (`outbox.void_list`), while nobody sends it.

    raises: NotFound, NotVoidable, BeingSent
    """
    with reading() as session:
        office, channels = outbox.channels_of(session, list_number)
    with ExitStack() as held:
        for channel in channels:
            if not held.enter_context(alone(_turn(office, channel))):
                raise BeingSent(f"{list_number} is being sent at this moment; try again when that has ended")
        with writing() as session:
            outbox.void_list(session, list_number, reason, now)


def _turn(office: str, channel: str) -> str:
    """The name under which one process at a time sends to a channel."""
    return f"send {office} {channel}"


def _next(office: str, channel: str) -> tuple[Delivery, List, list[SealedFile]] | None:
    with reading() as session:
        return outbox.next_delivery(session, office, channel)


def _send_one(
    channel: Channel,
    delivery: Delivery,
    sealed: List,
    files: list[SealedFile],
    open_sftp: Callable[[str], AbstractContextManager[paramiko.SFTPClient]],
    open_smtp: Callable[[str], AbstractContextManager[tuple[SMTP, str]]],
    clock: Callable[[], dt.datetime],
) -> str | None:
    """What went wrong, or None when the other side has the list."""
    if delivery.bounced_at:
        return f"{delivery.last_error}; once the mailbox is repaired: python -m include resend {sealed.list_number}"
    with writing() as session:
        outbox.record_attempt(session, delivery.id, clock())
    state, problem = "queued", ""
    try:
        outcome = send_over(
            channel,
            _as_sealed(files),
            subject=delivery.cover.get("subject", ""),
            body=delivery.cover.get("body", ""),
            number=sealed.list_number,
            date=sealed.sealed_at,
            open_sftp=open_sftp,
            open_smtp=open_smtp,
        )
    except DeliveryFailed as failed:
        problem = str(failed)
    except DeliveryUnknown as unknown:
        state, problem = "unknown", str(unknown)
    except DeliveryRefused as refused:
        state, problem = "refused", str(refused)
    with writing() as session:
        if problem:
            outbox.record_failure(session, delivery.id, state, problem)
        else:
            outbox.record_delivered(session, delivery.id, outcome.proof, clock())
    return problem or None


def _as_sealed(files: Sequence[SealedFile]) -> list[tuple[str, bytes]]:
    if any(hashlib.sha256(file.content).hexdigest() != file.sha256 for file in files):
        raise DeliveryRefused("a sealed file is no longer what was sealed; nothing was sent, void the list")
    return [(file.name, file.content) for file in files]


def send_over(
    channel: Channel,
    files: Sequence[tuple[str, bytes]],
    *,
    subject: str,
    body: str,
    number: str,
    date: dt.datetime,
    open_sftp: Callable[[str], AbstractContextManager[paramiko.SFTPClient]],
    open_smtp: Callable[[str], AbstractContextManager[tuple[SMTP, str]]],
) -> Delivered:
    """Send files (name, content) over a channel, in their order.

    number, date: of what is sent; the same ones make the same message again
    raises: DeliveryFailed, DeliveryUnknown, DeliveryRefused
    """
    if channel.via == "sftp":
        with open_sftp(channel.connection) as client:
            return sftp.deliver(client, channel.folder, files)
    with open_smtp(channel.connection) as (smtp, sender):
        message = email.message(
            sender=sender, to=channel.to, subject=subject, body=body, files=files, list_number=number, date=date
        )
        return email.deliver(smtp, message)
