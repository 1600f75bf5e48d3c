"""Parsing the DAG files with 150 arrangement files, beside the same DAGs written out by hand in one Python file.

`python -m benchmarks.parsing` parses each side in a process of its own, in turns, as Airflow's DAG processor does.
Airflow itself is imported before the clock starts, which counts the processor's time. By hand, a schedule is a line of cron, and nothing is read.
"""

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.installation import COUNTRIES, OFFICES, host_countries, write_arrangements
from benchmarks.results import save
from include.arrangements.framework import PARTIES
from include.arrangements.models import Arrangement
from include.arrangements.reading import load_frameworks, load_offices
from include.settings import ROOT

ROUNDS = 7
_PARSE = """
import json, sys, time
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, DeadlineAlert, PartitionedAssetTimetable, dag, task
from airflow.serialization.serialized_objects import DagSerialization
begun = time.process_time()
bag = DagBag(dag_folder=sys.argv[1])
parsed = time.process_time()
for one in bag.dags.values():
    DagSerialization.to_dict(one)
done = time.process_time()
print(json.dumps({"errors": bag.import_errors, "dags": len(bag.dags), "parsed": parsed - begun, "kept": done - parsed}))
"""
_HEAD = """
from datetime import UTC, datetime, timedelta
from airflow.sdk import CronTriggerTimetable, DeadlineAlert, DeadlineReference, SyncCallback, dag, task
from include.alerts import list_is_late
from include.assets import avr_cases, lists_of, standings
from include.operators import ComposeList, MakeView

settings = {"owner": "data-engineering", "retries": 5, "retry_delay": timedelta(seconds=30),
            "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=30)}
"""
_LISTS = """
@dag(dag_id="deliver_lists__{office}", dag_display_name="Deliver lists · {name}", tags=["deliver", {hosts}],
     schedule=CronTriggerTimetable("0 9 * * {days}", timezone="{timezone}"), start_date=datetime(2026, 1, 1, tzinfo=UTC),
     catchup=True, max_active_runs=1, doc_md="### Deliver lists", default_args=settings,
     deadline=DeadlineAlert(reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=timedelta(minutes=150),
                            callback=SyncCallback(list_is_late, {{"office": "{office}"}})))
def deliver_{number}():
    @task(outlets=[lists_of("{office}")], execution_timeout=timedelta(hours=1))
    def send():
        from include.connections import send_lists
        return send_lists("{office}")
    ComposeList(task_id="compose", office="{office}", inlets=[standings]) >> send()
deliver_{number}()
"""
_REJECTED = """
@dag(dag_id="report_rejected__{office}", dag_display_name="Report rejected · {name}", tags=["report", {hosts}],
     schedule=CronTriggerTimetable("0 11 3 * *", timezone="{timezone}"), start_date=datetime(2026, 1, 1, tzinfo=UTC),
     catchup=True, max_active_runs=1, doc_md="### Report rejected", default_args=settings)
def report_{number}():
    @task(execution_timeout=timedelta(hours=2))
    def publish(data_interval_end=None, dag_run=None):
        from include.connections import publish_rejected
        return publish_rejected("{office}", data_interval_end or dag_run.run_after, datetime.now(UTC))
    @task(execution_timeout=timedelta(hours=1))
    def send():
        from include.connections import send_papers
        return send_papers("{office}/rejected")
    publish() >> send()
report_{number}()
"""
_VIEWS = """
@dag(dag_id="report_afghan_framework__{host}__{party}", dag_display_name="Afghans from {host} · {party}",
     tags=["framework", "{host}"], schedule=CronTriggerTimetable("0 14 * * 1,2,4", timezone="{timezone}"),
     start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=True, max_active_runs=1, doc_md="### Report",
     default_args=settings)
def view_{host}_{party}():
    @task(retries=48)
    def send():
        from include.connections import send_views
        return send_views("{host}", "{party}")
    MakeView(task_id="make", host_country="{host}", party="{party}", inlets=[avr_cases]) >> send()
view_{host}_{party}()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--offices", type=int, default=OFFICES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arrangements = folder / "arrangements"
        countries = min(COUNTRIES, given.offices * COUNTRIES // OFFICES)
        write_arrangements(arrangements, host_countries(countries, given.offices), folder / "sources")
        per_office = ("deliver_lists", "report_rejected", "report_afghan_framework")
        sides = {
            "lists: one DAG file, an arrangement for each office": [ROOT / "dags" / "deliver_lists.py"],
            "lists: written out": [_written(folder / "lists.py", arrangements, lists_alone=True)],
            "all for offices: three DAG files": [ROOT / "dags" / f"{file}.py" for file in per_office],
            "all for offices: written out": [_written(folder / "all.py", arrangements, lists_alone=False)],
        }
        measured: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
        for number in range(given.rounds + 1):
            for side, paths in sides.items():
                found = _parsed(paths, folder, arrangements)
                if number:  # the first one compiles
                    measured[side].append(found)
    rows, peer = [], ""
    for side in reversed(sides):
        seconds = {step: statistics.median(one[step] for one in measured[side]) for step in ("parsed", "kept")}
        peer = side if "written out" in side else peer
        by_hand = statistics.median(one["parsed"] for one in measured[peer])
        rows.insert(
            0,
            {
                "what": side,
                "DAGs": measured[side][0]["dags"],
                "parsed, CPU seconds": f"{seconds['parsed']:.3f}",
                "ratio": f"{seconds['parsed'] / by_hand:.2f}",
                "then serialised for Airflow's database": f"{seconds['kept']:.3f}",
            },
        )
    title = f"{given.offices} offices, Airflow's import aside, median of {given.rounds}"
    save("parsing", {title: rows}, {"airflow": importlib.metadata.version("apache-airflow")}, Console())


def _written(path: Path, arrangements: Path, *, lists_alone: bool) -> Path:
    """The DAGs for these arrangements as a person would write each of them out."""
    text = [_HEAD]
    for number, versions in enumerate(load_offices(arrangements)[0].values()):
        values = _values(versions[-1], number)
        text += [_LISTS.format(**values)] + ([] if lists_alone else [_REJECTED.format(**values)])
    for host, agreements in ({} if lists_alone else load_frameworks(arrangements)[0]).items():
        zone = agreements[-1].timezone
        text += [_VIEWS.format(host=host, party=party, timezone=zone) for party in PARTIES]
    path.write_text("".join(text), encoding="utf-8")
    return path


def _values(arrangement: Arrangement, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "office": arrangement.office,
        "name": arrangement.name,
        "hosts": ", ".join(f'"{host}"' for host in arrangement.host_countries),
        "days": ",".join(arrangement.list.days),
        "timezone": arrangement.timezone,
    }


def _parsed(paths: Sequence[Path], home: Path, arrangements: Path) -> dict[str, Any]:
    """Seconds of each step and the number of DAGs, over these files, each parsed in a process of its own."""
    # Airflow keeps what Python compiled; a parse that compiles anew is no parse of a day.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = kept | {
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AVR_ARRANGEMENTS": str(arrangements),
        "PYTHONPATH": str(ROOT),
    }
    found = {"dags": 0, "parsed": 0.0, "kept": 0.0}
    for path in paths:
        done = subprocess.run(
            [sys.executable, "-c", _PARSE, path], env=environment, check=True, capture_output=True, text=True
        )
        seen = json.loads(done.stdout.splitlines()[-1])
        if seen.pop("errors"):
            sys.exit(f"{path.name} does not parse:\n{done.stdout}{done.stderr}")
        found = {step: found[step] + seen[step] for step in found}
    return found


if __name__ == "__main__":
    main()
