"""The day's report of a partition: every row that was pulled has exactly one standing, or is of an erased case."""

import datetime as dt
import logging

from include.arrangements.reading import load_offices
from include.ledger import caseload
from include.ledger.engine import writing
from include.ledger.intake import Partition
from include.lists.compose import offices_that_cannot_wait
from include.settings import arrangements_folder

_log = logging.getLogger(__name__)


def check_day_adds_up(key: str, now: dt.datetime) -> dict[str, int]:
    """Rows by standing, with `rows` pulled and `missing` (followed, but not in the extract); kept as added up, logged.

    raises: DoesNotAddUp if a row has no standing, or the ledger holds other standings than were decided
    """
    with writing() as session:
        counts = caseload.add_up(session, Partition.of(key), now)
    _log.info("%s: %s", key, ", ".join(f"{what} {count}" for what, count in counts.items()))
    return counts


def offices_to_tell_at_once(key: str, now: dt.datetime) -> list[str]:
    """The offices that must hear of something in this partition before their next scheduled list."""
    partition = Partition.of(key)
    offices, _ = load_offices(arrangements_folder())
    return offices_that_cannot_wait(offices, partition.host_country, partition.day, now)
