"""Headquarters' rules explained for a case and replayed on past days, from the extracts of a made-up country."""

import datetime as dt
import hashlib

import pandas as pd
import pytest
from sqlalchemy import select

from include.__main__ import main
from include.arrangements.reading import POLICY, load_offices, load_policy, version
from include.arrangements.rules import Condition
from include.casework.concern import applies, measures
from include.casework.partition import decide_partition, facts_of
from include.ledger.engine import reading
from include.ledger.intake import Partition
from include.ledger.models import Base, Case
from include.matching.partition import link_partition
from include.reports.day import check_day_adds_up
from include.reports.policy import beside, in_words
from include.sample.world import World
from tests.casework.test_partition import FRAIL, MONDAY, NOW, RULES, arranged, pull

TUESDAY = MONDAY + dt.timedelta(days=1)
NEW = """\
effective_from: 2027-01-01
rules:
  - name: pending_appeal
    when: {stage: [appeal], final: false}
    measures: [flag, urgent]
    why: &why {text: A reason to look, source: A source}
  - name: afghan
    when: {nationality: [AFG]}
    measures: [flag]
    why: *why
"""


@pytest.fixture(scope="module")
def world():
    return World(seed=9, hosts=["GRC"], first_day=MONDAY, cases=60, register=400)


@pytest.fixture
def reconciled(world, tmp_path, ledger, monkeypatch):
    """A day, decided by RULES; gives the folder of arrangements."""
    folder = arranged(tmp_path, monkeypatch, RULES.partition("---")[0])
    reconcile(world, tmp_path, MONDAY)
    return folder


def reconcile(world, tmp_path, day):
    pull(world, tmp_path / "source", day)
    link_partition(f"GRC|{day}")
    decide_partition(f"GRC|{day}", NOW)
    check_day_adds_up(f"GRC|{day}", NOW)


def cases() -> dict[str, Case]:
    with reading() as session:
        return {case.case_id: case for case in session.scalars(select(Case)).all()}


def run(capsys, *arguments) -> str:
    assert main(["policy", *map(str, arguments)]) == 0
    return " ".join(capsys.readouterr().out.split())


def fails(capsys, *arguments) -> str:
    assert main(["policy", *map(str, arguments)]) == 1
    return capsys.readouterr().err


def all_rows() -> dict[str, list]:
    with reading() as session:
        return {name: sorted(map(str, session.execute(select(of)).all())) for name, of in Base.metadata.tables.items()}


def all_files(folder) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("ledger.db")
    }


def test_the_rules_of_a_past_day_are_those_that_the_ledger_kept(reconciled):
    policy = load_policy(reconciled)[0][0]
    facts = facts_of(Partition("GRC", MONDAY))
    again = measures(applies(facts, policy), policy).set_index(facts["case_id"])["concerns"]
    kept = {case.case_id: case.concerns for case in cases().values() if case.missing_since is None}
    assert again.to_dict() == kept
    assert sum(map(bool, kept.values())) > 2


def test_it_is_told_which_rules_mean_a_case_by_which_version_and_why(reconciled, capsys):
    athens = load_offices(reconciled)[0]["GRC-ATH"][0]
    path = reconciled / "offices" / "GRC-ATH.yaml"
    path.write_text(f"{path.read_text()}measures: {{frail: [flag]}}\n")
    known = cases()
    frail = [case for case in known.values() if "frail" in case.concerns]
    heard = [case for case in frail if athens.covers("GRC", case.iom_office)]
    shown = run(capsys, "explain", heard[0].case_id)
    assert f"by the extracts of GRC|{MONDAY}, by the policy from {MONDAY}" in shown
    assert f"(version {version(load_policy(reconciled)[0][0])})" in shown
    assert "frail yes urgent vulnerabilities elderly or medical_needs" in shown
    assert ("pending_appeal" in heard[0].concerns) is ("pending_appeal yes" in shown)
    assert "flag stage appeal and not final" in shown
    assert "frail: A reason to look (A source)" in shown
    assert "GRC-ATH adds: flag" in shown
    assert not [name for name in (heard[0].family_name, heard[0].given_names) if name and name in shown]
    path.write_text(path.read_text().replace("iom_offices: [ATH]", "iom_offices: [THE]"))
    assert "adds" not in run(capsys, "explain", heard[0].case_id)
    untold = next(case for case in known.values() if case.standing == "not_in_procedure")
    assert "no rule is asked about it" in run(capsys, "explain", untold.case_id)
    assert fails(capsys, "explain", "NOBODY") == "no reconciled case has this id\n"


def test_a_day_that_was_decided_by_another_version_is_shown_as_such(reconciled, capsys):
    frail = next(case for case in cases().values() if case.concerns == "frail")
    decided_by = version(load_policy(reconciled)[0][0])
    (reconciled / POLICY).write_text(NEW.replace("2027-01-01", f"{MONDAY}"))
    assert f"That day was decided by version {decided_by}" in run(capsys, "explain", frail.case_id)
    (reconciled / POLICY).write_text(NEW)
    assert f"no policy is in force on {MONDAY}" in fails(capsys, "explain", frail.case_id)


def test_a_changed_rule_is_replayed_on_past_days_and_nothing_is_written(reconciled, tmp_path, capsys):
    (tmp_path / "new.yaml").write_text(f"{RULES.partition('---')[0]}---\n{NEW}")
    before = all_rows(), all_files(tmp_path)
    shown = run(capsys, "replay", "--from", MONDAY, "--to", MONDAY, "--file", tmp_path / "new.yaml")
    assert (all_rows(), all_files(tmp_path)) == before
    followed = [case for case in cases().values() if case.to_tell and case.missing_since is None]
    appeals = [case.case_id for case in followed if "pending_appeal" in case.concerns]
    frail = [case.case_id for case in followed if "frail" in case.concerns]
    afghans = [case.case_id for case in followed if case.nationality == "AFG"]
    assert min(map(len, (appeals, frail, afghans))) > 0
    assert "the policy from 2027-01-01" in shown
    assert "on 1 days of host countries" in shown
    assert f"GRC pending_appeal flag {len(appeals)} {len(appeals)} 0 0" in shown
    assert f"GRC pending_appeal urgent 0 {len(appeals)} {len(appeals)} 0" in shown
    assert f"GRC frail urgent {len(frail)} 0 0 {len(frail)}" in shown
    assert f"GRC afghan flag 0 {len(afghans)} {len(afghans)} 0" in shown
    assert f"GRC {appeals[0]} gains urgent by pending_appeal, from {MONDAY} on" in shown
    assert f"GRC {frail[0]} loses urgent by frail, from {MONDAY} on" in shown
    assert not [case for case in followed if case.family_name and case.family_name in shown]


def test_without_a_file_the_policy_itself_is_replayed_and_days_whose_extracts_are_erased_are_named(
    world, reconciled, tmp_path, capsys
):
    reconcile(world, tmp_path, TUESDAY)
    shown = run(capsys, "replay", "--from", MONDAY, "--to", TUESDAY)
    assert "on 2 days of host countries" in shown
    assert "No case would gain or lose a measure." in shown
    for kept in ("landing", "good_rows"):
        for path in (tmp_path / "data" / kept).rglob("*"):
            if path.is_file() and (f"{MONDAY}" in str(path) or f"{MONDAY:%Y%m%d}" in str(path)):
                path.unlink()
    shown = run(capsys, "replay", "--from", MONDAY, "--to", TUESDAY)
    assert "on 1 days of host countries" in shown
    assert f"their extracts are erased: GRC|{MONDAY}" in shown


@pytest.mark.usefixtures("ledger")
def test_a_policy_with_mistakes_is_not_replayed_nor_is_a_time_of_which_nothing_is_known(tmp_path, capsys):
    before = NEW.replace("2027", "2026")
    (tmp_path / "new.yaml").write_text(f"{NEW.replace('[flag, urgent]', '[flag, delete]')}---\n{before}")
    refused = fails(capsys, "replay", "--from", MONDAY, "--to", TUESDAY, "--file", tmp_path / "new.yaml")
    assert refused.startswith("new.yaml line 5, rules.1.measures.2: ")
    assert fails(capsys, "replay", "--from", MONDAY, "--to", TUESDAY) == (
        f"no day from {MONDAY} to {TUESDAY} was reconciled\n"
    )


def test_a_case_counts_once_however_many_days_it_was_meant():
    def asked(case, day, side):
        return {"host_country": "GRC", "rule": "a", "measure": "flag", "case_id": case, "day": day, "side": side}

    table = pd.DataFrame(
        [
            asked("A", MONDAY, "before"), asked("A", MONDAY, "after"),
            asked("A", TUESDAY, "before"), asked("A", TUESDAY, "after"),
            asked("B", MONDAY, "after"), asked("B", TUESDAY, "after"),
            asked("C", TUESDAY, "before"),
        ]
    )  # fmt: skip
    found = beside(table).set_index("case_id")
    assert found["before"].to_dict() == {"A": True, "B": False, "C": True}
    assert found["after"].to_dict() == {"A": True, "B": True, "C": False}
    assert found["day"].dropna().to_dict() == {"B": MONDAY, "C": TUESDAY}
    assert beside(table[table["side"] == "after"])["before"].sum() == 0


def test_a_condition_is_said_in_a_line():
    when = {
        "destination_country": ["AFG", "unknown"],
        "age": {"at_least": 15, "below": 18, "or_unknown": True},
        "final": False,
        "any": [{"sex": ["F"]}, {"vulnerabilities": FRAIL[:2]}],
        "not": {"all": [{"standing": ["rejected"]}]},
    }
    assert in_words(Condition.model_validate(when)) == (
        "age at least 15 and below 18 or unknown and destination country AFG or unknown and not final "
        "and (sex F or vulnerabilities elderly or medical_needs) and not (standing rejected)"
    )
