"""
### Clear notices

A rule on persons of concern may want a person at IOM to look at a case before its office is first told of it: every
hour, ask for each such case. It stands under *Required Actions*, and IOM's focal point is mailed, again every day.

The notice waits no longer than the arrangement's `list.review_within`, and never so long that the departure would be
told too late: then it goes, marked as not looked into. That is decided where lists are made, whatever happens here.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from pull_timetable import HourlyTimetable

from include.operators import AskForClearance


@dag(
    schedule=HourlyTimetable(minute=30),
    catchup=False,
    # A run is there as long as its cases wait.
    max_active_runs=200,
    doc_md=__doc__,
    tags=["hourly", "persons of concern"],
    default_args={"owner": "data-engineering", "retries": 2, "retry_delay": timedelta(minutes=1)},
)
def clear_notices():
    @task
    def find_cases() -> list[int]:
        """The numbers of the cases of which nobody was asked yet."""
        from include.reports.clearances import numbers_to_ask_for

        return numbers_to_ask_for(datetime.now(UTC))

    AskForClearance.partial(task_id="ask").expand(number=find_cases())


clear_notices()
