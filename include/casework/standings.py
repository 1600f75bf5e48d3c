"""Each case's standing for a day, and whether an office is to be told of it.

Reach for this to see why a case is on a list or is not, and how a person's decision goes before the machine's. The
table of standings is in the design's promise page; the windows and preferences that it leaves to software are
constants here.
"""

import pandas as pd

MATCH_COLUMNS = ["case_id", "asylum_reference", "match_probability", "decision", "method"]
PAIR = ["case_id", "asylum_reference"]
DECISION_COLUMNS = [*PAIR, "decision", "shares_record", "match_probability", "method", "changed"]
WITHDRAWAL_WINDOW = pd.Timedelta(days=30)
"""How long before the AVR registration a withdrawn claim still needs a look at voluntariness."""

POSITIVE = ("recognised", "subsidiary")
GIVEN_UP = ("withdrawn", "otherwise_closed")


def settle_matches(
    linked: pd.DataFrame, known: pd.DataFrame, told: pd.Series, decisions: pd.DataFrame, records: pd.DataFrame
) -> pd.DataFrame:
    """The matches in force, once what people decided and what an office was already told are respected.

    linked: today's result of `matching.link` (case_id, asylum_reference, match_probability, decision, method)
    known: the open accepted matches of the ledger, same columns
    told: case_id of each case that an office has been told of
    decisions: what people decided and did not take back, DECISION_COLUMNS; `changed` says that the evidence is another
        now, `shares_record` that whoever accepted it knew of the record's other case and says both are one person's
    records: the records that the three name (asylum_reference, applied_on, final)
    returns: same columns as `linked`, at most one `accept` for a case, and then no `review`. A rejected pair is left
        out and an accepted one accepted while its evidence is the same; after that it is in review, unless the machine
        by itself accepts what the person had accepted. A told case keeps the match under which it was told until a
        person rejects it. Where people accepted one record for two cases, or for one while an office was told of
        another by it, what is not told is in review.
    """
    said, unsettled = decisions["decision"], decisions["changed"].astype(bool)
    rejected = decisions[said == "reject"]
    offered = linked[~_among(linked, decisions[(said == "reject") & ~unsettled])]
    reopened = decisions[(said == "accept") & unsettled]
    by_person = decisions[(said == "accept") & ~unsettled]
    by_person = by_person.assign(by_person=True, told=by_person["case_id"].isin(told) & _among(by_person, known))
    kept = known[known["case_id"].isin(told) & ~_among(known, rejected) & ~_among(known, by_person)]
    # Where a person has begun to decide, the machine does not go on by itself.
    doubted = offered["case_id"].isin(rejected["case_id"]) | (
        offered["case_id"].isin(reopened["case_id"]) & ~_among(offered, reopened)
    )
    by_machine = offered[(offered["decision"] == "accept") & ~doubted]
    by_machine = by_machine[~by_machine["case_id"].isin([*by_person["case_id"], *kept["case_id"]])]
    accepted = pd.concat(
        [
            by_person,
            kept.assign(by_person=False, told=True, shares_record=False),
            by_machine.assign(by_person=False, told=False, shares_record=False),
        ],
        ignore_index=True,
    )
    clash = _claimed_by_two(accepted)
    chosen = accepted[~clash].merge(
        records[["asylum_reference", "applied_on", "final"]], on="asylum_reference", how="left"
    )
    # A person's word goes before the machine's; of several records of one person the newest that is not final counts.
    chosen = chosen.sort_values(["by_person", "final", "applied_on"], ascending=[False, True, False], kind="stable")
    chosen = chosen.drop_duplicates("case_id")[MATCH_COLUMNS]
    doubtful = pd.concat([accepted[clash], offered, reopened], ignore_index=True)[MATCH_COLUMNS]
    doubtful = doubtful[~doubtful["case_id"].isin(chosen["case_id"])].drop_duplicates(PAIR)
    return pd.concat([chosen, doubtful.assign(decision="review")], ignore_index=True)


def _claimed_by_two(accepted: pd.DataFrame) -> pd.Series:
    """Which accepted rows go back to a person, because a person accepted a record that somebody else has too."""
    sure = accepted.astype({"by_person": bool, "told": bool, "shares_record": bool})
    record = accepted["asylum_reference"]
    alone = (sure["by_person"] & ~sure["shares_record"]).groupby(record).transform("sum")
    linked = ~sure["by_person"]
    # The machine accepts a record for two cases only if they are one person's: that is one claim.
    claims = alone + linked.groupby(record).transform("any")
    undecided = (alone > 1) | (linked & sure["told"]).groupby(record).transform("any")
    disputed = (claims > 1) & sure["by_person"].groupby(record).transform("any")
    return disputed & ~sure["told"] & (undecided | linked)


def _among(rows: pd.DataFrame, pairs: pd.DataFrame) -> pd.Series:
    found = pd.MultiIndex.from_frame(rows[PAIR]).isin(pd.MultiIndex.from_frame(pairs[PAIR]))
    return pd.Series(found, index=rows.index, dtype=bool)


def decide(cases: pd.DataFrame, matches: pd.DataFrame, records: pd.DataFrame, offices: pd.DataFrame) -> pd.DataFrame:
    """The standing of every case of a partition.

    cases: one row per good row of the extract (case_id, registered_on, sharing_consent, …)
    matches: the matches in force (`settle_matches`)
    records: the procedure records that `matches` names (asylum_reference, outcome, outcome_on, final)
    offices: one row per case (case_id, covered, consent_required), from the arrangements in force
    returns: one row per case, in the order of `cases`: case_id, standing, to_tell, marked, asylum_reference, and
        standing_with_consent, what the standing is once there is consent
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
    with_consent = standing.copy()
    standing[held] = "awaiting_consent"

    return pd.DataFrame(
        {
            "case_id": table["case_id"],
            "standing": standing,
            "to_tell": (to_tell & ~held).astype(bool),
            "marked": marked,
            "asylum_reference": table["asylum_reference"],
            "standing_with_consent": with_consent,
        }
    )
