"""Telling IOM's focal point, by mail, that a list is late or missing. Nothing in such a mail names a person.

Reach for `list_is_late` as what Airflow calls when a list's deadline has passed, for `tell_overdue` after the sweep's
look. Both ask the ledger what is late: it alone knows what an office has.
"""

import datetime as dt
import json
import logging
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from zoneinfo import ZoneInfo

from include.arrangements.models import Arrangement
from include.arrangements.reading import load_offices, newest_at
from include.delivery.outcomes import DeliveryFailed, DeliveryRefused, DeliveryUnknown
from include.runbook import Page
from include.settings import arrangements_folder, data_folder, write_private

CONNECTION = "smtp_avr"
"""The Airflow connection of the mail server that mails to IOM's own staff go over."""
REMIND_AFTER = dt.timedelta(hours=23)
"""What stands is told again after this: once a day, by a sweep that looks every hour."""
_log = logging.getLogger(__name__)


def list_is_late(office: str, context: Mapping[str, Any]) -> None:
    """Mail the office's focal point that a list is late, and what Airflow does about it.

    For a run whose list is with the office by now, however it got there, nobody is mailed.
    context: what Airflow gives a deadline's callback: `dag_run` as its REST API has it, and `deadline`
    """
    from include.reports.overdue import what_is_late

    run = context["dag_run"]
    due_at = dt.datetime.fromisoformat(run["data_interval_end"] or run["run_after"])
    late = what_is_late(office, due_at)
    if not late:
        _log.info("%s: the list due at %s is with the office by now", office, due_at)
        return
    arrangement = _arrangement(office, due_at)
    due = f"{due_at.astimezone(ZoneInfo(arrangement.timezone)):%A %d %B %Y %H:%M %Z}"
    if run["state"] == "failed":
        airflow = "It has failed: nothing is tried before the office's next list is due, or somebody clears the run."
    else:
        airflow = "It still tries."
    _mail(
        arrangement,
        f"Late: the list of {office} due {due}",
        [
            f"The list that was due at {arrangement.name} ({office}) on {due} is late.",
            "",
            *_bullets(late),
            "",
            f"Airflow's run {run['dag_id']} {run['dag_run_id']} is to make and send it. {airflow}",
        ],
        Page.LATE_LIST,
    )


def tell_overdue(overdue: Mapping[str, Sequence[str]], now: dt.datetime) -> None:
    """Mail each office's focal point what is overdue at the office: when it is new, and once a day while it stands.

    overdue: for each office what is overdue, as `include.reports.overdue.overdue_lists` gives it
    """
    path = data_folder() / "overdue.json"
    told: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    standing: dict[str, str] = {}
    for office, found in sorted(overdue.items()):
        known = {what: told[what] for what in found if what in told and _within(REMIND_AFTER, told[what], now)}
        if len(known) < len(found):
            try:
                lines = ["This is overdue:", "", *_bullets(found)]
                _mail(_arrangement(office, now), f"Overdue: {office}", lines, Page.LATE_LIST)
            except (LookupError, DeliveryFailed, DeliveryRefused, DeliveryUnknown) as error:
                # The sweep's task fails all the same, and the next one tries again.
                _log.warning("the focal point of %s could not be told: %s", office, error)
            else:
                known = dict.fromkeys(found, now.isoformat())
        standing |= known
    write_private(path, json.dumps(standing).encode())


def ask_for_approval(arrangement: Arrangement, what: str, question: str, *, again: bool) -> None:
    """Mail the focal point that a list waits for a person in Airflow's UI; `again` when nobody answered in time.

    what: the list; question: what is asked, in Markdown, figures and no names
    """
    subject = f"{'Still waiting' if again else 'Waiting'} for your approval: {what}"
    lines = [
        *(["Nobody has answered in time. Departures may come nearer while the list waits.", ""] if again else []),
        *plain(question),
        "",
        "Answer in Airflow's UI, under Required Actions.",
    ]
    try:
        _mail(arrangement, subject, lines, Page.LIST_HELD)
    except (LookupError, DeliveryFailed, DeliveryRefused, DeliveryUnknown) as error:
        # The request stands in the UI all the same, and is mailed again when its time is over.
        _log.warning("the focal point of %s could not be mailed: %s", arrangement.office, error)


def plain(markdown: str) -> list[str]:
    """The lines of a request as a mail has them: without bold, and a table's rows as `what: how many`."""
    lines = [line for line in markdown.replace("*", "").splitlines() if not set(line) <= set("|-: ") or not line]
    return [": ".join(cell.strip() for cell in line.strip("|").split("|")) if "|" in line else line for line in lines]


def _within(span: dt.timedelta, since: str, now: dt.datetime) -> bool:
    return now - dt.datetime.fromisoformat(since) < span


def _bullets(what: Sequence[str]) -> list[str]:
    return [f"- {one}" for one in what]


def _arrangement(office: str, at: dt.datetime) -> Arrangement:
    found = newest_at(load_offices(arrangements_folder())[0], at).get(office)
    if found is None:
        raise LookupError(f"{office} has no good arrangement that names its focal point; see python -m include check")
    return found


def _mail(arrangement: Arrangement, subject: str, lines: Sequence[str], page: Page) -> None:
    """To IOM's focal point of an office."""
    mail(arrangement.answers.escalate, subject, lines, page)


def mail(to: Sequence[str], subject: str, lines: Sequence[str], page: Page | None) -> None:
    """Send a mail that holds no personal data.

    page: of the runbook, which the mail names; none only where it goes to people who do not run this
    raises: DeliveryFailed, DeliveryRefused or DeliveryUnknown
    """
    from include.connections import open_smtp
    from include.delivery.email import deliver

    known = ["", f"{page.hint}. This mail names nobody on a list."] if page else []
    with open_smtp(CONNECTION) as (smtp, sender):
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, ", ".join(dict.fromkeys(to)), subject
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2].rstrip(">"))
        message["Auto-Submitted"] = "auto-generated"
        message.set_content("\n".join([*lines, *known]))
        deliver(smtp, message)
