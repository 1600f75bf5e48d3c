"""Decisions of people on a case and a record: who, when, why, on which evidence. Superseded, never deleted.

Reach for `record_decision` to take one down, `in_force` to lay them over a day's links, `queue` for what waits.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from include.ledger.caseload import told_cases
from include.ledger.engine import wait_for_turn
from include.ledger.intake import Partition, newest_reconciliations
from include.ledger.models import REVIEW_DECISIONS, Case, Match, Review
from include.ledger.tables import table


class NotDecidable(ValueError):
    """A decision that cannot be taken down; the message says what is missing or which decision comes first."""


@dataclass(frozen=True)
class Pair:
    """A case and a record of the asylum procedure, in their host country."""

    host_country: str
    case_id: str
    asylum_reference: str


@dataclass(frozen=True)
class Accepted:
    """What is accepted already of the case or of the record of a pair, by people or by the machine."""

    other_records: tuple[str, ...]
    other_cases: tuple[str, ...]


def record_decision(
    session: Session,
    pair: Pair,
    decision: str,
    *,
    by: str,
    reason: str,
    evidence: str | None,
    one_person: bool,
    clock: Callable[[], dt.datetime],
) -> None:
    """Put a person's decision on the pair in force, and supersede the one before it. Needs a `writing` session.

    decision: one of models.REVIEW_DECISIONS
    evidence: `matching.fingerprint` of what the person saw; None where case or record has left its extract
    one_person: what is accepted already beside the pair (`accepted_beside`) is of the same person
    clock: asked at the last moment, so that no reconciliation that missed the decision seems to be newer than it
    raises: NotDecidable as `check_decidable`; or if there is nothing to accept the pair on, or something else is
        accepted already and `one_person` is not said
    """
    check_decidable(session, pair, decision, by=by, reason=reason)
    # Two people who decide at once wait for each other here: one decision is in force, and the second sees the first.
    # No row is locked: the board may not write those of cases, and a reconciliation is not held up.
    wait_for_turn(session, f"decide on a pair of {pair.host_country}")
    now, beside = clock(), Accepted((), ())
    if decision == "accept":
        if evidence is None:
            raise NotDecidable("the case or the record has left its extract: there is no evidence to accept it on")
        beside = accepted_beside(session, pair)
        if not one_person and beside.other_records:
            raise NotDecidable(
                "the case has another accepted record; reject that first, or say --one-person if both are this person's"
            )
        if not one_person and beside.other_cases:
            raise NotDecidable(
                "the record is accepted for another case; reject that first, or say --one-person if both cases are of "
                "this person"
            )
    if before := decision_in_force(session, pair):
        before.superseded_at = max(now, before.decided_at)  # clocks of two machines differ
        session.flush()
    session.add(
        Review(
            host_country=pair.host_country,
            case_id=pair.case_id,
            asylum_reference=pair.asylum_reference,
            decision=decision,
            decided_by=by.strip(),
            decided_at=now,
            reason=reason.strip(),
            evidence=evidence,
            shares_case=bool(beside.other_records),
            shares_record=bool(beside.other_cases),
        )
    )
    session.flush()


def check_decidable(session: Session, pair: Pair, decision: str, *, by: str, reason: str) -> None:
    """What can be said before anybody has looked at the evidence.

    raises: NotDecidable if there is no such decision, nobody or no reason is named, or the pair was never a match of
        the ledger: a reference that is typed wrongly is somebody else's
    """
    if decision not in REVIEW_DECISIONS:
        raise NotDecidable(f"a decision is one of {', '.join(REVIEW_DECISIONS)}")
    if not by.strip():
        raise NotDecidable("say who decides, with --by")
    if not reason.strip():
        raise NotDecidable("say why, with --reason: what was seen, without names")
    of_case = (Match.host_country == pair.host_country, Match.case_id == pair.case_id)
    if not session.scalar(select(exists().where(*of_case, Match.asylum_reference == pair.asylum_reference))):
        raise NotDecidable("this record was never offered for this case; see python -m include matches")


def accepted_beside(session: Session, pair: Pair) -> Accepted:
    """What else is accepted of this case or of this record, and was not rejected since.

    Another record that only the machine accepted for the case gives way to a person's, unless an office was told by it.
    """
    host = pair.host_country
    by_people = session.execute(
        select(Review.case_id, Review.asylum_reference).where(
            Review.host_country == host,
            Review.superseded_at.is_(None),
            Review.decision == "accept",
            (Review.case_id == pair.case_id) | (Review.asylum_reference == pair.asylum_reference),
        )
    ).all()
    rejected = exists().where(
        Review.host_country == host,
        Review.case_id == Match.case_id,
        Review.asylum_reference == Match.asylum_reference,
        Review.superseded_at.is_(None),
        Review.decision == "reject",
    )
    by_machine = session.execute(
        select(Match.case_id, Match.asylum_reference).where(
            Match.host_country == host,
            Match.ended_on.is_(None),
            Match.decision == "accept",
            (Match.case_id == pair.case_id) | (Match.asylum_reference == pair.asylum_reference),
            ~rejected,
        )
    ).all()
    told = pair.case_id in set(told_cases(session, host))
    records = {reference for case, reference in [*by_people, *(by_machine if told else [])] if case == pair.case_id}
    cases = {case for case, reference in [*by_people, *by_machine] if reference == pair.asylum_reference}
    return Accepted(tuple(sorted(records - {pair.asylum_reference})), tuple(sorted(cases - {pair.case_id})))


def decision_in_force(session: Session, pair: Pair) -> Review | None:
    """The newest decision on the pair, if there ever was one."""
    return session.scalars(
        select(Review)
        .filter_by(host_country=pair.host_country, case_id=pair.case_id, asylum_reference=pair.asylum_reference)
        .where(Review.superseded_at.is_(None))
    ).first()


def history(session: Session, host_country: str, case_id: str) -> list[Review]:
    """Every decision ever taken on the case and any record, oldest first."""
    found = select(Review).filter_by(host_country=host_country, case_id=case_id)
    return list(session.scalars(found.order_by(Review.decided_at, Review.id)))


def in_force(session: Session, host_country: str) -> pd.DataFrame:
    """The decisions that say something: `casework.standings.DECISION_COLUMNS` but for `changed`, and `evidence`.

    `match_probability` and `method` are those of the last time that the machine offered the pair.
    """
    latest = (
        select(Match.case_id, Match.asylum_reference, func.max(Match.id).label("id"))
        .where(Match.host_country == host_country)
        .group_by(Match.case_id, Match.asylum_reference)
        .subquery()
    )
    return table(
        session,
        select(
            Review.case_id,
            Review.asylum_reference,
            Review.decision,
            Review.shares_record,
            Review.evidence,
            Match.probability.label("match_probability"),
            Match.method,
        )
        .join(latest, (latest.c.case_id == Review.case_id) & (latest.c.asylum_reference == Review.asylum_reference))
        .join(Match, Match.id == latest.c.id)
        .where(Review.host_country == host_country, Review.superseded_at.is_(None), Review.decision != "reopen")
        .order_by(Review.id),
    )


def queue(session: Session) -> pd.DataFrame:
    """What waits for a person, as a table: one row for each pair of `waiting`."""
    return table(session, waiting())


def waiting() -> Select[*tuple[Any, ...]]:
    """What waits for a person: the pairs in review of cases that are in their extract, and were not decided since.

    returns: selects one row per pair: id (of the match), host_country, case_id, asylum_reference, probability, status,
        expected_departure_on, departed_on, and of an earlier decision on the pair `decision`, `decided_by`,
        `decided_at`, else None
    """
    newest = newest_reconciliations()
    later = aliased(Review)
    accepted_since = exists().where(
        later.host_country == Match.host_country,
        later.case_id == Match.case_id,
        later.decision == "accept",
        later.superseded_at.is_(None),
        later.decided_at > newest.c.reconciled_at,
    )
    return (
        select(
            Match.id,
            Match.host_country,
            Match.case_id,
            Match.asylum_reference,
            Match.probability,
            Case.status,
            Case.expected_departure_on,
            Case.departed_on,
            Review.decision,
            Review.decided_by,
            Review.decided_at,
        )
        .join(Case, (Case.host_country == Match.host_country) & (Case.case_id == Match.case_id))
        .join(newest, newest.c.host_country == Match.host_country)
        .outerjoin(
            Review,
            (Review.host_country == Match.host_country)
            & (Review.case_id == Match.case_id)
            & (Review.asylum_reference == Match.asylum_reference)
            & Review.superseded_at.is_(None),
        )
        .where(
            Match.decision == "review",
            Match.ended_on.is_(None),
            Case.missing_since.is_(None),
            Review.id.is_(None) | (Review.decision == "reopen") | (Review.decided_at <= newest.c.reconciled_at),
            ~accepted_since,
        )
        .order_by(Match.host_country, Match.case_id, Match.probability.desc(), Match.asylum_reference)
    )


def not_yet_laid_over(session: Session) -> dict[Partition, int]:
    """The newest reconciled partition of each host country that has newer decisions, and how many."""
    newest = newest_reconciliations()
    rows = session.execute(
        select(newest.c.host_country, newest.c.day, func.count())
        .join(Review, Review.host_country == newest.c.host_country)
        .where(Review.decided_at > newest.c.reconciled_at, Review.superseded_at.is_(None))
        .group_by(newest.c.host_country, newest.c.day)
        .order_by(newest.c.host_country)
    )
    return {Partition(host, day): count for host, day, count in rows}
