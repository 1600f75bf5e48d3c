"""The day's report of a partition: every row that was pulled has exactly one standing."""

import datetime as dt

from include.ledger import caseload
from include.ledger.engine import writing
from include.ledger.intake import Partition


def check_day_adds_up(key: str, now: dt.datetime) -> dict[str, int]:
    """Rows by standing, with `rows` pulled and `missing` (followed, but not in the extract); kept as added up.

    raises: DoesNotAddUp if a row has no standing, or the ledger holds other standings than were decided
    """
    with writing() as session:
        return caseload.add_up(session, Partition.of(key), now)
