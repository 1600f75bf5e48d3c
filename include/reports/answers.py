"""What of the way back needs somebody now: concerns, lists that nobody says to have, records still open.

Reach for this to see when a concern is told again, when an office is reminded, and when IOM's focal point hears.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from include.arrangements.calendar import working_days_between
from include.arrangements.models import Arrangement
from include.arrangements.reading import load_offices, newest_at
from include.ledger import responses
from include.ledger.engine import reading
from include.ledger.responses import OpenConcern, Silent, StillOpen, WithoutNews
from include.settings import arrangements_folder

NEARER = (7, 3, 2, 1, 0)
"""Days before the departure at which a concern that stands is told again."""
TOLD_AGAIN_AFTER = 3
"""Days after which a concern that stands is told again, however far the departure is."""
NEWS_WITHIN = 2
"""Working days after an expected departure within which its status should have come."""
ASKED_AGAIN_AFTER = dt.timedelta(days=7)
CLOSE_BY = 3
"""Days before the departure from which on it is told every day, and after it."""


class ConcernsNeedSomebody(RuntimeError):
    """Concerns stand of people who leave within days, or have left; the message names lists and days, nobody."""


class OfficesAreSilent(RuntimeError):
    """Lists of which nobody has said to have them, though their office was reminded; the message names them."""


@dataclass(frozen=True)
class Standing:
    """A concern that stands: whose it is, and the days left on the office's calendar today."""

    concern: OpenConcern
    arrangement: Arrangement | None
    days_left: int | None

    @property
    def when(self) -> str:
        """How near the departure is."""
        one = self.concern
        if one.departed_on:
            return f"has LEFT on {one.departed_on} although it stood"
        if self.days_left is None:
            return "no departure is expected now"
        if self.days_left < 0:
            return f"the expected departure was {-self.days_left} days ago, and no news has come"
        return f"{self.days_left} days to the expected departure on {one.expected_departure_on}"

    def __str__(self) -> str:
        """For logs and the UI, where not even an entry's reference belongs."""
        return f"{self.concern.office}, a concern on list {self.concern.list_number}: {self.when}"


def standing_concerns(now: dt.datetime) -> list[Standing]:
    """Every concern that stands, nearest departure first."""
    offices = _newest(now)
    with reading() as session:
        found = responses.open_concerns(session)
    standing = []
    for concern in found:
        arrangement = offices.get(concern.office)
        today = now.astimezone(ZoneInfo(arrangement.timezone) if arrangement else dt.UTC).date()
        standing.append(Standing(concern, arrangement, concern.days_left(today)))
    return standing


def concerns_to_tell(now: dt.datetime) -> list[Standing]:
    """Concerns that IOM's focal point must hear of now: new, nearer to the departure, departed, or standing long."""
    return [one for one in standing_concerns(now) if _must_be_told(one, now)]


def _must_be_told(one: Standing, now: dt.datetime) -> bool:
    told_at, before, left = one.concern.told_at, one.concern.told_days_left, one.days_left
    if told_at is None or (one.concern.departed_on and not one.concern.departure_recorded):
        return True
    if left is not None and (before is None or _nearness(left) > _nearness(before)):
        return True
    close = one.concern.departed_on is not None or (left is not None and left <= CLOSE_BY)
    zone = ZoneInfo(one.arrangement.timezone) if one.arrangement else dt.UTC
    days = (now.astimezone(zone).date() - told_at.astimezone(zone).date()).days
    return days >= (1 if close else TOLD_AGAIN_AFTER)


def _nearness(days_left: int) -> int:
    return sum(days_left <= step for step in NEARER)


def check_concerns(now: dt.datetime) -> list[str]:
    """Every concern that stands, in words.

    raises: ConcernsNeedSomebody if the person has left, or leaves within three days
    """
    standing = standing_concerns(now)
    urgent = [
        one for one in standing if one.concern.departed_on or (one.days_left is not None and one.days_left <= CLOSE_BY)
    ]
    if urgent:
        raise ConcernsNeedSomebody("; ".join(map(str, urgent)) + ": python -m include concerns")
    return list(map(str, standing))


@dataclass(frozen=True)
class Chase:
    """Lists of one office to be reminded of, and those to be told to IOM's focal point."""

    arrangement: Arrangement
    remind: Sequence[Silent]
    escalate: Sequence[Silent]


def lists_to_chase(now: dt.datetime) -> list[Chase]:
    """By office, the lists that it should have said to have by now; after as long again IOM's focal point hears.

    Who has nobody to be reminded is told to the focal point at once.
    """
    with reading() as session:
        silent = responses.silent_lists(session)
    found = []
    for office, arrangement in _newest(now).items():
        patience, has_nobody = arrangement.answers.within.days, not arrangement.answers.remind
        late = [
            one for one in silent if one.office == office and _working_days(arrangement, one.told_at, now) > patience
        ]
        remind = [one for one in late if one.reminded_at is None and not has_nobody]
        escalate = [
            one
            for one in late
            if one.escalated_at is None
            and (has_nobody or (one.reminded_at and _working_days(arrangement, one.reminded_at, now) > patience))
        ]
        if remind or escalate:
            found.append(Chase(arrangement, remind, escalate))
    return found


def check_offices_answer() -> None:
    """raises: OfficesAreSilent, with the lists that IOM's focal point had to be told of"""
    with reading() as session:
        silent = [one.list_number for one in responses.silent_lists(session) if one.escalated_at]
    if silent:
        raise OfficesAreSilent(f"nobody has said to have {', '.join(silent)}; python -m include received LIST --by WHO")


def records_to_close(now: dt.datetime) -> list[tuple[Arrangement, list[StillOpen]]]:
    """By office, the entries whose record it should have closed, or that it should have erased, and has not said so."""
    with reading() as session:
        entries = responses.still_open(session)
    found = []
    for office, arrangement in _newest(now).items():
        patience = dt.timedelta(days=arrangement.answers.close_within.days)
        late = [one for one in entries if one.office == office and (one.reminded_at or one.told_at) + patience <= now]
        if late:
            found.append((arrangement, late))
    return found


def departures_to_ask_about(now: dt.datetime) -> list[tuple[Arrangement, list[WithoutNews]]]:
    """By office, expected departures of which the extracts of two working days later say nothing; weekly again.

    An extract that has not come is no silence about a person: counted is to the newest day that is known.
    """
    with reading() as session:
        entries = responses.without_news(session)
    found = []
    for office, arrangement in _newest(now).items():
        silent = [
            one
            for one in entries
            if one.office == office
            and working_days_between(arrangement.list, one.expected_departure_on, one.known_on) >= NEWS_WITHIN
            and (one.asked_at is None or now - one.asked_at >= ASKED_AGAIN_AFTER)
        ]
        if silent:
            found.append((arrangement, silent))
    return found


def _working_days(arrangement: Arrangement, since: dt.datetime, now: dt.datetime) -> int:
    zone = ZoneInfo(arrangement.timezone)
    return working_days_between(arrangement.list, since.astimezone(zone).date(), now.astimezone(zone).date())


def _newest(now: dt.datetime) -> dict[str, Arrangement]:
    return newest_at(load_offices(arrangements_folder())[0], now)
