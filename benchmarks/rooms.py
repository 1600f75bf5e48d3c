"""A day of an installation by the rooms alone, without Airflow: each stage in processes of its own, and what it took.

Reach for `run_day` from a benchmark. Stages follow one another as Airflow would have them: pulled, linked, decided,
added up, urgent lists, lists. A stage's jobs are taken by its processes one after another, the largest country first.
"""

import datetime as dt
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.installation import Installation
from include.arrangements.models import Addressee
from include.settings import ROOT

STAGES = ("pull", "link", "decide", "add up", "urgent lists", "lists")


@dataclass(frozen=True)
class Took:
    """What a stage took. Memory is a process's peak (MiB): of the one that needed most, and after its first job."""

    stage: str
    jobs: int
    seconds: float
    longest: float
    """Seconds of the longest job: more processes cannot be faster than that."""
    cpu: float
    peak: int
    peak_after_first: int
    statements: int
    rows_written: int
    transactions: int
    told: int
    """Entries of lists that were made."""


@dataclass(frozen=True)
class _Done:
    seconds: float
    cpu: float
    peak: int
    statements: int
    rows_written: int
    transactions: int
    gave: Any


_counted = {"statements": 0, "rows_written": 0, "transactions": 0}


def run_day(installation: Installation, day: dt.date, processes: int) -> list[Took]:
    """Everything of `day`, from the sources' files to the offices' folders. The environment says whose ledger it is.

    raises: whatever a room raises; nothing is tried again
    """
    by_register = sorted(installation.countries, key=lambda country: -country.register)
    hosts = [country.code for country in by_register]
    keys = [(f"{host}|{day}",) for host in hosts]
    offices = sorted({office for country in installation.countries for office in country.offices})
    took = [
        _stage("pull", _pull, [(host, kind, day) for kind in ("asylum_procedure", "avr_cases") for host in hosts], processes),
        _stage("link", _link, keys, processes),
        _stage("decide", _decide, keys, processes),
    ]  # fmt: skip
    added_up = _stage("add up", _add_up, keys, processes)
    at_once = sorted({office for found in added_up[1] for office in found})
    return [
        *(one for one, _ in took),
        added_up[0],
        _stage("urgent lists", _urgent_list, [(office, day) for office in at_once], processes)[0],
        _stage("lists", _list, [(office, day) for office in offices], processes)[0],
    ]


@contextmanager
def servers(installation: Installation) -> Iterator[None]:
    """The SFTP and mail servers that the offices' lists go to, as processes of this machine."""
    setting = installation.setting
    with (setting.folder / "servers.log").open("wb") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "include.demo.servers", "--config", str(setting.servers)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        if not (started.stdout and started.stdout.readline()):
            sys.exit(f"the servers did not start; see {setting.folder / 'servers.log'}")
        yield
    finally:
        started.terminate()
        started.wait(10)


def open_addresses(processes: int) -> None:
    """Let every office, and every party of a framework, answer its test message, so that lists and views may go there."""
    _stage("addresses", _vouch, [(code,) for code in _everybody()], processes)


def _stage(name: str, work: Any, jobs: Sequence[tuple[Any, ...]], processes: int) -> tuple[Took, list[Any]]:
    begun = time.monotonic()
    done: list[_Done] = []
    # Each process begins anew: nothing of this one, and nothing of an earlier stage, is in its memory.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _count) as pool:
        futures = [pool.submit(_measured, work, job) for job in jobs]
        done += [future.result() for future in track(futures, name, transient=True)]
    took = Took(
        stage=name,
        jobs=len(jobs),
        seconds=time.monotonic() - begun,
        longest=max((one.seconds for one in done), default=0),
        cpu=sum(one.cpu for one in done),
        peak=max((one.peak for one in done), default=0),
        peak_after_first=done[0].peak if done else 0,
        statements=sum(one.statements for one in done),
        rows_written=sum(one.rows_written for one in done),
        transactions=sum(one.transactions for one in done),
        told=sum(one.gave for one in done if isinstance(one.gave, int)),
    )
    sys.stderr.write(f"{name}: {took.jobs} jobs, {took.seconds:.1f} s, {took.cpu:.1f} CPU seconds, {took.peak} MiB\n")
    return took, [one.gave for one in done]


def _count() -> None:
    """Count what this process says to the ledger."""
    import logging
    import warnings

    from sqlalchemy import Engine, event

    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")

    @event.listens_for(Engine, "before_cursor_execute")
    def statement(_connection, _cursor, text, given, _context, many) -> None:  # type: ignore[no-untyped-def]
        _counted["statements"] += 1
        if text.lstrip()[:6] in ("INSERT", "UPDATE", "DELETE"):
            _counted["rows_written"] += len(given) if many else 1

    @event.listens_for(Engine, "commit")
    def committed(_connection) -> None:  # type: ignore[no-untyped-def]
        _counted["transactions"] += 1


def _measured(work: Any, job: tuple[Any, ...]) -> _Done:
    from airflow.sdk._shared.secrets_masker import reset_secrets_masker

    before, begun, cpu = dict(_counted), time.monotonic(), _cpu()
    gave = work(*job)
    # As in a task's process, which does one job: what its log must hide is its own, and no pattern of all offices' keys.
    reset_secrets_masker()
    said: Mapping[str, int] = {what: count - before[what] for what, count in _counted.items()}
    return _Done(time.monotonic() - begun, _cpu() - cpu, peak_mib(), gave=gave, **said)


def _cpu() -> float:
    times = os.times()
    return times.user + times.system


def peak_mib() -> int:
    """The most memory that this process has had."""
    # Not getrusage: a process inherits its maximum from the one that started it.
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


def _pull(host: str, kind: str, day: dt.date) -> None:
    from include.sources import pull

    pull(host, kind, day)


def _link(key: str) -> None:
    from include.matching.partition import link_partition

    link_partition(key)


def _decide(key: str) -> None:
    from include.casework.partition import decide_partition

    decide_partition(key, dt.datetime.now(dt.UTC))


def _add_up(key: str) -> list[str]:
    from include.reports.day import check_day_adds_up, offices_to_tell_at_once

    check_day_adds_up(key, dt.datetime.now(dt.UTC))
    return offices_to_tell_at_once(key, dt.datetime.now(dt.UTC))


def _urgent_list(office: str, day: dt.date) -> int:
    from include.lists.compose import compose_urgent_list

    versions = _versions(office)
    return _make(office, lambda keys, now, approved: compose_urgent_list(versions, day, keys, now, approved))


def _list(office: str, day: dt.date) -> int:
    from zoneinfo import ZoneInfo

    from include.lists.compose import compose_list

    arrangement = _versions(office)[-1]
    due_at = dt.datetime.combine(day, arrangement.list.at, ZoneInfo(arrangement.timezone))
    return _make(office, lambda keys, now, approved: compose_list(arrangement, due_at, keys, now, approved))


def _make(office: str, compose: Any) -> int:
    """Make a list as its task does, a person letting it go where one is asked, and send it; entries told."""
    from include.connections import sealing_keys, send_lists
    from include.lists.compose import Approved, OutOfProportion

    keys, now = sealing_keys(_versions(office)[-1]), dt.datetime.now(dt.UTC)
    try:
        _, counts = compose(keys, now, None)
    except OutOfProportion as asked:
        _, counts = compose(keys, now, Approved(asked.figures.as_dict(), "benchmark", now))
    send_lists(office)
    return sum(counts.values())


def _vouch(code: str) -> None:
    from include.connections import admitted
    from include.ledger import recipients
    from include.ledger.engine import writing

    to = _everybody()[code]
    for channel in to.deliver:
        admitted(to, channel)
    with writing() as session:
        recipients.confirm(session, code, None, "benchmark", dt.datetime.now(dt.UTC))


def _everybody() -> dict[str, Addressee]:
    from include.arrangements.framework import PARTIES, AddressedParty
    from include.arrangements.reading import load_frameworks, load_offices
    from include.settings import arrangements_folder

    offices, frameworks = (load(arrangements_folder())[0] for load in (load_offices, load_frameworks))
    parties = [AddressedParty(versions[-1], party) for versions in frameworks.values() for party in PARTIES]
    return {to.code: to for to in (*(versions[-1] for versions in offices.values()), *parties)}


def _versions(office: str) -> Any:
    from include.arrangements.reading import load_offices
    from include.settings import arrangements_folder

    return load_offices(arrangements_folder())[0][office]
