"""An attack on the summaries: nothing small can be known from all of them together."""

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from include.reports.rejected import summary as module
from include.reports.rejected.counting import BANDS, counted
from include.reports.rejected.hiding import ContradictsItself
from include.reports.rejected.summary import PERIOD, TOTAL, YEAR, PeriodRefused, summary
from tests.reports.attack import Reader, found_out

CODES = ("AFG", "SYR")
PERIODS = (("2026-01", "2026-02"), ("2026-03",), ("2026-04",))


def cases(*groups):
    """groups: month, nationality, destination, sex, age band, how many"""
    columns = ["month", "nationality", "destination", "sex", "age_band"]
    return pd.DataFrame([group[:5] for group in groups for _ in range(group[5])], columns=columns)


def men(month, code, how_many):
    return month, code, code, "M", "18-59", how_many


def reports_of(population, threshold=5, periods=PERIODS):
    counts, reports = counted(population), []
    for months in periods:
        reports.append(summary(months, counts, tuple(reports), threshold))
    return reports


@st.composite
def populations(draw):
    """Groups of people who come in every month, a few more or fewer each time."""
    group = st.tuples(
        st.sampled_from(CODES),
        st.sampled_from((*CODES, None)),
        st.sampled_from(("F", "M", "X")),
        st.sampled_from(BANDS),
        st.integers(0, 7),
    )
    found = []
    for nationality, destination, sex, band, size in draw(st.lists(group, min_size=1, max_size=7)):
        for month in (month for months in PERIODS for month in months):
            how_many = max(size + draw(st.integers(-2, 2)), 0)
            found.append((month, nationality, destination or nationality, sex, band, how_many))
    return cases(*found)


@settings(max_examples=10, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(populations(), st.sampled_from((3, 5)))
def test_no_small_number_can_be_known_from_all_that_was_published(population, threshold):
    assert found_out(reports_of(population, threshold), population, threshold) == []


A_SMALL_MONTH = cases(
    men("2026-01", "AFG", 9),
    men("2026-02", "AFG", 12),
    men("2026-01", "SYR", 12),
    men("2026-02", "SYR", 2),
    men("2026-03", "AFG", 8),
    men("2026-03", "SYR", 6),
    men("2026-04", "AFG", 3),
    men("2026-04", "SYR", 8),
)


def test_hiding_the_small_cells_alone_would_give_them_away(monkeypatch):
    assert found_out(reports_of(A_SMALL_MONTH), A_SMALL_MONTH, 5) == []
    monkeypatch.setattr(module, "hide", lambda problem: {cell.group for cell in problem.cells if cell.small})
    assert "nationality SYR ('2026-02',) is 2: known to be 2 to 2" in found_out(
        reports_of(A_SMALL_MONTH), A_SMALL_MONTH, 5
    )


def test_forgetting_the_report_before_would_give_small_ones_away(monkeypatch):
    monkeypatch.setattr(module._Year, "_said", lambda year, report: [])
    assert "nationality AFG ('2026-04',) is 3: known to be 3 to 3" in found_out(
        reports_of(A_SMALL_MONTH), A_SMALL_MONTH, 5
    )


@pytest.mark.parametrize("small", range(5))
def test_what_is_published_is_the_same_whatever_the_small_number_is(small):
    def report(one):
        by_month = {
            ("AFG", "2026-01"): 10 - one,
            ("AFG", "2026-02"): one,
            ("SYR", "2026-01"): 10 + one,
            ("SYR", "2026-02"): 10 - one,
        }
        population = cases(*(men(month, code, how_many) for (code, month), how_many in by_month.items()))
        return reports_of(population, periods=PERIODS[:1])

    assert report(small) == report(3)
    assert report(small)[0].tables["nationality"].at("AFG", "2026-02") is None


def test_sums_are_told_where_only_their_parts_are_small():
    population = cases(*(men(month, code, 2) for month in PERIODS[0] for code in ("AFG", "SYR", "IRQ")))
    more = cases(*(men(month, "AFG", 3) for month in PERIODS[0]))
    (report,) = reports_of(pd.concat([population, more]), periods=PERIODS[:1])
    assert report.total == 18
    assert report.tables["nationality"].rows == ("AFG", "other", "total")
    assert [report.tables["nationality"].at(row, PERIOD) for row in ("AFG", "other", "total")] == [10, 8, 18]


def test_who_is_alone_of_a_nationality_is_not_even_listed():
    population = cases(men("2026-03", "AFG", 20), men("2026-03", "ERI", 1), men("2026-03", "SYR", 7))
    (report,) = reports_of(population, periods=PERIODS[1:2])
    assert report.tables["nationality"].rows == ("AFG", "other", "total")
    assert report.tables["nationality"].at("other", PERIOD) == 8


def test_where_nobody_else_is_the_only_nationality_is_told():
    (report,) = reports_of(cases(men("2026-03", "AFG", 20)), periods=PERIODS[1:2])
    assert report.tables["nationality"].rows == ("AFG", "total")


def test_of_too_few_cases_nothing_is_told_and_the_next_report_does_not_tell_it_either():
    population = cases(men("2026-03", "AFG", 4), men("2026-04", "AFG", 9))
    first, second = reports_of(population, periods=PERIODS[1:])
    assert first.too_few
    assert second.tables["nationality"].at(TOTAL, PERIOD) == 9
    assert second.tables["nationality"].at(TOTAL, YEAR) is None


def test_a_country_is_named_once_the_year_has_enough_of_it():
    population = cases(
        *(men(month, "IRQ", 3) for month in ("2026-03", "2026-04")),
        *(men(month, "AFG", 30) for month in ("2026-03", "2026-04")),
        *(men(month, "SYR", 6) for month in ("2026-03", "2026-04")),
    )
    first, second = reports_of(population, periods=PERIODS[1:])
    assert "IRQ" not in first.tables["nationality"].rows
    assert second.tables["nationality"].at("IRQ", YEAR) == 6
    assert second.tables["nationality"].at("IRQ", PERIOD) is None
    assert found_out([first, second], population, 5) == []


def test_a_higher_threshold_adds_nothing_to_what_was_told_before():
    counts = counted(A_SMALL_MONTH)
    first = summary(PERIODS[0], counts, (), 3)
    both = [first, summary(PERIODS[1], counts, (first,), 10)]
    for code in CODES:
        for kind in ("nationality", "destination"):
            for months in (PERIODS[0], PERIODS[0][:1], PERIODS[0][1:]):
                before, after = (Reader(reports, CODES) for reports in ([first], both))
                assert after.interval(after.where(months, **{kind: [code]})) == before.interval(
                    before.where(months, **{kind: [code]})
                )


def test_others_that_are_nobody_are_said_beside_a_table_in_which_they_are_hidden():
    population = cases(
        men("2026-03", "IRQ", 9),
        ("2026-03", "AFG", "SYR", "M", "18-59", 9),
        ("2026-03", "AFG", "ERI", "M", "18-59", 4),
        ("2026-03", "IRQ", "ERI", "M", "18-59", 4),
        ("2026-03", "ERI", "AFG", "M", "18-59", 4),
        ("2026-04", "AFG", "SYR", "M", "18-59", 12),
        ("2026-04", "SYR", "ERI", "M", "18-59", 3),
        men("2026-04", "SYR", 1),
    )
    reports = reports_of(population, periods=PERIODS[1:])
    assert reports[1].tables["nationality"].at("other", PERIOD) is None
    assert reports[1].tables["destination"].at("other", PERIOD) == 0
    reports.append(summary(("2026-05",), counted(population), tuple(reports)))
    assert found_out(reports, population, 5) == []


def test_a_report_is_kept_as_json_and_comes_back_as_it_was():
    for report in reports_of(A_SMALL_MONTH):
        assert module.Report.from_json(report.to_json()) == report


def test_counts_that_changed_after_they_were_reported_are_refused():
    first = summary(PERIODS[0], counted(A_SMALL_MONTH), ())
    changed = pd.concat([A_SMALL_MONTH, cases(men("2026-01", "AFG", 1))])
    with pytest.raises(ContradictsItself):
        summary(PERIODS[1], counted(changed), (first,))


@pytest.mark.parametrize("months", [(), ("2026-02",), ("2026-04", "2026-03"), ("2026-12", "2027-01"), ("2026-3",)])
def test_months_that_were_reported_or_are_no_period_are_refused(months):
    first = summary(PERIODS[0], counted(A_SMALL_MONTH), ())
    with pytest.raises(PeriodRefused):
        summary(months, counted(A_SMALL_MONTH), (first,))
