"""How linking's time and memory grow with the register and with the cases, beside Splink out of the box.

`python -m benchmarks.curves` takes some five minutes; `--registers` and `--cases` choose other sizes, up to 10,000,000
records and 100,000 cases where there is memory and time for the world itself.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from benchmarks.engines import FIRST_SIGHT, NEXT_DAY, SPLINK, Raced, race
from benchmarks.link import FIRST, HOST, write_days
from benchmarks.results import FOLDER, save
from include.matching.linkage import MODEL_VERSION
from include.sample.world import World

ENGINES = (FIRST_SIGHT, NEXT_DAY, SPLINK)
_UNITS: dict[str, Callable[[Raced], float | str]] = {
    "seconds": lambda run: run.failed or round(run.seconds, 2),
    "MiB": lambda run: run.failed or run.mib,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time of linking by the size of the register and of the cases.")
    parser.add_argument("--registers", type=int, nargs="+", default=[10_000, 30_000, 100_000, 300_000, 1_000_000])
    parser.add_argument("--cases", type=int, nargs="+", default=[100, 1_000, 5_000])
    parser.add_argument("--cases-at", type=int, default=5_000, help="cases where the register grows")
    parser.add_argument("--register-at", type=int, default=100_000, help="records where the cases grow")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=31)
    parser.add_argument("--without-splink", action="store_true", help="for sizes that it cannot do")
    given = parser.parse_args()
    engines = [engine for engine in ENGINES if engine != SPLINK or not given.without_splink]
    growing_register = [(min(given.cases_at, size // 10), size) for size in given.registers]
    growing_cases = [(cases, given.register_at) for cases in given.cases]
    found = {
        sizes: _raced(*sizes, engines, given.runs, given.seed)
        for sizes in track(list(dict.fromkeys([*growing_register, *growing_cases])), "racing")
    }
    tables = {
        f"{title}, {unit}": [
            {"cases": cases, "records": size} | {engine: of(run) for engine, run in found[cases, size].items()}
            for cases, size in sizes
        ]
        for title, sizes in (("The register grows", growing_register), ("The cases grow", growing_cases))
        for unit, of in _UNITS.items()
    }
    save("curves", tables, {"model": MODEL_VERSION}, Console())
    with (FOLDER / "curves.md").open("a", encoding="utf-8") as file:
        for title, rows in tables.items():
            if title.endswith("seconds"):
                file.write(_drawn(title, rows, "records" if "register" in title else "cases", engines))


def _raced(cases: int, register: int, engines: Sequence[str], runs: int, seed: int) -> dict[str, Raced]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(seed=seed, hosts=[HOST], first_day=FIRST, cases=cases, register=register)
        first, following = write_days(world, Path(folder))
        world.forget(HOST)
        return race(first, following, Path(folder), list(engines), runs)


def _drawn(title: str, rows: Sequence[dict[str, Any]], across: str, engines: Sequence[str]) -> str:
    """A chart for Markdown, lines in the order of the table's columns; an engine that failed at a size has none."""
    whole = [engine for engine in engines if all(isinstance(row[engine], float) for row in rows)]
    named = ", ".join(f'"{row[across]:,}"' for row in rows)
    lines = "\n".join(f"  line {[row[engine] for row in rows]}" for engine in whole)
    return f"""
```mermaid
xychart-beta
  title "{title}. Lines: {"; ".join(whole)}."
  x-axis "{across}" [{named}]
  y-axis "seconds"
{lines}
```
"""


if __name__ == "__main__":
    main()
