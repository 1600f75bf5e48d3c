"""Was a list late, and why: the way from the moment when it was due to its office, stretch by stretch.

Reach for `way` with what the ledger knows of a list. Every stretch has one thing that was waited for, and the longest
one is why a list was late.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.arrangements.models import Arrangement
from include.ledger.board import Came, WholeList
from include.ledger.models import Attempt, Delivery, List, Recipient
from include.settings import late_after

WHATS = (
    "extract", "no_extract", "reconcile", "approve", "compose", "address", "start", "queued", "refused", "unknown",
    "came_back", "bring",
)  # fmt: skip
"""What can be waited for, in this order: an extract; one that did not come as long as the arrangement waits; the
reconciliation; a person's word; the list itself; the answer to a test message; a first attempt; a server that was not
reached, that refused, or of which nobody knows what it did; a person, since it came back; the sending itself."""


@dataclass(frozen=True)
class Stretch:
    """What was waited for, from when to when; `of` are host countries, or the channel."""

    what: str
    since: dt.datetime
    until: dt.datetime
    of: tuple[str, ...] = ()

    @property
    def lasted(self) -> dt.timedelta:
        return self.until - self.since


@dataclass(frozen=True)
class Way:
    """The way of one list from `since`, when it was due, to `until`: when its office had it, or now."""

    since: dt.datetime
    until: dt.datetime
    allowed: dt.timedelta
    stretches: Sequence[Stretch]

    @property
    def late_by(self) -> dt.timedelta | None:
        """How long after it was due; None where that is not late."""
        return self.until - self.since if self.until - self.since > self.allowed else None

    @property
    def reason(self) -> Stretch | None:
        """The longest stretch, which is why it was late; None where it was not."""
        return max(self.stretches, key=lambda one: one.lasted, default=None) if self.late_by else None


def told_late(one: List, ready_at: dt.datetime | None, arrangement: Arrangement | None) -> dt.timedelta | None:
    """How long after it was due its office had the list; None where that is not late, or where it has it not.

    ready_at: when what the list knows was reconciled, where that is known
    """
    since, allowed = _due(one, ready_at, arrangement)
    return one.told_at - since if one.told_at and one.told_at - since > allowed else None


def _due(one: List, ready_at: dt.datetime | None, arrangement: Arrangement | None) -> tuple[dt.datetime, dt.timedelta]:
    """From when on a list was due, and how long it may take. An urgent one is due when its day is reconciled."""
    if one.kind == "urgent":
        return ready_at or one.sealed_at, late_after()
    return one.due_at, late_after() + (arrangement.list.wait if arrangement else dt.timedelta())


def way(whole: WholeList, arrangement: Arrangement | None, expected: Mapping[str, dt.date], now: dt.datetime) -> Way:
    """The way of a list that is told, void or still to be brought.

    arrangement: with its office, at that time
    expected: for each host country the day that the list should have known
    """
    one = whole.list
    since, allowed = _due(one, whole.ready_at, arrangement)
    until = one.told_at or one.voided_at or now
    # What came before it was due kept nobody waiting; what is on its way keeps somebody until now.
    stretches, reached = [], since
    for what, at, of in [*_made(whole, since, expected), *_brought(whole, until)]:
        ended = min(at, until)
        if ended > reached:
            stretches.append(Stretch(what, reached, ended, of))
            reached = ended
    return Way(since, until, allowed, stretches)


_Step = tuple[str, dt.datetime, tuple[str, ...]]
"""What was waited for, when that ended, and of whom it was waited for."""


def _made(whole: WholeList, since: dt.datetime, expected: Mapping[str, dt.date]) -> list[_Step]:
    """What a list waits for until it is sealed."""
    one, steps = whole.list, []
    if one.kind == "scheduled":
        for what, moments in (
            ("extract", {came.host_country: came.extracts_at for came in whole.came}),
            ("reconcile", {came.host_country: came.reconciled_at for came in whole.came}),
        ):
            late = {host: at for host, at in moments.items() if at and at > since}
            if late:
                steps.append((what, max(late.values()), tuple(sorted(late))))
    absent = tuple(came.host_country for came in whole.came if _is_behind(came, expected))
    if whole.approval:
        # It was asked for at once when the list could be made.
        steps.append(("approve", whole.approval.decided_at, (whole.approval.decided_by,)))
    steps.append(
        ("no_extract", one.sealed_at, absent) if absent and not whole.approval else ("compose", one.sealed_at, ())
    )
    return steps


def _is_behind(came: Came, expected: Mapping[str, dt.date]) -> bool:
    return came.host_country in expected and (came.day is None or came.day < expected[came.host_country])


def _brought(whole: WholeList, until: dt.datetime) -> list[_Step]:
    """What a sealed list waits for, on the channel by which its office had it first, or on the first that was tried."""
    if not whole.deliveries:
        return []
    first_had = [
        both for both in whole.deliveries if both[0].delivered_at and both[0].delivered_at == whole.list.told_at
    ]
    tried = [both for both in whole.deliveries if both[1]]
    delivery, attempts = [*first_had, *tried, *whole.deliveries][0]
    steps = _opened(whole.recipients.get(delivery.channel), until)
    return [*steps, *_tried(delivery, attempts, until)]


def _opened(recipient: Recipient | None, until: dt.datetime) -> list[_Step]:
    """That a channel's test message was answered, if it had to be waited for."""
    return [] if recipient is None else [("address", recipient.confirmed_at or until, ())]


def _tried(delivery: Delivery, attempts: Sequence[Attempt], until: dt.datetime) -> list[_Step]:
    via = (delivery.channel.partition(":")[0],)
    if not attempts:
        return [("start", until, via)]
    steps: list[_Step] = [("start", attempts[0].at, via)]
    # Until the next attempt it is waited for what stopped the one before.
    following = [*(one.at for one in attempts[1:]), until]
    for attempt, ended in zip(attempts, following, strict=True):
        if attempt.outcome == "delivered":
            steps.append(("bring", delivery.delivered_at or delivery.bounced_at or ended, via))
        elif steps[-1][0] == attempt.outcome:
            steps[-1] = (attempt.outcome, ended, via)
        else:
            steps.append((attempt.outcome, ended, via))
    if delivery.bounced_at:
        steps.append(("came_back", until, via))
    return steps
