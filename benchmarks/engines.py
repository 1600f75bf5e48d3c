"""Linking engines side by side, each in a process of its own: `python -m benchmarks.engines ENGINE CASES REGISTER OUT`.

Reach for `race` with the paths of two days. Nothing is imported here that an engine does not need, so that a process
costs what the engine costs.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from include.settings import ROOT

FIRST_SIGHT, NEXT_DAY, SPLINK = (
    "this project, first sight",
    "this project, next day's register",
    "Splink out of the box",
)
BARE_SCAN = "bare scan of the register's lines"


def ours(cases: Path, register: Path, out: Path) -> None:
    from include.matching.linkage import link_files

    link_files(cases, register, out)


def out_of_the_box(cases: Path, register: Path, out: Path) -> None:
    """Splink's own comparison library, trained by EM on the data itself."""
    import duckdb
    import pandas as pd
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


def bare_scan(cases: Path, register: Path, out: Path) -> None:
    """What nobody who reads the register can be faster than: each line read and hashed, nothing kept."""
    import duckdb

    lines = (
        f"read_csv('{register}', columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = true, "
        "delim = '\x01', quote = '', escape = '', strict_mode = false)"
    )
    duckdb.connect(config={"threads": 2}).execute(f"SELECT bit_xor(hash(line)) FROM {lines}").fetchall()


_WORK = {FIRST_SIGHT: ours, NEXT_DAY: ours, SPLINK: out_of_the_box, BARE_SCAN: bare_scan}


@dataclass(frozen=True)
class Day:
    """The two files of a day."""

    cases: Path
    register: Path


@dataclass(frozen=True)
class Raced:
    """An engine's runs: the middle of their times, the most memory, where its last matches are."""

    seconds: float
    mib: int
    out: Path
    failed: str = ""


def race(first: Day, following: Day, folder: Path, engines: list[str], runs: int = 3) -> dict[str, Raced]:
    """Run each engine `runs` times in turn, so that what else the machine does falls on all of them.

    The first day's files are linked by all; the next day's by this project, with what it kept of the first.
    """
    times: dict[str, list[float]] = {engine: [] for engine in engines}
    memory: dict[str, list[int]] = {engine: [] for engine in engines}
    outs = {engine: folder / f"{at}.csv" for at, engine in enumerate(engines)}
    seen = folder / "seen"
    if NEXT_DAY in engines:
        _run(NEXT_DAY, first, outs[NEXT_DAY], seen)
    failed: dict[str, str] = {}
    for _ in range(runs):
        for engine in engines:
            data = folder / "data"
            shutil.rmtree(data, ignore_errors=True)
            if engine == NEXT_DAY:
                shutil.copytree(seen, data)
            seconds, said, error = _run(engine, following if engine == NEXT_DAY else first, outs[engine], data)
            if error:
                failed[engine] = error
                continue
            times[engine].append(seconds)
            memory[engine].append(int(said))
    return {
        engine: Raced(statistics.median(times[engine]), max(memory[engine]), outs[engine])
        if times[engine]
        else Raced(0, 0, outs[engine], failed[engine])
        for engine in engines
    }


def _run(engine: str, day: Day, out: Path, data: Path) -> tuple[float, str, str]:
    command = [sys.executable, "-m", "benchmarks.engines", engine, str(day.cases), str(day.register), str(out)]
    begun = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"AVR_DATA": str(data)}, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - begun
    error = done.stderr.strip().splitlines()[-1][:200] if done.returncode else ""
    return seconds, done.stdout.split()[-1] if done.stdout else "0", error


def _peak_mib() -> int:
    # Not getrusage: a process inherits its maximum from the one that started it.
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


if __name__ == "__main__":
    _WORK[sys.argv[1]](*map(Path, sys.argv[2:]))
    print(_peak_mib())
