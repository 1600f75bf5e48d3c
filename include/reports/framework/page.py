"""A view as PDF: tagged, and from right to left where its language is. `page.typ` says how it looks."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

from include.lists.page import fonts, in_its_direction, printable, typeset
from include.reports.framework.document import DATE_COLUMNS, View
from include.reports.framework.texts import texts

TEMPLATE = Path(__file__).parent / "page.typ"


def page(view: View) -> bytes:
    """The bytes of a PDF (PDF/UA-1, A4); the same for the same view.

    A character that no font has stands as its number, as on a list.
    raises: PageRefused
    """
    files = {"main.typ": TEMPLATE.read_bytes(), "view.json": json.dumps(_said(view)).encode()}
    return typeset(files, view.made_on, f"{view.number} cannot be set as PDF; format: xlsx can tell it")


def _said(view: View) -> dict[str, Any]:
    words = texts(view.language)
    rows = [[_cell(cell) for cell in row] for row in words.cells(view)]
    return {
        "language": {"prs": "fa"}.get(view.language, view.language),
        "right_to_left": words.right_to_left,
        "fonts": fonts().families(),
        "number": view.number,
        "page": words.page,
        "heading": printable(words.title(view)),
        "purpose": words.purposes[view.party],
        "head": [(what, in_its_direction(how)) for what, how in words.head(view)],
        "notes": words.notes(view),
        "unprintable": words.unprintable if "[U+" in json.dumps(rows) else None,
        "empty": words.empty(view),
        "columns": [{"name": name, "title": words.columns[name], "narrow": _narrow(name)} for name in view.columns],
        "rows": rows,
    }


def _cell(cell: str | dt.date) -> dict[str, Any]:
    return in_its_direction(cell if isinstance(cell, str) else cell.isoformat())


def _narrow(column: str) -> bool:
    return column.removesuffix("_solar") in (*DATE_COLUMNS, "sex", "arrivals", "date_of_birth", "iom_office", "status")
