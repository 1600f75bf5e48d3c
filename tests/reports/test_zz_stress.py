"""An attack on the summaries: nothing small can be known from all of them together."""

import pandas as pd
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from include.reports.rejected import summary as module
from include.reports.rejected.counting import BANDS, counted
from include.reports.rejected.summary import summary
from tests.reports.attack import found_out

CODES = ("AFG", "SYR")
QUARTERS = (("2026-01", "2026-02"), ("2026-03",), ("2026-04",))
COLUMNS = ["month", "nationality", "destination", "sex", "age_band"]


def cases(*rows):
    """rows: month, nationality, destination, sex, age band, how many"""
    return pd.DataFrame([row[:5] for row in rows for _ in range(row[5])], columns=COLUMNS)


@st.composite
def populations(draw):
    """Groups of people who come in every month, a few more or fewer each time."""
    groups = draw(
        st.lists(
            st.tuples(
                st.sampled_from(CODES),
                st.sampled_from((*CODES, None)),
                st.sampled_from(("F", "M", "X")),
                st.sampled_from(BANDS),
                st.integers(0, 7),
            ),
            min_size=1,
            max_size=7,
        )
    )
    rows = []
    for month in (month for quarter in QUARTERS for month in quarter):
        for nationality, destination, sex, band, size in groups:
            change = draw(st.integers(-2, 2))
            rows.append((month, nationality, destination or nationality, sex, band, max(size + change, 0)))
    return cases(*rows)


def reports_of(population, threshold=5):
    counts, reports = counted(population), []
    for months in QUARTERS:
        reports.append(summary("GRC-ATH", months, counts, tuple(reports), threshold))
    return reports


@settings(max_examples=150, phases=[Phase.generate])
@given(populations(), st.sampled_from((3, 5)))
def test_no_small_number_can_be_known_from_all_that_was_published(population, threshold):
    assert found_out(reports_of(population, threshold), population, threshold) == []
