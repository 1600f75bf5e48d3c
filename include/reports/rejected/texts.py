"""What a summary says, in the language of its office: our words from `texts/*.yaml`, countries and months from ICU."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import icu
import yaml
from pydantic import BaseModel, ConfigDict

from include.lists.texts import texts as texts_of_lists
from include.reports.rejected.counting import DESTINATION, NATIONALITY, PEOPLE
from include.reports.rejected.document import Summary
from include.reports.rejected.summary import OTHER, PERIOD, TOTAL, YEAR, Table

FOLDER = Path(__file__).parent / "texts"
HIDDEN = "*"
_TWO_LETTERS = {icu.Locale("", code).getISO3Country(): code for code in icu.Locale.getISOCountries()}


@dataclass(frozen=True)
class Shown:
    """A table in words: rows by their published size, `other` and `total` last. None is a hidden figure.

    drawn_rows, drawn_columns: what a chart shows, by position: one bar for each row, or a series of columns for each
    """

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]
    drawn_rows: tuple[int, ...]
    drawn_columns: tuple[int, ...]


class Texts(BaseModel):
    """Every text of a summary. Names in braces are filled in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    language: str
    reviewed_by: str | None
    title: str
    purpose: str
    number: str
    period: str
    host_countries: str
    whom_to_call: str
    cases: str
    hidden: str
    not_listed: str
    counted: str
    too_few: str
    nationality: str
    destination: str
    people: str
    trend: str
    as_published: str
    country: str
    sex: str
    whole_period: str
    year_so_far: str
    total: str
    other: str
    other_or_not_stated: str
    sexes: dict[str, str]
    bands: dict[str, str]
    countries: dict[str, str]
    page: str
    email_subject: str
    email_body: str

    def head(self, summary: Summary) -> list[tuple[str, str]]:
        """What a summary says about itself: pairs of what and how."""
        total = summary.report.total
        contact = summary.contact
        of_lists = texts_of_lists(summary.language)
        known = [
            f"{self.named(host, summary.language)} {day.isoformat() if day else of_lists.not_yet_known}"
            for host, day in sorted(summary.as_of.items())
        ]
        return [
            (self.number, summary.number),
            (self.period, self.span(summary, summary.report.months)),
            (self.host_countries, ", ".join(self.named(code, summary.language) for code in summary.host_countries)),
            *([(of_lists.as_of, ", ".join(known))] if known else []),
            (self.cases, HIDDEN if total is None else str(total)),
            (self.whom_to_call, " · ".join(filter(None, [contact.name, contact.email, contact.phone]))),
        ]

    def notes(self, summary: Summary) -> list[str]:
        """What a reader must know to read the figures."""
        threshold = summary.report.threshold
        before = [self.as_published] if summary.earlier else []
        if summary.report.too_few:
            return [self.too_few.format(threshold=threshold), self.counted, *before]
        return [self.hidden.format(threshold=threshold), self.not_listed, self.counted, *before]

    def tables(self, summary: Summary) -> list[Shown]:
        """The report's tables, and the periods side by side if there was one before; none where too few are told."""
        report = summary.report
        earlier = [self._trend(summary)] if summary.earlier else []
        if report.too_few:
            return earlier
        countries = [self._countries(summary, kind) for kind in (NATIONALITY, DESTINATION)]
        people = report.tables[PEOPLE]
        by_age = Shown(
            title=self.people,
            corner=self.sex,
            columns=tuple(self.bands.get(column, self.total) for column in people.columns),
            rows=tuple(
                (self.sexes.get(row, self.total), figures)
                for row, figures in zip(people.rows, people.figures, strict=True)
            ),
            drawn_rows=tuple(range(len(people.rows) - 1)),
            drawn_columns=tuple(range(len(people.columns) - 1)),
        )
        return [*countries, by_age, *earlier]

    def _countries(self, summary: Summary, kind: str) -> Shown:
        table = summary.report.tables[kind]
        columns = {PERIOD: self.whole_period, YEAR: self.year_so_far.format(year=summary.report.year)}
        return Shown(
            title=self.nationality if kind == NATIONALITY else self.destination,
            corner=self.country,
            columns=tuple(columns.get(column) or month_name(column, summary.language) for column in table.columns),
            rows=self._rows(summary, table, self.other if kind == NATIONALITY else self.other_or_not_stated),
            drawn_rows=tuple(range(len(table.rows) - 1)),
            drawn_columns=(table.columns.index(PERIOD),),
        )

    def _trend(self, summary: Summary) -> Shown:
        table = summary.trend
        return Shown(
            title=self.trend,
            corner=self.country,
            columns=tuple(self.span(summary, period.split("..")) for period in table.columns),
            rows=self._rows(summary, table, self.other),
            drawn_rows=(len(table.rows) - 1,),
            drawn_columns=tuple(range(len(table.columns))),
        )

    def _rows(self, summary: Summary, table: Table, other: str) -> tuple[tuple[str, tuple[int | None, ...]], ...]:
        """The largest published figure first, hidden ones last by name: by what is hidden the order would tell it."""
        last = {OTHER: other, TOTAL: self.total}
        collator = icu.Collator.createInstance(icu.Locale(summary.language))

        def place(row: tuple[str, str, tuple[int | None, ...]]) -> tuple[int, int, bytes]:
            code, name, figures = row
            figure = figures[table.columns.index(PERIOD) if PERIOD in table.columns else -1]
            return list(last).index(code) + 1 if code in last else 0, -(figure or 0), collator.getSortKey(name)

        named = [
            (code, last.get(code) or self.named(code, summary.language), figures)
            for code, figures in zip(table.rows, table.figures, strict=True)
        ]
        return tuple((name, figures) for _, name, figures in sorted(named, key=place))

    def named(self, code: str, language: str) -> str:
        """A country or the like in the words of the language; a code that neither we nor ICU know stays."""
        if code in self.countries:
            return self.countries[code]
        letters = _TWO_LETTERS.get(code)
        return icu.Locale("", letters).getDisplayCountry(icu.Locale(language)) if letters else code

    def span(self, summary: Summary, months: Sequence[str]) -> str:
        """The first and last month in words."""
        ends = dict.fromkeys((months[0], months[-1]))
        return " – ".join(month_name(month, summary.language) for month in ends)


def month_name(month: str, language: str) -> str:
    """A month such as `2026-03` in words, with the digits that we write everywhere."""
    locale = icu.Locale(f"{language}@numbers=latn")
    form = icu.SimpleDateFormat(icu.DateTimePatternGenerator.createInstance(locale).getBestPattern("yMMM"), locale)
    form.setTimeZone(icu.TimeZone.getGMT())
    first = dt.datetime.strptime(month, "%Y-%m").replace(tzinfo=dt.UTC)
    return str(form.format(first.timestamp()))


def right_to_left(language: str) -> bool:
    """Whether the language is written from right to left."""
    return texts_of_lists(language).right_to_left


@lru_cache
def texts(language: str) -> Texts:
    """The texts of a language of `include.lists.texts.LANGUAGES`."""
    return Texts.model_validate(yaml.safe_load((FOLDER / f"{language}.yaml").read_text(encoding="utf-8")))


def email_for(summary: Summary) -> tuple[str, str]:
    """Subject and body of the email that carries a summary, without any figure."""
    words = texts(summary.language)
    filled = {
        "number": summary.number,
        "office": summary.office_name,
        "period": words.span(summary, summary.report.months),
        "contact": summary.contact.email,
    }
    return words.email_subject.format(**filled), words.email_body.format(**filled)
