"""
### Reconcile cases

Once for each host country and day, as soon as both of its extracts are in: link every AVR case to the asylum
procedure, give it its standing, add up the day. Any task can be cleared and run again.

`standings` is published only after every row that was pulled was seen to have exactly one standing.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import PartitionedAssetTimetable, dag, task

from include.assets import asylum_procedure, avr_cases, standings


@dag(
    schedule=PartitionedAssetTimetable(assets=avr_cases & asylum_procedure),
    catchup=False,
    doc_md=__doc__,
    tags=["daily", "reconcile"],
    default_args={"owner": "data-engineering", "retries": 3, "retry_delay": timedelta(seconds=30),
                  "retry_exponential_backoff": True},
    dagrun_timeout=timedelta(hours=2),
)  # fmt: skip
def reconcile_cases():
    @task
    def link(dag_run=None) -> dict[str, int]:
        """Which case is whose asylum procedure: accept, review or nothing."""
        from include.matching.partition import link_partition

        return link_partition(dag_run.partition_key)

    @task
    def decide(linked: dict[str, int], dag_run=None) -> dict[str, int]:
        """The standing of each case, written to the ledger in one transaction."""
        from include.casework.partition import decide_partition

        return decide_partition(dag_run.partition_key, datetime.now(UTC))

    @task(outlets=[standings])
    def add_up(decided: dict[str, int], dag_run=None) -> dict[str, int]:
        """The day's report: as many standings as rows were pulled, or this task fails."""
        from include.reports.day import check_day_adds_up

        return check_day_adds_up(dag_run.partition_key, datetime.now(UTC))

    add_up(decide(link()))


reconcile_cases()
