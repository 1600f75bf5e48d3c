"""A view as a document: what it says, in which columns, before it has a format.

Reach for `View` to see what a view is made of, and for `render` to make its files.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from include.lists.document import Contact, RenderedFile

DATE_COLUMNS = ("expected_departure_on", "departed_on")
SOLAR = {"prs": "fa_AF", "ps": "ps_AF"}
"""The languages in which days are also given by the Solar Hijri calendar, with their names in ICU."""


@dataclass(frozen=True)
class View:
    """One numbered view of one party.

    number: as the party is told it; its files are named by it
    party: of `arrangements.framework.PARTIES`
    first, last: the days of which it tells; as_of: the day of the cases that it knows
    figures: what it counts, by name: `people`, or `arrivals` and `expected`
    rows: from `casework.afghan_framework`
    """

    number: str
    party: str
    party_name: str
    host_country: str
    agreement: str
    language: str
    made_on: dt.date
    first: dt.date
    last: dt.date
    as_of: dt.date
    contact: Contact
    figures: Mapping[str, int]
    rows: pd.DataFrame

    def in_language(self, language: str) -> "View":
        """The same view in another language."""
        return replace(self, language=language)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column as it is shown, in order: beside a day, where it is usual, the same day as `{column}_solar`."""
        solar = self.language in SOLAR
        return tuple(
            shown
            for column in self.rows.columns
            for shown in ([column, f"{column}_solar"] if solar and column in DATE_COLUMNS else [column])
        )

    @property
    def file_stem(self) -> str:
        return f"{self.number}_{self.language}"


def render(view: View, form: str) -> list[RenderedFile]:
    """The files of a view in its language, the view itself first; the same bytes for the same view.

    form: `xlsx`, `csv` or `pdf`. A CSV starts with its header row, so what a view says about itself goes beside it in a
    text without names.
    """
    if form == "xlsx":
        from include.reports.framework.sheet import workbook

        return [RenderedFile(f"{view.file_stem}.xlsx", workbook(view), personal=True)]
    if form == "pdf":
        from include.reports.framework.page import page

        return [RenderedFile(f"{view.file_stem}.pdf", page(view), personal=True)]
    from include.reports.framework.table import companion, table

    return [
        RenderedFile(f"{view.file_stem}.csv", table(view), personal=True),
        RenderedFile(f"{view.file_stem}.txt", companion(view), personal=False),
    ]
