"""An office in a second terminal beside the demo: it sees its lists, answers them, and sees what comes of it.

Reach for `play` to sit at an office's desk, or to let a script do so.
"""

import contextlib
import datetime as dt
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.markup import escape

from include.arrangements.reading import load_offices
from include.demo.answering import Answer, CannotAnswer, Door
from include.demo.desk import Desk
from include.demo.scripted import Wish, fulfil
from include.demo.setting import Setting, load
from include.demo.showing import show_list, show_sent, show_what_came_back

_Read = TypeVar("_Read")
LOOK_EVERY = 2.0
"""Seconds."""


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
                show_list(console, desk, list_number)
                if asks and desk.open_doors(list_number):
                    line.stop()
                    _ask(console, desk, list_number)
                    line.start()
            left = fulfil(console, desk, left, door)
            show_what_came_back(console, desk)
            if once or not _answers(setting.mail_port):
                break
            time.sleep(LOOK_EVERY)
        if left:
            raise CannotAnswer(f"{office} has no list here for {len(left)} of the answers, or not by this door")
        if not once:
            console.print("The demo has ended.")


def _sit_down(setting: Setting, office: str) -> Desk:
    offices = {
        one: versions for one, versions in load_offices(setting.arrangements)[0].items() if one in setting.secrets
    }
    if office not in offices:
        raise LookupError(f"the demo has no office {office}; it has {', '.join(sorted(offices))}")
    desk = Desk(setting.seen_by(office), offices[office][-1])
    list(desk.came_back())  # what came before is no news
    return desk


def _ask(console: Console, desk: Desk, list_number: str) -> None:
    """Ask the person at the desk what to do with a list, and do it."""
    leave = "[bold]r[/bold] only says that it is here, [bold]Enter[/bold] leaves it"
    answers: dict[str, Answer] = {}
    with contextlib.suppress(EOFError):
        while said := console.input(f"Answer which line? {'[bold]Enter[/bold] sends' if answers else leave}: ").strip():
            if said.lower() == "r" and not answers:
                _send(console, desk, list_number, None)
                return
            try:
                entry = desk.entry(list_number, said)
            except CannotAnswer as error:
                console.print(f"[red]{escape(str(error))}[/red]")
                continue
            if (given := _ask_for_one(console, entry, desk.names(list_number)[entry])) != Answer():
                answers[entry] = given
        if answers:
            _send(console, desk, list_number, answers)


def _ask_for_one(console: Console, entry: str, name: str) -> Answer:
    console.print(f"  {entry}  [bold]{escape(name)}[/bold]   [dim](Enter says nothing)[/dim]")
    concern = _asked(console, "A concern that it is not voluntary? yes/no", _yes_or_no)
    closed = _asked(console, "Record closed on, YYYY-MM-DD", dt.date.fromisoformat)
    return Answer(concern, closed, console.input("  Remarks: ").strip())


def _asked(console: Console, question: str, read: Callable[[str], _Read]) -> _Read | None:
    """What was said, or None for nothing; asked again until it is understood."""
    while said := console.input(f"  {question}: ").strip():
        try:
            return read(said)
        except ValueError:
            console.print("  [red]that was not understood[/red]")
    return None


def _yes_or_no(said: str) -> bool:
    if said.lower() in ("y", "yes", "n", "no"):
        return said.lower().startswith("y")
    raise ValueError


def _send(console: Console, desk: Desk, list_number: str, answers: Mapping[str, Answer] | None) -> None:
    door = _which_door(console, desk, list_number)
    try:
        show_sent(console, desk, list_number, answers, door, desk.send(list_number, answers, door))
    except CannotAnswer as error:
        console.print(f"[red]{escape(str(error))}[/red]")


def _which_door(console: Console, desk: Desk, list_number: str) -> Door:
    desk.look()  # the copy of the other channel may be here by now
    open_doors = desk.open_doors(list_number)
    if len(open_doors) == 1:
        return next(iter(open_doors))
    said = console.input("By [bold]e[/bold]mail, or into the [bold]f[/bold]older? (e) ").strip().lower()
    return "folder" if said.startswith("f") else "email"


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
