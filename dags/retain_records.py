"""
### Retain records

Every night: personal data goes when its time has come. What sources sent goes after a week, but for the newest day; a
case goes when its office's arrangement says, or when its person asked for it and every office that was told has heard
that. Counts, list numbers and the moments of telling stay.

Then everything is searched for what was just erased: the database's own files, the landing area, the caches, the
answers. *erase_and_prove* red with *still there*: something was found, and the message says where; look there. *In use*
or *being read*: the next try goes on.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    schedule=CronTriggerTimetable("30 2 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["daily", "retention"],
    # Its worker alone is the ledger's owner: see docs/decisions/database-roles.md. Without Celery there are no queues.
    default_args={"owner": "data-engineering", "queue": "retention", "retries": 3,
                  "retry_delay": timedelta(minutes=10)},
    dagrun_timeout=timedelta(hours=6),
)  # fmt: skip
def retain_records():
    @task
    def remove_old_files() -> dict[str, int]:
        """Extracts, what is made of them, and answers as they came, once their days are over."""
        from include.retention.run import remove_old_files

        return remove_old_files(datetime.now(UTC))

    @task
    def erase_and_prove() -> dict[str, int]:
        """One step, because the names that are searched for are in its memory and nowhere else."""
        from airflow.sdk.exceptions import AirflowFailException

        from include.retention.run import StillThere, erase_due

        try:
            return erase_due(datetime.now(UTC))
        except StillThere as still:
            # A later try does not know any more what to search for, and would find nothing.
            raise AirflowFailException(str(still)) from None

    remove_old_files() >> erase_and_prove()


retain_records()
