"""What is taken for an answer, from files as people and programs save them, and from files that nobody should open."""

import datetime as dt
import io
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.lists.texts import LANGUAGES
from include.responses.reading import LARGEST_FILE, AnswerRow, Finding, Unreadable, merged, read_answers
from tests.lists.sample import sample
from tests.responses.filling import ENTRIES, TODAY_S_LIST, by_libreoffice, saved, table, workbook

TODAY = dt.date(2026, 11, 20)
CLOSED = dt.date(2026, 11, 11)
ANSWERS = {
    ENTRIES[0]: (True, None, "asked to speak to us"),
    ENTRIES[1]: (False, None, ""),
    ENTRIES[7]: (None, CLOSED, ""),
}


def answers_in(content, name="list.xlsx", today=TODAY):
    read = read_answers(content, name, today)
    said = {row.entry: (row.concern, row.record_closed_on, row.remarks) for row in read.rows if said_something(row)}
    return said, [finding.code for finding in read.findings]


def said_something(row):
    return row.concern is not None or row.record_closed_on is not None or row.remarks


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_in_any_language_is_read_back(language):
    said, findings = answers_in(workbook(ANSWERS, language))
    assert said == ANSWERS
    assert findings == []


def test_every_row_of_the_list_is_known_again_whether_or_not_it_answers():
    read = read_answers(workbook({}), "list.xlsx", TODAY)
    assert [(row.list_number, row.entry) for row in read.rows] == [(TODAY_S_LIST, entry) for entry in ENTRIES]


def test_a_list_without_entries_is_read_as_nothing():
    assert read_answers(workbook({}, document=sample(rows=[])), "list.xlsx", TODAY).rows == ()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_csv_is_read_as_spreadsheets_save_it(separator, encoding):
    content = table(ANSWERS, separator).decode().encode(encoding)
    assert answers_in(content, "list.csv") == (ANSWERS, [])


def test_a_csv_of_an_old_windows_is_read():
    content = table(ANSWERS, document=sample(rows=[("7K3M-9QXT", "NEW", "", "MÜLLER, Zoë", None, None, None, "")]))
    assert answers_in(content.decode().encode("cp1252"), "list.csv") == ({ENTRIES[0]: ANSWERS[ENTRIES[0]]}, [])


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_workbook_that_libreoffice_saved_is_read(language, tmp_path):
    content = by_libreoffice(workbook(ANSWERS, language), tmp_path, "xlsx:Calc MS Excel 2007 XML")
    assert answers_in(content) == (ANSWERS, [])


@pytest.mark.parametrize(("code", "separator"), [(44, ","), (59, ";")])
def test_a_csv_that_libreoffice_made_of_the_workbook_is_read(code, separator, tmp_path):
    filters = f"csv:Text - txt - csv (StarCalc):{code},34,76,1,,0,false,true,false"
    content = by_libreoffice(workbook(ANSWERS, "el"), tmp_path, filters)
    assert separator in content.decode()
    assert answers_in(content, "list.csv") == (ANSWERS, [])


@pytest.mark.parametrize(
    ("typed", "taken"),
    [("YES", True), (" Yes. ", True), ("oui", True), ("Ναι", True), ("si", True), ("x", True), ("No", False),
     ("οχι", False), ("nein", False), ("NON", False), (True, True), (False, False)],
)  # fmt: skip
def test_yes_and_no_are_known_however_they_are_typed(typed, taken):
    content = workbook({})
    book = openpyxl.load_workbook(io.BytesIO(content))
    cell = answer_cell(book, ENTRIES[0], "voluntariness_concern")
    cell.value = typed
    assert answers_in(saved(book)) == ({ENTRIES[0]: (taken, None, "")}, [])


def answer_cell(book, entry, column):
    sheet = book.active
    columns = {cell.value: cell.column for row in sheet.iter_rows() for cell in row if row[0].value == "list_number"}
    (row,) = [row[0].row for row in sheet.iter_rows() if row[columns["entry"] - 1].value == entry]
    return sheet.cell(row, columns[column])


@pytest.mark.parametrize("typed", ["maybe", "see remarks", "?", "1?"])
def test_what_is_neither_yes_nor_no_counts_as_a_concern_and_is_said(typed):
    said, findings = answers_in(workbook({ENTRIES[2]: (typed, None, "")}))
    assert said == {ENTRIES[2]: (True, None, "")}
    assert findings == ["not_yes_no"]


@pytest.mark.parametrize(
    ("typed", "day"),
    [("2026-11-11", CLOSED), ("11.11.2026", CLOSED), ("2026-11-1", dt.date(2026, 11, 1)), (46337, CLOSED),
     (dt.datetime(2026, 11, 11, 15), CLOSED), ("2026-11-21", dt.date(2026, 11, 21))],
)  # fmt: skip
def test_a_day_is_known_however_it_is_saved(typed, day):
    assert answers_in(workbook({ENTRIES[0]: (None, typed, "")})) == ({ENTRIES[0]: (None, day, "")}, [])


@pytest.mark.parametrize(
    ("typed", "code"),
    [("05/11/2026", "not_a_date"), ("2026-02-30", "not_a_date"), ("done", "not_a_date"), ("1926-11-11", "not_a_date"),
     ("2026-11-22", "future_date"), ("=TODAY()", "formula"), (7, "not_a_date")],
)  # fmt: skip
def test_what_is_no_day_is_refused_and_the_rest_of_its_row_is_kept(typed, code):
    said, findings = answers_in(workbook({ENTRIES[0]: (True, typed, "late")}))
    assert said == {ENTRIES[0]: (True, None, "late")}
    assert findings == [code]


def test_a_finding_says_where_and_never_what():
    content = workbook({ENTRIES[3]: (None, "Nino told us herself", "")})
    read = read_answers(content, "list.xlsx", TODAY)
    (found,) = read.findings
    assert (found.list_number, found.entry, found.column) == (TODAY_S_LIST, ENTRIES[3], "record_closed_on")
    assert found.row == next(row.row for row in read.rows if row.entry == ENTRIES[3])
    assert "Nino" not in str(found)


def test_a_formula_is_no_answer_but_a_concern_behind_one_reaches_a_person():
    said, findings = answers_in(workbook({ENTRIES[0]: ("=B1", None, '=HYPERLINK("http://x.example")')}))
    assert said == {ENTRIES[0]: (True, None, "")}
    assert findings == ["formula", "formula"]


def test_a_name_typed_for_an_entry_is_in_no_finding():
    content = table(ANSWERS).replace(ENTRIES[0].encode(), b"RAHIMI, Ahmad")
    (found,) = read_answers(content, "list.csv", TODAY).findings
    assert (found.code, found.entry) == ("unknown_entry", "")


def test_rows_moved_below_or_without_an_answer_are_nobody_s():
    content = table(ANSWERS) + b"\r\nsigned by the protection team,,,\r\n"
    assert answers_in(content, "list.csv") == (ANSWERS, [])


HOSTILE = {
    "not_a_list": [("list.xlsx", lambda: saved(openpyxl.Workbook())), ("list.csv", lambda: b"a,b\r\n1,2\r\n"),
                   ("list.csv", lambda: b""),
                   ("list.csv", lambda: table(ANSWERS).replace(b",remarks", b",notes"))],
    "wrong_kind": [(name, lambda: b"PK") for name in ("list.xlsm", "list.xls", "list.ods", "list.docx", "list")],
    "not_readable": [("list.xlsx", lambda: b"no zip"), ("list.xlsx", lambda: workbook(ANSWERS)[:-500]),
                     ("list.xlsx", lambda: b"PK\x03\x04"),
                     ("list.xlsx", lambda: changed({"xl/workbook.xml": doctype}))],
    "macros": [("list.xlsx", lambda: changed({}, {"xl/vbaProject.bin": b"x"})),
               ("list.xlsx", lambda: changed({}, {"xl/macrosheets/sheet1.xml": b"x"}))],
    "too_large": [("list.xlsx", lambda: changed({}, {"xl/media/zeros.bin": bytes(201 << 20)})),
                  ("list.xlsx", lambda: bytes(LARGEST_FILE + 1)),
                  ("list.csv", lambda: table(ANSWERS) + b"\r\n" * 10 + b"x,y\r\n" * 60_000)],
}  # fmt: skip


def doctype(xml):
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    return xml.replace(b"?>", b"?>" + entities, 1) if b"?>" in xml else entities + xml


def changed(changes, added=None):
    """The answered workbook with some of its parts changed and others beside them."""
    before = zipfile.ZipFile(io.BytesIO(workbook(ANSWERS)))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, changes.get(name, lambda same: same)(before.read(name)))
        for name, extra in (added or {}).items():
            after.writestr(name, extra)
    return content.getvalue()


@pytest.mark.parametrize(
    ("code", "name", "make"), [(code, name, make) for code, cases in HOSTILE.items() for name, make in cases]
)
def test_what_nobody_should_open_is_refused_with_its_reason(code, name, make):
    with pytest.raises(Unreadable) as refused:
        read_answers(make(), name, TODAY)
    assert refused.value.code == code


def test_a_link_to_another_file_is_not_followed():
    links = {"xl/externalLinks/externalLink1.xml": b"<externalLink/>"}
    assert answers_in(changed({}, links)) == (ANSWERS, [])


def test_a_file_cut_off_anywhere_gives_nothing_that_was_not_said():
    whole = table(ANSWERS)
    for end in range(0, len(whole), 3):
        try:
            read = read_answers(whole[:end], "list.csv", TODAY)
        except Unreadable:
            continue
        complete = {row.entry: row for row in read.rows[:-1]}
        for entry, row in complete.items():
            assert (row.concern, row.record_closed_on, row.remarks) == ANSWERS.get(entry, (None, None, ""))
        if read.rows and not whole[:end].endswith(b"\n"):
            last = read.rows[-1]
            assert read.cut_off or (last.concern, last.record_closed_on) == ANSWERS.get(last.entry, (None, None))[:2]


@given(st.binary(max_size=300), st.sampled_from(["list.xlsx", "list.csv"]))
def test_no_bytes_break_the_reader(content, name):
    try:
        read = read_answers(content, name, TODAY)
    except Unreadable:
        return
    assert read.rows == (), "what is no list says nothing"


def test_rows_of_one_entry_are_one_answer_and_a_concern_in_any_is_one():
    rows = [
        AnswerRow(TODAY_S_LIST, ENTRIES[0], False, CLOSED, "a", row=12),
        AnswerRow(TODAY_S_LIST, ENTRIES[0], True, CLOSED, "b", row=13),
        AnswerRow(TODAY_S_LIST, ENTRIES[0], None, None, "a", row=14),
    ]
    assert merged(rows) == ([AnswerRow(TODAY_S_LIST, ENTRIES[0], True, CLOSED, "a / b", row=14)], [])


def test_two_days_for_one_entry_are_none():
    rows = [
        AnswerRow(TODAY_S_LIST, ENTRIES[0], None, CLOSED, "", row=12),
        AnswerRow(TODAY_S_LIST, ENTRIES[0], None, TODAY, "", row=13),
    ]
    kept, findings = merged(rows)
    assert kept[0].record_closed_on is None
    assert findings == [Finding("twice", 13, TODAY_S_LIST, ENTRIES[0], "record_closed_on")]
