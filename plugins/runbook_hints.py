"""A task that fails says in its log which page of the runbook helps, whatever DAG it is of."""

import logging
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from include.runbook import page_of

_log = logging.getLogger("airflow.task")


class RunbookHints:
    @hookimpl
    def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
        _log.error(page_of(task_instance.dag_id, task_instance.task_id, error).hint)


class RunbookHintsPlugin(AirflowPlugin):
    name = "runbook_hints"
    listeners = [RunbookHints()]  # noqa: RUF012  (Airflow's own form)
