"""The summary as PDF: tagged, and from right to left where its language is. `page.typ` says how it looks."""

import json
from pathlib import Path
from typing import Any

from include.lists.page import fonts, printable, typeset
from include.reports.rejected.document import Summary
from include.reports.rejected.texts import HIDDEN, Shown, right_to_left, texts

TEMPLATE = Path(__file__).parent / "page.typ"
DRAWING = Path(__file__).parent.parent / "drawing.typ"


def page(summary: Summary) -> bytes:
    """The bytes of a PDF (PDF/UA-1, A4); the same for the same summary."""
    files = {
        "main.typ": TEMPLATE.read_bytes(),
        "drawing.typ": DRAWING.read_bytes(),
        "summary.json": json.dumps(_said(summary)).encode(),
    }
    return typeset(files, summary.made_on, f"{summary.number} cannot be set as PDF; formats: [xlsx] can tell it")


def _said(summary: Summary) -> dict[str, Any]:
    words = texts(summary.language)
    return {
        "language": summary.language,
        "right_to_left": right_to_left(summary.language),
        "fonts": fonts().families(),
        "number": summary.number,
        "page": words.page,
        "heading": printable(words.title.format(office=summary.office_name)),
        "purpose": words.purpose,
        "head": [(what, printable(how)) for what, how in words.head(summary)],
        "notes": words.notes(summary),
        "hidden": HIDDEN,
        "tables": [_table(table) for table in words.tables(summary)],
    }


def _table(table: Shown) -> dict[str, Any]:
    """A table with its chart: `bars` beside its rows, or `groups` of bars below it."""
    bars = len(table.drawn_columns) == 1
    return {
        "title": table.title,
        "corner": table.corner,
        "columns": table.columns,
        "rows": [{"name": name, "figures": figures} for name, figures in table.rows],
        "drawn": table.columns[table.drawn_columns[0]],
        "bars": [table.rows[row][1][table.drawn_columns[0]] for row in table.drawn_rows] if bars else None,
        "groups": None
        if bars
        else [
            {"name": table.columns[column], "figures": [table.rows[row][1][column] for row in table.drawn_rows]}
            for column in table.drawn_columns
        ],
        "series": [table.rows[row][0] for row in table.drawn_rows] if len(table.drawn_rows) > 1 and not bars else [],
    }
