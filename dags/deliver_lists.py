"""
### Deliver lists

One DAG for each office, from its arrangement, on its working days: take the difference between what is true and what
the office was told, number and seal the list, send it over each channel. It counts as told when the other side has it.

A list out of all proportion to the office's past, and its first, waits for a person: see *Required Actions*. A list
that is due while its host countries are still being reconciled waits a little (`list.wait`), then goes with what is
known and says so. A list that is late is told to the office's focal point at IOM, by mail. Any task can be cleared and
run again: what was told is not told twice.
"""

from datetime import timedelta

from airflow.sdk import DeadlineAlert, DeadlineReference, SyncCallback, dag, task  # type: ignore[attr-defined]
from office_timetable import OfficeTimetable

from include.alerts import list_is_late
from include.arrangements.reading import load_offices
from include.assets import lists_of, standings
from include.operators import ComposeList
from include.settings import arrangements_folder, first_day, last_day, late_after


def deliver_lists(office: str, versions: list) -> None:
    @dag(
        dag_id=f"deliver_lists__{office}",
        dag_display_name=f"Deliver lists · {versions[-1].name}",
        schedule=OfficeTimetable(versions),
        start_date=first_day(),
        end_date=last_day(),
        catchup=True,
        max_active_runs=1,
        deadline=DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=versions[-1].list.wait + late_after(),
            callback=SyncCallback(list_is_late, {"office": office}),
        ),
        doc_md=__doc__,
        tags=["deliver", *versions[-1].host_countries],
        default_args={"owner": "data-engineering", "retries": 5, "retry_delay": timedelta(seconds=30),
                      "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=30)},
    )  # fmt: skip
    def deliver():
        @task(outlets=[lists_of(office)], execution_timeout=timedelta(hours=1))
        def send() -> list[str]:
            """Send what the office is owed, oldest number first, over each of its channels."""
            from include.connections import send_lists

            return send_lists(office)

        ComposeList(task_id="compose", office=office, inlets=[standings]) >> send()

    deliver()


offices, _ = load_offices(arrangements_folder())  # a broken file is reported by the sweep, and by `include check`
for office, versions in offices.items():
    deliver_lists(office, versions)
