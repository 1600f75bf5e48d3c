"""The model: a declared list of comparisons and levels, read from `model.json`, as Splink scores with it.

Nothing is trained in a run. `VERSION` goes into the ledger with each match. `settings` is the model for Splink itself;
`probability` is what Splink's own SQL comes to, without what Splink costs: docs/decisions/scoring-without-splink.md.
"""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MODEL = json.loads((Path(__file__).parent / "model.json").read_text(encoding="utf-8"))
VERSION: str = _MODEL["version"]


def settings(register_size: int) -> dict[str, Any]:
    """Splink's settings, for pairs that are registered, not found by a blocking rule of its own."""
    return {
        "link_type": "link_only",
        "unique_id_column_name": "unique_id",
        "source_dataset_column_name": "source_dataset",
        "probability_two_random_records_match": _prior(register_size),
        "blocking_rules_to_generate_predictions": [],
        "comparisons": [_comparison(comparison) for comparison in _MODEL["comparisons"]],
        "retain_intermediate_calculation_columns": False,
        "retain_matching_columns": False,
    }


def weight(register_size: int) -> str:
    """SQL for the match weight (log2 of the odds) of levels of agreement, the same as Splink's from `settings`."""
    return " + ".join([_double(prior_weight(register_size)), *map(_weight, _MODEL["comparisons"])])


def probability(register_size: int) -> str:
    """SQL for the match probability of levels of agreement, to the last digit what Splink has it from `settings`."""
    weight_of_pair = f"({weight(register_size)})"
    # Of the two forms each keeps its digits where the other loses them.
    return (
        f"CASE WHEN {weight_of_pair} >= 0 THEN 1 / (1 + power(2e0, -{weight_of_pair})) "
        f"ELSE power(2e0, {weight_of_pair}) / (1 + power(2e0, {weight_of_pair})) END"
    )


def readings() -> dict[str, tuple[str, str]]:
    """For each comparison, SQL for the label of a pair's level, NULL where a side does not say, and for its weight."""
    return {comparison["name"]: (_label(comparison), _weight(comparison)) for comparison in _MODEL["comparisons"]}


def prior_weight(register_size: int) -> float:
    """The match weight of a case and a record that it meets, before anything is compared.

    It falls with the register's size, but less than in proportion: strangers are as many more, relatives are not.
    """
    return float(_MODEL["met"] - _MODEL["by_size"] * math.log2(max(register_size, 2)))


def _prior(register_size: int) -> float:
    return 1 / (1 + 2.0 ** -prior_weight(register_size))


def _weight(comparison: dict[str, Any]) -> str:
    return _by_level(comparison, "0e0", lambda level: _double(math.log2(level["m"] / level["u"])))


def _double(number: float) -> str:
    # With its exponent a number is a DOUBLE, without it a DECIMAL.
    return f"{number}e0"


def _label(comparison: dict[str, Any]) -> str:
    return _by_level(comparison, "NULL", lambda level: f"'{level['label']}'")


def _by_level(comparison: dict[str, Any], unknown: str, value: Callable[[dict[str, Any]], str]) -> str:
    branches = [f"WHEN {comparison['null']} THEN {unknown}"] if "null" in comparison else []
    for level in comparison["levels"]:
        condition = "true" if level["sql"] == "ELSE" else level["sql"]
        branches.append(f"WHEN {condition} THEN {value(level)}")
    return f"CASE {' '.join(branches)} END"


def _comparison(comparison: dict[str, Any]) -> dict[str, Any]:
    levels: list[dict[str, Any]] = []
    if "null" in comparison:
        levels.append(
            {
                "sql_condition": _of_right_table(comparison["null"]),
                "label_for_charts": "not known",
                "is_null_level": True,
            }
        )
    levels += [
        {
            "sql_condition": _of_right_table(level["sql"]),
            "label_for_charts": level["label"],
            "m_probability": level["m"],
            "u_probability": level["u"],
        }
        for level in comparison["levels"]
    ]
    return {"output_column_name": comparison["name"], "comparison_levels": levels}


def _of_right_table(condition: str) -> str:
    return re.sub(r"\b[a-z_]+\b(?= *[<>=])", r"\g<0>_r", condition)
