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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from rich.console import Console

from benchmarks import installation as made
from benchmarks.installation import FIRST, Installation
from benchmarks.results import save
from benchmarks.rooms import Took, open_addresses, run_day, servers
from benchmarks.scheduled import run_scheduled
from include.demo import setting
from include.demo.postgres import binaries, postgres
from include.ledger.engine import engine
from include.ledger.migrating import migrate

NEXT = FIRST + dt.timedelta(days=1)
SIZES = (0.1, 0.3)
"""Beside the whole size, parts of it."""


@dataclass(frozen=True)
class Scale:
    """The part of the world's cases and records that there is, in so many host countries with so many offices."""

    part: float
    countries: int
    offices: int

    @property
    def cases(self) -> int:
        # The smallest countries have a least size, below which nothing would happen in them.
        return max(round(made.OPEN_CASES * self.part), 45 * self.countries)

    @property
    def register(self) -> int:
        return max(round(made.REGISTER * self.part), 500 * self.countries)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=float, default=1.0, help="the part of the cases and records of the world")
    parser.add_argument("--countries", type=int, default=made.COUNTRIES)
    parser.add_argument("--offices", type=int, default=made.OFFICES)
    parser.add_argument("--folder", type=Path, help="where worlds are made and stay; else they are thrown away")
    parser.add_argument("--airflow", action="store_true", help="also under a real Airflow: some hours at full size")
    parser.add_argument("--quick", action="store_true", help="SQLite and one process alone, and no smaller worlds")
    given = parser.parse_args()
    console = Console()
    with ExitStack() as left:
        folder = given.folder or Path(
            left.enter_context(tempfile.TemporaryDirectory(dir="/var/tmp", prefix="avr-day-"))
        )
        scale = Scale(given.size, given.countries, given.offices)
        tables = _rooms(folder, scale, given.quick, console)
        if given.airflow:
            tables |= _scheduled(folder, scale, given.quick, console)
    save("day", tables, {"airflow": importlib.metadata.version("apache-airflow")}, console)


def _rooms(folder: Path, scale: Scale, quick: bool, console: Console) -> dict[str, list[dict[str, Any]]]:
    tables: dict[str, list[dict[str, Any]]] = {}
    world = _world(folder, scale, console)
    with _ledger(world, "sqlite", None) as url:
        first, again, following = (run_day(world, day, 1) for day in (FIRST, FIRST, NEXT))
        kept = _bytes(url)
    title = (
        f"{len(world.countries)} countries, {_cases(world):,} cases, {_records(world):,} records, one process, SQLite"
    )
    tables[f"{title}: the first day"] = [_row(one) for one in first]
    tables["The same day again with nothing new, and the next day, CPU seconds"] = _beside(first, again, following)
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
    grown = {scale.part: first}
    for part in () if quick else SIZES:
        smaller = replace(scale, part=scale.part * part)
        with _ledger(_world(folder, smaller, console), "sqlite", None) as url:
            grown[smaller.part] = run_day(_world(folder, smaller, console), FIRST, 1)
    tables["The first day by size, one process, SQLite, seconds"] = [
        {"of the world": f"{part:.2f}"} | _stages(took) | {"peak, MiB": max(one.peak for one in took)}
        for part, took in sorted(grown.items())
    ]
    return tables


def _scheduled(folder: Path, scale: Scale, quick: bool, console: Console) -> dict[str, list[dict[str, Any]]]:
    """The second day, as most are, under Airflow; the first is told by the rooms before."""
    world, rows, days = _world(folder, scale, console), [], []
    kinds = [("postgresql", 2), ("postgresql", 1), ("sqlite", 2)] if binaries() else [("sqlite", 2), ("sqlite", 1)]
    for backend, workers in kinds[:1] if quick else kinds:
        with _ledger(world, "sqlite", None):
            run_day(world, FIRST, 2)
            alone = run_day(world, NEXT, workers)
        with _ledger(world, "sqlite", None):
            run_day(world, FIRST, 2)
            ran = run_scheduled(world.setting, NEXT, len(world.countries), backend, workers, console)
        rooms = sum(one.seconds for one in alone)
        count = ran.empty_tasks
        rows.append(
            {
                "Airflow's database": backend,
                "workers": workers,
                "tasks": count,
                "seconds": f"{ran.seconds:.0f}",
                "rooms alone": f"{rooms:.0f}",
                "as many empty tasks": f"{ran.empty_seconds:.0f}",
                "beyond the rooms, in empty tasks": f"{(ran.seconds - rooms) / ran.empty_seconds:.2f}",
                "transactions a task": f"{ran.transactions / count:.0f}" if ran.transactions else "",
                "rows written a task": f"{ran.rows_written / count:.0f}" if ran.rows_written else "",
                "connections": ran.connections or "",
                "failed": ran.failed,
            }
            | {f"MiB of {part}": peak for part, peak in sorted(ran.peaks.items())}
        )
        days = [{"DAGs": family, "tasks a day": tasks} for family, tasks in ran.tasks_of_a_day().items()]
    days.append({"DAGs": "all", "tasks a day": sum(row["tasks a day"] for row in days)})
    return {"Under Airflow, LocalExecutor, the second day": rows, "Tasks of a day that have a process": days}


def _world(folder: Path, scale: Scale, console: Console) -> Installation:
    """The installation of this scale, made or found in `folder`, with two days."""
    at = folder / f"world-{scale.countries}-{scale.cases}-{scale.register}"
    if (at / "whole").exists():
        hosts = made.host_countries(scale.countries, scale.offices, scale.cases, scale.register)
        return Installation(setting.load(at), hosts, made.SEED)
    console.print(f"{scale.cases:,} cases and {scale.register:,} records of {scale.countries} host countries …")
    world = made.build(at, scale.countries, scale.offices, scale.cases, scale.register, days=(FIRST, NEXT))
    (at / "whole").touch()
    return world


@contextmanager
def _ledger(world: Installation, backend: str, programs: Path | None) -> Iterator[str]:
    """An empty ledger and data folder in the environment, with servers that lists go to; yields the ledger's URL."""
    data = world.setting.folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    # Another ledger begins at number 1 again, and no list goes where another one of its name lies.
    for received in (*world.setting.offices.rglob("*"), *world.setting.mail.rglob("*")):
        if received.is_file():
            received.unlink()
    with ExitStack() as left:
        if backend == "postgresql" and programs:
            url = f"{left.enter_context(postgres(programs))}/postgres"
        else:
            url = f"sqlite:///{data / 'ledger.db'}"
        left.enter_context(
            patch.dict(
                os.environ, world.setting.environment | {"AVR_LEDGER": url, "AIRFLOW_HOME": str(data / "airflow")}
            )
        )
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
    """CPU seconds: what else the machine does has no part in them."""
    rows = [
        {"stage": one.stage, "first": one.cpu, "again": two.cpu, "next day": three.cpu, "jobs next day": three.jobs}
        for one, two, three in zip(first, again, following, strict=True)
    ]
    numbers = ("first", "again", "next day", "jobs next day")
    rows.append({"stage": "all", **{name: sum(row[name] for row in rows) for name in numbers}})
    return [
        row
        | {name: f"{row[name]:.1f}" for name in numbers[:3]}
        | {"again, of the first": f"{row['again'] / max(row['first'], 0.01):.1%}"}
        for row in rows
    ]


def _stages(took: Sequence[Took]) -> dict[str, str]:
    seconds = {one.stage: f"{one.seconds:.1f}" for one in took} | {"all": f"{sum(one.seconds for one in took):.1f}"}
    return seconds | {"CPU seconds": f"{sum(one.cpu for one in took):.1f}"}


def _cases(world: Installation) -> int:
    return sum(country.cases for country in world.countries)


def _records(world: Installation) -> int:
    return sum(country.register for country in world.countries)


if __name__ == "__main__":
    main()
