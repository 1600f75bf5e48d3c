"""A year of days: lives go on, something fails, lists are made and sent, and every day each office's belief is checked.

Reach for `Year` to have a day pass with the faults that you choose. All chance comes from the `Random` that is handed
in, so that a property test can shrink it, and a seed can repeat a year. What must be true is in `_check_list` (what a
list says), `_check_day` (what an office has) and `check_at_rest` (what is left once everything has arrived).
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from random import Random
from typing import NoReturn
from zoneinfo import ZoneInfo

from sqlalchemy import select

from include.arrangements.calendar import due_moments, next_due
from include.arrangements.models import Arrangement
from include.delivery.keys import SealRefused
from include.delivery.send import give_up
from include.ledger import outbox
from include.ledger.engine import reading, writing
from include.ledger.models import Delivery, Entry, List, SealedFile
from include.ledger.outbox import NotResendable, NotVoidable
from include.lists.compose import (
    Approved,
    OutOfProportion,
    compose_list,
    compose_urgent_list,
    hold_list,
    offices_that_cannot_wait,
)
from tests.year.answers import CUT_OFF, LOST, TWICE, Answers
from tests.year.arranged import keys_of
from tests.year.expected import IN_ERROR, SILENT, should_believe
from tests.year.iom import Iom
from tests.year.lives import NEVER_ASKED, OPEN, Lives, Snapshot
from tests.year.office import EXPECTED, LEFT, STAYS, Belief, Line, Shelf, opened
from tests.year.post import Post

FAULTS = (
    "an extract is missing",
    "an extract is cut off",
    "an extract is corrected the same day",
    "an older day comes late",
    "a day is run twice",
    "composing dies after its commit",
    "the signing key is missing",
    "a list is not run",
    "an approval is given later",
    "a list is held back",
    "a server is away",
    "an upload is cut",
    "a message comes back",
    "a list is voided",
    LOST,
    TWICE,
    CUT_OFF,
)
_DAY = dt.timedelta(days=1)
_Made = tuple[str | None, dict[str, int]]
Key = tuple[str, str]


@dataclass
class Desk:
    """One office as the simulation keeps it.

    sent: every list that was made and not voided; has: those that it received, as it opened them
    waiting: due moments that were not seen to; away_until: the day on which its server is back
    """

    arrangement: Arrangement
    sent: Shelf = field(default_factory=Shelf)
    has: Shelf = field(default_factory=Shelf)
    cases: dict[str, Key] = field(default_factory=dict)
    """Whose case an entry is."""
    waiting: list[dt.datetime] = field(default_factory=list)
    seen_to: dt.datetime | None = None
    away_until: dt.date = dt.date.min
    newest: str = ""
    """The number of the list that was made last."""
    lost: dict[str, str] = field(default_factory=dict)
    """Lists that its mail server took and lost, which nobody knows yet, with their Message-ID."""
    came_back: set[str] = field(default_factory=set)
    voided: set[str] = field(default_factory=set)
    """Entries of lists that a person voided."""
    had_on: dict[str, dt.date] = field(default_factory=dict)
    """The day on which a list came, by whichever way it came first."""

    def beliefs(self, shelf: Shelf) -> dict[Key, Belief]:
        """What it believes of each case. What was told in error is gone: the case was never told."""
        return {self.cases[entry]: belief for entry, belief in shelf.beliefs.items() if belief != IN_ERROR}


class Year:
    """Days, one after the other."""

    def __init__(
        self,
        folder: Path,
        arrangements: Sequence[Arrangement],
        lives: Lives,
        begin: dt.date,
    ) -> None:
        self.begin, self.today = begin, begin - _DAY
        self.lives = lives
        self.desks = {arrangement.office: Desk(arrangement) for arrangement in arrangements}
        self.iom = Iom(arrangements, self._told)
        self.post = Post(folder)
        self.answers = Answers()
        self.counts: Counter[str] = Counter()
        self.checked = 0
        """Beliefs of an office about a case that were held against what is true."""
        self.diary: list[str] = []
        self._late: list[Snapshot] = []
        for office in self.desks:
            self.post.open_folder(office)

    def close(self) -> None:
        self.post.close()

    def a_day(self, faults: Collection[str], chance: Random, happens: Sequence[tuple[str, int]] = ()) -> None:
        """Let a day pass on which these of FAULTS happen, and these of `lives.EVENTS` to somebody.

        raises: AssertionError if something is not as it must be
        """
        self.today += _DAY
        self.counts["days"] += 1
        self.counts.update(f"fault: {fault}" for fault in faults)
        self.diary.append(f"{self.today} {', '.join(sorted(faults))}")
        self.lives.move(self.today, chance)
        for event, who in happens:
            self.lives.happen(event, who, self.today, chance)
        for office in self.desks:
            self._hear_of_bounces(office, chance)
        for host in self.lives.hosts:
            self._pull(host, faults, chance)
        self._decide(chance)
        unlucky = chance.choice(list(self.desks))
        for office, desk in self.desks.items():
            morning = dt.datetime.combine(self.today, dt.time(), dt.UTC)
            desk.waiting += due_moments([desk.arrangement], morning, morning + _DAY)
            if not (office == unlucky and "a list is not run" in faults):
                self._scheduled(desk, faults if office == unlucky else set(faults) & {"a day is run twice"})
        if "a list is voided" in faults:
            self._void(unlucky)
        self._send(unlucky, faults, chance)
        self._check_day()
        for desk in self.desks.values():
            self.answers.answer(desk.arrangement, desk.has.lists, faults, self._now, chance)
        self.answers.see_to_concerns(self._now, chance)
        self._check_answers()

    def come_to_rest(self) -> None:
        """Let everything arrive: no more faults, nothing new in any life, two lists for every office."""
        for _ in range(2):
            dues = {
                office: next_due([desk.arrangement], dt.datetime.combine(self.today + _DAY, dt.time(), dt.UTC))
                for office, desk in self.desks.items()
            }
            self.today = max(due.astimezone(dt.UTC).date() for due in dues.values() if due)
            self.diary.append(f"{self.today} at rest")
            for office, desk in self.desks.items():
                desk.away_until = dt.date.min
                for number, message_id in desk.lost.items():
                    self._record_bounce(desk, number, message_id)
                desk.lost.clear()
                self._see_to_what_came_back(office)
            for host in self.lives.hosts:
                self._reconcile(self.lives.snapshot(host, self.today))
            for desk in self.desks.values():
                desk.waiting = [*desk.waiting, *filter(None, [dues[desk.arrangement.office]])][-1:]
                self._scheduled(desk, ())
            self._send("", (), Random(0))
            self._check_day()
            self._check_answers()
        self.check_at_rest()

    # What is true of extracts and cases -------------------------------------------------------------------------

    @property
    def _now(self) -> dt.datetime:
        return dt.datetime.combine(self.today, dt.time(18), dt.UTC)

    def _told(self, host: str) -> set[str]:
        return {
            case_id
            for desk in self.desks.values()
            for case_host, case_id in desk.beliefs(desk.sent)
            if case_host == host
        }

    def _pull(self, host: str, faults: Collection[str], chance: Random) -> None:
        snapshot = self.lives.snapshot(host, self.today)
        struck = chance.randrange(3) == 0 if faults else False
        if struck and "an extract is missing" in faults:
            self._late.append(snapshot)
            return
        if struck and "an extract is cut off" in faults:
            kept = {case: row for case, row in snapshot.rows.items() if chance.randrange(10) < 6}
            self._reconcile(replace(snapshot, rows=kept), unusable=min(3, len(snapshot.rows) - len(kept)))
            return
        if struck and "an extract is corrected the same day" in faults and snapshot.rows:
            self._reconcile(self._mistaken(snapshot, chance))
        self._reconcile(snapshot)
        if "a day is run twice" in faults:
            self._reconcile(snapshot)
        if "an older day comes late" in faults and self._late:
            self._reconcile(self._late.pop(chance.randrange(len(self._late))))

    def _mistaken(self, snapshot: Snapshot, chance: Random) -> Snapshot:
        row = snapshot.rows[chance.choice(sorted(snapshot.rows))]
        wrong = chance.choice(
            [
                replace(row, status="departed", departed_on=self.today - _DAY),
                replace(row, status="withdrawn", departed_on=None),
                replace(row, given_names="Mistyped"),
                replace(row, status="booked", departed_on=None, expected=self.today + 3 * _DAY),
            ]
        )
        self.lives.happened.append((self.today, row.case_id, f"mistaken for a while: {wrong.status} {wrong.name}"))
        return replace(snapshot, rows={**snapshot.rows, row.case_id: wrong})

    def _reconcile(self, snapshot: Snapshot, unusable: int = 0) -> None:
        self.counts["reconciliations"] += 1
        self.diary.append(f"{self.today} {snapshot.host} of {snapshot.day}: {len(snapshot.rows)} cases")
        self.iom.reconcile(snapshot, self._now, unusable)
        self._tell_at_once(snapshot.host, snapshot.day)

    def _decide(self, chance: Random) -> None:
        """A person looks at some of the pairs that are in doubt, and at some that the machine accepted."""
        again: set[str] = set()
        times = Counter((row.host, row.reference) for row in self.lives.rows.values())
        for key, case in list(self.iom.known.items()):
            if key not in self.iom.offered or times[case.row.host, case.row.reference] > 1 or case.missing:
                continue
            doubtful = not case.matched and not case.decided
            if chance.randrange(1000) >= 1000 - (120 if doubtful else 4 * self.lives.pace):
                decision = (
                    "reject" if case.matched else "accept" if case.decided else chance.choice(["accept", "reject"])
                )
                self.iom.decide(key, decision, self._now)
                self.lives.sure.add(case.row.reference or "")
                self.lives.happened.append((self.today, key[1], f"a person says: {decision}"))
                again.add(key[0])
        for host in sorted(again):
            if chance.randrange(2):
                self._reconcile(self.iom.newest[host])

    # Lists -------------------------------------------------------------------------------------------------------

    def _tell_at_once(self, host: str, day: dt.date) -> None:
        hears = {office: desk for office, desk in self.desks.items() if host in desk.arrangement.host_countries}
        called = offices_that_cannot_wait(
            {office: [desk.arrangement] for office, desk in hears.items()}, host, day, self._now
        )
        for office, desk in hears.items():
            if office not in called:
                self._check_list(desk, (), "urgent", day)
                continue
            made = desk.arrangement

            def make(approved: Approved | None, made: Arrangement = made) -> _Made:
                return compose_urgent_list([made], day, keys_of(made), self._now, approved)

            number = self._approving(make)[0]
            assert number, f"{office} was to hear something at once, and there was nothing"
            self._made(desk, number, "urgent", day)

    def _scheduled(self, desk: Desk, faults: Collection[str]) -> None:
        made = desk.arrangement
        while desk.waiting:
            due_at = desk.waiting[0]
            day = due_at.date()
            signing = "the signing key is missing" not in faults

            def make(approved: Approved | None, due_at: dt.datetime = due_at, signing: bool = signing) -> _Made:
                return compose_list(made, due_at, keys_of(made, signing), self._now, approved)

            try:
                number, _ = make(None)
            except SealRefused:
                self.counts["lists that could not be sealed"] += 1
                return
            except OutOfProportion as asked:
                self.counts["lists that waited for a person"] += 1
                if "an approval is given later" in faults or not signing:
                    return
                if "a list is held back" in faults:
                    hold_list(
                        made.office, "scheduled", due_at, Approved(asked.figures.as_dict(), "somebody", self._now)
                    )
                    desk.seen_to = desk.waiting.pop(0)
                    continue
                number, _ = make(Approved(asked.figures.as_dict(), "somebody", self._now))
            desk.seen_to = desk.waiting.pop(0)
            if number:
                self._made(desk, number, "scheduled", day)
            else:
                self._check_list(desk, (), "scheduled", day)
            if {"a day is run twice", "composing dies after its commit"} & set(faults):
                assert make(None) == (None, {}), f"{made.office} is told twice what was told already"

    def _approving(self, make: Callable[[Approved | None], _Made]) -> _Made:
        try:
            return make(None)
        except OutOfProportion as asked:
            self.counts["lists that waited for a person"] += 1
            return make(Approved(asked.figures.as_dict(), "somebody", self._now))

    def _made(self, desk: Desk, number: str, kind: str, day: dt.date) -> None:
        """Open the list as it lies in the outbox, hold it against what must be told, and count it as in flight."""
        with reading() as session:
            for entry in session.scalars(select(Entry).filter_by(office=desk.arrangement.office)):
                desk.cases[entry.entry] = (entry.host_country, entry.case_id)
            parcels: dict[int, dict[str, bytes]] = {}
            of_list = select(SealedFile).join(Delivery, Delivery.id == SealedFile.delivery_id)
            year, count = (int(part) for part in number.rpartition("_")[2].split("-"))
            of_list = of_list.join(List, List.id == Delivery.list_id).where(List.year == year, List.number == count)
            for file in session.scalars(of_list.where(List.office == desk.arrangement.office)):
                parcels.setdefault(file.delivery_id, {})[file.name] = file.content
        assert number > desk.newest, f"{number} was made after {desk.newest}, and would be read before it"
        desk.newest = number
        said = {lines for files in parcels.values() for _, lines in opened_lists(files)}
        assert len(said) == 1, f"{number} says one thing over one channel and another over the other"
        lines = said.pop()
        self.diary += [f"{self.today} {number} {line} {desk.cases[line.entry]}" for line in lines]
        self.counts[f"{kind} lists"] += 1
        self.counts.update(f"notice: {line.notice}" for line in lines)
        self._check_list(desk, lines, kind, day)
        desk.sent.put(number, lines)

    def _check_list(self, desk: Desk, lines: tuple[Line, ...], kind: str, day: dt.date) -> None:
        """A list brings the office to what is true, and says nothing that it was told. An urgent one leaves what can wait."""
        office, before = desk.arrangement.office, desk.beliefs(desk.sent)
        concerned = self._concerned(desk, before)
        self.checked += len(concerned)
        told = {desk.cases[line.entry]: line for line in lines}
        if len(told) != len(lines):
            self._fail("a case is on a list twice", office)
        for key, line in told.items():
            had, case = before.get(key), self.iom.known[key]
            should = should_believe(had, case, desk.arrangement, day)
            told_before = had is not None and had.kind == EXPECTED
            is_new = line.belief.kind == EXPECTED and (had is None or had.kind == STAYS)
            moved = line.notice == "CHANGED" and told_before and had is not None and had.day != line.expected
            wrong = {
                "never asked for asylum": NEVER_ASKED.upper() in line.name,
                "not what is true": line.belief != should,
                "told twice": line.belief == had,
                "the wrong notice": (line.notice == "NEW") != is_new,
                "late, or not": ("late" in line.marked) != (line.notice == "DEPARTED" and not told_before),
                "not the previous day": told_before and line.previous != (had.day if moved and had else ""),
            }
            for what in (what for what, is_so in wrong.items() if is_so):
                self._fail(f"{what}: told {line}, had {had}, should {should}, known {case}", office, key)
        due = next_due([desk.arrangement], max(filter(None, [desk.seen_to, _morning(desk.arrangement, day)])))
        for key in concerned:
            if key not in told:
                had, case = before.get(key), self.iom.known[key]
                should = should_believe(had, case, desk.arrangement, day)
                waits = kind == "urgent" and not _at_once(had, should, due)
                if should != had and not waits:
                    self._fail(f"not told: had {had}, should {should}, known {case}", office, key)

    def _concerned(self, desk: Desk, before: Iterable[Key]) -> set[Key]:
        return {key for key in self.iom.known if key[0] in desk.arrangement.host_countries} | set(before)

    # Delivery ----------------------------------------------------------------------------------------------------

    def _send(self, unlucky: str, faults: Collection[str], chance: Random) -> None:
        if "composing dies after its commit" in faults:
            return
        if "a server is away" in faults:
            self.desks[unlucky].away_until = self.today + dt.timedelta(days=1 + chance.randrange(6))
        self.post.away = {office for office, desk in self.desks.items() if desk.away_until > self.today}
        for office, desk in self.desks.items():
            self.post.cut_next = office == unlucky and "an upload is cut" in faults
            problem = self.post.send(desk.arrangement, self._now)
            self.diary += [f"{self.today} {problem}"] if problem else []
            if "a message comes back" in faults and (lost := self.post.lose(office)):
                message_id, number = lost
                desk.lost[number] = message_id
                self.diary.append(f"{self.today} {number} is lost")

    def _hear_of_bounces(self, office: str, chance: Random) -> None:
        desk = self.desks[office]
        if desk.lost and chance.randrange(3):
            number = sorted(desk.lost)[0]
            self._record_bounce(desk, number, desk.lost.pop(number))
        elif desk.came_back and chance.randrange(2):
            self._see_to_what_came_back(office)

    def _record_bounce(self, desk: Desk, number: str, message_id: str) -> None:
        with writing() as session:
            assert outbox.record_bounce(session, message_id, {"x": "5.1.1"}, self._now) == [number]
        self.diary.append(f"{self.today} {number} came back")
        desk.came_back.add(number)

    def _see_to_what_came_back(self, office: str) -> None:
        """A person has the mailbox repaired and lets each go once more; what is older than what arrived is voided."""
        desk = self.desks[office]
        for number in sorted(desk.came_back):
            try:
                with writing() as session:
                    outbox.resend_list(session, number)
            except NotResendable:
                self._give_up(desk, number)
        desk.came_back.clear()

    def _void(self, office: str) -> None:
        with reading() as session:
            owed = session.scalars(select(List).filter_by(office=office, state="sealed").order_by(List.id)).first()
        if owed is not None:
            try:
                self._give_up(self.desks[office], owed.list_number)
            except NotVoidable as refused:
                self.diary.append(f"{self.today} {refused}")

    def _give_up(self, desk: Desk, number: str) -> None:
        give_up(number, "it cannot be delivered", self._now)
        self.diary.append(f"{self.today} {number} is void")
        self.counts["lists voided"] += 1
        desk.voided |= {line.entry for line in desk.sent.lists[number]}
        desk.sent.take_away(number)
        desk.came_back.discard(number)

    def _check_day(self) -> None:
        """What the ledger says of each list is so, and what an office has is what was sealed, whole and once."""
        for office, desk in self.desks.items():
            for files in self.post.arrived(office):
                for number, lines in opened_lists(files):
                    desk.has.put(number, lines)
                    desk.had_on.setdefault(number, self.today)
        with reading() as session:
            lists = list(session.scalars(select(List).order_by(List.year, List.number)))
        for made in lists:
            desk, number = self.desks[made.office], made.list_number
            has = number in desk.has.lists
            said = {"told": has or number in desk.lost, "sealed": not has, "void": not has}[made.state]
            if not said or (number in desk.sent.lists) != (made.state != "void"):
                self._fail(f"{number} is {made.state}, and the office has it: {has}", made.office)
        for _, group in groupby(sorted((made.office, made.year, made.number) for made in lists), lambda one: one[:2]):
            numbers = [number for *_, number in group]
            assert numbers == list(range(1, len(numbers) + 1)), f"the numbers have a gap: {numbers}"
        for desk in self.desks.values():
            self._check_desk(desk)

    def _check_desk(self, desk: Desk) -> None:
        """What the office believes is what it was to be told, but for what is in flight."""
        office, on_the_way = desk.arrangement.office, desk.sent.lists.keys() - desk.has.lists.keys()
        in_flight = {line.entry for number in on_the_way for line in desk.sent.lists[number]}
        for entry, belief in desk.sent.beliefs.items():
            if entry not in in_flight and desk.has.beliefs.get(entry) != belief:
                self._fail(f"{entry} should be {belief}", office, desk.cases[entry])
        for number, lines in desk.has.lists.items():
            if desk.sent.lists[number] != lines:
                self._fail(f"{number} is not what was sealed", office)

    def _check_answers(self) -> None:
        told: dict[str, Shelf] = {}
        for office, desk in self.desks.items():
            known = {**desk.has.lists, **{number: desk.sent.lists[number] for number in desk.lost}}
            told[office] = Shelf(known)
        self.answers.check(told)

    # At rest -----------------------------------------------------------------------------------------------------

    def check_at_rest(self) -> None:
        """Now that everything has arrived: each office's file beside the lives themselves, and nothing else."""
        for office, desk in self.desks.items():
            assert desk.has.lists == desk.sent.lists, f"{office} is still owed a list"
            beliefs = desk.beliefs(desk.has)
            announced: set[str] = set()
            for number in sorted(desk.has.lists):
                for line in desk.has.lists[number]:
                    if line.belief.kind == EXPECTED or "late" in line.marked:
                        announced.add(line.entry)
                    elif line.belief.kind == LEFT and line.entry not in announced | desk.voided:
                        self._fail(f"left, and nobody was told: {line}", office, desk.cases[line.entry])
            for key in {*beliefs, *self.lives.rows}:
                self._check_life(desk, key, beliefs.get(key))

    def _check_life(self, desk: Desk, key: Key, belief: Belief | None) -> None:
        self.checked += 1
        life, case, arrangement = self.lives.rows[key], self.iom.known[key], desk.arrangement
        covered = arrangement.covers(life.host, life.iom_office)
        consents = life.consent is True or (life.consent is None and arrangement.consent == "recorded")
        rejected = case.decided == "reject" and not case.matched
        kind = belief.kind if belief else None
        day = life.expected.isoformat() if life.expected else ""
        wrong = False
        if belief is not None and kind == EXPECTED:
            wrong = life.status not in OPEN or not covered or rejected or (belief.day, belief.name) != (day, life.name)
            wrong |= life.consent is False and arrangement.consent == "required"
        elif belief is not None and kind == LEFT and covered and not rejected:
            wrong = life.departed_on is None or belief.day != life.departed_on.isoformat()
        elif covered and consents and case.to_tell and not rejected and not case.missing and belief != SILENT:
            if life.departed_on and life.departed_on >= arrangement.effective_from:
                wrong = kind != LEFT
            elif life.status in ("registered", "booked") and (life.expected or arrangement.list.undated):
                wrong = kind != EXPECTED
        if wrong:
            self._fail(f"at rest it believes {belief}, but {life} ({case})", arrangement.office, key)

    def _fail(self, what: str, office: str, key: Key | None = None) -> NoReturn:
        """raises: AssertionError with what went wrong, and all that happened to the case and that anybody was told of it"""
        lines = [f"{self.today} {office}: {what}"]
        if key:
            lines += [f"  {day} {said}" for day, case, said in self.lives.happened if case == key[1]]
        of_case = [line for line in self.diary if key is None or repr(key) in line or key[0] in line]
        raise AssertionError("\n".join([*lines, *(f"  {line}" for line in of_case[-80:])]))


def opened_lists(files: dict[str, bytes]) -> Iterator[tuple[str, tuple[Line, ...]]]:
    """The number of each list among these files, and its lines as the office reads them."""
    for name in sorted(files):
        if f"{name}.asc" in files and not name.endswith(".txt"):
            yield "_".join(name.split("_")[:2]), opened(name, files[name], files[f"{name}.asc"])


def _morning(arrangement: Arrangement, day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZoneInfo(arrangement.timezone))


def _at_once(had: Belief | None, should: Belief | None, due: dt.datetime | None) -> bool:
    """Whether this certainly cannot wait for the list that is due then: the departure comes first, or a file is wrong."""
    if had == should or should is None:
        return False
    if should in (SILENT, IN_ERROR) or (had is not None and had.kind == LEFT):
        return True
    days = [one.day for one in (had, should) if one is not None and one.kind == EXPECTED and one.day]
    return should.kind != LEFT and any(due is None or day <= due.date().isoformat() for day in days)
