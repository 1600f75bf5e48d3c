"""A day of the world's host countries in the whole stack, while its parts are killed: does every office get its lists?

`python -m benchmarks.chaos` (`make chaos`) has the rooms alone say what each office is to be told, then lets the
processes of docker-compose.yml do the same day while a seeded script kills workers, scheduler, triggerer, API server,
DAG processor, PostgreSQL and Redis, and starts each again after a while. It ends with 1 where an office was not told
what it should be, or was told it twice. Nothing is timed against anybody: the figures say what was gone through.
"""

import argparse
import importlib.metadata
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from rich.console import Console

from benchmarks.installation import COUNTRIES, OFFICES
from benchmarks.results import save
from tests.stack.chaos import Plan, Size, a_day, by_the_rooms, differences

CASES, RECORDS, SEED = 45, 450, 2026
"""Of each host country: what is tried is the number of tasks, not of rows."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--countries", type=int, default=COUNTRIES)
    parser.add_argument("--offices", type=int, default=OFFICES)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--minutes", type=float, default=180, help="how long the day may take")
    given = parser.parse_args()
    size = Size(given.countries, given.offices, given.countries * CASES, given.countries * RECORDS)
    begun, last = time.monotonic(), ""

    def said(what: str) -> None:
        nonlocal last
        if what != last:
            sys.stderr.write(f"{time.monotonic() - begun:6.0f} s  {what}\n")
        last = what

    with tempfile.TemporaryDirectory(prefix="avr-chaos-", dir="/var/tmp") as folder:
        said("what the rooms alone tell")
        should = by_the_rooms(Path(folder) / "rooms", size)
        day = a_day(Path(folder) / "stack", size, Plan(Random(given.seed)), said, given.minutes)
    wrong = [*day.problems, *differences(should, day.told)]
    entries = sum(told.total() for told in day.told.values())
    tables = {
        "The day": [
            {"what": "host countries", "count": size.countries},
            {"what": "offices told", "count": len(day.told)},
            {"what": "lists that arrived and opened", "count": day.lists},
            {"what": "entries on them", "count": entries},
            {"what": "offices told too little, too much or what does not open", "count": len(wrong)},
            {"what": "minutes", "count": round(day.seconds / 60)},
        ],
        "Killed": [{"part": part, "times": times} for part, times in sorted(day.killed.items())],
        "Tasks": [{"ended": ended, "count": count} for ended, count in sorted(day.tries.items())],
    }
    packages = ("apache-airflow", "apache-airflow-providers-celery", "celery")
    save("chaos", tables, {name: importlib.metadata.version(name) for name in packages}, Console())
    sys.stderr.writelines(f"{one}\n" for one in wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
