"""What becomes of the people who ask IOM to go home: registered, booked, moved, gone, or staying after all.

Reach for `Caseload` to have the AVR cases of one host country as of a day. Days follow each other: what happens on a
day depends on who is still waiting, and is kept as dated changes, so that an older day can be written again unchanged.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from include.sample.chance import Chance, Dice, Ints, Truths
from include.sample.hosts import Host
from include.sample.naming import load_habits
from include.sample.people import ALONE, FEMALE, PARENT, People, join, make_people, namesakes_of, siblings_of
from include.sample.register import OTHERWISE, RECOGNISED, REJECTED, SUBSIDIARY, WITHDRAWN, Register
from include.sample.spelling import PERSON_COLUMNS, Care, Pen

CASE_COLUMNS = (
    "case_id",
    "host_country",
    *PERSON_COLUMNS,
    "asylum_reference",
    "unhcr_reference",
    "iom_office",
    "destination_country",
    "destination_place",
    "registered_on",
    "expected_departure_on",
    "departed_on",
    "status",
    "sharing_consent",
    "origin_objection",
    "vulnerabilities",
    "updated_at",
)
OPEN = ("registered", "booked", "no_show")
APPLIED = 0.45
KEPT_AFTER_CLOSING = 90
SURE_AT_FIRST, SURE_EACH_DAY = 16, 6
"""Cases about whom there is no doubt: an office will be told of them, and of what becomes of them."""
LEAD_DAYS = 4
"""On each day two of them have a departure so many days ahead: one will leave, one will not appear."""
NEW_EACH_DAY = 0.02
_FIRST_ID = 5_000_000_000
"""Ids of people who are in no register begin here, far from those who are."""

Cells = dict[str, str | None]


@dataclass(frozen=True)
class Change:
    """What changed in a case on a day, and what happened, in codes."""

    day: dt.date
    cells: Cells
    happened: tuple[str, ...]


@dataclass(eq=False)
class Case:
    """One AVR case and its dated changes. `now` is its newest state."""

    number: int
    person: str
    position: int | None
    """Of the person in the register's people; None for those who never applied."""
    party: int
    sure: bool = False
    decided: bool = False
    references: tuple[str, ...] = ()
    """Of a canary, whose records are not drawn: all of them."""
    record: int | None = None
    """The record that brought the person here; they may have others."""
    changes: list[Change] = field(default_factory=list)
    now: Cells = field(default_factory=dict)

    def enter(self, day: dt.date, cells: Cells) -> None:
        """Begin: what is written down already, and `cells`, stand from `day` on."""
        self.change(day, {**self.now, **cells}, "new")

    def change(self, day: dt.date, cells: Cells, *happened: str) -> None:
        """Let it happen; nothing happens to a newborn's case before it is there."""
        self.changes.append(Change(max(day, self.changes[0].day) if self.changes else day, cells, happened))
        self.now.update(cells)

    def on(self, day: dt.date) -> Cells:
        """Its cells as of `day`; empty before it was registered."""
        cells: Cells = {}
        for change in self.changes:
            if change.day <= day:
                cells.update(change.cells)
        return cells

    def happened_on(self, day: dt.date) -> list[str]:
        """What happened on `day`, in codes."""
        return [code for change in self.changes if change.day == day for code in change.happened]

    @property
    def open(self) -> bool:
        return self.now["status"] in OPEN

    @property
    def expected(self) -> dt.date | None:
        text = self.now["expected_departure_on"]
        return dt.date.fromisoformat(text) if text else None


Deed = Callable[[Case, dt.date, Dice], None]


@dataclass
class Caseload:
    """The AVR cases of one host country.

    size: cases in the first day's extract
    """

    host: Host
    chance: Chance
    register: Register
    first_day: dt.date
    size: int
    cases: list[Case] = field(default_factory=list)
    canaries: list[Case] = field(default_factory=list)

    def __post_init__(self) -> None:
        # A caseworker has time and the person in front of them; the script is asked for where it matters.
        care = Care(father=0.85, mother=0.6, place=0.8, script=0.55)
        self._pen = Pen(self.host.clerk, "iom", care, self.chance.child("pen"))
        # Families of the register that came already, whether one of them or all.
        self._taken: set[int] = set()
        self._parties = 0
        self._persons_of_cases: list[People] = []
        self._zone = ZoneInfo(self.host.timezone)
        self._until = self.first_day
        self._begin()

    def open_until(self, day: dt.date) -> None:
        """Live each day until `day`, that day included."""
        while self._until < day:
            self._until += dt.timedelta(days=1)
            self.register.open_until(self._until)
            self._live(self._until)

    def snapshot(self, day: dt.date) -> list[tuple[Case, Cells]]:
        """Open cases and those closed in the last 90 days, as of `day`, by case id."""
        kept = []
        for case in (*self.cases, *self.canaries):
            cells = case.on(day)
            if not cells:
                continue
            last = max(change.day for change in case.changes if change.day <= day)
            if cells["status"] in OPEN or (day - last).days <= KEPT_AFTER_CLOSING:
                cells["updated_at"] = self._moment(case, last)
                kept.append((case, cells))
        return sorted(kept, key=lambda found: found[1]["case_id"] or "")

    def _begin(self) -> None:
        """The cases of the first day: open ones, and those that ended in the last 90 days."""
        day, dice = self.first_day, self.chance.dice("begin")
        certain = self._take_in(self._pick_sure(SURE_AT_FIRST, day, dice), day, dice, sure=True)
        for number, case in enumerate(certain):
            # Two for each of the next days: one will leave, one will not appear.
            days = 1 + number // 2 if number < 2 * LEAD_DAYS else dice.between(8, 30)
            came = day - dt.timedelta(days=dice.between(6, 40))
            self._enter(case, came, "booked", day + dt.timedelta(days=days))
        left = self.size - len(certain)
        share = max(0.0, (APPLIED * self.size - len(certain)) / left)
        parties = _parties(self._take_in(self._pick(left, share, day, dice), day, dice, sure=False))
        for party in parties:
            (self._begin_open if dice.hit(0.62) else self._begin_ended)(party, dice)
        for party in parties:
            if party[0].now["status"] == "withdrawn" and dice.hit(0.3):
                self._come_back(party[0], day, dice)

    def _begin_open(self, party: list[Case], dice: Dice) -> None:
        status = dice.weigh({"undated": 0.25, "registered": 0.08, "booked": 0.6, "no_show": 0.07})
        came = self.first_day - dt.timedelta(days=dice.between(1, 70))
        expected = None
        if status == "no_show":
            expected = max(came, self.first_day - dt.timedelta(days=dice.between(0, 4)))
        elif status != "undated":
            expected = self.first_day + dt.timedelta(days=dice.between(1, 35))
        for case in party:
            self._enter(case, came, "registered" if status == "undated" else status, expected)

    def _begin_ended(self, party: list[Case], dice: Dice) -> None:
        ended = self.first_day - dt.timedelta(days=dice.between(1, 88))
        came = ended - dt.timedelta(days=dice.between(8, 60))
        status = dice.weigh({"departed": 0.7, "withdrawn": 0.2, "closed": 0.1})
        gone = status == "departed"
        expected = ended if gone or dice.hit(0.6) else None
        for case in party:
            self._enter(case, came, status, expected, ended=ended)
            if gone:
                self._close_claim(case, ended, dice)

    def _arrive(self, day: dt.date, dice: Dice) -> None:
        """Who comes to IOM on `day`."""
        certain = self._take_in(self._pick_sure(SURE_EACH_DAY, day, dice), day, dice, sure=True)
        for number, case in enumerate(certain):
            days = LEAD_DAYS if number < 2 else dice.between(8, 30)
            self._enter(case, day, "booked", day + dt.timedelta(days=days))
        more = max(3, round(self.size * NEW_EACH_DAY) - len(certain))
        share = max(0.2, (APPLIED * (more + len(certain)) - len(certain)) / more)
        for party in _parties(self._take_in(self._pick(more, share, day, dice), day, dice, sure=False)):
            expected = day + dt.timedelta(days=dice.between(2, 40)) if dice.hit(0.35) else None
            for case in party:
                self._enter(case, day, "booked" if expected else "registered", expected)

    @staticmethod
    def _enter(case: Case, came: dt.date, status: str, expected: dt.date | None, ended: dt.date | None = None) -> None:
        """Let `case` begin. ended: for cases that were over before the world began, the day they were"""
        born = case.now["date_of_birth"]
        # A newborn is registered when it is there.
        came = max(came, dt.date.fromisoformat(born)) if born and len(born) == 10 else came
        last = max(came, ended) if ended else came
        case.enter(
            last,
            {
                "registered_on": came.isoformat(),
                "expected_departure_on": expected.isoformat() if expected else None,
                "departed_on": last.isoformat() if status == "departed" else None,
                "status": status,
            },
        )

    def _pick(self, count: int, applied: float, day: dt.date, dice: Dice) -> list["_Picked"]:
        """About `count` people who come to IOM, families together: applicants, their relatives, others."""
        standing, picked = self.register.standing(day), list[_Picked]()
        length, misses = self.register.length_on(day), 0
        wanted = _by_outcome(standing.final[:length], standing.outcome[:length])
        while len(picked) < count:
            # Families of applicants come all at once; then it is the turn of others.
            so_far = sum(pick.kind == "applied" for pick in picked[-200:])
            share = 0.0 if so_far > applied * (len(picked[-200:]) + 3) else applied
            kind = dice.weigh({"applied": share, "relative": 0.09, "namesake": 0.06, "stranger": 0.85 - applied})
            if kind == "stranger":
                picked.append(_Picked(kind, None, self._next_party()))
                continue
            outcomes = {"pending": 0.62, "rejected": 0.2, "positive": 0.07, "given_up": 0.11}
            candidates = wanted[dice.weigh({name: share for name, share in outcomes.items() if len(wanted[name])})]
            record = int(candidates[int(dice.number() * len(candidates))])
            person = int(self.register.person[record])
            if kind != "applied":
                picked.append(_Picked(kind, record, self._next_party()))
            elif int(self.register.people.group[person]) not in self._taken:
                picked.extend(self._with_family(record, count - len(picked), length, dice))
            elif (misses := misses + 1) > 10 * count:
                # A small register runs out of people in the end; then others come.
                applied = 0.0
        return picked

    def _with_family(self, record: int, room: int, length: int, dice: Dice) -> list["_Picked"]:
        """The person of `record`, and in almost half of all cases whoever stands in the same file."""
        register, party = self.register, self._next_party()
        person = int(register.person[record])
        self._taken.add(int(register.people.group[person]))
        picked = [_Picked("applied", record, party)]
        members = {person}
        if not dice.hit(0.45):
            return picked
        near = np.arange(max(0, record - 6), min(length, record + 7))
        family = near[register.people.group[register.person[near]] == register.people.group[person]]
        for other in family.tolist():
            relative = int(register.person[other])
            if relative not in members and len(picked) < room:
                members.add(relative)
                picked.append(_Picked("applied", other, party))
        return picked

    def _pick_sure(self, count: int, day: dt.date, dice: Dice) -> list["_Picked"]:
        """Applicants with one record, whose claim stays open for as long as the world is looked at."""
        register = self.register
        length = register.length_on(day)
        pending = register.pending_until(day + dt.timedelta(days=60))[:length]
        candidates = np.flatnonzero(pending)
        picked: list[_Picked] = []
        # A small register runs out of such people in the end; then fewer come.
        for _ in range(50 * count):
            if len(picked) == count or not len(candidates):
                break
            record = int(candidates[int(dice.number() * len(candidates))])
            person = int(register.person[record])
            if (family := int(register.people.group[person])) not in self._taken:
                self._taken.add(family)
                picked.append(_Picked("applied", record, self._next_party()))
        return picked

    def _next_party(self) -> int:
        self._parties += 1
        return self._parties

    def _take_in(self, picked: Sequence["_Picked"], day: dt.date, dice: Dice, *, sure: bool) -> list[Case]:
        """Write down the people picked: names and everything else that is no date."""
        if not picked:
            return []
        people = self._persons(picked, day)
        records = np.array([-1 if pick.record is None else pick.record for pick in picked], dtype=np.int64)
        numbers = np.arange(len(picked)) + len(self.cases)
        written = self._pen.write(people, numbers, self.host.nationality_codes)
        texts = {column: written[column].to_pylist() for column in PERSON_COLUMNS}
        in_register = np.maximum(records, 0)
        card = {column: text.to_pylist() for column, text in self.register.write(in_register, day).items()}
        references = self.register.reference.take(in_register).to_pylist()
        unhcr = self.register.unhcr_references(in_register).to_pylist()
        places = self._pen.places(people, numbers)
        cases = []
        leaders: dict[int, str] = {}
        parties: dict[int, int] = {}
        for position, pick in enumerate(picked):
            # Those who never applied travel with their families too.
            party = (
                parties.setdefault(int(people.group[position]), pick.party) if pick.kind == "stranger" else pick.party
            )
            applied = pick.kind == "applied"
            case = Case(
                number=int(numbers[position]),
                person=f"{self.host.code}-P{int(people.id[position])}",
                position=int(self.register.person[pick.record]) if applied and pick.record is not None else None,
                party=party,
                sure=sure,
                record=pick.record if applied else None,
            )
            cells: Cells = dict.fromkeys(CASE_COLUMNS)
            cells.update({column: texts[column][position] for column in PERSON_COLUMNS})
            if applied and (sure or dice.hit(0.3)):
                # Copied from the applicant's card, in the authority's spelling.
                for column in ("family_name", "given_names", "date_of_birth"):
                    copied = card[column][position]
                    cells[column] = copied.title() if copied and self.host.capitals else copied
            leader = leaders.setdefault(party, references[position])
            cells.update(
                case_id=f"AVR{self.host.code}{day:%y}-{case.number + 1000:06d}",
                host_country=self.host.code,
                asylum_reference=references[position] if sure else type_reference(
                    pick.kind, references[position], leader, case.number, dice
                ),
                unhcr_reference=unhcr[position] if applied and dice.hit(0.6) else None,
                iom_office=self._office(party),
                destination_country=self._destination(people, position, dice),
                destination_place=places[position] if dice.hit(0.7) else None,
                sharing_consent="true" if sure else dice.weigh({"true": 0.74, None: 0.22, "false": 0.04}),
                origin_objection=dice.weigh({"true": 0.03, "false": 0.5, None: 0.47}),
                vulnerabilities=_vulnerabilities(people, position, day, dice),
            )  # fmt: skip
            case.now = cells
            cases.append(case)
            if applied and not sure and pick.record is not None and dice.hit(0.1):
                # Some give their claim up around the time they come to IOM.
                # Only before the first day is the past still open.
                earliest = -25 if day == self.first_day else 0
                self.register.end_claim(pick.record, day + dt.timedelta(days=dice.between(earliest, 20)), WITHDRAWN)
        self.cases.extend(cases)
        self._persons_of_cases.append(people)
        return cases

    def _persons(self, picked: Sequence["_Picked"], day: dt.date) -> People:
        """The people picked, in that order, made up where they are in no register."""
        naming, first = load_habits(), _FIRST_ID + 1000 * len(self.cases)
        chance = self.chance.child("people", str(len(self.cases)))
        kinds = np.array([pick.kind for pick in picked])
        records = np.array([-1 if pick.record is None else pick.record for pick in picked], dtype=np.int64)
        known = self.register.people.take(self.register.person[np.maximum(records, 0)])
        parts, order = [], []
        for kind in ("applied", "relative", "namesake", "stranger"):
            where = np.flatnonzero(kinds == kind)
            if not len(where):
                continue
            order.append(where)
            if kind == "applied":
                parts.append(known.take(where))
            elif kind == "relative":
                twin = chance.below("twin", where, 0.15)
                parts.append(siblings_of(known.take(where), naming, chance.child(kind), first, twin, day))
            elif kind == "namesake":
                parts.append(namesakes_of(known.take(where), naming, chance.child(kind), first + 100_000_000))
            else:
                parts.append(
                    make_people(
                        chance.child(kind), naming, self.host.origins(naming), len(where), day, first + 200_000_000
                    )
                )
        return join(parts).take(np.argsort(np.concatenate(order), kind="stable"))

    def _office(self, party: int) -> str | None:
        offices = self.host.offices
        return self.chance.dice("office", str(party)).weigh(dict(offices)) if offices else None

    def _destination(self, people: People, position: int, dice: Dice) -> str | None:
        nationality = self.host.nationality_codes[int(people.nationality[position])]
        return dice.weigh({nationality: 0.95, None: 0.05})

    # ---- what happens to them

    def _live(self, day: dt.date) -> None:
        dice = self.chance.dice("day", day.isoformat())
        spoken_for = self._make_happen(day, dice)
        for party in _parties(self.cases):
            if any(case.number in spoken_for for case in party):
                continue
            waiting = [case for case in party if case.open]
            if waiting:
                self._wait(waiting, day, dice)
            else:
                self._after(party, day, dice)
        self._arrive(day, dice)

    def _make_happen(self, day: dt.date, dice: Dice) -> set[int]:
        """Let each kind of news happen once to somebody an office was told of. returns: their case numbers."""
        sure = [
            case
            for case in self.cases
            if case.sure and not case.decided and case.now["status"] == "booked" and case.expected
        ]
        due = [case for case in sure if case.expected == day]
        later = [case for case in sure if (case.expected or day) > day + dt.timedelta(days=LEAD_DAYS)]
        spoken_for = set()
        deeds = (
            (due, self._depart),
            (due, self._miss),
            (later, self._move),
            (later, self._rename),
            (later, self._withdraw),
            (later, self._close),
            (later, self._be_decided),
        )
        for candidates, happen in deeds:
            if candidates:
                case = candidates.pop(dice.between(0, len(candidates) - 1))
                happen(case, day, dice)
                spoken_for.add(case.number)
        return spoken_for

    def _wait(self, party: list[Case], day: dt.date, dice: Dice) -> None:
        """One day in the life of a party that waits together."""
        if together := self._what_comes(party[0], day, dice):
            target = str(dice.between(0, 1_000_000))
            stays = together == self._depart and len(party) > 1 and dice.hit(0.08)
            for case in party[: -1 if stays else None]:
                # The same throw for each, so that a family keeps one date.
                together(case, day, self.chance.dice("together", target))
            if stays:
                self._withdraw(party[-1], day, dice)
            return
        for case in party:
            if dice.hit(0.006):
                self._rename(case, day, dice)
            elif case.now["sharing_consent"] is None and dice.hit(0.03):
                case.change(day, {"sharing_consent": "true"}, "consent_given")
            elif case.now["sharing_consent"] == "true" and not case.sure and dice.hit(0.002):
                case.change(day, {"sharing_consent": "false"}, "consent_withdrawn")

    def _what_comes(self, case: Case, day: dt.date, dice: Dice) -> Deed | None:
        """What becomes of the party of `case` on `day`; None if nothing does."""
        expected = case.expected
        if case.sure and not case.decided and expected and expected > day:
            # Of those, one each day is picked for each kind of news.
            return None
        if case.now["status"] == "no_show":
            return dice.weigh({self._book: 0.2, self._close: 0.06, self._withdraw: 0.04, None: 0.7})
        if expected is None:
            return dice.weigh({self._book: 0.1, self._withdraw: 0.01, self._close: 0.004, None: 0.886})
        if expected > day:
            return dice.weigh(
                {self._move: 0.025, self._withdraw: 0.008, self._close: 0.003, self._undate: 0.003, None: 0.961}
            )
        # Word of a departure takes a day or two now and then.
        if dice.hit(0.2) and (day - expected).days <= 2:
            return None
        return dice.weigh({self._depart: 0.88, self._miss: 0.07, self._withdraw: 0.05})

    def _after(self, party: list[Case], day: dt.date, dice: Dice) -> None:
        """A day after the end: clerks close files, and some people come back."""
        first = party[0]
        if first.now["status"] == "departed" and dice.hit(0.01):
            for case in party:
                if case.now["status"] == "departed":
                    case.change(day, {"status": "closed"}, "file_closed")
        elif first.now["status"] == "withdrawn" and dice.hit(0.004):
            self._come_back(first, day, dice)

    def _depart(self, case: Case, day: dt.date, dice: Dice) -> None:
        left = min(case.expected or day, day)
        case.change(day, {"status": "departed", "departed_on": left.isoformat()}, "departed")
        self._close_claim(case, day, dice)

    def _miss(self, case: Case, day: dt.date, dice: Dice) -> None:
        case.change(day, {"status": "no_show"}, "no_show")

    def _withdraw(self, case: Case, day: dt.date, dice: Dice) -> None:
        case.change(day, {"status": "withdrawn"}, "withdrawn")

    def _close(self, case: Case, day: dt.date, dice: Dice) -> None:
        case.change(day, {"status": "closed"}, "closed")

    def _book(self, case: Case, day: dt.date, dice: Dice) -> None:
        again = case.now["status"] == "no_show"
        expected = day + dt.timedelta(days=dice.between(3, 35))
        case.change(
            day, {"status": "booked", "expected_departure_on": expected.isoformat()}, "rebooked" if again else "booked"
        )

    def _move(self, case: Case, day: dt.date, dice: Dice) -> None:
        before = case.expected or day
        moved = max(
            day + dt.timedelta(days=1), before + dt.timedelta(days=dice.choose((-5, -3, -2, 1, 2, 4, 7, 12, 21)))
        )
        if moved == before:
            moved += dt.timedelta(days=3)
        case.change(day, {"expected_departure_on": moved.isoformat(), "status": "booked"}, "date_moved")

    def _undate(self, case: Case, day: dt.date, dice: Dice) -> None:
        case.change(day, {"expected_departure_on": None, "status": "registered"}, "date_removed")

    def _rename(self, case: Case, day: dt.date, dice: Dice) -> None:
        """The clerk writes the name anew; where it comes out the same, a letter was wrong in the given names."""
        person = self._person_of(case)
        for attempt in range(1, 4):
            ids = np.array([case.number + attempt * 10_000_000])
            written = self._pen.write(person, ids, self.host.nationality_codes)
            cells: Cells = {column: written[column][0].as_py() for column in ("family_name", "given_names")}
            if any((case.now[column] or "").casefold() != (text or "").casefold() for column, text in cells.items()):
                break
        else:
            column = "given_names" if case.now["given_names"] else "family_name"
            cells = {column: f"{case.now[column]}i"}
        case.change(day, cells, "name_corrected")

    def _be_decided(self, case: Case, day: dt.date, dice: Dice) -> None:
        """The authority decides for good. The case goes on."""
        if case.record is None:
            return
        outcome = dice.weigh({REJECTED: 0.5, RECOGNISED: 0.2, SUBSIDIARY: 0.1, WITHDRAWN: 0.2})
        self.register.end_claim(case.record, day, outcome)
        case.change(day, {}, "claim_decided")
        case.decided = True

    def _close_claim(self, case: Case, day: dt.date, dice: Dice) -> None:
        """When somebody has left, the authority closes the file, some weeks later, unless it hears nothing."""
        if case.record is not None and dice.hit(0.6):
            self.register.end_claim(case.record, day + dt.timedelta(days=dice.between(5, 40)), OTHERWISE)

    def _come_back(self, case: Case, day: dt.date, dice: Dice) -> None:
        """Somebody who stayed asks again: a new case of the same person, written anew."""
        again = Case(
            number=len(self.cases),
            person=case.person,
            position=case.position,
            party=self._next_party(),
            record=case.record,
        )
        person = self._person_of(case)
        written = self._pen.write(person, np.array([again.number]), self.host.nationality_codes)
        again.now = {
            **case.now,
            **{column: written[column][0].as_py() for column in PERSON_COLUMNS},
            "case_id": f"AVR{self.host.code}{day:%y}-{again.number + 1000:06d}",
        }
        self.cases.append(again)
        self._persons_of_cases.append(person)
        expected = day + dt.timedelta(days=dice.between(5, 30)) if dice.hit(0.6) else None
        self._enter(again, day, "booked" if expected else "registered", expected)

    def _person_of(self, case: Case) -> People:
        """The one person of `case`."""
        position = case.number
        for people in self._persons_of_cases:
            if position < len(people):
                return people.take(np.array([position]))
            position -= len(people)
        raise LookupError("no such case was taken in")

    def _moment(self, case: Case, day: dt.date) -> str:
        """When the row was last touched: in office hours, in the country's own time."""
        seconds = self.chance.whole("second", np.array([case.number * 4000 + day.toordinal() % 4000]), 0, 9 * 3600)
        moment = dt.datetime.combine(day, dt.time(8), self._zone) + dt.timedelta(seconds=int(seconds[0]))
        return moment.isoformat(timespec="seconds")


@dataclass(frozen=True)
class _Picked:
    """Somebody who comes to IOM. `record`: their own; or the one whose relative or namesake they are."""

    kind: str
    record: int | None
    party: int


def type_reference(kind: str, reference: str, leader: str, number: int, dice: Dice) -> str | None:
    """What stands in the field for the asylum reference: a third of those who applied have nothing usable there.

    kind: `applied`, `relative`, `namesake` or `stranger`
    reference: of the person's record, or of the relative's or namesake's
    leader: the reference of whoever in the family was written down first
    """
    if kind in ("stranger", "namesake"):
        # A number from another paper is typed where the asylum number belongs.
        return f"ID{number:05d}{dice.between(1000, 9999)}" if dice.hit(0.03) else None
    if kind == "relative":
        return reference if dice.hit(0.3) else None
    how = dice.weigh({"exact": 0.47, "by hand": 0.2, "none": 0.2, "digits": 0.06, "family": 0.05, "other": 0.02})
    match how:
        case "by hand":
            return dice.choose((_spaced, _bare, str.lower, _slashed))(reference)
        case "digits":
            return _transposed(reference, dice)
        case "family":
            # One file number for the whole family; whoever travels alone has the next member's.
            return leader if leader != reference else f"{reference[:-2]}{dice.between(7, 9):02d}"
        case "other":
            return f"ID{number:05d}{dice.between(1000, 9999)}"
        case "none":
            return None
    return reference


def _spaced(reference: str) -> str:
    return " ".join(reference[start : start + 4] for start in range(0, len(reference), 4))


def _bare(reference: str) -> str:
    return "".join(letter for letter in reference if letter.isalnum())


def _slashed(reference: str) -> str:
    return reference.replace("-", " / ")


def _transposed(reference: str, dice: Dice) -> str:
    """Two neighbouring digits exchanged, where they differ."""
    places = [
        place
        for place in range(len(reference) - 1)
        if reference[place : place + 2].isdigit() and reference[place] != reference[place + 1]
    ]
    place = dice.choose(places)
    return reference[:place] + reference[place + 1] + reference[place] + reference[place + 2 :]


def _vulnerabilities(people: People, position: int, day: dt.date, dice: Dice) -> str | None:
    age = (np.datetime64(day) - people.birth[position]).astype(int) / 365.25
    codes = []
    if age < 18 and people.role[position] == ALONE:
        codes.append("unaccompanied_child")
    if age > 65:
        codes.append("elderly")
    if people.sex[position] == FEMALE and people.role[position] == PARENT:
        codes.append("single_parent")
    if people.sex[position] == FEMALE and 18 <= age < 42 and dice.hit(0.04):
        codes.append("pregnant")
    for code, share in (("medical_needs", 0.06), ("disability", 0.02), ("victim_of_trafficking", 0.01)):
        if dice.hit(share):
            codes.append(code)
    return ";".join(codes) or None


def _by_outcome(final: Truths, outcome: Ints) -> dict[str, Ints]:
    return {
        "pending": np.flatnonzero(~final),
        "rejected": np.flatnonzero(final & (outcome == REJECTED)),
        "positive": np.flatnonzero(final & np.isin(outcome, [RECOGNISED, SUBSIDIARY])),
        "given_up": np.flatnonzero(final & np.isin(outcome, [WITHDRAWN, OTHERWISE])),
    }


def _parties(cases: Iterable[Case]) -> list[list[Case]]:
    """Cases by party, in the order in which the parties came."""
    found: dict[int, list[Case]] = {}
    for case in cases:
        found.setdefault(case.party, []).append(case)
    return list(found.values())
