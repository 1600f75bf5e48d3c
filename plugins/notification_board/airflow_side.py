"""What the board asks of Airflow's own database: which runs there were, and which lists wait for an approval.

One indexed query each, on a thread of the pool; nothing of it names a person.
"""

import datetime as dt
from collections.abc import Collection

from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import func, select


def approvals() -> int:
    """How many lists wait for a person under *Required Actions*."""
    waiting = (
        select(func.count())
        .select_from(HITLDetail)
        .join(TaskInstance, TaskInstance.id == HITLDetail.ti_id)
        .where(
            HITLDetail.responded_at.is_(None),
            TaskInstance.state.in_([TaskInstanceState.DEFERRED, TaskInstanceState.AWAITING_INPUT]),
        )
    )
    with create_session() as session:
        return session.scalar(waiting) or 0


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
