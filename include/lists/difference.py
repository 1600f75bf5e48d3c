"""A list is a difference: what is true now, minus what the office was last told.

Reach for this to see which notice a case gets and why. What could not be told stays owed, a day run twice tells
nothing twice, and a backfill cannot repeat itself, all because of this one function.
"""

import pandas as pd

KEY = ["host_country", "case_id"]
TRUTH_COLUMNS = [*KEY, "state", "to_tell", "name", "expected_departure_on", "departed_on", "marked", "shared"]
TOLD_COLUMNS = [*KEY, "entry", "notice", "reason", "name", "expected_departure_on", "departed_on", "shared"]
NOTICE_COLUMNS = [
    *KEY,
    "entry",
    "notice",
    "reason",
    "name",
    "expected_departure_on",
    "previous_expected_departure_on",
    "departed_on",
    "marked",
    "shared",
]
ENDS = ("stays", "closed", "no_show", "other_office", "consent_withdrawn", "notified_in_error")
"""The states of a case that end an announced departure, each the reason of its CANCELLED."""
TO_ERASE = ("consent_withdrawn", "notified_in_error")
"""Those with which the office is asked to erase the entry, whatever it was told last."""


class DuplicateCase(ValueError):
    """A case occurs twice on one side of a difference."""


def difference(truth: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """The notices that would bring an office from what it was told to what is true.

    truth: one row per case that concerns the office, TRUTH_COLUMNS: `state` is `active`, `departed` or one of ENDS;
        `to_tell` says whether a case that was never told is owed; dates are datetime64, NaT where there is none;
        `shared` is a dict of the further fields by arrangement
    told: one row per case the office was told of, as it was last told or as a list in flight tells it, TOLD_COLUMNS
    returns: NOTICE_COLUMNS, ordered by notice and name; `entry` is empty where the office has none yet; no rows when
        nothing is new. A told case that `truth` does not hold gets no notice: absence is not news.
    raises: DuplicateCase if a case occurs twice on one side
    """
    for side, table in (("truth", truth), ("told", told)):
        if table.duplicated(KEY).any():
            raise DuplicateCase(f"a case occurs twice in {side}")
    both = truth.merge(
        told.rename(columns={"notice": "notice_told", "reason": "reason_told"}),
        on=KEY,
        how="left",
        suffixes=("", "_told"),
    )
    state, last = both["state"], both["notice_told"].fillna("")
    ended, departed, active = state.isin(ENDS), state.eq("departed"), state.eq("active")

    # What an office believes: that the person left, that the person will leave, or (CANCELLED, or never told) neither.
    gone = last.eq("DEPARTED") | (last.eq("CHANGED") & both["departed_on_told"].notna())
    announced = last.isin(["NEW", "CHANGED"]) & ~gone
    # After CANCELLED a person may come back as NEW; where consent was withdrawn nothing more is ever said.
    silent = last.eq("CANCELLED") & both["reason_told"].eq("consent_withdrawn")
    untold = (last.eq("") | last.eq("CANCELLED")) & ~silent

    moved = ~_same(both["expected_departure_on"], both["expected_departure_on_told"])
    renamed = both["name"].ne(both["name_told"])
    reshared = pd.Series(
        [
            isinstance(before, dict) and any(now.get(field) != value for field, value in before.items() if field in now)
            for now, before in zip(both["shared"], both["shared_told"], strict=True)
        ],
        index=both.index,
        dtype=bool,
    )
    redated = departed & ~_same(both["departed_on"], both["departed_on_told"])

    both["notice"] = ""
    both["reason"] = ""
    _set(both, untold & active & both["to_tell"], "NEW", "")
    # Who was last said to stay, and left after all, must not stay in a record that says otherwise.
    misled = last.eq("CANCELLED") & both["reason_told"].isin(["stays", "closed", "no_show"])
    _set(both, untold & departed & (both["to_tell"] | misled), "DEPARTED", "")
    _set(both, announced & active & reshared, "CHANGED", "")
    _set(both, announced & active & renamed, "CHANGED", "name_corrected")
    # A moved date is what the office must act upon, so it is the reason when the name was corrected as well.
    _set(both, announced & active & moved, "CHANGED", "date_moved")
    _set(both, announced & departed, "DEPARTED", "")
    _set(both, announced & ended, "CANCELLED", state)
    # An AVR case is closed by its clerk some time after the departure: that alone does not undo the departure.
    not_gone = gone & (active | state.isin(["stays", "no_show"]))
    _set(both, not_gone | (gone & redated), "CHANGED", "departure_corrected")
    # What must be erased is cancelled whatever was said last.
    erase = state.isin(TO_ERASE) & last.isin(["NEW", "CHANGED", "DEPARTED"])
    # Who is said to stay is still on the office's file.
    kept = state.isin(TO_ERASE) & last.eq("CANCELLED") & ~both["reason_told"].isin(TO_ERASE)
    _set(both, erase | kept, "CANCELLED", state)

    late = both["notice"].eq("DEPARTED") & untold
    both.loc[late, "marked"] = both.loc[late, "marked"].map(lambda marked: ";".join(filter(None, [marked, "late"])))

    cancelled = both["notice"].eq("CANCELLED")
    # The office finds the entry again by what it was told, not by what became of it.
    both.loc[cancelled, "expected_departure_on"] = both.loc[cancelled, "expected_departure_on_told"]
    both.loc[cancelled, "name"] = both.loc[cancelled, "name_told"]
    both.loc[not_gone & ~active, "expected_departure_on"] = pd.NaT
    both.loc[~departed, "departed_on"] = pd.NaT
    shows_previous = both["notice"].eq("CHANGED") & ~_same(
        both["expected_departure_on"], both["expected_departure_on_told"]
    )
    both["previous_expected_departure_on"] = both["expected_departure_on_told"].where(shows_previous)
    # NEW after a notice in error comes under a fresh entry: its old one is closed and not in `told`.
    both["entry"] = both["entry"].fillna("")
    order = both["notice"].map({"NEW": 0, "CHANGED": 1, "CANCELLED": 2, "DEPARTED": 3})
    notices = both.assign(order=order)[both["notice"].ne("")]
    return notices.sort_values(["order", "expected_departure_on", "name", *KEY])[NOTICE_COLUMNS].reset_index(drop=True)


def _set(table: pd.DataFrame, where: pd.Series, notice: str, reason: "str | pd.Series") -> None:
    table.loc[where, "notice"] = notice
    table.loc[where, "reason"] = reason if isinstance(reason, str) else reason[where]


def _same(left: pd.Series, right: pd.Series) -> pd.Series:
    return left.eq(right) | (left.isna() & right.isna())
