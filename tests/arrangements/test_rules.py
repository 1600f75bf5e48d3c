"""Headquarters' policy on persons of concern, read with the line of every mistake."""

import datetime as dt
import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from include.arrangements.checking import check, report
from include.arrangements.reading import POLICY, in_force, load_policy, version
from include.arrangements.rules import MARKS_OF_OUR_OWN, Condition
from include.extracts.contract import CASES, COLUMNS, PROCEDURE
from include.lists.texts import LANGUAGES, texts
from tests.arrangements.test_reading import REPOSITORY

FIRST = """\
effective_from: 2026-11-01
rules:
  - name: stateless
    when:
      any:
        - nationality: [XXA]
        - not: {vulnerabilities: [none_known]}
          age: {below: 18}
    measures: [flag]
    why:
      text: Nobody may be willing to let them in.
      source: 1954 Convention
"""
SECOND = FIRST.replace("2026-11-01", "2027-01-01").replace("[flag]", "[flag, urgent]")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(REPOSITORY, tmp_path / "arrangements")
    return tmp_path / "arrangements"


def problems_of(folder: Path, text: str) -> list[str]:
    (folder / POLICY).write_text(text)
    return [str(problem) for problem in load_policy(folder)[1]]


def test_the_policy_of_the_repository_has_the_rules_of_the_first_version():
    (policy,), problems = load_policy(REPOSITORY)
    assert problems == []
    assert {rule.name for rule in policy.rules} == {"recognised", "unaccompanied_child", "stateless", "pending_appeal"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_rule_that_flags_has_its_words_in_every_language(language):
    names = {rule.name for policy in load_policy(REPOSITORY)[0] for rule in policy.rules}
    marks = texts(language).marks
    assert names | set(MARKS_OF_OUR_OWN) == set(marks)
    assert len(set(marks.values())) == len(marks)


def test_rules_may_look_for_all_that_the_contract_allows_and_nothing_else():
    for kind in (CASES, PROCEDURE):
        for column in COLUMNS[kind]:
            if column.form == "code" and column.name in Condition.model_fields:
                for value in column.values:
                    assert Condition.model_validate({column.name: [value]})
    assert {"sex", "status", "stage", "outcome"} < set(Condition.model_fields)


def test_of_several_versions_the_newest_that_has_begun_is_in_force(folder):
    assert problems_of(folder, f"{SECOND}---\n{FIRST}") == []
    versions, _ = load_policy(folder)
    assert in_force(versions, dt.date(2026, 10, 31)) is None
    assert in_force(versions, dt.date(2026, 12, 31)).rules[0].measures == ("flag",)
    assert in_force(versions, dt.date(2027, 1, 1)).rules[0].measures == ("flag", "urgent")
    assert version(versions[0]) != version(versions[1])


MISTAKES = [
    ("[flag]", "[delete]", "line 9, rules.1.measures.1", "'flag', 'urgent' or 'review'"),
    ("[flag]", "[]", "line 9, rules.1.measures", "at least 1"),
    ("name: stateless", "name: Stateless!", "line 3, rules.1.name", "pattern"),
    ("name: stateless", "name: late", "line 3, rules.1", "the name late is taken"),
    ("[XXA]", "[ZZZ]", "line 6, rules.1.when.any.1.nationality.1", "XXA for stateless"),
    ("[XXA]", "XXA", "line 6, rules.1.when.any.1.nationality", "write a list, in brackets"),
    ("[XXA]", "", "line 6, rules.1.when.any.1", "nationality is empty"),
    ("nationality: [XXA]", "religion: [any]", "line 6, rules.1.when.any.1.religion", "is not a setting"),
    ("{vulnerabilities: [none_known]}", "{}", "line 7, rules.1.when.any.2.not", "would mean everybody"),
    ("{below: 18}", "{}", "line 8, rules.1.when.any.2.age", "below: 18, or at_least: 60"),
    ("{below: 18}", "{below: 18, at_least: 60}", "line 8, rules.1.when.any.2.age", "nobody is of this age"),
    ("      source: 1954 Convention\n", "", "line 10, rules.1.why.source", "is missing"),
    ("effective_from: 2026-11-01", "effective_from: soon", "line 1, effective_from", "date"),
    ("  - name: stateless", "  - name: [stateless", "line 4", "is not YAML"),
    (FIRST, FIRST + FIRST[FIRST.index("  - name") :], "line 1", "two rules have the name stateless"),
    (FIRST, FIRST + "---\n" + FIRST, "line 14, effective_from", "begins on the same day"),
]


@pytest.mark.parametrize(("old", "new", "place", "allowed"), MISTAKES)
def test_a_mistake_is_told_with_file_line_and_what_is_allowed(folder, old, new, place, allowed):
    assert old in FIRST
    problems = problems_of(folder, FIRST.replace(old, new))
    assert any(p.startswith(POLICY) and place in p and allowed in p for p in problems), problems
    assert set(problems) <= {str(problem) for problem in check(folder)}


def test_a_broken_version_leaves_the_one_before_it_in_force(folder):
    assert problems_of(folder, f"{FIRST}---\n{SECOND.replace('[flag, urgent]', '[delete]')}")
    assert [policy.effective_from for policy in load_policy(folder)[0]] == [dt.date(2026, 11, 1)]


def test_a_policy_that_is_missing_is_a_problem(folder):
    (folder / POLICY).unlink()
    assert [str(problem) for problem in check(folder)] == [f"{POLICY} line 1: the file is missing"]


def with_measures(folder: Path, measures: str) -> list[str]:
    path = folder / "offices" / "GRC-ATH.yaml"
    path.write_text(f"{path.read_text()}measures: {measures}\n")
    return [str(problem) for problem in check(folder)]


def test_an_office_that_adds_to_a_rule_that_headquarters_has_not_is_told_so(folder):
    assert with_measures(folder, "{statless: [flag]}") == [
        "offices/GRC-ATH.yaml line 1, measures.statless: headquarters' policy has no such rule; "
        "it has pending_appeal, recognised, stateless, unaccompanied_child"
    ]


def test_an_office_may_add_every_measure_that_there_is(folder):
    assert with_measures(folder, "{stateless: [flag, urgent, review]}") == []


def test_the_check_of_all_says_which_rules_there_are(folder):
    problems_of(folder, f"{FIRST}---\n{SECOND}")
    shown = io.StringIO()
    report(folder, Console(file=shown))
    assert "Persons of concern from 2026-11-01: stateless (flag)\n" in shown.getvalue()
    assert "Persons of concern from 2027-01-01: stateless (flag urgent)\n" in shown.getvalue()
