"""No alert without its page, no page without its alert; and Airflow's silence is heard from outside."""

import datetime as dt
import json
import os
import re
import subprocess
import sys

import pytest
from sqlalchemy.exc import InternalError, OperationalError

from include.__main__ import main
from include.heartbeat import leave_heartbeat
from include.ledger import intake
from include.ledger.engine import writing
from include.reports.quarantine import QuarantineSpike, check_quarantine
from include.runbook import BY_ERROR, BY_TASK, Page, page_of
from include.settings import ROOT
from tests.ledger.world import MONDAY, MORNING, TUESDAY

FOLDER = ROOT / "docs" / "runbook"
SECTIONS = [
    "What it means for the people on the lists",
    "How to see it",
    "What to do, in order",
    "When to telephone the office",
    "How you know that it is over",
]


def test_the_pages_are_those_that_alerts_can_name_and_the_index_has_each():
    pages = {f"docs/runbook/{path.name}" for path in FOLDER.glob("*.md")}
    assert pages == set(Page)
    listed = re.findall(r"^\| \[(.+)\]\((.+)\)", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert {f"docs/{path}" for _, path in listed} == pages
    assert [title for title, path in listed if not (ROOT / "docs" / path).read_text().startswith(f"# {title}\n")] == []


@pytest.mark.parametrize("page", list(Page), ids=lambda page: page.name.lower())
def test_each_page_says_what_it_means_what_to_do_and_when_it_is_over(page):
    text = (ROOT / page).read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert re.search(r"^(Sent|Named) by", text, re.MULTILINE), "which alert names it"


def test_each_page_is_named_by_an_alert():
    sent = "".join(path.read_text() for path in (ROOT / "include").glob("*.py") if path.name != "runbook.py")
    mailed = {Page[name] for name in re.findall(r"\bPage\.([A-Z_]+)", sent)}
    assert mailed | set(BY_TASK.values()) | set(BY_ERROR.values()) == set(Page)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """Every DAG with its tasks, as Airflow has them, each DAG of an office or party under the name of its kind."""
    code = """
import json
from airflow.dag_processing.dagbag import DagBag
print(json.dumps({dag.dag_id: [task.task_id for task in dag.tasks] for dag in DagBag().dags.values()}))
"""
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    found = {}
    for dag_id, of_dag in json.loads(done.stdout.splitlines()[-1]).items():
        found.setdefault(dag_id.partition("__")[0], set()).update(of_dag)
    return found


def test_every_task_has_a_page_and_no_page_is_for_a_task_that_is_not_there(tasks):
    assert len(tasks) > 10
    for dag_id, of_dag in tasks.items():
        for task_id in of_dag:
            assert (ROOT / page_of(f"{dag_id}__GRC-ATH", task_id)).exists()
    there = {*tasks, *(f"{dag_id}.{task_id}" for dag_id, of_dag in tasks.items() for task_id in of_dag)}
    assert set(BY_TASK) <= there


def test_an_error_names_its_page_whatever_task_it_befalls():
    down, damaged = OperationalError("", {}, Exception("gone")), InternalError("", {}, Exception("invalid page"))
    assert page_of("pull_extracts", "pull_cases", down) == Page.DATABASE_DOWN
    assert page_of("watch", "measure", damaged) == Page.RESTORE
    assert page_of("deliver_lists__GRC-ATH", "send", RuntimeError("red")) == Page.DELIVERY_REFUSED
    there = "".join(path.read_text() for path in (ROOT / "include").rglob("*.py") if path.name != "runbook.py")
    ours = {name for name in BY_ERROR if not name.endswith("Error")}
    assert {name for name in ours if f"class {name}(" not in there} == set()


# From outside Airflow -------------------------------------------------------------------------------------------------


def test_a_young_heartbeat_is_a_line_and_code_0_an_old_one_names_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AVR_DATA", str(tmp_path / "data"))
    now = dt.datetime.now(dt.UTC)
    for minutes, given, code in ((10, [], 0), (89, [], 0), (95, [], 1), (95, ["--within", "120"], 0), (-200, [], 1)):
        leave_heartbeat(now - dt.timedelta(minutes=minutes))
        assert main(["alive", *given]) == code, minutes
        said = capsys.readouterr()
        assert (said.err if code else said.out).count("\n") == 1
        assert (said.out if code else said.err) == ""
        assert (Page.NO_HEARTBEAT.hint in said.err) == bool(code)


@pytest.mark.parametrize("content", [None, b"", b"yesterday", b"\xff"])
def test_a_heartbeat_that_is_not_there_or_says_nothing_is_none(tmp_path, monkeypatch, capsys, content):
    monkeypatch.setenv("AVR_DATA", str(tmp_path))
    if content is not None:
        (tmp_path / "heartbeat").write_bytes(content)
    assert main(["alive"]) == 1
    assert Page.NO_HEARTBEAT.hint in capsys.readouterr().err


def test_to_ask_for_the_heartbeat_needs_neither_airflow_nor_the_ledger(tmp_path):
    code = (
        "import sys; from include.__main__ import main; main(['alive'])\n"
        "print([name for name in ('airflow', 'sqlalchemy', 'pandas', 'pydantic', 'rich') if name in sys.modules])"
    )
    environment = os.environ | {"AVR_DATA": str(tmp_path), "AVR_LEDGER": "postgresql+psycopg://nobody@nowhere/none"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# Many rows in quarantine ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "newest", "is_spike"),
    [
        ((100, 0), (100, 5), False),  # few
        ((100, 0), (100, 6), True),  # suddenly some
        ((1000, 10), (1000, 19), False),  # not twice as many
        ((1000, 10), (1000, 21), True),
        ((1000, 60), (1000, 60), True),  # and it stays so until it is put right
    ],
)
def test_suddenly_many_rows_in_quarantine_are_told_by_host_country_and_count(ledger, before, newest, is_spike):
    for day, (rows, quarantined) in ((MONDAY, before), (TUESDAY, newest)):
        with writing() as session:
            intake.accept_extract(session, intake.Partition("GRC", day), "avr_cases", sha256=f"{day}".ljust(64, "0"),
                                  file_name="a.csv", row_count=rows, quarantined_count=quarantined, now=MORNING)  # fmt: skip
    if is_spike:
        with pytest.raises(
            QuarantineSpike, match=rf"{newest[1]} of {newest[0]} rows of avr_cases of GRC on 2026-11-03"
        ):
            check_quarantine()
    else:
        check_quarantine()
