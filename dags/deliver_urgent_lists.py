"""
### Deliver urgent lists

For an office that must hear of a departure before its next scheduled list: as soon as the day that says so is
reconciled, make a list of those entries alone and send it. A list out of all proportion waits for a person here too,
and asks again after half an hour.
"""

from datetime import timedelta

from airflow.sdk import PartitionedAssetTimetable, dag, task

from include.assets import urgent_notices
from include.operators import ComposeUrgentList


@dag(
    schedule=PartitionedAssetTimetable(assets=urgent_notices),
    catchup=False,
    # One office that waits for an answer holds up no other.
    max_active_runs=200,
    doc_md=__doc__,
    tags=["deliver", "urgent"],
    default_args={"owner": "data-engineering", "retries": 5, "retry_delay": timedelta(seconds=30),
                  "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=30)},
)  # fmt: skip
def deliver_urgent_lists():
    @task
    def send(dag_run=None) -> list[str]:
        """Send what the office is owed, oldest number first, over each of its channels."""
        from include.connections import send_lists

        return send_lists(dag_run.partition_key.split("|")[0])

    ComposeUrgentList(task_id="compose") >> send()


deliver_urgent_lists()
