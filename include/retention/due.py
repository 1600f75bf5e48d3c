"""Which cases are to be erased on a day, and what still stands against it. Rules only, no I/O.

Reach for `weigh` to see when a case is due and what holds it up, for `periods` to see whose retention counts.
"""

from collections.abc import Callable, Collection, Sequence

import pandas as pd

from include.arrangements.models import Arrangement, Retention
from include.ledger.models import OPEN_STATUSES

KEY = ["host_country", "case_id"]
CASE_COLUMNS = [
    *KEY,
    "iom_office",
    "status",
    "departed_on",
    "since",
    "status_since",
    "missing_since",
    "told_on",
    "answered_on",
    "in_flight",
    "concern",
    "in_review",
    "held",
    "ordered",
    "to_hear",
]
BLOCKS = ("held", "in_flight", "concern", "in_review", "to_hear", "owed")
"""What stands against an erasure, the weightiest first."""


def periods(cases: pd.DataFrame, told: pd.DataFrame, arrangements: Sequence[Arrangement]) -> pd.DataFrame:
    """For each case the shortest retention of the offices that were told of it, or would be.

    One office's arrangement must not keep what another's says is to be gone: the data are of one person.

    cases: KEY and iom_office, one row each; told: KEY and office, of every entry
    arrangements: of each office the one in force
    returns: in the order of `cases`: after_departure, without_departure, in days
    """
    by_office = {one.office: one.retention for one in arrangements}
    named = told.groupby(KEY)["office"].agg(list).to_dict() if len(told) else {}
    covering: dict[tuple[str, str | None], list[Retention]] = {}
    rows = []
    for host, case_id, iom_office in cases[[*KEY, "iom_office"]].itertuples(index=False):
        code = None if pd.isna(iom_office) else iom_office
        if (host, code) not in covering:
            covering[host, code] = [one.retention for one in arrangements if one.covers(host, code)]
        heard = [by_office[office] for office in named.get((host, case_id), []) if office in by_office]
        of_case = [*covering[host, code], *heard] or [Retention()]
        rows.append(
            (
                min(one.after_departure.days for one in of_case),
                min(one.without_departure.days for one in of_case),
            )
        )
    return pd.DataFrame(rows, columns=["after_departure", "without_departure"], index=cases.index, dtype="int64")


def weigh(
    cases: pd.DataFrame,
    periods: pd.DataFrame,
    today: pd.Timestamp,
    owed: Callable[[Collection[tuple[str, str]]], Collection[tuple[str, str]]],
) -> pd.DataFrame:
    """The cases whose time has come, and what holds each up.

    cases: CASE_COLUMNS, one row for each case that is not erased
    periods: in the order of `cases`, as `periods` gives it
    owed: of these cases, those of which some office is still to be told something
    returns: KEY, `ordered` and `blocked`: one of BLOCKS, or empty where nothing stands against it. A case whose source
        still has it as open is never due by time. A person's own wish needs no time; review does not hold it up, and
        it is told to whom it was told before it is carried out.
    """
    departed = cases["status"].eq("departed") | (cases["status"].eq("closed") & cases["departed_on"].notna())
    ordered = cases["ordered"].astype(bool)
    still_open = cases["status"].isin(OPEN_STATUSES) & cases["missing_since"].isna()
    known = cases[["departed_on", "status_since"]].max(axis=1)
    news = cases[["since", "status_since", "missing_since", "told_on", "answered_on"]].max(axis=1)
    ends = (known + pd.to_timedelta(periods["after_departure"], unit="D")).where(
        departed, news + pd.to_timedelta(periods["without_departure"], unit="D")
    )
    due = (ends.le(today) & ~still_open) | ordered
    found = cases[due]
    against = found[["held", "in_flight", "concern", "in_review", "to_hear"]].astype(bool)
    against["in_review"] &= ~ordered[due]
    against["to_hear"] &= ordered[due]
    open_to_it = found.loc[~against.any(axis=1), KEY]
    still_owed = set(owed(list(open_to_it.itertuples(index=False, name=None)))) if len(open_to_it) else set()
    against["owed"] = [pair in still_owed for pair in found[KEY].itertuples(index=False, name=None)]
    blocked = pd.Series("", index=found.index, dtype="str")
    for what in reversed(BLOCKS):
        blocked[against[what]] = what
    return found[[*KEY, "ordered"]].assign(blocked=blocked).reset_index(drop=True)
