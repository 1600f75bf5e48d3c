"""What is published of the counts: three tables in which every figure is at least the threshold, or zero where said.

Reach for `summary` to make the next report of an office, for `trend` to set it beside those before.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from include.reports.rejected.counting import BANDS, DESTINATION, NATIONALITY, NOT_STATED, PEOPLE, SEXES
from include.reports.rejected.hiding import Atoms, Cell, Fact, Problem, Target, hide

OTHER, TOTAL, PERIOD, YEAR = "other", "total", "period", "year"
THRESHOLD = 5
_REST = "rest"
"""All countries that no case of the year has: a reader does not know which these are."""


class PeriodRefused(ValueError):
    """Months that cannot be a period of their own after the earlier ones."""


@dataclass(frozen=True)
class Table:
    """Figures by row and column; None where one is hidden."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    figures: tuple[tuple[int | None, ...], ...]

    def at(self, row: str, column: str) -> int | None:
        """The figure, None where it is hidden."""
        return self.figures[self.rows.index(row)][self.columns.index(column)]


@dataclass(frozen=True)
class Report:
    """All that one report publishes. Nothing in it is personal; it is kept, since the next must not undo it.

    months: `YYYY-MM`, all of one year
    too_few: there were fewer cases than the threshold, and nothing else is told
    tables: nationality and destination by month (rows: countries with a figure to tell, `other`, `total`; columns: the
        months if there are several, `period`, and `year` so far if there were earlier reports in it), people by sex and
        age band
    """

    months: tuple[str, ...]
    threshold: int
    too_few: bool
    tables: Mapping[str, Table]

    @property
    def year(self) -> str:
        return self.months[0][:4]

    @property
    def total(self) -> int | None:
        """Cases of the period; None where they are too few to be told."""
        return self.tables[PEOPLE].at(TOTAL, TOTAL)

    @property
    def period(self) -> str:
        """Its months, such as `2026-01..2026-03`."""
        return self.months[0] if len(self.months) == 1 else f"{self.months[0]}..{self.months[-1]}"

    def to_json(self) -> str:
        """As it is kept."""
        return _REPORTS.dump_json(self).decode()

    @classmethod
    def from_json(cls, kept: str) -> "Report":
        return _REPORTS.validate_json(kept)


_REPORTS = TypeAdapter(Report)


def summary(
    months: Sequence[str], counts: pd.DataFrame, earlier: Sequence[Report], threshold: int = THRESHOLD
) -> Report:
    """The next report of an office.

    months: the months of its period, all of one year, after those of every earlier report
    counts: as `counted` gives them, for these months and all of the year that earlier reports were made of, unchanged
    earlier: every report that the office may have, or one that it succeeds; to leave one out tells what it hid
    raises: PeriodRefused; ContradictsItself if `counts` are not those of the earlier reports
    """
    _check(months, earlier)
    this_year = sorted((one for one in earlier if one.year == months[0][:4]), key=lambda one: one.months)
    year = _Year(tuple(months), counts, this_year, threshold)
    if year.sum(TOTAL, TOTAL, months) < threshold:
        return Report(tuple(months), threshold, True, year.tables(year.named(), None))
    named = year.named()
    while True:
        hidden = hide(year.problem(named))
        told = {kind: {row for row in rows if year.is_told(kind, row, hidden)} for kind, rows in named.items()}
        if told == named:
            return Report(tuple(months), threshold, False, year.tables(named, hidden))
        # A row without a figure would say only that the country has cases.
        named = year.with_other_enough(told)


def _check(months: Sequence[str], earlier: Sequence[Report]) -> None:
    if not months or not all(re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) for month in months):
        raise PeriodRefused("a period has months, written YYYY-MM")
    if list(months) != sorted(set(months)) or len({month[:4] for month in months}) > 1:
        raise PeriodRefused("the months of a period are in order, and of one year")
    latest = max((one.months[-1] for one in earlier), default="")
    if months[0] <= latest:
        raise PeriodRefused(f"{months[0]} was reported already: the latest report goes to {latest}")


class _Year:
    """The counts of one year, as a reader sees them: unknown, but for what reports say."""

    def __init__(
        self, months: tuple[str, ...], counts: pd.DataFrame, earlier: Sequence[Report], threshold: int
    ) -> None:
        self.months, self.earlier, self.threshold = months, earlier, threshold
        self.periods = [*(one.months for one in earlier), months]
        self.so_far = tuple(month for period in self.periods for month in period)
        known = counts[counts["month"].isin(self.so_far)]
        self.codes = {
            kind: [*sorted(set(known.loc[known["kind"] == kind, "key"])), _REST] for kind in (NATIONALITY, DESTINATION)
        }
        self.codes[PEOPLE] = [f"{sex} {band}" for sex in SEXES for band in BANDS]
        self._at: dict[tuple[str, str, str], int] = {}
        for kind in (NATIONALITY, DESTINATION):
            for code in self.codes[kind]:
                for month in self.so_far:
                    self._at[kind, code, month] = len(self._at)
        # Of people a report tells its period alone: one unknown count for all of its months.
        for period in self.periods:
            for code in self.codes[PEOPLE]:
                position = len(set(self._at.values()))
                self._at |= {(PEOPLE, code, month): position for month in period}
        self.truth = np.zeros(max(self._at.values()) + 1, np.int64)
        for month, kind, key, count in known[["month", "kind", "key", "count"]].itertuples(index=False):
            self.truth[self._at[kind, key, month]] += count

    @cached_property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The months of each column of the countries' tables."""
        return self._columns(self.months)

    def _columns(self, months: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        so_far = self.so_far[: self.so_far.index(months[-1]) + 1]
        single = {month: (month,) for month in months} if len(months) > 1 else {}
        return single | {PERIOD: months} | ({YEAR: so_far} if len(so_far) > len(months) else {})

    def atoms(self, kind: str, codes: Collection[str], months: Collection[str]) -> Atoms:
        return tuple(sorted({self._at[kind, code, month] for code in codes for month in months}))

    def sum(self, kind: str, code: str, months: Collection[str]) -> int:
        """How many there are. kind and code: `total` for all."""
        return int(self.truth[list(self._row(kind, code, months))].sum())

    def _row(self, kind: str, code: str, months: Collection[str], named: Collection[str] = ()) -> Atoms:
        if code == TOTAL:
            return self.atoms(NATIONALITY, self.codes[NATIONALITY], months)
        if code == OTHER:
            return self.atoms(kind, set(self.codes[kind]) - set(named), months)
        return self.atoms(kind, [code], months)

    def named(self) -> dict[str, set[str]]:
        """The countries with a figure to tell, as long as the others together have one as well, or are nobody."""
        return self.with_other_enough(
            {
                kind: {code for code in self.codes[kind] if code not in (NOT_STATED, _REST) and self._has(kind, code)}
                for kind in (NATIONALITY, DESTINATION)
            }
        )

    def _has(self, kind: str, code: str) -> bool:
        return any(self.sum(kind, code, months) >= self.threshold for months in self.columns.values())

    def with_other_enough(self, named: Mapping[str, set[str]]) -> dict[str, set[str]]:
        """As `named`, without the smallest where `other` would be a small figure."""
        return {kind: self._with_other_enough(kind, set(rows)) for kind, rows in named.items()}

    def _with_other_enough(self, kind: str, rows: set[str]) -> set[str]:
        def small_others() -> bool:
            others = [int(self.truth[list(self._row(kind, OTHER, self.columns[one], rows))].sum()) for one in sums]
            return any(0 < count < self.threshold for count in others)

        sums = [column for column in (PERIOD, YEAR) if column in self.columns]
        while rows and small_others():
            rows.remove(min(rows, key=lambda code: [*(self.sum(kind, code, self.columns[one]) for one in sums), code]))
        return rows

    def problem(self, named: Mapping[str, set[str]]) -> Problem:
        """What `hide` must know to make the report with these countries."""
        facts = [fact for report in self.earlier for fact in self._said(report)]
        nobody = self._nobody(named) | {atom for fact in facts if fact.high == 0 for atom in fact.atoms}
        facts += [Fact((atom,), 0, 0) for atom in sorted(nobody)]
        cells = [
            Cell(
                atoms=spot.atoms,
                value=self._value(spot),
                group=spot.group,
                low=spot.low,
                weight=spot.weight,
                small=self._value(spot) < self.threshold,
            )
            for spot in self._spots(self.months, named, self.threshold)
            if not nobody.issuperset(spot.atoms)
        ]
        return Problem(
            truth=self.truth,
            equal=self._equal(),
            facts=facts,
            cells=cells,
            targets=self._targets(nobody),
            secrets=self._secrets(),
            threshold=self.threshold,
        )

    def _nobody(self, named: Mapping[str, set[str]]) -> set[int]:
        """The counts of this report that are said to be zero, with all that a zero sum says of its parts."""
        spots = self._spots(self.months, named, self.threshold)
        return {atom for spot in spots if spot.low and not self._value(spot) for atom in spot.atoms}

    def _value(self, spot: "_Spot") -> int:
        return int(self.truth[list(spot.atoms)].sum())

    def _equal(self) -> list[tuple[Atoms, Atoms]]:
        everybody = self.codes[NATIONALITY], self.codes[DESTINATION], self.codes[PEOPLE]
        by_month = [
            (self.atoms(NATIONALITY, everybody[0], [month]), self.atoms(DESTINATION, everybody[1], [month]))
            for month in self.so_far
        ]
        by_period = [
            (self.atoms(NATIONALITY, everybody[0], months), self.atoms(PEOPLE, everybody[2], months))
            for months in self.periods
        ]
        return by_month + by_period

    def _said(self, report: Report) -> list[Fact]:
        """What an earlier report said, by its figures and by what it left out."""
        if report.too_few:
            return [Fact(self._row(NATIONALITY, TOTAL, report.months), 0, report.threshold - 1)]
        facts = []
        for spot in self._spots(report.months, _named(report), report.threshold):
            table = report.tables[spot.kind]
            if spot.row not in table.rows:
                facts.append(Fact(spot.atoms, 0, 0))
                continue
            figure = table.at(spot.row, spot.column)
            if figure is not None:
                facts.append(Fact(spot.atoms, figure, figure))
            elif spot.low:
                facts.append(Fact(spot.atoms, spot.low, None))
        return facts

    def _secrets(self) -> list[Atoms]:
        return [
            spot.atoms
            for report in self.earlier
            if not report.too_few
            for spot in self._spots(report.months, _named(report), report.threshold)
            if spot.row in report.tables[spot.kind].rows
            and report.tables[spot.kind].at(spot.row, spot.column) is None
            and self._value(spot) >= self.threshold
        ]

    def _targets(self, nobody: set[int]) -> list[Target]:
        """Every small count of every period so far, whether a report has a cell for it or not."""
        low: dict[Atoms, int] = {}
        spans = dict.fromkeys(span for months in self.periods for span in self._columns(months).values())
        for span in spans:
            low[self._row(NATIONALITY, TOTAL, span)] = 0
            for kind in (NATIONALITY, DESTINATION):
                low |= {self.atoms(kind, [code], span): 0 for code in self.codes[kind] if code != _REST}
        silent = {report.months for report in self.earlier if report.too_few}
        for months in self.periods:
            low |= {spot.atoms: 0 if months in silent else spot.low for spot in self._people(months)}
        return [
            Target(atoms, least)
            for atoms, least in low.items()
            if self.truth[list(atoms)].sum() < self.threshold and not nobody.issuperset(atoms)
        ]

    def _spots(self, months: tuple[str, ...], named: Mapping[str, set[str]], threshold: int) -> Iterator["_Spot"]:
        """Every place of a report of these months that may hold a figure; that of all cases once for all tables."""
        columns = self._columns(months)
        for column, span in columns.items():
            yield _Spot(NATIONALITY, TOTAL, column, self._row(NATIONALITY, TOTAL, span), 0)
        for kind, rows in named.items():
            for row in (*sorted(rows), OTHER):
                for column, span in columns.items():
                    low = threshold if row == OTHER and column in (PERIOD, YEAR) else 0
                    yield _Spot(kind, row, column, self._row(kind, row, span, rows), low)
        yield from self._people(months)

    def _people(self, months: tuple[str, ...]) -> Iterator["_Spot"]:
        for row in (*SEXES, TOTAL):
            for column in (*BANDS, TOTAL):
                codes = [
                    f"{sex} {band}" for sex in SEXES if row in (sex, TOTAL) for band in BANDS if column in (band, TOTAL)
                ]
                if (row, column) != (TOTAL, TOTAL):
                    yield _Spot(PEOPLE, row, column, self.atoms(PEOPLE, codes, months), int(TOTAL in (row, column)))

    def is_told(self, kind: str, row: str, hidden: set[str]) -> bool:
        """Whether the row of a country has a figure."""
        return any(
            self.sum(kind, row, span) >= self.threshold and _Spot(kind, row, column, (), 0).group not in hidden
            for column, span in self.columns.items()
        )

    def tables(self, named: Mapping[str, set[str]], hidden: set[str] | None) -> dict[str, Table]:
        """What is published. hidden: groups of cells; None: everything."""
        found: dict[str, Table] = {}
        nobody = self._nobody(named)
        figures: dict[tuple[str, str, str], int | None] = {}
        for spot in self._spots(self.months, named, self.threshold):
            said = hidden is not None and (spot.group not in hidden or nobody.issuperset(spot.atoms))
            figure = self._value(spot) if said else None
            figures[spot.kind, spot.row, spot.column] = figure
            if spot.row == TOTAL and spot.kind == NATIONALITY:
                figures[DESTINATION, TOTAL, spot.column] = figure
        figures[PEOPLE, TOTAL, TOTAL] = figures[NATIONALITY, TOTAL, PERIOD]
        for kind in (NATIONALITY, DESTINATION):
            if hidden is None:
                found[kind] = _table([TOTAL], [PERIOD], kind, figures)
                continue
            others = self.truth[list(self._row(kind, OTHER, self.so_far, named[kind]))].sum()
            rows = [*sorted(named[kind]), *([OTHER] if others else []), TOTAL]
            found[kind] = _table(rows, self.columns, kind, figures)
        found[PEOPLE] = _table([*SEXES, TOTAL], [*BANDS, TOTAL], PEOPLE, figures)
        return found


def _named(report: Report) -> dict[str, set[str]]:
    return {kind: set(report.tables[kind].rows) - {OTHER, TOTAL} for kind in (NATIONALITY, DESTINATION)}


def _table(
    rows: Sequence[str], columns: Iterable[str], kind: str, figures: Mapping[tuple[str, str, str], int | None]
) -> Table:
    ordered = tuple(columns)
    return Table(tuple(rows), ordered, tuple(tuple(figures[kind, row, column] for column in ordered) for row in rows))


@dataclass(frozen=True)
class _Spot:
    """A place in a report.

    low: what is known of it when it is hidden: 1 where a zero is always said, the threshold where `other` is nobody or
        enough
    """

    kind: str
    row: str
    column: str
    atoms: Atoms
    low: int

    @property
    def group(self) -> str:
        """What is hidden together: most people return to the country of their nationality, so each tells the other."""
        return f"{PEOPLE if self.kind == PEOPLE else 'country'} {self.row} {self.column}"

    @property
    def weight(self) -> int:
        """Sums are what a reader needs most."""
        if self.kind == PEOPLE:
            return 30 if TOTAL in (self.row, self.column) else 3
        by_column = {PERIOD: 30, YEAR: 10}.get(self.column, 3)
        return by_column * (30 if self.row == TOTAL else 1)


def trend(report: Report, earlier: Sequence[Report], length: int = 5) -> Table:
    """The newest periods side by side, as each was published: nothing is counted anew, so nothing new is told.

    returns: rows `total` and the report's nationalities; columns: periods such as `2026-01..2026-03`, oldest first
    """
    reports = [*sorted(earlier, key=lambda one: one.months), report][-length:]
    rows = (*(row for row in report.tables[NATIONALITY].rows if row != TOTAL and row != OTHER), TOTAL)
    return Table(
        rows,
        tuple(one.period for one in reports),
        tuple(tuple(_published(one, row) for one in reports) for row in rows),
    )


def _published(report: Report, row: str) -> int | None:
    table = report.tables[NATIONALITY]
    return table.at(row, PERIOD) if row in table.rows else None
