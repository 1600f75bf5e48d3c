"""A day of many host countries in the whole stack, while its parts are killed: has every office the same as without?

Reach for `a_day` to run one, quiet or with faults, and for `differences` to set one beside the other. Faults come from
a seeded `Random`, so that a run can be told again; when they meet which task is the machine's affair.
"""

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from sqlalchemy.exc import SQLAlchemyError

from benchmarks.installation import FIRST, build
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
BETWEEN = (10.0, 40.0)
"""Seconds between two faults."""
AWAY = (0.5, 20.0)
"""Seconds until what was killed is started again."""
_FROM_ITS_OWN_CLOCK = ("entry", "list_number")
"""What differs between two lists that say the same."""


@dataclass(frozen=True)
class Size:
    """How much there is to do."""

    countries: int
    offices: int
    cases: int
    register: int


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


class Faults(threading.Thread):
    """Kills one part after the other, and starts each again after a while, until it is told to stop."""

    def __init__(self, stack: Stack, chance: Random, said: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self.killed: Counter[str] = Counter()
        self.failed: BaseException | None = None
        self._stack, self._chance, self._said = stack, chance, said
        self._over = threading.Event()

    def run(self) -> None:
        try:
            while not self._over.wait(self._chance.uniform(*BETWEEN)):
                (victim,) = self._chance.choices(list(VICTIMS), list(VICTIMS.values()))
                away = self._chance.uniform(*AWAY)
                self._said(f"{victim} is killed, and away for {away:.0f} s")
                self._stack.kill(victim)
                self.killed[victim] += 1
                self._over.wait(away)
                self._stack.restart(victim)
        except BaseException as error:  # shown by whoever waits for the day
            self.failed = error

    def end(self) -> None:
        """Stop, with everything running again."""
        self._over.set()
        self.join()
        if self.failed:
            raise self.failed


def a_day(
    folder: Path,
    size: Size,
    chance: Random | None,
    said: Callable[[str], None] = lambda _: None,
    minutes: float = 60,
) -> Day:
    """Let a day pass, from the sources' files to the offices' folders and mailboxes; with faults if there is `chance`.

    raises: TimeoutError if it does not end in `minutes`
    """
    installation = build(folder, size.countries, size.offices, size.cases, size.register)
    _without_pdf(installation.setting.arrangements)
    hosts = [country.code for country in installation.countries]
    with OnStack(installation.setting, hosts, folder / "stack", said) as one:
        one.open_addresses(said)
        begun = time.monotonic()
        faults = Faults(one.stack, chance, said) if chance else None
        if faults:
            faults.start()
        try:
            _wait(one, said, begun + minutes * 60)
        finally:
            if faults:
                faults.end()
        # What was killed last may have left something to do.
        _wait(one, said, begun + minutes * 60)
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
    for found in received:
        if found.opened:
            entries = found.opened.entries.drop(columns=list(_FROM_ITS_OWN_CLOCK))
            lines = entries.itertuples(index=False, name=None)
            day.told.setdefault(found.office, Counter()).update(lines)
    return day


def differences(quiet: Day, other: Day) -> list[str]:
    """What an office was told on one of the days and not on the other, or more often: counts, and no names."""
    found = []
    for office in sorted({*quiet.told, *other.told}):
        expected, told = quiet.told.get(office, Counter()), other.told.get(office, Counter())
        if expected != told:
            found.append(
                f"{office}: {(expected - told).total()} of {expected.total()} missing, {(told - expected).total()} "
                "more than there should be"
            )
    return found


def _wait(one: OnStack, said: Callable[[str], None], until: float) -> None:
    while not _done(one, said):
        if time.monotonic() > until:
            raise TimeoutError("the day did not end in time")
        time.sleep(2)


def _done(one: OnStack, said: Callable[[str], None]) -> bool:
    """Whether everything of the day is with its office; what cannot be asked, because it was killed, is not."""
    with contextlib.suppress(OSError, SQLAlchemyError):
        now = one.progress(FIRST)
        said(str(now))
        one.airflow.keep_alive()
        one.answer_requests()
        return now.done and not one.at_work()
    return False


def _tries(one: OnStack) -> Counter[str]:
    found: Counter[str] = Counter()
    for task in _tasks(one):
        tries = task["try_number"]
        found[f"{tries} tries" if task["state"] == "success" and tries > 1 else task["state"]] += 1
    return found


def _tasks(one: OnStack) -> Iterator[dict[str, object]]:
    offset = 0
    while page := one.airflow.get(f"dags/~/dagRuns/~/taskInstances?limit=100&offset={offset}")["task_instances"]:
        yield from page
        offset += len(page)


def _without_pdf(arrangements: Path) -> None:
    """A PDF is for people's eyes: lists that a program is to compare are asked for as workbooks."""
    for path in (arrangements / "offices").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("format: pdf", "format: xlsx"), encoding="utf-8")
