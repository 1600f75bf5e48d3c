"""Opening a list as its recipient does: by list number and entry, whatever its language and format."""

import csv
import io
import zipfile
from dataclasses import dataclass

import openpyxl
import pandas as pd

from include.lists.document import ANSWER_COLUMNS, COLUMNS
from include.lists.sheet import MACHINE_ROW_MARK
from include.lists.texts import LANGUAGES, texts


class NotAList(ValueError):
    """A file that is not a notification list; the message says what is missing, never what it holds."""


@dataclass(frozen=True)
class OpenedList:
    """A list as a recipient has it: its number (empty for a list without entries) and its entries as text."""

    list_number: str
    entries: pd.DataFrame


def open_list(content: bytes, name: str) -> OpenedList:
    """Open an XLSX or CSV list.

    returns: entries with the list's columns; notices as in the contract (NEW, CHANGED, CANCELLED, DEPARTED)
    raises: NotAList
    """
    if name.endswith(".xlsx"):
        rows = _from_workbook(content, name)
    elif name.endswith(".csv"):
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    else:
        raise NotAList(f"{name} ends in neither .xlsx nor .csv")
    if not rows or not set(COLUMNS + ANSWER_COLUMNS) <= set(rows[0]):
        raise NotAList(f"{name} does not have the columns of a notification list")
    entries = pd.DataFrame(rows[1:], columns=rows[0], dtype="str").fillna("")
    entries["notice"] = entries["notice"].replace(_notice_codes())
    numbers = set(entries["list_number"])
    if len(numbers) > 1:
        raise NotAList(f"{name} holds entries of {len(numbers)} lists")
    return OpenedList(numbers.pop() if numbers else "", entries)


def _from_workbook(content: bytes, name: str) -> list[list[str]]:
    try:
        sheet = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets[0]
    except (zipfile.BadZipFile, KeyError, ValueError):
        raise NotAList(f"{name} is not a readable XLSX workbook") from None
    rows = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    for number, row in enumerate(rows):
        if row and row[0] == MACHINE_ROW_MARK:
            # The row after the machine names is the header that people read.
            return [row, *(entry for entry in rows[number + 2 :] if any(entry))]
    raise NotAList(f"{name} has lost the hidden row with its columns' names")


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.date().isoformat() if hasattr(value, "date") else str(value)


def _notice_codes() -> dict[str, str]:
    return {said: code for language in LANGUAGES for code, said in texts(language).notices.items()}
