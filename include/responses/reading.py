"""Reading the list file that an office sends back with its last three columns filled.

Reach for this to see what is taken for an answer and what is not. A file comes from outside: nothing in it is run,
followed or believed beyond its cells, and it is measured before it is unpacked. What was written in a cell is in no
finding: a caseworker may have typed a name there.
"""

import csv
import datetime as dt
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import openpyxl

from include.ledger.responses import Said
from include.lists.document import ANSWER_COLUMNS
from include.lists.sheet import MACHINE_ROW_MARK
from include.lists.texts import LANGUAGES, texts

LARGEST_FILE = 20 << 20
"""Bytes of a file that is read at all: a list of 10,000 entries has less than one MiB."""
LARGEST_UNPACKED = 200 << 20
MOST_ROWS = 50_000
KINDS = (".xlsx", ".csv")
_NEEDED = (MACHINE_ROW_MARK, "entry", *ANSWER_COLUMNS)
_LIST_NUMBER = re.compile(r"[A-Z]{3}-[A-Z0-9]{2,8}_\d{4}-\d{4,}")
_ENTRY = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")
_EARLIEST = dt.date(2000, 1, 1)
_SPREADSHEET_DAY_0 = dt.date(1899, 12, 30)


class Unreadable(ValueError):
    """A file of which nothing can be taken. `code` says why, in the words of `texts/*.yaml` under `findings`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Finding:
    """Something that was not understood, and where. What was written there is not in it."""

    code: str
    row: int | None = None
    list_number: str = ""
    entry: str = ""
    column: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class AnswerRow(Said):
    """What a row says of an entry, and which row of the file it is."""

    row: int


@dataclass(frozen=True)
class ReadFile:
    """What a file says: its rows, those without an answer as well, and what was not understood."""

    rows: tuple[AnswerRow, ...]
    findings: tuple[Finding, ...]
    cut_off: bool
    """Whether its last row ends too early, as of a file that is still being written."""


def read_answers(content: bytes, name: str, today: dt.date) -> ReadFile:
    """The answers in an XLSX or CSV list file.

    today: in the office's timezone; no record was closed later than tomorrow
    A row that says neither yes nor no of its concern counts as one: what somebody meant to say must reach a person.
    raises: Unreadable, if nothing of it can be read
    """
    if len(content) > LARGEST_FILE:
        raise Unreadable("too_large")
    kind = next((kind for kind in KINDS if name.lower().endswith(kind)), None)
    if kind is None:
        raise Unreadable("wrong_kind")
    cells = _from_workbook(content) if kind == ".xlsx" else _from_csv(content)
    rows: list[AnswerRow] = []
    findings: list[Finding] = []
    row: _Row = {}
    for number, row in cells:
        read, found = _read_row(number, row, today)
        findings += found
        rows += [read] if read else []
    return ReadFile(tuple(rows), tuple(findings), cut_off=bool(row) and not set(_NEEDED) <= set(row))


_Row = dict[str, Any]
"""A row's cells under the machine names of their columns."""


class _Formula:
    """Stands for a cell that computes its value: what it showed to whom is not known."""


def _from_workbook(content: bytes) -> Iterator[tuple[int, _Row]]:
    _measure(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        # A program may have put a sheet of its own before the list.
        for sheet in book.worksheets[:10]:
            sheet.reset_dimensions()  # what the file says of its own size may be wrong
            try:
                return iter(_below_machine_row(_cells(sheet)))
            except Unreadable as problem:
                if problem.code != "not_a_list":
                    raise
    except Unreadable:
        raise
    except Exception:  # what others write can break a parser in any way
        raise Unreadable("not_readable") from None
    raise Unreadable("not_a_list")


def _measure(content: bytes) -> None:
    """raises: Unreadable for what is no workbook, holds a program, or is larger unpacked than any list can be"""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            members = packed.infolist()
            # The reader never unpacks more of a member than is declared here.
            if len(members) > 1_000 or sum(member.file_size for member in members) > LARGEST_UNPACKED:
                raise Unreadable("too_large")
            names = [member.filename.lower() for member in members]
            if any(part in name for name in names for part in ("vbaproject", "macrosheets/", "activex/")):
                raise Unreadable("macros")
            for member in members:
                # No workbook has a document type; one that does would let a parser multiply or fetch.
                if member.filename.endswith((".xml", ".rels")) and b"<!DOCTYPE" in packed.read(member)[:4096].upper():
                    raise Unreadable("not_readable")
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise error if isinstance(error, Unreadable) else Unreadable("not_readable") from None


def _cells(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    for number, row in enumerate(sheet.iter_rows(max_col=64), start=1):
        if number > MOST_ROWS:
            raise Unreadable("too_large")
        yield number, [_Formula if cell.data_type == "f" else cell.value for cell in row]


def _from_csv(content: bytes) -> Iterator[tuple[int, _Row]]:
    text = _decoded(content)
    # The dialect is that of the row with the machine names: nothing above it is ours to guess from.
    header = next((line for line in text.splitlines() if line.lstrip('"').startswith(MACHINE_ROW_MARK)), None)
    if header is None:
        raise Unreadable("not_a_list")
    separator = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        lines = [(number, list(row)) for number, row in enumerate(reader, start=1)]
    except csv.Error:
        raise Unreadable("not_readable") from None
    if len(lines) > MOST_ROWS:
        raise Unreadable("too_large")
    return iter(_below_machine_row(iter(lines)))


def _decoded(content: bytes) -> str:
    excels_unicode_text = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    # What is no UTF-8 was saved by a program that asks Windows; list number, entry and date are the same in all.
    for encoding in ["utf-16"] if excels_unicode_text else ["utf-8-sig", "cp1252", "latin-1"]:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable("not_readable")


def _below_machine_row(rows: Iterator[tuple[int, list[Any]]]) -> list[tuple[int, _Row]]:
    """The rows below the one with the machine names, each under those names. raises: Unreadable if there is none"""
    names = next((row for _, row in rows if row and row[0] == MACHINE_ROW_MARK), [])
    if not set(_NEEDED) <= {name for name in names if isinstance(name, str)}:
        raise Unreadable("not_a_list")
    named = [(number, dict(zip(names, row, strict=False))) for number, row in rows]
    return [(number, cells) for number, cells in named if any(map(_said, cells.values()))]


def _read_row(number: int, row: _Row, today: dt.date) -> tuple[AnswerRow | None, list[Finding]]:
    """A row as an answer, or None where it is of no entry; and what was not understood of it."""
    typed_number, typed_entry = _text(row.get(MACHINE_ROW_MARK)).upper(), _text(row.get("entry")).upper()
    # A program that leaves the sheet's header in a CSV leaves the words for people below the machine names.
    if typed_number in _words("list_number") and typed_entry in _words("entry"):
        return None, []
    list_number = typed_number if _LIST_NUMBER.fullmatch(typed_number) else ""
    entry = typed_entry if _ENTRY.fullmatch(typed_entry) else ""
    if not list_number or not entry:
        answered = any(_said(row.get(column)) for column in ANSWER_COLUMNS)
        # What stands below a table and answers nothing is nobody's answer.
        code = "unknown_entry" if list_number else "unknown_list"
        found = [Finding(code, number, list_number, entry, "entry" if list_number else MACHINE_ROW_MARK)]
        return None, found if answered or typed_entry else []
    findings: list[Finding] = []

    def wrong(column: str, code: str) -> None:
        findings.append(Finding(code, number, list_number, entry, column))

    concern, unclear = _yes_or_no(row.get("voluntariness_concern"))
    if unclear:
        wrong("voluntariness_concern", unclear)
    closed_on: dt.date | None = None
    try:
        closed_on = _date(row.get("record_closed_on"), today)
    except Unreadable as problem:
        wrong("record_closed_on", problem.code)
    remarks = row.get("remarks")
    if remarks is _Formula:
        wrong("remarks", "formula")
    return AnswerRow(list_number, entry, concern, closed_on, _text(remarks), row=number), findings


def _yes_or_no(value: Any) -> tuple[bool | None, str]:
    """Whether there is a concern, None where nothing is said; and why it was not understood, if it was not."""
    said = _plain(_text(value)).rstrip(".!")
    if value is _Formula:
        return True, "formula"
    if not said:
        return None, ""
    if said in _words("yes"):
        return True, ""
    if said in _words("no"):
        return False, ""
    return True, "not_yes_no"


def _date(value: Any, today: dt.date) -> dt.date | None:
    """raises: Unreadable with the code of what is wrong"""
    if value is _Formula:
        raise Unreadable("formula")
    if isinstance(value, dt.datetime):
        day = value.date()
    elif isinstance(value, dt.date):
        day = value
    elif isinstance(value, int | float) and not isinstance(value, bool) and 36_526 <= value <= 73_050:
        day = _SPREADSHEET_DAY_0 + dt.timedelta(days=int(value))  # a date whose cell lost its form
    else:
        said = _text(value)
        if not said:
            return None
        # Day and month of 05/11/2026 depend on who wrote it; with dots, the day comes first everywhere.
        form = "%Y-%m-%d" if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", said) else "%d.%m.%Y"
        try:
            day = dt.datetime.strptime(said, form).date()  # noqa: DTZ007  (a day, no moment)
        except ValueError:
            raise Unreadable("not_a_date") from None
    if day < _EARLIEST:
        raise Unreadable("not_a_date")
    if day > today + dt.timedelta(days=1):
        raise Unreadable("future_date")
    return day


@cache
def _words(what: str) -> frozenset[str]:
    """A word in every language of the lists."""
    everywhere = [texts(language) for language in LANGUAGES]
    if what == "yes":
        return frozenset({_plain(word.yes) for word in everywhere} | {"yes", "y", "x", "true"})
    if what == "no":
        return frozenset({_plain(word.no) for word in everywhere} | {"no", "n", "false"})
    return frozenset({word.columns[what].upper() for word in everywhere} | {what.upper()})


def _plain(word: str) -> str:
    """A word without accents and capitals, which not every keyboard has."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _said(value: Any) -> bool:
    return value is _Formula or bool(_text(value))


def _text(value: Any) -> str:
    """What a cell says, in one line, without the apostrophe by which a spreadsheet keeps a text a text."""
    if value is None or value is _Formula:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(str(value).split()).removeprefix("'")


def merged(rows: Sequence[AnswerRow]) -> tuple[list[AnswerRow], list[Finding]]:
    """One row for each list and entry; rows that say the same of one are one, a concern in any of them is a concern.

    returns: also a finding for each entry that is given two days of closing, of which none is taken
    """
    by_entry: dict[tuple[str, str], list[AnswerRow]] = {}
    for row in rows:
        by_entry.setdefault((row.list_number, row.entry), []).append(row)
    kept, findings = [], []
    for (list_number, entry), same in by_entry.items():
        days = {row.record_closed_on for row in same if row.record_closed_on}
        said = {row.concern for row in same}
        if len(days) > 1:
            findings.append(Finding("twice", same[-1].row, list_number, entry, "record_closed_on"))
        kept.append(
            AnswerRow(
                row=same[-1].row,
                list_number=list_number,
                entry=entry,
                concern=True if True in said else False if False in said else None,
                record_closed_on=days.pop() if len(days) == 1 else None,
                remarks=" / ".join(dict.fromkeys(row.remarks for row in same if row.remarks)),
            )
        )
    return kept, findings
