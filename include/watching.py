"""What should have happened, did not, and needs a person: the checks of *watch*.

Reach for `look` to make them all. What a check looks at is in its own room.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from include.alerts import tell_overdue
from include.connections import sealing_keys
from include.doors import check_nothing_is_left
from include.metrics import measure_what_stands
from include.reports.answers import check_concerns, check_offices_answer
from include.reports.clearances import check_somebody_looks
from include.reports.overdue import check_arrangements_load, check_lists_are_on_time, overdue_lists
from include.reports.quarantine import check_quarantine
from include.reports.seals import check_seals_last
from include.runbook import Page


class NeedsAPerson(RuntimeError):
    """What the checks found, a line for each."""

    def __init__(self, found: dict[str, Exception]) -> None:
        super().__init__("\n".join(f"{name}: {error} ({CHECKS[name].page.hint})" for name, error in found.items()))


def look(now: dt.datetime) -> dict[str, list[str]]:
    """What stands and is not urgent, by check; every check is made, whatever the others find.

    raises: NeedsAPerson with all that was found
    """
    standing: dict[str, list[str]] = {}
    found: dict[str, Exception] = {}
    # Who leaves within days comes first.
    for name, check in CHECKS.items():
        try:
            standing[name] = check.make(now) or []
        except Exception as error:
            found[name] = error
    if found:
        raise NeedsAPerson(found) from ExceptionGroup("found", list(found.values()))
    return {name: lines for name, lines in standing.items() if lines}


def _overdue_lists(now: dt.datetime) -> None:
    overdue = overdue_lists(now)
    tell_overdue(overdue, now)
    check_lists_are_on_time(overdue)


@dataclass(frozen=True)
class Check:
    """A check, and the page of the runbook for what it finds."""

    make: Callable[[dt.datetime], list[str] | None]
    page: Page


CHECKS = {
    # Concerns about voluntariness that stand and whose person leaves within three days, or has left.
    "standing concerns": Check(check_concerns, Page.CONCERN),
    # Cases at which a person must look first, and whose notice goes within a working day without that.
    "waiting cases": Check(check_somebody_looks, Page.CASE_WAITS),
    # Offices that should have been told by now and were not: their focal points are mailed, once a day.
    "overdue lists": Check(_overdue_lists, Page.LATE_LIST),
    # Lists that an office was reminded of and still has not said to have.
    "silent offices": Check(lambda _: check_offices_answer(), Page.SILENT_OFFICE),
    # Mail in the folders For-a-person and Quarantine of the mailboxes for answers.
    "unread messages": Check(check_nothing_is_left, Page.UNREAD_ANSWER),
    # Arrangements and sources that do not load, and host countries that no office hears of.
    "broken arrangements": Check(lambda _: check_arrangements_load(), Page.BROKEN_ARRANGEMENT),
    # Newest extracts of which suddenly many rows are in quarantine.
    "quarantine spikes": Check(lambda _: check_quarantine(), Page.QUARANTINE_SPIKE),
    # Keys and passwords that end soon, and offices that no list can be sealed for today.
    "ending seals": Check(lambda now: check_seals_last(sealing_keys, now), Page.KEY_EXPIRING),
    # Figures of what is owed, overdue, in review, in quarantine and missing, where Airflow's metrics are on.
    "figures": Check(measure_what_stands, Page.TASK_RED),
}
