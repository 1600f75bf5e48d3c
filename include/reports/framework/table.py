"""A view as CSV, for a party that reads it by machine, and the text beside it that says what it is."""

import csv
import io

from include.reports.framework.document import View
from include.reports.framework.texts import texts

_RUN_BY_A_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r")


def table(view: View) -> bytes:
    """RFC 4180, the machine names as header, words as the language has them.

    With a byte order mark: without it Excel reads UTF-8 as something else and spoils every name beyond Latin.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(view.columns)
    for row in texts(view.language).cells(view):
        writer.writerow([_harmless(str(cell)) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def companion(view: View) -> bytes:
    """What the view is, in its language, without anybody's data."""
    words = texts(view.language)
    head = [f"{what}: {how}" for what, how in words.head(view)]
    empty = ["", said] if (said := words.empty(view)) else []
    lines = [words.title(view), "", words.purposes[view.party], "", *head, "", *words.notes(view), *empty]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8-sig")


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_RUN_BY_A_SPREADSHEET) else cell
