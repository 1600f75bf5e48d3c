"""Making the review of a period from the ledger and the arrangements, as files.

Reach for `made` for its files, `write` to have them in a folder, `period_before` for the period that is over.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from include.arrangements.reading import load_offices, load_sources
from include.lists.document import RenderedFile
from include.reports.cooperation.figures import Period, review
from include.settings import arrangements_folder, first_day, last_day, write_private

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def period_before(every: str, day: dt.date) -> Period:
    """The newest month, quarter or year that was over on `day`."""
    length = _MONTHS[every]
    begins = day.replace(month=(day.month - 1) // length * length + 1, day=1)
    last = begins - dt.timedelta(days=1)
    return Period(last.replace(month=last.month - length + 1, day=1), last)


def made(period: Period, now: dt.datetime) -> list[RenderedFile]:
    """The review as PDF, and the tables behind it; the same bytes for the same ledger and arrangements.

    raises: figures.NoPeriod
    """
    from include.reports.cooperation.page import page
    from include.reports.cooperation.tables import tables

    offices, _ = load_offices(arrangements_folder())
    sources, _ = load_sources(arrangements_folder())
    end = last_day()
    counted = review(period, offices, sources, first_day().date(), end.date() if end else None, now)
    name = f"review_{period}"
    return [
        RenderedFile(f"{name}.pdf", page(counted), personal=False),
        *(RenderedFile(f"{name}_{ending}", content, personal=False) for ending, content in tables(counted).items()),
    ]


def write(files: Sequence[tuple[str, bytes]], folder: Path) -> list[Path]:
    """Write files (name, content) into `folder`, open to their owner alone: small figures are not for everybody."""
    return [write_private(folder / name, content) for name, content in files]
