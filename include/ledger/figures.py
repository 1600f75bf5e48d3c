"""What can be counted of the ledger without naming anybody: what is owed, how early entries were told, what waits.

Reach for this for reports, alerts and metrics. It reads and never writes.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.ledger.models import Delivery, List
from include.ledger.outbox import OWED


@dataclass(frozen=True)
class Owed:
    """A list that one channel of its office is not known to have."""

    office: str
    list_number: str
    via: str
    """sftp or email"""
    state: str
    attempts: int
    due_at: dt.datetime
    sealed_at: dt.datetime

    def __str__(self) -> str:
        return f"{self.list_number} via {self.via} ({self.state}, tried {self.attempts} times)"


def owed(session: Session, office: str | None = None) -> list[Owed]:
    """Every list that some channel still owes, oldest first; of one office, or of all."""
    statement = select(List, Delivery).join(Delivery, Delivery.list_id == List.id).where(Delivery.state.in_(OWED))
    if office:
        statement = statement.where(List.office == office)
    return [
        Owed(
            office=found.office,
            list_number=found.list_number,
            via=_via(delivery),
            state=delivery.state,
            attempts=delivery.attempts,
            due_at=found.due_at,
            sealed_at=found.sealed_at,
        )
        for found, delivery in session.execute(statement.order_by(List.sealed_at, List.id, Delivery.id))
    ]


def _via(delivery: Delivery) -> str:
    return delivery.channel.partition(":")[0]
