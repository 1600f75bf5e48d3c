"""Has every office been told, in time, of everyone; what needs a person now?"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from include.arrangements.reading import in_force_at
from include.board.arranged import Arranged, arranged
from include.board.lateness import told_late
from include.ledger import board, clearances, figures, responses
from include.ledger.board import HostDay, Sent
from include.ledger.engine import reading
from include.ledger.figures import Owed
from include.ledger.models import STANDINGS
from include.reports.clearances import WaitingCase, cases_that_wait
from include.reports.figures import days_missing
from include.reports.overdue import Late, what_is_overdue
from include.settings import last_day

BUCKETS = ("left", "near", "week", "later", "undated")
"""By days to the departure: has left, at most 3 (or over), at most 7, more, none expected."""


@dataclass(frozen=True)
class Host:
    """A host country: what came of it, and what became of its cases."""

    host_country: str
    newest: HostDay | None
    days_missing: int
    """Days that should be reconciled by now."""

    @property
    def standings(self) -> dict[str, int]:
        """Cases by standing on the newest reconciled day."""
        reconciled = self.newest.reconciled if self.newest else None
        return {one: reconciled.counts.get(one, 0) for one in STANDINGS} if reconciled else {}

    @property
    def adds_up(self) -> bool:
        """Whether every row of the extract that it was reconciled from has a standing."""
        reconciled = self.newest.reconciled if self.newest else None
        return reconciled is not None and reconciled.added_up_at is not None

    @property
    def without_office(self) -> int:
        """Cases to be told that no office covers."""
        reconciled = self.newest.reconciled if self.newest else None
        return reconciled.without_office_count if reconciled else 0


@dataclass(frozen=True)
class Office:
    """An office: its newest list, its next one, and what is late."""

    office: str
    name: str
    hosts: Sequence[str]
    next_list: dt.datetime | None
    last: Sent | None
    owed: Sequence[Owed]
    late: Sequence[Late]
    told_late: dt.timedelta | None
    """How long after it was due its newest list was with it; none where that was in time."""
    silent: int
    """Lists that it has and has not said to have, of which it was reminded or IOM was told."""
    concerns: int


@dataclass(frozen=True)
class Today:
    """The answer, in rows of host countries and offices."""

    at: dt.datetime
    hosts: Sequence[Host]
    offices: Sequence[Office]
    concerns: Mapping[str, int]
    reviews: Mapping[str, int]
    clearances: Sequence[WaitingCase]
    """Cases at which somebody must look before their office is told, those first whose notice goes first."""

    @property
    def needs(self) -> dict[str, int]:
        """What needs a person now, by kind; empty if nothing does."""
        found = {
            "offices_late": sum(bool(one.late) for one in self.offices),
            "hosts_behind": sum(bool(one.days_missing) for one in self.hosts),
            "without_office": sum(one.without_office for one in self.hosts),
            "clearances": len(self.clearances),
            "concerns": sum(self.concerns.values()),
            "reviews": sum(self.reviews.values()),
            "silent": sum(one.silent for one in self.offices),
        }
        return {what: count for what, count in found.items() if count}

    @property
    def behind(self) -> dict[str, list[str]]:
        """For each office its host countries that are behind."""
        missing = {one.host_country for one in self.hosts if one.days_missing}
        return {one.office: sorted(missing.intersection(one.hosts)) for one in self.offices}

    @property
    def told_late(self) -> int:
        """Offices whose newest list was told late."""
        return sum(one.told_late is not None for one in self.offices)

    @property
    def all_told(self) -> bool:
        """Whether every office has been told of everyone, though its newest list may have been late.

        Who is in review shortly before the departure may be somebody who should have been told: it is not known.
        """
        return not self.needs.keys() & {"offices_late", "hosts_behind", "without_office"} and not self.reviews["near"]


def today(now: dt.datetime) -> Today:
    """How it stands at `now`."""
    known = arranged()
    newest = known.newest(now)
    with reading() as session:
        hosts = board.host_days(session)
        lists = board.newest_lists(session)
        owed = figures.owed(session)
        late = what_is_overdue(session, known.offices, now)
        concerns = responses.open_concerns(session)
        chased = board.chased(session)
        waiting = board.waiting(session)
        uncleared = clearances.waiting(session)
    end = last_day()
    until = min(now, end) if end else now
    named = sorted({source.host_country for source in known.sources} | set(hosts))
    offices = sorted({*newest, *lists, *(one.office for one in owed)})
    doubted = Counter(one.office for one in concerns)
    return Today(
        at=now,
        hosts=[_host(known, host, hosts.get(host), until) for host in named],
        offices=[
            Office(
                office=office,
                name=newest[office].name if office in newest else office,
                hosts=newest[office].host_countries if office in newest else (),
                next_list=known.next_list(office, now) if office in newest else None,
                last=lists.get(office),
                owed=[one for one in owed if one.office == office],
                late=[one for one in late if one.office == office],
                told_late=_told_late(known, lists.get(office)),
                silent=chased[office],
                concerns=doubted[office],
            )
            for office in offices
        ],
        concerns=buckets((one.departed_on, one.days_left(known.today(one.office, now))) for one in concerns),
        reviews=buckets(_cases(waiting, now)),
        clearances=cases_that_wait(uncleared, newest, now),
    )


def _told_late(known: Arranged, last: Sent | None) -> dt.timedelta | None:
    if last is None:
        return None
    then = in_force_at(known.offices.get(last.list.office, ()), last.list.due_at)
    return told_late(last.list, last.ready_at, then)


def _host(known: Arranged, host: str, newest: HostDay | None, until: dt.datetime) -> Host:
    sources = known.sources_of(host)
    reconciled = newest.reconciled if newest and newest.reconciled and newest.reconciled.added_up_at else None
    missing = days_missing(sources, reconciled.day if reconciled else None, until) if sources else 0
    return Host(host, newest, missing)


def _cases(waiting: Sequence[board.Waiting], now: dt.datetime) -> Iterable[tuple[dt.date | None, int | None]]:
    """One for each case, however many records may be its own."""
    cases = {(one.host_country, one.case_id): one for one in waiting}
    return ((one.departed_on, one.days_left(now.date())) for one in cases.values())


def buckets(departures: Iterable[tuple[dt.date | None, int | None]]) -> dict[str, int]:
    """How many departures there are in each of BUCKETS. departures: departed_on, and days left"""
    counted = Counter(bucket(departed, left) for departed, left in departures)
    return {name: counted[name] for name in BUCKETS}


def bucket(departed_on: dt.date | None, days_left: int | None) -> str:
    """Which of BUCKETS a departure is in."""
    if departed_on:
        return "left"
    if days_left is None:
        return "undated"
    return "near" if days_left <= 3 else "week" if days_left <= 7 else "later"
