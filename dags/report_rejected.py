"""
### Report rejected

One DAG for each office, some working days after each month or quarter: the volume of people whose asylum claim was
finally rejected and who asked for return, by nationality, destination, sex and age. It names nobody, and hides what is
small. Offices that hear of the same cases get the same figures. It is numbered, sealed and sent as a list is.

A month is counted once and never again, with what is known when the summary is due; what is known later counts in the
next month. A summary that cannot be made safely is not made: the task fails and says why. Any task can be cleared and
run again: a period is not numbered twice.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from office_timetable import SummaryTimetable

from include.arrangements.reading import load_offices
from include.settings import arrangements_folder, first_day, last_day


def report_rejected(office: str, versions: list) -> None:
    @dag(
        dag_id=f"report_rejected__{office}",
        dag_display_name=f"Report rejected · {versions[-1].name}",
        schedule=SummaryTimetable(versions),
        start_date=first_day(),
        end_date=last_day(),
        catchup=True,
        max_active_runs=1,
        doc_md=__doc__,
        tags=["report", *versions[-1].host_countries],
        default_args={"owner": "data-engineering", "retries": 5, "retry_delay": timedelta(seconds=30),
                      "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=30)},
    )  # fmt: skip
    def report():
        @task(execution_timeout=timedelta(hours=2))
        def publish(data_interval_end=None, dag_run=None) -> list[str]:
            """Number and seal the summaries that the office is owed by now."""
            from include.connections import publish_rejected

            return publish_rejected(office, data_interval_end or dag_run.run_after, datetime.now(UTC))

        @task(execution_timeout=timedelta(hours=1))
        def send() -> list[str]:
            """Send what the office is owed of summaries, oldest number first, over each of its channels."""
            from include.connections import send_papers

            return send_papers(f"{office}/rejected")

        publish() >> send()

    report()


offices, _ = load_offices(arrangements_folder())  # a broken file is reported by the sweep, and by `include check`
for office, versions in offices.items():
    if any(version.rejected.every != "never" for version in versions):
        report_rejected(office, versions)
