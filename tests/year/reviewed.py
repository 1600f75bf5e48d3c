"""The review of the cooperation beside what offices have: counted a second time, from the files as they opened them.

Reach for `check_review` once everything has arrived. Nothing of the ledger is asked here.
"""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from include.reports.cooperation.figures import ALL, Period, review
from tests.year.office import EXPECTED, LEFT, STAYS, Belief, Line

if TYPE_CHECKING:
    from tests.year.machine import Year


@dataclass(frozen=True)
class _Read:
    """A line of a list that an office has; `before` is what it had read of the entry until then."""

    office: str
    number: str
    had_on: dt.date
    case: tuple[str, str]
    line: Line
    before: Line | None


def check_review(year: "Year") -> None:
    """raises: AssertionError where a figure of all the days is not what the offices' files and people's doings say"""
    period = Period(year.begin, year.today)
    offices = {office: [desk.arrangement] for office, desk in year.desks.items()}
    later = period.until + dt.timedelta(days=9)
    made = review(period, offices, [], dt.date.min, None, later)
    hosts = set(year.lives.hosts)
    for host in (*sorted(hosts), ALL):
        figures = made.by_host.loc[host].to_dict()
        of = hosts if host == ALL else {host}
        should = counted(year, of)
        assert {name: figures[name] for name in should} == should, host
        months = made.by_month[made.by_month["host_country"] == host]
        bands = made.lead_times[made.lead_times["host_country"] == host]
        assert months["told_new"].sum() == figures["told_new"]
        assert months["told_departed"].sum() == figures["told_departed"]
        assert bands["lead_counted"].sum() == figures["lead_counted"]
        assert figures["told_on_scheduled"] + figures["told_on_urgent"] == len(_read(year, of))
    every = made.by_host.loc[ALL]
    assert every["lists_made"] == year.counts["scheduled lists"] + year.counts["urgent lists"]
    assert every["lists_voided_scheduled"] + every["lists_voided_urgent"] == year.counts["lists voided"]


def counted(year: "Year", hosts: Collection[str]) -> dict[str, int | None]:
    """Figures of these host countries, by name."""
    read = _read(year, hosts)
    new = [one for one in read if one.line.notice == "NEW"]
    leads = sorted((dt.date.fromisoformat(one.line.expected) - one.had_on).days for one in new if one.line.expected)
    numbers = {one.number for one in read}
    last = {one.line.entry: one for one in read}
    left = [one for one in last.values() if one.line.belief.kind == LEFT]
    must_be_closed = sum(year.answers.must_be_closed(one.number, one.line) for one in left)
    stays = [one for one in read if (one.line.notice, one.line.reason) == ("CANCELLED", "stays")]
    again = [one for one in new if one.before and one.before.reason == "stays"]
    return {
        **{
            f"told_{notice.lower()}": sum(one.line.notice == notice for one in read)
            for notice in ("NEW", "CHANGED", "CANCELLED", "DEPARTED")
        },
        "cases_followed": len({one.case for one in read}),
        "lead_counted": len(leads),
        "new_without_date": len(new) - len(leads),
        "lead_days_median": leads[ceil(len(leads) / 2) - 1] if leads else None,
        "lead_days_p10": leads[ceil(len(leads) / 10) - 1] if leads else None,
        "told_late": sum(days <= 1 for days in leads),
        "departures_told_late": sum(
            one.line.notice == "DEPARTED" and (one.before is None or one.before.notice == "CANCELLED") for one in read
        ),
        "lists_told": len(numbers),
        "lists_answered": len(numbers & year.answers.answered),
        "changes_of_mind": _times(stays),
        "came_back": _times(again),
        "told_in_error": sum(one.line.reason == "notified_in_error" for one in read),
        "departures_corrected": sum(one.line.reason == "departure_corrected" for one in read),
        "records_closed": len(left) - must_be_closed,
        "records_open": must_be_closed,
        "matches_accepted": _said(year, hosts, "accept"),
        "matches_rejected": _said(year, hosts, "reject"),
        "days_not_reconciled": sum(
            (max(one) - min(one)).days + 1 - len(one)
            for one in ([day for host, day in year.iom.days if host == of] for of in hosts)
            if one
        ),
        **_concerns(year, last, hosts),
    }


def _concerns(year: "Year", last: dict[str, _Read], hosts: Collection[str]) -> dict[str, int | None]:
    case = {entry: key for desk in year.desks.values() for entry, key in desk.cases.items()}
    raised = [(entry, day) for entry, day in year.answers.raised if case[entry][0] in hosts]
    closed = [(entry, day) for entry, day in year.answers.looked_into if case[entry][0] in hosts]
    outcomes: Counter[str] = Counter()
    over = list(closed)
    for entry, since in raised:
        end = next((day for of, day in over if of == entry), dt.date.max)
        if end != dt.date.max:
            over.remove((entry, end))
        outcomes[_outcome(last[entry].line.belief, since, end)] += 1
    return {
        "concerns_raised": len(raised),
        "concerns_closed": len(closed),
        "concerns_open": len(raised) - len(closed),
        **{
            name: outcomes[name]
            for name in (
                "outcome_left_unseen",
                "outcome_left",
                "outcome_stays",
                "outcome_cancelled",
                "outcome_expected",
            )
        },
    }


def _outcome(belief: Belief, since: dt.date, end: dt.date) -> str:
    if belief.kind == LEFT:
        return "outcome_left_unseen" if since <= dt.date.fromisoformat(belief.day) < end else "outcome_left"
    if belief.kind == EXPECTED:
        return "outcome_expected"
    return "outcome_stays" if belief == Belief(STAYS, reason="stays") else "outcome_cancelled"


def _read(year: "Year", hosts: Collection[str]) -> list[_Read]:
    """Every line that offices have of cases of these host countries, list by list."""
    found = []
    for office, desk in year.desks.items():
        before: dict[str, Line] = {}
        for number in sorted(desk.has.lists):
            for line in desk.has.lists[number]:
                case = desk.cases[line.entry]
                if case[0] in hosts:
                    found.append(_Read(office, number, desk.had_on[number], case, line, before.get(line.entry)))
                before[line.entry] = line
    return found


def _times(read: Iterable[_Read]) -> int:
    """How often it happened: what two offices have of one case happened once."""
    most: dict[tuple[str, str], int] = {}
    for (case, _), times in Counter((one.case, one.office) for one in read).items():
        most[case] = max(times, most.get(case, 0))
    return sum(most.values())


def _said(year: "Year", hosts: Collection[str], decision: str) -> int:
    return sum(host in hosts and said == decision for host, said in year.iom.decisions)
