"""A night of retention with real files: what is removed, what is taken out, what is found again, and what goes on."""

import datetime as dt
import io
import json
import logging
import os
import shutil
import signal
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import func, select, text

from include.casework.partition import decide_partition
from include.extracts.partition import good_rows
from include.ledger import intake
from include.ledger.engine import reading, writing
from include.ledger.intake import Partition
from include.ledger.models import Case, Erasure, Match
from include.matching.partition import link_partition
from include.reports.day import check_day_adds_up
from include.retention import files, run
from include.settings import data_folder
from tests.delivery.worker import _FORKS, Death, _arm
from tests.retention.test_erasing import counted, written
from tests.retention.world import (
    DEPARTED,
    FAMILY,
    GIVEN,
    GONE,
    LATER,
    NAMED,
    STAYS,
    keep,
    live,
    other,
    person,
    pull,
    settle,
)

pytestmark = pytest.mark.usefixtures("ledger")
YESTERDAY = LATER.date() - dt.timedelta(days=1)


def workbook(*cells) -> bytes:
    content = io.BytesIO()
    pd.DataFrame({"name": cells}).to_excel(content, engine="xlsxwriter")
    return content.getvalue()


def decide(day, *rows):
    pull(day, *rows)
    key = f"GRC|{day}"
    link_partition(key)
    decide_partition(key, dt.datetime.combine(day, dt.time(7), dt.UTC))
    return check_day_adds_up(key, dt.datetime.combine(day, dt.time(8), dt.UTC))


def gone(**more):
    return person(status="departed", departed_on=pd.Timestamp(DEPARTED), **more)


def found_in_files() -> set[Path]:
    """The files of the data folder, the ledger's apart, in which a name stands: by other means than the tool's own."""
    found = set()
    for path in data_folder().rglob("*"):
        if not path.is_file() or path.name.startswith("ledger.db"):
            continue
        content = path.read_bytes()
        texts = [content.decode(errors="ignore")]
        if content.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                texts += [archive.read(name).decode(errors="ignore") for name in archive.namelist()]
        if content.startswith(b"PAR1"):
            texts.append(pd.read_parquet(path).to_csv())
        if any(name in one for name in NAMED for one in texts):
            found.add(path.relative_to(data_folder()))
    return found


@pytest.fixture
def lived():
    """A case whose time has come; its source has dropped it, and its files lie about."""
    live()
    settle(DEPARTED + dt.timedelta(days=6), gone(), other())
    settle(YESTERDAY, other())
    for path in data_folder().rglob("*"):
        os.utime(path, (LATER.timestamp() - 3600, LATER.timestamp() - 3600))
    keep("quarantine/GRC/avr_cases_GRC_20270217.csv.quarantine.csv", f"avr,17,{FAMILY}".encode())
    keep("quarantine/GRC/avr_cases_GRC_20270218.csv.quarantine.csv", b"avr,17,Bleibtreu")
    keep("answers/GRC-ATH/" + "a" * 64, workbook(f"{FAMILY.upper()}, {GIVEN}"))
    keep("answers/GRC-ATH/" + "b" * 64, workbook("BLEIBTREU, Frieda"))
    keep("answers/GRC-ATH/" + "c" * 64, b"-----BEGIN PGP MESSAGE-----\n\nwho knows")
    keep("answers/DEU-BER/" + "d" * 64, b"-----BEGIN PGP MESSAGE-----\n\nwho knows")
    keep("answers/DEU-BER/" + "e" * 64, b"BLEIBTREU", at=LATER - dt.timedelta(days=31))
    keep("cache/linking/partition-GRC-0123456789abcdef.duckdb", f"not ours: {FAMILY}".encode())
    keep("landing/GRC/2027-02-18/avr_cases/.landing-half", FAMILY.encode(), at=LATER - dt.timedelta(days=2))


def night(now=LATER):
    return run.remove_old_files(now), run.erase_due(now)


def test_after_the_night_no_name_is_in_any_file_and_what_is_still_needed_is_there(lived):
    assert found_in_files(), "or there is nothing to do"
    before = counted()
    removed, counts = night()
    assert removed == {"landing": 2, "good_rows": 2, "links": 1, "answers": 1, "left_behind": 1}
    assert counts == {"erased": 1, "again": 0}
    assert found_in_files() == set()
    assert not [name for name in NAMED if name in written()]
    assert counted() == before
    kept = {str(path.relative_to(data_folder())) for path in data_folder().rglob("*") if path.is_file()}
    assert {one for one in kept if one.startswith(("quarantine", "answers", "cache"))} == {
        "quarantine/GRC/avr_cases_GRC_20270218.csv.quarantine.csv",
        "answers/GRC-ATH/" + "b" * 64,
        "answers/DEU-BER/" + "d" * 64,
    }
    days = {(one.parts[0], one.parts[2]) for one in map(Path, kept) if one.parts[0] in files.OF_SOURCES}
    assert days == {(folder, str(YESTERDAY)) for folder in files.OF_SOURCES}


def test_a_second_night_does_nothing(lived):
    night()
    before = {path: path.stat().st_mtime_ns for path in data_folder().rglob("*") if path.is_file()}
    rows = written()
    assert night() == ({}, {"erased": 0, "again": 0})
    assert written() == rows
    assert {path for path in data_folder().rglob("*") if path.is_file()} - set(before) <= {
        path for path in before if "ledger" in path.name
    }


def test_the_newest_reconciled_day_stays_however_old_it_is(lived):
    run.remove_old_files(LATER + dt.timedelta(days=400))
    with reading() as session:
        extracts = intake.both_extracts(session, Partition("GRC", YESTERDAY))
    shutil.rmtree(data_folder() / "good_rows")
    assert [len(good_rows(Partition("GRC", YESTERDAY), one)) for one in extracts] == [1, 1]


def test_the_proof_is_kept_as_counts_and_the_log_names_nobody(lived, caplog):
    caplog.set_level(logging.DEBUG)
    night()
    with reading() as session:
        (erasure,) = session.scalars(select(Erasure))
        proof = erasure.proof
    assert proof["searched_for"] >= 6
    assert {place: one["found"] for place, one in proof["places"].items()} == dict.fromkeys(proof["places"], 0)
    assert {"ledger", "landing", "good_rows/avr_cases", "good_rows/asylum_procedure", "links", "answers"} <= set(
        proof["places"]
    )
    assert not [name for name in NAMED if name in caplog.text or name in json.dumps(proof, ensure_ascii=False)]
    assert "erased 1" in caplog.text


@pytest.mark.parametrize(
    ("place", "content"),
    [
        ("notes.txt", FAMILY.encode()),
        ("export/cases.xlsx", workbook(GIVEN)),
        ("export/cases.zip", None),
        ("export/cases.parquet", pd.DataFrame({"a": [GIVEN]}).to_parquet()),
        ("export/cases.json", json.dumps({"name": GIVEN}).encode()),
        ("export/from_windows.txt", GIVEN.encode("utf-16")),
    ],
)
@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
def test_what_is_found_again_is_told_by_place_and_count_and_not_by_name(lived, place, content):
    if content is None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner.xlsx", workbook("x" * 1000, f"{FAMILY.upper()}, {GIVEN}"))
        content = packed.getvalue()
    keep(place, content)
    run.remove_old_files(LATER)
    with pytest.raises(run.StillThere) as told:
        run.erase_due(LATER)
    folder = place.partition("/")[0] if "/" in place else "."
    assert f"still there: {folder} " in str(told.value)
    assert not [name for name in NAMED if name in str(told.value)]
    with reading() as session:
        (erasure,) = session.scalars(select(Erasure))
        assert erasure.proof["places"][folder]["found"] > 0


def test_a_name_in_a_free_text_of_the_ledger_is_found(lived):
    with writing() as session:
        session.execute(text("UPDATE list SET void_reason = :words WHERE number = 1"), {"words": f"it is {FAMILY}"})
    with pytest.raises(run.StillThere, match="still there: ledger"):
        run.erase_due(LATER)


def test_somebody_else_of_the_same_name_is_no_alarm(lived):
    settle(YESTERDAY, other(), other(case_id="GRC-AVR-3", family_name=FAMILY))
    assert run.erase_due(LATER)["erased"] == 1
    with reading() as session:
        (erasure,) = session.scalars(select(Erasure))
        assert erasure.proof["held_by_others"] == 1
        assert session.get(Case, ("GRC", "GRC-AVR-3")).family_name == FAMILY


def test_while_the_source_still_sends_the_case_it_is_silent_and_the_day_adds_up():
    live()
    today = LATER.date()
    decide(today, gone(), other())
    night()
    assert decide(today, gone(), other())["erased"] == 1, "the same day again"
    tomorrow = today + dt.timedelta(days=1)
    counts = decide(tomorrow, gone(), other())
    assert (counts["rows"], counts["erased"], counts["missing"]) == (2, 1, 0)
    with reading() as session:
        assert set(session.scalars(select(Case.case_id).where(Case.erased_on.is_(None)))) == {STAYS}
        assert GONE not in set(session.scalars(select(Match.case_id)))
    assert {path.parts[0] for path in found_in_files()} <= {"landing", "good_rows", "cache"}
    assert {path.parts[3] for path in found_in_files() if path.parts[0] == "good_rows"} == {"asylum_procedure"}


def test_a_registration_after_the_erasure_is_followed_again():
    live()
    night()
    anew = person(registered_on=pd.Timestamp("2027-02-10"), expected_departure_on=pd.Timestamp("2027-03-30"))
    counts = decide(LATER.date(), anew, other())
    assert "erased" not in counts
    with reading() as session:
        assert session.get(Case, ("GRC", GONE)).family_name == FAMILY


def _one_night(environment, death, now):
    os.environ.update(environment)
    _arm(death)
    run.remove_old_files(now)
    run.erase_due(now)


DEATHS = [
    ("include.ledger.retention:_forget_notices", "before"),
    ("include.retention.files:append", "before"),
    ("include.retention.files:append", "after"),
    ("include.retention.files:take_out", "before"),
    ("include.retention.files:forget", "after"),
    ("include.ledger.storage:compact", "before"),
    ("include.ledger.storage:compact", "after"),
    ("include.ledger.retention:record_proof", "before"),
    ("include.retention.files:_remove_tree", "after"),
]


@pytest.mark.parametrize(("at", "when"), DEATHS)
def test_a_night_that_is_killed_is_ended_by_the_next(lived, at, when):
    before = counted()
    process = _FORKS.Process(target=_one_night, args=(dict(os.environ), Death(at, when), LATER))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    night()
    assert found_in_files() == set()
    assert not [name for name in NAMED if name in written()]
    assert counted() == before
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Erasure).where(Erasure.proof.is_not(None))) == 1
        assert session.scalar(select(func.count()).select_from(Erasure)) == 1
    assert len({line.registration_hash for line in files.logged(data_folder())}) == 1
    assert night() == ({}, {"erased": 0, "again": 0})


def test_half_a_line_in_the_log_is_passed_over_and_the_next_stands_on_its_own(lived):
    (data_folder() / "erasures.jsonl").write_text('{"host_country": "GR')
    night()
    assert len(files.logged(data_folder())) == 1
