"""
### Sweep

Every hour: what should have happened, and did not? A partition whose two extracts are in and whose reconciliation is
not is started again, and so is a host country's newest one after a person decided in review. An office that should
have had a list, a list that is still owed or came back, an arrangement that does not load: each fails its task, which
names it.

The sweep leaves a heartbeat in the data folder (`heartbeat`), for something outside Airflow to watch.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task
from pull_timetable import SweepTimetable

from include.assets import asylum_procedure, avr_cases


@dag(
    schedule=SweepTimetable(),
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
    def mailboxes() -> list[str]:
        """The mailboxes of the senders, to which undeliverable lists come back."""
        from include.arrangements.reading import load_offices
        from include.connections import bounce_mailboxes
        from include.settings import arrangements_folder

        offices, _ = load_offices(arrangements_folder())
        return bounce_mailboxes(
            channel for versions in offices.values() for version in versions for channel in version.deliver
        )

    @task(map_index_template="{{ mailbox }}")
    def collect_bounces(mailbox: str) -> list[str]:
        """Lists that a mail server took and could not deliver: they are owed again."""
        from include.connections import open_imap
        from include.delivery.bounces import collect_bounces

        return collect_bounces(mailbox, open_imap, datetime.now(UTC))

    @task(trigger_rule="all_done")
    def find_overdue_lists() -> None:
        """Offices that should have been told by now and were not, and lists that did not reach everybody."""
        from include.reports.overdue import check_lists_are_on_time

        check_lists_are_on_time(datetime.now(UTC))

    @task
    def find_broken_arrangements() -> None:
        """Arrangements and sources that do not load, and host countries that no office hears of."""
        from include.reports.overdue import check_arrangements_load

        check_arrangements_load()

    @task(trigger_rule="all_done")
    def leave_heartbeat() -> None:
        from include.reports.overdue import leave_heartbeat

        leave_heartbeat(datetime.now(UTC))

    start_forgotten_reconciliations() >> leave_heartbeat()
    collect_bounces.expand(mailbox=mailboxes()) >> find_overdue_lists()
    find_broken_arrangements()


sweep()
