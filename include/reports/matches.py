"""What waits in review, and deciding it, on the screen of the person who decides. References and no names: but for the
evidence of the pair in hand, which is for their eyes alone.

Reach for `show_queue` to see what is open, `decide` to take a decision down, `show_history` for what was decided.
"""

import datetime as dt
from collections.abc import Callable

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from include.extracts.partition import good_rows
from include.ledger import caseload, reviews
from include.ledger.engine import reading, writing
from include.ledger.intake import both_extracts
from include.ledger.reviews import Pair
from include.matching.candidates import READ
from include.matching.fingerprint import fingerprints
from include.reports import evidence
from include.settings import hashing_key


def show_queue(host_country: str | None, today: dt.date, console: Console) -> None:
    """Print the open cases of each host country, or of one, with their candidates; the nearest departure first."""
    with reading() as session:
        waiting = reviews.queue(session)
        decided_since = reviews.not_yet_laid_over(session)
    if host_country:
        waiting = waiting[waiting["host_country"] == host_country]
    if waiting.empty:
        console.print("Nothing waits for a person" + (f" in {host_country}." if host_country else "."), highlight=False)
    for host, rows in by_departure(waiting).groupby("host_country"):
        cases = rows["case_id"].nunique()
        console.print(_queue_table(rows, f"{host}: {cases} {'case' if cases == 1 else 'cases'} in review", today))
    for partition, count in decided_since.items():
        if host_country in (None, partition.host_country):
            decisions = "1 decision waits" if count == 1 else f"{count} decisions wait"
            console.print(f"{decisions} for {partition} to be reconciled again.", highlight=False)


def by_departure(queue: pd.DataFrame) -> pd.DataFrame:
    """The rows of `reviews.queue` in the order in which they are urgent.

    Within a host country by expected departure, those without a date after them, and last those who have left; a
    case's candidates by probability.
    """
    ordered = queue.assign(left=queue["departed_on"].notna(), undated=queue["expected_departure_on"].isna())
    by = ["host_country", "left", "undated", "expected_departure_on", "case_id", "probability"]
    ordered = ordered.sort_values(by, ascending=[True] * 5 + [False], kind="stable")
    return ordered[queue.columns].reset_index(drop=True)


def decide(
    case_id: str,
    asylum_reference: str,
    decision: str,
    *,
    by: str,
    reason: str,
    host_country: str | None,
    one_person: bool,
    console: Console,
    clock: Callable[[], dt.datetime],
) -> None:
    """Show the evidence of the pair, by the newest reconciled day, and take the decision on it down.

    raises: LookupError if the case is not known; reviews.NotDecidable if the decision cannot be taken down
    """
    with reading() as session:
        partition = evidence.newest_of_case(session, case_id, host_country)
        pair = Pair(partition.host_country, case_id, asylum_reference)
        reviews.check_decidable(session, pair, decision, by=by, reason=reason)
        cases, procedure = both_extracts(session, partition)
        told = case_id in set(caseload.told_cases(session, pair.host_country)) and any(
            match.decision == "accept" and match.asylum_reference == asylum_reference
            for match in caseload.open_matches_of(session, pair.host_country, case_id)
        )
        beside = reviews.accepted_beside(session, pair)
    register = good_rows(partition, procedure, READ, asylum_references=[asylum_reference])
    on_one = pd.DataFrame({"case_id": [case_id], "asylum_reference": [asylum_reference]})
    seen = fingerprints(on_one, good_rows(partition, cases), register, hashing_key()).iloc[0]
    if seen is None:
        console.print(f"The case or the record is not in the extracts of {partition}: no evidence to show.")
    else:
        evidence.show(case_id, asylum_reference, pair.host_country, console)
    if beside.other_records:
        console.print(f"Also accepted for {case_id}: {', '.join(beside.other_records)}", markup=False, highlight=False)
    if beside.other_cases:
        console.print(
            f"{asylum_reference} is also accepted for {', '.join(beside.other_cases)}", markup=False, highlight=False
        )
    with writing() as session:
        reviews.record_decision(
            session, pair, decision, by=by, reason=reason, evidence=seen, one_person=one_person, clock=clock
        )
    console.print(
        f"Recorded: {decision}. It takes effect when {partition} is reconciled again, which the sweep starts within "
        "the hour.",
        highlight=False,
    )
    if told and decision == "reject":
        console.print("An office was told by this match: its next list after that cancels it as notified in error.")


def show_history(case_id: str, host_country: str | None, console: Console) -> None:
    """Print every decision that was taken on the case.

    raises: LookupError if the case is not known
    """
    with reading() as session:
        partition = evidence.newest_of_case(session, case_id, host_country)
        decisions = reviews.history(session, partition.host_country, case_id)
    if not decisions:
        console.print("No person has decided on this case.")
        return
    table = _table(f"{case_id} in {partition.host_country}", "when", "record", "decision", "who", "why", "superseded")
    for one in decisions:
        superseded = f"{one.superseded_at:%Y-%m-%d %H:%M}" if one.superseded_at else ""
        cells = (one.asylum_reference, one.decision, one.decided_by, one.reason, superseded)
        table.add_row(f"{one.decided_at:%Y-%m-%d %H:%M}", *map(Text, cells))
    console.print(table)


def _queue_table(rows: pd.DataFrame, title: str, today: dt.date) -> Table:
    table = _table(title, "case", "departs", "days left", "record", "probability", "decided earlier")
    before = None
    for row in rows.to_dict("records"):
        of_case = (row["case_id"], *_departure(row["expected_departure_on"], row["departed_on"], today))
        earlier = f"{row['decision']} by {row['decided_by']}, {row['decided_at']:%Y-%m-%d}" if row["decision"] else ""
        cells = (row["asylum_reference"], f"{row['probability']:.4f}", earlier)
        table.add_row(*map(Text, (*(of_case if row["case_id"] != before else ("", "", "")), *cells)))
        before = row["case_id"]
    return table


def _departure(expected: pd.Timestamp, departed: pd.Timestamp, today: dt.date) -> tuple[str, str]:
    if not pd.isna(departed):
        return f"{departed:%Y-%m-%d}", "has left"
    if pd.isna(expected):
        return "no date", ""
    return f"{expected:%Y-%m-%d}", str((expected.date() - today).days)


def _table(title: str, *headings: str) -> Table:
    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="right" if heading == "days left" else "left")
    return table
