"""The runs of a framework, as Airflow has them: by the agreement's clock, and started or held up by nothing else."""

import json
import os
import subprocess
import sys

import pendulum
import pytest
from airflow.sdk.exceptions import AirflowSkipException
from framework_timetable import FrameworkTimetable

from include.arrangements.framework import PARTIES
from include.operators import MakeView
from include.settings import ROOT
from tests.arrangements.test_frameworks import EXAMPLE, agreed
from tests.plugins.test_timetables import runs

DAGS = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag()
found = {}
for dag in bag.dags.values():
    if not dag.dag_id.startswith("report_afghan_framework"):
        continue
    found[dag.dag_id] = {
        "timetable": type(dag.timetable).__name__,
        "partitioned": bool(getattr(dag.timetable, "partitioned", False)),
        "assets": [str(asset) for asset in dag.timetable.asset_condition.iter_assets()],
        "inlets": [inlet.name for task in dag.tasks for inlet in task.inlets],
        "outlets": [str(outlet) for task in dag.tasks for outlet in task.outlets],
        "upstream": {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks},
        "operators": sorted(type(task).__name__ for task in dag.tasks),
        "serialized": str(dag.timetable.serialize()),
    }
print(json.dumps({"errors": bag.import_errors, "dags": found}))
"""


@pytest.fixture(scope="module")
def dags(tmp_path_factory) -> dict:
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run([sys.executable, "-c", DAGS], env=environment, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["errors"] == {}
    return seen["dags"]


def test_each_party_has_a_dag_of_its_own_that_no_asset_starts_and_that_waits_for_no_other(dags):
    assert set(dags) == {f"report_afghan_framework__GRC__{party}" for party in PARTIES}
    for dag in dags.values():
        assert dag["timetable"] == "FrameworkTimetable"
        assert dag["assets"] == []
        assert dag["inlets"] == ["avr_cases"]
        assert dag["outlets"] == []
        assert dag["upstream"] == {"make": [], "send": ["make"]}
        assert "MakeView" in dag["operators"]


def test_a_run_comes_on_the_agreements_days_whatever_else_happens():
    found = runs(FrameworkTimetable([agreed()]), count=3)
    assert [info.run_after.isoformat() for info in found] == [
        "2026-11-02T12:00:00+00:00",
        "2026-11-05T12:00:00+00:00",
        "2026-11-09T12:00:00+00:00",
    ]
    assert len({info.logical_date for info in found}) == 3


@pytest.mark.parametrize("more", [{}, {"periods": None, "flights": {"dates": ["2026-11-10"], "days_before": [1]}}])
def test_the_scheduler_sees_the_same_days_and_nothing_of_recipients_or_keys(more):
    timetable = FrameworkTimetable([agreed(**more)])
    told = json.dumps(timetable.serialize())
    again = FrameworkTimetable.deserialize(json.loads(told))
    assert [info.run_after for info in runs(again)] == [info.run_after for info in runs(timetable)]
    assert "sftp_afg" not in told
    assert "fingerprint" not in told
    assert "Kabul" not in told


def test_where_no_agreement_is_in_force_the_run_is_skipped_and_says_so(ledger, tmp_path, monkeypatch):
    (tmp_path / "frameworks" / "afg").mkdir(parents=True)
    monkeypatch.setenv("AVR_ARRANGEMENTS", str(tmp_path))
    make = MakeView(task_id="make", host_country="GRC", party="origin")
    context = {"data_interval_end": pendulum.datetime(2026, 11, 2, 12)}
    with pytest.raises(AirflowSkipException, match=r"^There is no good agreement on Afghans from GRC"):
        make.execute(context)
    ended = EXAMPLE.replace("until: 2027-10-31", "until: 2026-11-01")
    (tmp_path / "frameworks" / "afg" / "GRC.yaml").write_text(ended)
    with pytest.raises(AirflowSkipException, match=r"is in force on 2026-11-02: nothing is sent to any party\.$"):
        make.execute(context)


def test_neither_the_sweep_nor_its_like_sends_a_view():
    from include import connections

    assert not [code for code in connections.addressees() if code.startswith("AFG-")]
