import csv
import datetime as dt
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.extracts.contract import COLUMNS
from include.extracts.landing import Damaged, land_stream, open_landed, write_quarantine
from include.extracts.manifest import Manifest, parse_manifest
from include.extracts.reading import needs_a_person, quarantine_lines, read_extract
from include.extracts.refused import ExtractRefused

DAY = dt.date(2026, 11, 23)
CASE = {
    "case_id": "GRC-AVR-000001",
    "host_country": "GRC",
    "family_name": "Rahimi",
    "given_names": "Ahmad",
    "nationality": "AFG",
    "registered_on": "2026-10-01",
    "expected_departure_on": "2026-12-01",
    "departed_on": "",
    "status": "booked",
    "sharing_consent": "true",
    "vulnerabilities": "unaccompanied_child;medical",
    "date_of_birth": "1990-01-01",
    "sex": "M",
    "updated_at": "2026-11-22T10:00:00+02:00",
}
RECORD = {
    "asylum_reference": "ASY-000001",
    "host_country": "GRC",
    "family_name": "Rahimi",
    "given_names": "Ahmad",
    "nationality": "AFG",
    "applied_on": "2026-01-05",
    "stage": "appeal",
    "outcome": "rejected",
    "outcome_on": "2026-10-01",
    "final": "false",
    "updated_at": "2026-11-22T10:00:00Z",
}


def csv_bytes(*rows, header=None) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=header or list(rows[0]), lineterminator="\r\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def numbered(count, **more):
    return [CASE | {"case_id": f"GRC-AVR-{number:06d}"} | more for number in range(count)]


def read(tmp_path: Path, content: bytes, kind="avr_cases", manifest=None, name="avr_cases_GRC_20261123.csv"):
    path = tmp_path / name
    path.write_bytes(content)
    return read_extract(path, kind, "GRC", DAY, manifest)


def refusal(tmp_path, content, **more) -> str:
    with pytest.raises(ExtractRefused) as refused:
        read(tmp_path, content, **more)
    return str(refused.value)


def manifest_of(content: bytes, rows: int) -> Manifest:
    return Manifest(rows=rows, sha256=hashlib.sha256(content).hexdigest())


def test_a_good_file_is_read_whole_in_its_types(tmp_path):
    content = csv_bytes(*numbered(3))
    extract = read(tmp_path, content, manifest=manifest_of(content, 3))
    assert (extract.row_count, extract.good_count, extract.quarantined_count) == (3, 3, 0)
    assert list(extract.rows.columns) == [column.name for column in COLUMNS["avr_cases"]]
    row = extract.rows.iloc[0]
    assert row["expected_departure_on"] == pd.Timestamp("2026-12-01")
    assert row["updated_at"] == pd.Timestamp("2026-11-22T08:00:00Z")
    assert row["sharing_consent"] is True or row["sharing_consent"] == True  # noqa: E712
    assert pd.isna(row["departed_on"])
    assert pd.isna(row["mother_name"])


def test_three_formats_give_the_same_rows(tmp_path):
    rows = numbered(3, given_names="محمد", destination_place="")
    expected = read(tmp_path, csv_bytes(*rows)).rows
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        as_dates = {key: dt.date.fromisoformat(row[key]) for key in ("registered_on", "expected_departure_on")}
        book.active.append(list((row | as_dates).values()))
    book.save(tmp_path / "avr_cases_GRC_20261123.xlsx")
    pd.DataFrame(rows).assign(registered_on=dt.date(2026, 10, 1), sharing_consent=True).to_parquet(
        tmp_path / "avr_cases_GRC_20261123.parquet"
    )
    for name in ("avr_cases_GRC_20261123.xlsx", "avr_cases_GRC_20261123.parquet"):
        extract = read_extract(tmp_path / name, "avr_cases", "GRC", DAY, None)
        pd.testing.assert_frame_equal(extract.rows, expected)


def test_a_byte_order_mark_quoted_newlines_and_composed_letters_are_read(tmp_path):
    row = CASE | {"family_name": "  Guille\u0301n  "}
    extract = read(tmp_path, b"\xef\xbb\xbf" + csv_bytes(row))
    assert extract.rows["family_name"].iat[0] == "Guill\u00e9n"


BAD_CASES = [
    ("case_id", ""),
    ("case_id", "X" * 65),
    ("family_name", "two\nlines"),
    ("family_name", "nul\x00"),
    ("nationality", "ZZZ"),
    ("nationality", ""),
    ("host_country", ""),
    ("registered_on", "31/02/2026"),
    ("registered_on", "2026-02-30"),
    ("registered_on", "2026-11-25"),
    ("expected_departure_on", "9999-12-31"),
    ("expected_departure_on", "soon"),
    ("departed_on", "2026-11-25"),
    ("date_of_birth", "1990-13"),
    ("date_of_birth", "2026-11-24"),
    ("date_of_birth", "1899"),
    ("sex", "male"),
    ("status", "Booked"),
    ("status", "departed"),
    ("sharing_consent", "yes"),
    ("origin_objection", "1"),
    ("vulnerabilities", "Unaccompanied child"),
    ("destination_country", "AF"),
    ("updated_at", "2026-11-22T10:00:00"),
    ("updated_at", "2026-11-22"),
]
BAD_RECORDS = [
    ("asylum_reference", ""),
    ("applied_on", "2026-11-25"),
    ("stage", "court"),
    ("outcome", "granted"),
    ("outcome", ""),
    ("outcome_on", "yesterday"),
    ("final", ""),
    ("final", "maybe"),
]


@pytest.mark.parametrize(
    ("kind", "column", "value"),
    [("avr_cases", *bad) for bad in BAD_CASES] + [("asylum_procedure", *bad) for bad in BAD_RECORDS],
)
def test_a_bad_cell_sets_its_row_aside_and_nothing_else(tmp_path, kind, column, value):
    good = CASE if kind == "avr_cases" else RECORD
    ids = "case_id" if kind == "avr_cases" else "asylum_reference"
    header = list(dict.fromkeys([*good, column]))
    rows = [good | {ids: "GOOD-00001"}, good | {ids: "BAD-000001", column: value}, good | {ids: "GOOD-00002"}]
    name = f"{kind}_GRC_20261123.csv"
    extract = read(tmp_path, csv_bytes(*rows, header=header), kind=kind, name=name)
    assert list(extract.rows[ids]) == ["GOOD-00001", "GOOD-00002"]
    assert (extract.row_count, extract.quarantined_count) == (3, 1)
    assert set(extract.quarantined["row"]) == {3}
    lines = list(quarantine_lines(extract, with_values=False))
    assert all(line.startswith(f"{name} row 3, ") and "2 others go on" in line for line in lines)
    free_text = column not in ("status", "outcome", "final") and len(value) > 4
    assert not (free_text and any(value in line for line in lines))


def test_a_final_pending_record_and_a_person_without_any_name_are_set_aside(tmp_path):
    pending = RECORD | {"outcome": "pending", "final": "true"}
    extract = read(tmp_path, csv_bytes(pending), kind="asylum_procedure", name="asylum_procedure_GRC_20261123.csv")
    assert list(extract.quarantined["column"]) == ["final"]
    extract = read(tmp_path, csv_bytes(CASE | {"family_name": "", "given_names": ""}))
    assert extract.good_count == 0


def test_a_mononym_is_a_name(tmp_path):
    assert read(tmp_path, csv_bytes(CASE | {"given_names": ""})).good_count == 1


def test_rows_that_share_an_id_and_differ_are_all_set_aside_and_one_of_equal_rows_stays(tmp_path):
    rows = [CASE, CASE | {"family_name": "Other"}, CASE | {"case_id": "B-0000001"}, CASE | {"case_id": "B-0000001"}]
    extract = read(tmp_path, csv_bytes(*rows))
    assert list(extract.rows["case_id"]) == ["B-0000001"]
    assert (extract.row_count, extract.quarantined_count) == (4, 3)


def test_the_quarantine_file_tells_the_value_and_the_log_does_not(tmp_path):
    extract = read(tmp_path, csv_bytes(CASE | {"expected_departure_on": "31/02/2027"}, CASE | {"case_id": "B-000001"}))
    line = next(quarantine_lines(extract, with_values=True))
    assert line == (
        "avr_cases_GRC_20261123.csv row 2, expected_departure_on: '31/02/2027' is not a date; write YYYY-MM-DD. "
        "The row is set aside in quarantine; 1 others go on."
    )
    assert "31/02" not in next(quarantine_lines(extract, with_values=False))
    path = write_quarantine(extract, tmp_path / "quarantine")
    assert "31/02/2027" in path.read_text("utf-8-sig")
    assert path.stat().st_mode & 0o077 == 0


def test_a_cell_that_a_spreadsheet_could_run_is_harmless_in_quarantine(tmp_path):
    extract = read(tmp_path, csv_bytes(CASE | {"sex": "=1+1"}))
    rows = list(csv.DictReader(write_quarantine(extract, tmp_path).read_text("utf-8-sig").splitlines()))
    assert rows[0]["value"] == "'=1+1"


def test_a_ragged_row_in_the_middle_is_set_aside_alone(tmp_path):
    lines = csv_bytes(*numbered(3)).decode().splitlines()
    lines[2] += ",one,too,many"
    extract = read(tmp_path, "\r\n".join(lines).encode())
    assert (extract.row_count, extract.good_count) == (3, 2)
    assert list(extract.quarantined["row"]) == [3]


def test_rows_keep_their_numbers_behind_a_blank_line(tmp_path):
    lines = csv_bytes(*numbered(2), CASE | {"case_id": "LAST-00001", "sex": "?"}).decode().splitlines()
    lines.insert(2, "")
    extract = read(tmp_path, "\r\n".join(lines).encode())
    assert list(extract.quarantined["row"]) == [5]
    assert extract.row_count == 3


WHOLE = [
    ("missing column", lambda: csv_bytes(CASE, header=[c for c in CASE if c != "status"]), "no column status"),
    (
        "no name column",
        lambda: csv_bytes(CASE, header=[c for c in CASE if "name" not in c]),
        "family_name or given_names",
    ),
    ("another country", lambda: csv_bytes(CASE, CASE | {"case_id": "B", "host_country": "NER"}), "row 3"),
    ("empty", lambda: b"", "not even a header"),
    ("semicolons", lambda: csv_bytes(CASE).replace(b",", b";"), "separated by ;"),
    ("latin-1", lambda: csv_bytes(CASE | {"family_name": "Guillén"}).decode().encode("latin-1"), "not UTF-8"),
    ("header twice", lambda: csv_bytes(CASE).replace(b"sex", b"status"), "status twice"),
    ("cut off", lambda: csv_bytes(*numbered(9))[:-60], "last row is cut off"),
]


@pytest.mark.parametrize(("content", "says"), [case[1:] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_a_file_that_is_not_what_was_meant_is_refused_whole(tmp_path, content, says):
    message = refusal(tmp_path, content())
    assert says in message
    assert "Nothing of it was used" in message
    assert "Rahimi" not in message


def test_a_file_of_another_day_is_refused(tmp_path):
    assert "another day" in refusal(tmp_path, csv_bytes(CASE), name="avr_cases_GRC_20261122.csv")


def test_a_file_that_disagrees_with_its_manifest_is_refused(tmp_path):
    content = csv_bytes(*numbered(3))
    assert "SHA-256" in refusal(tmp_path, content[:-1], manifest=manifest_of(content, 3))
    assert "3 rows and its manifest says 4" in refusal(tmp_path, content, manifest=manifest_of(content, 4))


def test_a_truly_empty_day_is_one_that_its_manifest_confirms(tmp_path):
    content = csv_bytes(header=list(CASE))
    extract = read(tmp_path, content, manifest=manifest_of(content, 0))
    assert extract.row_count == 0
    assert needs_a_person(0, None, 0.1)


def test_a_source_without_manifest_that_lost_too_much_waits_for_a_person():
    assert needs_a_person(89, 100, 0.1)
    assert needs_a_person(90, 100, 0.1) is None
    assert needs_a_person(5, None, 0.1) is None


@pytest.mark.parametrize("content", [b"", b"{}", b'{"rows": "3", "sha256": "x"}', b'{"rows": -1}', b"\xff"])
def test_a_manifest_of_another_form_refuses_the_file(content):
    with pytest.raises(ExtractRefused, match="does not have the form"):
        parse_manifest(content, "x.csv")


def test_a_workbook_with_a_formula_is_refused(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(list(CASE))
    book.active.append(["=1+1", *list(CASE.values())[1:]])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(ExtractRefused, match="formula in row 2"):
        read_extract(tmp_path / "a.xlsx", "avr_cases", "GRC", DAY, None)


GOOD = csv_bytes(*numbered(5))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.integers(0, len(GOOD)).map(lambda at: GOOD[:at]),
        st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=6)).map(
            lambda change: GOOD[: change[0]] + change[1] + GOOD[change[0] + len(change[1]) :]
        ),
    ),
    st.sampled_from([".csv", ".xlsx", ".parquet"]),
)
def test_any_broken_file_is_refused_or_adds_up_and_no_message_holds_a_cell(tmp_path, content, suffix):
    path = tmp_path / f"fuzz{suffix}"
    path.write_bytes(content)
    message = ""
    try:
        extract = read_extract(path, "avr_cases", "GRC", DAY, None)
        adds_up = extract.row_count == extract.good_count + extract.quarantined["row"].nunique()
    except ExtractRefused as refused:
        adds_up, message = True, str(refused)
    assert adds_up
    assert "Rahimi" not in message
    assert "GRC-AVR-0000" not in message


def test_a_row_of_the_wrong_length_in_another_encoding_is_not_dropped_in_silence(tmp_path):
    path = tmp_path / "avr_cases_GRC_20261123.csv"
    before = csv_bytes(*numbered(2))
    path.write_bytes(before + "Guillén,".encode("latin-1") + b"\r\n")
    with pytest.raises(ExtractRefused, match=f"not UTF-8, first at byte {len(before) + 5:,}"):
        read_extract(path, "avr_cases", "GRC", DAY, None)


def test_the_same_bytes_land_once_and_are_looked_at_again(tmp_path):
    landed = [
        land_stream(io.BytesIO(GOOD), tmp_path, "avr_cases", "GRC", DAY, "avr_cases_GRC_20261123.csv") for _ in range(2)
    ]
    assert landed[0] == landed[1]
    assert landed[0].path.read_bytes() == GOOD
    assert landed[0].path.stat().st_mode & 0o077 == 0
    assert open_landed(tmp_path, "avr_cases", "GRC", DAY, landed[0].sha256) == landed[0].path
    landed[0].path.write_bytes(GOOD + b"x")
    with pytest.raises(Damaged):
        open_landed(tmp_path, "avr_cases", "GRC", DAY, landed[0].sha256)
    with pytest.raises(FileNotFoundError):
        open_landed(tmp_path, "avr_cases", "GRC", DAY, "0" * 64)


def test_a_landing_that_is_killed_leaves_no_half_file(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys, datetime as dt\nfrom pathlib import Path\n"
         "from include.extracts.landing import land_stream\n"
         f"land_stream(sys.stdin.buffer, Path({str(tmp_path)!r}), 'avr_cases', 'GRC', dt.date(2026, 11, 23), 'a.csv')"],
        stdin=subprocess.PIPE,
    )  # fmt: skip
    child.stdin.write(b"x" * (3 << 20))
    child.stdin.flush()
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob(".landing-*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert [path.name for path in tmp_path.rglob("*.csv")] == []


def test_a_manifest_is_read(tmp_path):
    content = json.dumps({"rows": 3, "sha256": "a" * 64, "made_by": "export"}).encode()
    assert parse_manifest(content, "x").rows == 3
