"""Concerns on the screen of the person who looks into them: which stand, and all that is known of one.

Reach for `show_open` for the list, which names nobody; `show_one` names the person: never for a log.
"""

import datetime as dt

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.ledger import responses
from include.ledger.engine import reading
from include.reports.answers import Standing, standing_concerns


def show_open(now: dt.datetime, console: Console) -> None:
    """Print every concern that stands, the nearest departure first."""
    standing = standing_concerns(now)
    if not standing:
        console.print("No concern stands.", highlight=False)
        return
    table = Table(title=f"{len(standing)} open concerns", title_justify="left", box=SIMPLE_HEAD, header_style="bold")
    for heading in ("days left", "entry", "list", "raised (UTC)", "departure", "told"):
        table.add_column(heading, justify="right" if heading == "days left" else "left", no_wrap=True)
    for one in standing:
        table.add_row(*_row(one))
    console.print(table)
    console.print("python -m include concerns show ENTRY says who it is and what was written.", highlight=False)


def _row(one: Standing) -> list[str]:
    concern = one.concern
    if concern.departed_on:
        left, departure = "[bold red]LEFT[/bold red]", f"left {concern.departed_on}"
    elif one.days_left is None:
        left, departure = "–", "none expected"
    else:
        colour = "bold red" if one.days_left <= 3 else "yellow" if one.days_left <= 7 else "default"
        left, departure = f"[{colour}]{one.days_left}[/{colour}]", str(concern.expected_departure_on)
    told = "yes" if concern.told_at else "[red]not yet[/red]"
    raised = f"{concern.raised_at.astimezone(dt.UTC):%d %b %H:%M}"
    return [left, concern.entry, concern.list_number, raised, departure, told]


def show_one(entry: str, console: Console) -> None:
    """Print whom an entry stands for, what its office was told and what it answered.

    raises: LookupError if there is no such entry
    """
    with reading() as session:
        known = responses.entry_of(session, entry)
        told = responses.told_of(session, known.entry)
        said = responses.words_of(session, known.entry)
        concerns = responses.concerns_of(session, known.entry)
    console.print(f"[bold]{escape(told[-1].name)}[/bold], case {escape(known.case_id)} ({known.host_country})")
    table = Table(title=f"Entry {known.entry}, {known.office}", title_justify="left", box=SIMPLE_HEAD)
    for heading in ("when (UTC)", "who", "what"):
        table.add_column(heading, no_wrap=heading.startswith("when"))
    happened = [(one.at, "IOM", f"{one.notice}, {one.day or 'no date'}, on {one.list_number}") for one in told]
    happened += [(when, known.office, _said(answer, number)) for when, number, answer in said]
    for concern in concerns:
        if concern.closed_at:
            happened.append((concern.closed_at, concern.closed_by or "", f"closed the concern: {concern.note}"))
    for when, who, what in sorted(happened, key=lambda one: one[0]):
        table.add_row(f"{when.astimezone(dt.UTC):%Y-%m-%d %H:%M}", escape(who), escape(what))
    console.print(table)
    if any(concern.closed_at is None for concern in concerns):
        console.print(
            f"It stands. python -m include concerns close {known.entry} --by WHO --note WHAT", highlight=False
        )


def _said(answer: responses.Answer, number: str) -> str:
    parts = [
        {True: "CONCERN", False: "no concern", None: ""}[answer.concern],
        f"record closed on {answer.record_closed_on}" if answer.record_closed_on else "",
        f"“{answer.remarks}”" if answer.remarks else "",
    ]
    return f"{'; '.join(filter(None, parts))} (on {number})"
