"""The model file: what it says of itself, and that more agreement never counts less."""

import math
import random

import duckdb
import pandas as pd
import pytest
from splink import Linker
from splink.internals.duckdb.database_api import DuckDBAPI

from include.matching import candidates, model


def weights(comparison):
    (levels,) = (one["levels"] for one in model._MODEL["comparisons"] if one["name"] == comparison)
    return {level["label"]: math.log2(level["m"] / level["u"]) for level in levels}


def test_the_model_says_where_it_comes_from_and_was_checked_where_it_was_not_fitted():
    checks = model._MODEL["checks"]
    assert "worlds" in model._MODEL["description"]
    assert checks["accepted"] > 6000
    assert checks["precision"] >= 0.9995
    assert checks["accepted of true"] >= 0.9
    assert checks["offered of true"] >= 0.97
    assert checks["cases in review"] <= 0.1


def test_contradiction_counts_less_than_any_agreement_and_against_the_pair():
    for comparison in ("called", "birth_date", "father", "mother", "birth_place", "sex", "nationality"):
        found = list(weights(comparison).values())
        assert min(found) == found[-1] < 0, comparison


def test_the_same_birth_day_counts_more_than_a_guess_and_a_guess_more_than_a_year():
    found = list(weights("birth_date").values())
    assert found == sorted(found, reverse=True)


def test_a_name_that_many_bear_counts_less_than_one_that_nobody_else_does():
    names = weights("name")
    alike = [weight for label, weight in names.items() if label.startswith("the same")]
    assert alike[0] == max(alike)
    assert alike[-1] == min(alike)
    assert names["in part"] < alike[-1]
    assert names["contradicting"] < names["in part"]


def test_the_same_person_in_a_larger_register_is_a_little_less_likely():
    assert 0 < model.prior_weight(10_000) - model.prior_weight(1_000_000) < math.log2(100)


@pytest.mark.parametrize("size", [1, 2, 997, 12_345, 1_000_000, 10_000_019])
def test_probabilities_and_weights_are_splinks_to_the_last_digit(size):
    levels = pd.DataFrame(
        {
            column: [random.Random(f"{column}{at}").choice(range(-1, 6)) for at in range(3000)]
            for column in candidates.EVIDENCE
        }
    )
    levels["namesakes"] = [random.Random(at).uniform(-6, 4) for at in range(3000)]
    levels["unique_id"] = range(3000)
    with duckdb.connect() as connection:
        connection.register("a", levels)
        connection.register("b", levels)
        connection.execute(
            "CREATE TABLE blocked AS SELECT 0 AS match_key, 'a-__-' || unique_id AS join_key_l, "
            "'b-__-' || unique_id AS join_key_r FROM a"
        )
        api = DuckDBAPI(connection=connection)
        linker = Linker([api.register(name, dataset_display_name=name) for name in "ab"], model.settings(size))
        linker.table_management.register_blocked_pairs_for_predict(api.register("blocked"))
        name = linker.inference.predict(warning_mode="never").physical_name
        theirs = connection.execute(
            f"SELECT unique_id_r, match_weight, match_probability FROM {name} ORDER BY ALL"
        ).fetchall()
        ours = connection.execute(
            f"SELECT unique_id, {model.weight(size)}, {model.probability(size)} FROM a ORDER BY ALL"
        ).fetchall()
    assert len({probability for *_, probability in ours}) > 1000
    assert ours == theirs
