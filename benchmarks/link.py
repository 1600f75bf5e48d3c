"""Linking 5,000 cases to a register of 1,000,000 records, beside Splink out of the box, from CSV files to matches.

`python -m benchmarks.link` makes the world, runs each engine in a process of its own, compares with the truth, prints
a table and writes it to `benchmarks/results/`. Only the ratios count: these machines are small and noisy.
"""

import argparse
import datetime as dt
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from include.sample.world import World
from include.settings import ROOT

DAY = dt.date(2026, 11, 2)
VERSIONS = ("splink", "duckdb", "rigour", "pandas", "pyarrow")


def ours(cases: Path, register: Path, out: Path) -> None:
    from include.matching.linkage import link_files

    link_files(cases, register, out)


def out_of_the_box(cases: Path, register: Path, out: Path) -> None:
    """Splink's own comparison library, trained by EM on the data itself."""
    import duckdb
    import splink.comparison_library as library
    from splink import Linker, SettingsCreator, block_on
    from splink.internals.duckdb.database_api import DuckDBAPI

    connection = duckdb.connect(config={"threads": 2})
    api = DuckDBAPI(connection=connection)
    wanted = "given_names, family_name, date_of_birth, sex, nationality, asylum_reference"
    tables = []
    for name, path, unique in (("a", cases, "case_id"), ("b", register, "asylum_reference")):
        connection.execute(
            f"CREATE TABLE {name} AS SELECT {unique} AS unique_id, {wanted} FROM read_csv('{path}', all_varchar = true)"
        )
        tables.append(api.register(name, dataset_display_name=name))
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            library.ForenameSurnameComparison("given_names", "family_name"),
            library.DateOfBirthComparison("date_of_birth", input_is_string=True),
            library.ExactMatch("sex"),
            library.ExactMatch("nationality"),
            library.LevenshteinAtThresholds("asylum_reference", [1, 2]),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("asylum_reference"),
            block_on("family_name", "date_of_birth"),
            block_on("given_names", "date_of_birth"),
            block_on("family_name", "given_names"),
        ],
    )
    linker = Linker(tables, settings, log_level=50)
    linker.training.estimate_probability_two_random_records_match([block_on("asylum_reference")], recall=0.5)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("family_name", "given_names"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth", "family_name"))
    found = linker.inference.predict(threshold_match_probability=0.02).as_pandas_dataframe()
    best = found.sort_values("match_probability", ascending=False).drop_duplicates("unique_id_l")
    pd.DataFrame(
        {
            "case_id": best["unique_id_l"],
            "asylum_reference": best["unique_id_r"],
            "match_probability": best["match_probability"],
            "decision": ["accept" if p >= 0.99 else "review" for p in best["match_probability"]],
            "method": "linkage",
        }
    ).to_csv(out, index=False)


ENGINES = {"this project": ours, "Splink out of the box": out_of_the_box}


def measure(engine: str, cases: Path, register: Path, truth: dict[str, set[str]]) -> dict[str, float | str]:
    out = cases.parent / "matches.csv"
    command = [sys.executable, "-m", "benchmarks.link", "--engine", engine, str(cases), str(register), str(out)]
    begun = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    seconds = time.monotonic() - begun
    if done.returncode:
        return {"engine": engine, "failed": done.stderr.strip().splitlines()[-1][:200]}
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
        "engine": engine,
        "seconds": round(seconds, 1),
        "MiB": round(int(done.stdout.split()[-1]) / 1024),
        "precision": round(right / max(len(accepted), 1), 4),
        "accepted of true": round(right / true, 3),
        "offered of true": round(len(offered) / true, 3),
        "cases in review": round(matches.loc[matches["decision"] == "review", "case_id"].nunique() / len(truth), 3),
    }


def _peak_kib() -> int:
    # Not getrusage: a process inherits its maximum from the one that started it.
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--register", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--engine", nargs=4, metavar=("ENGINE", "CASES", "REGISTER", "OUT"))
    given = parser.parse_args()
    if given.engine:
        engine, *paths = given.engine
        ENGINES[engine](*map(Path, paths))
        print(_peak_kib())
        return
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        console.print(f"a world of {given.cases:,} cases and {given.register:,} records …")
        world = World(seed=given.seed, hosts=["GRC"], first_day=DAY, cases=given.cases, register=given.register)
        paths = [world.write_extract(Path(folder), "GRC", kind, DAY).file for kind in ("avr_cases", "asylum_procedure")]
        known = world.truth("GRC", DAY)
        ids = set(pd.read_csv(paths[0], dtype=str)["case_id"])
        truth = {
            case: set(str(references).split(";")) - {"", "nan", "<NA>"}
            for case, references in zip(known["case_id"], known["asylum_references"].fillna(""), strict=True)
            if case in ids
        }
        world.forget("GRC")
        rows = [measure(engine, *paths, truth) for engine in ENGINES]
    _report(console, given, rows)


def _report(console: Console, given: argparse.Namespace, rows: list[dict[str, float | str]]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = Table(title=f"{given.cases:,} cases to {given.register:,} records", title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    console.print(table)
    versions = {name: importlib.metadata.version(name) for name in VERSIONS}
    result = {
        "cases": given.cases,
        "register": given.register,
        "seed": given.seed,
        "cores": os.cpu_count(),
        "versions": versions,
        "rows": rows,
    }
    path = ROOT / "benchmarks" / "results" / "link.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    lines = [f"# {given.cases:,} cases to {given.register:,} records, {os.cpu_count()} cores", ""]
    lines += ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(str(row.get(column, "")) for column in columns) + " |" for row in rows]
    lines += ["", ", ".join(f"{name} {version}" for name, version in versions.items())]
    path.with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
