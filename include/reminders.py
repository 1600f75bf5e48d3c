"""Mails about the way back: concerns to IOM's focal point, what was not understood, receipts and closed records.

Reach for `tell_concerns` and `tell_what_was_not_understood` right after something was taken in, for `remind` once an
hour. Each asks the ledger what is still to be told and notes what was: a mail that could not go is sent the next time.
Nothing in them names a person; an entry's reference says nothing of anybody.
"""

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from include.alerts import mail, plain
from include.arrangements.models import Arrangement
from include.arrangements.reading import load_offices, newest_at
from include.delivery.outcomes import DeliveryFailed, DeliveryRefused, DeliveryUnknown
from include.ledger import clearances, responses
from include.ledger.engine import reading, writing
from include.lists.texts import texts
from include.reports.answers import (
    Standing,
    concerns_to_tell,
    departures_to_ask_about,
    lists_to_chase,
    records_to_close,
)
from include.reports.clearances import Question
from include.responses.reading import Finding
from include.responses.taking import explained
from include.runbook import Page
from include.settings import arrangements_folder

_log = logging.getLogger(__name__)
_NO_ANSWER = "A concern stops no journey by itself: whether the person should travel is for people to find out."


class NotTold(RuntimeError):
    """Mails could not be sent; the message says how many, and they are tried again."""


def tell_concerns(now: dt.datetime) -> list[str]:
    """Mail each concern that must be told to IOM's focal point; returns what was told, in words that name nobody.

    raises: NotTold, once every other was tried
    """
    told, failed = [], 0
    for one in concerns_to_tell(now):
        if one.arrangement is None:
            _log.error("%s: no good arrangement says whom to tell", one)
            failed += 1
        elif _sent(one.arrangement.answers.escalate, _subject(one), _about(one, one.arrangement), Page.CONCERN):
            with writing() as session:
                responses.record_told(session, one.concern, one.days_left, now)
            told.append(str(one))
        else:
            failed += 1
    _raise(failed)
    return told


def _subject(one: Standing) -> str:
    concern, left = one.concern, one.days_left
    if concern.departed_on:
        return f"LEFT while a concern stood: {concern.office}, entry {concern.entry}"
    days = "" if left is None else f", {left} days to departure" if left >= 0 else ", expected departure has passed"
    again = "Concern still stands" if concern.told_at else "Voluntariness concern"
    return f"{again}: {concern.office}, entry {concern.entry}{days}"


def _about(one: Standing, arrangement: Arrangement) -> list[str]:
    concern = one.concern
    since = f"{concern.raised_at.astimezone(ZoneInfo(arrangement.timezone)):%A %d %B %Y %H:%M %Z}"
    return [
        f"{arrangement.name} ({concern.office}) doubts that a return is voluntary.",
        "",
        f"- entry {concern.entry} of list {concern.list_number}, since {since}",
        f"- {one.when}",
        "",
        *(["This person has left while the concern stood. It stays open until somebody has looked.", ""]
          if concern.departed_on else [_NO_ANSWER, ""]),
        "Who it is, and what the office wrote:",
        f"    python -m include concerns show {concern.entry}",
        "When it has been looked into, and only then:",
        f"    python -m include concerns close {concern.entry} --by WHO --note WHAT-WAS-FOUND",
        "",
        "This mail comes again as the departure comes near.",
    ]  # fmt: skip


def ask_for_clearance(asked: Question, now: dt.datetime) -> None:
    """Mail IOM's focal point that a case waits for a person; once more, and louder, where that was done already.

    A mail that cannot go stops nothing: the request stands in the UI all the same.
    """
    lines = [
        *(["Nobody has answered yet.", ""] if asked.again else []),
        *plain(asked.body),
        "",
        "Answer in Airflow's UI, under Required Actions.",
    ]
    subject = f"{'Again: ' if asked.again else ''}{asked.subject}"
    if _sent(asked.arrangement.answers.escalate, subject, lines, Page.CASE_WAITS):
        with writing() as session:
            clearances.record_mailed(session, asked.number, now)


def tell_what_was_not_understood(now: dt.datetime) -> int:
    """Mail what could not be taken of answers to their office and IOM's focal point; returns how many were told.

    raises: NotTold, once every other was tried
    """
    in_force = newest_at(load_offices(arrangements_folder())[0], now)
    with reading() as session:
        unreported = responses.unreported(session)
    told, failed = [], 0
    for one in unreported:
        if one.outcome == "stranger":
            to, subject, lines, page = _of_a_stranger(one, in_force)
        elif one.office not in in_force:
            _log.error("%s: no good arrangement says whom to tell", one.office)
            failed += 1
            continue
        elif one.outcome == "letter":
            to, subject, lines, page = _of_a_letter(one, in_force[one.office])
        else:
            to, subject, lines, page = _of_findings(one, in_force[one.office])
        if not to:
            _log.error("nobody is arranged with who could be told of a message")
        if to and _sent(to, subject, lines, page):
            told.append(one.id)
        else:
            failed += 1
    if told:
        with writing() as session:
            responses.record_reported(session, told, now)
    _raise(failed)
    return len(told)


_Mail = tuple[Sequence[str], str, list[str], Page | None]
"""To whom, subject, lines, and the page of the runbook where it goes to IOM alone."""


def _of_findings(one: responses.Unreported, arrangement: Arrangement) -> _Mail:
    """In the office's language, to it and to IOM's focal point: one of them will see to it."""
    words = texts(arrangement.language)
    findings = [Finding(**finding) for finding in one.findings]
    body = words.answers_body.format(
        # Without the mark a date between Arabic words is shown from its end.
        came=f"\u200e{one.came_at.astimezone(ZoneInfo(arrangement.timezone)):%Y-%m-%d %H:%M %Z}",
        findings="\n".join(f"- {line}" for line in explained(findings, words)),
        contact=arrangement.whom_to_call.email,
    )
    office = _at_the_office(arrangement)
    page = None if office else Page.UNREAD_ANSWER
    return [*office, *arrangement.answers.escalate], words.answers_subject, body.splitlines(), page


def _of_a_letter(one: responses.Unreported, arrangement: Arrangement) -> _Mail:
    return (
        arrangement.answers.escalate,
        f"A mail of {one.office} has to be read by a person",
        [
            f"A mail of {arrangement.name} ({one.office}) came on {one.came_at:%Y-%m-%d %H:%M} UTC that no machine",
            f"can take, or that says more than it can. It is in folder For-a-person of {arrangement.answers.mailbox}.",
            "Please read it now: it may be a concern about somebody who is about to leave.",
        ],
        Page.UNREAD_ANSWER,
    )


_WHY_STRANGE = {
    "stranger": "is from an address that no office is arranged with",
    "not_vouched": "says that it is from an office, and our mail server does not vouch for that",
    "bounce": "says that a mail could not be delivered, of no list that is known",
}


def _of_a_stranger(one: responses.Unreported, offices: Mapping[str, Arrangement]) -> _Mail:
    finding = one.findings[0] if one.findings else {}
    claimed = [offices[office] for office in finding.get("offices", []) if office in offices]
    concerned = claimed or [arrangement for arrangement in offices.values() if arrangement.answers.mailbox]
    to = list(dict.fromkeys(address for arrangement in concerned for address in arrangement.answers.escalate))
    said = ", ".join(arrangement.office for arrangement in claimed)
    where = "For-a-person" if finding.get("code") == "bounce" else "Quarantine"
    return (
        to,
        f"A message in the mailbox for answers was not opened{f': it says {said}' if said else ''}",
        [
            f"A message of {one.came_at:%Y-%m-%d %H:%M} UTC {_WHY_STRANGE[finding.get('code', 'stranger')]}.",
            f"Nothing of it was taken. It is in folder {where} of the mailbox; open no attachment of it.",
            *(["Ask the office, by telephone, whether it has written."] if said else []),
        ],
        Page.UNREAD_ANSWER,
    )


def remind(now: dt.datetime) -> dict[str, int]:
    """Remind offices of lists that they have not said to have, and of records to close; ask IOM what stays silent.

    returns: how many lists or entries were reminded of, escalated or asked about
    raises: NotTold, once every other was tried
    """
    counts = {"reminded": 0, "escalated": 0, "to close": 0, "without news": 0}
    failed = 0
    for chase in lists_to_chase(now):
        for silent, escalated in ((chase.remind, False), (chase.escalate, True)):
            if not silent:
                continue
            if _sent(*(_of_silence if escalated else _of_receipts)(chase.arrangement, silent)):
                with writing() as session:
                    responses.record_chased(session, [one.id for one in silent], now, escalated=escalated)
                counts["escalated" if escalated else "reminded"] += len(silent)
            else:
                failed += 1
    for arrangement, entries in records_to_close(now):
        if _sent(*_of_closing(arrangement, entries)):
            with writing() as session:
                responses.record_reminded(session, [one.entry for one in entries], now)
            counts["to close"] += len(entries)
        else:
            failed += 1
    for arrangement, passed in departures_to_ask_about(now):
        if _sent(*_of_no_news(arrangement, passed)):
            with writing() as session:
                responses.record_asked(session, [one.entry for one in passed], now)
            counts["without news"] += len(passed)
        else:
            failed += 1
    _raise(failed)
    return {what: count for what, count in counts.items() if count}


def _of_receipts(arrangement: Arrangement, silent: Sequence[responses.Silent]) -> _Mail:
    words = texts(arrangement.language)
    numbers = [one.list_number for one in silent]
    body = words.receipt_body.format(
        office=arrangement.name,
        lists="\n".join(f"- {number}" for number in numbers),
        lines="\n".join(f"RECEIVED {number}" for number in numbers),
        contact=arrangement.whom_to_call.email,
    )
    return arrangement.answers.remind, words.receipt_subject.format(lists=", ".join(numbers)), body.splitlines(), None


def _of_silence(arrangement: Arrangement, silent: Sequence[responses.Silent]) -> _Mail:
    return (
        arrangement.answers.escalate,
        f"Not known to be received: {len(silent)} lists of {arrangement.office}",
        [
            f"{arrangement.name} ({arrangement.office}) has not said whether it has these lists"
            f"{', though it was reminded' if arrangement.answers.remind else ''}:",
            "",
            *(f"- {one.list_number}, delivered {one.told_at:%Y-%m-%d %H:%M} UTC" for one in silent),
            "",
            "They were delivered as far as machines can tell. Please call the office. If it has them:",
            "    python -m include received LIST --by WHO",
        ],
        Page.SILENT_OFFICE,
    )


def _of_closing(arrangement: Arrangement, entries: Sequence[responses.StillOpen]) -> _Mail:
    words = texts(arrangement.language)
    lines = [
        (words.closing_departed if one.departed_on else words.closing_erase).format(
            entry=one.entry, list_number=one.list_number, day=one.departed_on
        )
        for one in entries
    ]
    body = words.closing_body.format(
        office=arrangement.name,
        entries="\n".join(f"- {line}" for line in lines),
        contact=arrangement.whom_to_call.email,
    )
    to = arrangement.answers.remind or arrangement.answers.escalate
    page = None if arrangement.answers.remind else Page.SILENT_OFFICE
    return to, words.closing_subject.format(count=len(entries)), body.splitlines(), page


def _of_no_news(arrangement: Arrangement, passed: Sequence[responses.WithoutNews]) -> _Mail:
    return (
        arrangement.answers.escalate,
        f"Expected departures without news: {len(passed)} of {arrangement.office}",
        [
            f"{arrangement.name} ({arrangement.office}) was told of these departures. The day has passed, and no",
            "extract says whether the person left, stays or has a new date:",
            "",
            *(f"- entry {one.entry}: expected on {one.expected_departure_on}" for one in passed),
            "",
            "Please see that the case's status is entered: the office hears of it with the next list. Who it is:",
            "    python -m include concerns show ENTRY",
        ],
        Page.NO_NEWS,
    )


def _at_the_office(arrangement: Arrangement) -> list[str]:
    mailboxes = [to for channel in arrangement.deliver if channel.via == "email" for to in channel.to]
    return list(arrangement.answers.remind or mailboxes)


def _sent(to: Sequence[str], subject: str, lines: Sequence[str], page: Page | None) -> bool:
    try:
        mail(to, subject, lines, page)
    except (LookupError, DeliveryFailed, DeliveryRefused, DeliveryUnknown) as error:
        _log.warning("a mail could not be sent: %s", error)
        return False
    return True


def _raise(failed: int) -> None:
    if failed:
        raise NotTold(f"{failed} mails could not be sent; they are tried again")
