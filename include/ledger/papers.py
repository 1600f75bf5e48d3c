"""Papers from the moment they are numbered to the moment their recipients have them.

Reach for this for a numbered, sealed document that is no notification list: a summary, the view of a framework's party.
It is numbered, sealed and stored in one transaction, as a list is, and each channel of a series is a queue of its own,
in number order. The queue's functions are called as those of `outbox`, so that one sender serves both.
"""

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import exists, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.ledger.models import Paper, PaperCase, PaperDelivery, PaperFile, PaperSeries
from include.ledger.outbox import NotFound, NotResendable, NotVoidable
from include.ledger.sending import (
    OWED,
    Parcel,
    arrive,
    come_back,
    go_once_more,
    missed_somebody,
    queue_up,
    try_it,
    who_was_missed,
)


def lock_series(session: Session, series: str) -> None:
    """Let nobody else number a paper of this series until the transaction ends."""
    if session.get(PaperSeries, series, with_for_update=True) is None:
        try:
            with session.begin_nested():
                session.add(PaperSeries(series=series))
        except IntegrityError:  # another writer was first, and we wait for it here
            pass
        session.get_one(PaperSeries, series, with_for_update=True)


def next_number(session: Session, series: str, year: int) -> tuple[int, str]:
    """The number of the series' next paper of `year`, and how it is told. Only to be asked under `lock_series`.

    series: `GRC-ATH/rejected` has `GRC-ATH_2026-R01`; where two series begin alike, so must not what follows the `/`
    """
    number = (session.scalar(select(func.max(Paper.number)).filter_by(series=series, year=year)) or 0) + 1
    whose, _, what = series.partition("/")
    return number, f"{whose}_{year}-{what[0].upper()}{number:02d}"


def newest_year(session: Session, series: str) -> int:
    """The year under which the series' newest paper is numbered, 0 before its first."""
    return session.scalar(select(func.max(Paper.year)).filter_by(series=series)) or 0


def last_period_ends(session: Session) -> dict[str, dt.date]:
    """The day up to which each series' papers go, those that were voided aside."""
    rows = session.execute(
        select(Paper.series, func.max(Paper.period_to)).where(Paper.state != "void").group_by(Paper.series)
    )
    return {series: day for series, day in rows}  # noqa: C416  (rows are not tuples to mypy)


def paper_of(session: Session, series: str, period_from: dt.date, period_to: dt.date) -> Paper | None:
    """The paper of this period that is in force: one that was voided does not count."""
    found = select(Paper).filter_by(series=series, period_from=period_from, period_to=period_to)
    return session.scalars(found.where(Paper.state != "void")).first()


def unsent(session: Session, series: str) -> list[str]:
    """The numbers of the papers of a series that nobody is known to have; the oldest first."""
    waiting = select(Paper.number_text).filter_by(series=series, state="sealed").order_by(Paper.year, Paper.number)
    return list(session.scalars(waiting))


def papers_of_kind(session: Session, kind: str) -> list[Paper]:
    """Every paper of this kind, those that were voided as well, which may have been read; oldest period first."""
    return list(session.scalars(select(Paper).filter_by(kind=kind).order_by(Paper.period_from, Paper.id)))


def addressee_of(session: Session, series: str) -> str | None:
    """Whom the papers of the series are addressed to, None before its first."""
    return session.scalar(select(Paper.addressee).filter_by(series=series).order_by(Paper.id.desc()).limit(1))


def store_paper(
    session: Session, sealed: Paper, parcels: Sequence[Parcel], names: Iterable[tuple[str, str]] = ()
) -> None:
    """Store a numbered, sealed paper with its files, queued for each of its channels.

    names: host country and case id of each case that it names
    The caller holds `lock_series`; nothing is visible before its transaction ends.
    """
    session.add(sealed)
    session.flush()
    rows = [{"paper_id": sealed.id, "host_country": host, "case_id": case} for host, case in sorted(set(names))]
    if rows:
        session.execute(insert(PaperCase), rows)
    for parcel in parcels:
        queue_up(session, PaperDelivery(paper_id=sealed.id), PaperFile, parcel)


def open_channels(session: Session, series: str) -> list[str]:
    """The channels that still owe a paper of the series."""
    statement = (
        select(PaperDelivery.channel)
        .join(Paper, Paper.id == PaperDelivery.paper_id)
        .where(Paper.series == series, PaperDelivery.state.in_(OWED))
        .distinct()
        .order_by(PaperDelivery.channel)
    )
    return list(session.scalars(statement))


def next_delivery(session: Session, series: str, channel: str) -> tuple[PaperDelivery, Paper, list[PaperFile]] | None:
    """The oldest paper that this channel still owes, with its files in order, or None when the queue is empty."""
    found = session.execute(
        select(PaperDelivery, Paper)
        .join(Paper, Paper.id == PaperDelivery.paper_id)
        .where(Paper.series == series, PaperDelivery.channel == channel, PaperDelivery.state.in_(OWED))
        # One in which somebody was erased is not there any more to be sent.
        .where(~exists().where(PaperFile.delivery_id == PaperDelivery.id, func.length(PaperFile.content) == 0))
        .order_by(Paper.year, Paper.number)
        .limit(1)
    ).first()
    if found is None:
        return None
    delivery, owed = found
    files = session.scalars(select(PaperFile).filter_by(delivery_id=delivery.id).order_by(PaperFile.position))
    return delivery, owed, list(files)


def record_attempt(session: Session, delivery_id: int, now: dt.datetime) -> None:
    """As `outbox.record_attempt`."""
    try_it(session.get_one(PaperDelivery, delivery_id, with_for_update=True), now)


def record_failure(session: Session, delivery_id: int, state: str, error: str) -> None:
    """As `outbox.record_failure`."""
    delivery = session.get_one(PaperDelivery, delivery_id, with_for_update=True)
    delivery.state, delivery.last_error = state, error


def record_delivered(session: Session, delivery_id: int, proof: dict[str, Any], now: dt.datetime) -> None:
    """Note that the other side has the paper. A second time changes nothing."""
    delivery = session.get_one(PaperDelivery, delivery_id, with_for_update=True)
    if arrive(delivery, proof, now):
        told = session.get_one(Paper, delivery.paper_id, with_for_update=True)
        if told.state != "told":
            told.state, told.told_at = "told", now


def record_bounce(session: Session, message_id: str, came_back: Mapping[str, str], now: dt.datetime) -> list[str]:
    """As `outbox.record_bounce`, of papers."""
    message = select(PaperDelivery).where(PaperDelivery.proof["message_id"].as_string() == message_id)
    carried = []
    for delivery in session.scalars(message.with_for_update()):
        carried.append(session.get_one(Paper, delivery.paper_id, with_for_update=True))
        if come_back(delivery, came_back, now):
            session.flush()
            have = select(func.min(PaperDelivery.delivered_at))
            carried[-1].told_at = session.scalar(have.filter_by(paper_id=delivery.paper_id, state="delivered"))
            carried[-1].state = "told" if carried[-1].told_at else "sealed"
    return [came.number_text for came in carried]


def missed_recipients(session: Session, channels: Sequence[str]) -> list[tuple[str, str]]:
    """Of each series the newest paper that did not reach every recipient of one of these channels.

    returns: addressee, and the paper as `PAPER (what happened)`
    """
    newest = (
        select(PaperDelivery.channel, func.max(PaperDelivery.paper_id).label("paper_id"))
        .join(Paper, Paper.id == PaperDelivery.paper_id)
        .where(PaperDelivery.channel.in_(channels), PaperDelivery.state == "delivered")
        .group_by(PaperDelivery.channel, Paper.series)
        .subquery()
    )
    rows = session.execute(
        select(Paper, PaperDelivery)
        .join(PaperDelivery, PaperDelivery.paper_id == Paper.id)
        .join(newest, (newest.c.channel == PaperDelivery.channel) & (newest.c.paper_id == Paper.id))
        .order_by(Paper.series, Paper.id)
    )
    return [
        (sent.addressee, f"{sent.number_text} ({missed})")
        for sent, delivery in rows
        if (missed := who_was_missed(delivery))
    ]


def is_number(number_text: str) -> bool:
    """Whether this is how a paper is numbered, and no list."""
    return re.fullmatch(r".+_\d{4}-[A-Z]\d{2,}", number_text) is not None


def find_paper(session: Session, number_text: str) -> Paper:
    """The paper of this number, locked. raises: NotFound"""
    found = session.scalars(select(Paper).filter_by(number_text=number_text).with_for_update()).first()
    if found is None:
        raise NotFound(f"there is no paper {number_text}")
    return found


def resend_paper(session: Session, number_text: str) -> None:
    """Let a paper that came back, or did not reach every recipient, go once more over those channels.

    raises: NotFound; NotResendable if it reached everybody whom it went to
    """
    again = find_paper(session, number_text)
    deliveries = session.scalars(select(PaperDelivery).filter_by(paper_id=again.id).with_for_update())
    missed = [delivery for delivery in deliveries if missed_somebody(delivery)]
    if again.state == "void" or not missed:
        raise NotResendable(f"paper {number_text} reached every recipient, is void, or is still to be sent")
    go_once_more(missed)


def channels_of(session: Session, number_text: str) -> tuple[str, list[str]]:
    """The addressee of a paper, and the channels that it goes over. raises: NotFound"""
    found = find_paper(session, number_text)
    return found.addressee, list(session.scalars(select(PaperDelivery.channel).filter_by(paper_id=found.id)))


def void_paper(session: Session, number_text: str, reason: str, now: dt.datetime) -> None:
    """Give up a paper that can never be delivered. What it published stays known: somebody may have read it.

    raises: NotFound; NotVoidable if a recipient has it already
    """
    found = find_paper(session, number_text)
    if found.state != "sealed":
        raise NotVoidable(f"paper {number_text} is {found.state}: only a paper that nobody has can be voided")
    found.state, found.voided_at, found.void_reason = "void", now, reason
    for delivery in session.scalars(select(PaperDelivery).filter_by(paper_id=found.id)):
        delivery.state = "void"


def series_owed(session: Session, states: Collection[str]) -> dict[str, str]:
    """The series with a delivery in one of these states, each with its addressee."""
    statement = select(Paper.series, Paper.addressee).join(PaperDelivery, PaperDelivery.paper_id == Paper.id)
    rows = session.execute(statement.where(PaperDelivery.state.in_(states)).distinct().order_by(Paper.series))
    return {series: addressee for series, addressee in rows}  # noqa: C416  (rows are not tuples to mypy)
