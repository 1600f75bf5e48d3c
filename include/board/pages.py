"""What each page beside Today shows: an office, a list, timeliness. Counts and references; nothing here is a name."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from sqlalchemy.orm import Session

from include.arrangements.calendar import Due, due_lists
from include.arrangements.models import Arrangement
from include.arrangements.reading import in_force_at, version
from include.board.arranged import arranged
from include.board.charts import Point
from include.board.lateness import Way, told_late, way
from include.ledger import board
from include.ledger.board import Sent, WholeList
from include.ledger.engine import reading
from include.ledger.models import NOTICES, Paper
from include.settings import last_day, ledger_url

SHOWN_LISTS = 120
"""Lists of an office on one page: a year of them, for most."""
SHOWN_PAPERS = 24
_AHEAD = dt.timedelta(days=21)
_WEEKS = 53
_kept: dict[str, dict[dt.date, tuple[list[object], "Week"]]] = {}
"""Of the ledger that was asked last, what each week's lists told of all host countries; counts of nobody."""


@dataclass(frozen=True)
class OfficePage:
    """An office: what is arranged with it, and its lists."""

    office: str
    arrangement: Arrangement | None
    arrangement_version: str
    coming: Sequence[Due]
    lists: Sequence[Sent]
    """Newest first."""
    late: Mapping[str, dt.timedelta]
    """By number the lists that it had late, and how long after they were due."""
    papers: Sequence[Paper]
    """What else it is told, newest first."""

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
        papers = board.papers_of(session, office, SHOWN_PAPERS)
    if arrangement is None and not lists and not papers:
        raise LookupError("there is no such office")
    coming: list[Due] = []
    if arrangement:
        end = last_day()
        until = min(now + _AHEAD, end) if end else now + _AHEAD
        coming = list(due_lists(known.offices[office], now, until)) if until > now else []
    versions = known.offices.get(office, ())
    late = {
        one.list.list_number: told_late(one.list, one.ready_at, in_force_at(versions, one.list.due_at)) for one in lists
    }
    return OfficePage(
        office=office,
        arrangement=arrangement,
        arrangement_version=version(arrangement) if arrangement else "",
        coming=coming[:6],
        lists=lists,
        late={number: by for number, by in late.items() if by},
        papers=papers,
    )


@dataclass(frozen=True)
class ListPage:
    """A list, and the arrangement of its office now."""

    whole: WholeList
    arrangement: Arrangement | None
    way: Way

    @property
    def timezone(self) -> str:
        """Of its office."""
        return self.arrangement.timezone if self.arrangement else "UTC"


def list_page(list_number: str, now: dt.datetime) -> ListPage:
    """The page of a list. raises: outbox.NotFound"""
    with reading() as session:
        whole = board.whole_list(session, list_number)
    one, known = whole.list, arranged()
    then = in_force_at(known.offices.get(one.office, ()), one.due_at)
    expected = {came.host_country: known.day_to_know(came.host_country, one.due_at) for came in whole.came}
    return ListPage(
        whole,
        known.newest(now).get(one.office),
        way(whole, then, {host: day for host, day in expected.items() if day}, now),
    )


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
    monday = _monday(today)
    since = monday - dt.timedelta(weeks=_WEEKS - 1)
    with reading() as session:
        hosts = board.told_hosts(session)
        if host_country and host_country not in hosts:
            raise LookupError("nobody was told of this host country")
        weeks = _weeks(session, host_country, since) if host_country else _weeks_of_all(session, since)
    first = min(weeks, default=monday)
    last = max(weeks, default=monday)
    ordered = [first + dt.timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]
    return Timeliness(host_country, hosts, [weeks.get(begins, Week(begins)) for begins in ordered])


def _weeks(session: Session, host_country: str | None, since: dt.date) -> dict[dt.date, Week]:
    weeks: dict[dt.date, Week] = {}
    for day, notice, lead_days, entries in board.told_by_day(session, host_country, since):
        begins = _monday(day)
        week = weeks.setdefault(begins, Week(begins))
        week.notices[notice] += entries
        if lead_days is not None:
            week.leads[lead_days] += entries
    return weeks


def _weeks_of_all(session: Session, since: dt.date) -> dict[dt.date, Week]:
    """As `_weeks`. Of all host countries a year is a hundred thousand entries: what has not changed is kept."""
    signs: dict[dt.date, list[object]] = {}
    for day, sign in sorted(board.days_of_lists(session, since).items()):
        signs.setdefault(_monday(day), []).append((day, sign))
    kept = _kept.get(ledger_url(), {})
    weeks = {begins: week for begins, (sign, week) in kept.items() if signs.get(begins) == sign}
    if changed := signs.keys() - weeks.keys():
        weeks |= _weeks(session, None, min(changed))
        _kept.clear()
        _kept[ledger_url()] = {begins: (signs[begins], week) for begins, week in weeks.items() if begins in signs}
    return weeks


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())
