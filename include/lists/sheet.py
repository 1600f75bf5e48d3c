"""The list as a workbook, made for the caseworker who opens it.

Row 1 to the head's end say what the list is; then a hidden row with the columns' machine names, by which answers are
read back whatever the language; then the header in the office's language, frozen with all above it.
"""

import datetime as dt
import io
from typing import Any

import pandas as pd
import xlsxwriter

from include.lists.document import ANSWER_COLUMNS, DATE_COLUMNS, NotificationList
from include.lists.texts import Texts, texts

MACHINE_ROW_MARK = "list_number"
_WIDTHS = {
    "list_number": 22,
    "entry": 12,
    "notice": 14,
    "reason": 30,
    "name": 40,
    "marked": 28,
    "voluntariness_concern": 18,
    "remarks": 34,
}
_DATE_WIDTH, _OTHER_WIDTH = 15, 16
_LINE = 15
"""Points: the height of a line. Heights are set, since not every program finds them for wrapped text."""
_INK, _PALE, _ANSWER = "#1B365D", "#EEF2F7", "#FFF9E5"
_NOTICE_COLOURS = {"NEW": "#DCE9F7", "CHANGED": "#FFF1CC", "CANCELLED": "#E7E6E6", "DEPARTED": "#DDF0E0"}
_MERGED_TO = 7
"""The column to which the head's texts reach."""


def workbook(document: NotificationList) -> bytes:
    """The bytes of an XLSX file; the same for the same list."""
    words = texts(document.language)
    buffer = io.BytesIO()
    # A text that begins like a formula or an address stays a text.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(buffer, options)
    made = dt.datetime.combine(document.made_on, dt.time())
    book.set_properties({"title": document.list_number, "author": "IOM", "created": made})
    sheet = book.add_worksheet(document.list_number[-31:])
    if words.right_to_left:
        sheet.right_to_left()
    header_row = _write_head(book, sheet, document, words)
    _write_entries(book, sheet, document, words, header_row)
    _set_up_page(sheet, document, words, header_row)
    book.close()
    return buffer.getvalue()


def _aligned(words: Texts) -> dict[str, Any]:
    """Every text begins where the sheet does: a name of another script must not stand apart."""
    return {"align": "right" if words.right_to_left else "left"}


def _read(words: Texts) -> dict[str, Any]:
    """The direction of our own words. A name reads by its first letter, as a program does if told nothing."""
    return {"reading_order": 2 if words.right_to_left else 1}


def _write_head(book: Any, sheet: Any, document: NotificationList, words: Texts) -> int:
    """Write what the list is; returns the row of the header, 0-based."""
    ours = _aligned(words) | _read(words)
    title = book.add_format(ours | {"bold": True, "font_size": 16, "font_color": _INK})
    label = book.add_format(ours | {"bold": True, "font_color": _INK, "valign": "top", "text_wrap": True})
    plain = book.add_format(ours | {"text_wrap": True, "valign": "top"})
    notable = book.add_format(
        ours
        | {"text_wrap": True, "valign": "vcenter", "bold": True, "bg_color": _PALE, "border": 1, "border_color": _INK}
    )
    sheet.merge_range(0, 0, 0, _MERGED_TO, words.title.format(office=document.office_name), title)
    sheet.set_row(0, 26)
    sheet.merge_range(1, 0, 1, _MERGED_TO, words.purpose, plain)
    sheet.set_row(1, 32)
    row = 2
    for what, how in words.head(document):
        sheet.write_string(row, 0, what, label)
        sheet.merge_range(row, 1, row, _MERGED_TO, how, plain)
        sheet.set_row(row, _LINE * max(-(-len(how) // 130), -(-len(what) // _WIDTHS["list_number"])) + 2)
        row += 1
    for text, form in ((words.no_withdrawal, notable), (words.how_to_answer, plain)):
        sheet.merge_range(row, 0, row, _MERGED_TO, text, form)
        sheet.set_row(row, 36)
        row += 1
    if not len(document.entries):
        sheet.merge_range(row, 0, row, _MERGED_TO, words.empty, label)
        row += 1
    for column, name in enumerate(document.columns):
        sheet.write_string(row, column, name)
    sheet.set_row(row, None, None, {"hidden": True})
    return row + 1


def _write_entries(book: Any, sheet: Any, document: NotificationList, words: Texts, header_row: int) -> None:
    base = _aligned(words) | {"valign": "top", "text_wrap": True, "border": 1, "border_color": "#C9D1DC"}
    ours = base | _read(words)
    header = book.add_format(
        ours | {"bold": True, "font_color": "#FFFFFF", "bg_color": _INK, "valign": "vcenter", "align": "center"}
    )
    open_cell = base | {"bg_color": _ANSWER, "locked": False}
    form = {
        "text": book.add_format(base | {"num_format": "@"}),
        "name": book.add_format(base | {"num_format": "@", "bold": True}),
        "date": book.add_format(base | {"num_format": "yyyy-mm-dd", "align": "center"}),
        "reason": book.add_format(ours | {"num_format": "@"}),
        "marked": book.add_format(ours | {"num_format": "@", "bold": True, "font_color": "#9C2A10"}),
        "answer": book.add_format(open_cell | {"num_format": "@"}),
        "answer_date": book.add_format(open_cell | {"num_format": "yyyy-mm-dd", "align": "center"}),
    }
    notice_forms = {
        notice: book.add_format(ours | {"bold": True, "bg_color": colour}) for notice, colour in _NOTICE_COLOURS.items()
    }
    sheet.set_row(header_row, 44)
    for column, name in enumerate(document.columns):
        width = _DATE_WIDTH if name in DATE_COLUMNS else _WIDTHS.get(name, _OTHER_WIDTH)
        sheet.set_column(column, column, width)
        sheet.write_string(header_row, column, words.columns[name], header)
    for number, entry in enumerate(document.entries.to_dict("records"), start=header_row + 1):
        lines = 1
        for column, name in enumerate(document.columns):
            value = entry[name]
            if name in ANSWER_COLUMNS:
                sheet.write_blank(number, column, None, form["answer_date" if name in DATE_COLUMNS else "answer"])
            elif name in DATE_COLUMNS:
                if pd.isna(value):
                    sheet.write_blank(number, column, None, form["date"])
                else:
                    sheet.write_datetime(number, column, value.to_pydatetime(), form["date"])
            elif name == "notice":
                sheet.write_string(number, column, words.notices[value], notice_forms[value])
            else:
                text = "" if pd.isna(value) else words.shown(name, str(value))
                sheet.write_string(number, column, text, form.get(name, form["text"]))
                # Bold and wide letters take more than their share of a column's width.
                lines = max(lines, -(-len(text) * 115 // (100 * _WIDTHS.get(name, _OTHER_WIDTH))))
        sheet.set_row(number, _LINE * lines + 2)
    last = header_row + max(len(document.entries), 1)
    sheet.autofilter(header_row, 0, last, len(document.columns) - 1)
    sheet.freeze_panes(header_row + 1, 0)
    _validate_answers(sheet, document, words, header_row + 1, last)
    # Protected without a password: a caseworker may sort and filter, and cannot change an entry by accident.
    sheet.protect("", {"sort": True, "autofilter": True, "format_columns": True, "format_rows": True})


def _validate_answers(sheet: Any, document: NotificationList, words: Texts, first: int, last: int) -> None:
    concern = document.columns.index("voluntariness_concern")
    sheet.data_validation(
        first, concern, last, concern,
        {"validate": "list", "source": [words.yes, words.no]},
    )  # fmt: skip
    closed = document.columns.index("record_closed_on")
    sheet.data_validation(
        first, closed, last, closed,
        {"validate": "date", "criteria": ">=", "value": dt.date(2000, 1, 1), "input_message": words.date_hint},
    )  # fmt: skip


def _set_up_page(sheet: Any, document: NotificationList, words: Texts, header_row: int) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(header_row)
    sheet.set_footer(f"&L{document.list_number}&R{words.page} &P / &N")
    sheet.hide_gridlines(2)
