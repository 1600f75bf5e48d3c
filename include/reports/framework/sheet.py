"""A view as a workbook: what it is, and below that its table, frozen with all above it."""

import datetime as dt
import io
from typing import Any

import xlsxwriter

from include.reports.framework.document import View
from include.reports.framework.texts import Texts, texts

_INK, _PALE, _LINE_COLOUR = "#1B365D", "#EEF2F7", "#C9D1DC"
_WIDTHS = {"name": 40, "name_original_script": 34, "destination_place": 30, "vulnerabilities": 34, "not_named": 34}
_OTHER_WIDTH = 19
_LEAST_COLUMNS = 5
"""The head reaches at least so far, or its texts would be a column of single words."""
_LINE = 15
"""Points: the height of a line. Heights are set, since not every program finds them for wrapped text."""


def workbook(view: View) -> bytes:
    """The bytes of an XLSX file; the same for the same view."""
    words = texts(view.language)
    buffer = io.BytesIO()
    # A text that begins like a formula or an address stays a text.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(buffer, options)
    made = dt.datetime.combine(view.made_on, dt.time())
    book.set_properties({"title": view.number, "author": "IOM", "created": made})
    sheet = book.add_worksheet(view.number[-31:])
    if words.right_to_left:
        sheet.right_to_left()
    last = max(len(view.columns), _LEAST_COLUMNS) - 1
    for column in range(last + 1):
        sheet.set_column(column, column, _width(view, column))
    header = _write_head(book, sheet, view, words, last)
    _write_rows(book, sheet, view, words, header)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(header)
    sheet.set_footer(f"&L{view.number}&R{words.page} &P / &N")
    sheet.hide_gridlines(2)
    book.close()
    return buffer.getvalue()


def _width(view: View, column: int) -> int:
    return _WIDTHS.get(view.columns[column], _OTHER_WIDTH) if column < len(view.columns) else _OTHER_WIDTH


def _ours(words: Texts) -> dict[str, Any]:
    """The direction of our own words, and the side on which every text begins."""
    return {
        "align": "right" if words.right_to_left else "left",
        "reading_order": 2 if words.right_to_left else 1,
        "valign": "top",
        "text_wrap": True,
    }


def _write_head(book: Any, sheet: Any, view: View, words: Texts, last: int) -> int:
    """Write what the view is; returns the row of the table's header, 0-based."""
    ours = _ours(words)
    label = book.add_format(ours | {"bold": True, "font_color": _INK})
    plain = book.add_format(ours)
    title = book.add_format(ours | {"bold": True, "font_size": 16, "font_color": _INK})
    note = book.add_format(ours | {"bg_color": _PALE, "bold": True, "valign": "vcenter"})
    width = sum(_width(view, column) for column in range(last + 1))

    def lines(text: str, letters: int) -> int:
        return -(-len(text) // letters)

    row = 0
    for text, form, scale in ((words.title(view), title, 1.5), (words.purposes[view.party], plain, 1.0)):
        sheet.merge_range(row, 0, row, last, text, form)
        sheet.set_row(row, (_LINE * lines(text, int(width / scale)) + 3) * scale)
        row += 1
    for what, how in words.head(view):
        sheet.write_string(row, 0, what, label)
        sheet.merge_range(row, 1, row, last, how, plain)
        sheet.set_row(row, _LINE * max(lines(how, width), lines(what, _width(view, 0) - 2)) + 2)
        row += 1
    for text in words.notes(view):
        sheet.merge_range(row, 0, row, last, text, note)
        sheet.set_row(row, _LINE * lines(text, int(width * 0.9)) + 6)
        row += 1
    if empty := words.empty(view):
        sheet.merge_range(row, 0, row, last, empty, label)
        row += 1
    return row + 1


def _write_rows(book: Any, sheet: Any, view: View, words: Texts, header: int) -> None:
    ours = _ours(words) | {"border": 1, "border_color": _LINE_COLOUR}
    # A name reads by its first letter, as a program does if told nothing.
    theirs = {key: value for key, value in ours.items() if key != "reading_order"} | {"num_format": "@"}
    form = {
        "text": book.add_format(theirs),
        "name": book.add_format(theirs | {"bold": True}),
        "date": book.add_format(ours | {"num_format": "yyyy-mm-dd", "align": "center"}),
        "solar": book.add_format(ours | {"align": "center"}),
        "number": book.add_format(ours | {"align": "center"}),
        "head": book.add_format(
            ours | {"bold": True, "font_color": "#FFFFFF", "bg_color": _INK, "valign": "vcenter", "align": "center"}
        ),
    }
    sheet.set_row(header, 2 * _LINE + 4)
    for column, name in enumerate(view.columns):
        sheet.write_string(header, column, words.columns[name], form["head"])
    for number, cells in enumerate(words.cells(view), start=header + 1):
        height = 1
        for column, (name, cell) in enumerate(zip(view.columns, cells, strict=True)):
            if isinstance(cell, dt.date):
                sheet.write_datetime(number, column, dt.datetime.combine(cell, dt.time()), form["date"])
            elif name == "arrivals":
                sheet.write_number(number, column, int(cell), form["number"])
            else:
                looks = "solar" if name.endswith("_solar") else name if name == "name" else "text"
                sheet.write_string(number, column, cell, form[looks])
                # Bold and wide letters take more than their share of a column's width.
                height = max(height, -(-len(cell) * 115 // (100 * _width(view, column))))
        sheet.set_row(number, _LINE * height + 2)
    if len(view.rows):
        sheet.autofilter(header, 0, header + len(view.rows), len(view.columns) - 1)
    sheet.freeze_panes(header + 1, 0)
