import csv
import datetime as dt
import io
import re
import string

import openpyxl
import pytest
import yaml

from include.lists.document import NOTICES, render
from include.lists.opening import NotAList, open_list
from include.lists.sheet import workbook
from include.lists.texts import FOLDER, LANGUAGES, Texts, email_for, texts
from tests.lists.sample import ROWS, sample


def opened(language="en", **more):
    return openpyxl.load_workbook(io.BytesIO(workbook(sample(language, **more)))).worksheets[0]


def machine_row(sheet):
    return next(row for row in sheet.iter_rows() if row[0].value == "list_number")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_gives_the_same_entries_back(language):
    document = sample(language)
    (file,) = render(document, "xlsx")
    found = open_list(file.content, file.name)
    assert found.list_number == "GRC-ATH_2026-0007"
    assert list(found.entries["entry"]) == [row[0] for row in ROWS]
    assert list(found.entries["notice"]) == [row[1] for row in ROWS]
    assert list(found.entries["name"]) == [row[3] for row in ROWS]
    assert list(found.entries["expected_departure_on"]) == [row[4] or "" for row in ROWS]


def test_the_head_says_what_the_list_is_and_is_not():
    head = "\n".join(str(row[i].value) for row in opened().iter_rows(max_row=12) for i in (0, 1) if row[i].value)
    for expected in (
        "UNHCR Greece, Athens",
        "GRC-ATH_2026-0007 (scheduled list)",
        "2026-11-10 – 2026-11-12",
        "AUT not yet known, GRC 2026-11-12",
        "NEW 3, CHANGED 2, CANCELLED 2, DEPARTED 1",
        "avr.athens@iom.example",
        "GRC-ATH_2026-0005",
        "no withdrawal of an asylum claim",
        "change their mind at any time up to embarkation",
    ):
        assert expected in head


def test_the_header_is_frozen_and_the_machine_names_above_it_are_hidden():
    sheet = opened()
    row = machine_row(sheet)[0].row
    assert sheet.row_dimensions[row].hidden
    assert sheet.freeze_panes == f"A{row + 2}"
    assert sheet.auto_filter.ref.startswith(f"A{row + 1}:")
    assert sheet.print_title_rows == f"${row + 1}:${row + 1}"


def test_dates_are_dates_that_cannot_be_misread():
    sheet = opened()
    names = [cell.value for cell in machine_row(sheet)]
    cell = sheet.cell(machine_row(sheet)[0].row + 2, names.index("expected_departure_on") + 1)
    assert cell.value == dt.datetime(2026, 11, 20)
    assert cell.number_format == "yyyy-mm-dd"


def test_only_the_answers_can_be_changed_and_they_are_drop_downs_and_dates():
    sheet = opened("fr")
    names = [cell.value for cell in machine_row(sheet)]
    first = machine_row(sheet)[0].row + 2
    assert sheet.protection.sheet
    assert not sheet.protection.autoFilter, "filtering stays allowed"
    open_cells = [name for name, cell in zip(names, sheet[first], strict=True) if not cell.protection.locked]
    assert open_cells == ["voluntariness_concern", "record_closed_on", "remarks"]
    kinds = {validation.type: validation for validation in sheet.data_validations.dataValidation}
    assert kinds["list"].formula1 == '"oui,non"'
    assert set(kinds) == {"list", "date"}


def test_what_a_spreadsheet_could_run_is_text():
    sheet = opened()
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert any(cell.value == "=SUM(1), Test" and cell.data_type == "s" for cell in cells)


def test_what_a_spreadsheet_could_run_is_harmless_in_csv():
    content = render(sample(), "csv")[0].content.decode("utf-8-sig")
    names = [row["name"] for row in csv.DictReader(io.StringIO(content, newline=""))]
    assert names[5:7] == ["'=SUM(1), Test", "'+49 NAME"]


def test_arabic_reads_from_the_right():
    assert opened("ar").sheet_view.rightToLeft
    assert not opened("en").sheet_view.rightToLeft


def test_an_empty_list_says_so_in_words():
    sheet = opened(rows=[])
    assert any(cell.value == texts("en").empty for row in sheet.iter_rows() for cell in row)
    (file,) = render(sample(rows=[]), "xlsx")
    assert open_list(file.content, file.name).entries.empty


def test_the_same_list_has_the_same_bytes():
    assert workbook(sample()) == workbook(sample())


def test_a_csv_starts_with_its_header_and_what_it_is_stands_beside_it_without_names():
    table, beside = render(sample(extra=["nationality"]), "csv")
    lines = table.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("list_number,entry,notice,reason,name,")
    assert lines[0].endswith("marked,nationality,voluntariness_concern,record_closed_on,remarks")
    assert (table.name, beside.name) == ("GRC-ATH_2026-0007_scheduled.csv", "GRC-ATH_2026-0007_scheduled.txt")
    assert table.personal
    assert not beside.personal
    said = beside.content.decode("utf-8-sig")
    assert texts("en").no_withdrawal in said
    assert not any(row[3].split(",")[0] in said for row in ROWS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_subject_and_body_of_an_email_name_nobody(language):
    subject, body = email_for(sample(language))
    assert "GRC-ATH_2026-0007" in subject
    assert texts(language).no_withdrawal in body
    assert "RECEIVED GRC-ATH_2026-0007" in body
    assert not set("{}") & set(subject + body)
    for entry, _, _, name, *_ in ROWS:
        assert name.split(",")[0] not in subject + body
        assert entry not in subject + body


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_words_and_blanks(language):
    english, other = texts("en").model_dump(), texts(language).model_dump()

    def blanks(value):
        if isinstance(value, dict):
            return {key: blanks(inner) for key, inner in value.items()}
        return sorted(blank for _, *blank in string.Formatter().parse(value) if blank[0] is not None)

    for name in Texts.model_fields:
        if name not in ("reviewed_by", "right_to_left"):
            assert blanks(other[name]) == blanks(english[name]), name
    assert set(other["notices"]) == set(NOTICES)
    assert len(set(other["notices"].values())) == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_an_office_must_write_exactly_is_said_exactly_in_every_language(language):
    words = texts(language)
    assert words.only_received.endswith("RECEIVED {list_number}")
    assert {"XLSX", "CSV"} <= set(re.findall("[A-Z]{3,}", words.findings["wrong_kind"]))
    assert "XLSX" in words.findings["macros"]
    assert "YYYY-MM-DD" in words.findings["not_a_date"]
    assert words.yes in words.findings["not_yes_no"]
    assert words.no in words.findings["not_yes_no"]

    def names(text, column):
        return re.search(f"[“„«] ?{re.escape(words.columns[column])} ?[”“»]", text)

    for text in (words.reasons["notified_in_error"], words.reasons["consent_withdrawn"], words.closing_body):
        assert names(text, "record_closed_on"), text
    assert names(words.closing_body, "remarks")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_states_whether_a_speaker_has_reviewed_it(language):
    written = (FOLDER / f"{language}.yaml").read_text(encoding="utf-8")
    reviewed = yaml.safe_load(written)["reviewed_by"]
    assert reviewed is None or reviewed.strip()
    assert ("nobody who speaks it has reviewed it yet" in written) == (reviewed is None)


def test_arabic_words_are_read_from_the_right_and_names_by_their_first_letter():
    sheet = opened("ar")
    names = [cell.value for cell in machine_row(sheet)]
    entry = sheet[machine_row(sheet)[0].row + 2]
    orders = {name: cell.alignment.readingOrder for name, cell in zip(names, entry, strict=True)}
    assert {sheet["A1"].alignment.readingOrder, orders["notice"], orders["marked"]} == {2}
    assert orders["name"] == 0


def test_a_notice_is_said_in_words_that_no_other_language_means_otherwise():
    said: dict[str, str] = {}
    for language in LANGUAGES:
        for code, word in texts(language).notices.items():
            assert said.setdefault(word, code) == code


def test_what_is_no_list_is_refused_without_telling_what_it_holds():
    for content, name in ((b"x", "a.xlsx"), (b"name,secret\r\nRAHIMI,1", "a.csv"), (b"", "a.csv"), (b"", "a.doc")):
        with pytest.raises(NotAList) as refused:
            open_list(content, name)
        assert "RAHIMI" not in str(refused.value)
