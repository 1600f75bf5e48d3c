"""The model: a declared list of comparisons and levels, read from `model.json`, for Splink to score with.

Nothing is trained in a run. `VERSION` goes into the ledger with each match.
"""

import json
from pathlib import Path
from typing import Any

_MODEL = json.loads((Path(__file__).parent / "model.json").read_text(encoding="utf-8"))
VERSION: str = _MODEL["version"]


def settings(register_size: int) -> dict[str, Any]:
    """Splink's settings. Of `register_size` records one or none is a given case's: that is the prior."""
    return {
        "link_type": "link_only",
        "unique_id_column_name": "unique_id",
        "source_dataset_column_name": "source_dataset",
        "probability_two_random_records_match": 0.5 / max(register_size, 2),
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": "l.block = r.block", "sql_dialect": "duckdb", "arrays_to_explode": ["block"]}
        ],
        "comparisons": [_comparison(comparison) for comparison in _MODEL["comparisons"]],
        "retain_intermediate_calculation_columns": False,
        "retain_matching_columns": False,
    }


def _comparison(comparison: dict[str, Any]) -> dict[str, Any]:
    levels: list[dict[str, Any]] = []
    if "null" in comparison:
        levels.append({"sql_condition": comparison["null"], "label_for_charts": "not known", "is_null_level": True})
    levels += [
        {
            "sql_condition": level["sql"],
            "label_for_charts": level["label"],
            "m_probability": level["m"],
            "u_probability": level["u"],
        }
        for level in comparison["levels"]
    ]
    return {"output_column_name": comparison["name"], "comparison_levels": levels}
