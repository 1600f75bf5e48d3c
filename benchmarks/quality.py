"""Quality of linking on worlds that the model was not fitted on, by what is wrong with a case, and its probabilities.

`python -m benchmarks.quality` makes `--worlds` worlds for each of HOSTS, of seeds that nobody has looked at.
"""

import argparse
import datetime as dt
import itertools
from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import track

from benchmarks.results import FOLDER, save
from benchmarks.training import read_model, write_model
from include.matching.linkage import MODEL_VERSION, link, scored_pairs
from include.matching.references import plain
from include.sample.world import World

DAY = dt.date(2026, 11, 2)
HOSTS = ("TUR", "GRC", "PAK", "ESP", "SWE")
"""Written by hands of which none wrote a world that the model was fitted on (`training.HOSTS`)."""
BINS = (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999, 0.9999, 1.0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=3)
    parser.add_argument("--cases", type=int, default=1_500)
    parser.add_argument("--register", type=int, default=20_000)
    parser.add_argument("--into-model", action="store_true", help="write the figures into the model file as its checks")
    given = parser.parse_args()
    cases, pairs = [], []
    worlds = list(itertools.product(range(900_001, 900_001 + given.worlds), HOSTS))
    for seed, host in track(worlds, "linking worlds"):
        world = World(seed=seed, hosts=[host], first_day=DAY, cases=given.cases, register=given.register)
        found, compared = _link(world, host)
        cases.append(found)
        pairs.append(compared)
    every, compared = pd.concat(cases, ignore_index=True), pd.concat(pairs, ignore_index=True)
    by_class = [
        {"of true cases": name, "what": str(value)} | _row(part)
        for name in ("reference", "birth date", "name")
        for value, part in every[every["true"]].groupby(name)
    ]
    calibration = _calibration(compared)
    tables = {
        f"{len(worlds)} worlds of {given.cases:,} cases and {given.register:,} records": [_row(every)],
        "By what the case and the record of its person say": by_class,
        "Of the pairs with this probability, so many are of one person": calibration,
    }
    save("quality", tables, {"model": MODEL_VERSION}, Console())
    with (FOLDER / "quality.md").open("a", encoding="utf-8") as file:
        file.write(_drawn(calibration))
    if given.into_model:
        said = f"{len(worlds)} worlds of {', '.join(HOSTS)}, {given.cases:,} cases to {given.register:,} records each"
        write_model(read_model() | {"checks": {"on": said} | _row(every)})


def _link(world: World, host: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    cases, register = (world.extract(host, kind, DAY) for kind in ("avr_cases", "asylum_procedure"))
    cases = cases.drop_duplicates("case_id").set_index("case_id", drop=False)
    truth = world.truth(host, DAY).drop_duplicates("case_id").set_index("case_id")
    records = register.drop_duplicates("asylum_reference").set_index("asylum_reference", drop=False)
    own = {
        case: [record for record in references.split(";") if record in records.index]
        for case, references in truth["asylum_references"].fillna("").items()
    }
    matches = link(cases, register)
    accepted = matches[matches["decision"] == "accept"].set_index("case_id")["asylum_reference"]
    reviewed = matches[matches["decision"] == "review"].groupby("case_id")["asylum_reference"].agg(list).to_dict()
    rows = []
    for case_id, case in cases.iterrows():
        mine = own.get(str(case_id), [])
        taken = accepted.get(case_id)
        rows.append(
            {
                "true": bool(mine),
                "accepted": taken is not None,
                "right": taken in mine,
                "deciding": bool(mine) and taken == truth.at[case_id, "deciding_reference"],
                "offered": taken in mine or bool(set(mine) & set(reviewed.get(case_id, []))),
                "review": case_id in reviewed,
            }
            | (_classes(case, records.loc[mine[0]]) if mine else {})
        )
    compared = scored_pairs(cases, register)
    compared["one"] = [
        record in own.get(case, [])
        for case, record in zip(compared["case_id"], compared["asylum_reference"], strict=True)
    ]
    return pd.DataFrame(rows), compared


def _classes(case: "pd.Series[Any]", record: "pd.Series[Any]") -> dict[str, str]:
    def cell(row: "pd.Series[Any]", column: str) -> str:
        return "" if pd.isna(row[column]) else str(row[column])

    typed, written = plain(cell(case, "asylum_reference")), plain(cell(record, "asylum_reference"))
    born, known = cell(case, "date_of_birth"), cell(record, "date_of_birth")
    names = [" ".join((cell(row, "given_names"), cell(row, "family_name"))).lower().split() for row in (case, record)]
    one_name = min(map(len, names)) <= 1
    return {
        "reference": "none" if not typed else "the same" if typed == written else "another, or a slip in it",
        "birth date": "not given"
        if not born or not known
        else "guessed or partial"
        if min(len(born), len(known)) < 10 or "-01-01" in (born[4:], known[4:])
        else "the same day"
        if born == known
        else "another day",
        "name": "one name" if one_name else "letter by letter" if sorted(names[0]) == sorted(names[1]) else "differs",
    }


def _row(part: pd.DataFrame) -> dict[str, float | int]:
    true, accepted = int(part["true"].sum()), int(part["accepted"].sum())
    right = int(part["right"].sum())
    return {
        "cases": len(part),
        "true": true,
        "accepted": accepted,
        "wrongly": accepted - right,
        "precision": round(right / max(accepted, 1), 4),
        "accepted of true": round(right / max(true, 1), 3),
        "offered of true": round(int(part.loc[part["true"], "offered"].sum()) / max(true, 1), 3),
        "cases in review": round(float(part["review"].mean()), 3),
        "deciding record": round(int(part["deciding"].sum()) / max(right, 1), 3),
    }


def _calibration(pairs: pd.DataFrame) -> list[dict[str, float | int | str]]:
    inside = pd.cut(pairs["match_probability"], BINS, include_lowest=True)
    return [
        {
            "probability": f"{max(bounds.left, 0):.4g} to {bounds.right:.4g}",
            "pairs": len(part),
            "mean probability": round(float(part["match_probability"].mean()), 4),
            "of one person": round(float(part["one"].mean()), 4),
        }
        for bounds, part in pairs.groupby(inside, observed=True)
    ]


def _drawn(calibration: list[Mapping[str, Any]]) -> str:
    """The table as a picture, in the form that GitHub draws."""
    named = ", ".join(f'"{row["probability"]}"' for row in calibration)
    said, true = ([row[column] for row in calibration] for column in ("mean probability", "of one person"))
    return f"""
```mermaid
xychart-beta
  title "Bars: share of one person. Line: mean probability."
  x-axis [{named}]
  y-axis 0 --> 1
  bar {true}
  line {said}
```
"""


if __name__ == "__main__":
    main()
