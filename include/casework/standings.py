"""Each case's standing for a day, and whether an office is to be told of it.

Reach for this to see why a case is on a list or is not. The table of standings is in the design's promise page; the
windows and preferences that it leaves to software are constants here.
"""

import pandas as pd

MATCH_COLUMNS = ["case_id", "asylum_reference", "match_probability", "decision", "method"]
WITHDRAWAL_WINDOW = pd.Timedelta(days=30)
"""How long before the AVR registration a withdrawn claim still needs a look at voluntariness."""

POSITIVE = ("recognised", "subsidiary")
GIVEN_UP = ("withdrawn", "otherwise_closed")


def settle_matches(linked: pd.DataFrame, known: pd.DataFrame, told: pd.Series) -> pd.DataFrame:
    """The matches in force, once what an office was already told is respected.

    linked: today's result of `matching.link` (case_id, asylum_reference, match_probability, decision, method)
    known: the open accepted matches of the ledger, same columns
    told: case_id of each case that an office has been told of
    returns: same columns as `linked`. A told case keeps the match under which it was told: the machine never takes
        one back, and never moves one to another record; only a person does.
    """
    kept = known[known["case_id"].isin(told)]
    fresh = linked[~linked["case_id"].isin(kept["case_id"])]
    return pd.concat([fresh, kept], ignore_index=True)[MATCH_COLUMNS] if len(kept) else fresh.reset_index(drop=True)


def decide(cases: pd.DataFrame, matches: pd.DataFrame, records: pd.DataFrame, offices: pd.DataFrame) -> pd.DataFrame:
    """The standing of every case of a partition.

    cases: one row per good row of the extract (case_id, registered_on, sharing_consent, …)
    matches: the matches in force (`settle_matches`)
    records: the procedure records that `matches` names (asylum_reference, outcome, outcome_on, final)
    offices: one row per case (case_id, covered, consent_required), from the arrangements in force
    returns: one row per case, in the order of `cases`: case_id, standing, to_tell, marked, asylum_reference
    """
    accepted = matches[matches["decision"] == "accept"][["case_id", "asylum_reference"]]
    table = (
        cases[["case_id", "registered_on", "sharing_consent"]]
        .merge(accepted, on="case_id", how="left", validate="one_to_one")
        .merge(
            records[["asylum_reference", "outcome", "outcome_on", "final"]],
            on="asylum_reference",
            how="left",
            validate="many_to_one",
        )
        .merge(offices, on="case_id", how="left", validate="one_to_one")
    )
    in_review = table["case_id"].isin(matches.loc[matches["decision"] == "review", "case_id"])
    matched = table["asylum_reference"].notna()
    final = matched & table["final"].eq(True).fillna(False)

    standing = pd.Series("not_in_procedure", index=table.index, dtype="str")
    standing[in_review & ~matched] = "review"
    standing[matched & ~final] = "pending"
    standing[final & table["outcome"].eq("rejected")] = "rejected"
    standing[final & table["outcome"].isin(POSITIVE)] = "recognised"
    standing[final & table["outcome"].isin(GIVEN_UP)] = "withdrawn_claim"

    # A withdrawal without a date cannot be shown to be an old one, so it gets the look that a recent one would.
    recent = table["outcome_on"].isna() | (
        pd.to_datetime(table["outcome_on"]) >= pd.to_datetime(table["registered_on"]) - WITHDRAWAL_WINDOW
    )
    withdrawn = standing.eq("withdrawn_claim")
    to_tell = standing.isin(["pending", "recognised"]) | (withdrawn & recent)

    consent = table["sharing_consent"].astype("boolean")
    # A person who said no is not listed by a machine, whatever the arrangement: somebody at IOM speaks with them first.
    held = to_tell & (consent.eq(False).fillna(False) | (table["consent_required"] & ~consent.fillna(False)))
    marked = pd.Series("", index=table.index, dtype="str")
    marked[standing.eq("recognised")] = "recognised"
    marked[withdrawn & recent] = "claim_withdrawn"
    standing[held] = "awaiting_consent"

    return pd.DataFrame(
        {
            "case_id": table["case_id"],
            "standing": standing,
            "to_tell": (to_tell & ~held).astype(bool),
            "marked": marked,
            "asylum_reference": table["asylum_reference"],
        }
    )
