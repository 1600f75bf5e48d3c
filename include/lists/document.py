"""A list as a document: what it says, in which columns, before it has a format.

Reach for `NotificationList` to see what a list is made of, and for `render` to make its files.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

COLUMNS = (
    "list_number",
    "entry",
    "notice",
    "reason",
    "name",
    "expected_departure_on",
    "previous_expected_departure_on",
    "departed_on",
    "marked",
)
ANSWER_COLUMNS = ("voluntariness_concern", "record_closed_on", "remarks")
DATE_COLUMNS = ("expected_departure_on", "previous_expected_departure_on", "departed_on", "record_closed_on")
NOTICES = ("NEW", "CHANGED", "CANCELLED", "DEPARTED")


@dataclass(frozen=True)
class Contact:
    """Whom the office calls at IOM."""

    name: str
    email: str
    phone: str = ""


@dataclass(frozen=True)
class RenderedFile:
    """A file of a list. `personal` says whether it holds personal data, and so must be sealed."""

    name: str
    content: bytes
    personal: bool


@dataclass(frozen=True)
class NotificationList:
    """One numbered list of one office.

    entries: one row per entry, with COLUMNS, then `extra_columns`, then ANSWER_COLUMNS (empty); dates as datetime64
    as_of: for each host country the extract day that the list knows, None where there is none yet
    voided: numbers of lists that the office never got and will not get
    """

    office: str
    office_name: str
    year: int
    number: int
    kind: str
    language: str
    made_on: dt.date
    period_from: dt.date
    period_to: dt.date
    as_of: Mapping[str, dt.date | None]
    contact: Contact
    extra_columns: tuple[str, ...]
    voided: tuple[str, ...]
    entries: pd.DataFrame

    @property
    def list_number(self) -> str:
        return f"{self.office}_{self.year}-{self.number:04d}"

    @property
    def file_stem(self) -> str:
        return f"{self.list_number}_{self.kind}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the list, in order."""
        return (*COLUMNS, *self.extra_columns, *ANSWER_COLUMNS)

    @property
    def counts(self) -> dict[str, int]:
        """Entries by notice, each notice named."""
        found = self.entries["notice"].value_counts()
        return {notice: int(found.get(notice, 0)) for notice in NOTICES}

    def with_entries(self, entries: pd.DataFrame) -> "NotificationList":
        """The same list with these entries, in the list's columns."""
        return replace(self, entries=entries[list(self.columns)])


def render(document: NotificationList, form: str) -> list[RenderedFile]:
    """The files of a list, the list itself first. form: `xlsx`, `csv` or `pdf`.

    A CSV starts with its header row, so what a list says about itself goes beside it in a text without names.
    """
    if form == "xlsx":
        from include.lists.sheet import workbook

        return [RenderedFile(f"{document.file_stem}.xlsx", workbook(document), personal=True)]
    if form == "pdf":
        from include.lists.page import page

        return [RenderedFile(f"{document.file_stem}.pdf", page(document), personal=True)]
    from include.lists.table import companion, table

    return [
        RenderedFile(f"{document.file_stem}.csv", table(document), personal=True),
        RenderedFile(f"{document.file_stem}.txt", companion(document), personal=False),
    ]
