"""The world is like the real one where it matters for matching. Margins are wide: this is about kinds, not numbers."""

from difflib import SequenceMatcher

import numpy as np
import pandas as pd

from include.sample.chance import Chance
from include.sample.naming import NONE, load_habits
from include.sample.people import CHILD, FEMALE, Origin, make_people, namesakes_of, siblings_of
from include.sample.spelling import mistype
from tests.sample.conftest import FIRST, Counted


def _bare(text: pd.Series) -> pd.Series:
    return text.str.casefold().str.replace("[^a-z0-9]", "", regex=True)


def test_somewhat_less_than_half_have_applied_and_most_of_them_wait(counted: Counted) -> None:
    applied = counted.truth["applied"].eq("true")
    assert 0.40 < applied.mean() < 0.52
    standings = counted.truth.loc[applied, "expected_standing"].value_counts(normalize=True)
    assert 0.45 < standings["pending"] < 0.7
    assert {"pending", "rejected", "recognised", "withdrawn_claim"} <= set(standings.index)


def test_a_third_of_true_cases_have_no_usable_reference(counted: Counted) -> None:
    typed = _bare(counted.pairs["asylum_reference"])
    records = counted.pairs["asylum_references"].str.split(";")
    good = [
        text in {one.casefold().replace("-", "") for one in all_} for text, all_ in zip(typed, records, strict=True)
    ]
    assert 0.6 < np.mean(good) < 0.75
    exact = counted.pairs["asylum_reference"].eq(counted.pairs["asylum_reference_register"])
    by_hand = pd.Series(good) & ~exact
    assert by_hand.mean() > 0.08
    wrong = ~pd.Series(good) & typed.ne("")
    assert wrong.mean() > 0.05
    of_somebody_else = typed[wrong].isin(_bare(counted.register["asylum_reference"]))
    assert of_somebody_else.any()


def test_two_hands_write_the_same_names_differently(counted: Counted) -> None:
    pairs = counted.pairs
    for column, low, high in (("family_name", 0.3, 0.75), ("given_names", 0.3, 0.75), ("place_of_birth", 0.3, 0.8)):
        both = pairs[pairs[column].ne("") & pairs[f"{column}_register"].ne("")]
        same = both[column].str.casefold().eq(both[f"{column}_register"].str.casefold())
        assert low < same.mean() < high
    # They are still names of the same person: mostly more than half of their letters are common.
    likeness = [
        SequenceMatcher(None, left, right).ratio()
        for left, right in zip(_bare(pairs["given_names"]), _bare(pairs["given_names_register"]), strict=True)
    ]
    assert np.mean([ratio > 0.5 for ratio in likeness]) > 0.9


def test_guessed_birthdays_are_common_where_they_are(counted: Counted) -> None:
    register = counted.register
    january = register["date_of_birth"].str.endswith("-01-01").groupby(register["nationality"]).mean()
    assert 0.35 < january["AFG"] < 0.65
    assert january["ERI"] > 0.25
    assert january["SOM"] > 0.5
    assert january["GEO"] < 0.08
    born = counted.pairs[counted.pairs["date_of_birth"].ne("") & counted.pairs["date_of_birth_register"].ne("")]
    assert 0.85 < born["date_of_birth"].eq(born["date_of_birth_register"]).mean() < 0.97


def test_mononyms_and_missing_family_names_exist(counted: Counted) -> None:
    afghans = counted.register[counted.register["nationality"].eq("AFG")]
    alone = afghans["family_name"].eq("") & ~afghans["given_names"].str.contains(" ")
    assert 0.03 < alone.mean() < 0.35
    georgians = counted.register[counted.register["nationality"].eq("GEO")]
    assert georgians["family_name"].ne("").mean() > 0.95


def test_people_come_back_to_the_authority_and_to_iom(counted: Counted) -> None:
    assert counted.truth["asylum_references"].str.contains(";").sum() > 20
    assert counted.truth["person_id"].duplicated().sum() > 3


def test_scripts_vulnerabilities_and_consent_are_there(counted: Counted) -> None:
    script = counted.cases["name_original_script"]
    for letters in ("[؀-ۿ]", "[ሀ-፿]", "[ა-ჿ]", "[а-я]", "[ঀ-৿]"):
        assert script.str.contains(letters).any()
    assert counted.cases["vulnerabilities"].str.contains("unaccompanied_child").any()
    assert set(counted.cases["sharing_consent"]) == {"", "true", "false"}
    assert counted.cases["origin_objection"].eq("true").any()
    offices = counted.cases["iom_office"].value_counts(normalize=True)
    assert set(offices.index) == {"ATH", "THE"}


def test_every_nationality_of_a_host_has_a_naming_habit(counted: Counted) -> None:
    assert {"AFG", "SYR", "IRQ", "PAK", "IRN", "TUR", "SOM", "ERI", "GEO", "BGD", "NGA", "GIN", "RUS", "SDN"} <= set(
        counted.register["nationality"]
    )
    assert {"VEN", "MLI"} <= set(load_habits().of_nationality)


def _people(count: int = 4000) -> tuple:
    naming = load_habits()
    habits = [habit.name for habit in naming.habits]
    origins = [Origin(number, number, 1.0) for number in range(len(habits))]
    return naming, make_people(Chance(3, "test"), naming, origins, count, FIRST, 1000)


def test_families_share_names_and_twins_a_birth_date() -> None:
    naming, people = _people()
    frame = pd.DataFrame({name: getattr(people, name) for name in people.__dataclass_fields__})
    frame["habit"] = frame["habit"].map(lambda number: naming.habits[number].name)
    children = frame[frame["role"].eq(CHILD)]
    assert (children.groupby("group")["father"].nunique() == 1).all()
    iranian = children[children["habit"].eq("iranian")]
    assert (iranian.groupby("group")["family"].nunique() == 1).all()
    assert not frame[frame["role"] >= CHILD].duplicated(["group", "given"]).any()
    twins = children[~children["guessed"]]
    assert twins.duplicated(["group", "birth"]).sum() > 5
    assert frame["birth"].max() <= pd.Timestamp(FIRST)
    nameless = frame[frame["habit"].eq("afghan")]["family"].eq(NONE)
    assert 0.1 < nameless.mean() < 0.4


def test_women_of_russian_families_have_their_own_form() -> None:
    naming, people = _people()
    russian = next(number for number, habit in enumerate(naming.habits) if habit.name == "russian")
    women = people.take(np.flatnonzero((people.habit == russian) & (people.sex == FEMALE)))
    endings = {naming.lexicon.words[family].script[-1] for family in women.family.tolist()}
    assert endings == {"а", "я"}


def test_siblings_and_namesakes_are_alike_in_the_right_things() -> None:
    naming, people = _people(600)
    chance = Chance(4, "test")
    twin = chance.below("twin", people.id, 0.5)
    siblings = siblings_of(people, naming, chance, 9000, twin, FIRST)
    assert (siblings.family == people.family).all()
    assert (siblings.father == people.father).all()
    assert (siblings.birth[twin] == people.birth[twin]).all()
    assert ((siblings.given == people.given) & (siblings.sex == people.sex)).mean() < 0.01
    assert siblings.birth.max() <= np.datetime64(FIRST)
    strangers = namesakes_of(people, naming, chance, 20_000)
    assert (strangers.given == people.given).all()
    newborn = people.birth.astype("datetime64[Y]") == np.datetime64(FIRST, "Y")
    apart = people.birth.astype("datetime64[Y]").astype(int) - strangers.birth.astype("datetime64[Y]").astype(int)
    assert (apart == newborn).all(), "of one year, but nobody is born in the future"
    known = ~people.guessed
    assert (strangers.birth[known] == people.birth[known]).mean() < 0.02
    assert (strangers.father == people.father).mean() < 0.02


def test_a_typing_mistake_is_one_slip() -> None:
    ids = np.arange(500)
    for luck in Chance(1, "slips").uniform("slip", ids).tolist():
        wrong = mistype("Mohammadzada", luck)
        assert abs(len(wrong) - 12) <= 1
        assert wrong[0] == "M"
    assert mistype("Al", 0.3) == "Al"


def test_chance_needs_no_order_and_is_even() -> None:
    chance = Chance(7, "somewhere")
    ids = np.arange(100_000)
    drawn = chance.uniform("this", ids)
    assert (chance.uniform("this", ids[::-1])[::-1] == drawn).all()
    assert abs(drawn.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(drawn, chance.uniform("that", ids))[0, 1]) < 0.02
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.02
    # The very numbers, so that an update of a library that would change every world is seen.
    assert chance.whole("this", np.array([0, 1, 2]), 0, 1000).tolist() == KNOWN


KNOWN = [68, 274, 947]
