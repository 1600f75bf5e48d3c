"""
### Deliver lists

One DAG for each office, from its arrangement, on its working days: take the difference between what is true and what
the office was told, number and seal the list, send it over each channel. It counts as told when the other side has it.

A list that is due while its host countries are still being reconciled waits a little (`list.wait`), then goes with
what is known and says so. Any task can be cleared and run again: what was told is not told twice.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from office_timetable import OfficeTimetable

from include.arrangements.reading import load_offices
from include.assets import lists_of, standings
from include.operators import ComposeList
from include.settings import arrangements_folder, first_day, last_day


def deliver_lists(office: str, versions: list) -> None:
    @dag(
        dag_id=f"deliver_lists__{office}",
        dag_display_name=f"Deliver lists · {versions[-1].name}",
        schedule=OfficeTimetable(versions),
        start_date=first_day(),
        end_date=last_day(),
        catchup=True,
        max_active_runs=1,
        doc_md=__doc__,
        tags=["deliver", *versions[-1].host_countries],
        default_args={"owner": "data-engineering", "retries": 5, "retry_delay": timedelta(seconds=30),
                      "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=30)},
    )  # fmt: skip
    def deliver():
        @task(outlets=[lists_of(office)], execution_timeout=timedelta(hours=1))
        def send() -> list[str]:
            """Send what the office is owed, oldest number first, over each of its channels."""
            from include.connections import open_sftp, open_smtp
            from include.delivery.send import send_owed

            # What is owed to a channel of an earlier version still goes there.
            channels = [channel for version in versions for channel in version.deliver]
            return send_owed(
                office, channels, open_sftp=open_sftp, open_smtp=open_smtp, clock=lambda: datetime.now(UTC)
            )

        ComposeList(task_id="compose", office=office, inlets=[standings]) >> send()

    deliver()


offices, _ = load_offices(arrangements_folder())  # a broken file is reported by the sweep, and by `include check`
for office, versions in offices.items():
    deliver_lists(office, versions)
