"""What is true for one office: its cases, in the words of its lists.

Reach for this to see how an arrangement turns the ledger's cases into what a list may say.
"""

import datetime as dt
from collections.abc import Callable

import pandas as pd

from include.lists.difference import KEY, TRUTH_COLUMNS

NOTHING_MORE = ("other_office", "consent_withdrawn", "notified_in_error")
"""The states in which the office is to learn nothing more of a person than that its entry has ended."""


def office_truth(
    cases: pd.DataFrame,
    *,
    covers: Callable[[str, str | None], bool],
    consent_required: bool,
    undated: bool,
    no_show_overdue: Callable[[dt.date], bool],
    owed_from: dt.date,
    shared_columns: list[str],
) -> pd.DataFrame:
    """What is true of every case that concerns an office, or concerned it.

    cases: the ledger's cases of the office's host countries, and those it was told of (columns of
        `ledger.models.Case`, `told_in_error` and `erasure_ordered`, dates as datetime64), with the measures that its
        arrangement adds
    covers: whether the office is told of a case of this host country and IOM office
    undated: whether intentions without a date are told
    no_show_overdue: whether a no-show since that day has used up the arrangement's grace
    owed_from: departures before this day are not owed to an office that was never told of the case
    shared_columns: the columns beyond the default that the arrangement shares
    returns: TRUTH_COLUMNS, one row per case
    """
    covered = pd.Series(
        [
            covers(host, None if pd.isna(iom) else iom)
            for host, iom in zip(cases["host_country"], cases["iom_office"], strict=True)
        ],
        index=cases.index,
        dtype=bool,
    )
    status, consent = cases["status"], cases["sharing_consent"].astype("boolean")
    departed = status.eq("departed") | (status.eq("closed") & cases["departed_on"].notna())

    state = pd.Series("active", index=cases.index, dtype="str")
    state[status.eq("withdrawn")] = "stays"
    state[status.eq("closed")] = "closed"
    overdue = [
        value == "no_show" and no_show_overdue(since.date())
        for value, since in zip(status, cases["status_since"], strict=True)
    ]
    state[pd.Series(overdue, index=cases.index, dtype=bool)] = "no_show"
    state[departed] = "departed"
    state[~covered] = "other_office"
    if consent_required:
        state[consent.eq(False).fillna(False)] = "consent_withdrawn"
    # Who asks to be erased has withdrawn consent, whatever the arrangement: whoever was told is asked to erase too.
    ordered = cases["erasure_ordered"].astype(bool)
    state[ordered] = "consent_withdrawn"
    state[cases["told_in_error"].astype(bool)] = "notified_in_error"

    # A case that vanished from the extract is not announced: nobody vouches for it today.
    present = cases["missing_since"].isna()
    dated = cases["expected_departure_on"].notna() | undated
    agreed = consent.fillna(False) if consent_required else ~consent.eq(False).fillna(False)
    owed = cases["departed_on"] >= pd.Timestamp(owed_from)
    to_tell = cases["to_tell"] & present & covered & agreed & ((state.eq("active") & dated) | (departed & owed))
    to_tell &= ~ordered

    shared_values = cases[shared_columns].astype(object).where(cases[shared_columns].notna(), None)
    return pd.DataFrame(
        {
            **{column: cases[column] for column in KEY},
            "state": state,
            "to_tell": to_tell.astype(bool),
            "name": [
                list_name(family, given)
                for family, given in zip(cases["family_name"], cases["given_names"], strict=True)
            ],
            "expected_departure_on": cases["expected_departure_on"],
            "departed_on": cases["departed_on"],
            "marked": cases["marked"].mask(state.isin(NOTHING_MORE), ""),
            "shared": shared_values.to_dict("records") if shared_columns else [{} for _ in range(len(cases))],
        }
    )[TRUTH_COLUMNS]


def list_name(family: str | None, given: str | None) -> str:
    """`FAMILY, Given`, or the one name a person has. Scripts without capitals stay as they are."""
    parts = [None if pd.isna(family) else str(family).upper(), None if pd.isna(given) else str(given)]
    return ", ".join(part for part in parts if part)


def why_late(late: pd.DataFrame, standings: pd.DataFrame) -> pd.Series:
    """Why each departed person was told of only afterwards: a mark beside `late`, as the list says it.

    late: notices of people who left before their office was told (host_country, case_id, departed_on)
    standings: their standings, each from `since` on (host_country, case_id, since, standing)
    """
    before = late.reset_index()[["index", *KEY, "departed_on"]].merge(standings, on=KEY, how="left")
    before = before[before["since"] <= before["departed_on"]]
    had = before.groupby("index")["standing"].agg(set)
    return pd.Series([_why_late(had.get(index, set())) for index in late.index], index=late.index)


def _why_late(standings: set[str]) -> str:
    if not standings:
        return "known_after_departure"
    if "awaiting_consent" in standings:
        return "awaited_consent"
    return "was_in_review" if "review" in standings else "left_before_list"
