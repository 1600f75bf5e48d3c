"""What a view says, in the languages of its party: our words from `texts/*.yaml`, countries and days from ICU.

Each file says whether a speaker has reviewed it. What Afghanistan is told has no word of asylum in any language.
"""

import datetime as dt
from functools import lru_cache
from pathlib import Path

import icu
import yaml
from pydantic import BaseModel, ConfigDict

from include.reports.framework.document import SOLAR, View

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = ("en", "fr", "es", "ar", "ru", "el", "de", "prs", "ps")
_TWO_LETTERS = {icu.Locale("", code).getISO3Country(): code for code in icu.Locale.getISOCountries()}


class Texts(BaseModel):
    """Every text of a view and of the email that carries it. Names in braces are filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    right_to_left: bool
    reviewed_by: str | None
    titles: dict[str, str]
    purposes: dict[str, str]
    replaces: str
    may_change: str
    counting: str
    internal: str
    unprintable: str
    number: str
    period: str
    as_of: str
    agreement: str
    people: str
    arrivals: str
    expected: str
    whom_to_call: str
    nobody: str
    other_places: str
    page: str
    columns: dict[str, str]
    sexes: dict[str, str]
    statuses: dict[str, str]
    not_named: dict[str, str]
    email_subject: str
    email_body: str

    def title(self, view: View) -> str:
        """What a view is."""
        return self.titles[view.party].format(host=_country(view.host_country, view.language))

    def head(self, view: View) -> list[tuple[str, str]]:
        """What a view says about itself: pairs of what and how, without any person's data."""
        contact = view.contact
        counted = {"people": self.people, "arrivals": self.arrivals, "expected": self.expected}
        return [
            (self.number, view.number),
            (self.period, f"{_day(view.first, view.language)} – {_day(view.last, view.language)}"),
            (self.as_of, _day(view.as_of, view.language)),
            *((counted[name], str(figure)) for name, figure in view.figures.items()),
            (self.agreement, view.agreement),
            (self.whom_to_call, " · ".join(filter(None, [contact.name, contact.email, contact.phone]))),
        ]

    def notes(self, view: View) -> list[str]:
        """What a reader must know, the most important first."""
        if view.party == "unhcr":
            return [self.counting]
        return [self.replaces, self.may_change, *([self.internal] if view.party == "iom" else [])]

    def empty(self, view: View) -> str | None:
        """What stands in the place of a table without rows; nothing under figures, which say it by themselves."""
        return None if len(view.rows) or view.party == "unhcr" else self.nobody

    def shown(self, column: str, value: str) -> str:
        """A value in the words of the language; what is not ours stays as it is."""
        words = {"sex": self.sexes, "status": self.statuses, "not_named": self.not_named}
        return words[column].get(value, value) if column in words else value

    def cells(self, view: View) -> list[list[str | dt.date]]:
        """The rows as they are shown, in `view.columns`; days as days, everything else as text."""
        return [[self._cell(column, row, view.language) for column in view.columns] for row in _rows(view)]

    def _cell(self, column: str, row: dict[str, object], language: str) -> str | dt.date:
        if column == "destination_place" and "arrivals" in row and row[column] is None:
            return self.other_places
        value = row[column.removesuffix("_solar")]
        if isinstance(value, dt.date):
            return solar(value, language) if column.endswith("_solar") else value
        return "" if value is None else self.shown(column, str(value))


def _country(code: str, language: str) -> str:
    letters, locale = _TWO_LETTERS.get(code), icu.Locale(SOLAR.get(language, language))
    return str(icu.Locale("", letters).getDisplayCountry(locale)) if letters else code


def _day(day: dt.date, language: str) -> str:
    """A day as everybody writes it, and by the Solar Hijri calendar where that is usual."""
    if language not in SOLAR:
        return day.isoformat()
    # U+200F: the whole reads from the right. U+200E: a date in it is not turned around.
    return f"\u200f\u200e{day.isoformat()}\u200e ({solar(day, language)})"


def _rows(view: View) -> list[dict[str, object]]:
    """The rows with Python's own days, None where a cell is empty."""
    plain = view.rows.astype(object).where(view.rows.notna(), None)
    return [
        {str(name): value.date() if hasattr(value, "date") else value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]


def solar(day: dt.date, language: str) -> str:
    """A day by the Solar Hijri calendar, in words of a language of SOLAR and the digits that we write everywhere."""
    form = icu.SimpleDateFormat("d MMMM y", icu.Locale(f"{SOLAR[language]}@calendar=persian;numbers=latn"))
    form.setTimeZone(icu.TimeZone.getGMT())
    return str(form.format(dt.datetime.combine(day, dt.time(12), dt.UTC).timestamp()))


@lru_cache
def texts(language: str) -> Texts:
    """The texts of a language of LANGUAGES."""
    return Texts.model_validate(yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8")))


def email_for(view: View) -> tuple[str, str]:
    """Subject and body of the email that carries a view, without any name or figure."""
    words = texts(view.language)
    filled = {"number": view.number, "party": view.party_name, "contact": view.contact.email}
    return words.email_subject.format(**filled), words.email_body.format(**filled)
