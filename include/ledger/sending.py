"""What becomes of one delivery, of a list or of a paper: tried, failed, arrived, come back.

Reach for this to see the states of a delivery. `outbox` and `papers` find the row and lock it, and say what follows for
what it carried.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from include.ledger.models import FileAsSent, Sending

OWED = ("queued", "unknown", "refused")
"""The states of a delivery whose list or paper the other side is not known to have."""


@dataclass(frozen=True)
class Parcel:
    """The files of one list or paper for one channel, in the order in which they go; it itself is last."""

    channel: str
    cover: dict[str, str]
    """subject and body of the email that carries it; empty where none is needed"""
    files: tuple[tuple[str, bytes, str], ...]
    """name, content, SHA-256 of the content"""


def queue_up(session: Session, delivery: Sending, file: type[FileAsSent], parcel: Parcel) -> None:
    """Store what goes over one channel. delivery: new, and knows what it carries; file: the table of its files"""
    delivery.channel, delivery.cover, delivery.state = parcel.channel, parcel.cover, "queued"
    session.add(delivery)
    session.flush()
    session.add_all(
        file(delivery_id=delivery.id, position=position, name=name, content=content, sha256=sha256)  # type: ignore[call-arg]
        for position, (name, content, sha256) in enumerate(parcel.files)
    )


def try_it(delivery: Sending, now: dt.datetime) -> None:
    """Note before sending that it is being tried: a crash from here on leaves the outcome unknown, not forgotten."""
    delivery.attempts += 1
    delivery.last_attempt_at = now
    delivery.state = "unknown"


def arrive(delivery: Sending, proof: dict[str, Any], now: dt.datetime) -> bool:
    """Note that the other side has it; whether that is news."""
    if delivery.state == "delivered":
        return False
    delivery.state, delivery.delivered_at, delivery.proof, delivery.last_error = "delivered", now, proof, None
    return True


def come_back(delivery: Sending, came_back: Mapping[str, str], now: dt.datetime) -> bool:
    """Note whom it did not reach; whether it reached nobody by now: then it is owed again, and waits for a person.

    came_back: as `outbox.record_bounce` has it
    """
    if delivery.state != "delivered":  # it is known already, or a person saw to it meanwhile
        return False
    proof = delivery.proof or {}
    proof = proof | {"came_back": proof.get("came_back", {}) | came_back}
    delivery.proof, delivery.bounced_at = proof, now
    if len(proof["came_back"]) < proof["accepted"]:
        return False
    codes = ", ".join(sorted(set(proof["came_back"].values())))
    delivery.state, delivery.delivered_at, delivery.last_error = "refused", None, f"came back ({codes})"
    return True


def go_once_more(deliveries: Iterable[Sending]) -> None:
    """Queue deliveries again that came back, or did not reach every recipient."""
    for delivery in deliveries:
        delivery.state, delivery.delivered_at, delivery.bounced_at = "queued", None, None


def missed_somebody(delivery: Sending) -> bool:
    """Whether it came back, or was delivered to some of its recipients only: it may go once more."""
    came_back = delivery.bounced_at is not None
    return came_back or (delivery.state == "delivered" and bool((delivery.proof or {}).get("refused")))


def who_was_missed(delivery: Sending) -> str | None:
    """How many of its recipients it did not reach, and by which codes; None where it reached every one."""
    proof = delivery.proof or {}
    refused, came_back = proof.get("refused", 0), proof.get("came_back", {})
    if not refused and not came_back:
        return None
    everyone = proof["accepted"] + refused
    codes = ", ".join(sorted({*filter(None, [proof.get("refused_with")]), *came_back.values()}))
    return f"{refused + len(came_back)} of {everyone} recipients: {codes}"
