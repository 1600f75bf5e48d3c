"""What the board asks of Airflow's own database: which runs there were, and what waits for a person there.

An indexed query or two each, on a thread of the pool; nothing of it names a person.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import func, select
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Asked:
    """What waits under *Required Actions* for a person's word."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    partition_key: str
    subject: str
    since: dt.datetime

    @property
    def page(self) -> str:
        """Where in Airflow's UI it is answered, below the UI's first page."""
        mapped = f"/mapped/{self.map_index}" if self.map_index >= 0 else ""
        return f"dags/{self.dag_id}/runs/{quote(self.run_id)}/tasks/{self.task_id}{mapped}/required_actions"

    @property
    def office(self) -> str:
        """The office whose list waits; empty where it is no list that does."""
        if self.dag_id == "deliver_urgent_lists":
            return self.partition_key.partition("|")[0]
        return self.dag_id.partition("deliver_lists__")[2]


def asked() -> list[Asked]:
    """All that waits for a person under *Required Actions*, oldest first."""
    waiting = (
        select(
            TaskInstance.dag_id,
            TaskInstance.run_id,
            TaskInstance.task_id,
            TaskInstance.map_index,
            func.coalesce(DagRun.partition_key, ""),
            HITLDetail.subject,
            HITLDetail.created_at,
        )
        .select_from(HITLDetail)
        .join(TaskInstance, TaskInstance.id == HITLDetail.ti_id)
        .join(DagRun, (DagRun.dag_id == TaskInstance.dag_id) & (DagRun.run_id == TaskInstance.run_id))
        .where(
            HITLDetail.responded_at.is_(None),
            TaskInstance.state.in_([TaskInstanceState.DEFERRED, TaskInstanceState.AWAITING_INPUT]),
        )
        .order_by(HITLDetail.created_at)
    )
    with create_session() as session:
        return [Asked(*row) for row in session.execute(waiting)]


WATCHES = {
    "watch": ("find_unread_messages", "find_broken_arrangements"),
    "watch_seals": ("find_ending_seals",),
}
"""Tasks that find what no page of the board shows, by their DAG."""


def red_watches() -> dict[str, str]:
    """Of the tasks of WATCHES those that last failed, each with its page in Airflow's UI, below the UI's first page."""
    with create_session() as session:
        return {
            task: f"dags/{dag_id}/runs/{quote(run)}"
            for dag_id, task_ids in WATCHES.items()
            for task, (run, failed) in _last_ended(session, dag_id, task_ids).items()
            if failed
        }


def _last_ended(session: Session, dag_id: str, task_ids: Collection[str]) -> dict[str, tuple[str, bool]]:
    """For each of these tasks the newest run, of two, that it has ended in, and whether it failed there."""
    newest = select(DagRun.id).where(DagRun.dag_id == dag_id).order_by(DagRun.run_after.desc()).limit(2)
    found = (
        select(TaskInstance.task_id, TaskInstance.run_id, TaskInstance.state)
        .join(DagRun, (DagRun.dag_id == TaskInstance.dag_id) & (DagRun.run_id == TaskInstance.run_id))
        .where(TaskInstance.dag_id == dag_id, TaskInstance.task_id.in_(task_ids), DagRun.id.in_(newest))
        .order_by(DagRun.id)
    )
    states: dict[tuple[str, str], set[str | None]] = defaultdict(set)
    for task_id, run_id, state in session.execute(found):
        states[task_id, run_id].add(state)
    # A mapped one is red if any of it is. One that is tried again says nothing yet: the run before does.
    return {
        task: (run, TaskInstanceState.FAILED in of)
        for (task, run), of in states.items()
        if TaskInstanceState.FAILED in of or of == {TaskInstanceState.SUCCESS}
    }


def runs_of_partitions(dag_id: str, keys: Collection[str]) -> dict[str, str]:
    """For each of these partition keys the id of its newest run."""
    found = select(DagRun.partition_key, DagRun.run_id).where(DagRun.dag_id == dag_id, DagRun.partition_key.in_(keys))
    with create_session() as session:
        return {key: run_id for key, run_id in session.execute(found.order_by(DagRun.id)) if key}


def run_of_list(office: str, kind: str, due_at: dt.datetime, day: dt.date) -> tuple[str, str] | None:
    """The DAG and the run that made a list, if Airflow still knows it.

    day: up to which the list went; an urgent one is made for a partition `OFFICE|HOST|DAY`
    """
    if kind == "urgent":
        dag_id = "deliver_urgent_lists"
        wanted = DagRun.partition_key.like(f"{office}|%|{day}")
    else:
        dag_id = f"deliver_lists__{office}"
        wanted = DagRun.data_interval_end == due_at
    with create_session() as session:
        found = select(DagRun.run_id).where(DagRun.dag_id == dag_id, wanted).order_by(DagRun.id.desc()).limit(1)
        run_id = session.scalar(found)
    return (dag_id, run_id) if run_id else None


def of_run(dag_id: str, run_id: str, map_index: int) -> tuple[str, str | None, str | None]:
    """What a run is about: its partition key, the list that it made, and whose lists or papers a mapped task sends."""
    told = XComModel.get_many(
        run_id=run_id, key=XCOM_RETURN_KEY, dag_ids=dag_id, task_ids=("compose", "find_still_owed")
    )
    with create_session() as session:
        key = session.scalar(select(DagRun.partition_key).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
        said = {one.task_id: XComModel.deserialize_value(one) for one in session.scalars(told)}
    made, owed = said.get("compose") or {}, said.get("find_still_owed") or []
    return key or "", made.get("list"), owed[map_index] if 0 <= map_index < len(owed) else None
