"""Cases of finally rejected people, and the months in which they were counted. A month is counted once.

Reach for this to see what the summary of rejected cases stands on. Of a counted month nothing but sums is kept.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.ledger.models import Case, CountedMonth, Match, ProcedureRecord, Standing
from include.ledger.tables import table


def rejected_cases(session: Session, host_countries: Collection[str]) -> pd.DataFrame:
    """Every case of these host countries that was ever `rejected`, whatever became of it since.

    returns: host_country, iom_office, nationality, destination_country, sex, date_of_birth, registered_on, outcome_on
        (of the record in force, none where there is none), since (the first extract day on which it was rejected)
    """
    first = (
        select(Standing.host_country, Standing.case_id, func.min(Standing.since).label("since"))
        .where(Standing.standing == "rejected", Standing.host_country.in_(host_countries))
        .group_by(Standing.host_country, Standing.case_id)
        .subquery()
    )
    return table(
        session,
        select(
            Case.host_country,
            Case.iom_office,
            Case.nationality,
            Case.destination_country,
            Case.sex,
            Case.date_of_birth,
            Case.registered_on,
            ProcedureRecord.outcome_on,
            first.c.since,
        )
        .join(first, (first.c.host_country == Case.host_country) & (first.c.case_id == Case.case_id))
        .outerjoin(
            Match,
            (Match.host_country == Case.host_country)
            & (Match.case_id == Case.case_id)
            & (Match.decision == "accept")
            & Match.ended_on.is_(None),
        )
        .outerjoin(
            ProcedureRecord,
            (ProcedureRecord.host_country == Match.host_country)
            & (ProcedureRecord.asylum_reference == Match.asylum_reference),
        ),
    )


def counted_months(session: Session, coverage: str) -> list[CountedMonth]:
    """The months that were counted for this coverage, in order."""
    return list(session.scalars(select(CountedMonth).filter_by(coverage=coverage).order_by(CountedMonth.month)))


def keep_month(
    session: Session, coverage: str, month: str, counts: list[Any], as_of: dict[str, str | None], now: dt.datetime
) -> None:
    """Keep the counts of a month, for good. counts: kind, key and count of each"""
    session.add(CountedMonth(coverage=coverage, month=month, counts=counts, as_of=as_of, counted_at=now))
    session.flush()
