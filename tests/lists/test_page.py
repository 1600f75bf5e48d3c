import hashlib
import io
import subprocess
import sys

import pytest
from pypdf import PdfReader

from include.lists import page as module
from include.lists.document import render
from include.lists.page import FONTS, PageRefused, page, printable
from include.lists.texts import LANGUAGES, texts
from include.settings import ROOT
from tests.lists.sample import ROWS, sample

# The Bengali name has no vowel signs: where several letters are one glyph, pypdf gives both the letters and the glyph.
NAMES = {
    "Latin": "NGUYỄN, Þóra Łukasz Ağça",
    "Greek": "ΔΡΑΓΏΝΑΣ, Ηλέκτρα",
    "Cyrillic": "ЁЛКИНА, Їванка Қуаныш",
    "Arabic": "الزهراوي, خديجة",
    "Persian": "پژمان, چنگیز",
    "Urdu": "ڈار, بیٹا",
    "Pashto": "ځدراڼ, ښايسته",
    "Ethiopic": "ሃይለ, ገብረመስቀል",
    "Georgian": "ჯავახიშვილი, წიწინო",
    "Armenian": "ՀԱԿՈԲՅԱՆ, Անի",
    "Bengali": "রহমত, কমল",
    "Han": "欧阳, 玥 歐陽",
}


def rows(*names):
    return [
        (f"{number:04d}-AAAA", "NEW", "", name, "2026-12-01", None, None, "") for number, name in enumerate(names, 1)
    ]


def opened(language="en", **more):
    return PdfReader(io.BytesIO(page(sample(language, **more))))


def text_of(reader):
    return "\n".join(sheet.extract_text() for sheet in reader.pages)


def structure(reader):
    def kinds(node):
        node = node.get_object()
        if isinstance(node, list):
            return [kind for child in node for kind in kinds(child)]
        return [node.get("/S"), *kinds(node["/K"])] if isinstance(node, dict) and "/K" in node else []

    return kinds(reader.trailer["/Root"]["/StructTreeRoot"])


@pytest.mark.parametrize("script", NAMES)
def test_a_name_of_every_script_can_be_read_and_copied(script):
    name = NAMES[script]
    assert printable(name) == name
    # Word by word: pypdf gives the words of a text from right to left in the order in which they stand.
    assert set(name.replace(",", " ").split()) <= set(text_of(opened(rows=rows(name))).replace(",", " ").split())


def test_every_character_of_the_sample_worlds_names_can_be_printed():
    files = [*(ROOT / "include/sample/names").glob("*.yaml"), ROOT / "include/sample/hands.yaml"]
    assert len(files) > 10
    for path in files:
        assert "[U+" not in printable(path.read_text(encoding="utf-8")), path


def test_a_character_that_no_font_has_stands_as_its_number_and_the_list_says_so():
    said = text_of(opened(rows=rows("MÜLLER 🦊, Ana\u202eanA"))).replace("\n", "")
    assert "MÜLLER [U+1F98A], Ana[U+202E]anA" in said
    assert "cannot print stands as its number" in said
    assert "cannot print stands as its number" not in text_of(opened())


def test_a_list_that_cannot_be_set_is_refused_and_its_refusal_names_nobody(monkeypatch):
    monkeypatch.setattr(module, "printable", lambda text: text)
    with pytest.raises(PageRefused) as refused:
        page(sample(rows=rows("MÜLLER 🦊, Ana")))
    assert "GRC-ATH_2026-0007" in str(refused.value)
    assert "LLER" not in "".join(map(str, (refused.value, refused.value.__cause__, refused.value.__context__ or "")))


def test_what_could_be_markup_is_text():
    names = ["#let x = 1", "*b* _i_ $y$", "[c] \\ @d <e>", "`f` // g /* h", "= i - j", '"q" --- ~ ...', "#{panic()}"]
    said = text_of(opened(rows=rows(*names)))
    assert [name for name in names if name not in said] == []


def test_a_word_too_long_for_its_column_is_broken_without_a_sign_of_its_own():
    name = "RAZAFINDRATANDRAMANANTSOARIVELOMAHEFANDRIANARIVO"
    said = text_of(opened(rows=rows(f"{name}, Andriamahefa"), extra=["case_id"]))
    assert f"{name},Andriamahefa" in said.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_tagged_titled_and_set_in_embedded_fonts(language):
    reader = opened(language)
    root = reader.trailer["/Root"]
    assert root["/Lang"] == language
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert "<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data().decode()
    assert reader.metadata.title.endswith("GRC-ATH_2026-0007")
    kinds = structure(reader)
    assert (kinds.count("/H1"), kinds.count("/Table"), kinds.count("/TH"), kinds.count("/TR")) == (1, 1, 12, 9)
    fonts = [font.get_object() for sheet in reader.pages for font in sheet["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        assert "NotoSans" in font["/BaseFont"]
        (inner,) = font["/DescendantFonts"]
        assert {"/FontFile2", "/FontFile3"} & set(inner.get_object()["/FontDescriptor"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_what_the_list_is_and_how_to_answer_from_paper(language):
    words = texts(language)
    said = set(text_of(opened(language)).split())
    if not words.right_to_left:  # pypdf takes Arabic marks for letters of their own
        for text in (words.purpose, words.no_withdrawal, words.how_to_answer_on_paper):
            assert set(text.split()) <= said
    for expected in ("GRC-ATH_2026-0007", "avr.athens@iom.example", "GRC-ATH_2026-0005", "2026-11-10", "2026-11-12"):
        assert expected in " ".join(said)


def test_arabic_is_mirrored_and_latin_names_and_dates_in_it_are_not():
    def places(language):
        found = {}
        opened(language).pages[0].extract_text(
            visitor_text=lambda text, cm, tm, font, size: found.setdefault(text.strip(), cm[4] + tm[4])
        )
        return {key: x for text, x in found.items() for key in ("P2WD-04JN", "RAHIMI", "2026-11-24") if key in text}

    english, arabic = places("en"), places("ar")
    assert english["P2WD-04JN"] < english["RAHIMI"] < english["2026-11-24"]
    assert arabic["P2WD-04JN"] > arabic["RAHIMI"] > arabic["2026-11-24"]
    assert "RAHIMI, Ahmad Zaher" in text_of(opened("ar"))


def test_every_page_of_a_long_list_has_its_header_its_number_and_whole_entries():
    reader = opened(rows=[(f"{number:04d}-AAAA", *ROWS[number % 8][1:]) for number in range(60)])
    pages = [sheet.extract_text() for sheet in reader.pages]
    assert len(pages) > 3
    for number, text in enumerate(pages, start=1):
        assert "Expected departure" in text
        assert f"GRC-ATH_2026-0007 page {number} / {len(pages)}" in text
    assert structure(reader).count("/TH") == 12, "a header that is repeated is read aloud once"
    for number in range(60):
        (text,) = [text for text in pages if f"{number:04d}-AAAA" in text]
        assert ROWS[number % 8][3].split()[-1] in text


def test_an_empty_list_says_so_and_has_no_table():
    reader = opened(rows=[])
    assert texts("en").empty in text_of(reader)
    assert "/Table" not in structure(reader)


def test_what_is_shared_by_arrangement_stands_under_the_name():
    document = sample(rows=rows("RAHIMI, Ahmad"), extra=["date_of_birth", "asylum_reference", "sex"])
    shared = document.entries.assign(date_of_birth="1990", asylum_reference="A" * 64, sex=None)
    said = text_of(PdfReader(io.BytesIO(page(document.with_entries(shared))))).replace("\n", "")
    assert "Date of birth: 1990 · Asylum reference: " + "A" * 64 in said
    assert "Sex" not in said


def test_nothing_outside_the_pages_is_personal():
    reader = opened()
    beside = " ".join([*map(str, reader.metadata.values()), *(str(item.title) for item in reader.outline)])
    beside += reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "UNHCR Greece, Athens" in beside
    for entry, _, _, name, *_ in ROWS:
        assert entry not in beside
        assert name.split(",")[0] not in beside


def test_the_same_list_has_the_same_bytes_in_another_process_and_typst_is_loaded_for_a_pdf_alone():
    code = """
import hashlib, sys
from include.lists.document import render
from tests.lists.sample import sample
render(sample(), "xlsx"), render(sample(), "csv")
assert not {"typst", "fontTools"} & set(sys.modules)
print(hashlib.sha256(render(sample("ar"), "pdf")[0].content).hexdigest())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    (file,) = render(sample("ar"), "pdf")
    assert (file.name, file.personal) == ("GRC-ATH_2026-0007_scheduled.pdf", True)
    assert done.stdout.strip() == hashlib.sha256(file.content).hexdigest()


def test_only_our_own_fonts_are_used():
    assert {font.path for font in module.fonts().fonts()} == {str(path) for path in FONTS.glob("*.?tf")}
