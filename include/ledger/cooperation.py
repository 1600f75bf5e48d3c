"""What the ledger keeps of the cooperation with UNHCR over a time, as tables of dates and fixed words; nobody is named.

Reach for this for the review of the cooperation. It reads and never writes. Nothing here asks for a name, a reference
of a person, or what somebody wrote: retention erases those, and the tables stay as they are.
"""

import datetime as dt

import pandas as pd
from sqlalchemy import Subquery, case, exists, func, select
from sqlalchemy.orm import Session

from include.ledger.models import (
    Answer,
    Case,
    Concern,
    Delivery,
    Entry,
    Extract,
    List,
    Match,
    Notice,
    Receipt,
    Reconciliation,
    Review,
    Told,
)
from include.ledger.tables import table

_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def told_notices(session: Session, until: dt.datetime) -> pd.DataFrame:
    """Every notice that its office had before `until`, by the first of its channels; in the order of being told.

    returns: one row each: list_id, office, kind, period_to, told_at, entry, host_country, case_id, sequence, notice,
        reason, expected_departure_on, departed_on, lead_days (as `models.Told` has it)
    """
    by_first = _first_deliveries()
    found = table(
        session,
        select(
            List.id.label("list_id"),
            List.office,
            List.kind,
            List.period_to,
            List.told_at,
            Notice.entry,
            Entry.host_country,
            Entry.case_id,
            Notice.sequence,
            Notice.notice,
            Notice.reason,
            Notice.expected_departure_on,
            Notice.departed_on,
            Told.lead_days,
        )
        .join(Notice, Notice.list_id == List.id)
        .join(Entry, Entry.entry == Notice.entry)
        .join(by_first, by_first.c.list_id == List.id)
        .join(Told, (Told.entry == Notice.entry) & (Told.delivery_id == by_first.c.delivery_id))
        .where(List.state == "told", List.told_at < until)
        .order_by(List.told_at, List.id, Notice.entry),
    )
    return found.assign(lead_days=pd.to_numeric(found["lead_days"]).astype("Int64"))


def _first_deliveries() -> Subquery:
    """For each list that an office has (`list_id`) the delivery by which it had it first (`delivery_id`)."""
    return (
        select(List.id.label("list_id"), func.min(Delivery.id).label("delivery_id"))
        .join(Delivery, (Delivery.list_id == List.id) & (Delivery.delivered_at == List.told_at))
        .where(List.state == "told")
        .group_by(List.id)
        .subquery()
    )


def lists(session: Session, until: dt.datetime) -> pd.DataFrame:
    """Every list that was sealed before `until`, and what had become of it by then.

    returns: one row each: list_id, office, kind, state, sealed_at, told_at, voided_at, received_at (when its office
        said that it has it), answered_at (when the first answer to an entry of it came)
    """
    answered = (
        select(Answer.list_id, func.min(Answer.answered_at).label("answered_at"))
        .where(Answer.answered_at < until)
        .group_by(Answer.list_id)
        .subquery()
    )
    return table(
        session,
        select(
            List.id.label("list_id"),
            List.office,
            List.kind,
            List.state,
            List.sealed_at,
            List.told_at,
            case((List.voided_at < until, List.voided_at)).label("voided_at"),
            Receipt.received_at,
            answered.c.answered_at,
        )
        .outerjoin(Receipt, (Receipt.list_id == List.id) & (Receipt.received_at < until))
        .outerjoin(answered, answered.c.list_id == List.id)
        .where(List.sealed_at < until)
        .order_by(List.id),
    )


def hosts_of_lists(session: Session, until: dt.datetime) -> pd.DataFrame:
    """The host countries whose cases are on each list sealed before `until`: list_id, host_country."""
    return table(
        session,
        select(List.id.label("list_id"), Entry.host_country)
        .join(Notice, Notice.list_id == List.id)
        .join(Entry, Entry.entry == Notice.entry)
        .where(List.sealed_at < until)
        .distinct()
        .order_by(List.id, Entry.host_country),
    )


def deliveries(session: Session, since: dt.datetime, until: dt.datetime) -> pd.DataFrame:
    """How the lists that were sealed from `since` until before `until` went.

    returns: one row for each list and channel: delivery_id, list_id, state, attempts, bounced_at
    """
    return table(
        session,
        select(
            Delivery.id.label("delivery_id"), Delivery.list_id, Delivery.state, Delivery.attempts, Delivery.bounced_at
        )
        .join(List, List.id == Delivery.list_id)
        .where(List.sealed_at >= since, List.sealed_at < until)
        .order_by(Delivery.id),
    )


def answers(session: Session, until: dt.datetime) -> pd.DataFrame:
    """Every answer before `until`: list_id, entry, host_country, answered_at, record_closed_on."""
    return table(
        session,
        select(Answer.list_id, Answer.entry, Entry.host_country, Answer.answered_at, Answer.record_closed_on)
        .join(Entry, Entry.entry == Answer.entry)
        .where(Answer.answered_at < until)
        .order_by(Answer.id),
    )


def concerns(session: Session, until: dt.datetime) -> pd.DataFrame:
    """Every concern raised before `until`: entry, host_country, raised_at, closed_at, departed_on (as it was noted)."""
    return table(
        session,
        select(Concern.entry, Entry.host_country, Concern.raised_at, Concern.closed_at, Concern.departed_on)
        .join(Entry, Entry.entry == Concern.entry)
        .where(Concern.raised_at < until)
        .order_by(Concern.id),
    )


def decisions(session: Session, since: dt.datetime, until: dt.datetime) -> pd.DataFrame:
    """Every decision on a match from `since` until before `until`, superseded or not: host_country, decision."""
    taken = select(Review.host_country, Review.decision)
    return table(session, taken.where(Review.decided_at >= since, Review.decided_at < until).order_by(Review.id))


def cases_in_review(session: Session, last: dt.date, until: dt.datetime) -> pd.DataFrame:
    """The cases that waited for a person when the day `last` had been reconciled: host_country, since.

    until: the end of that day; what was decided before it does not wait any more, as in `reviews.queue`
    since: the day from which on the case has been offered without a break, one row for each case
    """
    looked_at = (
        select(func.max(Reconciliation.reconciled_at))
        .where(Reconciliation.host_country == Match.host_country, Reconciliation.reconciled_at < until)
        .correlate(Match)
        .scalar_subquery()
    )
    settled = exists().where(
        Review.host_country == Match.host_country,
        Review.case_id == Match.case_id,
        (Review.decision == "accept")
        | ((Review.decision == "reject") & (Review.asylum_reference == Match.asylum_reference)),
        Review.decided_at < until,
        Review.superseded_at.is_(None) | (Review.superseded_at >= until),
        # What a reconciliation that knew of the decision offers again has other evidence: it waits again.
        Review.decided_at > func.coalesce(looked_at, _LONG_AGO),
    )
    return table(
        session,
        select(Match.host_country, func.min(Match.since).label("since"))
        .join(Case, (Case.host_country == Match.host_country) & (Case.case_id == Match.case_id))
        .where(
            Match.decision == "review",
            Match.since <= last,
            Match.ended_on.is_(None) | (Match.ended_on > last),
            Case.missing_since.is_(None) | (Case.missing_since > last),
            ~settled,
        )
        .group_by(Match.host_country, Match.case_id)
        .order_by(Match.host_country, func.min(Match.since)),
    )


def extracts(session: Session, first: dt.date, last: dt.date) -> pd.DataFrame:
    """The extracts of the days from `first` to `last`, one row for each host country, day and kind.

    returns: host_country, kind, day, first_at (when the first was accepted), turns (how many times one was put in
        force), row_count and quarantined_count of the one in force
    """
    found = table(
        session,
        select(
            Extract.host_country,
            Extract.kind,
            Extract.day,
            Extract.accepted_at,
            Extract.turn,
            Extract.row_count,
            Extract.quarantined_count,
        )
        .where(Extract.day.between(first, last))
        .order_by(Extract.host_country, Extract.day, Extract.kind, Extract.turn),
    )
    return found.groupby(["host_country", "kind", "day"], as_index=False).agg(
        first_at=("accepted_at", "min"),
        turns=("turn", "max"),
        row_count=("row_count", "last"),
        quarantined_count=("quarantined_count", "last"),
    )


def extract_days(session: Session) -> pd.DataFrame:
    """For each host country the first and the last day of which there is an extract: host_country, first, last."""
    return table(
        session,
        select(
            Extract.host_country, func.min(Extract.day).label("first"), func.max(Extract.day).label("last")
        ).group_by(Extract.host_country),
    )


def reconciled_days(session: Session, first: dt.date, last: dt.date) -> pd.DataFrame:
    """The days from `first` to `last` that were reconciled and added up: host_country, day, without_office."""
    return table(
        session,
        select(
            Reconciliation.host_country,
            Reconciliation.day,
            Reconciliation.without_office_count.label("without_office"),
        )
        .where(Reconciliation.day.between(first, last), Reconciliation.added_up_at.is_not(None))
        .order_by(Reconciliation.host_country, Reconciliation.day),
    )
