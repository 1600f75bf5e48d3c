"""What can be counted of the ledger without naming anybody: what is owed, how early entries were told, what waits.

Reach for this for reports, alerts and metrics. It reads and never writes.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.ledger import intake, reviews
from include.ledger.models import Delivery, Extract, List, Notice, Paper, PaperDelivery, Reconciliation, Sending, Told
from include.ledger.sending import OWED


@dataclass(frozen=True)
class Owed:
    """A list, or a paper, that one channel of its addressee is not known to have."""

    office: str
    """Or whom the paper is addressed to."""
    list_number: str
    via: str
    """sftp or email"""
    state: str
    attempts: int
    due_at: dt.datetime
    sealed_at: dt.datetime
    came_back: str | None
    """What the mail server said that could not deliver it, hours after it had taken it."""

    def __str__(self) -> str:
        return f"{self.list_number} via {self.via} ({self.state}, tried {self.attempts} times)"


def owed(session: Session, office: str | None = None) -> list[Owed]:
    """Every list that some channel still owes, oldest first; of one office, or of all."""
    statement = select(List, Delivery).join(Delivery, Delivery.list_id == List.id).where(Delivery.state.in_(OWED))
    if office:
        statement = statement.where(List.office == office)
    rows = session.execute(statement.order_by(List.sealed_at, List.id, Delivery.id))
    return [_owed(found.office, found, found.due_at, delivery) for found, delivery in rows]


def owed_papers(session: Session) -> list[Owed]:
    """As `owed`, every paper; it is due when it is sealed."""
    statement = select(Paper, PaperDelivery).join(PaperDelivery, PaperDelivery.paper_id == Paper.id)
    owing = statement.where(PaperDelivery.state.in_(OWED)).order_by(Paper.sealed_at, Paper.id, PaperDelivery.id)
    return [_owed(found.addressee, found, found.sealed_at, delivery) for found, delivery in session.execute(owing)]


def _owed(office: str, found: List | Paper, due_at: dt.datetime, delivery: Sending) -> Owed:
    return Owed(
        office=office,
        list_number=found.number_text,
        via=_via(delivery),
        state=delivery.state,
        attempts=delivery.attempts,
        due_at=due_at,
        sealed_at=found.sealed_at,
        came_back=delivery.last_error if delivery.bounced_at else None,
    )


@dataclass(frozen=True)
class Tried:
    """A delivery as its last attempt left it."""

    via: str
    state: str


def tried_since(session: Session, office: str, since: dt.datetime) -> list[Tried]:
    """The office's deliveries that were tried at `since` or later."""
    statement = select(Delivery).join(List, List.id == Delivery.list_id)
    tried = session.scalars(statement.where(List.office == office, Delivery.last_attempt_at >= since))
    return [Tried(_via(delivery), delivery.state) for delivery in tried]


@dataclass(frozen=True)
class FirstTold:
    """A list that its office, by the first of its channels, has since a moment."""

    kind: str
    after: dt.timedelta
    """From the due moment to the moment at which the office had it."""
    lead_days: tuple[int, ...]
    """For each entry that was told for the first time: days from that day to the (expected) departure; negative where
    the person had left by then. Entries without a date have none."""


def told_since(session: Session, office: str, since: dt.datetime) -> list[FirstTold]:
    """The lists that the office has since `since`, or later."""
    found = []
    for told in session.scalars(select(List).where(List.office == office, List.told_at >= since).order_by(List.id)):
        assert told.told_at is not None  # noqa: S101  (for the type checker: asked for above)
        first = select(func.min(Told.delivery_id)).where(Told.list_id == told.id, Told.told_at == told.told_at)
        days = session.scalars(
            select(Told.lead_days)
            .join(Notice, (Notice.list_id == Told.list_id) & (Notice.entry == Told.entry))
            .where(Told.list_id == told.id, Told.delivery_id == first.scalar_subquery(), Notice.sequence == 1)
        )
        found.append(FirstTold(told.kind, told.told_at - told.due_at, tuple(day for day in days if day is not None)))
    return found


def standings(session: Session) -> dict[str, dict[str, int]]:
    """For each host country how many rows of its newest reconciled day have which standing."""
    newest = intake.newest_added_up()
    rows = session.execute(
        select(Reconciliation.host_country, Reconciliation.counts).join(
            newest, (newest.c.host_country == Reconciliation.host_country) & (newest.c.day == Reconciliation.day)
        )
    )
    return {host: counts for host, counts in rows}  # noqa: C416  (rows are not tuples to mypy)


def quarantined(session: Session) -> dict[tuple[str, str], int]:
    """For each host country and kind how many rows of its newest extract are in quarantine."""
    extracts = session.execute(
        select(Extract.host_country, Extract.kind, Extract.quarantined_count).order_by(Extract.day, Extract.turn)
    )
    return {(host, kind): count for host, kind, count in extracts}


@dataclass(frozen=True)
class InQuarantine:
    """How much of one extract is in quarantine."""

    day: dt.date
    rows: int
    quarantined: int

    @property
    def share_quarantined(self) -> float:
        return self.quarantined / self.rows if self.rows else 0.0


def newest_two_extracts(session: Session) -> dict[tuple[str, str], tuple[InQuarantine, InQuarantine | None]]:
    """For each host country and kind its newest extract and that of the day before it, where there is one."""
    extracts = session.scalars(select(Extract).order_by(Extract.day, Extract.turn))
    days: dict[tuple[str, str], dict[dt.date, InQuarantine]] = {}
    for one in extracts:
        in_force = InQuarantine(one.day, one.row_count, one.quarantined_count)
        days.setdefault((one.host_country, one.kind), {})[one.day] = in_force
    newest = {whose: list(found.values())[-2:] for whose, found in days.items()}
    return {whose: (found[-1], found[-2] if len(found) > 1 else None) for whose, found in newest.items()}


def cases_in_review(session: Session) -> dict[str, int]:
    """For each host country how many cases wait for a person; none where none waits."""
    waiting = reviews.queue(session)
    counted = waiting.groupby("host_country")["case_id"].nunique()
    return {str(host): int(count) for host, count in counted.items()}


def _via(delivery: Sending) -> str:
    return delivery.channel.partition(":")[0]
