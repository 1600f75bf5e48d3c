"""Canaries: whoever looks for them finds them alone, and what becomes of them is certain."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from include.sample.hosts import load_host
from include.sample.naming import load_habits
from include.sample.world import CASES, PROCEDURE, World
from tests.sample.conftest import FIRST, HOSTS, SECOND, make_world


@pytest.fixture(scope="module")
def canaries(world: World) -> pd.DataFrame:
    return world.canaries()


def test_a_canary_s_values_occur_in_no_other_row(world: World, canaries: pd.DataFrame) -> None:
    values = canaries["value"].str.casefold()
    for host in HOSTS:
        own = values[canaries["host_country"] == host].to_list()
        for kind in (CASES, PROCEDURE):
            rows = world.extract(host, kind, SECOND).fillna("")
            lines = rows.astype(object).agg("\x1f".join, axis=1).str.casefold()
            theirs = rows.iloc[:, 0].str.startswith("ZQ")
            assert theirs.sum() >= 6
            everybody_else = "\n".join(lines[~theirs])
            assert not [value for value in values if value in everybody_else]
            text = "\n".join(lines[theirs])
            assert sum(value in text for value in own) > 40


def test_no_two_canaries_share_a_value_and_no_name_of_the_world_holds_one(canaries: pd.DataFrame) -> None:
    people = canaries[~canaries["kind"].eq("date_of_birth")]
    assert not people["value"].duplicated().any()
    assert people["value"].str.len().min() >= 7
    words = "\n".join(text for word in load_habits().lexicon.words for text in (word.script, *word.latin)).casefold()
    assert not [value for value in people["value"] if value.casefold() in words]
    births = canaries.loc[canaries["kind"].eq("date_of_birth"), "value"]
    assert births.str.fullmatch(r"19(0[3-9]|1[01])-\d\d-\d\d").all()


def test_each_office_s_canaries_are_new_then_changed_cancelled_departed(world: World) -> None:
    for host in HOSTS:
        offices = load_host(host).offices
        first, second = (world.extract(host, CASES, day).fillna("").set_index("case_id") for day in (FIRST, SECOND))
        truth = world.truth(host, FIRST).set_index("case_id")
        mine = truth.index[truth["canary"].eq("true") & truth["expected_standing"].eq("pending")]
        assert len(mine) == 3 * len(offices)
        assert set(first.loc[mine, "iom_office"]) == set(offices)
        assert first.loc[mine, "status"].eq("booked").all()
        assert (first.loc[mine, "expected_departure_on"] >= SECOND.isoformat()).all()
        assert first.loc[mine, "sharing_consent"].eq("true").all()
        register = world.extract(host, PROCEDURE, FIRST).fillna("").set_index("asylum_reference")
        records = register.loc[first.loc[mine, "asylum_reference"]]
        for column in ("family_name", "given_names", "date_of_birth", "father_name"):
            assert records[column].to_list() == first.loc[mine, column].to_list()
        for office in offices:
            its_own = mine[first.loc[mine, "iom_office"].eq(office)]
            before, after = first.loc[its_own], second.loc[its_own]
            moved = after["expected_departure_on"].ne(before["expected_departure_on"]) & after["status"].eq("booked")
            assert moved.sum() == 1
            assert sorted(after.loc[~moved, "status"]) == ["departed", "withdrawn"]


def test_some_canaries_may_never_be_listed(world: World) -> None:
    for host in HOSTS:
        truth = world.truth(host, FIRST)
        never = truth[truth["canary"].eq("true") & truth["expected_standing"].ne("pending")]
        assert sorted(never["expected_standing"]) == ["not_in_procedure", "not_in_procedure", "rejected", "unusable"]
        assert never.loc[never["expected_standing"].eq("not_in_procedure"), "asylum_references"].eq("").all()
        everybody = world.extract(host, CASES, FIRST)
        objects = everybody[everybody["case_id"].str.startswith("ZQV") & everybody["origin_objection"].eq("true")]
        assert objects[["nationality", "destination_country", "status"]].values.tolist() == [["AFG", "AFG", "booked"]]
        cases = set(everybody["date_of_birth"].dropna())
        register = world.extract(host, PROCEDURE, FIRST)
        only_there = register[
            register["asylum_reference"].str.startswith("ZQJ") & ~register["date_of_birth"].isin(cases)
        ]
        assert len(only_there) == 2  # the one who never returns, and the record of the one in quarantine


def test_canaries_csv_has_every_value(world: World, tmp_path: Path, canaries: pd.DataFrame) -> None:
    written = world.write_truth(tmp_path, FIRST)
    assert written[-1] == tmp_path / "canaries.csv"
    read = pd.read_csv(tmp_path / "canaries.csv", dtype="str")
    pd.testing.assert_frame_equal(read, canaries, check_dtype=False)
    row = world.extract("GRC", CASES, FIRST).query("case_id.str.startswith('ZQV')").iloc[0]
    identifying = [
        "case_id", "family_name", "given_names", "father_name", "mother_name", "place_of_birth",
        "date_of_birth", "destination_place", "asylum_reference", "unhcr_reference",
    ]  # fmt: skip
    assert set(row[identifying]) <= set(read["value"])
    assert set(row["name_original_script"].split()) <= set(read["value"])


def test_canaries_of_130_countries_are_still_different() -> None:
    codes = [f"{first}{second}X" for first in "ABCDEFGHIJ" for second in "KLMNOPQRSTUVW"]
    values = make_world(hosts=codes).canaries()
    values = values[~values["kind"].eq("date_of_birth") | ~values["value"].str.contains("-02-3")]
    assert values["host_country"].nunique() == 130
    assert not values["value"].duplicated().any()


def test_identifiers_are_long_and_mixed(world: World) -> None:
    for host in HOSTS:
        cases = world.extract(host, CASES, FIRST + dt.timedelta(days=1))
        register = world.extract(host, PROCEDURE, FIRST + dt.timedelta(days=1))
        typed = cases["asylum_reference"].dropna()
        for identifiers in (
            cases["case_id"],
            register["asylum_reference"],
            register["unhcr_reference"].dropna(),
            typed,
        ):
            bare = identifiers.str.replace("[^A-Za-z0-9]", "", regex=True)
            assert bare.str.len().min() >= 9
            assert bare.str.contains("[A-Za-z]").all()
            assert bare.str.contains("[0-9]").all()
