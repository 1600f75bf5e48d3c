"""An office in a second terminal beside the demo: it sees its lists, answers them, and sees what comes of it.

Reach for `play` to sit at an office's desk, or to let a script do so.
"""

import contextlib
import datetime as dt
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from smtplib import SMTPException

import pandas as pd
from paramiko import SSHException
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from include.arrangements.reading import load_offices
from include.delivery.keys import SealRefused
from include.delivery.outcomes import DeliveryFailed, DeliveryRefused
from include.demo.answering import Answer, CannotAnswer, Door, acknowledge, answer, doors
from include.demo.desk import Desk
from include.demo.office import Received
from include.demo.setting import Setting, load
from include.lists.texts import texts

LOOK_EVERY = 2.0
"""Seconds."""
_COLOURS = {"NEW": "bold blue", "CHANGED": "yellow", "CANCELLED": "magenta", "DEPARTED": "green"}


@dataclass(frozen=True)
class Wish:
    """What a script wants to be done with a list; without `answer` the list is acknowledged.

    list_number: None: the newest list that has the entry
    entry: its reference, or the number of its line
    """

    list_number: str | None
    entry: str | None = None
    answer: Answer | None = None


def wish(what: str, said: Sequence[str]) -> Wish:
    """An answer as the command line has it.

    what: an entry's reference, or LIST:LINE
    said: of concern=yes, closed=YYYY-MM-DD, remarks=TEXT
    raises: ValueError
    """
    list_number, _, entry = what.rpartition(":")
    fields = dict(one.partition("=")[::2] for one in said)
    concern, closed, remarks = (fields.pop(name, "") for name in ("concern", "closed", "remarks"))
    if not said or fields or concern not in ("", "yes", "no"):
        raise ValueError("say of an entry: concern=yes or concern=no, closed=YYYY-MM-DD, remarks=TEXT")
    answer = Answer(concern == "yes" if concern else None, dt.date.fromisoformat(closed) if closed else None, remarks)
    return Wish(list_number or None, entry, answer)


def play(
    office: str,
    folder: Path,
    console: Console,
    *,
    wishes: Sequence[Wish] = (),
    door: Door | None = None,
    once: bool = False,
) -> None:
    """Show an office its lists as they come, and let it answer, until the demo or Ctrl-C ends it.

    wishes: what is done without asking, each as soon as its list is there
    door: by which the wishes go, where the office has both
    once: do what can be done with the lists that are here, and return
    raises: LookupError if the demo has no such office, or does not run; CannotAnswer if a wish cannot be fulfilled
    """
    asks = console.is_terminal and sys.stdin.isatty() and not wishes and not once
    with contextlib.suppress(KeyboardInterrupt), console.status(f"waiting for a demo in {folder}") as line:
        setting = _running(folder, wait=not once)
        desk = _sit_down(setting, office)
        console.print(f"[bold]{escape(desk.office.name)}[/bold] ({office}) is at its desk. Ctrl-C ends it.")
        line.update(f"{office} waits for its next list")
        left = list(wishes)
        while True:
            for list_number in desk.new_lists():
                show(console, desk, list_number)
                if asks and desk.open_doors(list_number):
                    line.stop()
                    _ask(console, desk, list_number)
                    line.start()
            left = _fulfil(console, desk, left, door)
            _show_what_came_back(console, desk)
            if once or not _answers(setting.mail_port):
                break
            time.sleep(LOOK_EVERY)
        if left:
            raise CannotAnswer(f"{office} has no list here for {len(left)} of the answers, or not by this door")
        if not once:
            console.print("The demo has ended.")


def _sit_down(setting: Setting, office: str) -> Desk:
    versions = load_offices(setting.arrangements)[0].get(office)
    if not versions or office not in setting.secrets:
        raise LookupError(f"the demo has no office {office}; it has {', '.join(sorted(setting.secrets))}")
    desk = Desk(setting.seen_by(office), versions[-1])
    list(desk.came_back())  # what came before is no news
    return desk


def _show_what_came_back(console: Console, desk: Desk) -> None:
    for heading, text in desk.came_back():
        console.print(heading, highlight=False, soft_wrap=True)
        if text:
            console.print(Padding(escape(text), (0, 0, 0, 2)), highlight=False)


def show(console: Console, desk: Desk, list_number: str) -> None:
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
    console.print(f"It is IOM's {words.kind.get(kind, kind)}: {counts or words.empty}", highlight=False)
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


_SEALS: Mapping[str, str] = {
    "pgp": "OpenPGP, opened with the office's key",
    "password": "opened with the list password",
    "age": "age, opened with the office's identity",
    "none": "not sealed",
}


def _ask(console: Console, desk: Desk, list_number: str) -> None:
    """Ask the person at the desk what to do with a list, and do it."""
    received = next(iter(desk.open_doors(list_number).values()))
    leave = "[bold]r[/bold] only says that it is here, [bold]Enter[/bold] leaves it"
    answers: dict[str, Answer] = {}
    try:
        while True:
            said = console.input(f"Answer which line? {'[bold]Enter[/bold] sends' if answers else leave}: ").strip()
            if not said:
                break
            if said.lower() == "r" and not answers:
                _send(console, desk, list_number, None, _which_door(console, desk, list_number))
                return
            try:
                entry = _entry(received, said)
            except CannotAnswer as error:
                console.print(f"[red]{escape(str(error))}[/red]")
                continue
            if (given := _ask_for_one(console, received, entry)) != Answer():
                answers[entry] = given
        if answers:
            _send(console, desk, list_number, answers, _which_door(console, desk, list_number))
    except EOFError:
        console.print("Nothing was sent.")
    except CannotAnswer as error:
        console.print(f"[red]{escape(str(error))}[/red]")


def _ask_for_one(console: Console, received: Received, entry: str) -> Answer:
    name = str(_entries(received).set_index("entry").at[entry, "name"])
    console.print(f"  {entry}  [bold]{escape(name)}[/bold]   [dim](Enter says nothing)[/dim]")
    said = console.input("  A concern that it is not voluntary? y/n: ").strip().lower()
    concern = {"y": True, "n": False}.get(said[:1])
    closed = None
    while said := console.input("  Record closed on, YYYY-MM-DD: ").strip():
        try:
            closed = dt.date.fromisoformat(said)
            break
        except ValueError:
            console.print("  [red]write a date as 2026-11-03[/red]")
    return Answer(concern, closed, console.input("  Remarks: ").strip())


def _which_door(console: Console, desk: Desk, list_number: str) -> Door:
    desk.look()  # the copy of the other channel may be here by now
    open_doors = desk.open_doors(list_number)
    if len(open_doors) == 1:
        return next(iter(open_doors))
    said = console.input("By [bold]e[/bold]mail, or into the [bold]f[/bold]older? (e) ").strip().lower()
    return "folder" if said.startswith("f") else "email"


def _fulfil(console: Console, desk: Desk, wishes: Sequence[Wish], door: Door | None) -> list[Wish]:
    """Do what is wished of lists that are there, one answer for each list; returns the wishes that wait on."""
    waiting = []
    answers: dict[tuple[str, Door], dict[str, Answer]] = {}
    for wish in wishes:
        list_number = _meant(desk, wish)
        open_doors = desk.open_doors(list_number) if list_number else {}
        by = door or next(iter(open_doors), None)
        if list_number is None or by is None or by not in open_doors:
            waiting.append(wish)
        elif wish.entry is None or wish.answer is None:
            _send(console, desk, list_number, None, by)
        else:
            entry = _entry(open_doors[by], wish.entry)
            answers.setdefault((list_number, by), {})[entry] = wish.answer
    for (list_number, by), given in answers.items():
        _send(console, desk, list_number, given, by)
    return waiting


def _meant(desk: Desk, wish: Wish) -> str | None:
    """The list that a wish is for, if it is here."""
    if wish.list_number:
        return wish.list_number if wish.list_number in desk.lists else None
    for list_number in sorted(desk.lists, reverse=True):
        copies = desk.open_doors(list_number).values()
        if any((wish.entry or "").upper() in set(_entries(copy)["entry"]) for copy in copies):
            return list_number
    return None


def _send(console: Console, desk: Desk, list_number: str, answers: Mapping[str, Answer] | None, door: Door) -> None:
    received = desk.open_doors(list_number)[door]
    by = "by email" if door == "email" else f"into {desk.office.answers.folder}"
    try:
        if answers is None:
            went = acknowledge(desk.setting, desk.office, received, door)
        else:
            went = answer(desk.setting, desk.office, doors(desk.office)[door], received, answers, door)
    except (SealRefused, DeliveryRefused, DeliveryFailed, SMTPException, SSHException, OSError) as error:
        raise CannotAnswer(f"{list_number} was not answered {by}: {error}") from None
    said = (
        "acknowledged" if answers is None else f"{len(answers)} {'entry' if len(answers) == 1 else 'entries'} answered"
    )
    # The name on a line of its own: it may be nearly as wide as the terminal.
    console.print(f"[green]→[/green] {list_number}: {said} {by}\n  {escape(went)}", highlight=False, soft_wrap=True)


def _entries(received: Received) -> pd.DataFrame:
    return received.opened.entries if received.opened else pd.DataFrame({"entry": [], "name": []})


def _entry(received: Received, said: str) -> str:
    """The reference of an entry that is named by it, or by the number of its line. raises: CannotAnswer"""
    entries = list(_entries(received)["entry"])
    if said.upper() in entries:
        return said.upper()
    if said.isdecimal() and 1 <= int(said) <= len(entries):
        return str(entries[int(said) - 1])
    raise CannotAnswer(f"{received.list_number} has no such line: say 1 to {len(entries)}, or an entry's reference")


def _running(folder: Path, *, wait: bool) -> Setting:
    """The setting of the demo that runs in this folder. raises: LookupError if none does and it is not waited for"""
    while True:
        with contextlib.suppress(FileNotFoundError):
            setting = load(folder)
            if _answers(setting.mail_port):
                return setting
        if not wait:
            raise LookupError(f"no demo runs in {folder}: start one with `make demo`, or name its folder with --folder")
        time.sleep(LOOK_EVERY)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True
