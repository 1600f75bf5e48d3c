"""Cases at which a person must look before their office is told: which wait, until when, and what is asked of whom.

Reach for `waiting_cases` to see them by the day on which their notice goes anyway, for `question` to see what a person
is asked. Nothing here names anybody but `show_waiting_one`, which is for the screen of who looks.
"""

import contextlib
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.arrangements.calendar import working_days_between
from include.arrangements.models import Arrangement
from include.arrangements.reading import in_force, load_offices, load_policy, newest_at
from include.ledger import clearances
from include.ledger.clearances import NotClearable, Waiting
from include.ledger.engine import reading, writing
from include.ledger.models import Case
from include.lists.truth import list_name
from include.settings import arrangements_folder

ASKED_ANEW_AFTER = dt.timedelta(hours=25)
"""When nobody has asked for so long, the task that does so every day is gone: it is asked anew."""


class NobodyHasLooked(RuntimeError):
    """Cases wait for a person, whose notice goes within a working day or has waited too long; the message counts."""


@dataclass(frozen=True)
class WaitingCase:
    """A case that waits, and the working days until its notice goes though nobody has looked."""

    waiting: Waiting
    arrangement: Arrangement
    days_left: int


@dataclass(frozen=True)
class Question:
    """What a person is asked. It names nobody."""

    number: int
    arrangement: Arrangement
    subject: str
    body: str
    again: bool


def waiting_cases(now: dt.datetime) -> list[WaitingCase]:
    """Every case that waits for a person, the one whose notice goes first on top."""
    offices = newest_at(load_offices(arrangements_folder())[0], now)
    with reading() as session:
        found = clearances.waiting(session)
    return cases_that_wait(found, offices, now)


def cases_that_wait(
    found: Sequence[Waiting], offices: Mapping[str, Arrangement], now: dt.datetime
) -> list[WaitingCase]:
    """As `waiting_cases`, of what the ledger has. offices: the arrangement of each that is in force"""
    cases = [
        WaitingCase(one, arrangement, _days_left(one, arrangement, now))
        for one in found
        if (arrangement := offices.get(one.office))
    ]
    return sorted(cases, key=lambda one: one.days_left)


def _days_left(one: Waiting, arrangement: Arrangement, now: dt.datetime) -> int:
    today = now.astimezone(ZoneInfo(arrangement.timezone)).date()
    by_time = arrangement.list.review_within.days - working_days_between(arrangement.list, one.asked_on, today)
    if one.expected_departure_on is None:
        return by_time
    # The notice goes at the latest when the list after the next would be too late, which is never later than this.
    to_departure = working_days_between(arrangement.list, today, one.expected_departure_on)
    return min(by_time, to_departure - arrangement.list.urgent_within.days)


def numbers_to_ask_for(now: dt.datetime) -> list[int]:
    """The cases of which nobody was asked, or not for so long that the task that does so every day must be gone."""
    return [
        one.waiting.number
        for one in waiting_cases(now)
        if one.waiting.mailed_at is None or now - one.waiting.mailed_at > ASKED_ANEW_AFTER
    ]


def question(number: int, now: dt.datetime) -> Question | None:
    """What is asked of a case; None where nobody has to look any more, or its office was told."""
    found = [one for one in waiting_cases(now) if one.waiting.number == number]
    if not found:
        return None
    one = found[0]
    waiting, arrangement, again = one.waiting, one.arrangement, one.waiting.mailed_at is not None
    policy = in_force(load_policy(arrangements_folder())[0], waiting.asked_on)
    why = {rule.name: f"{rule.why.text} ({rule.why.source})" for rule in policy.rules} if policy else {}
    departure = waiting.expected_departure_on
    left = max(one.days_left, 0)
    body = "\n".join(
        [
            f"**{arrangement.name}** is to be told of a case of {waiting.host_country} for the first time. Somebody at "
            "IOM looks first:",
            "",
            *(f"- {rule}: {why.get(rule, 'a rule that is not in force any more')}" for rule in waiting.rules),
            "",
            f"Expected departure: {departure or 'no date yet'}. The notice waits {left} more working days; then it "
            "goes, and says that nobody has looked. Who it is, on your own screen:",
            "",
            f"    python -m include clearances show {number}",
        ]
    )
    last = one.days_left <= 1
    subject = f"{'Last day: has' if last else 'Has'} somebody looked at case number {number} for {waiting.office}?"
    return Question(number, arrangement, subject, body, again)


def number_in(subject: str) -> int | None:
    """The number of the case that a `Question` of this subject is about; None where it is about none."""
    found = re.search(r"case number (\d+) for ", subject)
    return int(found[1]) if found else None


def note_cleared(number: int, by: str, now: dt.datetime) -> None:
    """Note that `by` has looked, by the UI; nothing happens where somebody else was quicker."""
    with writing() as session, contextlib.suppress(NotClearable):
        clearances.clear(session, number, by, "", now)


def check_somebody_looks(now: dt.datetime) -> list[str]:
    """Every case that waits, in words that name nobody.

    raises: NobodyHasLooked if the notice of one goes within a working day
    """
    waiting = waiting_cases(now)
    soon = [one for one in waiting if one.days_left <= 1]
    if soon:
        offices = ", ".join(sorted({one.waiting.office for one in soon}))
        raise NobodyHasLooked(
            f"{len(soon)} cases of {offices} are told within a working day though nobody has looked: "
            "python -m include clearances"
        )
    return [f"{one.waiting.office}: {one.days_left} working days left" for one in waiting]


def show_waiting(now: dt.datetime, console: Console) -> None:
    """Print every case that waits for a person."""
    waiting = waiting_cases(now)
    if not waiting:
        console.print("No case waits for a person.", highlight=False)
        return
    table = Table(title=f"{len(waiting)} cases wait", title_justify="left", box=SIMPLE_HEAD, header_style="bold")
    for heading in ("number", "working days left", "office", "because of", "departure"):
        table.add_column(
            heading, justify="right" if heading in ("number", "working days left") else "left", no_wrap=True
        )
    for one in waiting:
        colour = "bold red" if one.days_left <= 1 else "default"
        departure = one.waiting.expected_departure_on
        table.add_row(
            str(one.waiting.number),
            f"[{colour}]{max(one.days_left, 0)}[/{colour}]",
            one.waiting.office,
            ", ".join(one.waiting.rules),
            str(departure) if departure else "no date",
        )
    console.print(table)
    console.print("python -m include clearances show NUMBER says who it is.", highlight=False)


def show_waiting_one(number: int, console: Console) -> None:
    """Print whose case it is, for who looks at it. It names the person: never for a log.

    raises: LookupError if there is no such number
    """
    with reading() as session:
        known = clearances.entry_of(session, number)
        case = session.get_one(Case, (known.host_country, known.case_id))
        name, case_id, host = list_name(case.family_name, case.given_names), known.case_id, known.host_country
    console.print(f"[bold]{escape(name)}[/bold], case {escape(case_id)} ({host})", highlight=False)
    console.print(f"Which rules mean the case, and why: python -m include policy explain {escape(case_id)}")
    console.print(f"When you have looked: python -m include clearances clear {number} --by WHO", highlight=False)
