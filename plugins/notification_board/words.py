"""What the board says, in the reader's language: the words are in `texts/*.yaml`, as those of the lists are.

The words of notices, reasons and marks are the lists' own.
"""

import datetime as dt
import re
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import icu
import yaml
from markupsafe import Markup, escape
from pydantic import BaseModel, ConfigDict

from include.lists.texts import LANGUAGES
from include.lists.texts import texts as texts_of_lists

FOLDER = Path(__file__).parent / "texts"
COOKIE = "board_language"
_TWO_LETTERS = {icu.Locale("", code).getISO3Country(): code for code in icu.Locale.getISOCountries()}


class Words(BaseModel):
    """Every text of the board. Names in braces are filled in; what is counted has a form for one and for many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    reviewed_by: str | None
    say: dict[str, str]
    standings: dict[str, str]
    kinds: dict[str, str]
    states: dict[str, str]
    outcomes: dict[str, str]
    late: dict[str, str]
    needs: dict[str, str]
    buckets: dict[str, str]
    weekdays: dict[str, str]
    seals: dict[str, str]
    decisions: dict[str, str]
    compared: dict[str, str]
    details: dict[str, str]
    happened: dict[str, str]
    refused: dict[str, str]
    ways: dict[str, str]
    watches: dict[str, str]
    values: dict[str, str]
    sentences: dict[str, str]
    """What the rooms say in English, by that; names in braces stand for whatever is there."""


@lru_cache
def words(language: str) -> Words:
    """The words of a language of `include.lists.texts.LANGUAGES`."""
    return Words.model_validate(yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8")))


def counted(text: str, language: str, **numbers: int) -> str:
    """A text of `say` with numbers in it, in the form that the language has for so many."""
    # Digits as they stand in every other place of the board.
    written = icu.MessageFormat(text, icu.Locale(f"{language}@numbers=latn"))
    return str(written.format(list(numbers), [icu.Formattable(number) for number in numbers.values()]))


@lru_cache
def _patterns(language: str) -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(english))), said)
        for english, said in words(language).sentences.items()
    ]


def sentence(text: str, language: str) -> Markup:
    """What a room said, in this language. What we have no words for is a server's own: it stays, and says so."""
    for pattern, said in _patterns(language):
        if found := pattern.fullmatch(text):
            return escape(said.format(**found.groupdict()))
    as_it_came = words(language).say["as_it_came"]
    return Markup('<span lang="en" dir="auto">{}</span> <small>{}</small>').format(text, as_it_came)


def lasting(time: dt.timedelta, language: str) -> str:
    """How long something took, in its two largest units."""
    written = icu.MeasureFormat(icu.Locale(language), icu.UMeasureFormatWidth.SHORT)
    seconds, unit = round(time.total_seconds()), icu.MeasureUnit
    sizes = ((86400, unit.createDay()), (3600, unit.createHour()), (60, unit.createMinute()), (1, unit.createSecond()))
    largest = next((at for at, (size, _) in enumerate(sizes) if seconds >= size), 3)
    parts: list[str] = []
    for size, of in sizes[largest : largest + 2]:
        number, seconds = divmod(seconds, size)
        if number or not parts:
            parts.append(written.formatMeasure(icu.Measure(number, of)))
    return " ".join(parts)


def language_of(chosen: str | None, accepted: str) -> str:
    """The reader's language: what Airflow's UI is set to, else the browser's first that we have, else English.

    chosen: what the UI says, such as `pt` or `zh-CN`; accepted: the header Accept-Language
    """
    weighed = []
    for part in accepted.split(","):
        tag, _, weight = part.partition(";q=")
        try:
            weighed.append((-float(weight or 1), tag.strip()))
        except ValueError:
            continue
    for tag in [chosen or "", *(tag for _, tag in sorted(weighed, key=lambda one: one[0]))]:
        if (found := tag.split("-")[0].lower()) in LANGUAGES:
            return found
    return "en"


def right_to_left(language: str) -> bool:
    """Whether the language is written from right to left."""
    return texts_of_lists(language).right_to_left


@lru_cache(maxsize=4096)
def country(code: str, language: str) -> str:
    """A country's name; a code that ICU does not know stays."""
    letters = _TWO_LETTERS.get(code)
    return icu.Locale("", letters).getDisplayCountry(icu.Locale(language)) if letters else code


def moment(at: dt.datetime | None, zone: str = "UTC") -> Markup:
    """A moment in a timezone, which is named; nothing where there is none."""
    if at is None:
        return Markup("–")
    local = at.astimezone(ZoneInfo(zone))
    return Markup('<time datetime="{}">{}</time>').format(
        at.astimezone(dt.UTC).isoformat(timespec="seconds"), f"{local:%Y-%m-%d %H:%M} {local.tzname()}"
    )


def finalize(value: object) -> object:
    """What a template writes: a day as such, so that it keeps its order in a line from right to left."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return Markup('<time datetime="{0}">{0}</time>').format(value.isoformat())
    return value
