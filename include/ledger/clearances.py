"""Cases at which a person looks before their office is first told, because a rule on persons of concern says so.

Reach for `known` to see who has looked at whom, for `ask` when somebody must, for `clear` when somebody has.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, load_only

from include.ledger import outbox
from include.ledger.intake import Partition, newest_reconciliations
from include.ledger.models import OPEN_STATUSES, Case, Clearance, Entry, List, Notice
from include.ledger.tables import table


class NotClearable(ValueError):
    """A clearance that cannot be taken down; the message says what is missing."""


@dataclass(frozen=True)
class Waiting:
    """A case whose first notice waits for a person. It names nobody; `number` says nothing to anybody but IOM."""

    number: int
    entry: str
    office: str
    host_country: str
    rules: tuple[str, ...]
    asked_on: dt.date
    mailed_at: dt.datetime | None
    expected_departure_on: dt.date | None


def known(session: Session, office: str) -> pd.DataFrame:
    """Who was asked for: host_country, case_id, rules (`;` between them), asked_on, cleared (whether somebody has)."""
    found = table(
        session,
        select(
            Entry.host_country,
            Entry.case_id,
            Clearance.rules,
            Clearance.asked_on,
            Clearance.cleared_at.is_not(None).label("cleared"),
        )
        .join(Entry, Entry.entry == Clearance.entry)
        .where(Entry.office == office),
    )
    return found.astype({"cleared": bool})


def ask(session: Session, office: str, wanted: Mapping[tuple[str, str], str], on: dt.date, now: dt.datetime) -> None:
    """Note that a person must look at these cases: rules by host country and case. Under `outbox.lock_office`.

    Who was asked for already waits on; another rule joins those that want it.
    """
    if not wanted:
        return
    entries = outbox.entries_of(session, office, wanted, now)
    for key, rules in wanted.items():
        entry = entries[key].entry
        found = session.scalars(select(Clearance).filter_by(entry=entry, cleared_at=None)).first()
        if found is None:
            session.add(Clearance(entry=entry, rules=rules, asked_on=on, note=""))
        else:
            found.rules = ";".join(sorted({*found.rules.split(";"), *rules.split(";")}))
    session.flush()


def waiting(session: Session) -> list[Waiting]:
    """Every case that nobody has looked at, and of which its office was not told; nearest departure first."""
    told = exists(Notice.entry).where(Notice.entry == Entry.entry, List.id == Notice.list_id, List.state != "void")
    rows = session.execute(
        select(Clearance, Entry, Case.expected_departure_on)
        .join(Entry, Entry.entry == Clearance.entry)
        .join(Case, (Case.host_country == Entry.host_country) & (Case.case_id == Entry.case_id))
        .where(Clearance.cleared_at.is_(None), ~told)
        .options(load_only(Clearance.rules, Clearance.asked_on, Clearance.mailed_at))
        # A case that ended before anybody was told of it waits for nobody any more.
        .where(Case.status.in_(OPEN_STATUSES), Case.missing_since.is_(None))
        .order_by(func.coalesce(Case.expected_departure_on, dt.date.max), Clearance.asked_on, Clearance.id)
    )
    return [
        Waiting(
            asked.id,
            entry.entry,
            entry.office,
            entry.host_country,
            tuple(asked.rules.split(";")),
            asked.asked_on,
            asked.mailed_at,
            departure,
        )
        for asked, entry, departure in rows
    ]


def clear(session: Session, number: int, by: str, note: str, now: dt.datetime) -> None:
    """Note that `by` has looked at the case: its office may be told.

    raises: NotClearable if nobody is named, or nothing of this number waits
    """
    if not by.strip():
        raise NotClearable("say who has looked, with --by")
    found = session.get(Clearance, number, with_for_update=True)
    if found is None or found.cleared_at:
        raise NotClearable("nothing of this number waits; python -m include clearances lists what does")
    found.cleared_at, found.cleared_by, found.note = now, by.strip(), note.strip()


def entry_of(session: Session, number: int) -> Entry:
    """The entry behind a clearance. raises: LookupError"""
    found = session.scalars(
        select(Entry).join(Clearance, Clearance.entry == Entry.entry).where(Clearance.id == number)
    ).first()
    if found is None:
        raise LookupError("there is no such number")
    return found


def record_mailed(session: Session, number: int, now: dt.datetime) -> None:
    """Note that IOM's focal point was asked."""
    session.get_one(Clearance, number).mailed_at = now


def cleared_since_reconciled(session: Session) -> dict[Partition, int]:
    """The newest reconciled partition of each host country of which somebody has looked at cases since, and how many.

    What they cleared may be something that its office must hear of at once.
    """
    newest = newest_reconciliations()
    rows = session.execute(
        select(newest.c.host_country, newest.c.day, func.count())
        .join(Entry, Entry.host_country == newest.c.host_country)
        .join(Clearance, (Clearance.entry == Entry.entry) & (Clearance.cleared_at > newest.c.reconciled_at))
        .group_by(newest.c.host_country, newest.c.day)
        .order_by(newest.c.host_country)
    )
    return {Partition(host, day): count for host, day, count in rows}
