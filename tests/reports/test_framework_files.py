"""The files of a view: in every language, in every format, the same bytes for the same view."""

import datetime as dt
import io
import re

import openpyxl
import pandas as pd
import pytest
from pypdf import PdfReader

from include.lists.document import Contact
from include.reports.framework.document import View, render
from include.reports.framework.texts import LANGUAGES, email_for, solar, texts

PEOPLE = pd.DataFrame(
    {
        "name": ["RAHIMI, Ahmad Zaher", "=SUM(1), X"],
        "expected_departure_on": pd.to_datetime(["2026-11-12", "2026-11-20"]),
        "name_original_script": ["احمد ظاهر رحیمی", None],
    }
)
PLACES = pd.DataFrame({"destination_place": ["Kabul", None], "arrivals": [7, 4]})


def view(party="origin", language="en", rows=PEOPLE, figures=None) -> View:
    return View(
        number="AFG-GRC_2026-O03",
        party=party,
        party_name="Directorate of Repatriation",
        host_country="GRC",
        agreement="Quadripartite agreement, Athens",
        language=language,
        made_on=dt.date(2026, 11, 9),
        first=dt.date(2026, 11, 9),
        last=dt.date(2026, 11, 23),
        as_of=dt.date(2026, 11, 8),
        contact=Contact("IOM Athens", "avr.athens@iom.example"),
        figures=figures or {"people": 2},
        rows=rows,
    )


def sheet_of(seen: View):
    return openpyxl.load_workbook(io.BytesIO(render(seen, "xlsx")[0].content)).worksheets[0]


def cells(seen: View) -> list[str]:
    return [str(cell) for row in sheet_of(seen).iter_rows(values_only=True) for cell in row if cell is not None]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_words_for_everything_and_says_whether_a_speaker_read_them(language):
    words, english = texts(language), texts("en")
    for field in ("titles", "purposes", "columns", "sexes", "statuses", "not_named"):
        assert getattr(words, field).keys() == getattr(english, field).keys(), field
    assert (words.reviewed_by is None) == (language != "en")
    for field, text in words:
        if isinstance(text, str):
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", getattr(english, field))), field


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_format_opens_in_every_language_and_has_the_same_bytes_again(language):
    seen = view(language=language)
    for form in ("xlsx", "csv", "pdf"):
        first, again = render(seen, form), render(view(language=language), form)
        assert [(file.name, file.content) for file in first] == [(file.name, file.content) for file in again]
        assert first[0].name == f"AFG-GRC_2026-O03_{language}.{form}"
        assert first[0].personal
    assert "RAHIMI, Ahmad Zaher" in cells(seen)
    reader = PdfReader(io.BytesIO(render(seen, "pdf")[0].content))
    assert "RAHIMI, Ahmad Zaher" in reader.pages[0].extract_text()
    assert reader.trailer["/Root"]["/Lang"] == {"prs": "fa"}.get(language, language)


def test_what_afghanistan_and_the_host_country_read_has_no_word_of_asylum():
    words = {"asylum", "asyl", "asile", "asilo", "لجوء", "убежищ", "άσυλο", "ασύλου", "پناه", "refugee", "unhcr"}
    for party in ("origin", "host"):
        for language in LANGUAGES:
            said = " ".join(cells(view(party, language))).casefold()
            said += " ".join(email_for(view(party, language))).casefold()
            assert not {word for word in words if word in said}, (party, language)


def test_dari_and_pashto_have_the_solar_day_beside_the_other_from_right_to_left():
    assert [solar(dt.date(2026, 11, 24), language) for language in ("prs", "ps")] == ["3 قوس 1405", "3 لیندۍ 1405"]
    assert solar(dt.date(2027, 3, 21), "prs") == "1 حمل 1406", "a year begins in spring"
    for language in ("prs", "ps"):
        sheet = sheet_of(view(language=language))
        assert sheet.sheet_view.rightToLeft
        rows = [row for row in sheet.iter_rows(values_only=True) if row[0] == "RAHIMI, Ahmad Zaher"]
        assert rows[0][1:3] == (dt.datetime(2026, 11, 12), solar(dt.date(2026, 11, 12), language))
    assert view(language="ar").columns == view(language="en").columns == tuple(PEOPLE.columns)


def test_unhcrs_view_has_places_with_their_counts_and_the_others_last():
    seen = view("unhcr", rows=PLACES, figures={"arrivals": 11, "expected": 2})
    assert cells(seen)[-4:] == ["Kabul", "7", "other places, or none given", "4"]
    assert "11" in cells(seen)
    text = render(seen, "csv")[0].content.decode("utf-8-sig")
    assert text == 'destination_place,arrivals\r\nKabul,7\r\n"other places, or none given",4\r\n'


def test_a_view_of_nobody_says_so():
    for form in ("xlsx", "csv", "pdf"):
        render(view(rows=PEOPLE[:0]), form)
    assert texts("en").nobody in cells(view(rows=PEOPLE[:0]))
    no_arrivals = view("unhcr", rows=PLACES[:0], figures={"arrivals": 0, "expected": 2})
    assert texts("en").nobody not in cells(no_arrivals), "two are expected"
    assert [render(no_arrivals, form) for form in ("csv", "pdf")]


def test_a_cell_that_a_spreadsheet_could_run_is_text():
    assert "=SUM(1), X" in cells(view())
    assert '\r\n"\'=SUM(1), X"' in render(view(), "csv")[0].content.decode("utf-8-sig")
    companion = render(view(), "csv")[1]
    assert not companion.personal
    assert "RAHIMI" not in companion.content.decode("utf-8-sig")


def test_nothing_beside_the_pages_is_personal():
    reader = PdfReader(io.BytesIO(render(view(), "pdf")[0].content))
    beside = " ".join(map(str, reader.metadata.values())) + reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "AFG-GRC_2026-O03" in beside
    assert "RAHIMI" not in beside
