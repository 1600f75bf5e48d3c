"""Sending what an office or another party is owed, lists or papers: each channel a queue of its own, in number order.

Reach for this to see what is written down when: an attempt before anything is sent, its outcome after it. One process
at a time sends to a channel; whatever kills it, the next one goes on from what is written down.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from smtplib import SMTP
from typing import Any, Protocol

import paramiko
from sqlalchemy.orm import Session

from include.arrangements.models import Channel
from include.delivery import email, sftp
from include.delivery.outcomes import Delivered, DeliveryFailed, DeliveryRefused, DeliveryUnknown
from include.ledger import outbox, papers
from include.ledger.engine import alone, reading, writing
from include.ledger.models import FileAsSent, List, Paper, Sending


class Queue(Protocol):
    """What waits to be sent, as `ledger.outbox` has it of an office's lists and `ledger.papers` of a series."""

    def open_channels(self, session: Session, whose: str, /) -> list[str]: ...

    def next_delivery(
        self, session: Session, whose: str, channel: str, /
    ) -> tuple[Sending, List | Paper, Sequence[FileAsSent]] | None: ...

    def record_attempt(self, session: Session, delivery_id: int, now: dt.datetime, /) -> None: ...

    def record_failure(self, session: Session, delivery_id: int, state: str, error: str, /) -> None: ...

    def record_delivered(
        self, session: Session, delivery_id: int, proof: dict[str, Any], now: dt.datetime, /
    ) -> None: ...


class BeingSent(ValueError):
    """A list or paper cannot be given up while it is on its way."""


class NotDelivered(RuntimeError):
    """A list or paper is still owed. Which, and why, is in the message and in the ledger."""


def send_owed(
    addressee: str,
    channels: Sequence[Channel],
    *,
    series: str | None = None,
    open_sftp: Callable[[str], AbstractContextManager[paramiko.SFTPClient]],
    open_smtp: Callable[[str], AbstractContextManager[tuple[SMTP, str]]],
    admitted: Callable[[Channel], str | None],
    clock: Callable[[], dt.datetime],
) -> list[str]:
    """Send every list that an office's channels owe it; returns what arrived, as `LIST via sftp`.

    addressee: the code of the office, or of whom papers are addressed to
    series: which papers are sent, instead of lists
    open_sftp: opens the SFTP client of a connection; open_smtp: the SMTP session of a connection, and its sender
    admitted: None where something may go to where the channel leads, else why not (see `delivery.recipients`)
    clock: for lists in the office's own time
    raises: NotDelivered if a channel still owes something: the oldest stops the channel, so that numbers arrive in
        order; so does another process that sends to the channel now
    """
    queue: Queue = outbox if series is None else papers
    whose = series or addressee
    by_key = {channel.key: channel for channel in channels}
    with reading() as session:
        owing = queue.open_channels(session, whose)
    arrived, owed = [], []
    for key in owing:
        channel = by_key.get(key)
        if channel is None:
            owed.append(
                f"{whose}: something waits for a channel that its arrangement no longer has; void it, or put it back"
            )
            continue
        with alone(_turn(addressee, key)) as ours:
            if not ours:
                owed.append(f"{whose} via {channel.via}: another process is sending to it now; nothing was sent twice")
                continue
            if waits := admitted(channel):
                owed.append(f"{whose} via {channel.via}: {waits}")
                continue
            while (found := _next(queue, whose, key)) is not None:
                delivery, sealed, files = found
                problem = _send_one(queue, channel, delivery, sealed, files, open_sftp, open_smtp, clock)
                if problem:
                    owed.append(f"{sealed.number_text} via {channel.via}: {problem}")
                    break
                arrived.append(f"{sealed.number_text} via {channel.via}")
    if owed:
        raise NotDelivered("; ".join(owed))
    return arrived


def give_up(number_text: str, reason: str, now: dt.datetime) -> None:
    """Void a list or paper that can never be delivered (`void_list`, `void_paper`), while nobody sends it.

    raises: NotFound, NotVoidable, BeingSent
    """
    paper = papers.is_number(number_text)
    with reading() as session:
        addressee, channels = (papers if paper else outbox).channels_of(session, number_text)
    with ExitStack() as held:
        for channel in channels:
            if not held.enter_context(alone(_turn(addressee, channel))):
                raise BeingSent(f"{number_text} is being sent at this moment; try again when that has ended")
        with writing() as session:
            (papers.void_paper if paper else outbox.void_list)(session, number_text, reason, now)


def _turn(addressee: str, channel: str) -> str:
    """The name under which one process at a time sends to a channel, be it lists or papers.

    Of two, each would send a test message to a new address, and the code of the second makes the first one's void.
    """
    return f"send {addressee} {channel}"


def _next(queue: Queue, whose: str, channel: str) -> tuple[Sending, List | Paper, Sequence[FileAsSent]] | None:
    with reading() as session:
        return queue.next_delivery(session, whose, channel)


def _send_one(
    queue: Queue,
    channel: Channel,
    delivery: Sending,
    sealed: List | Paper,
    files: Sequence[FileAsSent],
    open_sftp: Callable[[str], AbstractContextManager[paramiko.SFTPClient]],
    open_smtp: Callable[[str], AbstractContextManager[tuple[SMTP, str]]],
    clock: Callable[[], dt.datetime],
) -> str | None:
    """What went wrong, or None when the other side has it."""
    if delivery.bounced_at:
        return f"{delivery.last_error}; once the mailbox is repaired: python -m include resend {sealed.number_text}"
    with writing() as session:
        queue.record_attempt(session, delivery.id, clock())
    state, problem = "queued", ""
    try:
        outcome = send_over(
            channel,
            _as_sealed(files),
            subject=delivery.cover.get("subject", ""),
            body=delivery.cover.get("body", ""),
            number=sealed.number_text,
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
            queue.record_failure(session, delivery.id, state, problem)
        else:
            queue.record_delivered(session, delivery.id, outcome.proof, clock())
    return problem or None


def _as_sealed(files: Sequence[FileAsSent]) -> list[tuple[str, bytes]]:
    if any(hashlib.sha256(file.content).hexdigest() != file.sha256 for file in files):
        raise DeliveryRefused("a sealed file is no longer what was sealed; nothing was sent, void it")
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
