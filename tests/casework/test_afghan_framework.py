"""What each party of a framework is told, from a few cases that are small enough to read."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.casework import afghan_framework as rules
from include.extracts.contract import CASE_COLUMNS, CASES
from include.extracts.reading import read_extract

DAY = dt.date(2026, 11, 2)
LAST = dt.date(2026, 11, 16)
ASYLUM_COLUMNS = ("asylum_reference", "unhcr_reference", "sharing_consent", "vulnerabilities", "updated_at")


def case(case_id="A", **more):
    return {
        "case_id": case_id,
        "host_country": "GRC",
        "family_name": "Rahimi",
        "given_names": "Ahmad",
        "nationality": "AFG",
        "destination_country": "AFG",
        "destination_place": "Kabul",
        "registered_on": "2026-10-01",
        "expected_departure_on": "2026-11-10",
        "status": "booked",
        "updated_at": "2026-11-01T08:00:00+02:00",
    } | more


def written(path, *rows):
    """The path of an extract with these rows."""
    table = pd.DataFrame(list(rows), columns=[column.name for column in CASE_COLUMNS])
    table.to_csv(path / "avr_cases_GRC_20261102.csv", index=False)
    return path / "avr_cases_GRC_20261102.csv"


@pytest.fixture
def told(tmp_path):
    def of(*rows):
        cases = read_extract(written(tmp_path, *rows), CASES, "GRC", DAY, None, only=rules.COLUMNS).rows
        return rules.people_named(rules.told_by_name(cases, DAY, LAST), ["name_original_script"])

    return of


def cases_of(tmp_path, *rows):
    return read_extract(written(tmp_path, *rows), CASES, "GRC", DAY, None, only=rules.COLUMNS).rows


def test_who_is_booked_to_leave_for_afghanistan_in_these_days_is_named(told):
    found = told(
        case("A"),
        case("B", family_name="Zadran", expected_departure_on="2026-11-02"),
        case("C", family_name="Wardak", expected_departure_on="2026-11-16"),
    )
    assert list(found["name"]) == ["ZADRAN, Ahmad", "RAHIMI, Ahmad", "WARDAK, Ahmad"]
    assert list(found.columns) == ["name", "expected_departure_on", "name_original_script"]


@pytest.mark.parametrize(
    "change",
    [
        {"status": "registered"},
        {"status": "withdrawn"},
        {"status": "no_show"},
        {"status": "closed"},
        {"status": "departed", "departed_on": "2026-11-02"},
        {"expected_departure_on": "2026-11-17"},
        {"expected_departure_on": "2026-11-01"},
        {"expected_departure_on": None},
        {"nationality": "PAK"},
        {"destination_country": "PAK"},
        {"destination_country": None},
        {"origin_objection": "true"},
        {"origin_objection": "TRUE"},
        {"origin_objection": "yes, my brother is there"},
    ],
)
def test_nobody_else_is(told, change):
    assert not len(told(case(**change)))


def test_no_objection_and_an_objection_that_nobody_asked_for_are_alike(told):
    assert list(told(case("A", origin_objection="false"))["name"]) == ["RAHIMI, Ahmad"]
    assert list(told(case("A", origin_objection=None))["name"]) == ["RAHIMI, Ahmad"]


@pytest.mark.parametrize("consent", ["true", "false", "maybe", None])
def test_consent_that_unhcr_is_told_says_nothing_about_the_country_of_origin(told, consent):
    assert len(told(case(sharing_consent=consent))) == 1


def test_the_order_is_that_of_what_is_shown_whatever_the_cases_numbers(told):
    people = [("Zadran", "Ali"), ("Ahmadi", "Laila"), ("Ahmadi", "Bibi")]
    rows = [{"family_name": family, "given_names": given} for family, given in people]
    one = told(*(case(f"{number}", **row) for number, row in enumerate(rows)))
    other = told(*(case(f"{9 - number}", **row) for number, row in reversed(list(enumerate(rows)))))
    assert one.equals(other)
    assert list(one["name"]) == ["AHMADI, Bibi", "AHMADI, Laila", "ZADRAN, Ali"]


_ANYTHING = st.one_of(
    st.none(), st.sampled_from(["DBA12-26/1", "true", "false", "x" * 300, "a\tb", "yes", "ref;;ugee"])
)
_ASYLUM = st.fixed_dictionaries(dict.fromkeys(ASYLUM_COLUMNS, _ANYTHING))


@settings(max_examples=10)
@given(worlds=st.lists(st.tuples(_ASYLUM, _ASYLUM), min_size=5, max_size=5))
def test_two_worlds_that_differ_in_asylum_data_alone_have_the_same_rows_in_every_view(tmp_path_factory, worlds):
    rows = [
        case(**{"case_id": f"{number}", "given_names": name, "destination_place": place} | more)
        for number, (name, place, more) in enumerate(
            [
                ("Ahmad", "Kabul", {}),
                ("Bibi", "kabul", {"origin_objection": "true"}),
                ("Laila", None, {"status": "departed", "departed_on": "2026-10-20"}),
                ("Omid", "Herat", {"status": "departed", "departed_on": "2026-10-21"}),
                # The same row twice, but for asylum data: told apart by nothing that counts.
                ("Omid", "Herat", {"status": "departed", "departed_on": "2026-10-21", "case_id": "3"}),
            ]
        )
    ]
    found = []
    for side in (0, 1):
        folder = tmp_path_factory.mktemp("world")
        cases = cases_of(folder, *(row | world[side] for row, world in zip(rows, worlds, strict=True)))
        told = rules.told_by_name(cases, DAY, LAST)
        found.append(
            (
                rules.people_named(told, ["destination_place"]).to_csv(),
                rules.arrivals(cases, DAY, 1).to_csv(),
                rules.operations(cases, pd.Series(dtype="str"), DAY, LAST).to_csv(),
            )
        )
    assert found[0] == found[1]
    assert "RAHIMI, Ahmad" in found[0][0]


def test_unhcr_counts_arrivals_by_place_and_the_small_ones_together(tmp_path):
    gone = {"status": "departed", "departed_on": "2026-10-20"}
    places = ["Kabul", "kabul ", "KABUL", "Herat", "Herat", "Ghor", None]
    cases = cases_of(
        tmp_path,
        *(case(f"{number}", destination_place=place, **gone) for number, place in enumerate(places)),
        case("long ago", status="departed", departed_on="2026-08-04"),
        case("closed", status="closed", departed_on="2026-10-20", destination_place="Herat"),
        case("stayed", status="closed", destination_place="Herat"),
        case("elsewhere", destination_country="IRN", **gone),
        case("objects", origin_objection="true", **gone),
        case("booked"),
    )
    found = rules.arrivals(cases, DAY, 2)
    assert list(found["arrivals"]) == [3, 3, 2]
    assert [place if place is None else place.casefold() for place in found["destination_place"]] == [
        "herat",
        "kabul",
        None,
    ]
    assert list(found.columns) == ["destination_place", "arrivals"]
    assert not len(rules.arrivals(cases[:0], DAY, 2))
    nowhere = cases_of(tmp_path, case(destination_place=None, **gone))
    assert rules.arrivals(nowhere, DAY, 1).values.tolist() == [[None, 1]]


def test_iom_alone_sees_who_is_not_named_and_why(tmp_path):
    cases = cases_of(
        tmp_path,
        case("A"),
        case("B", origin_objection="true"),
        case("C", status="no_show"),
        case("D", destination_country=None),
        case("E", status="departed", departed_on="2026-10-20", origin_objection="true"),
        case("F", nationality="PAK"),
        case("G", expected_departure_on="2026-12-24"),
        case("H", status="withdrawn"),
    )
    found = rules.operations(cases, pd.Series({"A": "wheelchair"}), DAY, LAST).set_index("case_id")
    assert found["not_named"].to_dict() == {
        "A": "",
        "B": "objects",
        "C": "not_booked",
        "D": "destination_not_afghanistan",
        "E": "",
    }
    assert found.loc["A", "vulnerabilities"] == "wheelchair"
    assert not {"asylum_reference", "unhcr_reference", "sharing_consent", "standing"} & set(found.columns)


def test_a_view_depends_on_no_column_that_says_something_of_asylum():
    assert not {*ASYLUM_COLUMNS, "registered_on"} & set(rules.COLUMNS)
    assert set(rules.COLUMNS) <= {column.name for column in CASE_COLUMNS}
