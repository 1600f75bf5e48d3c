"""What an office believes, from nothing but the lists that it has: opened as it opens them, folded in number order."""

from dataclasses import dataclass, field

from include.delivery.unsealing import unseal
from include.lists.opening import open_list
from include.lists.texts import texts
from tests.signing import CERTIFICATE
from tests.year.arranged import IDENTITY

EXPECTED, LEFT, STAYS, ERASED = "expected", "left", "not leaving", "erased"
_WORDS = texts("en")
_CODES = {said: code for code, said in [*_WORDS.reasons.items(), *_WORDS.marks.items()]}
"""A workbook says reasons and marks in the office's language, a CSV in codes."""


@dataclass(frozen=True)
class Belief:
    """What an office's file says of one entry: `expected` on a day (or on none yet) under a name, `left` on a day,
    `not leaving` for a reason, or `erased` for a reason."""

    kind: str
    day: str = ""
    name: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Line:
    """One entry of a list."""

    entry: str
    notice: str
    reason: str
    name: str
    expected: str
    previous: str
    departed: str
    marked: tuple[str, ...]

    @property
    def belief(self) -> Belief:
        """What whoever reads this line believes from then on."""
        if self.notice == "CANCELLED":
            erase = self.reason in ("notified_in_error", "consent_withdrawn")
            return Belief(ERASED if erase else STAYS, reason=self.reason)
        if self.departed:
            return Belief(LEFT, self.departed)
        return Belief(EXPECTED, self.expected, self.name)


@dataclass
class Shelf:
    """Lists by their number, and what they say together."""

    lists: dict[str, tuple[Line, ...]] = field(default_factory=dict)
    beliefs: dict[str, Belief] = field(default_factory=dict)

    def put(self, number: str, lines: tuple[Line, ...]) -> None:
        later = self.lists and max(self.lists) > number
        self.lists[number] = lines
        if later:
            self._fold()
        else:
            self.beliefs |= {line.entry: line.belief for line in lines}

    def take_away(self, number: str) -> None:
        del self.lists[number]
        self._fold()

    def _fold(self) -> None:
        self.beliefs = {line.entry: line.belief for number in sorted(self.lists) for line in self.lists[number]}


def opened(name: str, content: bytes, signature: bytes) -> tuple[Line, ...]:
    """The lines of a list file as it came, signature and seal seen to."""
    identity = str(IDENTITY)
    inner, plain = unseal(content, name, certificate=CERTIFICATE, signature=signature, age_identity=identity)
    return tuple(_line(row) for row in open_list(plain, inner).entries.to_dict("records"))


def _line(row: dict[str, str]) -> Line:
    return Line(
        row["entry"],
        row["notice"],
        _CODES.get(row["reason"], row["reason"]),
        row["name"],
        row["expected_departure_on"],
        row["previous_expected_departure_on"],
        row["departed_on"],
        tuple(_CODES.get(mark.strip(), mark.strip()) for mark in row["marked"].split(";") if mark),
    )
