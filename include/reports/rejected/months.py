"""Which cases count in a month, and what is kept of them. Pure; here persons become numbers.

Reach for `month_counts`. A case counts once, in the month in which IOM first knew of it; what was known already when
counting began counts by its dates, so that the first month is no heap of years.
"""

import calendar
import datetime as dt
from collections.abc import Mapping
from typing import Any

import pandas as pd

from include.reports.rejected.counting import age_band, counted
from include.reports.rejected.groups import Coverage

AsOf = Mapping[str, dt.date | None]
"""For each host country an extract day; None before its first."""


def month_counts(
    cases: pd.DataFrame, coverage: Coverage, month: str, begun: AsOf, before: AsOf, until: AsOf
) -> list[tuple[str, str, int]]:
    """Kind, key and count of the cases that count in `month`, as `counted` has them.

    cases: as `ledger.rejected.rejected_cases` gives them
    begun: the days known when the coverage's first month was counted; before, until: those of the month before, and of
        this one
    """
    rows = []
    facts: list[dict[str, Any]] = cases.to_dict("records")  # type: ignore[assignment]
    for one in facts:
        host = one["host_country"]
        if host not in coverage or (coverage[host] and one["iom_office"] not in coverage[host]):
            continue
        since = one["since"].date()
        if _not_after(since, begun[host]):
            counts_here = f"{_came_true(one):%Y-%m}" == month
        else:
            counts_here = not _not_after(since, before[host]) and _not_after(since, until[host])
        if counts_here:
            band = age_band(None if pd.isna(one["date_of_birth"]) else one["date_of_birth"], last_day(month))
            rows.append((month, one["nationality"], one["destination_country"], one["sex"], band))
    table = pd.DataFrame(rows, columns=["month", "nationality", "destination", "sex", "age_band"], dtype=object)
    found = counted(table)[["kind", "key", "count"]]
    return [(str(kind), str(key), int(count)) for kind, key, count in found.itertuples(index=False)]


def last_day(month: str) -> dt.date:
    """The last day of a month, written `2026-03`."""
    year, number = int(month[:4]), int(month[5:])
    return dt.date(year, number, calendar.monthrange(year, number)[1])


def months_until(first: str, last: str) -> list[str]:
    """The months from `first` to `last`, both included."""
    year, number, found = int(first[:4]), int(first[5:]), []
    while (month := f"{year}-{number:02d}") <= last:
        found.append(month)
        year, number = (year, number + 1) if number < 12 else (year + 1, 1)
    return found


def _not_after(day: dt.date, other: dt.date | None) -> bool:
    return other is not None and day <= other


def _came_true(one: Mapping[str, Any]) -> dt.date:
    """When both were true: that return was asked for, and that the claim was finally rejected."""
    decided = one["since"] if pd.isna(one["outcome_on"]) else one["outcome_on"]
    day: dt.date = max(one["registered_on"], decided).date()
    return day
