"""What an office should believe, written a second time and in the simplest way: one case, one office, one question.

Nothing of `include.lists` is asked here. `Known` is what IOM can know: the newest good extract, what matching made of
it, what people decided. `should_believe` is what a list must bring an office to, from what it believes already.
"""

import datetime as dt
from dataclasses import dataclass

from include.arrangements.calendar import working_days_between
from include.arrangements.models import Arrangement
from tests.year.lives import Record, Row
from tests.year.office import ERASED, EXPECTED, LEFT, STAYS, Belief

SILENT = Belief(ERASED, reason="consent_withdrawn")
IN_ERROR = Belief(ERASED, reason="notified_in_error")


@dataclass
class Known:
    """A case as the newest extract that has it says, and what was made of it.

    to_tell: whether UNHCR is to hear of it at all, as it was decided then
    matched: whether the last reconciliation left it with its record
    decided: what a person said of the two since: accept, reject or nothing
    """

    row: Row
    status_since: dt.date
    missing: bool = False
    to_tell: bool = False
    matched: bool = False
    decided: str = ""


def concerns_unhcr(row: Row, record: Record | None) -> bool:
    """Whether the claim of this record is one that UNHCR wants to hear of, from who asked on that day to go home."""
    if record is None:
        return False
    if record.outcome == "withdrawn":
        return record.outcome_on is None or record.outcome_on >= row.registered_on - dt.timedelta(days=30)
    return record.outcome in ("pending", "recognised", "subsidiary")


def should_believe(before: Belief | None, case: Known, arrangement: Arrangement, day: dt.date) -> Belief | None:
    """What the office believes after a list of `day` that tells it everything. None: it never heard of the case."""
    row, kind = case.row, before.kind if before else None
    if before == SILENT:
        return SILENT
    if before and case.decided == "reject" and not case.matched:
        return IN_ERROR
    consents = row.consent is True or (row.consent is None and arrangement.consent == "recorded")
    if arrangement.consent == "required" and row.consent is False:
        return SILENT if before else None
    if not arrangement.covers(row.host, row.iom_office):
        return Belief(STAYS, reason="other_office") if kind == EXPECTED else before
    may_be_told = case.to_tell and consents and not case.missing

    if row.departed_on is not None and row.status in ("departed", "closed"):
        misled = kind == STAYS and before is not None and before.reason in ("stays", "closed", "no_show")
        first = may_be_told and row.departed_on >= arrangement.effective_from
        return Belief(LEFT, row.departed_on.isoformat()) if kind in (EXPECTED, LEFT) or misled or first else before
    overdue = row.status == "no_show" and (
        working_days_between(arrangement.list, case.status_since, day) > arrangement.list.no_show_grace.days
    )
    if row.status in ("withdrawn", "closed") or overdue:
        if kind == LEFT:  # first that they did not leave; that they stay comes with the list after
            return before if row.status == "closed" else Belief(EXPECTED, "", row.name)
        reason = {"withdrawn": "stays", "closed": "closed", "no_show": "no_show"}[row.status]
        return Belief(STAYS, reason=reason) if kind == EXPECTED else before
    active = Belief(EXPECTED, row.expected.isoformat() if row.expected else "", row.name)
    if kind in (EXPECTED, LEFT):
        return active
    return active if may_be_told and (row.expected or arrangement.list.undated) else before
