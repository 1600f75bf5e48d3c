"""What the notification board reads of the ledger: plain rows, a handful of queries for each page, never one in a loop.

Reach for this when a page needs something. What the board writes is here too: who was shown a name, and who let a list
go once more; every other decision is taken down by the room's own functions.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, ScalarSelect, cast, extract, func, select, text
from sqlalchemy.orm import Session, aliased, defer, load_only

from include.ledger import intake, outbox, reviews, sending
from include.ledger.models import (
    KINDS,
    OPEN_STATUSES,
    Answer,
    Approval,
    Attempt,
    Case,
    Concern,
    Delivery,
    Entry,
    Extract,
    List,
    Match,
    Notice,
    Office,
    Paper,
    Receipt,
    Recipient,
    Reconciliation,
    Resend,
    Review,
    Standing,
    Told,
    Viewed,
)
from include.ledger.tables import distinct


@dataclass(frozen=True)
class HostDay:
    """What is newest of a host country: the two extracts in force and the day that was reconciled."""

    extracts: Mapping[str, Extract]
    """By kind."""
    reconciled: Reconciliation | None


def host_days(session: Session) -> dict[str, HostDay]:
    """For each host country of which anything ever came, what is newest."""
    host = distinct(Extract.host_country)
    extracts: dict[str, dict[str, Extract]] = defaultdict(dict)
    for kind in KINDS:
        of_kind = aliased(Extract)
        # Of several of a day the last turn is in force.
        newest = (
            select(of_kind.id)
            .where(of_kind.host_country == host.c.value, of_kind.kind == kind)
            .order_by(of_kind.day.desc(), of_kind.turn.desc())
            .limit(1)
            .correlate(host)
            .scalar_subquery()
        )
        for one in session.scalars(select(Extract).join(host, Extract.id == newest)):
            extracts[one.host_country][kind] = one
    last = aliased(Reconciliation, intake.newest_reconciliations())
    reconciled = {one.host_country: one for one in session.scalars(select(last))}
    return {host: HostDay(extracts[host], reconciled.get(host)) for host in sorted({*extracts, *reconciled})}


@dataclass(frozen=True)
class Sent:
    """A list as far as it got, in figures."""

    list: List
    received_by: str | None
    received_at: dt.datetime | None
    counts: Mapping[str, int]
    """Entries by notice."""
    lead_days: Sequence[int]
    """Of each entry with a date: days from the first recipient's having it to the departure."""
    answers: int
    """Entries that the office said something of."""
    concerns: int
    ready_at: dt.datetime | None
    """When what it knows was reconciled; None where that is not known any more."""

    @property
    def entries(self) -> int:
        return sum(self.counts.values())


def newest_lists(session: Session) -> dict[str, Sent]:
    """For each office its newest list."""
    newest = select(func.max(List.id)).where(List.office == Office.office).correlate(Office).scalar_subquery()
    ids = session.scalars(select(List.id).join(Office, List.id == newest))
    return {sent.list.office: sent for sent in _sent(session, list(ids))}


def lists_of(session: Session, office: str, limit: int) -> list[Sent]:
    """The newest `limit` lists of an office, newest first."""
    newest = select(List.id).where(List.office == office).order_by(List.id.desc()).limit(limit)
    return _sent(session, list(session.scalars(newest)))


def _sent(session: Session, ids: Collection[int]) -> list[Sent]:
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    counted = select(Notice.list_id, Notice.notice, func.count()).where(Notice.list_id.in_(ids))
    for list_id, notice, number in session.execute(counted.group_by(Notice.list_id, Notice.notice)):
        counts[list_id][notice] = number
    leads: dict[int, list[int]] = defaultdict(list)
    first_told = select(Told.list_id, Told.lead_days).join(List, List.id == Told.list_id)
    for list_id, days in session.execute(
        first_told.where(Told.list_id.in_(ids), Told.lead_days.is_not(None), Told.delivery_id == first_delivery())
    ):
        leads[list_id].append(days or 0)  # none are asked for
    answered = select(Answer.list_id, func.count(Answer.entry.distinct())).where(Answer.list_id.in_(ids))
    answers = {list_id: count for list_id, count in session.execute(answered.group_by(Answer.list_id))}  # noqa: C416
    doubted = select(Answer.list_id, func.count(Answer.entry.distinct())).where(
        Answer.list_id.in_(ids), Answer.concern.is_(True)
    )
    concerns = {list_id: count for list_id, count in session.execute(doubted.group_by(Answer.list_id))}  # noqa: C416
    rows = session.execute(
        select(List, Receipt.received_by, Receipt.received_at)
        .outerjoin(Receipt, Receipt.list_id == List.id)
        .where(List.id.in_(ids))
        .order_by(List.id.desc())
    ).all()
    known = reconciled_at(session, [one for one, _, _ in rows if one.kind == "urgent"])
    return [
        Sent(
            list=one,
            received_by=by,
            received_at=at,
            counts=counts[one.id],
            lead_days=leads[one.id],
            answers=answers.get(one.id, 0),
            concerns=concerns.get(one.id, 0),
            ready_at=max(known.get(one.id, {}).values(), default=None),
        )
        for one, by, at in rows
    ]


def papers_of(session: Session, addressee: str, limit: int) -> Sequence[Paper]:
    """The newest `limit` papers that are no lists, newest first."""
    return session.scalars(select(Paper).filter_by(addressee=addressee).order_by(Paper.id.desc()).limit(limit)).all()


def reconciled_at(session: Session, lists: Sequence[List]) -> dict[int, dict[str, dt.datetime]]:
    """For each list, by host country, when the day that it knows was reconciled.

    A day that was reconciled again after the list was sealed is left out: when it first was is not kept.
    """
    days = {one.id: {host: dt.date.fromisoformat(day) for host, day in one.as_of.items() if day} for one in lists}
    wanted = {(host, day) for of_list in days.values() for host, day in of_list.items()}
    if not wanted:
        return {}
    rows = session.execute(
        select(Reconciliation.host_country, Reconciliation.day, Reconciliation.added_up_at).where(
            Reconciliation.host_country.in_({host for host, _ in wanted}),
            Reconciliation.day.in_({day for _, day in wanted}),
            Reconciliation.added_up_at.is_not(None),
        )
    )
    moments = {(host, day): at for host, day, at in rows if at}
    return {
        one.id: {
            host: moments[host, day]
            for host, day in days[one.id].items()
            if (host, day) in moments and moments[host, day] <= one.sealed_at
        }
        for one in lists
    }


@dataclass(frozen=True)
class Came:
    """What a list knows of a host country, and since when the ledger did."""

    host_country: str
    day: dt.date | None
    extracts_at: dt.datetime | None
    """When the later of its two extracts first was in."""
    reconciled_at: dt.datetime | None
    """None where the day was reconciled again after the list was sealed."""


def _came(session: Session, one: List) -> list[Came]:
    days = {host: dt.date.fromisoformat(day) if day else None for host, day in one.as_of.items()}
    known = set(days.values()) - {None}
    first = (
        select(Extract.host_country, Extract.day, Extract.kind, func.min(Extract.accepted_at))
        .where(Extract.host_country.in_(days), Extract.day.in_(known))
        .group_by(Extract.host_country, Extract.day, Extract.kind)
    )
    moments: dict[str, list[dt.datetime]] = defaultdict(list)
    for host, day, _, at in session.execute(first):
        if day == days[host]:
            moments[host].append(at)
    reconciled = reconciled_at(session, [one]).get(one.id, {})
    return [Came(host, days[host], max(moments[host], default=None), reconciled.get(host)) for host in sorted(days)]


def first_delivery() -> ScalarSelect[int]:
    """The delivery by which the office first had the list of the enclosing query, of whose `List` and `Told` it asks.

    Of `List` alone PostgreSQL would work it out for every list that there ever was, before it looks which are wanted.
    """
    return (
        select(func.min(Delivery.id))
        .where(Delivery.list_id == Told.list_id, Delivery.delivered_at == List.told_at)
        .correlate(List, Told)
        .scalar_subquery()
    )


@dataclass(frozen=True)
class Line:
    """An entry on a list without its name, and what its office said of it last."""

    notice: Notice
    lead_days: int | None
    answer: Answer | None
    concern: int | None
    """The id of the concern that stands on it now."""


_OF_RECIPIENT = load_only(Recipient.tested_at, Recipient.confirmed_at)


@dataclass(frozen=True)
class WholeList:
    """A list, all that it told, and every attempt at bringing it."""

    list: List
    receipt: Receipt | None
    lines: Sequence[Line]
    deliveries: Sequence[tuple[Delivery, Sequence[Attempt]]]
    resends: Sequence[Resend]
    came: Sequence[Came]
    approval: Approval | None
    """That a person let it go, where it was out of proportion."""
    recipients: Mapping[str, Recipient]
    """By channel the address that was tested last."""

    @property
    def ready_at(self) -> dt.datetime | None:
        """When what it knows was reconciled, where that is known."""
        return max((one.reconciled_at for one in self.came if one.reconciled_at), default=None)

    @property
    def missed_somebody(self) -> bool:
        """Whether it may go once more."""
        return self.list.state != "void" and any(sending.missed_somebody(delivery) for delivery, _ in self.deliveries)


def whole_list(session: Session, list_number: str) -> WholeList:
    """The list of this number. raises: outbox.NotFound"""
    found = outbox.find_list(session, list_number, lock=False)
    had = select(Told.entry, Told.lead_days).join(List, List.id == Told.list_id).where(List.id == found.id)
    rows = session.execute(had.where(Told.delivery_id == first_delivery()))
    leads: dict[str, int | None] = {entry: days for entry, days in rows}  # noqa: C416  (rows are not tuples to mypy)
    lines = select(Notice).filter_by(list_id=found.id).options(defer(Notice.name), defer(Notice.shared))
    notices = session.scalars(lines.order_by(Notice.notice, Notice.entry)).all()
    said = {one.entry: one for one in session.scalars(select(Answer).filter_by(list_id=found.id).order_by(Answer.id))}
    standing = (
        select(Concern.entry, Concern.id)
        .join(Notice, Notice.entry == Concern.entry)
        .where(Notice.list_id == found.id, Concern.closed_at.is_(None))
    )
    doubted: dict[str, int] = {entry: number for entry, number in session.execute(standing)}  # noqa: C416
    attempts: dict[int, list[Attempt]] = defaultdict(list)
    deliveries = session.scalars(select(Delivery).filter_by(list_id=found.id).order_by(Delivery.id)).all()
    for one in session.scalars(
        select(Attempt)
        .where(Attempt.delivery_id.in_([delivery.id for delivery in deliveries]))
        .order_by(Attempt.delivery_id, Attempt.number)
    ):
        attempts[one.delivery_id].append(one)
    tested = select(Recipient).filter_by(office=found.office).order_by(Recipient.tested_at).options(_OF_RECIPIENT)
    return WholeList(
        found,
        session.get(Receipt, found.id),
        [Line(one, leads.get(one.entry), said.get(one.entry), doubted.get(one.entry)) for one in notices],
        [(delivery, attempts[delivery.id]) for delivery in deliveries],
        session.scalars(select(Resend).filter_by(list_id=found.id).order_by(Resend.id)).all(),
        _came(session, found),
        session.scalars(select(Approval).filter_by(list_id=found.id)).first(),
        {one.channel: one for one in session.scalars(tested)},
    )


def resend(session: Session, list_number: str, *, by: str, reason: str, now: dt.datetime) -> None:
    """Let a list go once more, and keep who said so and why. Needs a `writing` session.

    raises: outbox.NotFound, outbox.NotResendable as `outbox.resend_list`; ValueError if nobody or no reason is named
    """
    if not by.strip() or not reason.strip():
        raise ValueError("say who lets the list go once more, and why; without names")
    outbox.resend_list(session, list_number)
    again = outbox.find_list(session, list_number, lock=False)
    session.add(Resend(list_id=again.id, resent_at=now, resent_by=by.strip(), reason=reason.strip()))


@dataclass(frozen=True)
class Waiting:
    """A pair that waits for a person."""

    id: int
    """Of the match: it says nothing of the person, and may stand in a URL."""
    host_country: str
    case_id: str
    asylum_reference: str
    probability: float
    status: str
    expected_departure_on: dt.date | None
    departed_on: dt.date | None
    decision: str | None
    decided_by: str | None
    decided_at: dt.datetime | None

    @property
    def is_to_leave(self) -> bool:
        """Whether a departure may still come."""
        return self.departed_on is None and self.status in OPEN_STATUSES

    def days_left(self, today: dt.date) -> int | None:
        """Days from `today` to the expected departure; none where none is expected or the person has left."""
        return (self.expected_departure_on - today).days if self.is_to_leave and self.expected_departure_on else None


def waiting(session: Session) -> list[Waiting]:
    """What waits for a person, the nearest departure first, then without a date, then who has left or stays.

    A case's candidates stay together, the likeliest first.
    """
    found = [Waiting(**row._mapping) for row in session.execute(reviews.waiting())]
    never = dt.date.max
    return sorted(
        found,
        key=lambda one: (
            not one.is_to_leave,
            one.expected_departure_on or never,
            one.host_country,
            one.case_id,
            -one.probability,
            one.id,
        ),
    )


_OF_CASE = (
    Case.family_name,
    Case.given_names,
    Case.standing,
    Case.status,
    Case.expected_departure_on,
    Case.departed_on,
    Case.missing_since,
)
"""What a trail shows of a case. The board's role may read no other column of it: see `ledger.grants`."""


@dataclass(frozen=True)
class Trail:
    """All that is known of a case, in rows as they were written."""

    case: Case
    standings: Sequence[Standing]
    matches: Sequence[Match]
    decisions: Sequence[Review]
    entries: Sequence[Entry]
    told: Sequence[tuple[Notice, List, Entry]]
    answers: Sequence[tuple[Answer, List]]
    concerns: Sequence[Concern]
    views: Sequence[Viewed]


def trails(session: Session, case_id: str) -> list[str]:
    """The host countries in which this case id is known."""
    return list(session.scalars(select(Case.host_country).filter_by(case_id=case_id).order_by(Case.host_country)))


def trail(session: Session, host_country: str, case_id: str) -> Trail:
    """The trail of a case. raises: LookupError if there is no such case"""
    case = session.get(Case, (host_country, case_id), options=[load_only(*_OF_CASE)])
    if case is None:
        raise LookupError("no case has this id")
    of_case = {"host_country": host_country, "case_id": case_id}
    entries = session.scalars(select(Entry).filter_by(**of_case).order_by(Entry.opened_at)).all()
    references = [entry.entry for entry in entries]
    told = (
        select(Notice, List, Entry)
        .options(defer(Notice.shared))
        .join(List, List.id == Notice.list_id)
        .join(Entry, Entry.entry == Notice.entry)
        .where(Notice.entry.in_(references))
        .order_by(List.id)
    )
    said = select(Answer, List).join(List, List.id == Answer.list_id).where(Answer.entry.in_(references))
    return Trail(
        case,
        session.scalars(select(Standing).filter_by(**of_case).order_by(Standing.since)).all(),
        session.scalars(select(Match).filter_by(**of_case).order_by(Match.id)).all(),
        reviews.history(session, host_country, case_id),
        entries,
        [(notice, on, entry) for notice, on, entry in session.execute(told)],
        [(answer, about) for answer, about in session.execute(said.order_by(Answer.id))],
        session.scalars(select(Concern).where(Concern.entry.in_(references)).order_by(Concern.id)).all(),
        session.scalars(select(Viewed).filter_by(**of_case).order_by(Viewed.id)).all(),
    )


def told_by_day(
    session: Session, host_country: str | None, since: dt.date
) -> Sequence[tuple[dt.date, str, int | None, int]]:
    """What offices have by lists up to `since` or later: day, notice, days of lead, entries; in order of days.

    host_country: one, or None for all
    """
    statement = (
        select(List.period_to, Notice.notice, Told.lead_days, func.count())
        .join(Told, Told.list_id == List.id)
        .join(Notice, (Notice.list_id == Told.list_id) & (Notice.entry == Told.entry))
        .where(List.state == "told", List.period_to >= since, Told.delivery_id == first_delivery())
        .group_by(List.period_to, Notice.notice, Told.lead_days)
        .order_by(List.period_to)
    )
    if host_country:
        statement = statement.join(Entry, Entry.entry == Notice.entry).where(Entry.host_country == host_country)
    return [(day, notice, lead, entries) for day, notice, lead, entries in session.execute(statement)]


def days_of_lists(session: Session, since: dt.date) -> dict[dt.date, tuple[int, int]]:
    """For each day from `since` up to which lists go that offices have: how many, and a sum that changes with them."""
    seconds = func.sum(cast(extract("epoch", List.told_at), BigInteger))
    statement = select(List.period_to, func.count(), seconds).where(List.state == "told", List.period_to >= since)
    return {day: (count, moments) for day, count, moments in session.execute(statement.group_by(List.period_to))}


def chased(session: Session) -> Counter[str]:
    """For each office its lists that it has and has not said to have, of which it was reminded or IOM was told."""
    # As the index has it.
    reminded = text("(reminded_at IS NOT NULL OR escalated_at IS NOT NULL)")
    said = select(List.office, List.state).outerjoin(Receipt, Receipt.list_id == List.id)
    rows = session.execute(said.where(reminded, Receipt.list_id.is_(None)))
    return Counter(office for office, state in rows if state == "told")


def told_hosts(session: Session) -> list[str]:
    """Host countries of which an office was ever to be told."""
    host = distinct(Entry.host_country)
    return list(session.scalars(select(host.c.value).where(host.c.value.is_not(None)).order_by(host.c.value)))


def record_view(
    session: Session, user: str, page: str, *, host_country: str, case_id: str, entry: str | None, now: dt.datetime
) -> None:
    """Note that this user is about to be shown a name. Needs a `writing` session, committed before the page is made."""
    session.add(
        Viewed(viewed_by=user, viewed_at=now, page=page, host_country=host_country, case_id=case_id, entry=entry)
    )
