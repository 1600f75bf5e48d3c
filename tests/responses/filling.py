"""Answers as offices give them: the list they were sent, its last three columns filled."""

import csv
import io
import shutil
import subprocess
from pathlib import Path

import openpyxl
import pytest

from include.lists.document import render
from include.lists.texts import texts
from tests.lists.sample import ROWS, sample

TODAY_S_LIST = "GRC-ATH_2026-0007"
ENTRIES = [row[0] for row in ROWS]


def workbook(answers, language="en", document=None) -> bytes:
    """The list as XLSX, filled: for each entry its concern (True, False or any text), day of closing and remarks."""
    document = document or sample(language)
    book = openpyxl.load_workbook(io.BytesIO(render(document, "xlsx")[0].content))
    sheet = book.active
    words = texts(document.language)
    columns = {cell.value: cell.column for row in sheet.iter_rows() for cell in row if row[0].value == "list_number"}
    for row in sheet.iter_rows():
        if (said := answers.get(row[columns["entry"] - 1].value)) is not None:
            for name, value in zip(("voluntariness_concern", "record_closed_on", "remarks"), said, strict=True):
                value = {True: words.yes, False: words.no}.get(value, value) if isinstance(value, bool) else value
                sheet.cell(row[0].row, columns[name]).value = value
    return saved(book)


def saved(book) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def table(answers, separator=",", document=None) -> bytes:
    """As `workbook`, as CSV."""
    document = document or sample()
    rows = list(csv.reader(io.StringIO(render(document, "csv")[0].content.decode("utf-8-sig"))))
    for row in rows[1:]:
        if (said := answers.get(row[1])) is not None:
            row[-3:] = [{True: "yes", False: "no"}.get(value, str(value or "")) for value in said]
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue().encode("utf-8")


def by_libreoffice(content: bytes, folder: Path, to: str) -> bytes:
    """The workbook as LibreOffice opens and saves it. to: an ending, or one with the options of its filter"""
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed: apt-get install libreoffice-calc-nogui")
    (folder / "list.xlsx").write_bytes(content)
    (folder / "out").mkdir(exist_ok=True)
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", to, "--outdir", folder / "out", folder / "list.xlsx"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    (made,) = (folder / "out").iterdir()
    return made.read_bytes()
