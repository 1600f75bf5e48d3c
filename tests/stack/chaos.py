"""A day of many host countries in the whole stack, while its parts are killed: has every office the same as without?

Reach for `a_day` to run one, quiet or with faults, and for `differences` to set it beside what the rooms alone tell.
Which part is killed when, and for how long, comes from a seeded `Random`; which task that meets is the machine's affair.
"""

import contextlib
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from sqlalchemy.exc import SQLAlchemyError

from benchmarks.installation import FIRST, build
from benchmarks.rooms import open_addresses, run_day, servers
from include.arrangements.reading import load_offices
from include.demo.office import Received, open_everything
from include.ledger.migrating import migrate
from tests.stack.demo import OnStack
from tests.stack.native import Stack

VICTIMS = {
    "worker-1": 4,
    "worker-2": 4,
    "scheduler": 2,
    "triggerer": 2,
    "api-server": 1,
    "dag-processor": 1,
    "postgres": 1,
    "redis": 1,
}
"""What is killed, and how often one among the others."""
AWAY = (0.5, 20.0)
"""Seconds until what was killed is started again."""
_LOOK = 0.5
_FROM_ITS_OWN_CLOCK = ("entry", "list_number")
"""What differs between two lists that say the same."""


@dataclass(frozen=True)
class Size:
    """How much there is to do."""

    countries: int
    offices: int
    cases: int
    register: int


@dataclass(frozen=True)
class Plan:
    """What is to be killed: chance says which part, when, and for how long."""

    chance: Random
    most: int = sys.maxsize
    between: tuple[float, float] = (10, 40)
    """Seconds between two faults."""


@dataclass
class Day:
    """What a day came to. `told` has, for each office, what its lists say, and how often."""

    told: dict[str, Counter[tuple[str, ...]]]
    lists: int
    problems: list[str]
    seconds: float
    killed: Counter[str] = field(default_factory=Counter)
    tries: Counter[str] = field(default_factory=Counter)
    """Tasks by the number of tries that they took, and those that never succeeded."""


class Struck(OnStack):
    """An installation whose parts are killed more often than anybody would call normal."""

    restarts = 10_000


class Faults(threading.Thread):
    """Kills one part after the other, and starts each again after a while, until the plan or the day is over."""

    def __init__(self, stack: Stack, plan: Plan, said: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self.killed: Counter[str] = Counter()
        self.failed: BaseException | None = None
        self._stack, self._plan, self._said = stack, plan, said
        self._over = threading.Event()

    def run(self) -> None:
        try:
            chance = self._plan.chance
            while self.killed.total() < self._plan.most and self._pause(chance.uniform(*self._plan.between)):
                (victim,) = chance.choices(list(VICTIMS), list(VICTIMS.values()))
                away = chance.uniform(*AWAY)
                self._said(f"{victim} is killed, and away for {away:.0f} s")
                self._stack.take_away(victim)
                self.killed[victim] += 1
                self._pause(away)
                self._stack.restart(victim)
        except BaseException as error:  # shown by whoever waits for the day
            self.failed = error

    def _pause(self, seconds: float) -> bool:
        """Whether it goes on after so long. Meanwhile who ended by itself, for want of what was killed, is started."""
        until = time.monotonic() + seconds
        while not self._over.wait(_LOOK):
            self._stack.keep_alive()
            if time.monotonic() > until:
                return True
        return False

    def end(self) -> None:
        """Stop, with everything running again."""
        self._over.set()
        self.join()
        if self.failed:
            raise self.failed


def a_day(
    folder: Path,
    size: Size,
    plan: Plan | None,
    said: Callable[[str], None] = lambda _: None,
    minutes: float = 60,
) -> Day:
    """Let a day pass, from the sources' files to the offices' folders and mailboxes; with faults if there is a plan.

    raises: TimeoutError if it does not end in `minutes`
    """
    installation = build(folder, size.countries, size.offices, size.cases, size.register)
    _without_pdf(installation.setting.arrangements)
    hosts = [country.code for country in installation.countries]
    with Struck(installation.setting, hosts, folder / "stack", said) as one:
        one.open_addresses(said)
        begun = time.monotonic()
        faults = Faults(one.stack, plan, said) if plan else None
        if faults:
            faults.start()
        try:
            while faults and faults.is_alive() and not _done(one, said, begun + minutes * 60):
                time.sleep(2)
        finally:
            if faults:
                faults.end()
        # Without faults, all of it; with them, what was killed last may have left something to do.
        while not _done(one, said, begun + minutes * 60):
            one.stack.keep_alive()
            time.sleep(2)
        seconds = time.monotonic() - begun
        received = one.received()
        day = Day(
            told={},
            lists=len({found.list_number for found in received}),
            problems=[f"{found.list_number}: {found.problem}" for found in received if found.problem],
            seconds=seconds,
            killed=faults.killed if faults else Counter(),
            tries=_tries(one),
        )
    day.told = _told(received)
    return day


def by_the_rooms(folder: Path, size: Size) -> dict[str, Counter[tuple[str, ...]]]:
    """What each office is told on such a day by the rooms alone, one after the other, without Airflow: `Day.told`."""
    installation = build(folder, size.countries, size.offices, size.cases, size.register)
    setting = installation.setting
    _without_pdf(setting.arrangements)
    with patch.dict(os.environ, setting.environment):
        migrate(setting.ledger)
        with servers(installation):
            open_addresses(1)
            run_day(installation, FIRST, 1)
    return _told(open_everything(setting, load_offices(setting.arrangements)[0]))


def _told(received: Iterable[Received]) -> dict[str, Counter[tuple[str, ...]]]:
    told: dict[str, Counter[tuple[str, ...]]] = {}
    for found in received:
        if found.opened:
            entries = found.opened.entries.drop(columns=list(_FROM_ITS_OWN_CLOCK))
            told.setdefault(found.office, Counter()).update(entries.itertuples(index=False, name=None))
    return told


def differences(
    should: Mapping[str, Counter[tuple[str, ...]]], was: Mapping[str, Counter[tuple[str, ...]]]
) -> list[str]:
    """What an office should be told and was not, or was told more often: counts, and no names."""
    found = []
    for office in sorted({*should, *was}):
        expected, told = should.get(office, Counter()), was.get(office, Counter())
        if expected != told:
            found.append(
                f"{office}: {(expected - told).total()} of {expected.total()} missing, {(told - expected).total()} "
                "more than there should be"
            )
    return found


def _done(one: OnStack, said: Callable[[str], None], until: float) -> bool:
    """Whether everything of the day is with its office; what cannot be asked, because it was killed, is not."""
    if time.monotonic() > until:
        raise TimeoutError(f"the day did not end in time; see {one.setting.folder}")
    with contextlib.suppress(OSError, SQLAlchemyError):
        now = one.progress(FIRST)
        said(str(now))
        one.answer_requests()
        return now.done and not one.at_work()
    return False


def _tries(one: OnStack) -> Counter[str]:
    found: Counter[str] = Counter()
    for task in _tasks(one):
        tries = task["try_number"]
        found[f"{tries} tries" if task["state"] == "success" and tries > 1 else task["state"]] += 1
    return found


def _tasks(one: OnStack) -> Iterator[dict[str, Any]]:
    offset = 0
    while page := one.airflow.get(f"dags/~/dagRuns/~/taskInstances?limit=100&offset={offset}")["task_instances"]:
        yield from page
        offset += len(page)


def _without_pdf(arrangements: Path) -> None:
    """A PDF is for people's eyes: lists that a program is to compare are asked for as workbooks."""
    for path in (arrangements / "offices").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("format: pdf", "format: xlsx"), encoding="utf-8")
