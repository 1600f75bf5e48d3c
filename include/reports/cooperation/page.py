"""The review as PDF for both headquarters: was the promise kept, charts, tables, and what each figure means.

`page.typ` says how it looks. It is in English: headquarters' paper.
"""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from include.lists.page import fonts, typeset
from include.reports.cooperation.definitions import KEYS, Section, sections
from include.reports.cooperation.figures import ALL, LEAD_BANDS, Review, Row, Value, missing
from include.reports.cooperation.tables import tables
from include.reports.rejected.page import DRAWING
from include.reports.rejected.texts import month_name, texts

TEMPLATE = Path(__file__).parent / "page.typ"
SHOWN_ON_ONE_PAGE = 24
"""Host countries up to which the first page has a row for each; beyond, for those where something is missing."""
_MISSING = {
    "told_late": ("told with a day to go or less", "told with a day to go or less"),
    "departures_told_late": ("told only after they left", "told only after they left"),
    "left_while_concern_stood": ("left while a concern stood", "left while a concern stood"),
    "lists_not_received": ("list not known to be received", "lists not known to be received"),
    "cases_without_office": ("case without an office", "cases without an office"),
    "days_behind": ("day behind at the end", "days behind at the end"),
}
_NOTICES = ("told_new", "told_changed", "told_cancelled", "told_departed")
_KEPT = {"kept": "kept", "not_wholly": "not wholly", "nobody_told": "nobody told"}


def page(review: Review) -> bytes:
    """The bytes of a PDF (PDF/UA-1, A4 landscape); the same for the same review."""
    files = {
        "main.typ": TEMPLATE.read_bytes(),
        "drawing.typ": DRAWING.read_bytes(),
        "review.json": json.dumps(_said(review)).encode(),
    }
    # Not the moment at which it was made: the same figures are the same bytes.
    return typeset(files, review.period.last, "the review cannot be set as PDF")


def _said(review: Review) -> dict[str, Any]:
    rows: dict[str, Row] = {
        str(host): {str(name): value for name, value in row.items()}
        for host, row in review.by_host.to_dict("index").items()
    }
    every, by_host = rows[ALL], {host: row for host, row in rows.items() if host != ALL}
    return {
        "fonts": fonts().families(),
        "name": f"review_{review.period}",
        "period": f"{_day(review.period.first)} – {_day(review.period.last)}",
        "files": [f"review_{review.period}_{ending}" for ending in tables(review)],
        "verdict": _verdict(by_host),
        "tiles": [{"figure": figure, "of": of} for figure, of in _tiles(every)],
        "summary": _summary(by_host),
        "elsewhere": _elsewhere(by_host),
        "months": _months(review),
        "bands": _bands(review),
        "sections": [_section(section, rows) for section in sections()[1:]],
        "keys": [(name, _plain(means)) for name, means in KEYS.items()],
        "promise": _meanings(sections()[0]),
    }


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def _country(code: str) -> str:
    return "All" if code == ALL else texts("en").named(code, "en")


def _shown(value: Value) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:,}"


def _verdict(by_host: dict[str, Row]) -> str:
    told = [row for row in by_host.values() if row["promise"] != "nobody_told"]
    kept = sum(row["promise"] == "kept" for row in told)
    if not told:
        return "UNHCR was told of nobody in this period."
    return f"The promise was kept wholly in {kept} of {len(told)} host {'country' if len(told) == 1 else 'countries'}."


def _tiles(row: Row) -> list[tuple[str, str]]:
    shown = {name: _shown(value) for name, value in row.items()}
    return [
        (shown["told_new"], "intentions told (NEW)"),
        (f"{shown['told_in_time_percent']} %", "told with more than a day to go"),
        (f"{shown['lead_days_median']} days", "from being told to the departure, in the middle"),
        (f"{shown['lists_received_in_time']} of {shown['lists_told']}", "lists known to be received in time"),
        (shown["concerns_raised"], f"concerns raised; {shown['left_while_concern_stood']} left meanwhile"),
        (shown["changes_of_mind"], "times that a person decided to stay"),
    ]


def _summary(by_host: dict[str, Row]) -> list[dict[str, Any]]:
    """The rows of the first page: the host countries where something is missing first."""
    shown = [(host, row) for host, row in by_host.items() if row["promise"] != "nobody_told"]
    if len(shown) > SHOWN_ON_ONE_PAGE:
        shown = [(host, row) for host, row in shown if row["promise"] == "not_wholly"]
    named = [(row["promise"] == "kept", _country(host), row) for host, row in shown]
    return [
        {
            "host": host,
            "kept": kept,
            "verdict": _KEPT[str(row["promise"])],
            "cells": [
                _shown(row["told_new"]),
                _shown(row["told_in_time_percent"]),
                _shown(row["lead_days_median"]),
                f"{_shown(row['lists_received_in_time'])} of {_shown(row['lists_told'])}",
                _shown(row["concerns_raised"]),
            ],
            "missing": ", ".join(f"{count:,} {_MISSING[name][count != 1]}" for name, count in missing(row).items()),
        }
        for kept, host, row in sorted(named, key=lambda one: one[:2])
    ]


def _elsewhere(by_host: dict[str, Row]) -> list[tuple[str, str]]:
    """Host countries without a row on the first page, by why."""
    kept = sorted(_country(host) for host, row in by_host.items() if row["promise"] == "kept")
    nobody = sorted(_country(host) for host, row in by_host.items() if row["promise"] == "nobody_told")
    told = sum(row["promise"] != "nobody_told" for row in by_host.values())
    return [
        (what, ", ".join(hosts))
        for what, hosts in (
            ("Kept wholly", kept if told > SHOWN_ON_ONE_PAGE else []),
            ("Nobody was to be told", nobody),
        )
        if hosts
    ]


def _months(review: Review) -> list[dict[str, Any]]:
    every = review.by_month[review.by_month["host_country"] == ALL]
    return [
        {"month": month_name(month, "en"), "figures": [int(figure) for figure in figures]}
        for month, *figures in every[["month", *_NOTICES]].itertuples(index=False)
    ]


def _bands(review: Review) -> list[dict[str, Any]]:
    every = review.lead_times[review.lead_times["host_country"] == ALL]
    return [
        {"days": _band(low, high), "figure": int(figure), "late": high is not None and high <= 1}
        for (low, high), figure in zip(LEAD_BANDS, every["lead_counted"], strict=True)
    ]


def _band(low: int | None, high: int | None) -> str:
    if low is None:
        return "the day had passed"
    if high is None:
        return f"{low} and more"
    return f"{low}" if low == high else f"{low} to {high}"


def _section(section: Section, rows: dict[str, Row]) -> dict[str, Any]:
    """A section with its table: `All` first, then each host country that has something to count."""
    names = [figure.name for figure in section.figures]
    counted = {host: row for host, row in rows.items() if host == ALL or any(row[name] for name in names)}
    ordered = sorted(counted, key=lambda host: (host != ALL, _country(host)))
    return {
        "title": section.title,
        "about": section.about,
        "columns": [figure.label for figure in section.figures],
        "rows": [{"name": _country(host), "cells": [_shown(rows[host][name]) for name in names]} for host in ordered],
        "chart": _chart(section.title, [rows[host] for host in ordered]),
        "left_out": len(rows) - len(counted),
        "meanings": _meanings(section),
    }


def _meanings(section: Section) -> list[tuple[str, str, str]]:
    return [(figure.label, figure.name, _plain(figure.means)) for figure in section.figures]


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")


def _chart(title: str, rows: Sequence[Row]) -> dict[str, Any] | None:
    """What is drawn beside a table's rows: the four notices stacked, or the span of lead times."""
    names: tuple[str, ...]
    if title == "Volumes":
        kind, said, names = "stack", "NEW, CHANGED, CANCELLED, DEPARTED", _NOTICES
    elif title == "Lead times":
        kind, said, names = "span", "p10, median, p90", ("lead_days_p10", "lead_days_median", "lead_days_p90")
    else:
        return None
    return {"kind": kind, "title": said, "rows": [[row[name] for name in names] for row in rows]}
