"""Erasing a case: what names the person goes, what only counts stays, under an id that says nothing.

Reach for `followed` to see what retention weighs, `erase` for what goes and what stays (docs/decisions/retention.md has
it field by field), `registrations_erased` for what keeps an erased case silent while its source still sends it. The key
of the hashes is `settings.hashing_key`; it never stands in the ledger.
"""

import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Table, Update, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session, aliased

from include.ledger import intake, outbox
from include.ledger.intake import Partition
from include.ledger.models import (
    Answer,
    Base,
    Case,
    Clearance,
    Concern,
    Delivery,
    Entry,
    Erasure,
    ErasureOrder,
    Hold,
    List,
    Match,
    Moment,
    Notice,
    Paper,
    PaperCase,
    PaperDelivery,
    PaperFile,
    ProcedureRecord,
    Reconciliation,
    Review,
    SealedFile,
    Standing,
    Viewed,
)
from include.ledger.tables import table

GONE = "erased"
"""What stands where the database asks for a text and the text was erased."""
TO_ERASE = ("consent_withdrawn", "notified_in_error")
"""The reasons with which an office was asked to erase its entry."""
_SAYS_WHEN = ("late", "known_after_departure", "was_in_review", "awaited_consent", "left_before_list")
"""Marks that say how a notice came, and nothing of the person."""
_OF_CASES: tuple[type[Base], ...] = (Standing, Match, Review, Entry, Hold, PaperCase, Viewed)
"""What refers to a case by its id."""
_TRIED = dt.timedelta(days=30)
"""How long a channel that still owes a list, which its office has by another, holds an erasure up."""


class NotErasable(ValueError):
    """A case that must not be erased, or not yet; the message says why and names nobody."""


@dataclass(frozen=True)
class Line:
    """An erasure as it stands in the ledger and, in one line, in the data folder. Nothing in it names the person."""

    host_country: str
    case_hash: str
    registration_hash: str
    why: str
    erased_by: str
    erased_at: str
    """ISO 8601, with its offset."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, line: str) -> "Line":
        """raises: ValueError, TypeError or KeyError if it is not one"""
        return cls(**json.loads(line))


@dataclass(frozen=True)
class Erased:
    """What was just erased, for the search that proves it. It names the person: never kept, never logged."""

    line: Line
    values: frozenset[str] = field(repr=False)
    ids: frozenset[str] = field(repr=False)
    """Those of `values` that are a reference of this person alone."""
    offices: frozenset[str]
    """The offices that had an entry of the case."""


def case_hash(key: bytes, host_country: str, case_id: str) -> str:
    """A keyed hash of a case, in hex."""
    return _hash(key, host_country, case_id)


def registration_hash(key: bytes, host_country: str, case_id: str, registered_on: dt.date) -> str:
    """A keyed hash of a case as it was registered on that day, in hex."""
    return _hash(key, host_country, case_id, registered_on.isoformat())


def _hash(key: bytes, *parts: str) -> str:
    return hmac.new(key, json.dumps(["erased case", *parts]).encode(), hashlib.sha256).hexdigest()


def registrations_erased(session: Session, host_country: str) -> set[str]:
    """The registration hashes of the host country's erased cases."""
    return set(session.scalars(select(Erasure.registration_hash).filter_by(host_country=host_country)))


def cases_erased(session: Session, host_country: str) -> set[str]:
    """The case hashes of the host country's erased cases."""
    return set(session.scalars(select(Erasure.case_hash).filter_by(host_country=host_country)))


def cases_ordered(session: Session, host_country: str) -> set[str]:
    """The case ids of the host country whose erasure was asked for and waits."""
    return set(session.scalars(select(ErasureOrder.case_id).filter_by(host_country=host_country)))


def followed(session: Session, now: dt.datetime) -> pd.DataFrame:
    """What retention weighs of every case that is not erased: `retention.due.CASE_COLUMNS`, days as datetime64."""
    same_case = (Entry.host_country == Case.host_country, Entry.case_id == Case.case_id)
    told = select(List).join(Notice, Notice.list_id == List.id).join(Entry, Entry.entry == Notice.entry)
    newest_notice = told.where(*same_case, List.state != "void").with_only_columns(func.max(List.sealed_at))
    newest_answer = (
        select(func.max(Answer.answered_at))
        .join(Entry, Entry.entry == Answer.entry)
        .where(*same_case)
        .scalar_subquery()
    )
    concern = exists().where(Concern.entry == Entry.entry, Concern.closed_at.is_(None), *same_case)
    in_review = exists().where(
        Match.host_country == Case.host_country,
        Match.case_id == Case.case_id,
        Match.decision == "review",
        Match.ended_on.is_(None),
        Case.missing_since.is_(None),
    )
    held = exists().where(
        Hold.host_country == Case.host_country, Hold.case_id == Case.case_id, Hold.lifted_at.is_(None)
    )
    ordered = exists().where(ErasureOrder.host_country == Case.host_country, ErasureOrder.case_id == Case.case_id)
    in_paper = exists().where(
        PaperCase.host_country == Case.host_country,
        PaperCase.case_id == Case.case_id,
        Paper.id == PaperCase.paper_id,
        Paper.state == "sealed",
    )
    found = table(
        session,
        select(
            Case.host_country,
            Case.case_id,
            Case.iom_office,
            Case.status,
            Case.departed_on,
            Case.since,
            Case.status_since,
            Case.missing_since,
            _typed(newest_notice.scalar_subquery(), "told_on"),
            _typed(newest_answer, "answered_on"),
            or_(_in_flight(same_case, now), in_paper).label("in_flight"),
            concern.label("concern"),
            in_review.label("in_review"),
            held.label("held"),
            ordered.label("ordered"),
            _to_hear(same_case).label("to_hear"),
        )
        .where(Case.erased_on.is_(None))
        .order_by(Case.host_country, Case.case_id),
    )
    for column in ("told_on", "answered_on"):
        found[column] = found[column].dt.tz_localize(None).dt.normalize().astype("datetime64[s]")
    return found


def _typed(moment: Any, name: str) -> Any:
    return func.coalesce(moment, None, type_=Moment()).label(name)


def _in_flight(same_case: tuple[ColumnElement[bool], ...], now: dt.datetime) -> ColumnElement[bool]:
    """Whether a list with the case is with nobody yet, or is still owed by one of its channels."""
    owed = exists().where(Delivery.list_id == List.id, Delivery.state.in_(outbox.OWED))
    return exists().where(
        *same_case,
        Notice.entry == Entry.entry,
        List.id == Notice.list_id,
        List.state != "void",
        or_(List.state == "sealed", and_(owed, List.sealed_at > now - _TRIED)),
    )


def _to_hear(same_case: tuple[ColumnElement[bool], ...]) -> ColumnElement[bool]:
    """Whether an office was told of the case and has not been asked to erase it."""
    later, later_list = aliased(Notice), aliased(List)
    return exists().where(
        *same_case,
        Entry.closed_at.is_(None),
        Notice.entry == Entry.entry,
        List.id == Notice.list_id,
        List.state != "void",
        Notice.reason.not_in(TO_ERASE),
        ~exists().where(
            later.entry == Notice.entry,
            later.sequence > Notice.sequence,
            later_list.id == later.list_id,
            later_list.state != "void",
        ),
    )


def entries_of(session: Session, host_country: str, case_id: str) -> list[Entry]:
    """Every entry under which an office heard of the case, oldest first."""
    found = select(Entry).filter_by(host_country=host_country, case_id=case_id)
    return list(session.scalars(found.order_by(Entry.opened_at, Entry.entry)))


def offices_told(session: Session) -> pd.DataFrame:
    """host_country, case_id, office of every entry of a case that is not erased."""
    of_case = (Case.host_country == Entry.host_country) & (Case.case_id == Entry.case_id)
    return table(
        session,
        select(Entry.host_country, Entry.case_id, Entry.office)
        .join(Case, of_case)
        .where(Case.erased_on.is_(None))
        .distinct(),
    )


def erase(
    session: Session, host_country: str, case_id: str, *, key: bytes, why: str, by: str, now: dt.datetime
) -> Erased:
    """Erase what names the person of a case, and keep what counts. Needs a `writing` session.

    why: one of models.ERASED_FOR
    raises: LookupError if there is no such case; NotErasable if it is held, a list with it is on its way, or a concern
        about it stands: what the caller saw before may have changed since
    """
    # Whoever numbers a list for one of its offices waits, and then finds no case to tell of.
    for office in sorted({entry.office for entry in entries_of(session, host_country, case_id)}):
        outbox.lock_office(session, office)
    case = session.get(Case, (host_country, case_id), with_for_update=True)
    if case is None or case.erased_on:
        raise LookupError("there is no such case, or it is erased")
    _check_erasable(session, case, now)
    entries = entries_of(session, host_country, case_id)
    values, ids = _values(session, case, entries)
    line = Line(
        host_country,
        case_hash(key, host_country, case_id),
        registration_hash(key, host_country, case_id, case.registered_on),
        why,
        by.strip(),
        now.astimezone(dt.UTC).isoformat(timespec="seconds"),
    )
    nobody = f"{GONE}-{secrets.token_hex(8)}"
    counts = {"case": 1, **_rename(session, case, nobody, now)}
    dropped = _forget_matches(session, host_country, nobody, now)
    counts["paper_file"] = _empty_papers(session, host_country, nobody)
    counts |= {"procedure_record": len(dropped), **_forget_notices(session, [one.entry for one in entries], now)}
    ids |= dropped
    remember(session, line, counts)
    offices = frozenset(entry.office for entry in entries)
    return Erased(line, frozenset(values | ids), frozenset(ids), offices)


def _check_erasable(session: Session, case: Case, now: dt.datetime) -> None:
    same_case = (Entry.host_country == case.host_country, Entry.case_id == case.case_id)
    if hold_on(session, case.host_country, case.case_id):
        raise NotErasable("the case is held; python -m include hold CASE_ID --lift ends that")
    on_its_way = session.scalar(select(_in_flight(same_case, now)))
    if on_its_way or paper_on_its_way(session, case.host_country, case.case_id):
        raise NotErasable(
            "a list or paper with this case is on its way; once its office has it, or it is void, erase again"
        )
    if session.scalar(select(exists().where(*same_case, Concern.entry == Entry.entry, Concern.closed_at.is_(None)))):
        raise NotErasable("a concern about this return stands; python -m include concerns close ENTRY comes first")


def _values(session: Session, case: Case, entries: Collection[Entry]) -> tuple[set[str], set[str]]:
    """Every text of the case that names its person, and the references among them."""
    names, ids = {case.family_name, case.given_names}, {case.case_id, case.typed_asylum_reference, case.unhcr_reference}
    ids |= {entry.asylum_reference for entry in entries}
    of_entries = [entry.entry for entry in entries]
    for notice in session.scalars(select(Notice).where(Notice.entry.in_(of_entries))):
        names.add(notice.name)
        shared = notice.shared
        ids |= {shared.get(column) for column in ("case_id", "asylum_reference", "unhcr_reference")}
    names |= set(session.scalars(select(Answer.remarks).where(Answer.entry.in_(of_entries))))
    names |= set(session.scalars(select(Concern.note).where(Concern.entry.in_(of_entries))))
    names |= set(session.scalars(select(Clearance.note).where(Clearance.entry.in_(of_entries))))
    of_case = {"host_country": case.host_country, "case_id": case.case_id}
    names |= set(session.scalars(select(Review.reason).filter_by(**of_case)))
    return {value for value in names if value}, {value for value in ids if value}


def _rename(session: Session, case: Case, nobody: str, now: dt.datetime) -> dict[str, int]:
    """Put an id of nobody in the place of the case's. The row is written anew: others refer to it by its id."""
    host, case_id = case.host_country, case.case_id
    kept = {column.name: getattr(case, column.name) for column in Case.__table__.columns}
    kept |= dict.fromkeys(
        ("family_name", "given_names", "date_of_birth", "sex", "typed_asylum_reference", "unhcr_reference")
    )
    months = ("registered_on", "expected_departure_on", "departed_on", "since", "status_since", "missing_since")
    kept |= {column: _month(kept[column]) for column in months}
    kept |= {"case_id": nobody, "erased_on": now.date(), "to_tell": False, "urgent": False, "sharing_consent": None}
    kept |= {"marked": "", "concerns": "", "review": ""}
    session.expunge(case)
    session.execute(insert(Case).values(kept))
    counts = {}
    for of_case in _OF_CASES:
        rows: Table = of_case.__table__  # type: ignore[assignment]
        same = (rows.c.host_country == host, rows.c.case_id == case_id)
        counts[rows.name] = _changed(session, update(rows).where(*same).values(case_id=nobody))
    same_hold = (Hold.host_country == host, Hold.case_id == nobody)
    session.execute(update(Hold).where(*same_hold).values(reason=GONE))
    session.execute(delete(ErasureOrder).filter_by(host_country=host, case_id=case_id))
    session.execute(delete(Case).filter_by(host_country=host, case_id=case_id))
    return counts


def _month(day: dt.date | None) -> dt.date | None:
    return day.replace(day=1) if day else None


def _forget_matches(session: Session, host: str, nobody: str, now: dt.datetime) -> set[str]:
    """End the matches and decisions of the case, and put references of nobody in the place of its records'.

    returns: the references that no other case names
    """
    today = now.date()
    same_match = (Match.host_country == host, Match.case_id == nobody)
    same_review = (Review.host_country == host, Review.case_id == nobody)
    session.execute(update(Match).where(*same_match, Match.ended_on.is_(None)).values(ended_on=today))
    for decision in session.scalars(select(Review).where(*same_review)).all():
        decision.superseded_at = decision.superseded_at or max(now, decision.decided_at)
        decision.reason, decision.evidence = GONE, None
    session.flush()
    matched = select(Match.asylum_reference).where(*same_match)
    references = matched.union(select(Review.asylum_reference).where(*same_review))
    dropped = set()
    for reference in session.scalars(references).all():
        record = session.get_one(ProcedureRecord, (host, reference))
        session.expunge(record)
        fresh = f"{GONE}-{secrets.token_hex(8)}"
        session.execute(
            insert(ProcedureRecord).values(
                host_country=host,
                asylum_reference=fresh,
                applied_on=_month(record.applied_on),
                stage=record.stage,
                outcome=record.outcome,
                outcome_on=_month(record.outcome_on),
                final=record.final,
            )
        )
        for of_pair, same in ((Match, same_match), (Review, same_review)):
            same_record = of_pair.asylum_reference == reference
            session.execute(update(of_pair).where(*same, same_record).values(asylum_reference=fresh))
        same_entry = (Entry.host_country == host, Entry.case_id == nobody, Entry.asylum_reference == reference)
        session.execute(update(Entry).where(*same_entry).values(asylum_reference=fresh))
        if not _is_named(session, host, reference):
            session.execute(delete(ProcedureRecord).filter_by(host_country=host, asylum_reference=reference))
            dropped.add(reference)
    return dropped


def _is_named(session: Session, host: str, reference: str) -> bool:
    """Whether another case names this record."""
    named = (
        exists().where(of_pair.host_country == host, of_pair.asylum_reference == reference)
        for of_pair in (Match, Review)
    )
    return bool(session.scalar(select(or_(*named))))


def _forget_notices(session: Session, entries: list[str], now: dt.datetime) -> dict[str, int]:
    """Empty what was said of the entries, and the sealed files that said it; that it was said, and when, stays."""
    notices = session.scalars(select(Notice).where(Notice.entry.in_(entries))).all()
    for notice in notices:
        notice.name, notice.shared = "", {}
        notice.expected_departure_on = notice.previous_expected_departure_on = notice.departed_on = None
        notice.marked = ";".join(mark for mark in notice.marked.split(";") if mark in _SAYS_WHEN)
    session.flush()
    lists = {notice.list_id for notice in notices}
    deliveries = select(Delivery.id).where(Delivery.list_id.in_(lists))
    same_file = (SealedFile.delivery_id.in_(deliveries), func.length(SealedFile.content) > 0)
    emptied = _changed(session, update(SealedFile).where(*same_file).values(content=b""))
    for concern in session.scalars(select(Concern).where(Concern.entry.in_(entries))).all():
        concern.note, concern.departed_on = concern.note and GONE, _month(concern.departed_on)
    looked = (Clearance.entry.in_(entries), Clearance.note != "")
    session.execute(update(Clearance).where(*looked).values(note=GONE))
    session.execute(update(Entry).where(Entry.entry.in_(entries), Entry.closed_at.is_(None)).values(closed_at=now))
    said = forget_words(session, entries)
    return {"notice": len(notices), "sealed_file": emptied, "answer": said}


def _empty_papers(session: Session, host: str, nobody: str) -> int:
    """Empty the files of the papers that name the case, as those of lists; returns how many."""
    naming = select(PaperCase.paper_id).where(PaperCase.host_country == host, PaperCase.case_id == nobody)
    deliveries = select(PaperDelivery.id).where(PaperDelivery.paper_id.in_(naming))
    same_file = (PaperFile.delivery_id.in_(deliveries), func.length(PaperFile.content) > 0)
    return _changed(session, update(PaperFile).where(*same_file).values(content=b""))


def paper_on_its_way(session: Session, host_country: str, case_id: str) -> bool:
    """Whether a paper that names the case is with nobody yet."""
    of_case = (PaperCase.host_country == host_country, PaperCase.case_id == case_id)
    return bool(
        session.scalar(select(exists().where(*of_case, Paper.id == PaperCase.paper_id, Paper.state == "sealed")))
    )


def forget_words(session: Session, entries: Collection[str] | None = None) -> int:
    """Empty the remarks of answers on these entries; without them, of what came on erased cases since.

    returns: how many answers had remarks
    """
    if entries is None:
        of_case = (Case.host_country == Entry.host_country) & (Case.case_id == Entry.case_id)
        entries = list(session.scalars(select(Entry.entry).join(Case, of_case).where(Case.erased_on.is_not(None))))
    written = (Answer.entry.in_(list(entries)), Answer.remarks.not_in(("", GONE)))
    return _changed(session, update(Answer).where(*written).values(remarks=GONE))


def _changed(session: Session, statement: Update) -> int:
    """How many rows a statement has changed."""
    session.flush()
    return int(session.connection().execute(statement).rowcount)


def remember(session: Session, line: Line, counts: Mapping[str, int]) -> None:
    """Note an erasure. One that is known already is to be proven anew."""
    known = session.scalars(select(Erasure).filter_by(registration_hash=line.registration_hash)).first()
    if known:
        known.proof = None
        return
    session.add(
        Erasure(
            host_country=line.host_country,
            case_hash=line.case_hash,
            registration_hash=line.registration_hash,
            why=line.why,
            erased_by=line.erased_by,
            erased_at=dt.datetime.fromisoformat(line.erased_at),
            counts={name: count for name, count in counts.items() if count},
        )
    )
    session.flush()


def unproven(session: Session) -> list[Erasure]:
    """Erasures of which nobody has searched yet whether anything is left."""
    return list(session.scalars(select(Erasure).where(Erasure.proof.is_(None)).order_by(Erasure.id)))


def record_proof(session: Session, registrations: Iterable[str], proof: Mapping[str, Any]) -> None:
    """Note what was searched for, where, and how much was found."""
    of = Erasure.registration_hash.in_(list(registrations))
    session.execute(update(Erasure).where(of).values(proof=dict(proof)))


def not_in_ledger(session: Session, lines: Collection[Line]) -> list[Line]:
    """Those of these erasures that the ledger does not know: it was restored from a backup that is older."""
    known = set(session.scalars(select(Erasure.registration_hash)))
    return [line for line in lines if line.registration_hash not in known]


def erasures_of(session: Session, key: bytes, host_country: str, case_id: str) -> list[Erasure]:
    """The erasures of a case, oldest first."""
    found = select(Erasure).filter_by(case_hash=case_hash(key, host_country, case_id))
    return list(session.scalars(found.order_by(Erasure.id)))


def come_back(session: Session, key: bytes, lines: Collection[Line] = ()) -> list[tuple[str, str, Line]]:
    """Cases that stand in the ledger although this registration of theirs was erased, with that erasure.

    A backup was restored, or a day was decided while the erasure was made.
    lines: of erasures that the ledger does not know
    """
    of = {line.registration_hash: line for line in lines}
    for one in session.scalars(select(Erasure)):
        moment = one.erased_at.isoformat(timespec="seconds")
        line = Line(one.host_country, one.case_hash, one.registration_hash, one.why, one.erased_by, moment)
        of[one.registration_hash] = line
    hosts = {line.host_country for line in of.values()}
    rows = session.execute(
        select(Case.host_country, Case.case_id, Case.registered_on)
        .where(Case.host_country.in_(hosts), Case.erased_on.is_(None))
        .order_by(Case.host_country, Case.case_id)
    )
    found = ((host, case_id, of.get(registration_hash(key, host, case_id, day))) for host, case_id, day in rows)
    return [(host, case_id, line) for host, case_id, line in found if line]


def left_over(session: Session) -> int:
    """Erased cases in which something that names somebody still stands. Nothing but a mistake makes it more than 0."""
    names = (
        Case.family_name,
        Case.given_names,
        Case.date_of_birth,
        Case.typed_asylum_reference,
        Case.unhcr_reference,
    )
    of_case = exists().where(
        Entry.host_country == Case.host_country,
        Entry.case_id == Case.case_id,
        Notice.entry == Entry.entry,
        Notice.name != "",
    )
    named = or_(*(column.is_not(None) for column in names), of_case, Case.case_id.not_like(f"{GONE}-%"))
    return session.scalar(select(func.count()).select_from(Case).where(Case.erased_on.is_not(None), named)) or 0


def hold_on(session: Session, host_country: str, case_id: str) -> Hold | None:
    """The hold on the case, if there is one."""
    of_case = select(Hold).filter_by(host_country=host_country, case_id=case_id)
    return session.scalars(of_case.where(Hold.lifted_at.is_(None))).first()


def holds_of(session: Session, host_country: str, case_id: str) -> list[Hold]:
    """Every hold that there was on the case, oldest first."""
    found = select(Hold).filter_by(host_country=host_country, case_id=case_id)
    return list(session.scalars(found.order_by(Hold.id)))


def order_of(session: Session, host_country: str, case_id: str) -> ErasureOrder | None:
    """The person's wish to be erased, while it waits."""
    return session.get(ErasureOrder, (host_country, case_id))


def place_hold(session: Session, host_country: str, case_id: str, *, by: str, reason: str, now: dt.datetime) -> None:
    """Let nothing of the case be erased. raises: NotErasable if it is held already, or nobody or no reason is named"""
    if not by.strip() or not reason.strip():
        raise NotErasable("say who holds it, with --by, and why, with --reason; without names")
    if hold_on(session, host_country, case_id):
        raise NotErasable("the case is held already; --lift ends that")
    session.add(
        Hold(host_country=host_country, case_id=case_id, placed_by=by.strip(), placed_at=now, reason=reason.strip())
    )
    session.flush()


def lift_hold(session: Session, host_country: str, case_id: str, *, by: str, now: dt.datetime) -> None:
    """End the hold on the case. raises: NotErasable if there is none, or nobody is named"""
    found = hold_on(session, host_country, case_id)
    if found is None or not by.strip():
        raise NotErasable("the case is not held" if found is None else "say who lifts it, with --by")
    found.lifted_by, found.lifted_at = by.strip(), now


def order(session: Session, host_country: str, case_id: str, *, by: str, reason: str, now: dt.datetime) -> None:
    """Take down that the person asked to be erased; a second time changes nothing.

    raises: NotErasable if the case is held, or nobody or no reason is named
    """
    if not by.strip() or not reason.strip():
        raise NotErasable("say who took the request, with --by, and how it came, with --reason; without names")
    if hold_on(session, host_country, case_id):
        raise NotErasable("the case is held; python -m include hold CASE_ID --lift ends that")
    if order_of(session, host_country, case_id) is None:
        session.add(
            ErasureOrder(
                host_country=host_country, case_id=case_id, ordered_by=by.strip(), ordered_at=now, reason=reason.strip()
            )
        )
        session.flush()


def offices_to_hear(session: Session, host_country: str, case_id: str, now: dt.datetime) -> list[str]:
    """The offices that were told of the case and were not asked to erase it, or to which that is still on its way."""
    found = []
    for office in sorted({entry.office for entry in entries_of(session, host_country, case_id)}):
        at = (Entry.host_country == host_country, Entry.case_id == case_id, Entry.office == office)
        if session.scalar(select(or_(_to_hear(at), _in_flight(at, now)))):
            found.append(office)
    return found


@dataclass(frozen=True)
class Life:
    """All that the ledger holds of a case, as its rows are. It names the person: for their eyes."""

    case: Case
    standings: list[Standing]
    matches: list[tuple[Match, ProcedureRecord]]
    decisions: list[Review]
    told: list[tuple[Notice, List, Delivery]]
    """Every notice, for each channel that its list went over; oldest first."""
    papers: list[tuple[Paper, PaperDelivery]]
    """Papers that name the case, for each channel that they went over."""
    answers: list[tuple[Answer, List]]
    concerns: list[tuple[Concern, Entry]]
    clearances: list[Clearance]
    """Who at IOM looked at the case before its office was told."""
    holds: list[Hold]
    order: ErasureOrder | None


def life_of(session: Session, host_country: str, case_id: str) -> Life:
    """All that is held of a case that is not erased. raises: LookupError"""
    case = session.get(Case, (host_country, case_id))
    if case is None:
        raise LookupError("no case has this id")
    of_case = {"host_country": host_country, "case_id": case_id}
    entries = [entry.entry for entry in entries_of(session, host_country, case_id)]
    same_record = (ProcedureRecord.host_country == Match.host_country) & (
        ProcedureRecord.asylum_reference == Match.asylum_reference
    )
    matches = select(Match, ProcedureRecord).join(ProcedureRecord, same_record)
    matches = matches.where(Match.host_country == host_country, Match.case_id == case_id)
    told = (
        select(Notice, List, Delivery)
        .join(List, List.id == Notice.list_id)
        .join(Delivery, Delivery.list_id == List.id)
        .where(Notice.entry.in_(entries))
    )
    papers = (
        select(Paper, PaperDelivery)
        .join(PaperDelivery, PaperDelivery.paper_id == Paper.id)
        .join(PaperCase, PaperCase.paper_id == Paper.id)
        .where(PaperCase.host_country == host_country, PaperCase.case_id == case_id)
    )
    answers = select(Answer, List).join(List, List.id == Answer.list_id).where(Answer.entry.in_(entries))
    concerns = select(Concern, Entry).join(Entry, Entry.entry == Concern.entry).where(Concern.entry.in_(entries))
    looked = select(Clearance).where(Clearance.entry.in_(entries), Clearance.cleared_at.is_not(None))
    return Life(
        case=case,
        standings=list(session.scalars(select(Standing).filter_by(**of_case).order_by(Standing.since))),
        matches=[(one, record) for one, record in session.execute(matches.order_by(Match.id))],
        decisions=list(session.scalars(select(Review).filter_by(**of_case).order_by(Review.id))),
        told=list(session.execute(told.order_by(List.sealed_at, List.id, Delivery.id))),
        papers=list(session.execute(papers.order_by(Paper.sealed_at, Paper.id, PaperDelivery.id))),
        answers=[(one, about) for one, about in session.execute(answers.order_by(Answer.id))],
        concerns=[(one, entry) for one, entry in session.execute(concerns.order_by(Concern.id))],
        clearances=list(session.scalars(looked.order_by(Clearance.id))),
        holds=holds_of(session, host_country, case_id),
        order=order_of(session, host_country, case_id),
    )


def ordered_since(session: Session) -> list[Partition]:
    """The newest reconciled partitions of the host countries in which somebody asked to be erased since.

    Reconciled once more, they call for the urgent lists that ask offices to erase.
    """
    newest = intake.newest_added_up()
    rows = session.execute(
        select(newest.c.host_country, newest.c.day)
        .join(
            Reconciliation,
            (Reconciliation.host_country == newest.c.host_country) & (Reconciliation.day == newest.c.day),
        )
        .where(
            exists().where(
                ErasureOrder.host_country == Reconciliation.host_country,
                ErasureOrder.ordered_at > Reconciliation.reconciled_at,
            )
        )
        .order_by(newest.c.host_country)
    )
    return [Partition(host, day) for host, day in rows]
