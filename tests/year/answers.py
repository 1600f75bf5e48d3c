"""The way back: an office answers on its lists, files are lost, cut off or come twice, and a person closes concerns.

Answers are taken by the real room, file by file. Beside it what must stand is kept by hand: a concern from the yes to
the person who closes it, a list without an answer, a record that nobody said to have closed.
"""

import csv
import datetime as dt
import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from random import Random

from include.arrangements.models import Arrangement
from include.ledger import responses
from include.ledger.engine import reading, writing
from include.responses.opening import OpeningKeys
from include.responses.taking import SETTLES_IN, take_file
from tests.year.office import ERASED, LEFT, Line, Shelf

LOST, TWICE, CUT_OFF = "an answer is lost", "an answer comes twice", "an answer is cut off"
_COLUMNS = ("list_number", "entry", "voluntariness_concern", "record_closed_on", "remarks")


@dataclass(frozen=True)
class Said:
    """An answer to one entry."""

    number: str
    entry: str
    concern: bool
    closed_on: dt.date | None
    remarks: str


@dataclass
class Answers:
    """What offices have said.

    standing: entries with a concern that nobody has closed; answered: lists that an answer was about
    """

    standing: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    closed: dict[str, list[Said]] = field(default_factory=dict)
    """By entry, what says that its record was closed."""
    concerns: int = 0
    raised: list[tuple[str, dt.date]] = field(default_factory=list)
    """Entry and day of each concern that was not there before."""
    looked_into: list[tuple[str, dt.date]] = field(default_factory=list)
    _lost: list[tuple[Arrangement, list[Said]]] = field(default_factory=list)

    def answer(
        self, arrangement: Arrangement, lists: Mapping[str, tuple[Line, ...]], faults: Collection[str], now: dt.datetime,
        chance: Random,
    ) -> None:  # fmt: skip
        """Let the office answer on one of the lists that it has; a lost file is sent again on another day."""
        with_entries = [number for number in sorted(lists) if lists[number]]
        if with_entries and chance.randrange(4) == 3:
            number = with_entries[-1 - chance.randrange(min(3, len(with_entries)))]
            said = [_said(number, line, now, chance) for line in lists[number] if chance.randrange(2)]
            if said and LOST in faults:
                self._lost.append((arrangement, said))
            elif said:
                self._take(arrangement, said, faults, now)
        for lost in [one for one in self._lost if one[0] == arrangement and chance.randrange(3) == 0]:
            self._lost.remove(lost)
            self._take(*lost, faults, now)

    def see_to_concerns(self, now: dt.datetime, chance: Random) -> None:
        """Let a person close some of the concerns that stand."""
        for entry in sorted(self.standing) if chance.randrange(3) == 2 else []:
            if chance.randrange(2):
                with writing() as session:
                    responses.close_concern(session, entry, "a focal point", "spoken with the person", now)
                self.standing.remove(entry)
                self.looked_into.append((entry, now.date()))

    def check(self, told: Mapping[str, Shelf]) -> None:
        """What the ledger has of answers is what was said.

        told: for each office the lists that it is known to have
        """
        with reading() as session:
            stand = sorted(concern.entry for concern in responses.open_concerns(session))
            silent = {one.list_number for one in responses.silent_lists(session)}
            still_open = {one.entry for one in responses.still_open(session)}
        assert stand == sorted(self.standing), f"a concern is lost, or was made up: {stand}, {self.standing}"
        lists = {number: lines for shelf in told.values() for number, lines in shelf.lists.items()}
        assert silent == {number for number, lines in lists.items() if lines} - self.answered
        last = {line.entry: (number, line) for number in sorted(lists) for line in lists[number]}
        assert still_open == {entry for entry, (number, line) in last.items() if self.must_be_closed(number, line)}

    def must_be_closed(self, number: str, line: Line) -> bool:
        if line.belief.kind not in (LEFT, ERASED):
            return False
        said = self.closed.get(line.entry, [])
        after = line.belief.kind == LEFT and any(str(one.closed_on) >= line.belief.day for one in said)
        return not after and not any(one.number == number for one in said)

    def _take(self, arrangement: Arrangement, said: list[Said], faults: Collection[str], now: dt.datetime) -> None:
        content = _file(said)
        if CUT_OFF in faults:
            half = content[: len(content) // 2]
            for moment in (now, now + 2 * SETTLES_IN):
                take_file(arrangement, half, "list.csv", "sftp", OpeningKeys(), moment)
        for _ in range(2 if TWICE in faults else 1):
            outcome = take_file(arrangement, content, "list.csv", "sftp", OpeningKeys(), now + 3 * SETTLES_IN)
            assert outcome.outcome == "read", outcome
        self.answered |= {one.number for one in said}
        self.raised += [(one.entry, now.date()) for one in said if one.concern and one.entry not in self.standing]
        self.standing |= {one.entry for one in said if one.concern}
        self.concerns += sum(one.concern for one in said)
        for one in said:
            if one.closed_on:
                self.closed.setdefault(one.entry, []).append(one)


def _said(number: str, line: Line, now: dt.datetime, chance: Random) -> Said:
    closes = line.belief.kind in (LEFT, ERASED) and chance.randrange(2)
    concern = chance.randrange(4) == 3
    return Said(number, line.entry, concern, now.date() if closes else None, f"seen at {now:%Y-%m-%d}")


def _file(said: list[Said]) -> bytes:
    text = io.StringIO()
    rows = ((one.number, one.entry, "yes" if one.concern else "no", one.closed_on or "", one.remarks) for one in said)
    csv.writer(text).writerows([_COLUMNS, *rows])
    return text.getvalue().encode()
