"""Offices that hear of the same cases, and so get the same summary: two different ones could be set against each other.

Reach for `group_of` to see with whom an office shares its summary. docs/decisions/small-numbers.md says why.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.arrangements.calendar import period_end
from include.arrangements.models import Arrangement
from include.arrangements.reading import in_force

KIND = "rejected"
Coverage = Mapping[str, frozenset[str]]
"""For each host country the IOM offices whose cases are meant; none named: all of them."""


@dataclass(frozen=True)
class Group:
    """Offices that share a summary. until: the last day of the period that is told; every, threshold: the strictest."""

    offices: tuple[str, ...]
    coverage: Coverage
    every: str
    threshold: int
    until: dt.date

    @property
    def written(self) -> str:
        """The coverage as it is kept: `DEU;GRC:ATH,THE`."""
        return ";".join(f"{host}:{','.join(sorted(of))}" if of else host for host, of in sorted(self.coverage.items()))


def group_of(office: str, offices: Mapping[str, Sequence[Arrangement]], day: dt.date) -> Group | None:
    """The group of an office whose summary is due on `day`; None where it gets none.

    It is that of the day after the period, the same for all of its offices, whenever each has its summary.
    """
    found = _group_on(office, offices, day.replace(day=1))
    if found is not None and found.until != day.replace(day=1) - dt.timedelta(days=1):
        found = _group_on(office, offices, found.until + dt.timedelta(days=1))
    return found


def _group_on(office: str, offices: Mapping[str, Sequence[Arrangement]], first: dt.date) -> Group | None:
    arranged = {one: version for one, versions in offices.items() if (version := in_force(versions, first))}
    arranged = {one: version for one, version in arranged.items() if version.rejected.every != "never"}
    if office not in arranged:
        return None
    members, coverage = {office}, _covered(arranged[office])
    while more := {one for one in arranged if one not in members and overlap(coverage, _covered(arranged[one]))}:
        members |= more
        coverage = _together([_covered(arranged[one]) for one in sorted(members)])
    settings = [arranged[one].rejected for one in members]
    every = "quarter" if any(one.every == "quarter" for one in settings) else "month"
    until = period_end(every, first)
    assert until is not None  # noqa: S101  (for the type checker: `every` is not never)
    return Group(tuple(sorted(members)), coverage, every, max(one.threshold for one in settings), until)


def series_of(office: str) -> str:
    """The series of papers that the office's summaries are numbered in."""
    return f"{office}/{KIND}"


def overlap(one: Coverage, other: Coverage) -> bool:
    """Whether a case can be covered by both."""
    return any(not one[host] or not other[host] or one[host] & other[host] for host in one.keys() & other.keys())


def read(written: str) -> Coverage:
    """A coverage from `Group.written`."""
    parts = (part.partition(":") for part in written.split(";"))
    return {host: frozenset(filter(None, of.split(","))) for host, _, of in parts}


def _covered(arrangement: Arrangement) -> Coverage:
    return {host: frozenset(arrangement.iom_offices) for host in arrangement.host_countries}


def _together(coverages: Sequence[Coverage]) -> Coverage:
    hosts = sorted({host for coverage in coverages for host in coverage})
    every = {host: [coverage[host] for coverage in coverages if host in coverage] for host in hosts}
    return {host: frozenset() if not all(parts) else frozenset().union(*parts) for host, parts in every.items()}
