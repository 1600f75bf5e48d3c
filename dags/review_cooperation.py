"""
### Review the cooperation

The letter asks for it: how was the promise kept? Early in each quarter (or month, or year: `every` of `review.yaml`),
for the one before: volumes, lead times, answers, concerns, changes of mind, by host country, as PDF with the tables
behind it. It is kept in `reviews/` of the data folder and mailed to both headquarters, signed; it names nobody.

Clear the task to have it mailed where that failed. What was mailed is not mailed twice.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from include.arrangements.reading import load_review
from include.settings import arrangements_folder

# On the third day the last one has been pulled everywhere and told.
WHEN = {"month": "0 6 3 * *", "quarter": "0 6 3 1,4,7,10 *", "year": "0 6 3 1 *"}

settings, _ = load_review(arrangements_folder())  # a broken file stops the run itself, which says why


@dag(
    schedule=WHEN[settings.every],
    catchup=False,
    max_active_runs=1,
    doc_md=__doc__,
    tags=["quarterly", "report"],
    default_args={"owner": "data-engineering", "retries": 3, "retry_delay": timedelta(minutes=10)},
)
def review_cooperation():
    @task
    def send(dag_run=None) -> str:
        """Make, sign and keep the review of the period before the run, and mail it."""
        from include.reviewing import send_review

        return send_review(dag_run.run_after, datetime.now(UTC))

    send()


review_cooperation()
