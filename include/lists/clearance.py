"""First notices that wait for a person, because a rule on persons of concern says `review`.

Reach for this to see how long one waits: until somebody has looked, or the arrangement's time is over, or the next list
would be too late for the departure; whichever comes first. Then it goes, and says that nobody has looked.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from include.casework.concern import join_marks
from include.lists.difference import KEY

NOT_REVIEWED = "not_reviewed"


@dataclass(frozen=True)
class Held:
    """What of the notices goes, and for which cases a person is wanted first."""

    notices: pd.DataFrame
    """`lists.difference.NOTICE_COLUMNS`, marked where it goes although nobody has looked"""
    wanted: dict[tuple[str, str], str]
    """by host country and case: the rules that want a person, `;` between them"""


def hold(
    notices: pd.DataFrame,
    cases: pd.DataFrame,
    known: pd.DataFrame,
    *,
    near: Callable[[dt.date], bool],
    over: Callable[[dt.date], bool],
) -> Held:
    """Keep back the NEW of cases that nobody has looked at, as long as that costs nobody their notice.

    cases: host_country, case_id, `review` (the rules that want a person)
    known: who was asked for, `ledger.clearances.known`
    near: whether a departure on that day would be told too late by the list after this one
    over: whether who was asked for on that day has waited long enough
    """
    rules = cases.set_index(KEY)["review"]
    keys = pd.MultiIndex.from_frame(notices[KEY])
    asked = rules.reindex(keys).fillna("").to_numpy()
    wanted: dict[tuple[str, str], str] = {}
    goes: list[str | None] = []
    for key, notice, names, departure in zip(
        keys, notices["notice"], asked, notices["expected_departure_on"], strict=True
    ):
        if notice != "NEW" or not names:
            goes.append("")
            continue
        of_case = known[(known["host_country"] == key[0]) & (known["case_id"] == key[1])]
        looked = {rule for one in of_case.loc[of_case["cleared"], "rules"] for rule in one.split(";")}
        left = sorted(set(names.split(";")) - looked)
        since = of_case.loc[~of_case["cleared"], "asked_on"].min()
        too_late = pd.notna(departure) and near(departure.date())
        if not left:
            goes.append("")
        elif too_late or (pd.notna(since) and over(since.date())):
            goes.append(NOT_REVIEWED)
        else:
            wanted[key] = ";".join(left)
            goes.append(None)
    marks = pd.Series(goes, index=notices.index, dtype=object)
    kept = notices[marks.notna()]
    marked = join_marks(kept["marked"].astype(str), marks[marks.notna()].astype(str))
    return Held(kept.assign(marked=marked).reset_index(drop=True), wanted)
