"""
### Reconcile cases

Once for each host country and day, as soon as both of its extracts are in: link every AVR case to the asylum
procedure, give it its standing, add up the day. Any task can be cleared and run again.

`standings` is published only after every row that was pulled was seen to have exactly one standing. An office that
must hear of something before its next scheduled list gets an urgent one at once.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import PartitionedAssetTimetable, dag, task

from include.assets import asylum_procedure, avr_cases, standings, urgent_notices


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

    @task(outlets=[standings])
    def decide(linked: dict[str, int], dag_run=None) -> list[str]:
        """The standing of each case, in one transaction, and the day's report: as many standings as rows were pulled,
        or this task fails. Then: who cannot wait?
        """
        from include.casework.partition import decide_partition
        from include.reports.day import check_day_adds_up, offices_to_tell_at_once

        decide_partition(dag_run.partition_key, datetime.now(UTC))
        check_day_adds_up(dag_run.partition_key, datetime.now(UTC))
        return offices_to_tell_at_once(dag_run.partition_key, datetime.now(UTC))

    @task(outlets=[urgent_notices], map_index_template="{{ task.op_kwargs['office'] }}")
    def call_for_urgent_list(office: str, dag_run=None, outlet_events=None) -> None:
        """Publish `OFFICE|HOST|YYYY-MM-DD`, at which the office's urgent list is made."""
        outlet_events[urgent_notices].add_partitions(f"{office}|{dag_run.partition_key}")

    call_for_urgent_list.expand(office=decide(link()))


reconcile_cases()
