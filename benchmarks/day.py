"""The world's whole day: 130 host countries, 60,000 open cases, 5,000,000 procedure records, 150 offices.

`python -m benchmarks.day` (`make bench-day`) makes the installation, then runs its days by the rooms alone: the first,
the same again with nothing new, and the next; with one process and two, on SQLite and on PostgreSQL where that is
installed; and smaller worlds beside it, to see what grows how. `--size 0.1` takes a few minutes.
"""

import argparse
import datetime as dt
import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console

from benchmarks import installation as made
from benchmarks.installation import FIRST, Installation
from benchmarks.results import save
from benchmarks.rooms import Took, open_addresses, run_day, servers
from include.demo import setting
from include.demo.postgres import binaries, postgres
from include.ledger.engine import engine
from include.ledger.migrating import migrate

NEXT = FIRST + dt.timedelta(days=1)
SIZES = (0.1, 0.3)
"""Beside the whole size, parts of it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=float, default=1.0, help="the part of the cases and records of the world")
    parser.add_argument("--folder", type=Path, help="where worlds are made and stay; else they are thrown away")
    parser.add_argument("--quick", action="store_true", help="SQLite and one process alone, and no smaller worlds")
    given = parser.parse_args()
    console = Console()
    with ExitStack() as left:
        folder = given.folder or Path(
            left.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp", prefix="avr-day-"))
        )
        tables = _rooms(folder, given.size, given.quick, console)
    save("day", tables, {"airflow": importlib.metadata.version("apache-airflow")}, console)


def _rooms(folder: Path, size: float, quick: bool, console: Console) -> dict[str, list[dict[str, Any]]]:
    tables: dict[str, list[dict[str, Any]]] = {}
    world = _world(folder, size, console)
    with _ledger(world, "sqlite", None) as url:
        first, again, following = (run_day(world, day, 1) for day in (FIRST, FIRST, NEXT))
        kept = _bytes(url)
    title = (
        f"{len(world.countries)} countries, {_cases(world):,} cases, {_records(world):,} records, one process, SQLite"
    )
    tables[f"{title}: the first day"] = [_row(one) for one in first]
    tables["The same day again with nothing new, and the next day, seconds"] = _beside(first, again, following)
    every: dict[str, list[Took]] = {"SQLite, one process": first}
    sizes = {"SQLite, one process": kept}
    for backend, processes in () if quick else (("sqlite", 2), ("postgresql", 1), ("postgresql", 2)):
        if backend == "postgresql" and binaries() is None:
            continue
        with _ledger(world, backend, binaries()) as url:
            name = f"{'SQLite' if backend == 'sqlite' else 'PostgreSQL'}, {'one process' if processes == 1 else 'two processes'}"
            every[name] = run_day(world, FIRST, processes)
            sizes[name] = _bytes(url)
    tables["The first day by ledger and processes, seconds"] = [
        {"ledger": name} | _stages(took) | {"MB of the ledger": round(sizes[name] / 1e6, 1)}
        for name, took in every.items()
    ]
    grown = {size: first}
    for part in () if quick else SIZES:
        smaller = _world(folder, size * part, console)
        with _ledger(smaller, "sqlite", None):
            grown[size * part] = run_day(smaller, FIRST, 1)
    tables["The first day by size, one process, SQLite, seconds"] = [
        {"of the world": f"{part:.2f}"} | _stages(took) | {"peak, MiB": max(one.peak for one in took)}
        for part, took in sorted(grown.items())
    ]
    return tables


def _world(folder: Path, size: float, console: Console) -> Installation:
    """The installation of this size, made or found in `folder`, with two days."""
    at = folder / f"world-{size:.3f}"
    console.print(f"the world, {size:.0%} of it, in {at} …")
    # The smallest countries have a least size, below which nothing would happen in them.
    cases = max(round(made.OPEN_CASES * size), 45 * made.COUNTRIES)
    register = max(round(made.REGISTER * size), 500 * made.COUNTRIES)
    if (at / "whole").exists():
        hosts = made.host_countries(made.COUNTRIES, made.OFFICES, cases, register)
        return Installation(setting.load(at), hosts, made.SEED)
    world = made.build(at, cases=cases, register=register, days=(FIRST, NEXT))
    (at / "whole").touch()
    return world


@contextmanager
def _ledger(world: Installation, backend: str, programs: Path | None) -> Iterator[str]:
    """An empty ledger and data folder in the environment, with servers that lists go to; yields the ledger's URL."""
    data = world.setting.folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    with ExitStack() as left:
        if backend == "postgresql" and programs:
            url = f"{left.enter_context(postgres(programs))}/postgres"
        else:
            url = f"sqlite:///{data / 'ledger.db'}"
        left.enter_context(patch.dict(os.environ, world.setting.environment | {"AVR_LEDGER": url}))
        migrate(url)
        left.enter_context(servers(world))
        open_addresses(2)
        try:
            yield url
        finally:
            engine(url).dispose()
            shutil.rmtree(data, ignore_errors=True)


def _bytes(url: str) -> int:
    if url.startswith("sqlite"):
        return sum(path.stat().st_size for path in Path(url.removeprefix("sqlite:///")).parent.glob("ledger.db*"))
    with engine(url).connect() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar() or 0)


def _row(took: Took) -> dict[str, Any]:
    return {
        "stage": took.stage,
        "jobs": took.jobs,
        "seconds": f"{took.seconds:.1f}",
        "longest job": f"{took.longest:.1f}",
        "CPU seconds": f"{took.cpu:.1f}",
        "peak MiB": took.peak,
        "after the first job": took.peak_after_first,
        "statements": f"{took.statements:,}",
        "rows written": f"{took.rows_written:,}",
        "transactions": took.transactions,
        "entries told": f"{took.told:,}" if took.told else "",
    }


def _beside(first: Sequence[Took], again: Sequence[Took], following: Sequence[Took]) -> list[dict[str, Any]]:
    rows = [
        {"stage": one.stage, "first": one.seconds, "again": two.seconds, "next day": three.seconds}
        for one, two, three in zip(first, again, following, strict=True)
    ]
    rows.append({"stage": "all", **{name: sum(row[name] for row in rows) for name in ("first", "again", "next day")}})
    return [
        {name: f"{value:.1f}" if name != "stage" else value for name, value in row.items()}
        | {"again, of the first": f"{row['again'] / max(row['first'], 0.01):.1%}"}
        for row in rows
    ]


def _stages(took: Sequence[Took]) -> dict[str, str]:
    return {one.stage: f"{one.seconds:.1f}" for one in took} | {"all": f"{sum(one.seconds for one in took):.1f}"}


def _cases(world: Installation) -> int:
    return sum(country.cases for country in world.countries)


def _records(world: Installation) -> int:
    return sum(country.register for country in world.countries)


if __name__ == "__main__":
    main()
