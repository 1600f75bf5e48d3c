"""
### Watch

Every hour, after the sweep: what should have happened, did not, and needs a person? An office that should have had a
list, a list that is still owed or that nobody says to have, an arrangement that does not load, a concern about somebody
who leaves within days, a case that goes to its office although nobody has looked at it, mail that only a person can
read, extracts with many rows in quarantine: each fails its task, which names it. Focal points are mailed what is
overdue at their offices, once a day. Keys and passwords that end are looked for by *watch_seals*.
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
    def find_overdue_lists() -> None:
        """Offices that should have been told by now and were not: their focal points are mailed, once a day."""
        from include.alerts import tell_overdue
        from include.reports.overdue import check_lists_are_on_time, overdue_lists

        overdue = overdue_lists(datetime.now(UTC))
        tell_overdue(overdue, datetime.now(UTC))
        check_lists_are_on_time(overdue)

    @task
    def find_broken_arrangements() -> None:
        """Arrangements and sources that do not load, and host countries that no office hears of."""
        from include.reports.overdue import check_arrangements_load

        check_arrangements_load()

    @task
    def find_quarantine_spikes() -> None:
        """Newest extracts of which suddenly many rows are in quarantine."""
        from include.reports.quarantine import check_quarantine

        check_quarantine()

    @task
    def measure() -> None:
        """Figures of what is owed, overdue, in review, in quarantine and missing, where Airflow's metrics are on."""
        from include.metrics import measure_what_stands

        measure_what_stands(datetime.now(UTC))

    @task
    def find_standing_concerns() -> list[str]:
        """Concerns about voluntariness that stand; red where the person leaves within three days, or has left."""
        from include.reports.answers import check_concerns

        return check_concerns(datetime.now(UTC))

    @task
    def find_waiting_cases() -> list[str]:
        """Cases at which a person must look first; red where the notice goes within a working day without that."""
        from include.reports.clearances import check_somebody_looks

        return check_somebody_looks(datetime.now(UTC))

    @task
    def find_silent_offices() -> None:
        """Lists that an office was reminded of and still has not said to have."""
        from include.reports.answers import check_offices_answer

        check_offices_answer()

    @task
    def find_unread_messages() -> None:
        """Mail in the folders For-a-person and Quarantine of the mailboxes for answers."""
        from include.doors import check_nothing_is_left

        check_nothing_is_left(datetime.now(UTC))

    find_standing_concerns()
    find_waiting_cases()
    find_silent_offices()
    find_unread_messages()
    find_overdue_lists()
    find_broken_arrangements()
    find_quarantine_spikes()
    measure()


watch()
