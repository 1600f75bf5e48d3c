"""
### Sweep

Every hour: what should have happened, and did not? A partition whose two extracts are in and whose reconciliation is
not is started again, and so is a host country's newest one after a person decided in review. An office that should
have had a list, a list that is still owed, an arrangement that does not load, a key or password that ends within
thirty days: each fails its task, which names it.

The sweep leaves a heartbeat in the data folder (`heartbeat`), for something outside Airflow to watch.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from pull_timetable import SweepTimetable

from include.assets import asylum_procedure, avr_cases


@dag(
    schedule=SweepTimetable(),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["hourly", "watch"],
    default_args={"owner": "data-engineering", "retries": 1, "retry_delay": timedelta(minutes=1)},
)
def sweep():
    @task(outlets=[avr_cases, asylum_procedure])
    def start_forgotten_reconciliations(outlet_events=None) -> list[str]:
        """Publish both extracts of each forgotten partition once more, so that Airflow starts its reconciliation."""
        from airflow.sdk.exceptions import AirflowSkipException

        from include.reports.overdue import forgotten_partitions

        keys = forgotten_partitions(datetime.now(UTC))
        if not keys:
            raise AirflowSkipException("every partition is reconciled, with all that was decided in review")
        for asset in (avr_cases, asylum_procedure):
            outlet_events[asset].add_partitions(keys)
        return keys

    @task
    def find_overdue_lists() -> None:
        """Offices that should have been told by now and were not."""
        from include.reports.overdue import check_lists_are_on_time

        check_lists_are_on_time(datetime.now(UTC))

    @task
    def find_broken_arrangements() -> None:
        """Arrangements and sources that do not load, and host countries that no office hears of."""
        from include.reports.overdue import check_arrangements_load

        check_arrangements_load()

    @task
    def find_ending_seals() -> None:
        """Keys and passwords that end soon, and offices that no list can be sealed for today."""
        from include.connections import sealing_keys
        from include.reports.seals import check_seals_last

        check_seals_last(sealing_keys, datetime.now(UTC))

    @task(trigger_rule="all_done")
    def leave_heartbeat() -> None:
        from include.reports.overdue import leave_heartbeat

        leave_heartbeat(datetime.now(UTC))

    start_forgotten_reconciliations() >> leave_heartbeat()
    find_overdue_lists()
    find_broken_arrangements()
    find_ending_seals()


sweep()
