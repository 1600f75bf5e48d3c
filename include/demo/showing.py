"""What an office sees in its terminal, eighty columns wide.

Reach for this to change how a list, what was sent, or what came back looks.
"""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from include.demo.answering import Answer, Door
from include.demo.desk import Desk
from include.lists.texts import texts

_COLOURS = {"NEW": "bold blue", "CHANGED": "yellow", "CANCELLED": "magenta", "DEPARTED": "green"}
_SEALS: Mapping[str, str] = {
    "pgp": "OpenPGP, opened with the office's key",
    "password": "opened with the list password",
    "age": "age, opened with the office's identity",
    "none": "not sealed",
}


def show_list(console: Console, desk: Desk, list_number: str) -> None:
    """A list as a person reads it, eighty columns wide."""
    copies = list(desk.lists[list_number].values())
    received = copies[0]
    words = texts(desk.office.language)
    came = " and ".join(f"by {one.via} ({_SEALS[one.seal]})" for one in copies)
    console.print()
    console.print(f"[bold]{list_number}[/bold] came {came}.", highlight=False)
    for one in copies:
        if one.problem:
            console.print(f"[red]By {one.via} it is not in order: {escape(one.problem)}. Call IOM.[/red]")
    if received.opened is None or received.file is None:
        return
    kind = received.file[0].removeprefix(f"{list_number}_").partition(".")[0]
    counts = ", ".join(f"{notice} {count}" for notice, count in received.counts.items() if count)
    console.print(f"Kind: {kind}. Entries: {counts or 'none'}", highlight=False)
    table = Table(header_style="bold", padding=(0, 1, 0, 0), box=SIMPLE_HEAD, show_edge=False)
    table.add_column("", justify="right", no_wrap=True, style="dim")
    for heading in ("entry", "notice"):
        table.add_column(heading, no_wrap=True)
    table.add_column("name", ratio=1, overflow="fold")
    table.add_column("departure", no_wrap=True)
    table.add_column("reason; marked", ratio=1)
    for line, entry in enumerate(received.opened.entries.to_dict("records"), start=1):
        departure = entry["departed_on"] or entry["expected_departure_on"] or "[dim]no date[/dim]"
        if entry["previous_expected_departure_on"]:
            departure += f"\n[dim]was {entry['previous_expected_departure_on'][5:]}[/dim]"
        marks = "\n".join(escape(mark.strip()) for mark in words.shown("marked", entry["marked"]).split(";") if mark)
        table.add_row(
            str(line),
            entry["entry"],
            f"[{_COLOURS.get(entry['notice'], 'red')}]{escape(entry['notice'])}[/]",
            escape(entry["name"]),
            departure,
            "\n".join(filter(None, [escape(words.shown("reason", entry["reason"])), marks and f"[red]{marks}[/red]"])),
        )
    if not received.opened.entries.empty:
        console.print(table)


def show_sent(
    console: Console, desk: Desk, list_number: str, answers: Mapping[str, Answer] | None, door: Door, name: str
) -> None:
    """That a list was answered, or acknowledged (answers: None), and as what."""
    count = "" if answers is None else f"{len(answers)} {'entry' if len(answers) == 1 else 'entries'} "
    by = "by email" if door == "email" else f"into {desk.office.answers.folder}"
    said = f"{count}{'acknowledged' if answers is None else 'answered'} {by}"
    # The name on a line of its own: it may be nearly as wide as the terminal.
    console.print(f"[green]→[/green] {list_number}: {said}\n  {escape(name)}", highlight=False, soft_wrap=True)


def show_what_came_back(console: Console, desk: Desk) -> None:
    """News of answers, and mail."""
    for heading, text in desk.came_back():
        console.print(heading, highlight=False)
        if text:
            console.print(Padding(escape(text), (0, 0, 0, 2)), highlight=False)
