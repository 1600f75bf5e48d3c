"""The link to the board of tasks that are functions, and of operators that have no link of their own.

Airflow asks for it in the API server, as somebody looks at the task: what the run is about is in Airflow's database.
"""

from typing import Any

import attrs
from airflow.providers.standard.decorators.python import _PythonDecoratedOperator
from airflow.sdk import BaseOperatorLink

from include.links import board_page, page_of_task
from include.operators import AskForClearance, MakeView


@attrs.define()
class BoardLink(BaseOperatorLink):
    """From a task to its list, office, host country, paper, or to what it found."""

    name = "On the board"
    operators = [_PythonDecoratedOperator, AskForClearance, MakeView]  # noqa: RUF012  (Airflow's own form)

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        from notification_board.airflow_side import of_run

        partition_key, made, whose = of_run(ti_key.dag_id, ti_key.run_id, ti_key.map_index)
        page = page_of_task(ti_key.dag_id, ti_key.task_id, partition_key, made, whose)
        return "" if page is None else board_page(page)
