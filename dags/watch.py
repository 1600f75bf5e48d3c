"""
### Watch

Every hour, after the sweep: what should have happened, did not, and needs a person? An office that should have had a
list, a list that is still owed or that nobody says to have, an arrangement that does not load, a key or password that
ends within thirty days, a concern about somebody who leaves within days, a case that goes to its office although nobody
has looked at it, mail that only a person can read, extracts with many rows in quarantine: any of them fails the run,
whose log has a line for each, with the page of the runbook that helps. Focal points are mailed what is overdue at their
offices, once a day.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from pull_timetable import HourlyTimetable


@dag(
    schedule=HourlyTimetable(minute=40),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["hourly", "watch"],
    default_args={"owner": "data-engineering", "retries": 1, "retry_delay": timedelta(minutes=1)},
)
def watch():
    @task
    def look() -> dict[str, list[str]]:
        """Every check, whatever the others find; red where one found something, each in a line of the message."""
        from include.watching import look

        return look(datetime.now(UTC))

    look()


watch()
