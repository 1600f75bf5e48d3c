import datetime as dt
import io
import re
import zipfile

import openpyxl
import pandas as pd
import pytest
from pypdf import PdfReader

from include.lists.document import Contact
from include.lists.texts import LANGUAGES
from include.reports.rejected.counting import age_band, counted
from include.reports.rejected.document import Summary, render
from include.reports.rejected.summary import OTHER, PERIOD, TOTAL, summary, trend
from include.reports.rejected.texts import email_for, month_name, texts

QUARTERS = tuple(tuple(f"2026-{month:02d}" for month in range(first, first + 3)) for first in (1, 4))
MONTHLY = {"AFG": 11, "SYR": 6, "COD": 2, "ERI": 1, "XXA": 2}


def volumes(months=QUARTERS):
    """Cases as the ledger knows them, by month: many Afghans, one Eritrean, ages and sexes in turn."""
    people = [("F", "0-11"), ("M", "18-59"), ("X", "18-59"), ("M", "12-17"), ("F", "18-59"), (None, "60+")]
    rows = []
    for month in (month for quarter in months for month in quarter):
        for code, how_many in MONTHLY.items():
            for number in range(how_many):
                sex, band = people[(number + len(rows)) % len(people)]
                home = None if code == "XXA" else code
                rows.append((month, code, home, sex, band))
    return pd.DataFrame(rows, columns=["month", "nationality", "destination", "sex", "age_band"])


@pytest.fixture(scope="module")
def reports():
    counts, made = counted(volumes()), []
    for months in QUARTERS:
        made.append(summary(months, counts, tuple(made)))
    return made


def document(reports, language="en"):
    return Summary(
        number="GRC-ATH_2026-R02",
        office_name="UNHCR Greece, Athens",
        host_countries=("GRC", "CYP"),
        language=language,
        made_on=dt.date(2026, 7, 3),
        contact=Contact("IOM Athens", "avr.athens@iom.example", "+30 210 000 0000"),
        report=reports[-1],
        earlier=tuple(reports[:-1]),
    )


def opened(reports, language="en"):
    (file,) = render(document(reports, language), "xlsx")
    return openpyxl.load_workbook(io.BytesIO(file.content))


def cells(book):
    return [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def pdf(reports, language="en"):
    (file,) = render(document(reports, language), "pdf")
    return PdfReader(io.BytesIO(file.content))


def test_every_case_is_counted_once_in_each_way():
    counts = counted(volumes())
    assert counts.groupby(["month", "kind"])["count"].sum().unique().tolist() == [sum(MONTHLY.values())]


def test_other_and_unknown_sex_are_never_a_figure_of_their_own():
    counts = counted(volumes())
    assert {key.split()[0] for key in counts.loc[counts["kind"] == "people", "key"]} == {"F", "M"}


@pytest.mark.parametrize(
    ("born", "band"),
    [
        ("2014-11-24", "12-17"),
        ("2014-11-25", "0-11"),
        ("2008-11-24", "18-59"),
        ("2008-12", "12-17"),
        ("2008", "18-59"),
        ("1966-12", "18-59"),
        ("1966", "60+"),
        (None, "18-59"),
        ("", "18-59"),
    ],
)
def test_an_age_band_is_that_of_the_day_and_the_middle_of_what_is_not_known(born, band):
    assert age_band(born, dt.date(2026, 11, 24)) == band


def test_the_trend_repeats_what_was_published_and_counts_nothing_anew(reports):
    beside = trend(reports[1], reports[:1])
    assert beside.columns == ("2026-01..2026-03", "2026-04..2026-06")
    for row in beside.rows:
        table = reports[0].tables["nationality"]
        assert beside.at(row, "2026-01..2026-03") == (table.at(row, PERIOD) if row in table.rows else None)


def test_a_table_says_its_hidden_figures_by_a_sign_that_it_explains(reports):
    sheet = opened(reports)["By sex and age"]
    assert "“*”: not given. No figure below 5 is given" in sheet["A1"].value
    signs = [cell.value for row in sheet.iter_rows() for cell in row if cell.value == "*"]
    assert len(signs) == sum(figure is None for row in reports[1].tables["people"].figures for figure in row) > 0


def test_no_figure_below_the_threshold_but_zero_is_in_any_file(reports):
    book = opened(reports)
    figures = [value for value in cells(book) if isinstance(value, int)]
    assert figures
    assert all(figure == 0 or figure >= 5 for figure in figures)
    text = "\n".join(page.extract_text() for page in pdf(reports).pages)
    assert "Eritrea" not in text
    assert "Afghanistan" in text


def test_the_order_of_countries_does_not_speak_of_what_is_hidden(reports):
    table = reports[1].tables["nationality"]
    shown = [name for name, _ in texts("en").tables(document(reports))[0].rows]
    known = [code for code in table.rows if code not in (OTHER, TOTAL) and table.at(code, PERIOD) is not None]
    hidden = [code for code in table.rows if table.at(code, PERIOD) is None]
    names = {code: texts("en").named(code, "en") for code in table.rows}
    expected = sorted(known, key=lambda code: -table.at(code, PERIOD)) + sorted(hidden, key=names.get)
    assert shown == [*(names[code] for code in expected), "Other", "Total"]


def test_a_workbook_has_a_native_chart_beside_each_table(reports):
    book = opened(reports)
    assert book.sheetnames == ["By nationality", "By destination", "By sex and age", "Beside earlier periods"]
    (file,) = render(document(reports), "xlsx")
    names = zipfile.ZipFile(io.BytesIO(file.content)).namelist()
    assert len([name for name in names if re.fullmatch(r"xl/charts/chart\d\.xml", name)]) == 4


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_and_fits_its_sheets(language, reports):
    book = opened(reports, language)
    words = texts(language)
    assert [sheet.title for sheet in book] == [words.nationality, words.destination, words.people, words.trend]
    assert all(bool(sheet.sheet_view.rightToLeft) == (language == "ar") for sheet in book)
    reader = pdf(reports, language)
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.metadata.title.endswith("GRC-ATH_2026-R02")
    subject, body = email_for(document(reports, language))
    assert "GRC-ATH_2026-R02" in subject
    assert not set("{}") & set(subject + body + "".join(map(str, cells(book))))
    assert (words.reviewed_by is None) == (language != "en")


def test_of_too_few_cases_the_files_say_only_that():
    counts = counted(volumes().head(4))
    made = [summary(QUARTERS[0], counts, ())]
    found = cells(opened(made))
    assert "There were fewer than 5 cases in this period. No more can be said without pointing at somebody." in found
    assert not [value for value in found if isinstance(value, int)]
    assert pdf(made).pages[0].extract_text().count("*") == 1


def test_the_same_summary_has_the_same_bytes(reports):
    for form in ("xlsx", "pdf"):
        assert render(document(reports), form) == render(document(reports), form)


def test_months_are_in_words_and_in_our_digits():
    assert [month_name("2026-03", language) for language in ("en", "ar", "de")] == [
        "Mar 2026",
        "مارس 2026",
        "März 2026",
    ]
