"""A new or changed address gets a test message first, and nothing else before its answer, or a person vouched.

The message is sealed as what follows will be and holds a code: who can say the code has got the file and opened it.
"""

import datetime as dt
from collections.abc import Callable, Sequence

from include.arrangements.models import Addressee, Channel
from include.delivery.outcomes import Delivered, DeliveryFailed, DeliveryRefused, DeliveryUnknown
from include.ledger import recipients
from include.ledger.engine import reading, writing
from include.ledger.outbox import fresh_reference
from include.lists.document import RenderedFile
from include.lists.trial import render_trial

Sends = Callable[[str, str, Sequence[tuple[str, bytes]]], Delivered]
"""Sends subject, body and files over one channel."""
Seals = Callable[[RenderedFile], Sequence[tuple[str, bytes]]]
"""Seals a file as the channel has it: name and content of each file that goes, in order."""


def admit(
    to: Addressee,
    channel: Channel,
    address: str,
    *,
    seal: Seals,
    send: Sends,
    now: dt.datetime,
) -> str | None:
    """None where `address` may be sent to over `channel`; else why not, after a test message was sent if need be.

    address: a keyed hash of what the channel leads to; another one is another address
    """
    with reading() as session:
        found = recipients.known(session, to.code, channel.key, address)
    if found is not None and found.confirmed_at is not None:
        return None
    waits = f"waits until {to.code} answers its test message: python -m include confirm {to.code} CODE"
    if found is not None and found.proof is not None:
        return waits
    code = fresh_reference()
    file, subject, body = render_trial(to, code, now)
    sealed = seal(file)
    with writing() as session:
        recipients.begin_test(session, to.code, channel.key, address, code, now)
    try:
        outcome = send(subject, body, sealed)
    except (DeliveryFailed, DeliveryUnknown, DeliveryRefused) as error:
        return f"its test message did not get there: {error}"
    with writing() as session:
        recipients.record_test(session, to.code, channel.key, address, outcome.proof)
    return waits
