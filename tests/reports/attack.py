"""What a reader with a solver finds out from reports: all that fits what was published, person by person.

Written from what a report says alone, not from how it was made: the unknowns are the cells of the whole cross table of
nationality, destination, month, sex and age band, of which every published figure is a sum.
"""

from itertools import product

import highspy
import numpy as np

from include.reports.rejected.counting import BANDS, SEXES

ELSEWHERE = "elsewhere"
"""Some country that no case has: a reader does not know that."""


def year_so_far(report, reports):
    return [month for one in reports if one.year == report.year and one.months <= report.months for month in one.months]


class Reader:
    """Knows `reports`, and the rules by which they are made; `codes`: the countries to think of."""

    def __init__(self, reports, codes):
        self.reports = reports
        months = [month for report in reports for month in report.months]
        self.keys = list(product([*codes, ELSEWHERE], [*codes, ELSEWHERE], months, SEXES, BANDS))
        self.fields = {
            name: np.array([key[place] for key in self.keys])
            for place, name in enumerate(("nationality", "destination", "month", "sex", "band"))
        }
        self.solver = highspy.Highs()
        self.solver.silent()
        self.solver.setOptionValue("threads", 1)
        count = len(self.keys)
        self.solver.addVars(count, np.zeros(count), np.full(count, 10_000.0))
        for report in reports:
            self.hears(report)

    def where(self, months, **values):
        """The cells that have one of these values in each field."""
        found = np.isin(self.fields["month"], list(months))
        for name, among in values.items():
            found &= np.isin(self.fields[name], list(among))
        return np.flatnonzero(found).astype(np.int32)

    def span(self, report, column):
        if column == "period":
            return report.months
        return year_so_far(report, self.reports) if column == "year" else (column,)

    def places(self, report):
        """Every place of every table of a report: kind, row, column, its cells, and how low it can be when it is hidden.

        A zero is always said of a sum of people; `other` is nobody, and then no row, or enough.
        """
        for kind in ("nationality", "destination"):
            table = report.tables[kind]
            named = [row for row in table.rows if row not in ("other", "total")]
            rest = set(self.fields[kind]) - set(named)
            for row, column in product(table.rows, table.columns):
                among = {"other": {kind: rest}, "total": {}}.get(row, {kind: [row]})
                low = report.threshold if row == "other" and column in ("period", "year") else 0
                yield kind, row, column, self.where(self.span(report, column), **among), low
        table = report.tables["people"]
        for row, column in product(table.rows, table.columns):
            among = ({} if row == "total" else {"sex": [row]}) | ({} if column == "total" else {"band": [column]})
            yield "people", row, column, self.where(report.months, **among), int(len(among) == 1)

    def hears(self, report):
        if report.too_few:
            everybody = self.where(report.months)
            self.solver.addRow(0, report.threshold - 1, len(everybody), everybody, np.ones(len(everybody)))
            return
        for kind, row, column, cells, low in self.places(report):
            figure = report.tables[kind].at(row, column)
            if figure is not None:
                self.solver.addRow(figure, figure, len(cells), cells, np.ones(len(cells)))
            elif low:
                self.solver.addRow(low, highspy.kHighsInf, len(cells), cells, np.ones(len(cells)))
        for kind in ("nationality", "destination"):
            table = report.tables[kind]
            if "other" not in table.rows:
                rest = set(self.fields[kind]) - set(table.rows)
                longest = "year" if "year" in table.columns else "period"
                cells = self.where(self.span(report, longest), **{kind: rest})
                self.solver.addRow(0, 0, len(cells), cells, np.ones(len(cells)))

    def interval(self, cells):
        """The least and the most, in whole numbers, that the sum of these cells can be."""
        return self._best(cells, 1.0), self._best(cells, -1.0)

    def _best(self, cells, cost):
        solver, every = self.solver, np.arange(len(self.keys), dtype=np.int32)
        solver.changeColsCost(len(cells), cells, np.full(len(cells), cost))
        solver.run()
        assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal, "the reports contradict each other"
        values = np.array(solver.getSolution().col_value)
        if abs(values - values.round()).max() > 1e-6:
            solver.changeColsIntegrality(len(every), every, np.full(len(every), highspy.HighsVarType.kInteger))
            solver.run()
            values = np.array(solver.getSolution().col_value)
            solver.changeColsIntegrality(len(every), every, np.full(len(every), highspy.HighsVarType.kContinuous))
        solver.changeColsCost(len(cells), cells, np.zeros(len(cells)))
        return round(values[cells].sum())


def found_out(reports, cases, threshold):
    """In words, every small count that the reports give away, and every hidden figure that can be computed."""
    codes = sorted({*cases["nationality"], *cases["destination"]})
    reader = Reader(reports, codes)
    truth = true_counts(reader, cases)
    said, asked = [], set()
    for report in reports:
        for what, cells, low in [*of_countries(reader, report, codes), *of_people(reader, report, truth)]:
            value = truth[cells].sum()
            if value >= threshold or tuple(cells) in asked:
                continue
            asked.add(tuple(cells))
            least, most = reader.interval(cells)
            # That a sum is nobody is said, and that a period has too few cases.
            if least > low or (most < threshold and most > 0 and not said_to_be_few(reader, cells, most)):
                said.append(f"{what} is {value}: known to be {least} to {most}")
        for kind, row, column, cells, _ in reader.places(report):
            if report.tables[kind].at(row, column) is None:
                least, most = reader.interval(cells)
                if least == most:
                    said.append(f"{kind} {row} {column} of {report.months} is hidden, and is {least}")
    return said


def said_to_be_few(reader, cells, most):
    """Whether the sum is below the threshold because a whole period is, and it is nobody but for that period."""
    for report in reader.reports:
        besides = np.setdiff1d(cells, reader.where(report.months))
        if report.too_few and most == report.threshold - 1 and (not len(besides) or reader.interval(besides)[1] == 0):
            return True
    return False


def true_counts(reader, cases):
    place = {key: number for number, key in enumerate(reader.keys)}
    truth = np.zeros(len(reader.keys), int)
    for case in cases.itertuples():
        sex = "F" if case.sex == "F" else "M"
        truth[place[case.nationality, case.destination, case.month, sex, case.age_band]] += 1
    return truth


def of_countries(reader, report, codes):
    """What could be asked of a report's months, its period and its year: in words, its cells, and how low it may be."""
    for span in {(month,) for month in report.months} | {report.months, tuple(year_so_far(report, reader.reports))}:
        yield f"all {span}", reader.where(span), 0
        for kind in ("nationality", "destination"):
            for code in codes:
                yield f"{kind} {code} {span}", reader.where(span, **{kind: [code]}), 0


def of_people(reader, report, truth):
    places = [place for place in reader.places(report) if place[0] == "people"]
    value = {(row, column): truth[cells].sum() for _, row, column, cells, _ in places}
    for _, row, column, cells, _ in places:
        # A sum that is not said is not zero, nor is the one cell that makes it up.
        sums = [value[row, "total"], value["total", column]]
        yield f"people {row} {column} {report.months}", cells, int(value[row, column] in sums and not report.too_few)
