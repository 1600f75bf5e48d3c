import pandas as pd
import pytest

from include.casework.standings import MATCH_COLUMNS, decide, settle_matches


def matches(*rows):
    return pd.DataFrame(
        [(case, ref, 0.9999, decision, "linkage") for case, ref, decision in rows], columns=MATCH_COLUMNS
    )


def one(outcome=None, final=False, outcome_on=None, consent=None, required=False, decision="accept"):
    cases = pd.DataFrame(
        {
            "case_id": ["A"],
            "registered_on": pd.to_datetime(["2026-10-01"]),
            "sharing_consent": pd.array([consent], dtype="boolean"),
        }
    )
    records = pd.DataFrame(
        {
            "asylum_reference": ["R"],
            "outcome": [outcome or "pending"],
            "outcome_on": pd.to_datetime([outcome_on]),
            "final": pd.array([final], dtype="boolean"),
        }
    )
    offices = pd.DataFrame({"case_id": ["A"], "covered": [True], "consent_required": [required]})
    found = matches(("A", "R", decision)) if decision else matches()
    row = decide(cases, found, records, offices).iloc[0]
    return row["standing"], bool(row["to_tell"]), row["marked"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("pending", True, "")),
        ({"outcome": "rejected", "final": False}, ("pending", True, "")),
        ({"outcome": "rejected", "final": True}, ("rejected", False, "")),
        ({"outcome": "recognised", "final": True}, ("recognised", True, "recognised")),
        ({"outcome": "subsidiary", "final": True}, ("recognised", True, "recognised")),
        (
            {"outcome": "withdrawn", "final": True, "outcome_on": "2026-09-01"},
            ("withdrawn_claim", True, "claim_withdrawn"),
        ),
        ({"outcome": "withdrawn", "final": True, "outcome_on": "2026-08-31"}, ("withdrawn_claim", False, "")),
        (
            {"outcome": "otherwise_closed", "final": True, "outcome_on": "2026-11-01"},
            ("withdrawn_claim", True, "claim_withdrawn"),
        ),
        ({"outcome": "withdrawn", "final": True}, ("withdrawn_claim", True, "claim_withdrawn")),
        ({"decision": "review"}, ("review", False, "")),
        ({"decision": None}, ("not_in_procedure", False, "")),
        ({"required": True}, ("awaiting_consent", False, "")),
        ({"required": True, "consent": True}, ("pending", True, "")),
        ({"required": False, "consent": False}, ("awaiting_consent", False, "")),
        ({"outcome": "rejected", "final": True, "required": True}, ("rejected", False, "")),
    ],
)
def test_each_case_has_the_standing_of_the_promise(given, expected):
    assert one(**given) == expected


def test_a_told_match_is_never_taken_back_or_moved_by_the_machine():
    known = matches(("A", "R", "accept"), ("B", "S", "accept"))
    linked = matches(("A", "X", "accept"), ("B", "T", "accept"), ("C", "U", "review"))
    settled = settle_matches(linked, known, pd.Series(["A"]))
    assert set(zip(settled["case_id"], settled["asylum_reference"], strict=True)) == {
        ("A", "R"),
        ("B", "T"),
        ("C", "U"),
    }
    assert set(settle_matches(matches(), known, pd.Series(["A", "B"]))["case_id"]) == {"A", "B"}
