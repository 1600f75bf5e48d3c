"""Which addresses are known to be the right ones. A list goes to no other.

Reach for this to see who waits for the answer to a test message, and to note that it came.
"""

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.ledger.models import Recipient


class NotWaiting(ValueError):
    """No address of this office waits for that answer."""


def known(session: Session, office: str, channel: str, address: str) -> Recipient | None:
    """What is known of this address, or None where it never had a test message."""
    return session.get(Recipient, (office, channel, address))


def begin_test(session: Session, office: str, channel: str, address: str, code: str, now: dt.datetime) -> None:
    """Note, before it is sent, the code of a test message. An earlier one, whose sending failed, counts no more."""
    found = session.get(Recipient, (office, channel, address), with_for_update=True)
    if found is None:
        session.add(Recipient(office=office, channel=channel, address=address, code=code, tested_at=now))
    else:
        found.code, found.tested_at, found.proof = code, now, None


def record_test(session: Session, office: str, channel: str, address: str, proof: dict[str, Any]) -> None:
    """Note that the test message is with the other side."""
    session.get_one(Recipient, (office, channel, address)).proof = proof


def confirm(session: Session, office: str, code: str | None, by: str, now: dt.datetime) -> list[str]:
    """Note that the office answered with this code; without a code, that `by` vouches for every address that waits.

    returns: the channels that are open now
    raises: NotWaiting
    """
    waits = select(Recipient).filter_by(office=office, confirmed_at=None).with_for_update()
    if code is not None:
        waits = waits.filter_by(code=code.strip().upper())
    found = list(session.scalars(waits.order_by(Recipient.channel)))
    if not found:
        said = "waits for that code" if code else "waits for an answer"
        raise NotWaiting(f"no address of {office} {said}; python -m include check --office {office} --connect tests it")
    for recipient in found:
        recipient.confirmed_at = now
        recipient.confirmed_by = f"the office's answer, taken by {by}" if code else by
    return [recipient.channel for recipient in found]
