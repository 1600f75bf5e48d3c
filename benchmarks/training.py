"""Fitting the model: what each level of agreement is worth, learnt from made-up worlds whose truth is known.

`make model VERSION=2026-11-e` writes `include/matching/model.json` anew, the same on every machine, with its checks on
worlds whose hands (`include/sample/hands.yaml`) it was not fitted on (`benchmarks.quality`). It is never part of a daily
run.

The weights of all levels are fitted together, by logistic regression on every pair that meets, so that a family name, a
father's name and a place that come together are not counted as if they came by chance. Each is drawn to what was
believed of it before any world was seen (`believed`, log2 of the odds), and moves as far as the pairs move it: a level
that no world shows often keeps its belief.
"""

import argparse
import datetime as dt
import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from include.matching import candidates, model
from include.matching.linkage import people
from include.sample.world import World

DAY = dt.date(2026, 11, 2)
HOSTS = ("DEU", "NER", "ITA")
"""English, German and French hands; ITA is written by the default's."""
SIZES = ((1_000, 4_000, 8), (1_500, 20_000, 6), (1_500, 100_000, 4), (2_000, 400_000, 2))
"""Cases and records of a world, and how many such worlds of each host country."""
BELIEF = 2.0
"""How sure the beliefs are: the standard deviation of a weight around its belief, in log2 of the odds.

A level may say for itself (`sure`): of two comparisons that are known together, one holds the other in place; and no
world has slips in UNHCR's number, as people have, so its silence is no evidence.
"""
FILE = Path(model.__file__).with_name("model.json")

Floats = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description="Fit include/matching/model.json.")
    parser.add_argument("--version", required=True, help="the version that matches are kept with, as 2026-11-e")
    given = parser.parse_args()
    worlds = [
        (610_000 + number, host, cases, register)
        for cases, register, count in SIZES
        for number, host in itertools.product(range(count), HOSTS)
    ]
    pairs = pd.concat([_pairs(*world) for world in track(worlds, "worlds to learn from")], ignore_index=True)
    known = read_model()
    levels = [(comparison["name"], level) for comparison in known["comparisons"] for level in comparison["levels"]]
    agreement = np.column_stack([(pairs[name] == level["label"]).to_numpy(float) for name, level in levels])
    one = pairs["one"].to_numpy(float)
    believed = np.array([level["believed"] for _, level in levels])
    sure = np.array([level.get("sure", BELIEF) for _, level in levels])
    size = np.log2(pairs["register"].to_numpy(float))
    (known["met"], known["by_size"]), weights = fit(agreement, one, size, believed, sure)
    shown = agreement[one == 1].sum(axis=0)
    said = {name: pairs.loc[pairs["one"], name].notna().sum() for name, _ in levels}
    for (name, level), weight, count in zip(levels, weights, shown, strict=True):
        # Only the ratio of m and u is a weight; m is how often people's own records show the level.
        m = min((count + 0.5) / (said[name] + len(levels)), 0.99, 0.99 * 2**weight)
        level["m"], level["u"] = float(f"{m:.3g}"), float(f"{m / 2**weight:.3g}")
    known["version"] = given.version
    known["description"] = (
        f"Fitted by benchmarks/training.py on {len(worlds)} sample worlds of {', '.join(HOSTS)} ({len(pairs):,} pairs that "
        f"met, {int(one.sum()):,} of one person), each weight drawn to its belief with a standard deviation of {BELIEF:g}. "
        "Weight of a level: log2(m/u)."
    )
    known.pop("checks", None)
    write_model(known)
    _report(levels, weights, agreement, one)


def _pairs(seed: int, host: str, cases: int, register: int) -> pd.DataFrame:
    """Every pair of a world that meets: its label of each comparison, the size of its `register`, `one` person's or not."""
    world = World(seed=seed, hosts=[host], first_day=DAY, cases=cases, register=register)
    rows, records = (world.extract(host, kind, DAY) for kind in ("avr_cases", "asylum_procedure"))
    truth = world.truth(host, DAY).drop_duplicates("case_id").set_index("case_id")["asylum_references"].fillna("")
    own = {(case, record) for case, references in truth.items() for record in references.split(";") if record}
    labels = ", ".join(f"{label} AS {name}" for name, (label, _) in model.readings().items())
    with people(rows, records) as connection:
        candidates.meet(connection)
        candidates.pair_up(connection, all_of_them=True)
        candidates.shortlist(connection, all_of_them=True)
        candidates.compare(connection, all_of_them=True)
        found = connection.execute(
            f"""
            SELECT labelled.* EXCLUDE (case_id, record_id), c.key AS case_key, r.key AS record_key
            FROM (SELECT {labels}, case_id, record_id FROM compared) labelled
            JOIN cases c ON c.id = case_id JOIN records r ON r.id = record_id
            """
        ).df()
    found["one"] = [pair in own for pair in zip(found.pop("case_key"), found.pop("record_key"), strict=True)]
    return found.assign(register=len(records))


def fit(
    agreement: Floats, one: Floats, size: Floats, believed: Floats, sure: Floats
) -> tuple[tuple[float, float], Floats]:
    """The weights (log2 of the odds) under which the pairs are likeliest: `met` and `by_size`, and those of the levels.

    agreement: one row for each pair, one column for each level: 1 where the pair shows it, else 0
    one: whether the pair is of one person
    size: log2 of the size of the pair's register
    believed, sure: what the weights of the levels are drawn to, and with what standard deviation
    """
    # By Newton's method, a step at a time no longer than it helps.
    agreement = np.column_stack([np.ones(len(agreement)), -size, agreement])
    believed = np.concatenate([[0.0, 1.0], believed])
    weights, log2, drawn = believed.copy(), math.log(2), np.concatenate([[0.0, 0.0], sure**-2])

    def badness(tried: Floats) -> float:
        score = agreement @ tried * log2
        return float(np.sum(np.logaddexp(0, score) - one * score) + np.sum(drawn * (tried - believed) ** 2) / 2)

    bad = badness(weights)
    for _ in range(100):
        probability = 1 / (1 + 2.0 ** -np.clip(agreement @ weights, -80, 80))
        slope = log2 * agreement.T @ (one - probability) - drawn * (weights - believed)
        bend = log2**2 * (agreement * (probability * (1 - probability))[:, None]).T @ agreement
        step = np.linalg.solve(bend + np.diag(drawn), slope)
        while (better := badness(weights + step)) > bad and np.abs(step).max() > 1e-9:
            step /= 2
        weights += step
        if bad - better < 1e-9 * bad:
            break
        bad = better
    met, by_size = (round(float(weight), 4) for weight in weights[:2])
    return (met, by_size), weights[2:]


def read_model() -> dict[str, Any]:
    """The model file."""
    known: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return known


def write_model(known: dict[str, Any]) -> None:
    """Write the model file with one line for each level, so that a change can be read."""
    head = json.dumps({key: value for key, value in known.items() if key != "comparisons"}, indent=2)[:-2]
    blocks = []
    for comparison in known["comparisons"]:
        lines = ",\n".join(f"      {json.dumps(level, ensure_ascii=False)}" for level in comparison["levels"])
        first = json.dumps({key: value for key, value in comparison.items() if key != "levels"})[:-1]
        blocks.append(f'    {first}, "levels": [\n{lines}]}}')
    text = f'{head},\n  "comparisons": [\n' + ",\n".join(blocks) + "\n  ]\n}\n"
    FILE.write_text(text, encoding="utf-8")


def _report(levels: Sequence[tuple[str, dict[str, Any]]], weights: Floats, agreement: Floats, one: Floats) -> None:
    console = Console()
    for (name, level), weight, shown in zip(levels, weights, agreement.T, strict=True):
        of_one = int(shown @ one)
        console.print(
            f"{name:16} {level['label']:32} believed {level['believed']:6.1f}  fitted {weight:6.1f}"
            f"  {int(shown.sum()):8,} pairs, {of_one:7,} of one person",
            highlight=False,
        )


if __name__ == "__main__":
    main()
