"""The figures of the review as CSV: UTF-8, a header of names that `figures.yaml` explains, empty where there is none.

Reach for this to reckon on with them.
"""

import pandas as pd

from include.reports.cooperation.figures import Review


def tables(review: Review) -> dict[str, bytes]:
    """The tables behind the review by the end of their file's name; the same bytes for the same review."""
    return {
        "by_host_country.csv": _csv(review.by_host.reset_index()),
        "by_month.csv": _csv(review.by_month),
        "lead_times.csv": _csv(review.lead_times),
    }


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()
