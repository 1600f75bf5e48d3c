"""A summary as files, in the language of its office.

Reach for `Summary` to see what a file is made of, and for `render` to make it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.lists.document import Contact, RenderedFile
from include.reports.rejected.summary import Report, Table, trend


@dataclass(frozen=True)
class Summary:
    """One numbered summary of one office.

    number: as the office is told it, such as `GRC-ATH_2026-R01`; it is the file's name as well
    earlier: the reports before, which `trend` stands beside
    as_of: for each host country the extract day up to which its cases are counted, None where none is in yet
    """

    number: str
    office_name: str
    host_countries: tuple[str, ...]
    language: str
    made_on: dt.date
    contact: Contact
    report: Report
    earlier: tuple[Report, ...]
    as_of: Mapping[str, dt.date | None] = field(default_factory=dict)

    @property
    def trend(self) -> Table:
        """The newest periods side by side."""
        return trend(self.report, self.earlier)


def render(summary: Summary, form: str) -> list[RenderedFile]:
    """The file of a summary; the same bytes for the same summary. form: `xlsx` or `pdf`.

    It names nobody, and is sealed all the same: what IOM tells an office is for that office.
    """
    if form == "xlsx":
        from include.reports.rejected.sheet import workbook

        return [RenderedFile(f"{summary.number}.xlsx", workbook(summary), personal=True)]
    from include.reports.rejected.page import page

    return [RenderedFile(f"{summary.number}.pdf", page(summary), personal=True)]
