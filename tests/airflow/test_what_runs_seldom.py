"""What runs seldom, under the same Airflow, after everything else: it removes what other tests look at."""

import pytest

from tests.airflow.test_main_job import runs, wait_until

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]


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
