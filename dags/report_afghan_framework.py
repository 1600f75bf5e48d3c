"""
### Report by an Afghan framework

Afghans who return from outside the region: for each host country that has an agreement, and each of its four parties,
a DAG of its own. On the agreement's days, at its hour: make its view of the AVR cases, number, seal and send it.
Where no agreement is in force nothing is sent, and the run is skipped and says so.

No view waits for another or for a reconciliation, and none is started by an asset: *sweep* publishes `avr_cases` anew
when a person decided in review, and Afghanistan must not see by the hour of its mail that somebody applied for asylum.
What could not be sent is tried for a day, by this DAG alone; the next view then replaces it.
"""

from datetime import timedelta

from airflow.sdk import dag, task
from framework_timetable import FrameworkTimetable

from include.arrangements.framework import PARTIES, PartyName
from include.arrangements.reading import load_frameworks
from include.assets import avr_cases
from include.operators import MakeView
from include.settings import arrangements_folder, first_day, last_day


def report_afghan_framework(host_country: str, versions: list, party: PartyName) -> None:
    @dag(
        dag_id=f"report_afghan_framework__{host_country}__{party}",
        dag_display_name=f"Afghans from {host_country} · {versions[-1].party(party).name}",
        schedule=FrameworkTimetable(versions),
        start_date=first_day(),
        end_date=last_day(),
        catchup=True,
        max_active_runs=1,
        doc_md=__doc__,
        tags=["framework", host_country],
        default_args={"owner": "data-engineering", "retries": 5, "retry_delay": timedelta(seconds=30),
                      "retry_exponential_backoff": True, "max_retry_delay": timedelta(minutes=30)},
    )  # fmt: skip
    def report():
        @task(retries=48)
        def send() -> list[str]:
            """Send what the party is owed, oldest number first, over each of its channels."""
            from include.connections import send_views

            return send_views(host_country, party)

        MakeView(task_id="make", host_country=host_country, party=party, inlets=[avr_cases]) >> send()

    report()


frameworks, _ = load_frameworks(arrangements_folder())  # a broken file is reported by *watch*, and by `include check`
for host_country, versions in frameworks.items():
    for party in PARTIES:
        report_afghan_framework(host_country, versions, party)
