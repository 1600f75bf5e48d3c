"""Which page of the runbook an alert names: the one place where alerts and pages meet.

Reach for `Page` where an alert is written (`include.alerts.mail` wants one), for `page_of` where a task has failed.
"""

from enum import StrEnum


class Page(StrEnum):
    """The pages, each by its path in the repository."""

    BROKEN_ARRANGEMENT = "docs/runbook/broken-arrangement.md"
    CASE_WAITS = "docs/runbook/case-waits.md"
    CONCERN = "docs/runbook/concern-near-departure.md"
    DATABASE_DOWN = "docs/runbook/database-down.md"
    DELIVERY_REFUSED = "docs/runbook/delivery-refused.md"
    DOOR_SHUT = "docs/runbook/door-shut.md"
    KEY_EXPIRING = "docs/runbook/key-expiring.md"
    LATE_EXTRACT = "docs/runbook/late-extract.md"
    LATE_LIST = "docs/runbook/late-list.md"
    LIST_HELD = "docs/runbook/list-held.md"
    MAIL_NOT_SENT = "docs/runbook/mail-not-sent.md"
    NO_HEARTBEAT = "docs/runbook/no-heartbeat.md"
    NO_NEWS = "docs/runbook/no-news.md"
    NOT_ERASED = "docs/runbook/not-erased.md"
    NOT_RECONCILED = "docs/runbook/not-reconciled.md"
    PAPER_NOT_MADE = "docs/runbook/paper-not-made.md"
    QUARANTINE_SPIKE = "docs/runbook/quarantine-spike.md"
    REFUSED_EXTRACT = "docs/runbook/refused-extract.md"
    RESTORE = "docs/runbook/restore.md"
    SILENT_OFFICE = "docs/runbook/silent-office.md"
    TASK_RED = "docs/runbook/task-red.md"
    UNREAD_ANSWER = "docs/runbook/unread-answer.md"

    @property
    def hint(self) -> str:
        """The sentence by which an alert names it."""
        return f"What to do: {self}"


BY_ERROR = {
    "BrokenArrangements": Page.BROKEN_ARRANGEMENT,
    "ExtractRefused": Page.REFUSED_EXTRACT,
    "WaitsForAPerson": Page.REFUSED_EXTRACT,
    "SealRefused": Page.KEY_EXPIRING,
    "OperationalError": Page.DATABASE_DOWN,
    "InterfaceError": Page.DATABASE_DOWN,
    # SQLAlchemy's names for a file or page of the database that is damaged.
    "DatabaseError": Page.RESTORE,
    "InternalError": Page.RESTORE,
}
"""By an error's own name, whatever task it befell. Names, so that nothing has to be imported to read this."""
BY_TASK = {
    "clear_notices": Page.CASE_WAITS,
    "collect_responses": Page.DOOR_SHUT,
    "collect_responses.remind": Page.MAIL_NOT_SENT,
    "collect_responses.tell_concerns": Page.MAIL_NOT_SENT,
    "collect_responses.tell_not_understood": Page.MAIL_NOT_SENT,
    "deliver_lists.compose": Page.KEY_EXPIRING,
    "deliver_lists.send": Page.DELIVERY_REFUSED,
    "deliver_urgent_lists.compose": Page.KEY_EXPIRING,
    "deliver_urgent_lists.send": Page.DELIVERY_REFUSED,
    "pull_extracts": Page.LATE_EXTRACT,
    "reconcile_cases": Page.NOT_RECONCILED,
    "report_afghan_framework.make": Page.PAPER_NOT_MADE,
    "report_afghan_framework.send": Page.DELIVERY_REFUSED,
    "report_rejected.publish": Page.PAPER_NOT_MADE,
    "report_rejected.send": Page.DELIVERY_REFUSED,
    "retain_records": Page.NOT_ERASED,
    "review_cooperation": Page.PAPER_NOT_MADE,
    "sweep": Page.TASK_RED,
    "sweep.send_again": Page.DELIVERY_REFUSED,
    "watch.find_broken_arrangements": Page.BROKEN_ARRANGEMENT,
    "watch.find_overdue_lists": Page.LATE_LIST,
    "watch.find_quarantine_spikes": Page.QUARANTINE_SPIKE,
    "watch.find_silent_offices": Page.SILENT_OFFICE,
    "watch.find_standing_concerns": Page.CONCERN,
    "watch.find_unread_messages": Page.UNREAD_ANSWER,
    "watch.find_waiting_cases": Page.CASE_WAITS,
    "watch.measure": Page.TASK_RED,
    "watch_seals": Page.KEY_EXPIRING,
}
"""By a DAG, and by a task of it where that has a page of its own."""


def page_of(dag_id: str, task_id: str, error: object = None) -> Page:
    """The page for a task that failed. dag_id: `deliver_lists__GRC-ATH` is one of `deliver_lists`

    raises: KeyError if the DAG has no page
    """
    if found := BY_ERROR.get(type(error).__name__):
        return found
    family = dag_id.partition("__")[0]
    return BY_TASK.get(f"{family}.{task_id}") or BY_TASK[family]
