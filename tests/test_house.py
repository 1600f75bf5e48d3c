"""The house rules that a machine can check."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from include.settings import ROOT

ROOMS = [path.parent for path in sorted((ROOT / "include").glob("*/__init__.py")) if path.parent.name != "demo"]


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_no_room_imports_airflow(room):
    for path in room.rglob("*.py"):
        assert not {name for name in imports(path) if name.split(".")[0] == "airflow"}, path


def test_only_the_ledger_room_knows_how_to_write_the_database():
    for path in (ROOT / "include").rglob("*.py"):
        if "ledger" not in path.parts and "demo" not in path.parts:
            assert not {name for name in imports(path) if name.startswith("sqlalchemy") and name != "sqlalchemy.orm"}, (
                path
            )


def test_every_dag_parses_explains_itself_and_retries(tmp_path):
    code = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag()
print(json.dumps({"errors": bag.import_errors, "dags": {
    dag.dag_id: [bool(dag.doc_md), sorted(dag.tags), [t.owner for t in dag.tasks], [t.retries for t in dag.tasks],
                 bool(dag.template_searchpath)] for dag in bag.dags.values()}}))
"""
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["errors"] == {}
    named = {
        "pull_extracts",
        "reconcile_cases",
        "sweep",
        "deliver_lists__GRC-ATH",
        "review_cooperation",
        "report_rejected__GRC-ATH",
        "report_afghan_framework__GRC__origin",
        "retain_records",
    }
    assert named <= set(seen["dags"])
    for dag_id, (explained, tags, owners, retries, _) in seen["dags"].items():
        assert explained, dag_id
        assert tags, dag_id
        assert set(owners) == {"data-engineering"}, dag_id
        assert min(retries) >= 1, dag_id


def test_parsing_a_dag_file_imports_nothing_heavy_and_connects_to_nothing(tmp_path):
    code = """
import json, sys
from pathlib import Path
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, DeadlineAlert, PartitionedAssetTimetable
connected, seen = [], {}
sys.addaudithook(lambda event, given: event in (
    "socket.connect", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen") and connected.append(event))
for path in sorted(Path(sys.argv[1]).glob("*.py")):
    before = set(sys.modules)
    bag = DagBag(dag_folder=path)
    seen[path.name] = {"dags": len(bag.dags), "errors": bag.import_errors, "connected": connected[:],
                       "imported": sorted(set(sys.modules) - before)}
    connected.clear()
print(json.dumps(seen))
"""
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", code, ROOT / "dags"], env=environment, capture_output=True, text=True, check=True
    )
    heavy = {"pandas", "numpy", "pyarrow", "duckdb", "rigour", "icu", "pandera", "paramiko", "pysequoia", "pyrage",
             "holidays", "xlsxwriter", "openpyxl", "typst", "highspy"}  # fmt: skip
    for file, seen in json.loads(done.stdout.splitlines()[-1]).items():
        assert seen["dags"] >= 1, (file, seen["errors"])
        assert seen["connected"] == [], file
        assert heavy.isdisjoint(name.partition(".")[0] for name in seen["imported"]), file
        # What opens the ledger and makes lists is a task's.
        assert not [name for name in seen["imported"] if name.startswith(("include.ledger", "include.lists"))], file


def test_the_containers_settings_are_ones_that_airflow_knows():
    from airflow import configuration

    known = configuration.retrieve_configuration_description(include_providers=True)
    stack = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    named = {name for service in stack["services"].values() for name in service.get("environment", {})}
    settings = [name.removeprefix("AIRFLOW__").split("__") for name in named if name.startswith("AIRFLOW__")]
    assert len(settings) > 10
    for section, option in settings:
        plain = option.lower().removesuffix("_cmd")
        described = known[section.lower()]["options"][plain]
        assert plain == option.lower() or described.get("sensitive"), "only a secret may be a command's answer"


def test_every_secret_of_a_container_is_declared_and_explained():
    stack = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    used = {secret for service in stack["services"].values() for secret in service.get("secrets", [])}
    assert used == set(stack["secrets"])
    page = (ROOT / "docs" / "deployment.md").read_text()
    assert [name for name, secret in stack["secrets"].items() if f"`{secret['file'][8:]}`" not in page] == []
