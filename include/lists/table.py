"""The list as CSV, for an office that reads it by machine, and the text beside it that says what it is."""

import csv
import io

import pandas as pd

from include.lists.document import DATE_COLUMNS, NotificationList
from include.lists.texts import texts

_RUN_BY_A_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r")


def table(document: NotificationList) -> bytes:
    """RFC 4180, the machine names as header, codes as the contract has them.

    With a byte order mark: without it Excel reads UTF-8 as something else and spoils every name beyond Latin.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(document.columns)
    for entry in document.entries.to_dict("records"):
        writer.writerow([_cell(name, entry[name]) for name in document.columns])
    return text.getvalue().encode("utf-8-sig")


def companion(document: NotificationList) -> bytes:
    """What the list is, in the office's language, without anybody's data."""
    words = texts(document.language)
    lines = [
        words.title.format(office=document.office_name),
        "",
        words.purpose,
        "",
        *(f"{what}: {how}" for what, how in words.head(document)),
        "",
        words.no_withdrawal,
        "",
        words.how_to_answer,
    ]
    if not len(document.entries):
        lines += ["", words.empty]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")


def _cell(column: str, value: object) -> str:
    if value is None or value is pd.NaT or value != value:
        return ""
    if column in DATE_COLUMNS and isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(_RUN_BY_A_SPREADSHEET) else text
