"""What each page beside Today shows: an office, a list, timeliness. Counts and references; nothing here is a name."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from include.arrangements.calendar import Due, due_lists
from include.arrangements.models import Arrangement
from include.arrangements.reading import version
from include.board.arranged import arranged
from include.board.charts import Point
from include.ledger import board
from include.ledger.board import Sent, WholeList
from include.ledger.engine import reading
from include.ledger.models import NOTICES
from include.settings import last_day

SHOWN_LISTS = 120
"""Lists of an office on one page: a year of them, for most."""
_AHEAD = dt.timedelta(days=21)
_WEEKS = 53


@dataclass(frozen=True)
class OfficePage:
    """An office: what is arranged with it, and its lists."""

    office: str
    arrangement: Arrangement | None
    arrangement_version: str
    coming: Sequence[Due]
    lists: Sequence[Sent]
    """Newest first."""

    @property
    def points(self) -> list[Point]:
        """Its lists in order of time, as a chart shows them."""
        return [
            Point(
                f"{sent.list.year}-{sent.list.number:04d}",
                sent.entries,
                median(sent.lead_days) if sent.lead_days else None,
            )
            for sent in reversed(self.lists)
        ]


def office_page(office: str, now: dt.datetime) -> OfficePage:
    """The page of an office. raises: LookupError if there is no such office"""
    known = arranged()
    arrangement = known.newest(now).get(office)
    with reading() as session:
        lists = board.lists_of(session, office, SHOWN_LISTS)
    if arrangement is None and not lists:
        raise LookupError("there is no such office")
    coming: list[Due] = []
    if arrangement:
        end = last_day()
        until = min(now + _AHEAD, end) if end else now + _AHEAD
        coming = list(due_lists(known.offices[office], now, until)) if until > now else []
    return OfficePage(office, arrangement, version(arrangement) if arrangement else "", coming[:6], lists)


@dataclass(frozen=True)
class ListPage:
    """A list, and the arrangement of its office now."""

    whole: WholeList
    arrangement: Arrangement | None

    @property
    def timezone(self) -> str:
        """Of its office."""
        return self.arrangement.timezone if self.arrangement else "UTC"


def list_page(list_number: str, now: dt.datetime) -> ListPage:
    """The page of a list. raises: outbox.NotFound"""
    with reading() as session:
        whole = board.whole_list(session, list_number)
    return ListPage(whole, arranged().newest(now).get(whole.list.office))


@dataclass
class Week:
    """What was told by the lists of a week."""

    monday: dt.date
    notices: Counter[str] = field(default_factory=Counter)
    leads: Counter[int] = field(default_factory=Counter)

    @property
    def told(self) -> int:
        """Entries."""
        return sum(self.notices.values())

    @property
    def median_lead(self) -> float | None:
        """Days from being told to the departure, of half of the entries at least."""
        days = sorted(self.leads.elements())
        return median(days) if days else None

    @property
    def too_late(self) -> int:
        """Entries that were told on the day of the departure, or after it."""
        return sum(count for days, count in self.leads.items() if days <= 0)


@dataclass(frozen=True)
class Timeliness:
    """Lead times and volumes by week, of one host country or all."""

    host_country: str | None
    hosts: Sequence[str]
    weeks: Sequence[Week]

    @property
    def points(self) -> list[Point]:
        """The weeks as a chart shows them."""
        return [Point(f"{week.monday:%m-%d}", week.told, week.median_lead) for week in self.weeks]

    @property
    def totals(self) -> Mapping[str, int]:
        """Entries by notice."""
        return {notice: sum(week.notices[notice] for week in self.weeks) for notice in NOTICES}


def timeliness(host_country: str | None, today: dt.date) -> Timeliness:
    """The last year, by week. raises: LookupError if nobody was ever told of this host country"""
    monday = today - dt.timedelta(days=today.weekday())
    since = monday - dt.timedelta(weeks=_WEEKS - 1)
    with reading() as session:
        hosts = board.told_hosts(session)
        if host_country and host_country not in hosts:
            raise LookupError("nobody was told of this host country")
        days = board.told_by_day(session, host_country, since)
    weeks: dict[dt.date, Week] = {}
    for one in days:
        begins = one.day - dt.timedelta(days=one.day.weekday())
        week = weeks.setdefault(begins, Week(begins))
        week.notices[one.notice] += one.entries
        if one.lead_days is not None:
            week.leads[one.lead_days] += one.entries
    first = min(weeks, default=monday)
    last = max(weeks, default=monday)
    ordered = [first + dt.timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]
    return Timeliness(host_country, hosts, [weeks.get(begins, Week(begins)) for begins in ordered])
