"""The files of the world: the same for the same seed, true to the contract, and with news on every day."""

import csv
import datetime as dt
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from include.extracts.contract import COLUMNS
from include.sample.lives import CASE_COLUMNS, Case
from include.sample.world import CASES, PROCEDURE, World
from include.settings import ROOT
from tests.sample.conftest import FIRST, HOSTS, SECOND, Counted, make_world

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})")
STATUSES = {"registered", "booked", "departed", "withdrawn", "no_show", "closed"}


def _tree(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _write(folder: Path, world: World, days: list[dt.date]) -> dict[str, str]:
    for day in days:
        world.write_day(folder, day)
        world.write_truth(folder / "truth", day)
    return _tree(folder)


def test_the_same_seed_is_the_same_world_to_the_byte(tmp_path: Path) -> None:
    once = _write(tmp_path / "once", make_world(hosts=["GRC"]), [FIRST, SECOND])
    again = _write(tmp_path / "again", make_world(hosts=["GRC"]), [FIRST, SECOND])
    other = _write(tmp_path / "other", make_world(hosts=["GRC"], seed=2), [FIRST, SECOND])
    assert once == again
    assert len(once) == 13
    assert all(once[name] != other[name] for name in once if "avr_cases" in name or "procedure" in name)


def test_a_fresh_process_with_another_hash_seed_makes_the_same_world(tmp_path: Path) -> None:
    here = _write(tmp_path / "here", make_world(hosts=["NER"]), [FIRST, SECOND])
    program = (
        "import sys; from pathlib import Path; from tests.sample.conftest import *\n"
        "folder = Path(sys.argv[1]); world = make_world(hosts=['NER'])\n"
        "for day in (FIRST, SECOND): world.write_day(folder, day); world.write_truth(folder / 'truth', day)\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "there")],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
    )
    assert _tree(tmp_path / "there") == here


def test_an_older_day_comes_out_the_same_after_newer_ones(tmp_path: Path) -> None:
    in_order = _write(tmp_path / "in order", make_world(hosts=["PAK"]), [FIRST, SECOND])
    world = make_world(hosts=["PAK"])
    # Far enough ahead that a good part of the small register has come to IOM.
    world.extract("PAK", CASES, FIRST + dt.timedelta(days=45))
    assert _write(tmp_path / "backwards", world, [SECOND, FIRST]) == in_order
    fresh = make_world(hosts=["PAK"])
    for number in range(12):
        day = FIRST + dt.timedelta(days=number)
        pd.testing.assert_frame_equal(fresh.broken("PAK", day), world.broken("PAK", day))


def test_a_country_does_not_depend_on_the_others_beside_it(world: World) -> None:
    alone = make_world(hosts=["GRC"])
    pd.testing.assert_frame_equal(alone.extract("GRC", CASES, SECOND), world.extract("GRC", CASES, SECOND))


@pytest.mark.parametrize("host", HOSTS)
def test_only_the_intended_rows_break_the_contract(world: World, host: str) -> None:
    for day in (FIRST, SECOND):
        broken = world.broken(host, day)
        for kind in (CASES, PROCEDURE):
            rows = world.extract(host, kind, day).fillna("")
            found = {
                (number, row[0])
                for number, row in enumerate(rows.itertuples(index=False, name=None), start=2)
                if _breaks_contract(dict(zip(rows.columns, row, strict=True)), kind, host, day)
            }
            intended = broken[broken["kind"] == kind]
            assert found == set(zip(intended["row_number"].astype(int), intended["id"], strict=True))
            assert len(intended) >= 1
            assert rows.iloc[:, 0].is_unique


def _breaks_contract(row: dict[str, str], kind: str, host: str, day: dt.date) -> bool:
    """The contract's words, read again: this must not lean on the room that enforces them."""
    required = ["host_country", "nationality", "updated_at"]
    required += ["case_id", "registered_on", "status"] if kind == CASES else ["asylum_reference", "applied_on", "final"]
    fine = (
        all(row[column] for column in required)
        and (row["family_name"] or row["given_names"])
        and row["host_country"] == host
        and re.fullmatch("[A-Z]{3}", row["nationality"])
        and row["sex"] in ("", "F", "M", "X")
        and MOMENT.fullmatch(row["updated_at"])
        and row["updated_at"][:10] <= day.isoformat()
        and _is_birth(row["date_of_birth"], day)
    )
    if kind == CASES:
        return not (
            fine
            and row["status"] in STATUSES
            and _is_day(row["registered_on"], day)
            and _is_day(row["departed_on"], day)
            and _is_day(row["expected_departure_on"], dt.date(2030, 1, 1))
            and (row["departed_on"] or row["status"] != "departed")
            and row["sharing_consent"] in ("", "true", "false")
            and row["origin_objection"] in ("", "true", "false")
        )
    return not (
        fine
        and _is_day(row["applied_on"], day)
        and _is_day(row["outcome_on"], day)
        and row["stage"] in ("registered", "first_instance", "appeal", "closed")
        and row["outcome"] in ("pending", "recognised", "subsidiary", "rejected", "withdrawn", "otherwise_closed")
        and row["final"] in ("true", "false")
        and not (row["final"] == "true" and row["outcome"] == "pending")
        and (row["outcome_on"] == "" or row["outcome_on"] >= row["applied_on"])
    )


def _is_day(text: str, latest: dt.date) -> bool:
    if not text:
        return True
    try:
        return bool(DAY.fullmatch(text)) and dt.date.fromisoformat(text) <= latest
    except ValueError:
        return False


def _is_birth(text: str, day: dt.date) -> bool:
    return bool(re.fullmatch(r"\d{4}(-\d{2})?", text)) or _is_day(text, day)


def test_the_columns_are_those_of_the_contract(world: World) -> None:
    for kind in (CASES, PROCEDURE):
        assert list(world.extract("GRC", kind, FIRST).columns) == [column.name for column in COLUMNS[kind]]


def test_files_are_private_and_their_manifests_true(world: World, tmp_path: Path) -> None:
    written = world.write_day(tmp_path, FIRST)
    assert len(written) == 4 * len(HOSTS)
    for file, manifest in zip(written[::2], written[1::2], strict=True):
        assert manifest.name == f"{file.name}.manifest.json"
        told = json.loads(manifest.read_text())
        content = file.read_bytes()
        assert told["sha256"] == hashlib.sha256(content).hexdigest()
        assert told["rows"] == len(list(csv.DictReader(io.StringIO(content.decode()))))
        assert content.endswith(b"\r\n")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_truncated_file_is_cut_in_a_row_and_its_manifest_tells_the_whole(world: World, tmp_path: Path) -> None:
    written = world.write_day(tmp_path, SECOND, truncated=frozenset({("NER", CASES)}))
    file = tmp_path / "NER" / "avr_cases_NER_20261103.csv"
    manifest = json.loads((file.parent / f"{file.name}.manifest.json").read_text())
    cut = file.read_bytes()
    assert hashlib.sha256(cut).hexdigest() != manifest["sha256"]
    rows = list(csv.reader(io.StringIO(cut.decode(errors="replace"))))
    assert 5 < len(rows) - 1 < manifest["rows"]
    assert len(rows[-1]) < len(CASE_COLUMNS)
    assert not cut.endswith(b"\n")
    others = [path for path in written[::2] if path != file]
    for other in others:
        told = json.loads(other.with_name(f"{other.name}.manifest.json").read_text())
        assert told["sha256"] == hashlib.sha256(other.read_bytes()).hexdigest()

    world.write_day(tmp_path, SECOND)
    whole = file.read_bytes()
    assert hashlib.sha256(whole).hexdigest() == manifest["sha256"]
    assert whole.startswith(cut)


@pytest.mark.parametrize("host", HOSTS)
def test_every_kind_of_news_happens_on_every_day_to_somebody_an_office_was_told_of(world: World, host: str) -> None:
    for number in range(1, 5):
        day = FIRST + dt.timedelta(days=number)
        before = _tellable(world, host, day - dt.timedelta(days=1))
        now = world.extract(host, CASES, day).fillna("").set_index("case_id")
        truth = world.truth(host, day).set_index("case_id")
        old, new = before.loc[before.index.isin(now.index)], now.loc[now.index.isin(before.index)]
        new = new.loc[old.index]
        dated = new["expected_departure_on"].ne("") & new["status"].eq("booked")
        assert (dated & new["expected_departure_on"].ne(old["expected_departure_on"])).any(), "date moved"
        names = ["family_name", "given_names"]
        assert (dated & new[names].ne(old[names]).any(axis=1)).any(), "name corrected"
        for status in ("withdrawn", "closed", "no_show", "departed"):
            assert (new["status"].eq(status) & old["status"].eq("booked")).any(), status
        came = set(_tellable(world, host, day).index) - set(
            world.extract(host, CASES, day - dt.timedelta(1))["case_id"]
        )
        assert len(came) >= 3, "new"
        happened = set(";".join(truth["what_happened"]).split(";"))
        assert {"claim_decided", "new", "date_moved", "name_corrected", "withdrawn", "departed"} <= happened


def _tellable(world: World, host: str, day: dt.date) -> pd.DataFrame:
    """Cases that an office hears of as soon as anybody can be sure of anybody: a good reference, a date, consent."""
    cases = world.extract(host, CASES, day).fillna("").merge(world.truth(host, day), on="case_id")
    good = (
        cases["expected_standing"].eq("pending")
        & cases["asylum_reference"].eq(cases["deciding_reference"])
        & cases["expected_departure_on"].ne("")
        & cases["sharing_consent"].eq("true")
        & cases["status"].isin(["registered", "booked"])
        & cases["canary"].eq("false")
    )
    return cases[good].set_index("case_id")


def test_dates_and_statuses_agree(world: World) -> None:
    for host in HOSTS:
        for number in range(5):
            day = FIRST + dt.timedelta(days=number)
            cases = world.extract(host, CASES, day).fillna("")
            gone = cases["status"].eq("departed")
            assert (cases.loc[gone, "departed_on"] <= day.isoformat()).all()
            assert (cases.loc[gone, "departed_on"] >= cases.loc[gone, "registered_on"]).all()
            assert (
                cases.loc[cases["status"].isin(["registered", "booked", "withdrawn", "no_show"]), "departed_on"]
                .eq("")
                .all()
            )
            booked = cases["status"].eq("booked") & cases["expected_departure_on"].ne("31/02/2027")
            overdue = cases.loc[booked, "expected_departure_on"] < (day - dt.timedelta(days=4)).isoformat()
            assert not overdue.any()


def test_a_case_stays_for_ninety_days_after_its_end(world: World) -> None:
    late = FIRST + dt.timedelta(days=60)
    other = make_world(hosts=["TUR"])
    kept = set(other.extract("TUR", CASES, late)["case_id"])
    first = other.extract("TUR", CASES, FIRST).fillna("")
    # A clerk closes the file of somebody who left some time later: that is news of its own.
    ended = first[first["status"].isin(["withdrawn", "closed"])]
    old = ended["updated_at"].str[:10] < (late - dt.timedelta(days=91)).isoformat()
    assert old.any()
    assert not set(ended.loc[old, "case_id"]) & kept
    recent = ended["updated_at"].str[:10] > (late - dt.timedelta(days=89)).isoformat()
    assert set(ended.loc[recent, "case_id"]) <= kept


def test_nothing_happens_to_a_case_before_it_is_there() -> None:
    newborn = Case(number=1, person="P", position=None, party=1, now={"case_id": "A"})
    newborn.enter(FIRST + dt.timedelta(days=9), {"status": "booked"})
    newborn.change(FIRST, {"status": "no_show"}, "no_show")
    assert newborn.on(FIRST + dt.timedelta(days=8)) == {}
    assert newborn.on(FIRST + dt.timedelta(days=9)) == {"case_id": "A", "status": "no_show"}


def test_a_family_has_one_date_and_one_file(counted: Counted) -> None:
    pairs = counted.pairs.query("canary == 'false' and expected_departure_on != '31/02/2027'")
    file = pairs["deciding_reference"].str.slice(0, -2)
    families = 0
    for _, members in pairs.groupby(file):
        if len(members) > 1 and members["status"].eq("booked").all() and members["registered_on"].nunique() == 1:
            families += 1
            assert members["expected_departure_on"].nunique() == 1
    assert families > 50


def test_the_truth_holds_for_every_case_of_the_day(world: World) -> None:
    for host in HOSTS:
        for day in (FIRST, SECOND, FIRST + dt.timedelta(days=4)):
            cases, truth = world.extract(host, CASES, day), world.truth(host, day)
            assert list(cases["case_id"]) == list(truth["case_id"])
            _check_truth(truth, world.extract(host, PROCEDURE, day).fillna(""))


def test_of_several_records_the_newest_that_is_not_final_decides(counted: Counted) -> None:
    several = counted.truth[counted.truth["asylum_references"].str.contains(";")]
    records = counted.register.set_index("asylum_reference")
    newest = [
        max(all_.split(";"), key=lambda one: records.loc[one, "applied_on"]) for all_ in several["asylum_references"]
    ]
    assert several["deciding_reference"].ne(newest).any(), "in some cases an older one is still open"
    _check_truth(counted.truth, counted.register)


def _check_truth(truth: pd.DataFrame, register: pd.DataFrame) -> None:
    records = {row.asylum_reference: row for row in register.itertuples()}
    for row in truth.itertuples():
        own = [records[reference] for reference in row.asylum_references.split(";") if reference]
        assert row.applied == str(bool(own)).lower()
        if not own:
            assert row.expected_standing in ("not_in_procedure", "unusable")
            assert row.deciding_reference == ""
            continue
        newest = max(own, key=lambda record: (record.final == "false", record.applied_on))
        assert row.deciding_reference == newest.asylum_reference
        assert row.expected_standing in (_standing(newest), "unusable")


def _standing(record: Any) -> str:
    if record.final == "false":
        return "pending"
    merged = {"subsidiary": "recognised", "withdrawn": "withdrawn_claim", "otherwise_closed": "withdrawn_claim"}
    return merged.get(record.outcome, record.outcome)


def test_registers_grow_and_claims_go_on(world: World) -> None:
    before = world.extract("DEU", PROCEDURE, FIRST).fillna("").set_index("asylum_reference")
    after = world.extract("DEU", PROCEDURE, FIRST + dt.timedelta(days=14)).fillna("").set_index("asylum_reference")
    assert set(before.index) <= set(after.index)
    assert len(after) - len(before) == 14 * 3
    moved = before["stage"].ne(after.loc[before.index, "stage"])
    assert moved.mean() > 0.01
    closed = before["stage"].eq("closed") & before["outcome"].ne("unknown")
    assert not (moved & closed).any()


def test_a_world_too_small_or_too_early_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="at least 40 cases and 400 procedure records"):
        make_world(cases=10)
    with pytest.raises(ValueError, match="begins on 2026-11-02"):
        world.extract("GRC", CASES, FIRST - dt.timedelta(days=1))
