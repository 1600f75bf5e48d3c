"""Who is accepted, who goes to a person, who is left alone. Every name is invented."""

import duckdb
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rigour.names import NameTypeTag, analyze_names

from include.matching import birthdates, symbols
from include.matching.birthdates import DIFFERS, GUESSED, NEAR, NOT_KNOWN, SAME, SLIP, YEAR
from include.matching.decision import COLUMNS, MOST_REVIEWS
from include.matching.explanation import explain
from include.matching.linkage import link, link_files
from include.matching.names import SAME_NAME, name_similarity
from include.matching.references import plain

SAME_PEOPLE = [
    ("Mohammad Reza Ahmadi", "محمد رضا احمدی"),
    ("Mohammed Ahmadi", "Muhamad Ahmady"),
    ("Abd al-Rahman Yusuf", "Abdulrahman Youssef"),
    ("Giorgi Mamulashvili", "გიორგი მამულაშვილი"),
    ("Haile Gebremeskel", "ሃይለ ገብረመስቀል"),
    ("Gul Mohammad", "Gulmohammad"),
    ("Ali Hassan", "Hassan Ali"),
    ("Haji Ahmad Rahimi", "Ahmad Rahimi"),
    ("Sergei Ivanov", "Иванов Сергей Петрович"),
    ("Ioannis Papadopoulos", "Γιάννης Παπαδόπουλος"),
    ("Wang Xiaoming", "王小明"),
    ("Noor Ahmad", "Nur Ahmed"),
    ("José García", "Jose Garcia Perez"),
    ("Shams ud-Din Assadi", "Shamsuddin Asadi"),
    ("Hikmat Ullah Nasiri", "HEKMATOLLAH NASERI"),
    ("Wasim Alhusseyn", "Wassim Al Hussein"),
    ("Karim Zubayr", "Kareem Subayr"),
    ("Cabdiraxmaan Cali Nur", "Abdirahman Ali Nur"),
    ("Souleymane Traoré", "Suleyman Traore"),
    ("Sayed Agha Yousufzai", "Sayyid Aka Yusufzai"),
    ("Khaled Al-Ahmad", "خالد الأحمد"),
    ("Gonzales Rivera", "Gonzalez Rivera"),
    ("Khadijah Bensaïd", "Khadija Ben Said"),
    ("Maria de la Cruz", "Maria Cruz"),
]
OTHER_PEOPLE = [
    ("Ahmad Rahimi", "Mahmud Rahimi"),
    ("Ahmad Zaher Rahimi", "Ahmad Shah Rahimi"),
    ("Hassan Ali", "Hussein Ali"),
    ("Omar Khan", "Amir Khan"),
    ("Ahmad bin Yusuf", "Yusuf bin Ahmad"),
    ("Mohammad", "Mohammad Ahmadi"),
    ("Samir Haddad", "Samira Haddad"),
    ("Zahra Ahmadi", "Zohra Ahmadi"),
    ("Zahra Ahmadi", "Sara Ahmadi"),
    ("Hasan Karimi", "Husain Karimi"),
    ("Esmatullah Haidari", "Hekmatullah Haidari"),
    ("Ali", "Ala"),
    ("Mahmoud Karimi", "محمد کریمی"),
    ("Hossein Rezaei", "حسن رضایی"),
    ("Jamila Noori", "Jamal Noori"),
    ("", "Ali"),
]


@pytest.mark.parametrize(("a", "b"), SAME_PEOPLE)
def test_spellings_of_one_name_are_the_same(a, b):
    assert name_similarity(a, b) >= SAME_NAME


@pytest.mark.parametrize(("a", "b"), OTHER_PEOPLE)
def test_brothers_fathers_and_namesakes_in_part_are_not(a, b):
    assert name_similarity(a, b) < SAME_NAME


@pytest.mark.parametrize("name", ["محمد رضا احمدی", "Abd al-Rahman Yusuf", "Иван Петров", "გიორგი", "José"])
def test_the_names_a_part_stands_for_are_those_that_rigour_says(name):
    """As far as symbols.arrow goes: it leaves out names whose spellings all have one skeleton."""
    (analysed,) = analyze_names(NameTypeTag.PER, [name], phonetics=False, numerics=False, consolidate=False)
    said: dict[str, set[int]] = {}
    for span in analysed.spans:
        if len(span.parts) == 1 and str(span.symbol).startswith("[NAME:"):
            said.setdefault(span.parts[0].form, set()).add(int(str(span.symbol).strip("[]").split(":Q")[1]))
    assert said
    for form, items in said.items():
        assert symbols.of(form) <= items
    if name.startswith("محمد"):
        assert symbols.of("محمد") & symbols.of("mohammad")


@given(st.text(max_size=30), st.text(max_size=30))
def test_similarity_is_symmetric_and_between_0_and_1(a, b):
    assert name_similarity(a, b) == name_similarity(b, a)
    assert 0 <= name_similarity(a, b) <= 1


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        ("1990-05-17", "1990-05-17", SAME),
        ("1990-01-01", "1990-01-01", GUESSED),
        ("1990", "1990-05-17", YEAR),
        ("1990-01-01", "1990-05-17", YEAR),
        ("1990-05-07", "1990-07-05", SLIP),
        ("1990-05-17", "1990-05-27", SLIP),
        ("1990-05-17", "1369-05-17", SLIP),
        ("1990-05-31", "1991-06-01", SLIP),
        ("1990-01-01", "1992", NEAR),
        ("1990-05-17", "1985-11-02", DIFFERS),
        (None, "1990", NOT_KNOWN),
    ],
)
def test_birth_dates_agree_by_levels(a, b, level):
    with duckdb.connect() as connection:
        birthdates.define(connection)
        found = connection.execute("SELECT birth_level($a, $b), birth_level($b, $a)", {"a": a, "b": b}).fetchall()
    assert found == [(level, level)]


def test_a_reference_is_the_same_however_it_is_typed():
    assert len({plain(typed) for typed in ("GRC-2026/000123", "grc 2026 000123", "GRC–2026–۰۰۰۱۲۳")}) == 1
    assert plain("12") == plain(None) == ""


def person(number, **more):
    return {
        "family_name": f"Rahimi{'abcdefghijklmnop'[number % 16] * 3}",
        "given_names": "Ahmad",
        "date_of_birth": f"19{60 + number % 40}-05-{number % 27 + 1:02d}",
        "sex": "M",
        "nationality": "AFG",
        "father_name": "Yusuf",
    } | more


def case(case_id="C1", number=1, reference=None, **more):
    return person(number, case_id=case_id, asylum_reference=reference, **more)


def record(reference, number=1, applied="2025-01-05", final="false", **more):
    return person(number, asylum_reference=reference, applied_on=applied, final=final, **more)


STRANGERS = [
    record(f"ZZZ-{number:05d}", number, given_names=f"Zmarai{'bcdfgh'[number % 6]}") for number in range(100, 300)
]


def linked(cases, records):
    found = link(pd.DataFrame(cases), pd.DataFrame([*records, *STRANGERS]))
    assert list(found.columns) == COLUMNS
    return found


def accepted(cases, records):
    found = linked(cases, records)
    found = found[found["decision"] == "accept"]
    return dict(zip(found["case_id"], found["asylum_reference"], strict=True))


def test_a_reference_and_a_person_that_agree_are_accepted():
    found = linked([case(reference="ref 00001/26")], [record("REF-00001-26", given_names="Ahmed")])
    assert list(found[["case_id", "asylum_reference", "decision", "method"]].iloc[0]) == [
        "C1",
        "REF-00001-26",
        "accept",
        "reference",
    ]


def test_a_number_of_unhcrs_that_stands_for_the_reference_leads_to_its_record():
    guessed = {"date_of_birth": "1961-01-01", "father_name": None}
    mine = record("REF-00001", unhcr_reference="UNGRC0004711", **guessed)
    assert accepted([case(reference="UNGRC-0004711", **guessed)], [mine]) == {"C1": "REF-00001"}
    assert accepted([case(reference=None, unhcr_reference="ref 00001", **guessed)], [mine]) == {"C1": "REF-00001"}


def test_a_person_with_a_guessed_birth_date_is_accepted_only_when_a_parent_agrees_too():
    assert accepted([case()], [record("REF-00001")]) == {"C1": "REF-00001"}
    guessed = {"date_of_birth": "1961-01-01"}
    assert accepted([case(**guessed)], [record("REF-00001", **guessed)]) == {"C1": "REF-00001"}
    without = linked([case(father_name=None, **guessed)], [record("REF-00001", **guessed)])
    assert list(without["decision"]) == ["review"]


@pytest.mark.parametrize(
    "other",
    [
        {"sex": "F", "given_names": "Zahra"},
        {"given_names": "Mahmud"},
        {"date_of_birth": "1931-11-29"},
        {"father_name": "Karim"},
    ],
)
def test_the_right_reference_on_another_person_is_never_accepted(other):
    found = linked([case(reference="FAM-00001")], [record("FAM-00001", **other)])
    assert "accept" not in set(found["decision"])


def test_the_right_reference_and_a_slip_in_the_sex_is_still_that_person():
    assert accepted([case(reference="FAM-00001")], [record("FAM-00001", sex="F")]) == {"C1": "FAM-00001"}


def test_who_bears_the_fathers_name_for_a_family_name_is_still_that_person():
    by_family = case(family_name="Barakzai", father_name="Abdul Wahid", reference="REF-00001")
    by_father = record("REF-00001", family_name="Abdul Wahed", father_name="Abdul Wahid")
    assert accepted([by_family], [by_father]) == {"C1": "REF-00001"}


def test_a_sister_who_is_called_otherwise_first_is_not_given_her_sisters_record():
    sister = case(given_names="Abeer Tasneem", sex="F", reference="FAM-00001")
    assert accepted([sister], [record("FAM-00001", given_names="Tasneem", sex="F")]) == {}


def test_twins_who_differ_in_their_own_script_are_never_each_others():
    twin = case(given_names="Hamid", name_original_script="حامد رحیمی", reference="FAM-00001")
    other = record("FAM-00001", given_names="Hamed", name_original_script="احمد رحیمی")
    assert accepted([twin], [other]) == {}


def test_a_date_read_in_another_calendar_alone_is_no_ground_to_accept():
    found = linked([case(date_of_birth="1961-01-01")], [record("REF-00001", date_of_birth="1962-01-01")])
    assert "accept" not in set(found["decision"])


def test_twins_with_one_file_number_each_get_their_own_record():
    twins = [
        case("A", given_names="Hamid", reference="FAM-00001"),
        case("B", given_names="Walid", reference="FAM-00001"),
    ]
    records = [record("FAM-00001-1", given_names="Hamid"), record("FAM-00001-2", given_names="Waleed")]
    assert accepted(twins, records) == {"A": "FAM-00001-1", "B": "FAM-00001-2"}


def test_a_brother_who_never_applied_is_not_given_his_brothers_record():
    assert accepted([case(given_names="Mahmud")], [record("REF-00001")]) == {}


def test_two_people_as_alike_leave_the_choice_to_a_person():
    records = [
        record("REF-00001", place_of_birth="Herat", mother_name="Amina"),
        record("REF-00002", father_name=None, date_of_birth="1961-05-03"),
    ]
    found = linked([case(father_name="Yusuf", date_of_birth="1961-05-02")], records)
    assert len(found[found["decision"] == "accept"]) <= 1


def test_of_several_records_of_one_person_the_newest_that_is_not_final_is_accepted():
    records = [
        record("OLD-00001", applied="2019-03-01", final="true"),
        record("OPEN-0001", applied="2022-03-01"),
        record("LATE-0001", applied="2024-03-01", final="true"),
    ]
    assert accepted([case()], records) == {"C1": "OPEN-0001"}
    assert accepted([case()], [records[0], records[2]]) == {"C1": "LATE-0001"}


def test_two_cases_of_one_person_share_a_record_and_two_people_never_do():
    assert accepted([case("OLD"), case("NEW")], [record("REF-00001")]) == {"OLD": "REF-00001", "NEW": "REF-00001"}
    two = [case("A"), case("B", date_of_birth="1961-05", mother_name=None, given_names="Ahmad Zaher")]
    assert len(set(accepted(two, [record("REF-00001")]).values())) <= 1


def test_at_most_five_doubts_are_offered_best_first():
    records = [record(f"REF-{number:05d}", father_name=None, date_of_birth="1961-01-01") for number in range(9)]
    found = linked([case(father_name=None, date_of_birth="1961-01-01")], records)
    assert len(found) <= MOST_REVIEWS
    assert list(found["match_probability"]) == sorted(found["match_probability"], reverse=True)


def test_where_a_person_said_that_two_are_two_the_next_best_takes_the_place():
    records = [record(f"REF-{number:05d}", father_name=None, date_of_birth="1961-01-01") for number in range(9)]
    cases, register = pd.DataFrame([case(father_name=None, date_of_birth="1961-01-01")]), pd.DataFrame(records)
    first = list(link(cases, register)["asylum_reference"])
    then = list(link(cases, register, apart={("C1", first[0]), ("C9", first[1])})["asylum_reference"])
    assert first[0] not in then
    assert then[: len(first) - 1] == first[1:]
    assert len(then) == len(first) == MOST_REVIEWS


def test_a_record_that_a_person_denied_one_case_is_free_for_the_other():
    two = pd.DataFrame([case("A"), case("B", sex="F")])
    register = pd.DataFrame([record("REF-00001", sex=None), *STRANGERS])
    assert set(link(two, register)["decision"]) == {"review"}, "two claim it"
    found = link(two, register, apart={("B", "REF-00001")})
    assert list(found[["case_id", "decision"]].itertuples(index=False, name=None)) == [("A", "accept")]


def test_optional_columns_may_be_missing_and_tables_empty():
    cases = pd.DataFrame([{"case_id": "A", "given_names": "Ahmad", "nationality": "AFG"}])
    register = pd.DataFrame([{"asylum_reference": "R-0001", "given_names": "Zahra", "nationality": "SYR"}])
    assert link(cases, register).empty
    assert link(cases.iloc[:0], register).empty
    assert link(cases, register.iloc[:0]).empty


def test_the_command_writes_matches_and_names_a_missing_column(tmp_path):
    pd.DataFrame([case()]).to_csv(tmp_path / "cases.csv", index=False)
    pd.DataFrame([record("REF-00001"), *STRANGERS]).to_csv(tmp_path / "register.csv", index=False)
    counts = link_files(tmp_path / "cases.csv", tmp_path / "register.csv", tmp_path / "out.csv")
    assert (counts.cases, counts.accepted, counts.in_review) == (1, 1, 0)
    assert list(pd.read_csv(tmp_path / "out.csv").columns) == COLUMNS
    assert (tmp_path / "out.csv").stat().st_mode & 0o077 == 0
    pd.DataFrame([record("R")]).drop(columns="final").to_csv(tmp_path / "register.csv", index=False)
    with pytest.raises(ValueError, match=r"register.csv has no column final"):
        link_files(tmp_path / "cases.csv", tmp_path / "register.csv", tmp_path / "out.csv")


def test_on_a_sample_world_what_is_accepted_is_right():
    import datetime as dt

    from include.sample.world import World

    day = dt.date(2026, 11, 2)
    world = World(seed=77, hosts=["GRC", "NER"], first_day=day, cases=150, register=1500)
    total = right = true = 0
    for host in ("GRC", "NER"):
        truth = world.truth(host, day).set_index("case_id")
        of_case = {c: set(str(r).split(";")) - {""} for c, r in truth["asylum_references"].fillna("").items()}
        found = link(world.extract(host, "avr_cases", day), world.extract(host, "asylum_procedure", day))
        chosen = found[found["decision"] == "accept"]
        total += len(chosen)
        right += sum(
            ref in of_case.get(c, set()) for c, ref in zip(chosen["case_id"], chosen["asylum_reference"], strict=True)
        )
        true += sum(bool(references) for references in of_case.values())
    assert total >= 0.6 * true
    assert right >= total - 1


def test_an_explanation_adds_up_to_the_probability_of_linking():
    cases = pd.DataFrame([case()])
    register = pd.DataFrame([record("REF-00001", sex=None), *STRANGERS])
    (linked,) = link(cases, register).to_dict("records")
    explained = explain(cases, register, case()["case_id"], "REF-00001")
    assert explained.probability == pytest.approx(linked["match_probability"])
    assert explained.weight == pytest.approx(explained.prior + sum(one.weight or 0 for one in explained.evidence))
    assert {one.comparison: one.label for one in explained.evidence}["sex"] is None


def test_a_pair_that_never_met_is_explained_too_and_what_speaks_against_it_named():
    cases = pd.DataFrame([case(family_name="Rahimi", given_names="Ahmad", date_of_birth="1990-05-04")])
    register = pd.DataFrame(
        [record("REF-00009", family_name="Tesfay", given_names="Selam", date_of_birth="1971-12-30"), *STRANGERS]
    )
    explained = explain(cases, register, case()["case_id"], "REF-00009")
    assert explained.probability < 0.001
    assert explained.objection == "the birth dates contradict each other"
    said = {one.comparison: one for one in explained.evidence}
    assert (said["name"].label, said["called"].label) == ("contradicting", "otherwise, as between siblings")
    assert said["name"].weight < -4, "what contradicts speaks against, with what each is called counted in it"
    assert said["called"].weight is None
    with pytest.raises(LookupError, match="the record is not among"):
        explain(cases, register, case()["case_id"], "REF-77777")
