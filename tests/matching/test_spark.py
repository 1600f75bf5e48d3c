"""Spark decides as DuckDB does. `make test-spark` runs this in an environment that has Spark."""

import datetime as dt
import os
import subprocess
import sys
import traceback

import pandas as pd
import pytest

from include.matching import candidates
from include.matching.linkage import link, people
from include.sample.world import World
from include.settings import ROOT

pytestmark = pytest.mark.spark

MASTER = "local[2]"
DAY = dt.date(2026, 11, 2)
HOSTS = ["GRC", "NER"]
PAIR = ["case_id", "asylum_reference"]
NAMES = ["family_name", "given_names", "name_original_script", "father_name", "mother_name"]


@pytest.fixture(scope="module")
def extracts():
    """The two extracts of each host country."""
    world = World(seed=79, hosts=HOSTS, first_day=DAY, cases=100, register=1000)
    return {host: [world.extract(host, kind, DAY) for kind in ("avr_cases", "asylum_procedure")] for host in HOSTS}


def assert_alike(on_spark, on_duckdb):
    one, other = (found.sort_values(PAIR, ignore_index=True) for found in (on_spark, on_duckdb))
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=0, atol=1e-9)


@pytest.mark.parametrize("host", HOSTS)
def test_both_backends_accept_and_doubt_the_same_pairs(extracts, host):
    on_duckdb = link(*extracts[host])
    assert {"accept", "review"} == set(on_duckdb["decision"])
    assert_alike(link(*extracts[host], spark=MASTER), on_duckdb)


def evidence(cases, register, spark):
    """Of each case its likeliest pairs, with how their names are spelt and how they agree."""
    with people(cases, register, spark=spark) as database:
        candidates.meet(database)
        candidates.pair_up(database, all_of_them=True)
        candidates.shortlist(database, all_of_them=True)
        candidates.compare(database, all_of_them=True)
        return database.execute(
            f"""
            SELECT c.key AS case_id, r.key AS asylum_reference, namesakes,
                {", ".join("p." + column for column in candidates.EVIDENCE)}
            FROM compared p JOIN cases c ON c.id = p.case_id JOIN records r ON r.id = p.record_id
            """
        ).df()


def test_both_backends_meet_the_same_pairs_and_see_the_same_evidence(extracts):
    on_duckdb = evidence(*extracts["GRC"], spark=None)
    assert set(on_duckdb["birth_date"]) == set(range(-1, 6))
    assert set(on_duckdb["name"]) >= {0, 1, 2, 3}
    assert_alike(evidence(*extracts["GRC"], spark=MASTER), on_duckdb)


def test_the_setting_chooses_spark_which_prints_nobodys_name(extracts, tmp_path):
    cases, register = extracts["GRC"]
    cases.to_csv(tmp_path / "cases.csv", index=False)
    register.to_csv(tmp_path / "register.csv", index=False)
    printed = {}
    for master in ("", MASTER):
        out = tmp_path / f"matches-{len(master)}.csv"
        done = subprocess.run(
            [sys.executable, "-m", "include", "link", tmp_path / "cases.csv", tmp_path / "register.csv", "--out", out],
            env=os.environ | {"AVR_SPARK": master}, cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        printed[master] = done.stdout + done.stderr
    assert_alike(pd.read_csv(tmp_path / f"matches-{len(MASTER)}.csv"), pd.read_csv(tmp_path / "matches-0.csv"))
    assert "spark" in printed[MASTER]
    assert "spark" not in printed[""]
    values = {value for row in (cases, register) for column in PAIR + NAMES if column in row for value in row[column]}
    assert [value for value in values if isinstance(value, str) and len(value) > 3 and value in printed[MASTER]] == []


QUERY = "CREATE TABLE names AS SELECT 'Zarghona' AS name; SELECT CAST(name AS INTEGER) FROM names"


def test_what_spark_breaks_off_for_does_not_quote_a_value(capfd):
    from include.matching.spark import LinkingOnSparkFailed, database

    with pytest.raises(LinkingOnSparkFailed, match="CAST_INVALID_INPUT") as failed, database(MASTER) as spark:
        spark.execute(QUERY).fetchall()
    told = "".join(traceback.format_exception(failed.value))
    assert "Zarghona" not in told
    assert "Zarghona" not in "".join(capfd.readouterr())
