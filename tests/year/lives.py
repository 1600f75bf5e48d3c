"""The simulated truth: people who ask IOM to go home, what becomes of them, and what the extracts of a day say of it.

Reach for `Lives` to have one day follow another. Every name is of one case alone, so that a name on a list says whose
entry it is. A draw of 0 is always a day on which nothing happens: so a failing year shrinks to a quiet one.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

OPEN = ("registered", "booked", "no_show")
NEVER_ASKED = "Unheard"
"""In the name of whoever wants to go home and never applied for asylum: nobody of them may be on a list."""
KEPT_AFTER_CLOSING = dt.timedelta(days=90)
_DAY = dt.timedelta(days=1)
EVENTS = (
    "booked",
    "moved",
    "leaves",
    "does not appear",
    "had not left",
    "had not left and stays",
    "closed after departure",
    "withdrawn",
    "closed",
    "reopened",
    "registered again",
    "consent",
    "name corrected",
    "moved office",
    "moved host",
    "matching",
)
"""What can be let happen to one person, beside what happens by itself."""


@dataclass(frozen=True)
class Record:
    """A record of the asylum procedure, on a day."""

    reference: str
    applied_on: dt.date
    outcome: str = "pending"
    outcome_on: dt.date | None = None

    @property
    def final(self) -> bool:
        return self.outcome != "pending"


@dataclass(frozen=True)
class Row:
    """An AVR case, on a day. `link` is what matching makes of it: accept, review, or nothing where `reference` is empty."""

    case_id: str
    host: str
    iom_office: str
    family_name: str
    given_names: str
    registered_on: dt.date
    reference: str | None
    link: str | None
    status: str = "registered"
    expected: dt.date | None = None
    departed_on: dt.date | None = None
    consent: bool | None = None
    changed_on: dt.date = dt.date.min

    @property
    def name(self) -> str:
        return f"{self.family_name.upper()}, {self.given_names}"


@dataclass(frozen=True)
class Snapshot:
    """What the two extracts of a host country would say on a day: its cases by id, its records by reference."""

    host: str
    day: dt.date
    rows: Mapping[str, Row]
    records: Mapping[str, Record]


@dataclass
class Lives:
    """Everybody, day by day.

    hosts: the IOM offices of each host country
    people: how many the caseload is kept at
    pace: how many times as much happens as in a real caseload; a short year needs more
    """

    hosts: Mapping[str, tuple[str, ...]]
    people: int
    pace: int = 1
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    happened: list[tuple[dt.date, str, str]] = field(default_factory=list)
    """day, case, what"""
    sure: set[str] = field(default_factory=set)
    """References that a person has decided about: nobody comes again by them, which would be a doubt of its own."""
    _ids: int = 0

    def move(self, day: dt.date, chance: Random) -> None:
        """Let a day happen."""
        open_cases = [row for row in self.rows.values() if row.status in OPEN]
        for row in list(self.rows.values()):
            if not (row.status == "closed" and day - row.changed_on > KEPT_AFTER_CLOSING):
                self._live(row, day, chance)
        for host in self.hosts:
            for record in list(self.records.get(host, {}).values()):
                if not record.final and self._often(chance, 5):
                    outcome = chance.choice(["rejected", "recognised", "withdrawn"])
                    self.records[host][record.reference] = replace(record, outcome=outcome, outcome_on=day)
        missing = self.people - len(open_cases)
        for _ in range(min(missing, max(2, self.people // 15) if self._ids else self.people)):
            self._register(day, chance)

    def snapshot(self, host: str, day: dt.date) -> Snapshot:
        rows = {
            row.case_id: row
            for row in self.rows.values()
            if row.host == host and not (row.status == "closed" and day - row.changed_on > KEPT_AFTER_CLOSING)
        }
        return Snapshot(host, day, rows, dict(self.records.get(host, {})))

    def _often(self, chance: Random, in_a_thousand: int) -> bool:
        return chance.randrange(1000) >= 1000 - min(500, in_a_thousand * self.pace)

    def _register(self, day: dt.date, chance: Random) -> None:
        host = list(self.hosts)[chance.randrange(len(self.hosts))]
        self._ids += 1
        case_id = f"{host}-{self._ids:05d}"
        # Most have applied. Of some the machine is not sure; of some it is, and is wrong: they stand beside a stranger's
        # record, until a person sees it. Some never applied.
        link = chance.choice(["accept"] * 7 + ["review", "wrong", None])
        reference = f"R{self._ids:05d}" if link else None
        if reference:
            applied = day - dt.timedelta(days=200)
            self.records.setdefault(host, {})[reference] = Record(reference, applied)
        offices = self.hosts[host]
        self._set(
            Row(
                case_id,
                host,
                offices[chance.randrange(len(offices))],
                self._name("Asked", reference),
                "Nino",
                day,
                reference,
                "accept" if link == "wrong" else link,
                consent=chance.choice([True, None, None, True, False]),
            ),
            day,
            "registered",
        )
        if chance.randrange(3):
            self._book(self.rows[host, case_id], day, chance)

    def _name(self, asked: str, reference: str | None) -> str:
        return f"{asked if reference else NEVER_ASKED}{self._ids:05d}"

    def _set(self, row: Row, day: dt.date, what: str) -> Row:
        self.rows[row.host, row.case_id] = replace(row, changed_on=day)
        self.happened.append((day, row.case_id, f"{what}: {row.status} {row.expected} {row.departed_on} {row.consent}"))
        return row

    def _book(self, row: Row, day: dt.date, chance: Random) -> None:
        expected = day + dt.timedelta(days=1 + chance.randrange(30))
        self._set(replace(row, status="booked", expected=expected), day, "booked")

    def happen(self, event: str, who: int, day: dt.date, chance: Random) -> None:
        """Let one of EVENTS happen to somebody, if it can happen to them now."""
        row = list(self.rows.values())[who % len(self.rows)]
        to = {
            "leaves": ("booked", replace(row, status="departed", departed_on=day - _DAY)),
            "does not appear": ("booked", replace(row, status="no_show")),
            "had not left": ("departed", replace(row, status="booked", expected=day + 9 * _DAY, departed_on=None)),
            "had not left and stays": ("departed", replace(row, status="withdrawn", expected=None, departed_on=None)),
            "closed after departure": ("departed", replace(row, status="closed")),
            "reopened": ("withdrawn", replace(row, status="registered", expected=None)),
        }
        correct: dict[str, Callable[[Row, dt.date, Random], None]] = {
            "moved": self._move,
            "name corrected": self._rename,
            "consent": self._consent,
            "moved office": self._move_office,
            "matching": self._match,
            "moved host": self._move_host,
        }
        if event in to and to[event][0] == row.status:
            self._set(to[event][1], day, event)
        elif event in correct and row.status in OPEN:
            correct[event](row, day, chance)
        elif event == "booked" and row.status in ("registered", "no_show"):
            self._book(row, day, chance)
        elif event in ("withdrawn", "closed") and row.status in OPEN:
            self._set(replace(row, status=event), day, event)
        elif event == "registered again" and row.status == "withdrawn" and row.reference not in self.sure:
            self._register_again(row, day)

    def _live(self, row: Row, day: dt.date, chance: Random) -> None:
        if row.status in OPEN:
            if self._often(chance, 3):
                corrections = (self._rename, self._consent, self._move_office, self._match, self._move_host)
                return corrections[chance.randrange(5)](row, day, chance)
            if self._often(chance, 8):
                ended = chance.choice(["withdrawn", "withdrawn", "closed"])
                self._set(replace(row, status=ended), day, ended)
                return None
        if row.status == "registered" and self._often(chance, 80):
            self._book(row, day, chance)
        elif row.status == "booked":
            self._wait(row, day, chance)
        elif row.status == "no_show" and self._often(chance, 150):
            self._book(row, day, chance)
        elif row.status == "departed":
            self._after(row, day, chance)
        elif row.status == "withdrawn":
            self._come_back(row, day, chance)
        return None

    def _wait(self, row: Row, day: dt.date, chance: Random) -> None:
        if row.expected is not None and day >= row.expected:
            end = chance.randrange(10)  # the flight: they leave, or the day passes without a word
            if end < 6:
                self._set(replace(row, status="departed", departed_on=row.expected), day, "departed")
            elif end < 8:
                self._set(replace(row, status="no_show"), day, "no show")
        elif self._often(chance, 25):
            self._move(row, day, chance)
        elif self._often(chance, 6):
            self._set(replace(row, status="departed", departed_on=day - _DAY), day, "left early")

    def _after(self, row: Row, day: dt.date, chance: Random) -> None:
        if self._often(chance, 6):
            to = chance.choice([("booked", day + 9 * _DAY), ("booked", None), ("withdrawn", None), ("no_show", None)])
            self._set(replace(row, status=to[0], expected=to[1], departed_on=None), day, "had not left")
        elif row.departed_on and self._often(chance, 3):
            self._set(replace(row, departed_on=row.departed_on - _DAY), day, "left another day")
        elif self._often(chance, 15):
            self._set(replace(row, status="closed"), day, "closed after departure")

    def _come_back(self, row: Row, day: dt.date, chance: Random) -> None:
        if self._often(chance, 6):
            self._set(replace(row, status="registered", expected=None), day, "reopened")
        elif row.reference not in self.sure and self._often(chance, 8):
            self._register_again(row, day)
        elif self._often(chance, 8):
            self._set(replace(row, status="closed"), day, "closed")

    def _register_again(self, row: Row, day: dt.date) -> None:
        """Under a new case id, beside the same record; the clerk closes the old case."""
        self._ids += 1
        again = replace(
            row, case_id=f"{row.host}-{self._ids:05d}", family_name=self._name("Again", row.reference),
            status="registered", expected=None, registered_on=day, link="accept" if row.reference else None,
        )  # fmt: skip
        self._set(again, day, f"registered again after {row.case_id}")
        self._set(replace(row, status="closed"), day, "closed")

    def _move(self, row: Row, day: dt.date, chance: Random) -> None:
        moved = None if chance.randrange(5) == 4 else day + dt.timedelta(days=1 + chance.randrange(40))
        self._set(replace(row, expected=moved), day, "moved")

    def _rename(self, row: Row, day: dt.date, _: Random) -> None:
        self._set(replace(row, given_names=f"{row.given_names} Shah"), day, "name corrected")

    def _consent(self, row: Row, day: dt.date, _: Random) -> None:
        self._set(replace(row, consent={True: False, None: True, False: True}[row.consent]), day, "consent")

    def _move_office(self, row: Row, day: dt.date, chance: Random) -> None:
        offices = self.hosts[row.host]
        self._set(replace(row, iom_office=offices[chance.randrange(len(offices))]), day, "moved office")

    def _match(self, row: Row, day: dt.date, _: Random) -> None:
        link = {"accept": "review", "review": "accept", None: None}[row.link]
        self._set(replace(row, link=link), day, f"matching now says {link}")

    def _move_host(self, row: Row, day: dt.date, chance: Random) -> None:
        """The case is closed here and goes on there, by the same id where the source keeps it."""
        to = list(self.hosts)[chance.randrange(len(self.hosts))]
        if to == row.host or (to, row.case_id) in self.rows or row.reference in self.sure:
            return
        self._set(replace(row, status="closed"), day, f"moved to {to}")
        if row.reference:
            self.records.setdefault(to, {})[row.reference] = self.records[row.host][row.reference]
        offices = self.hosts[to]
        there = replace(row, host=to, iom_office=offices[chance.randrange(len(offices))], registered_on=day)
        self._set(there, day, f"moved from {row.host}")
