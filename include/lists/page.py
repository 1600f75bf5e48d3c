"""The list as PDF, for an office that reads it on paper: tagged, and from right to left where its language is.

`page.typ` says how it looks; it is given the list as data, so that no name is ever read as markup. Only the fonts in
`fonts/` are used, so that a list looks the same, and has the same bytes, on every machine.
"""

import datetime as dt
import json
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import typst
from fontTools.ttLib import TTFont

from include.lists.document import ANSWER_COLUMNS, COLUMNS, DATE_COLUMNS, NotificationList
from include.lists.texts import Texts, texts

FONTS = Path(__file__).parent / "fonts"
TEMPLATE = Path(__file__).parent / "page.typ"
_UNSEEN_AND_MEANT = frozenset("\u200c\u200d\u200e\u200f\u061c")
"""Joiners and direction marks of Persian, Arabic and Indic spelling. What overrides a direction is not among them."""


class PageRefused(ValueError):
    """A list that cannot be set as PDF. The message names the list and nobody on it."""


def page(document: NotificationList) -> bytes:
    """The bytes of a PDF (PDF/UA-1, A4 landscape); the same for the same list.

    A character that no font has stands as its number, `[U+1F98A]`, and the list then says what that means: an empty
    box would be a wrong name, and refusing the list would leave everybody else on it untold.

    raises: PageRefused
    """
    files = {"main.typ": TEMPLATE.read_bytes(), "list.json": json.dumps(_said(document)).encode()}
    return typeset(
        files, document.made_on, f"{document.list_number} cannot be set as PDF; list.format: xlsx can tell it"
    )


def typeset(files: dict[str, bytes], made_on: dt.date, refused: str) -> bytes:
    """The bytes of a PDF/UA-1 of `main.typ` and the files that it reads; the same for the same files and day.

    raises: PageRefused, which says `refused`
    """
    made = dt.datetime.combine(made_on, dt.time(), tzinfo=dt.UTC)
    try:
        # Its stubs do not know files by name, its documentation does.
        pdf: bytes = typst.compile(files, font_paths=fonts(), timestamp=made, pdf_standards="ua-1")  # type: ignore[call-overload]
    except typst.TypstError:
        # Its message may quote the text that it stumbled over.
        raise PageRefused(refused) from None
    return pdf


def _said(document: NotificationList) -> dict[str, Any]:
    """What the template sets. All that is not ours went through `printable`."""
    words = texts(document.language)
    heading = printable(words.title.format(office=document.office_name))
    entries = [_entry(document, entry, words) for entry in document.entries.to_dict("records")]
    return {
        "language": document.language,
        "right_to_left": words.right_to_left,
        "fonts": fonts().families(),
        "title": f"{heading} · {document.list_number}",
        "number": document.list_number,
        "page": words.page,
        "heading": heading,
        "purpose": words.purpose,
        "head": [(what, printable(how)) for what, how in words.head(document)],
        "no_withdrawal": words.no_withdrawal,
        "how_to_answer": words.how_to_answer_on_paper,
        "unprintable": words.unprintable if "[U+" in json.dumps(entries) else None,
        "empty": words.empty,
        "columns": [
            {"name": name, "title": words.columns[name], "answer": name in ANSWER_COLUMNS}
            for name in (*COLUMNS, *ANSWER_COLUMNS)
        ],
        "entries": entries,
    }


def _entry(document: NotificationList, entry: dict[Any, Any], words: Texts) -> dict[str, Any]:
    """An entry's cells by column; what is shared by arrangement stands under the name, so that any number has room."""
    cells: dict[str, Any] = {name: in_its_direction(words.shown(name, _text(name, entry[name]))) for name in COLUMNS}
    shared = [(words.columns[name], in_its_direction(_text(name, entry[name]))) for name in document.extra_columns]
    return cells | {"code": entry["notice"], "shared": [(what, cell) for what, cell in shared if cell["text"]]}


def _text(column: str, value: Any) -> str:
    if pd.isna(value):
        return ""
    return value.date().isoformat() if column in DATE_COLUMNS else str(value)


def in_its_direction(text: str) -> dict[str, Any]:
    """A text and the direction in which it reads by itself: that of its first letter."""
    strong = next((way for way in map(unicodedata.bidirectional, text) if way in ("L", "R", "AL")), "L")
    return {"text": printable(text), "right_to_left": strong != "L"}


def printable(text: str) -> str:
    """`text` in characters that our fonts have, and any other as its number."""
    # Composed, a letter and its accent are one sign of one font; white space of any kind is one space.
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(sign if _seen(sign) or sign in _UNSEEN_AND_MEANT else f"[U+{ord(sign):04X}]" for sign in composed)


def _seen(sign: str) -> bool:
    return ord(sign) in _covered() and not unicodedata.category(sign).startswith("C")


@lru_cache
def fonts() -> typst.Fonts:
    """The fonts that pages are set in, and no others."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


@lru_cache
def _covered() -> frozenset[int]:
    """Every character that one of our fonts has."""
    return frozenset().union(*(TTFont(font.path, lazy=True).getBestCmap() for font in fonts().fonts() if font.path))
