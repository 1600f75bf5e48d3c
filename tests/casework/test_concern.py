"""Whom a rule means: one case at a time where it is read, thousands where a property must hold of all."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.arrangements.rules import Condition, Policy
from include.casework.concern import add_local, applies, facts, join_marks, measures

CASE = {
    "case_id": "A",
    "registered_on": "2026-10-15",
    "date_of_birth": "1990-05-20",
    "sex": "F",
    "nationality": "AFG",
    "vulnerabilities": None,
    "destination_country": "AFG",
    "status": "booked",
    "stage": "first_instance",
    "outcome": "pending",
    "final": False,
    "standing": "pending",
    "concerned": True,
}


def table(*rows: dict) -> pd.DataFrame:
    frame = pd.DataFrame([CASE | row for row in rows])
    frame["registered_on"] = pd.to_datetime(frame["registered_on"]).astype("datetime64[s]")
    frame["final"] = frame["final"].astype("boolean")
    for column in ("date_of_birth", "sex", "vulnerabilities", "destination_country"):
        frame[column] = frame[column].astype("str")
    return frame


def rule(name="stateless", when=None, measures=("flag",)) -> dict:
    why = {"text": "a reason to look", "source": "a source"}
    return {"name": name, "when": when or {"nationality": ["XXA"]}, "measures": list(measures), "why": why}


def policy(*rules: dict) -> Policy:
    return Policy.model_validate({"effective_from": "2026-11-01", "rules": list(rules)})


def means(when: dict, **case) -> bool:
    return bool(applies(table(case), policy(rule(when=when)))["stateless"].iloc[0])


@pytest.mark.parametrize(
    ("when", "case", "meant"),
    [
        ({"nationality": ["XXA", "XXX"]}, {"nationality": "XXX"}, True),
        ({"nationality": ["XXA"]}, {"nationality": "AFG"}, False),
        ({"sex": ["unknown"]}, {"sex": None}, True),
        ({"sex": ["F"]}, {"sex": None}, False),
        ({"destination_country": ["unknown"]}, {"destination_country": None}, True),
        ({"vulnerabilities": ["child"]}, {"vulnerabilities": "elderly; child"}, True),
        ({"vulnerabilities": ["child"]}, {"vulnerabilities": "child;"}, True),
        ({"vulnerabilities": ["child"]}, {"vulnerabilities": "unaccompanied_child"}, False),
        ({"vulnerabilities": ["unaccompanied"]}, {"vulnerabilities": "unaccompanied_child"}, False),
        ({"vulnerabilities": ["child"]}, {"vulnerabilities": None}, False),
        ({"status": ["no_show"]}, {"status": "no_show"}, True),
        ({"stage": ["appeal"], "final": False}, {"stage": "appeal"}, True),
        ({"stage": ["appeal"], "final": False}, {"stage": "appeal", "final": True}, False),
        ({"outcome": ["recognised"], "final": True}, {"outcome": "recognised", "final": True}, True),
        ({"standing": ["withdrawn_claim"]}, {"standing": "withdrawn_claim"}, True),
        ({"all": [{"sex": ["F"]}, {"nationality": ["AFG"]}]}, {}, True),
        ({"all": [{"sex": ["F"]}, {"nationality": ["XXA"]}]}, {}, False),
        ({"any": [{"sex": ["M"]}, {"nationality": ["AFG"]}]}, {}, True),
        ({"any": [{"sex": ["M"]}, {"nationality": ["XXA"]}]}, {}, False),
        ({"not": {"nationality": ["AFG"]}}, {}, False),
        ({"not": {"nationality": ["XXA"]}, "sex": ["M"]}, {}, False),
        ({"not": {"nationality": ["XXA"]}, "sex": ["F"]}, {}, True),
    ],
)
def test_a_rule_means_whom_it_says(when, case, meant):
    assert means(when, **case) is meant


@pytest.mark.parametrize(
    ("born", "child", "adult"),
    [
        ("2008-10-16", True, False),
        ("2008-10-15", False, True),
        ("2008-10", True, True),
        ("2008-09", False, True),
        ("2008-11", True, False),
        ("2008", True, True),
        ("2007", False, True),
        ("2009", True, False),
        ("2008-01-01", True, True),
        (None, False, False),
    ],
)
def test_whoever_may_be_of_an_age_is_meant_and_of_a_first_of_january_only_the_year_is_known(born, child, adult):
    below, grown = {"age": {"below": 18}}, {"age": {"at_least": 18}}
    assert (means(below, date_of_birth=born), means(grown, date_of_birth=born)) == (child, adult)
    assert means({"age": {"below": 18, "or_unknown": True}}, date_of_birth=born) is (child or born is None)
    assert means({"any": [below, {"nationality": ["XXA"]}]}, date_of_birth=born) is child
    assert means({"not": {"any": [grown, {"nationality": ["XXA"]}]}}, date_of_birth=born) is (child or born is None)
    # What is in doubt does not stand in the way either.
    assert means({"not": grown}, date_of_birth=born) is (child or born is None)


def test_a_birthday_on_the_last_day_of_a_month_counts_on_that_day():
    last = {"registered_on": "2026-09-30", "date_of_birth": "2008-09"}
    assert not means({"age": {"below": 18}}, **last)
    assert means({"age": {"below": 18}}, **last | {"registered_on": "2026-09-29"})


def test_of_whom_no_office_is_told_nothing_is_found_out():
    assert not means({"nationality": ["AFG"]}, concerned=False)
    decided = pd.DataFrame(
        {
            "case_id": list("ABCDE"),
            "asylum_reference": ["R", None, "R", "R", "R"],
            "standing_with_consent": ["pending", "not_in_procedure", "rejected", "rejected", "review"],
            "to_tell": [True, False, False, False, False],
        }
    )
    cases = table(*({"case_id": case} for case in "ABCDE")).drop(columns=["stage", "outcome", "final", "standing"])
    records = pd.DataFrame({"asylum_reference": ["R"], "stage": ["appeal"], "outcome": ["pending"], "final": [False]})
    seen = facts(cases, decided, records, pd.Series(["B", "D", "E"])).set_index("case_id")
    # B and E were told of by a match that is no more: that somebody else's name is marked helps nobody.
    assert seen["concerned"].to_dict() == {"A": True, "B": False, "C": False, "D": True, "E": False}
    assert seen["stage"].fillna("").to_dict() == {"A": "appeal", "B": "", "C": "appeal", "D": "appeal", "E": "appeal"}


def test_what_follows_from_the_rules_that_apply():
    of = policy(
        rule(measures=["urgent", "review"]),
        rule("afghan", {"nationality": ["AFG"]}),
        rule("a_woman", {"sex": ["F"]}, ["flag"]),
    )
    found = measures(applies(table({}, {"nationality": "XXA", "sex": "M"}, {"nationality": "IRN", "sex": "M"}), of), of)
    assert found.to_dict("records") == [
        {"concerns": "a_woman;afghan", "marked": "a_woman;afghan", "urgent": False, "review": ""},
        {"concerns": "stateless", "marked": "", "urgent": True, "review": "stateless"},
        {"concerns": "", "marked": "", "urgent": False, "review": ""},
    ]


def test_without_a_policy_nobody_is_of_concern_and_without_cases_nothing_is():
    nobody = measures(applies(table({}, {}), None), None)
    nothing = {"concerns": ["", ""], "marked": ["", ""], "urgent": [False, False], "review": ["", ""]}
    assert nobody.to_dict("list") == nothing
    assert measures(applies(table({}).iloc[:0], policy(rule())), policy(rule())).empty


def test_a_mark_stands_once():
    found = join_marks(pd.Series(["recognised", "", "a;b"]), pd.Series(["recognised;b", "", "b"]))
    assert list(found) == ["recognised;b", "", "a;b"]


def test_an_office_adds_to_the_rules_that_apply_and_to_no_other_case():
    cases = pd.DataFrame(
        {
            "concerns": ["stateless", "stateless_child", ""],
            "marked": ["recognised", "", ""],
            "urgent": [False, False, False],
            "review": ["recognised", "", ""],
        }
    )
    found = add_local(cases, {"stateless": ["flag", "urgent", "review"], "gone": ["flag"]})
    assert list(found["marked"]) == ["recognised;stateless", "", ""]
    assert list(found["urgent"]) == [True, False, False]
    assert list(found["review"]) == ["recognised;stateless", "", ""]


NAMES = ("a", "b", "c", "d")
CONDITIONS = st.recursive(
    st.one_of(
        st.builds(lambda v: {"nationality": v}, st.lists(st.sampled_from(["AFG", "XXA", "XXX"]), min_size=1)),
        st.builds(lambda v: {"sex": v}, st.lists(st.sampled_from(["F", "M", "X", "unknown"]), min_size=1)),
        st.builds(lambda v: {"age": {"below": v}}, st.sampled_from([15, 18, 36])),
        st.builds(lambda v: {"vulnerabilities": [v]}, st.sampled_from(["child", "elderly"])),
        st.builds(lambda v: {"final": v}, st.booleans()),
    ),
    lambda inner: st.one_of(
        st.builds(lambda v: {"all": v}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda v: {"any": v}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda v: {"not": v}, inner),
    ),
    max_leaves=6,
)
MEASURES = st.lists(st.sampled_from(["flag", "urgent", "review"]), min_size=1, unique=True)
RULES = st.lists(
    st.builds(rule, st.sampled_from(NAMES), CONDITIONS, MEASURES),
    min_size=1,
    max_size=4,
    unique_by=lambda one: one["name"],
)
CASES = st.lists(
    st.fixed_dictionaries(
        {
            "nationality": st.sampled_from(["AFG", "XXA", "XXX"]),
            "sex": st.sampled_from(["F", "M", "X", None]),
            "date_of_birth": st.sampled_from([None, "1990", "2008", "2008-10", "2011-10-15", "1991-01-01"]),
            "vulnerabilities": st.sampled_from([None, "child", "child;elderly"]),
            "final": st.booleans(),
            "concerned": st.booleans(),
        }
    ),
    min_size=1,
    max_size=6,
)


def decided(rules, cases) -> pd.DataFrame:
    return measures(applies(table(*cases), policy(*rules)), policy(*rules))


@given(RULES, CASES, st.randoms())
def test_the_order_of_rules_does_not_matter(rules, cases, chance):
    shuffled = chance.sample(rules, len(rules))
    pd.testing.assert_frame_equal(decided(rules, cases), decided(shuffled, cases))


@given(RULES, CASES, st.dictionaries(st.sampled_from([*NAMES, "z"]), MEASURES))
def test_a_local_measure_never_takes_one_away(rules, cases, local):
    before = decided(rules, cases)
    after = add_local(before, local)
    for was, now in zip(before.to_dict("records"), after.to_dict("records"), strict=True):
        assert set(was["marked"].split(";")) - {""} <= set(now["marked"].split(";"))
        assert now["urgent"] or not was["urgent"]
        assert now["concerns"] == was["concerns"]


@given(CONDITIONS, CASES)
def test_a_condition_or_its_contrary_means_everybody_and_doubt_means_them_by_both(condition, cases):
    both = decided([rule("a", condition), rule("b", {"not": condition})], cases)
    for case, found in zip(cases, both["concerns"], strict=True):
        assert bool(found) is case["concerned"]
    assert Condition.model_validate({"not": {"not": condition}})
    twice = decided([rule("a", condition), rule("b", {"not": {"not": condition}})], cases)
    assert set(twice["concerns"]) <= {"", "a;b"}
