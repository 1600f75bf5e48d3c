"""What the board says, in every language of the lists, and what its charts draw."""

import ast
import datetime as dt
import inspect
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from include.board.charts import Point, Step, lead_and_volume, waterfall
from include.ledger.models import REVIEW_DECISIONS, STANDINGS
from include.lists.texts import LANGUAGES
from include.matching import decision, model
from include.settings import ROOT
from tests.board.test_pages import shown
from tests.board.world import LIST, bounce

SVG = "{http://www.w3.org/2000/svg}"


def filled_in(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)[,}]", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_and_fills_in_the_same(language):
    from notification_board.words import words

    source, other = words("en").model_dump(), words(language).model_dump()
    for part, texts in source.items():
        if isinstance(texts, dict):
            assert other[part].keys() == texts.keys(), part
            for key, text in texts.items():
                assert other[part][key].strip(), key
                assert filled_in(other[part][key]) == filled_in(text), key
    assert other["standings"].keys() == set(STANDINGS)
    assert other["decisions"].keys() >= set(REVIEW_DECISIONS)
    assert other["compared"].keys() == {"before", *model.readings()}
    if language != "en":
        assert other["reviewed_by"] is None or other["reviewed_by"].strip()
        assert other["say"]["not_all_told"] != source["say"]["not_all_told"]


@pytest.mark.parametrize(
    ("language", "one", "five"),
    [("en", "1 working day", "5 working days"), ("de", "1 Arbeitstag", "5 Arbeitstage"),
     ("ru", "рабочих дней: 1", "рабочих дней: 5"), ("ar", "1 من أيام العمل", "5 من أيام العمل")],
)  # fmt: skip
def test_one_of_a_thing_is_not_said_as_many_are(language, one, five):
    from notification_board.words import counted, words

    text = words(language).say["working_days"]
    assert [counted(text, language, days=count) for count in (1, 5)] == [one, five]


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


def _returns(function: str) -> Iterator[ast.Return]:
    """Where this function of `matching.decision` returns a sentence."""
    tree = ast.parse(inspect.getsource(getattr(decision, function)))
    return (one for one in ast.walk(tree) if isinstance(one, ast.Return) and isinstance(one.value, ast.Constant))


def _levels(comparison: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": one["label_for_charts"]} for one in comparison["comparison_levels"] if not one.get("is_null_level")
    ]


def _sentences_of(path: str, *errors: str) -> set[str]:
    """What the code at `path` raises these errors with; names in braces for what is filled in."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", getattr(node.func, "attr", "")) in errors
            and node.args
        ):
            said = node.args[-1] if "_raise" in errors else node.args[0]
            if isinstance(said, ast.Constant):
                found.add(str(said.value))
            if isinstance(said, ast.JoinedStr):
                found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "x1" for part in said.values))
    return found


OUTCOMES = ("DeliveryFailed", "DeliveryRefused", "DeliveryUnknown")
SAID = [
    *(_sentences_of(path, *OUTCOMES) for path in ("include/delivery/sftp.py", "include/delivery/email.py",
                                                  "include/delivery/send.py", "include/connections.py")),
    _sentences_of("include/delivery/email.py", "_raise"),
    _sentences_of("include/ledger/reviews.py", "NotDecidable"),
    _sentences_of("include/board/people.py", "NotDecidable"),
    _sentences_of("include/ledger/responses.py", "NotClosable"),
    _sentences_of("include/ledger/outbox.py", "NotResendable"),
    {returned.value.value for function in ("doubt", "objection") for returned in _returns(function) if returned.value.value},
    {level["label"] for comparison in model.settings(2)["comparisons"] for level in _levels(comparison)},
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_that_a_room_says_on_a_page_is_said_in_the_reader_s_language(language):
    from notification_board.words import sentence

    # Without its connection no list is made, and none has a page.
    said = {text for text in set().union(*SAID) if "no list is made" not in text}
    assert len(said) > 60
    assert [text for text in said if 'lang="en"' in sentence(text, language)] == []


def test_what_a_server_said_itself_stays_and_says_so():
    from notification_board.words import sentence

    assert sentence("550 <nobody> here", "de") == (
        '<span lang="en" dir="auto">550 &lt;nobody&gt; here</span> <small>(wie der Server es sagte)</small>'
    )
    assert sentence("the folder /lists is not there", "de") == "der Ordner /lists ist nicht da"


@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_no_page_in_another_language_has_an_english_sentence_of_ours(told, login, language):
    from notification_board.words import words

    bounce()
    english, theirs = words("en").model_dump(), words(language).model_dump()
    ours = {
        text.split("{")[0].strip()
        for part, texts in english.items()
        if isinstance(texts, dict)
        for key, text in texts.items()
        if theirs[part][key] != text
    }
    ours = {text for text in ours if len(text) > 6}
    client = login("admin", **{"Accept-Language": language})
    for path in ("", "office/GRC-ATH", f"list/{LIST}", "concerns", "review", "review/1", "concern/1", "trail",
                 "timeliness"):  # fmt: skip
        text = f" {shown(client.get(path).text)} "
        assert [one for one in ours if re.search(rf"\\W{re.escape(one)}\\W", text)] == [], path


@pytest.mark.parametrize(
    ("time", "expected"),
    [(dt.timedelta(days=3, hours=4, minutes=5), "3 days 4 hr"), (dt.timedelta(minutes=90), "1 hr 30 min"),
     (dt.timedelta(seconds=61), "1 min 1 sec"), (dt.timedelta(hours=2, seconds=3), "2 hr"), (dt.timedelta(0), "0 sec")],
)  # fmt: skip
def test_how_long_something_took_is_said_in_its_two_largest_units(time, expected):
    from notification_board.words import lasting

    assert lasting(time, "en") == expected
