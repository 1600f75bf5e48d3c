"""What offices said of what they were told: answers, receipts, and concerns until a person closes them.

Reach for this to see how an answer is kept once, which concerns stand, which lists nobody has said to have, and which
records are still open of people who have left.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, aliased, defer, load_only

from include.ledger import intake, outbox
from include.ledger.models import (
    OPEN_STATUSES,
    Answer,
    Case,
    Concern,
    Delivery,
    Entry,
    List,
    Notice,
    Receipt,
    Response,
)

_NOTHING = (None, None, "")
"""An answer in which nothing stands: concern, record_closed_on, remarks."""


@dataclass(frozen=True)
class Said:
    """What a response says of one entry of one list."""

    list_number: str
    entry: str
    concern: bool | None
    record_closed_on: dt.date | None
    remarks: str


@dataclass(frozen=True)
class Taken:
    """What a response has changed."""

    answers: int
    concerns: int


def known_response(session: Session, office: str, sha256: str) -> Response | None:
    """The response of the same bytes from the same office (empty: from nobody known), if there was one."""
    return session.scalars(select(Response).filter_by(office=office, sha256=sha256)).first()


def record_response(
    session: Session,
    office: str,
    via: str,
    sha256: str,
    outcome: str,
    findings: Sequence[Mapping[str, Any]],
    now: dt.datetime,
) -> Response:
    """Note what came and what it was; only what was `unsettled` is replaced by what it turned out to be.

    So what a crash lets be read again is not told again.
    """
    found = known_response(session, office, sha256)
    if found is None:
        found = Response(office=office, via=via, sha256=sha256, came_at=now)
        session.add(found)
    elif found.outcome != "unsettled":
        return found
    found.outcome, found.findings = outcome, [dict(finding) for finding in findings]
    # Where nobody has to hear of anything, nothing waits to be told.
    found.reported_at = now if outcome in ("read", "receipt") and not findings else None
    session.flush()
    return found


def lists_of(session: Session, office: str, numbers: Collection[str]) -> dict[str, List]:
    """Those of these list numbers that are of a list of this office, whatever became of it."""
    wanted = {tuple(number.rpartition("_")[2].split("-")) for number in numbers if number.startswith(f"{office}_")}
    years = {int(parts[0]) for parts in wanted if len(parts) == 2 and parts[0].isdecimal()}
    lists = session.scalars(select(List).where(List.office == office, List.year.in_(years)))
    return {found.list_number: found for found in lists if found.list_number in numbers}


def entries_of(session: Session, lists: Collection[List]) -> dict[int, set[str]]:
    """For each of these lists its entries."""
    rows = session.execute(
        select(Notice.list_id, Notice.entry).where(Notice.list_id.in_([found.id for found in lists]))
    )
    entries: dict[int, set[str]] = {found.id: set() for found in lists}
    for list_id, entry in rows:
        entries[list_id].add(entry)
    return entries


def take(session: Session, response: Response, said: Sequence[Said], lists: Mapping[str, List]) -> Taken:
    """Keep what a response says; each list that it is about counts as received.

    said: one for each list and entry, of entries that are on those lists (`lists_of`, `entries_of`)
    A concern that was not there before opens one, or joins the one that stands. Answers that say nothing new of their
    entry are not kept again.
    """
    answers = concerns = 0
    for one in said:
        about = lists[one.list_number]
        before = session.scalars(
            select(Answer).filter_by(list_id=about.id, entry=one.entry).order_by(Answer.id.desc()).limit(1)
        ).first()
        last = (before.concern, before.record_closed_on, before.remarks) if before else _NOTHING
        now_said = (one.concern, one.record_closed_on, one.remarks)
        if now_said in (last, _NOTHING):  # a later blank takes nothing back
            continue
        answer = Answer(
            response_id=response.id,
            list_id=about.id,
            entry=one.entry,
            concern=one.concern,
            record_closed_on=one.record_closed_on,
            remarks=one.remarks,
            answered_at=response.came_at,
        )
        session.add(answer)
        session.flush()
        answers += 1
        # Other words beside the same yes may be another reason: once closed, it is a concern anew.
        repeated = before is not None and before.concern and before.remarks == one.remarks
        stands = session.scalar(select(exists().where(Concern.entry == one.entry, Concern.closed_at.is_(None))))
        if one.concern and not repeated and not stands:
            session.add(Concern(entry=one.entry, answer_id=answer.id, raised_at=response.came_at))
            session.flush()
            concerns += 1
    return Taken(answers, concerns)


def record_receipt(session: Session, received: List, by: str, now: dt.datetime) -> None:
    """Note that the office has this list. A second time changes nothing.

    What says so also ends the doubt whether a mail server that was cut off had taken the list.
    """
    if session.get(Receipt, received.id) is None:
        session.add(Receipt(list_id=received.id, received_at=now, received_by=by))
        session.flush()
    unknown = session.scalars(select(Delivery).filter_by(list_id=received.id, state="unknown")).all()
    if received.state == "sealed" and len(unknown) == 1:
        outbox.record_delivered(session, unknown[0].id, {"verified": f"the office said so ({by})"}, now)


def received_by(session: Session, list_number: str, who: str, now: dt.datetime) -> None:
    """Note that somebody at IOM took the office's word that it has this list.

    raises: outbox.NotFound; ValueError if nobody is named
    """
    if not who.strip():
        raise ValueError("say who took the office's word, with --by")
    record_receipt(session, outbox.find_list(session, list_number), f"IOM: {who.strip()}", now)


@dataclass(frozen=True)
class OpenConcern:
    """A concern that stands, and what is true of the departure now. Nothing in it names the person."""

    id: int
    office: str
    entry: str
    list_number: str
    raised_at: dt.datetime
    told_at: dt.datetime | None
    told_days_left: int | None
    status: str
    expected_departure_on: dt.date | None
    departed_on: dt.date | None
    departure_recorded: bool
    """Whether it was told already that the person left although it stood."""

    def days_left(self, today: dt.date) -> int | None:
        """Days from `today` to the expected departure; none where none is expected or the person has left."""
        if self.expected_departure_on is None or self.status not in OPEN_STATUSES:
            return None
        return (self.expected_departure_on - today).days


def open_concerns(session: Session) -> list[OpenConcern]:
    """Every concern that stands: those of people who have left first, then by departure, none expected last."""
    rows = session.execute(
        select(Concern, Entry.office, List, Case)
        .join(Answer, Answer.id == Concern.answer_id)
        .join(List, List.id == Answer.list_id)
        .join(Entry, Entry.entry == Concern.entry)
        .join(Case, (Case.host_country == Entry.host_country) & (Case.case_id == Entry.case_id))
        .where(Concern.closed_at.is_(None))
        .options(load_only(Case.status, Case.expected_departure_on, Case.departed_on))
    )
    found = [
        OpenConcern(
            id=concern.id,
            office=office,
            entry=concern.entry,
            list_number=raised_on.list_number,
            raised_at=concern.raised_at,
            told_at=concern.told_at,
            told_days_left=concern.told_days_left,
            status=case.status,
            expected_departure_on=case.expected_departure_on,
            departed_on=case.departed_on if case.status in ("departed", "closed") else None,
            departure_recorded=concern.departed_on is not None,
        )
        for concern, office, raised_on, case in rows
    ]
    never = dt.date.max
    return sorted(found, key=lambda one: (one.departed_on is None, one.expected_departure_on or never, one.raised_at))


def record_told(session: Session, concern: OpenConcern, days_left: int | None, now: dt.datetime) -> None:
    """Note that IOM's focal point was told of it, and, where the person has left, that they have."""
    told = session.get_one(Concern, concern.id, with_for_update=True)
    told.told_at, told.told_days_left = now, days_left
    if concern.departed_on:
        told.departed_on = concern.departed_on


class NotClosable(ValueError):
    """A concern that is not there, or is not closed like that."""


def close_concern(session: Session, entry: str, by: str, note: str, now: dt.datetime) -> None:
    """Close the concern that stands on this entry. raises: NotClosable if none stands, or nobody or no note is named"""
    if not by.strip() or not note.strip():
        raise NotClosable("say who closes it, with --by, and what was found, with --note; without names")
    found = session.scalars(
        select(Concern).filter_by(entry=entry.strip().upper()).where(Concern.closed_at.is_(None)).with_for_update()
    ).first()
    if found is None:
        raise NotClosable("no concern stands on this entry; python -m include concerns lists those that do")
    found.closed_at, found.closed_by, found.note = now, by.strip(), note.strip()


def entry_of(session: Session, entry: str) -> Entry:
    """The entry of this reference. raises: LookupError"""
    found = session.get(Entry, entry.strip().upper())
    if found is None:
        raise LookupError("there is no such entry")
    return found


@dataclass(frozen=True)
class ToldOf:
    """One notice of an entry, as it was told. It names the person."""

    at: dt.datetime
    list_number: str
    notice: str
    name: str
    day: dt.date | None
    """Of the departure, or of the expected one."""


def told_of(session: Session, entry: str) -> list[ToldOf]:
    """Every notice of an entry on a list that was sealed, oldest first."""
    rows = session.execute(
        select(Notice, List)
        .join(List, List.id == Notice.list_id)
        .filter(Notice.entry == entry)
        .options(defer(Notice.shared))
        .order_by(Notice.sequence)
    )
    return [
        ToldOf(
            at=on.told_at or on.sealed_at,
            list_number=f"{on.list_number} ({on.state})",
            notice=f"{notice.notice} {notice.reason}".strip(),
            name=notice.name,
            day=notice.departed_on or notice.expected_departure_on,
        )
        for notice, on in rows
    ]


def concerns_of(session: Session, entry: str) -> list[Concern]:
    """Every concern that there was on an entry, oldest first."""
    return list(session.scalars(select(Concern).filter_by(entry=entry).order_by(Concern.id)))


def everything_said(session: Session) -> list[Said]:
    """Every answer that was kept, oldest first."""
    rows = session.execute(select(Answer, List).join(List, List.id == Answer.list_id).order_by(Answer.id))
    return [Said(about.list_number, one.entry, one.concern, one.record_closed_on, one.remarks) for one, about in rows]


def words_of(session: Session, entry: str) -> list[tuple[dt.datetime, str, Answer]]:
    """All that the office answered on this entry, oldest first: when, on which list, and the answer."""
    rows = session.execute(
        select(Answer, List).join(List, List.id == Answer.list_id).where(Answer.entry == entry).order_by(Answer.id)
    )
    return [(answer.answered_at, about.list_number, answer) for answer, about in rows]


@dataclass(frozen=True)
class Silent:
    """A list with entries of which its office has not said that it has it."""

    id: int
    office: str
    list_number: str
    told_at: dt.datetime
    reminded_at: dt.datetime | None
    escalated_at: dt.datetime | None


def silent_lists(session: Session) -> list[Silent]:
    """Lists that were delivered and tell something, and that nobody has said to have; oldest first."""
    rows = session.scalars(
        select(List)
        .outerjoin(Receipt, Receipt.list_id == List.id)
        .where(
            List.state == "told",
            Receipt.list_id.is_(None),
            exists(Notice.entry).where(Notice.list_id == List.id),
        )
        .order_by(List.told_at, List.id)
    )
    return [
        Silent(one.id, one.office, one.list_number, one.told_at, one.reminded_at, one.escalated_at)
        for one in rows
        if one.told_at is not None
    ]


def record_chased(session: Session, lists: Collection[int], now: dt.datetime, *, escalated: bool) -> None:
    """Note that the office was reminded of these lists, or that IOM's focal point was told."""
    column = "escalated_at" if escalated else "reminded_at"
    session.execute(update(List).where(List.id.in_(lists)).values({column: now}))


@dataclass(frozen=True)
class StillOpen:
    """An entry whose person has left, or that was to be erased, and of which the office has not said that it did."""

    office: str
    entry: str
    list_number: str
    told_at: dt.datetime
    departed_on: dt.date | None
    """None where the office was asked to erase the entry."""
    reminded_at: dt.datetime | None


def still_open(session: Session) -> list[StillOpen]:
    """Entries last told as DEPARTED, or to be erased, without an answer `record_closed_on` to that; oldest first."""
    later = aliased(Notice)
    later_list = aliased(List)
    superseded = exists().where(
        later.entry == Notice.entry,
        later.sequence > Notice.sequence,
        later_list.id == later.list_id,
        later_list.state == "told",
    )
    # A record may be closed on an earlier notice of the same entry, on the day that the office expected.
    departed = Notice.departed_on.is_not(None)
    closed = exists().where(
        Answer.entry == Notice.entry,
        Answer.record_closed_on.is_not(None),
        (Answer.list_id == Notice.list_id) | (departed & (Answer.record_closed_on >= Notice.departed_on)),
    )
    rows = session.execute(
        select(Notice, List, Entry)
        .join(List, List.id == Notice.list_id)
        .join(Entry, Entry.entry == Notice.entry)
        .where(
            List.state == "told",
            (departed & Notice.notice.in_(("DEPARTED", "CHANGED")))
            | Notice.reason.in_(("notified_in_error", "consent_withdrawn")),
            ~superseded,
            ~closed,
        )
        .order_by(List.told_at, Notice.entry)
    )
    return [
        StillOpen(entry.office, entry.entry, on.list_number, on.told_at, notice.departed_on, entry.reminded_at)
        for notice, on, entry in rows
        if on.told_at is not None
    ]


def record_reminded(session: Session, entries: Collection[str], now: dt.datetime) -> None:
    """Note that the office was reminded of these entries."""
    session.execute(update(Entry).where(Entry.entry.in_(entries)).values(reminded_at=now))


@dataclass(frozen=True)
class WithoutNews:
    """An announced departure of which no status has come since."""

    office: str
    entry: str
    expected_departure_on: dt.date
    known_on: dt.date
    """The newest reconciled day of its host country: what the extracts say stands as of then."""
    asked_at: dt.datetime | None


def without_news(session: Session) -> list[WithoutNews]:
    """Entries whose person was expected to leave before the newest day that is known, which says the same still."""
    announced = exists().where(Notice.entry == Entry.entry, List.id == Notice.list_id, List.state == "told")
    newest = intake.newest_added_up()
    rows = session.execute(
        select(Entry, Case.expected_departure_on, newest.c.day)
        .join(Case, (Case.host_country == Entry.host_country) & (Case.case_id == Entry.case_id))
        .join(newest, newest.c.host_country == Entry.host_country)
        .where(
            Entry.closed_at.is_(None),
            Case.status.in_(("registered", "booked")),
            Case.missing_since.is_(None),
            Case.expected_departure_on < newest.c.day,
            announced,
        )
        .order_by(Case.expected_departure_on, Entry.entry)
    )
    return [
        WithoutNews(entry.office, entry.entry, expected, known_on, entry.asked_at)
        for entry, expected, known_on in rows
        if expected is not None
    ]


def record_asked(session: Session, entries: Collection[str], now: dt.datetime) -> None:
    """Note that IOM's focal point was asked what became of these."""
    session.execute(update(Entry).where(Entry.entry.in_(entries)).values(asked_at=now))


@dataclass(frozen=True)
class Unreported:
    """A response with something in it that was not understood, of which nobody was told yet."""

    id: int
    office: str
    via: str
    outcome: str
    came_at: dt.datetime
    findings: list[dict[str, Any]]


def unreported(session: Session) -> list[Unreported]:
    """Responses that their office and IOM's focal point must still hear of; oldest first."""
    rows = session.scalars(
        select(Response).where(Response.reported_at.is_(None), Response.outcome != "unsettled").order_by(Response.id)
    )
    return [Unreported(one.id, one.office, one.via, one.outcome, one.came_at, one.findings) for one in rows]


def record_reported(session: Session, responses: Collection[int], now: dt.datetime) -> None:
    """Note that what was not understood of these responses was told."""
    session.execute(update(Response).where(Response.id.in_(responses)).values(reported_at=now))
