"""A year of thousands of people, twelve offices and everything that fails: is what each office believes true, every day?

`python -m benchmarks.year` runs the simulation of `tests/year` at full size, on a ledger of its own, with real SFTP and
mail servers; a day on which something is not as it must be ends it with that case's whole story. Nothing is timed
against anybody: the figures say what was gone through.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from unittest.mock import patch

from rich.console import Console

from benchmarks.results import save
from include.ledger.engine import engine
from include.ledger.migrating import migrate
from tests.year.arranged import BEGIN, HOSTS, OFFICES
from tests.year.lives import Lives
from tests.year.machine import FAULTS, Year
from tests.year.reviewed import check_review

DAYS, PEOPLE, SEED = 365, 400, 2026
ODDS = 8
"""Each fault happens on one day in so many."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--people", type=int, default=PEOPLE, help="open cases at a time")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        ledger = f"sqlite:///{Path(name) / 'data' / 'ledger.db'}"
        with patch.dict(os.environ, {"AVR_DATA": f"{name}/data", "AVR_LEDGER": ledger}):
            migrate(ledger)
            lives = Lives(HOSTS, given.people)
            year = Year(Path(name), OFFICES, lives, BEGIN)
            chance = Random(given.seed)
            try:
                for day in range(given.days):
                    year.a_day([fault for fault in FAULTS if chance.randrange(ODDS) == 0], chance)
                    if day % 10 == 9:
                        sys.stderr.write(f"{year.today}: {len(lives.rows):,} cases, {time.monotonic() - begun:.0f} s\n")
                year.come_to_rest()
                check_review(year)
            finally:
                year.close()
                engine(ledger).dispose()
    counts = year.counts
    passed = [
        {"what": "days", "count": f"{given.days:,}"},
        {"what": "offices", "count": f"{len(OFFICES):,}"},
        {"what": "AVR cases", "count": f"{len(lives.rows):,}"},
        *(_row(what, counts) for what in counts if not what.startswith(("fault: ", "days"))),
        {"what": "beliefs of an office about a case held against the lives", "count": f"{year.checked:,}"},
        {"what": "beliefs that were not true", "count": 0},
    ]
    faults = [{"fault": fault, "days": counts[f"fault: {fault}"]} for fault in FAULTS]
    title = f"{given.days} days, {len(OFFICES)} offices, seed {given.seed}"
    save("year", {title: passed, "What failed meanwhile": faults}, {}, Console())


def _row(what: str, counts: Counter[str]) -> dict[str, str]:
    return {"what": what.replace("notice: ", "entries "), "count": f"{counts[what]:,}"}


if __name__ == "__main__":
    main()
