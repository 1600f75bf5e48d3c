"""
### Collect responses

What comes back from offices: answers on their lists, receipts, concerns, and mail that could not be delivered. Started
within a minute when something is in an office's folder or in a mailbox, and once an hour whatever happens.

A concern about voluntariness is mailed to IOM's focal point at once, at any hour, and again as the departure comes
near, until a person closes it (`python -m include concerns`). What was not understood goes back to the office. A list
that nobody says to have, and a record that stays open after a departure, is reminded of. Nothing here stops a journey.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, chain, dag, task

from include.assets import responses_waiting


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("50 * * * *", timezone="UTC"), assets=responses_waiting
    ),
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["hourly", "responses"],
    default_args={"owner": "data-engineering", "retries": 2, "retry_delay": timedelta(seconds=30)},
)
def collect_responses():
    @task
    def find_doors() -> list[str]:
        """The folders and mailboxes in which something waits."""
        from include.doors import doors_to_open

        return doors_to_open(datetime.now(UTC))

    @task(map_index_template="{{ task.op_kwargs['door'] }}")
    def collect(door: str) -> dict[str, int]:
        """Take what waits there. What it says is in the ledger, what of it was not understood as well."""
        from include.doors import empty

        return empty(door, datetime.now(UTC)).counts

    @task(trigger_rule="all_done")
    def tell_concerns() -> list[str]:
        """Mail concerns to IOM's focal points: new ones, and those whose departure has come nearer."""
        from include.reminders import tell_concerns

        return tell_concerns(datetime.now(UTC))

    @task(trigger_rule="all_done")
    def tell_not_understood() -> int:
        """Mail what could not be taken to its office and to IOM's focal point."""
        from include.reminders import tell_what_was_not_understood

        return tell_what_was_not_understood(datetime.now(UTC))

    @task(trigger_rule="all_done")
    def remind() -> dict[str, int]:
        """Remind offices of lists and records of which they have not said anything; tell IOM what stays silent."""
        from include.reminders import remind

        return remind(datetime.now(UTC))

    steps = [collect.expand(door=find_doors()), tell_concerns(), tell_not_understood(), remind()]
    chain(*steps)
    # Each goes on whatever befell the one before; a door that stayed shut must show in the run all the same.
    steps >> EmptyOperator(task_id="all_went_well")


collect_responses()
