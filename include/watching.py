"""What should have happened, did not, and needs a person: the checks of *watch*.

Reach for `look` to make them all. What a check looks at is in its own room.
"""

import datetime as dt
from collections.abc import Callable

from include.alerts import tell_overdue
from include.connections import sealing_keys
from include.doors import check_nothing_is_left
from include.metrics import measure_what_stands
from include.reports.answers import check_concerns, check_offices_answer
from include.reports.clearances import check_somebody_looks
from include.reports.overdue import check_arrangements_load, check_lists_are_on_time, overdue_lists
from include.reports.seals import check_seals_last


class NeedsAPerson(RuntimeError):
    """What the checks found, a line for each."""

    def __init__(self, found: dict[str, Exception]) -> None:
        super().__init__("\n".join(f"{check}: {error}" for check, error in found.items()))


def look(now: dt.datetime) -> dict[str, list[str]]:
    """What stands and is not urgent, by check; every check is made, whatever the others find.

    raises: NeedsAPerson with all that was found
    """
    standing: dict[str, list[str]] = {}
    found: dict[str, Exception] = {}
    # Who leaves within days comes first.
    for name, check in CHECKS.items():
        try:
            standing[name] = check(now) or []
        except Exception as error:
            found[name] = error
    if found:
        raise NeedsAPerson(found) from ExceptionGroup("found", list(found.values()))
    return {name: lines for name, lines in standing.items() if lines}


def _overdue_lists(now: dt.datetime) -> None:
    overdue = overdue_lists(now)
    tell_overdue(overdue, now)
    check_lists_are_on_time(overdue)


CHECKS: dict[str, Callable[[dt.datetime], list[str] | None]] = {
    # Concerns about voluntariness that stand and whose person leaves within three days, or has left.
    "standing concerns": check_concerns,
    # Cases at which a person must look first, and whose notice goes within a working day without that.
    "waiting cases": check_somebody_looks,
    # Offices that should have been told by now and were not: their focal points are mailed, once a day.
    "overdue lists": _overdue_lists,
    # Lists that an office was reminded of and still has not said to have.
    "silent offices": lambda _: check_offices_answer(),
    # Mail in the folders For-a-person and Quarantine of the mailboxes for answers.
    "unread messages": check_nothing_is_left,
    # Arrangements and sources that do not load, and host countries that no office hears of.
    "broken arrangements": lambda _: check_arrangements_load(),
    # Keys and passwords that end soon, and offices that no list can be sealed for today.
    "ending seals": lambda now: check_seals_last(sealing_keys, now),
    # Figures of what is owed, overdue, in review, in quarantine and missing, where Airflow's metrics are on.
    "figures": measure_what_stands,
}
