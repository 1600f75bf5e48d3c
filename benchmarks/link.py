"""Linking 5,000 cases to a register of 1,000,000 records, beside Splink out of the box, from CSV files to matches.

`python -m benchmarks.link` makes a world of two days, runs the engines in turn, each in a process of its own, compares
with the truth and writes the table to `benchmarks/results/`. Only the ratios count: these machines are small and noisy.
"""

import argparse
import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from benchmarks.engines import BARE_SCAN, FIRST_SIGHT, NEXT_DAY, SPLINK, Day, Raced, race
from benchmarks.results import save
from include.matching.linkage import MODEL_VERSION
from include.sample.world import World

FIRST = dt.date(2026, 11, 2)
DAYS = (FIRST, FIRST + dt.timedelta(days=1))
HOST = "GRC"


def main() -> None:
    parser = argparse.ArgumentParser(description="Linking beside Splink out of the box.")
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--register", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        console.print(f"a world of {given.cases:,} cases and {given.register:,} records …")
        world = World(seed=given.seed, hosts=[HOST], first_day=FIRST, cases=given.cases, register=given.register)
        first, following = write_days(world, Path(folder))
        truths = [truth_of(world, day, files) for day, files in zip(DAYS, (first, following), strict=True)]
        world.forget(HOST)
        engines = [FIRST_SIGHT, NEXT_DAY, SPLINK, BARE_SCAN]
        raced = race(first, following, Path(folder), engines, given.runs)
        rows = [
            row_of(engine, raced, truths[engine == NEXT_DAY] if engine != BARE_SCAN else None) for engine in engines
        ]
        before, after = (set(files.register.read_bytes().splitlines()) for files in (first, following))
        limit = {
            "MB of the register's file": round(following.register.stat().st_size / 1e6, 1),
            "lines of it that are new the next day": f"{len(after - before) / len(after):.1%}",
            "seconds of a bare scan, process and all": round(raced[BARE_SCAN].seconds, 2),
        }
    title = f"{given.cases:,} cases to {given.register:,} records, the middle of {given.runs} runs in turn"
    tables = {title: rows, "What nobody can be faster than": [limit]}
    save("link", tables, {"model": MODEL_VERSION}, console)


def write_days(world: World, folder: Path) -> tuple[Day, Day]:
    """The files of the world's two days."""
    first, following = (
        Day(*(world.write_extract(folder, HOST, kind, day).file for kind in ("avr_cases", "asylum_procedure")))
        for day in DAYS
    )
    return first, following


def truth_of(world: World, day: dt.date, files: Day) -> dict[str, set[str]]:
    """The true references of each case of the day's file; none where a person never applied."""
    known = world.truth(HOST, day)
    ids = set(pd.read_csv(files.cases, dtype=str)["case_id"])
    return {
        case: set(str(references).split(";")) - {"", "nan", "<NA>"}
        for case, references in zip(known["case_id"], known["asylum_references"].fillna(""), strict=True)
        if case in ids
    }


def row_of(engine: str, raced: dict[str, Raced], truth: dict[str, set[str]] | None) -> dict[str, Any]:
    """A row of the table; without `truth` of time and memory alone."""
    run = raced[engine]
    if run.failed:
        return {"engine": engine, "failed": run.failed}
    peer = raced.get(SPLINK)
    row = {
        "engine": engine,
        "seconds": round(run.seconds, 2),
        "ratio to Splink": round(run.seconds / peer.seconds, 2) if peer and peer.seconds else "",
        "MiB": run.mib,
    }
    return row | quality_of(run.out, truth) if truth else row


def quality_of(out: Path, truth: dict[str, set[str]]) -> dict[str, float]:
    """How much of the truth a file of matches has."""
    matches = pd.read_csv(out, dtype={"case_id": str, "asylum_reference": str})
    accepted = matches[matches["decision"] == "accept"]
    right = sum(
        r in truth.get(c, set()) for c, r in zip(accepted["case_id"], accepted["asylum_reference"], strict=True)
    )
    offered = {
        c for c, r in zip(matches["case_id"], matches["asylum_reference"], strict=True) if r in truth.get(c, set())
    }
    true = sum(bool(references) for references in truth.values())
    return {
        "precision": round(right / max(len(accepted), 1), 4),
        "accepted of true": round(right / true, 3),
        "offered of true": round(len(offered) / true, 3),
        "cases in review": round(matches.loc[matches["decision"] == "review", "case_id"].nunique() / len(truth), 3),
    }


if __name__ == "__main__":
    main()
