"""From a day's files to the standing of every case, through the rooms in the DAGs' order, on both databases."""

import datetime as dt
import shutil

import pandas as pd
import pytest
from rich.console import Console
from sqlalchemy import select

from include.__main__ import main
from include.arrangements.reading import POLICY, load_policy, version
from include.casework.partition import decide_partition
from include.extracts import partition as extracts
from include.extracts.partition import take_in
from include.extracts.refused import ExtractRefused
from include.ledger.engine import reading
from include.ledger.intake import Partition
from include.ledger.models import Case, Match, ProcedureRecord, Reconciliation
from include.matching import partition as matching
from include.matching.partition import link_partition
from include.reports import matches
from include.reports.day import check_day_adds_up
from include.sample.world import World
from include.settings import ROOT

MONDAY = dt.date(2026, 11, 2)
KEY = f"GRC|{MONDAY}"
NOW = dt.datetime(2026, 11, 2, 7, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def world():
    return World(seed=9, hosts=["GRC"], first_day=MONDAY, cases=60, register=400)


def pull(world, folder, day=MONDAY):
    for kind in ("avr_cases", "asylum_procedure"):
        written = world.write_extract(folder, "GRC", kind, day)
        with written.file.open("rb") as file:
            take_in(
                Partition("GRC", day), kind, file, file_name=written.file.name,
                manifest=written.manifest.read_bytes(), may_lose=None, now=NOW,
            )  # fmt: skip


@pytest.fixture
def pulled(world, tmp_path, ledger):
    pull(world, tmp_path / "source")


FRAIL = ["elderly", "medical_needs", "single_parent", "disability", "pregnant"]
RULES = f"""\
effective_from: {MONDAY}
rules:
  - name: frail
    when: {{vulnerabilities: [{", ".join(FRAIL)}]}}
    measures: [urgent]
    why: &why {{text: A reason to look, source: A source}}
  - name: pending_appeal
    when: {{stage: [appeal], final: false}}
    measures: [flag]
    why: *why
---
effective_from: {MONDAY + dt.timedelta(days=1)}
rules:
  - name: everybody
    when: {{final: false}}
    measures: [flag]
    why: {{text: A reason to look, source: A source}}
"""


def arranged(tmp_path, monkeypatch, rules=RULES):
    """This installation's arrangements: a copy of the repository's, with these rules."""
    folder = tmp_path / "arrangements"
    shutil.copytree(ROOT / "include" / "arrangements", folder)
    monkeypatch.setenv("AVR_ARRANGEMENTS", str(folder))
    (folder / POLICY).write_text(rules)
    return folder


@pytest.fixture
def arrangements(tmp_path, monkeypatch):
    return arranged(tmp_path, monkeypatch)


def standings() -> dict[str, str]:
    with reading() as session:
        return dict(session.execute(select(Case.case_id, Case.standing)).all())


@pytest.mark.usefixtures("pulled")
def test_every_row_of_a_day_gets_one_standing_and_whoever_was_linked_the_true_one(world):
    linked = link_partition(KEY)
    counts = decide_partition(KEY, NOW)
    report = check_day_adds_up(KEY, NOW)
    truth = world.truth("GRC", MONDAY).set_index("case_id")
    assert report["rows"] == len(truth) == sum(counts.values())
    assert counts["unusable"] == (truth["expected_standing"] == "unusable").sum() > 0
    found = standings()
    assert len(found) == len(truth) - counts["unusable"]
    linked_ones = {case: given for case, given in found.items() if given in ("pending", "recognised", "rejected")}
    assert linked["accept"] >= len(linked_ones) > 15
    wrong = {case for case, given in linked_ones.items() if truth.at[case, "expected_standing"] != given}
    assert len(wrong) <= 1


@pytest.mark.usefixtures("pulled")
def test_a_day_decided_again_changes_nothing():
    link_partition(KEY)
    first, before = decide_partition(KEY, NOW), standings()
    link_partition(KEY)
    assert decide_partition(KEY, NOW) == first
    assert standings() == before


def counted(monkeypatch, module, name):
    """How often a function of a module is called from now on."""
    calls, real = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given, **named: calls.append(name) or real(*given, **named))
    return calls


def review(pair, decision):
    """Take down what a person says of a match."""
    matches.decide(
        pair.case_id, pair.asylum_reference, decision, host_country=None, by="somebody", reason="seen",
        one_person=False, clock=lambda: NOW, console=Console(quiet=True),
    )  # fmt: skip


@pytest.mark.usefixtures("pulled")
def test_the_same_bytes_are_not_read_again_unless_their_good_rows_are_gone(world, tmp_path, monkeypatch):
    link_partition(KEY)
    first = decide_partition(KEY, NOW)
    read = counted(monkeypatch, extracts, "read_extract")
    pull(world, tmp_path / "source")
    assert read == []
    assert decide_partition(KEY, NOW) == first
    shutil.rmtree(tmp_path / "data" / "good_rows")
    pull(world, tmp_path / "source")
    assert len(read) == 2
    assert decide_partition(KEY, NOW) == first


@pytest.mark.usefixtures("pulled")
def test_the_same_bytes_with_a_manifest_of_others_are_refused(world, tmp_path):
    written = world.write_extract(tmp_path / "source", "GRC", "avr_cases", MONDAY)
    manifest = written.manifest.read_bytes().replace(str(written.rows).encode(), str(written.rows + 1).encode(), 1)
    with written.file.open("rb") as file, pytest.raises(ExtractRefused):
        take_in(
            Partition("GRC", MONDAY), "avr_cases", file, file_name=written.file.name,
            manifest=manifest, may_lose=None, now=NOW,
        )  # fmt: skip


@pytest.mark.usefixtures("pulled")
def test_a_partition_is_linked_again_only_when_a_pair_was_rejected_or_the_rejection_taken_back(monkeypatch):
    first = link_partition(KEY)
    decide_partition(KEY, NOW)
    linked = counted(monkeypatch, matching, "link")
    assert link_partition(KEY) == first
    assert linked == []
    with reading() as session:
        pair = session.scalars(select(Match).where(Match.decision == "accept").order_by(Match.id)).first()
    check_day_adds_up(KEY, NOW)
    review(pair, "reject")
    link_partition(KEY)
    link_partition(KEY)
    assert len(linked) == 1
    review(pair, "reopen")
    assert link_partition(KEY) == first
    assert len(linked) == 2


@pytest.mark.usefixtures("pulled")
def test_the_evidence_of_a_pair_is_shown_with_what_the_ledger_decided(capsys):
    link_partition(KEY)
    decide_partition(KEY, NOW)
    check_day_adds_up(KEY, NOW)
    with reading() as session:
        matched = session.scalars(select(Match).where(Match.decision == "accept").order_by(Match.id)).first()
    assert main(["explain", matched.case_id, matched.asylum_reference]) == 0
    shown = capsys.readouterr().out
    assert f"Probability {matched.probability:.4f}" in " ".join(shown.split())
    assert f"In the ledger since {MONDAY}: accept, this record" in shown
    assert main(["explain", "NOBODY", matched.asylum_reference]) == 1
    assert capsys.readouterr().err == "no reconciled case has this id\n"


@pytest.mark.usefixtures("pulled")
def test_of_whom_an_office_is_told_the_rules_of_the_day_are_kept_by_name_and_of_nobody_else(arrangements, tmp_path):
    link_partition(KEY)
    decide_partition(KEY, NOW)
    extract = pd.read_csv(next((tmp_path / "source").rglob("avr_cases*.csv"))).set_index("case_id")
    frail = extract["vulnerabilities"].fillna("").str.contains("|".join(FRAIL))
    with reading() as session:
        cases = session.scalars(select(Case)).all()
        appeals = set(
            session.scalars(
                select(Match.case_id)
                .join(ProcedureRecord, ProcedureRecord.asylum_reference == Match.asylum_reference)
                .where(Match.decision == "accept", ProcedureRecord.stage == "appeal")
            )
        )
        decided_by = session.get(Reconciliation, ("GRC", MONDAY)).policy_version
    told = {case.case_id for case in cases if case.to_tell}
    assert {case.case_id for case in cases if "frail" in case.concerns.split(";")} == set(frail.index[frail]) & told
    assert {case.case_id for case in cases if case.urgent} == set(frail.index[frail]) & told
    assert {case.case_id for case in cases if "pending_appeal" in case.marked.split(";")} == appeals & told
    assert set(frail.index[frail]) - told, "somebody of whom nobody is told has needs as well"
    assert set(frail.index[frail]) & told
    assert appeals & told
    assert all("frail" not in case.marked and "everybody" not in case.concerns for case in cases)
    assert decided_by == version(load_policy(arrangements)[0][0])


@pytest.mark.usefixtures("pulled")
def test_a_policy_that_does_not_load_stops_no_reconciliation_and_the_standings_own_marks_remain(arrangements):
    (arrangements / POLICY).write_text("rules: [")
    link_partition(KEY)
    decide_partition(KEY, NOW)
    with reading() as session:
        marked = dict(session.execute(select(Case.standing, Case.marked).where(Case.marked != "")).all())
        assert session.get(Reconciliation, ("GRC", MONDAY)).policy_version is None
    assert marked["recognised"] == "recognised"
    assert set(marked.values()) <= {"recognised", "claim_withdrawn"}
