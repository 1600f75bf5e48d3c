"""An office that is driven by a script: what it shall answer, said beforehand.

Reach for this to see what `--answer` and `--receipt` mean.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from include.demo.answering import Answer, Door
from include.demo.desk import Desk
from include.demo.showing import show_sent


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


def fulfil(console: Console, desk: Desk, wishes: Sequence[Wish], door: Door | None) -> list[Wish]:
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
            show_sent(console, desk, list_number, None, by, desk.send(list_number, None, by))
        else:
            answers.setdefault((list_number, by), {})[desk.entry(list_number, wish.entry)] = wish.answer
    for (list_number, by), given in answers.items():
        show_sent(console, desk, list_number, given, by, desk.send(list_number, given, by))
    return waiting


def _meant(desk: Desk, wish: Wish) -> str | None:
    """The list that a wish is for, if it is here."""
    if wish.list_number:
        return wish.list_number if wish.list_number in desk.lists else None
    having = (number for number in sorted(desk.lists, reverse=True) if (wish.entry or "").upper() in desk.names(number))
    return next(having, None)
