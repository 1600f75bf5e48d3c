"""
### Pull extracts

Every day, every source: wait for its time and its file, copy the bytes unchanged, check them against the contract.
A good extract is published as partition `HOST|YYYY-MM-DD` of `avr_cases` or `asylum_procedure`; when both of a host
country and day are in, its reconciliation starts. A late or broken source fails its own task and holds up nobody else.

A source that is not there at its cut-off gives up visibly. Clear the task when the file has come.
"""

from datetime import timedelta

from airflow.sdk import dag, task
from pull_timetable import DailyPullTimetable

from include.assets import asylum_procedure, avr_cases
from include.operators import PullExtract
from include.settings import first_day, last_day


@dag(
    schedule=DailyPullTimetable(),
    start_date=first_day(),
    end_date=last_day(),
    catchup=True,
    max_active_runs=3,
    doc_md=__doc__,
    tags=["daily", "pull"],
    default_args={"owner": "data-engineering", "retries": 3, "retry_delay": timedelta(seconds=30),
                  "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=30)},
)  # fmt: skip
def pull_extracts():
    @task
    def due(kind: str, data_interval_start=None, data_interval_end=None) -> list[dict[str, str]]:
        """The sources of this kind whose time of day falls into this run."""
        from include.extracts.due import due_sources

        return due_sources(kind, data_interval_start, data_interval_end)

    named = {"map_index_template": "{{ task.source.host_country }} {{ task.source.day }}"}
    PullExtract.partial(task_id="pull_cases", outlets=[avr_cases], **named).expand(
        source=due.override(task_id="cases_due")("avr_cases")
    )
    PullExtract.partial(task_id="pull_procedure", outlets=[asylum_procedure], **named).expand(
        source=due.override(task_id="procedure_due")("asylum_procedure")
    )


pull_extracts()
