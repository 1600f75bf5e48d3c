"""What the board says, in every language of the lists, and what its charts draw."""

import re
from xml.etree import ElementTree

import pytest

from include.board.charts import Point, Step, lead_and_volume, waterfall
from include.ledger.models import REVIEW_DECISIONS, STANDINGS
from include.lists.texts import LANGUAGES
from include.matching import model

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_and_fills_in_the_same(language):
    from notification_board.words import words

    source, other = words("en").model_dump(), words(language).model_dump()
    for part, texts in source.items():
        if isinstance(texts, dict):
            assert other[part].keys() == texts.keys(), part
            for key, text in texts.items():
                assert other[part][key].strip(), key
                assert set(re.findall(r"{\w+}", other[part][key])) == set(re.findall(r"{\w+}", text)), key
    assert other["standings"].keys() == set(STANDINGS)
    assert other["decisions"].keys() >= set(REVIEW_DECISIONS)
    assert other["compared"].keys() == {"before", *model.readings()}
    if language != "en":
        assert other["reviewed_by"] is None or other["reviewed_by"].strip()
        assert other["say"]["not_all_told"] != source["say"]["not_all_told"]


@pytest.mark.parametrize(
    ("chosen", "accepted", "expected"),
    [
        ("de", "fr", "de"), ("pt", "fr-CH, fr;q=0.9", "fr"), (None, "ar-EG,ar;q=0.8,en;q=0.5", "ar"),
        (None, "en;q=0.5, el", "el"), (None, "", "en"), (None, "zh-CN;q=x, *", "en"), ("zh-CN", "ru", "ru"),
    ],
)  # fmt: skip
def test_the_reader_s_language_is_the_ui_s_then_the_browser_s(chosen, accepted, expected):
    from notification_board.words import language_of

    assert language_of(chosen, accepted) == expected


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
def test_a_page_is_in_the_reader_s_language_and_direction(told, login):
    arabic = login("watcher")
    arabic.cookies.set("board_language", "ar")
    page = arabic.get("").text
    assert '<html lang="ar" dir="rtl">' in page
    assert "اليونان" in page, "countries as well"
    for role in ("watcher", "admin"):
        for language in LANGUAGES:
            for path in ("", "office/GRC-ATH", "list/GRC-ATH_2026-0001", "concerns", "review", "timeliness"):
                answer = login(role, **{"Accept-Language": language}).get(path)
                assert (answer.status_code, f'<html lang="{language}"' in answer.text) == (200, True), (language, path)


def drawn(svg: str, what: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(svg).findall(f".//{SVG}{what}")


def test_a_chart_draws_a_column_and_a_dot_for_each_point():
    points = [Point("2026-0001", 10, 8), Point("2026-0002", 5, None), Point("2026-0003", 0, -2.5)]
    svg = lead_and_volume(points, title='Lead & "volume"', volume="<entries>", lead="lead")
    columns = [one for one in drawn(svg, "rect") if one.find(f"{SVG}title") is not None]
    assert [one.find(f"{SVG}title").text for one in columns] == [
        "2026-0001: <entries>: 10, lead: 8",
        "2026-0002: <entries>: 5",
        "2026-0003: <entries>: 0, lead: -2.5",
    ]
    heights = [float(one.get("height")) for one in columns]
    assert heights[0] == 2 * heights[1] > heights[2] == 0
    dots = [float(one.get("cy")) for one in drawn(svg, "circle")]
    assert len(dots) == 2
    assert dots[0] < dots[1], "more lead stands higher"
    assert ElementTree.fromstring(svg).get("aria-label") == 'Lead & "volume"'
    assert "style" not in svg


def test_a_chart_of_nothing_is_a_chart():
    assert drawn(lead_and_volume([], title="t", volume="v", lead="l"), "circle") == []


def test_a_waterfall_ends_where_its_steps_lead():
    svg = waterfall([Step("before", -8), Step("name", 13), Step("sex", -1)], title="t", total="together")
    bars = drawn(svg, "rect")
    assert [one.get("class") for one in bars] == ["against", "for", "against", "for"]
    start, end = (float(bars[index].get("x")) + float(bars[index].get("width")) for index in (1, 3))
    assert start > end, "the sum is one less than where the name had led"
    assert [one.text for one in drawn(svg, "text")][1::2] == ["-8.0", "+13.0", "-1.0", "+4.0"]
