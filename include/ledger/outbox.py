"""Lists from the moment they are numbered to the moment their office has them.

A list is numbered, sealed and stored in one transaction, before anything is sent. Sending reads the queue of one
channel in number order. What an office was told is what its lists said, those in flight included.
"""

import datetime as dt
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, String, column, delete, exists, false, func, insert, select, update, values
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from include.ledger.models import (
    OPEN_STATUSES,
    Approval,
    Attempt,
    Case,
    Delivery,
    Entry,
    ErasureOrder,
    List,
    Match,
    Notice,
    Office,
    Review,
    SealedFile,
    Told,
)
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
from include.ledger.tables import records, table

# Crockford's letters and digits: nothing that is misread, mistyped or misheard (no I, L, O, U).
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def fresh_reference() -> str:
    """A random reference that says nothing of anybody, to be read out or typed: `7K3M-9QXT`."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def lock_office(session: Session, office: str) -> None:
    """Let nobody else number a list of this office until the transaction ends."""
    if session.get(Office, office, with_for_update=True) is None:
        try:
            with session.begin_nested():
                session.add(Office(office=office))
        except IntegrityError:  # another writer was first, and we wait for it here
            pass
        session.get_one(Office, office, with_for_update=True)


def see_to(session: Session, office: str, due_at: dt.datetime) -> None:
    """Note that the list due then is made, or that there was nothing to tell. Under `lock_office`."""
    seen_to = session.get_one(Office, office)
    seen_to.composed_for = max(filter(None, [seen_to.composed_for, due_at]))


def last_told(session: Session, office: str) -> pd.DataFrame:
    """What the office was last told of each case, or will be by a list in flight: `lists.difference.TOLD_COLUMNS`."""
    latest = (
        select(Notice.entry, func.max(Notice.sequence).label("sequence"))
        .join(List, List.id == Notice.list_id)
        .where(List.office == office, List.state != "void")
        .group_by(Notice.entry)
        .subquery()
    )
    return table(
        session,
        select(
            Entry.host_country,
            Entry.case_id,
            Entry.entry,
            Notice.notice,
            Notice.reason,
            Notice.name,
            Notice.expected_departure_on,
            Notice.departed_on,
            Notice.shared,
        )
        .join(Notice, Notice.entry == Entry.entry)
        .join(latest, (latest.c.entry == Notice.entry) & (latest.c.sequence == Notice.sequence))
        .where(Entry.office == office, Entry.closed_at.is_(None)),
    )


def cases_of_concern(session: Session, office: str, host_countries: Sequence[str]) -> pd.DataFrame:
    """The cases of the office's host countries, and those it was ever told of; none that was erased.

    returns: columns as in `models.Case`; `told_in_error`: whether a person has taken back the match by which the
        office was told, and a reconciliation has followed them; `erasure_ordered`: whether the person of the case asked
        to be erased
    """
    told = (
        select(
            Entry.host_country,
            Entry.case_id,
            exists()
            .where(Notice.entry == Entry.entry, List.id == Notice.list_id, List.state != "void")
            .label("announced"),
            exists()
            .where(*_same_pair(Review), Review.superseded_at.is_(None), Review.decision == "reject")
            .label("wrong"),
            exists().where(*_same_pair(Match), Match.ended_on.is_(None), Match.decision == "accept").label("kept"),
        )
        .where(Entry.office == office, Entry.closed_at.is_(None))
        .subquery()
    )
    # Until the day is reconciled again the case itself still says that it is to be told.
    in_error = func.coalesce(told.c.announced & told.c.wrong & ~told.c.kept, false())
    ordered = exists().where(ErasureOrder.host_country == Case.host_country, ErasureOrder.case_id == Case.case_id)
    return table(
        session,
        select(*Case.__table__.columns, in_error.label("told_in_error"), ordered.label("erasure_ordered"))
        .outerjoin(told, (told.c.host_country == Case.host_country) & (told.c.case_id == Case.case_id))
        .where(Case.erased_on.is_(None), Case.host_country.in_(host_countries) | told.c.case_id.is_not(None)),
    )


def _same_pair(of: type[Review] | type[Match]) -> tuple[ColumnElement[bool], ...]:
    return (
        of.host_country == Entry.host_country,
        of.case_id == Entry.case_id,
        of.asylum_reference == Entry.asylum_reference,
    )


def next_number(session: Session, office: str, year: int) -> int:
    """The number that the office's next list of `year` has. Only to be asked under `lock_office`."""
    return (session.scalar(select(func.max(List.number)).filter_by(office=office, year=year)) or 0) + 1


def newest_year(session: Session, office: str) -> int:
    """The year under which the office's newest list is numbered, 0 before its first."""
    return session.scalar(select(func.max(List.year)).filter_by(office=office)) or 0


def last_period_end(session: Session, office: str) -> dt.date | None:
    """The day up to which the office's newest scheduled list went, or None before its first."""
    return session.scalar(select(func.max(List.period_to)).filter_by(office=office, kind="scheduled"))


def has_list_for(session: Session, office: str, due_at: dt.datetime) -> bool:
    """Whether a scheduled list was already made for this due moment."""
    return session.scalar(select(List.id).filter_by(office=office, kind="scheduled", due_at=due_at)) is not None


def has_any_list(session: Session, office: str) -> bool:
    """Whether the office ever had a list, or will by one in flight."""
    return session.scalar(select(exists().where(List.office == office, List.state != "void"))) is True


def largest_list(session: Session, office: str, since: dt.date) -> int:
    """Entries of the largest list of the office that goes up to `since` or later."""
    entries = (
        select(func.count(Notice.entry).label("entries"))
        .join(List, List.id == Notice.list_id)
        .where(List.office == office, List.state != "void", List.period_to >= since)
        .group_by(Notice.list_id)
        .subquery()
    )
    return session.scalar(select(func.max(entries.c.entries))) or 0


def open_entries(session: Session, office: str) -> int:
    """Entries that announce to the office a departure which is still to come."""
    told = last_told(session, office)
    return int((told["notice"].isin(["NEW", "CHANGED"]) & told["departed_on"].isna()).sum())


def newly_missing(session: Session, office: str, host_countries: Sequence[str]) -> dict[str, tuple[int, int]]:
    """For each host country with open cases: how many went missing since the office's last list, and of how many."""
    newest = session.scalars(
        select(List).where(List.office == office, List.state != "void").order_by(List.id.desc()).limit(1)
    ).first()
    known: dict[str, str | None] = newest.as_of if newest else {}
    open_cases = Case.status.in_(OPEN_STATUSES)
    found = {}
    for host in host_countries:
        # What an earlier list already went without was weighed with that one.
        after = dt.date.fromisoformat(day) if (day := known.get(host)) else dt.date.min
        missing, count = session.execute(
            select(func.count().filter(Case.missing_since > after), func.count()).where(
                Case.host_country == host, open_cases, Case.erased_on.is_(None)
            )
        ).one()
        if count:
            found[host] = (missing, count)
    return found


def record_approval(
    session: Session,
    office: str,
    kind: str,
    due_at: dt.datetime,
    figures: Mapping[str, Any],
    decided_by: str,
    decided_at: dt.datetime,
    *,
    list_id: int | None,
) -> None:
    """Keep what a person said of a list out of proportion: let go as list `list_id`, or held back where it is None."""
    session.add(
        Approval(
            office=office,
            kind=kind,
            due_at=due_at,
            figures=dict(figures),
            decision="hold" if list_id is None else "approve",
            decided_by=decided_by,
            decided_at=decided_at,
            list_id=list_id,
        )
    )


def voids_to_name(session: Session, office: str) -> list[List]:
    """Voided lists whose number no later list has named yet."""
    statement = select(List).filter_by(office=office, state="void", void_named_on=None).order_by(List.id)
    return list(session.scalars(statement))


def give_entries(session: Session, office: str, notices: pd.DataFrame, now: dt.datetime) -> pd.DataFrame:
    """`notices` (`lists.difference.NOTICE_COLUMNS`) with an entry reference for each case that had none.

    A voided NEW left its entry behind, and so did one that waited for a person: the case keeps that reference.
    """
    keys = list(notices[["host_country", "case_id"]].itertuples(index=False, name=None))
    entries = entries_of(session, office, keys, now)
    accepted = session.execute(
        select(Match.host_country, Match.case_id, Match.asylum_reference).where(
            Match.host_country.in_(notices["host_country"].unique()),
            Match.decision == "accept",
            Match.ended_on.is_(None),
        )
    )
    records_of: dict[tuple[str, str], str] = {(host, case): reference for host, case, reference in accepted}
    for key, notice in zip(keys, notices["notice"], strict=True):
        if notice == "NEW" or entries[key].asylum_reference is None:
            entries[key].asylum_reference = records_of.get(key)
    session.flush()
    return notices.assign(entry=[entries[key].entry for key in keys])


def entries_of(
    session: Session, office: str, cases: Iterable[tuple[str, str]], now: dt.datetime
) -> dict[tuple[str, str], Entry]:
    """The open entry of each case (host country, case id) at the office, opened now where there is none."""
    found = session.scalars(select(Entry).where(Entry.office == office, Entry.closed_at.is_(None)))
    entries = {(entry.host_country, entry.case_id): entry for entry in found}
    for host, case in cases:
        if (host, case) not in entries:
            opened = Entry(entry=fresh_reference(), office=office, host_country=host, case_id=case, opened_at=now)
            session.add(opened)
            entries[host, case] = opened
    session.flush()
    return entries


def store_list(session: Session, sealed: List, notices: pd.DataFrame, parcels: Sequence[Parcel]) -> None:
    """Store a numbered, sealed list with its notices and its files, queued for each of its channels.

    The caller holds `lock_office`; nothing is visible before its transaction ends.
    """
    session.add(sealed)
    session.flush()
    for void in voids_to_name(session, sealed.office):
        void.void_named_on = sealed.id
    counted = select(Notice.entry, func.max(Notice.sequence)).where(Notice.entry.in_(list(notices["entry"])))
    before: dict[str, int] = {entry: number for entry, number in session.execute(counted.group_by(Notice.entry))}  # noqa: C416
    columns = [
        "entry",
        "notice",
        "reason",
        "name",
        "expected_departure_on",
        "previous_expected_departure_on",
        "departed_on",
        "marked",
        "shared",
    ]
    rows: list[dict[str, Any]] = records(notices[columns]) if len(notices) else []
    for row in rows:
        row |= {"list_id": sealed.id, "sequence": before.get(row["entry"], 0) + 1}
        if row["reason"] == "notified_in_error":
            session.get_one(Entry, row["entry"]).closed_at = sealed.sealed_at
    if rows:
        session.execute(insert(Notice), rows)
    for parcel in parcels:
        queue_up(session, Delivery(list_id=sealed.id), SealedFile, parcel)


def next_delivery(session: Session, office: str, channel: str) -> tuple[Delivery, List, list[SealedFile]] | None:
    """The oldest list that this channel still owes, with its files in order, or None when the queue is empty."""
    found = session.execute(
        select(Delivery, List)
        .join(List, List.id == Delivery.list_id)
        .where(
            List.office == office,
            Delivery.channel == channel,
            Delivery.state.in_(OWED),
            ~_emptied(),
        )
        .order_by(List.year, List.number)
        .limit(1)
    ).first()
    if found is None:
        return None
    delivery, owed = found
    files = session.scalars(select(SealedFile).filter_by(delivery_id=delivery.id).order_by(SealedFile.position))
    return delivery, owed, list(files)


def _emptied() -> ColumnElement[bool]:
    """Whether a delivery's files were emptied, because somebody on the list was erased: it never goes again."""
    return exists().where(SealedFile.delivery_id == Delivery.id, func.length(SealedFile.content) == 0)


def open_channels(session: Session, office: str) -> list[str]:
    """The channels that still owe the office a list."""
    statement = (
        select(Delivery.channel)
        .join(List, List.id == Delivery.list_id)
        .where(List.office == office, Delivery.state.in_(OWED))
        .distinct()
        .order_by(Delivery.channel)
    )
    return list(session.scalars(statement))


def record_attempt(session: Session, delivery_id: int, now: dt.datetime) -> None:
    """Note before sending that it is being tried: a crash from here on leaves the outcome unknown, not forgotten."""
    delivery = session.get_one(Delivery, delivery_id, with_for_update=True)
    try_it(delivery, now)
    session.add(Attempt(delivery_id=delivery_id, number=delivery.attempts, at=now, outcome="unknown"))


def record_failure(session: Session, delivery_id: int, state: str, error: str) -> None:
    """Note that the list is still owed: `queued` (not there), `unknown`, or `refused` (a person must look)."""
    delivery = session.get_one(Delivery, delivery_id, with_for_update=True)
    delivery.state, delivery.last_error = state, error
    _end_attempt(session, delivery, state, error)


def _end_attempt(session: Session, delivery: Delivery, outcome: str, error: str | None) -> None:
    """Note how the newest attempt ended, if there was one."""
    if attempt := session.get(Attempt, (delivery.id, delivery.attempts)):
        attempt.outcome, attempt.error = outcome, error


def record_delivered(session: Session, delivery_id: int, proof: dict[str, Any], now: dt.datetime) -> None:
    """Note that the other side has the list, and what it thereby was told. A second time changes nothing.

    now: in the office's own time, in whose days the lead is counted
    """
    delivery = session.get_one(Delivery, delivery_id, with_for_update=True)
    if not arrive(delivery, proof, now):
        return
    _end_attempt(session, delivery, "delivered", None)
    told = session.get_one(List, delivery.list_id, with_for_update=True)
    if told.state != "told":  # the first recipient to have the list starts the clock
        told.state, told.told_at = "told", now
    session.execute(delete(Told).where(Told.delivery_id == delivery_id, Told.returned_at.is_not(None)))
    already = select(Told.entry).filter_by(delivery_id=delivery_id)
    earlier = aliased(Notice)
    said_before = set(
        session.scalars(
            select(Notice.entry)
            .join(earlier, (earlier.entry == Notice.entry) & (earlier.sequence < Notice.sequence))
            .join(List, List.id == earlier.list_id)
            .where(Notice.list_id == told.id, List.state != "void")
        )
    )
    rows = [
        {
            "list_id": told.id,
            "entry": notice.entry,
            "delivery_id": delivery_id,
            "told_at": now,
            "lead_days": _lead_days(notice, now.date(), first=notice.entry not in said_before),
        }
        for notice in session.scalars(select(Notice).filter_by(list_id=told.id).where(Notice.entry.not_in(already)))
    ]
    if rows:
        session.execute(insert(Told), rows)


def _lead_days(notice: Notice, told_on: dt.date, *, first: bool) -> int | None:
    """Days that the office has from now to the departure; none for what announces no departure.

    first: nothing was said of the entry before, or only on lists that were voided: a departure was then told too late
    """
    if notice.notice in ("NEW", "CHANGED") and notice.departed_on is None:
        leaves_on = notice.expected_departure_on
    elif notice.notice == "DEPARTED" and (first or "late" in notice.marked.split(";")):
        leaves_on = notice.departed_on
    else:
        return None
    return (leaves_on - told_on).days if leaves_on else None


def record_bounce(session: Session, message_id: str, came_back: Mapping[str, str], now: dt.datetime) -> list[str]:
    """Note that a mail server which took the message could not deliver it; returns its lists, none if it carried none.

    came_back: the status code (5.1.1) of each recipient whom it did not reach, under a keyed hash of the address
    A list that came back from every recipient is owed again, but waits for a person: it would only come back again.
    """
    message = select(Delivery).where(Delivery.proof["message_id"].as_string() == message_id).with_for_update()
    carried = []
    for delivery in session.scalars(message):
        carried.append(session.get_one(List, delivery.list_id, with_for_update=True))
        if come_back(delivery, came_back, now):
            session.execute(update(Told).filter_by(delivery_id=delivery.id).values(returned_at=now))
            session.flush()
            have = select(func.min(Delivery.delivered_at)).filter_by(list_id=delivery.list_id, state="delivered")
            carried[-1].told_at = session.scalar(have)
            carried[-1].state = "told" if carried[-1].told_at else "sealed"
    return [came.list_number for came in carried]


def missed_recipients(session: Session, channels: Sequence[tuple[str, str]]) -> list[str]:
    """Newest lists that did not reach every recipient of one of these channels, as `LIST (what happened)`.

    channels: each with its office, `(office, channel)`
    """
    if not channels:
        return []
    by = values(column("office", String), column("channel", String), name="by").data(list(channels)).cte("by")
    sent, brought = aliased(List), aliased(Delivery)
    newest = (
        select(sent.id)
        .join(brought, brought.list_id == sent.id)
        .where(sent.office == by.c.office, brought.channel == by.c.channel, brought.state == "delivered")
        .order_by(sent.id.desc())
        .limit(1)
        .correlate(by)
        .scalar_subquery()
    )
    rows = session.execute(
        select(List, Delivery)
        .select_from(by)
        .join(List, List.id == newest)
        .join(Delivery, (Delivery.list_id == List.id) & (Delivery.channel == by.c.channel))
        .order_by(List.office, List.year, List.number)
    )
    return [f"{sent.list_number} ({missed})" for sent, delivery in rows if (missed := who_was_missed(delivery))]


class NotFound(ValueError):
    """There is no list of this number."""


def find_list(session: Session, list_number: str, *, lock: bool = True) -> List:
    """The list of this number; locked, unless it is only to be read. raises: NotFound"""
    parts = re.fullmatch(r"(?P<office>.+)_(?P<year>\d{4})-(?P<number>\d+)", list_number)
    found = None
    if parts:
        office, year, number = parts["office"], int(parts["year"]), int(parts["number"])
        statement = select(List).filter_by(office=office, year=year, number=number)
        found = session.scalars(statement.with_for_update() if lock else statement).first()
    if found is None:
        raise NotFound(f"there is no list {list_number}")
    return found


class NotResendable(ValueError):
    """A list that must not go once more: it reached everybody, or its office has later news."""


def resend_list(session: Session, list_number: str) -> None:
    """Let a list that came back, or did not reach every recipient, go once more over those channels.

    raises: NotFound; NotResendable if it reached everybody whom it went to, if somebody on it was erased, or if nobody
        has it and a later list that arrived tells of the same entries: the office would take old news for new
    """
    again = find_list(session, list_number, lock=False)
    deliveries = session.scalars(select(Delivery).filter_by(list_id=again.id).with_for_update()).all()
    session.refresh(again)  # who voids it writes its deliveries too, and we may have waited for that
    missed = [delivery for delivery in deliveries if missed_somebody(delivery)]
    if again.state == "void" or not missed:
        raise NotResendable(f"list {list_number} reached every recipient, is void, or is still to be sent")
    # To ask whether the files were emptied needs the right to read them, which the board has not.
    of_case = (Notice.entry == Entry.entry, Case.host_country == Entry.host_country, Case.case_id == Entry.case_id)
    erased = exists(Entry.entry).where(*of_case, Notice.list_id == again.id, Case.erased_on.is_not(None))
    if session.scalar(select(erased)):
        raise NotResendable(f"list {list_number} is not kept any more: somebody on it was erased")
    entries = select(Notice.entry).filter_by(list_id=again.id)
    later = (
        select(List)
        .join(Notice, Notice.list_id == List.id)
        .where(List.office == again.office, List.state == "told", List.id > again.id, Notice.entry.in_(entries))
        .order_by(List.id)
    )
    if again.state == "sealed" and (news := session.scalars(later).first()):
        raise NotResendable(
            f"list {list_number} is older news than {news.list_number}, which its office has; "
            "void it instead, and what it alone told is told anew"
        )
    go_once_more(missed)


class NotVoidable(ValueError):
    """A list that cannot be voided: its office has it, or a later list goes on from it."""


def channels_of(session: Session, list_number: str) -> tuple[str, list[str]]:
    """The office of a list, and the channels that it goes over. raises: NotFound"""
    found = find_list(session, list_number)
    return found.office, list(session.scalars(select(Delivery.channel).filter_by(list_id=found.id)))


def void_list(session: Session, list_number: str, reason: str, now: dt.datetime) -> None:
    """Give up a list that can never be delivered. Its entries are owed again; the next list names its number.

    raises: NotFound; NotVoidable if a recipient has it already, or if a later list goes on from it
    """
    found = find_list(session, list_number)
    if found.state != "sealed":
        raise NotVoidable(f"list {list_number} is {found.state}: only a list that nobody has can be voided")
    found.state, found.voided_at, found.void_reason = "void", now, reason
    for delivery in session.scalars(select(Delivery).filter_by(list_id=found.id)):
        delivery.state = "void"
    _open_again(session, found, now)


def _open_again(session: Session, void: List, now: dt.datetime) -> None:
    """Open the entries that the voided list closed as told in error: that they were is owed again."""
    in_error = select(Entry).join(Notice, Notice.entry == Entry.entry)
    for entry in session.scalars(in_error.where(Notice.list_id == void.id, Notice.reason == "notified_in_error")).all():
        fresh = session.scalars(
            select(Entry)
            .filter_by(office=entry.office, host_country=entry.host_country, case_id=entry.case_id)
            .where(Entry.closed_at.is_(None))
        ).first()
        if fresh:
            on_a_list = select(List).join(Notice, Notice.list_id == List.id).where(Notice.entry == fresh.entry)
            if later := session.scalars(on_a_list.where(List.state != "void")).first():
                raise NotVoidable(
                    f"list {void.list_number} takes back what {later.list_number} tells under a fresh entry: "
                    f"void {later.list_number} first"
                )
            fresh.closed_at = now
            session.flush()
        entry.closed_at = None


def composed_for(session: Session) -> dict[str, dt.datetime | None]:
    """For each office the newest due moment that was seen to, whether or not there was something to tell."""
    return {office.office: office.composed_for for office in session.scalars(select(Office))}


def offices_owed(session: Session, states: Collection[str]) -> list[str]:
    """Offices with a delivery in one of these states."""
    statement = select(List.office).join(Delivery, Delivery.list_id == List.id).where(Delivery.state.in_(states))
    return list(session.scalars(statement.distinct().order_by(List.office)))


def owed_lists(session: Session, sealed_before: dt.datetime) -> list[str]:
    """Lists sealed before that moment, or come back since, that some channel still owes: `LIST (channel's state)`."""
    rows = session.execute(
        select(List, Delivery)
        .join(Delivery, Delivery.list_id == List.id)
        .where(Delivery.state.in_(OWED), (List.sealed_at < sealed_before) | Delivery.bounced_at.is_not(None))
        .order_by(List.office, List.year, List.number)
    )
    return [
        f"{owed.list_number} ({delivery.last_error if delivery.bounced_at else delivery.state})"
        for owed, delivery in rows
    ]
