"""The test message that a new address gets before anything else: a file of the kind it will get, with a code."""

import datetime as dt
import io

import xlsxwriter

from include.arrangements.models import Addressee
from include.lists.document import RenderedFile
from include.lists.texts import texts


def render_trial(to: Addressee, code: str, now: dt.datetime) -> tuple[RenderedFile, str, str]:
    """The file that holds the code, to be sealed as lists are; and subject and body of the message, without it."""
    words = texts(to.language)
    contact = to.whom_to_call
    said = {
        "office": to.name,
        "contact": " · ".join(filter(None, [contact.name, contact.email, contact.phone])),
        "code": code,
    }
    lines = [words.trial_subject.format(**said), words.trial_code.format(**said), words.trial_answer.format(**said)]
    # The name says nothing of the code: to see a folder is not to open a file.
    stem = f"{to.code}_test_{now:%Y%m%d-%H%M%S}"
    if to.file_format == "xlsx":
        file = RenderedFile(f"{stem}.xlsx", _workbook(lines, words.right_to_left), personal=True)
    else:
        file = RenderedFile(f"{stem}.txt", ("\r\n".join(lines) + "\r\n").encode("utf-8-sig"), personal=True)
    return file, words.trial_subject.format(**said), words.trial_body.format(**said)


def _workbook(lines: list[str], right_to_left: bool) -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    if right_to_left:
        sheet.right_to_left()
    sheet.set_column(0, 0, 100)
    form = book.add_format({"text_wrap": True, "font_size": 14, "valign": "top"})
    for row, line in enumerate(lines):
        sheet.write_string(row, 0, line, form)
    book.close()
    return buffer.getvalue()
