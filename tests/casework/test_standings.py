import pandas as pd
import pytest

from include.casework.standings import DECISION_COLUMNS, MATCH_COLUMNS, decide, settle_matches


def matches(*rows):
    return pd.DataFrame(
        [(case, ref, 0.9999, decision, "linkage") for case, ref, decision in rows], columns=MATCH_COLUMNS
    )


def one(outcome=None, final=False, outcome_on=None, consent=None, required=False, decision="accept", found=None):
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
    if found is None:
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


def decided(*rows, changed=False, shares_record=False):
    return pd.DataFrame(
        [(case, ref, said, shares_record, 0.7, "linkage", changed) for case, ref, said in rows],
        columns=DECISION_COLUMNS,
    )


def records(*references, **more):
    frame = pd.DataFrame({"asylum_reference": references, "applied_on": pd.Timestamp("2026-01-05"), "final": False})
    return frame.assign(**more)


def settled(linked=None, known=None, told=(), decisions=None, of=None):
    """{(case, record, decision)} of the matches in force."""
    found = settle_matches(
        matches() if linked is None else linked,
        matches() if known is None else known,
        pd.Series(told, dtype=object),
        decided() if decisions is None else decisions,
        records("R", "S", "T") if of is None else of,
    )
    assert list(found.columns) == MATCH_COLUMNS
    assert not found[found["decision"] == "accept"].duplicated("case_id").any()
    return set(zip(found["case_id"], found["asylum_reference"], found["decision"], strict=True))


def test_without_a_decision_the_machines_word_counts():
    linked = matches(("A", "R", "accept"), ("B", "S", "review"), ("B", "T", "review"))
    assert settled(linked) == {("A", "R", "accept"), ("B", "S", "review"), ("B", "T", "review")}


def test_a_told_match_is_never_taken_back_or_moved_by_the_machine():
    known = matches(("A", "R", "accept"), ("B", "S", "accept"))
    linked = matches(("A", "X", "accept"), ("B", "T", "accept"), ("C", "U", "review"))
    assert settled(linked, known, ["A"]) == {("A", "R", "accept"), ("B", "T", "accept"), ("C", "U", "review")}
    assert settled(matches(), known, ["A", "B"]) == {("A", "R", "accept"), ("B", "S", "accept")}


@pytest.mark.parametrize("machine", ["accept", "review"])
def test_a_rejected_pair_is_not_offered_again_and_the_other_candidates_remain(machine):
    linked = matches(("A", "R", machine), ("B", "R", "review"))
    assert settled(linked, decisions=decided(("A", "R", "reject"))) == {("B", "R", "review")}
    linked = matches(("A", "R", "review"), ("A", "S", "review"))
    assert settled(linked, decisions=decided(("A", "R", "reject"))) == {("A", "S", "review")}


def test_where_a_person_rejected_one_record_the_machine_accepts_no_other():
    assert settled(matches(("A", "S", "accept")), decisions=decided(("A", "R", "reject"))) == {("A", "S", "review")}


@pytest.mark.parametrize(
    "linked",
    [
        matches(),
        matches(("A", "R", "review"), ("A", "S", "review")),
        matches(("A", "S", "accept")),
        matches(("A", "R", "accept")),
    ],
)
def test_an_accepted_pair_is_accepted_whatever_the_machine_says(linked):
    assert settled(linked, decisions=decided(("A", "R", "accept"))) == {("A", "R", "accept")}


def test_a_rejected_pair_with_other_evidence_is_in_review_if_the_machine_offers_it():
    again = decided(("A", "R", "reject"), changed=True)
    assert settled(matches(("A", "R", "accept")), decisions=again) == {("A", "R", "review")}
    assert settled(matches(("A", "R", "review")), decisions=again) == {("A", "R", "review")}
    assert settled(matches(), decisions=again) == set()


def test_an_accepted_pair_with_other_evidence_is_in_review_unless_the_machine_accepts_it_too():
    again = decided(("A", "R", "accept"), changed=True)
    assert settled(matches(), decisions=again) == {("A", "R", "review")}
    assert settled(matches(("A", "S", "accept")), decisions=again) == {("A", "R", "review"), ("A", "S", "review")}
    assert settled(matches(("A", "R", "accept")), decisions=again) == {("A", "R", "accept")}


def test_what_was_told_stays_when_its_evidence_changes_until_a_person_rejects_it():
    known = matches(("A", "R", "accept"))
    again = decided(("A", "R", "accept"), changed=True)
    assert settled(matches(("A", "S", "accept")), known, ["A"], again) == {("A", "R", "accept")}
    rejected = decided(("A", "R", "reject"))
    assert settled(matches(("A", "R", "accept")), known, ["A"], rejected) == set()
    later = decided(("A", "R", "reject"), changed=True)
    assert settled(matches(("A", "R", "accept")), known, ["A"], later) == {("A", "R", "review")}


def test_of_two_accepted_records_of_a_case_the_newest_that_is_not_final_counts():
    both = decided(("A", "R", "accept"), ("A", "S", "accept"))
    older = records("R", "S", applied_on=pd.to_datetime(["2025-01-05", "2026-01-05"]))
    assert settled(decisions=both, of=older) == {("A", "S", "accept")}
    assert settled(decisions=both, of=older.assign(final=[False, True])) == {("A", "R", "accept")}


def test_one_record_accepted_for_two_cases_by_people_goes_back_to_a_person():
    both = decided(("A", "R", "accept"), ("B", "R", "accept"))
    assert settled(decisions=both) == {("A", "R", "review"), ("B", "R", "review")}
    known = matches(("A", "R", "accept"))
    assert settled(known=known, told=["A"], decisions=both) == {("A", "R", "accept"), ("B", "R", "review")}


def test_a_record_that_a_person_accepted_is_not_also_the_machines_for_another_case():
    by_person = decided(("B", "R", "accept"))
    linked = matches(("A", "R", "accept"))
    assert settled(linked, decisions=by_person) == {("B", "R", "accept"), ("A", "R", "review")}
    assert settled(linked, linked, ["A"], by_person) == {("A", "R", "accept"), ("B", "R", "review")}


def test_two_cases_of_one_person_as_a_person_said_share_a_record():
    one_person = pd.concat([decided(("A", "R", "accept")), decided(("B", "R", "accept"), shares_record=True)])
    assert settled(decisions=one_person.reset_index(drop=True)) == {("A", "R", "accept"), ("B", "R", "accept")}
    linked = matches(("A", "R", "accept"))
    assert settled(linked, decisions=one_person.iloc[1:]) == {("A", "R", "accept"), ("B", "R", "accept")}


def test_a_case_whose_candidates_are_all_rejected_is_not_in_procedure():
    linked = matches(("A", "R", "review"), ("A", "S", "review"))
    nothing = decided(("A", "R", "reject"), ("A", "S", "reject"))
    found = settle_matches(linked, matches(), pd.Series([], dtype=object), nothing, records("R", "S"))
    assert one(found=found) == ("not_in_procedure", False, "")
