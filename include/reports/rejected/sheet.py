"""The summary as a workbook: what it is, and on a sheet each the tables with their charts."""

import datetime as dt
import io
from typing import Any

import xlsxwriter

from include.reports.rejected.document import Summary
from include.reports.rejected.texts import HIDDEN, Shown, Texts, right_to_left, texts

_INK, _PALE, _LINE, _GREY = "#1B365D", "#EEF2F7", "#C9D1DC", "#6B7685"
_SERIES = (_INK, "#8FB3DD")
_FIRST_WIDTH, _WIDTH = 30, 13
_COLUMNS = 10
"""To which column the sheet reaches, the widest table with its chart."""
_HEIGHT = 15
"""Points: the height of a line. Heights are set, since not every program finds them for wrapped text."""
_LETTERS = 150
"""How many letters a line across the sheet holds."""


def workbook(summary: Summary) -> bytes:
    """The bytes of an XLSX file; the same for the same summary."""
    buffer = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(buffer, options)
    book.set_properties(
        {"title": summary.number, "author": "IOM", "created": dt.datetime.combine(summary.made_on, dt.time())}
    )
    words = texts(summary.language)
    tables = words.tables(summary)
    names = [table.title[:31] for table in tables] or [summary.number[-31:]]
    sheets = [_sheet(book, name, summary, words) for name in names]
    row = _write_head(book, sheets[0], summary, words)
    for number, table in enumerate(tables):
        if number:
            row = _write_notes(book, sheets[number], words.notes(summary)[:1], 0, summary.language)
        _write_table(book, sheets[number], table, row + 1, summary.language)
    book.close()
    return buffer.getvalue()


def _sheet(book: Any, name: str, summary: Summary, words: Texts) -> Any:
    """A worksheet that prints on pages as wide as it is."""
    sheet = book.add_worksheet(name)
    if right_to_left(summary.language):
        sheet.right_to_left()
    sheet.set_column(0, 0, _FIRST_WIDTH)
    sheet.set_column(1, _COLUMNS, _WIDTH)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer(f"&L{summary.number}&R{words.page} &P / &N")
    sheet.hide_gridlines(2)
    return sheet


def _ours(language: str) -> dict[str, Any]:
    to_the_left = right_to_left(language)
    return {"align": "right" if to_the_left else "left", "reading_order": 2 if to_the_left else 1, "valign": "top"}


def _write_head(book: Any, sheet: Any, summary: Summary, words: Texts) -> int:
    """Write what the summary is and how to read it; returns the next free row, 0-based."""
    ours = _ours(summary.language)
    title = book.add_format(ours | {"bold": True, "font_size": 16, "font_color": _INK, "text_wrap": True})
    label = book.add_format(ours | {"bold": True, "font_color": _INK})
    plain = book.add_format(ours | {"text_wrap": True})
    heading = words.title.format(office=summary.office_name)
    sheet.merge_range(0, 0, 0, _COLUMNS, heading, title)
    sheet.set_row(0, 22 * -(-len(heading) // 85) + 4)
    sheet.merge_range(1, 0, 1, _COLUMNS, words.purpose, plain)
    sheet.set_row(1, _HEIGHT * -(-len(words.purpose) // _LETTERS) + 2)
    row = 2
    for what, how in words.head(summary):
        sheet.write_string(row, 0, what, label)
        sheet.merge_range(row, 1, row, _COLUMNS, how, plain)
        row += 1
    return _write_notes(book, sheet, words.notes(summary), row, summary.language)


def _write_notes(book: Any, sheet: Any, notes: list[str], row: int, language: str) -> int:
    """Write notes from this row on; returns the next free row."""
    note = book.add_format(_ours(language) | {"text_wrap": True, "bg_color": _PALE, "indent": 1, "valign": "vcenter"})
    for text in notes:
        sheet.merge_range(row, 0, row, _COLUMNS, text, note)
        sheet.set_row(row, _HEIGHT * -(-len(text) // _LETTERS) + 2)
        row += 1
    return row


def _write_table(book: Any, sheet: Any, table: Shown, row: int, language: str) -> None:
    """Write a table from this row on, its chart beside it."""
    ours = _ours(language) | {"valign": "vcenter"}
    cell = {"border": 1, "border_color": _LINE}
    title = book.add_format(ours | {"bold": True, "font_size": 13, "font_color": _INK})
    header = book.add_format(
        ours | cell | {"bold": True, "font_color": "#FFFFFF", "bg_color": _INK, "text_wrap": True, "align": "center"}
    )
    sheet.write_string(row, 0, table.title, title)
    sheet.set_row(row, 22)
    for column, name in enumerate((table.corner, *table.columns)):
        sheet.write_string(row + 1, column, name, header)
    sheet.set_row(row + 1, _HEIGHT * 3 + 2 if max(map(len, table.columns)) > 13 else _HEIGHT * 2)
    first = row + 2
    for number, (name, figures) in enumerate(table.rows):
        strong = cell | ({"bold": True, "bg_color": _PALE} if number == len(table.rows) - 1 else {})
        sheet.write_string(first + number, 0, name, book.add_format(ours | strong | {"text_wrap": True, "indent": 1}))
        sheet.set_row(first + number, (_HEIGHT + 1) * -(-len(name) // _FIRST_WIDTH))
        for column, figure in enumerate(figures, start=1):
            if figure is None:
                form = book.add_format(strong | {"align": "center", "font_color": _GREY})
                sheet.write_string(first + number, column, HIDDEN, form)
            else:
                form = book.add_format(strong | {"align": "center", "num_format": "#,##0"})
                sheet.write_number(first + number, column, figure, form)
    _add_chart(book, sheet, table, row + 1, _HEIGHT * max(len(table.rows) + 2, 14))


def _add_chart(book: Any, sheet: Any, table: Shown, row: int, height: int) -> None:
    """Put the chart of a table that begins in this row beside it. A hidden figure has its sign instead of a bar."""
    if not table.drawn_rows:
        return
    bars = len(table.drawn_columns) == 1
    chart = book.add_chart({"type": "bar" if bars else "column"})
    first = row + 1
    if bars:
        column = table.drawn_columns[0]
        series = [(table.columns[column], [table.rows[one][1][column] for one in table.drawn_rows])]
        top, bottom = first + table.drawn_rows[0], first + table.drawn_rows[-1]
        ranges = [((top, 0, bottom, 0), (top, column + 1, bottom, column + 1))]
    else:
        drawn = [table.rows[one] for one in table.drawn_rows]
        series = [(name, [figures[column] for column in table.drawn_columns]) for name, figures in drawn]
        left, right = table.drawn_columns[0] + 1, table.drawn_columns[-1] + 1
        ranges = [((row, left, row, right), (first + one, left, first + one, right)) for one in table.drawn_rows]
    for (name, figures), (categories, values), colour in zip(series, ranges, _SERIES, strict=False):
        labels = [{"value": HIDDEN} if figure is None else {} for figure in figures]
        chart.add_series(
            {
                "name": name,
                "categories": [sheet.name, *categories],
                "values": [sheet.name, *values],
                "fill": {"color": colour},
                "gap": 40,
                "data_labels": {"value": True, "custom": labels, "font": {"size": 8}},
            }
        )
    chart.set_title({"none": True})
    chart.set_legend({"position": "bottom"} if len(series) > 1 else {"none": True})
    plain = {"major_gridlines": {"visible": False}, "num_font": {"size": 8}}
    if bars:
        # The first row on top, as in the table.
        chart.set_y_axis(plain | {"reverse": True, "interval_unit": 1})
        chart.set_x_axis(plain | {"visible": False, "min": 0})
    else:
        chart.set_x_axis(plain)
        chart.set_y_axis(plain | {"visible": False, "min": 0})
    chart.set_chartarea({"border": {"color": _LINE}})
    at = max(len(table.columns) + 2, _COLUMNS - 3)
    chart.set_size({"width": 96 * 4 - 8, "height": height * 4 // 3})
    sheet.insert_chart(row, at, chart, {"description": table.title, "object_position": 2})
