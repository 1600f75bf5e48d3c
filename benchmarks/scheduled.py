"""A day of an installation under a real Airflow: how many tasks, how long, and what its database has to bear.

Reach for `run_scheduled` from a benchmark. The DAGs run by their own timetables, catching up one day; then as many
empty tasks go through the same Airflow.
"""

import contextlib
import datetime as dt
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import psutil
from rich.console import Console
from sqlalchemy import create_engine

from include.demo.airflow import Airflow
from include.demo.setting import Setting
from include.ledger.engine import reading
from include.ledger.models import Delivery, Reconciliation
from include.settings import ROOT

HOURLY = ("sweep", "watch", "collect_responses", "clear_notices")
PATIENCE = dt.timedelta(hours=3)
_EMPTY = """
from datetime import UTC, datetime
from airflow.sdk import dag, task

@dag(dag_id="empty", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), doc_md="Nothing", tags=["benchmark"])
def empty():
    @task
    def nothing(number: int) -> None: ...
    nothing.expand(number=list(range({count})))

empty()
"""


@dataclass(frozen=True)
class Scheduled:
    """What a day took under Airflow."""

    backend: str
    workers: int
    seconds: float
    tasks: Counter[str]
    """Tasks that a process was started for, by DAG family, in the runs that there were."""
    runs: Counter[str]
    empty_seconds: float
    empty_tasks: int
    transactions: int | None
    """Of Airflow's database, meanwhile; None on SQLite."""
    rows_written: int | None
    connections: int | None
    peaks: dict[str, int]
    """The most memory (MiB) of each part, and of one task's process."""
    failed: int

    def tasks_of_a_day(self) -> dict[str, int]:
        """By DAG family: what ran once in the benchmark and runs every hour counts twenty-four times."""
        return {
            family: round(count / self.runs[family] * 24) if family in HOURLY else count
            for family, count in sorted(self.tasks.items())
        }


def run_scheduled(
    setting: Setting, day: dt.date, hosts: int, backend: str, workers: int, console: Console
) -> Scheduled:
    """Let Airflow catch up `day`; the ledger in the environment is to have its addresses open, and the day before.

    raises: TimeoutError if the day is not done in time; AirflowDied
    """
    home = setting.folder / f"airflow-{backend}-{workers}"
    dags = home / "dags"
    dags.mkdir(parents=True)
    for path in (ROOT / "dags").glob("*.py"):
        (dags / path.name).symlink_to(path)
    environment = setting.environment | {
        "AVR_LEDGER": setting.ledger,
        "AVR_FROM": day.isoformat(),
        "AVR_UNTIL": day.isoformat(),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "200",
        "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "200",
    }
    airflow = Airflow(home, environment, workers)
    without = patch("include.demo.airflow.binaries", return_value=None) if backend == "sqlite" else None
    with without or contextlib.nullcontext():
        try:
            airflow.start(console.print)
            expected = _parsed(airflow, console)
            load = _Load(airflow)
            peaks: dict[str, int] = {}
            begun = time.monotonic()
            airflow.request("PATCH", f"dags?dag_id_pattern={quote('%')}", {"is_paused": False})
            for _ in _until(lambda: _done(airflow, setting.ledger, day, hosts), airflow):
                _look(airflow, peaks)
                _let_go(airflow)
            seconds = time.monotonic() - begun
            transactions, rows, connections = load.since()
            tasks, runs, failed = _tasks(airflow)
            console.print(f"{expected} DAGs, {sum(tasks.values())} tasks in {seconds:.0f} s; as many empty ones …")
            airflow.request("PATCH", f"dags?dag_id_pattern={quote('%')}", {"is_paused": True})
            empty_seconds = _empty(airflow, dags, sum(tasks.values()))
        finally:
            airflow.stop()
    count = sum(tasks.values())
    return Scheduled(
        backend, workers, seconds, tasks, runs, empty_seconds, count, transactions, rows, connections, peaks, failed
    )


def _parsed(airflow: Airflow, console: Console) -> int:
    """The number of DAGs, once it does not grow any more."""
    seen, since = 0, time.monotonic()
    while time.monotonic() - since < 45 or not seen:
        airflow.keep_alive()
        if (now := airflow.get("dags?limit=1")["total_entries"]) != seen:
            seen, since = now, time.monotonic()
        time.sleep(2)
    console.print(f"{seen} DAGs are known to Airflow")
    return seen


def _until(done: Any, airflow: Airflow) -> Iterator[None]:
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done in {PATIENCE}; look at {airflow.home}")
        airflow.keep_alive()
        yield
        time.sleep(2)


def _done(airflow: Airflow, ledger: str, day: dt.date, hosts: int) -> bool:
    """Whether every host country is reconciled, nothing waits to be sent, and no run of a day's DAG is under way."""
    with reading(ledger) as session:
        reconciled = session.query(Reconciliation).filter(
            Reconciliation.day == day, Reconciliation.added_up_at.is_not(None)
        )
        if reconciled.count() < hosts or session.query(Delivery).filter(Delivery.state != "delivered").count():
            return False
    running = airflow.get("dags/~/dagRuns?state=queued&state=running&limit=100")["dag_runs"]
    return not [run for run in running if run["dag_id"] not in (*HOURLY, "retain_records", "watch_seals")]


def _let_go(airflow: Airflow) -> None:
    """Let every list and case go that waits for a person, once its task has had time to park."""
    asked = airflow.get("dags/~/dagRuns/~/hitlDetails?response_received=false&limit=100")["hitl_details"]
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=8)
    for request in asked:
        if dt.datetime.fromisoformat(request["created_at"]) < long_ago:
            task = request["task_instance"]
            run = f"dags/{task['dag_id']}/dagRuns/{quote(task['dag_run_id'])}"
            path = f"{run}/taskInstances/{task['task_id']}/{task['map_index']}/hitlDetails"
            airflow.request("PATCH", path, {"chosen_options": request["options"][:1], "params_input": {}})


def _tasks(airflow: Airflow) -> tuple[Counter[str], Counter[str], int]:
    """Tasks that ran (that a process had), runs, and tasks that failed in the end, by DAG family."""
    tasks: Counter[str] = Counter()
    runs: Counter[str] = Counter()
    failed = 0
    with _database(airflow) as connection:
        ran = "SELECT dag_id, count(*) FROM task_instance WHERE pid IS NOT NULL GROUP BY dag_id"
        for dag_id, count in connection.exec_driver_sql(ran):
            tasks[dag_id.partition("__")[0]] += count
        for dag_id, count in connection.exec_driver_sql("SELECT dag_id, count(*) FROM dag_run GROUP BY dag_id"):
            runs[dag_id.partition("__")[0]] += count
        failed = connection.exec_driver_sql("SELECT count(*) FROM task_instance WHERE state = 'failed'").scalar() or 0
    return tasks, runs, int(failed)


def _empty(airflow: Airflow, dags: Path, count: int) -> float:
    """Seconds that `count` empty tasks take."""
    (dags / "empty.py").write_text(_EMPTY.format(count=count), encoding="utf-8")
    for _ in _until(lambda: airflow.get("dags?dag_id_pattern=empty")["total_entries"], airflow):
        pass
    airflow.request("PATCH", "dags/empty", {"is_paused": False})
    begun = time.monotonic()
    run = airflow.request("POST", "dags/empty/dagRuns", {"logical_date": None})["dag_run_id"]
    path = f"dags/empty/dagRuns/{quote(run)}"
    for _ in _until(lambda: airflow.get(path)["state"] not in ("queued", "running"), airflow):
        pass
    return time.monotonic() - begun


@contextlib.contextmanager
def _database(airflow: Airflow) -> Iterator[Any]:
    opened = create_engine(airflow.database)
    try:
        with opened.connect() as connection:
            yield connection
    finally:
        opened.dispose()


class _Load:
    """What Airflow's database did since this was made."""

    def __init__(self, airflow: Airflow) -> None:
        self._airflow = airflow
        self._before = self._now()

    def since(self) -> tuple[int | None, int | None, int | None]:
        """Transactions, rows written, and connections that are open now."""
        now = self._now()
        if now is None or self._before is None:
            return None, None, None
        return now[0] - self._before[0], now[1] - self._before[1], now[2]

    def _now(self) -> tuple[int, int, int] | None:
        if not self._airflow.database.startswith("postgresql"):
            return None
        with _database(self._airflow) as connection:
            row = connection.exec_driver_sql(
                "SELECT xact_commit + xact_rollback, tup_inserted + tup_updated + tup_deleted, numbackends "
                "FROM pg_stat_database WHERE datname = current_database()"
            ).one()
        return int(row[0]), int(row[1]), int(row[2])


def _look(airflow: Airflow, peaks: dict[str, int]) -> None:
    """Note how much memory each part of Airflow holds, and the largest process of a task."""
    for name, part in airflow._parts.items():
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(part.pid)
            peaks[name] = max(peaks.get(name, 0), process.memory_info().rss >> 20)
            if name == "scheduler":
                for child in process.children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        peaks["a task"] = max(peaks.get("a task", 0), child.memory_info().rss >> 20)
