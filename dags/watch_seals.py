"""
### Watch seals

Every night: whose key or password ends within thirty days, or seals nothing already today? Each office and party is
sealed an empty file for, as its next list would be. Red names them; nobody is told anything unsealed, so what cannot be
sealed for is owed. After the new key is in place, clear the task to see it green.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    schedule=CronTriggerTimetable("10 4 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["daily", "watch"],
    default_args={"owner": "data-engineering", "retries": 1, "retry_delay": timedelta(minutes=1)},
)
def watch_seals():
    @task
    def find_sealed_for() -> list[list[str]]:
        """Offices and parties, some of them together."""
        from include.reports.seals import sealed_for

        return sealed_for(datetime.now(UTC))

    @task(map_index_template="{{ task.op_kwargs['codes'] | join(', ') }}")
    def find_ending_seals(codes: list[str]) -> None:
        """Keys and passwords that end soon, and offices that no list can be sealed for today."""
        from include.connections import sealing_keys
        from include.reports.seals import check_seals_last

        check_seals_last(codes, sealing_keys, datetime.now(UTC))

    find_ending_seals.expand(codes=find_sealed_for())


watch_seals()
