"""
### Sweep

Every hour, and within a minute of a decision in review: what was forgotten, and can be put right without a person? A
partition whose two extracts are in and whose reconciliation is not is started again, and so is a host country's newest
one after a person decided: a name that was told in error must not stay a day where it does not belong. A list
or summary that could not be sent when it was made is sent again. What needs a person is found by *watch*.

The sweep leaves a heartbeat in the data folder (`heartbeat`), for something outside Airflow to watch:
`python -m include alive`.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import AssetOrTimeSchedule, dag, task
from pull_timetable import HourlyTimetable

from include.assets import asylum_procedure, avr_cases, decisions


@dag(
    schedule=AssetOrTimeSchedule(timetable=HourlyTimetable(minute=20), assets=decisions),
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
    def find_still_owed() -> list[str]:
        """Offices, and series of papers such as `GRC-ATH/rejected`, of which something is owed that nobody refused."""
        from include.connections import addressees
        from include.reports.overdue import still_owed

        return still_owed(addressees())

    @task(map_index_template="{{ task.op_kwargs['whose'] }}")
    def send_again(whose: str) -> list[str]:
        """Send what could not be sent before: the server is back, or the office has answered its test message."""
        from include.connections import send_lists, send_papers

        return send_papers(whose) if "/" in whose else send_lists(whose)

    @task(trigger_rule="all_done")
    def leave_heartbeat() -> None:
        from include.heartbeat import leave_heartbeat

        leave_heartbeat(datetime.now(UTC))

    start_forgotten_reconciliations() >> leave_heartbeat()
    send_again.expand(whose=find_still_owed())


sweep()
