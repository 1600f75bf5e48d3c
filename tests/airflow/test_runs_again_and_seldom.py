"""Runs that are cleared, lost, or seldom, under the same Airflow, after everything else: they take away what others see."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import select

from include.ledger.engine import reading
from include.ledger.models import Delivery, List
from tests.airflow.test_main_job import received, runs, wait_until

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]


def test_a_day_that_is_run_again_delivers_nothing_twice(demo):
    before = received(demo)
    # What *watch* finds is not wrong with the day: a concern near the departure keeps it red.
    dags = [dag["dag_id"] for dag in demo.airflow.get("dags?limit=100")["dags"]]
    dags = [dag_id for dag_id in dags if dag_id not in ("sweep", "watch")]
    for dag_id in dags:
        for run in runs(demo, dag_id):
            path = f"dags/{dag_id}/dagRuns/{run['dag_run_id']}/clear"
            demo.airflow.request("POST", path, {"dry_run": False, "only_failed": False})
    wait_until(
        demo, lambda: all(run["state"] not in ("queued", "running") for dag_id in dags for run in runs(demo, dag_id))
    )
    assert {run["state"] for dag_id in dags for run in runs(demo, dag_id)} == {"success"}
    assert received(demo) == before
    with reading(demo.setting.ledger) as session:
        assert {delivery.state for delivery in session.scalars(select(Delivery))} == {"delivered"}
        assert {sealed.state for sealed in session.scalars(select(List))} == {"told"}


def test_the_sweep_starts_what_airflow_forgot(demo):
    """Forget one partition as Airflow might: its reconciliation and the run that made it are gone."""
    host, day = demo.world.hosts[0], demo.days[-1]
    key = f"{host}|{day}"
    ledger = sqlite3.connect(demo.setting.folder / "data" / "ledger.db", timeout=60)
    with ledger:
        ledger.execute("UPDATE extract SET accepted_at = '2026-01-01 00:00:00.000000'")
        ledger.execute("DELETE FROM reconciliation WHERE host_country = ? AND day = ?", (host, day.isoformat()))
    ledger.close()
    for run in runs(demo, "reconcile_cases"):
        if run["partition_key"] == key:
            demo.airflow.request("DELETE", f"dags/reconcile_cases/dagRuns/{run['dag_run_id']}")
    assert not any(run["partition_key"] == key for run in runs(demo, "reconcile_cases"))
    demo.airflow.request("POST", "dags/sweep/dagRuns", {"logical_date": None})

    def again() -> bool:
        return any(run["partition_key"] == key and run["state"] == "success" for run in runs(demo, "reconcile_cases"))

    wait_until(demo, again)
    assert Path(demo.setting.folder / "data" / "heartbeat").exists()


def run_now(demo, dag_id: str) -> str:
    """Start a run by hand and wait for its end; its state."""
    started = demo.airflow.request("POST", f"dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"]

    def state() -> str:
        (found,) = [run["state"] for run in runs(demo, dag_id) if run["dag_run_id"] == started]
        return found

    wait_until(demo, lambda: state() not in ("queued", "running"))
    return state()


def test_the_review_of_the_last_quarter_is_made_and_kept(demo):
    assert run_now(demo, "review_cooperation") == "success"
    kept = {path.suffix for path in (demo.setting.folder / "data" / "reviews").rglob("*") if path.is_file()}
    assert {".pdf", ".csv"} <= kept


def test_a_night_removes_the_extracts_of_days_that_are_over_and_keeps_the_newest(demo):
    def days() -> set[str]:
        landed = [path for path in (demo.setting.folder / "data" / "landing").rglob("*") if path.is_file()]
        return {part for path in landed for part in path.parts} & {day.isoformat() for day in demo.days}

    assert days() == {day.isoformat() for day in demo.days}
    assert run_now(demo, "retain_records") == "success"
    assert days() == {demo.days[-1].isoformat()}
