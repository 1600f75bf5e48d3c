"""The asylum authority's register of one host country: who applied, how far each claim is, and how it was written down.

Reach for `Register` to have every record as of a day. Nothing is kept from day to day: a claim's course is drawn once
with its record, so any day can be written without the days before it. What cannot be drawn ahead, because it hangs on
an AVR case, is told to the register with `end_claim`.
"""

import datetime as dt
import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as arrow
from numpy.typing import NDArray
from pyarrow import compute

from include.sample.chance import Chance, Ints
from include.sample.hosts import Host
from include.sample.naming import load_habits
from include.sample.people import Dates, People, join, make_people
from include.sample.spelling import Care, Pen, Text

REPEATED = 0.05
"""Share of records that are a later application of somebody who is in the register already."""
NEW_EACH_DAY = 0.002
CORRECTED_EACH_DAY = 0.0015
OUTCOMES = ("pending", "recognised", "subsidiary", "rejected", "withdrawn", "otherwise_closed")
STAGES = ("registered", "first_instance", "appeal", "closed")
PENDING, RECOGNISED, SUBSIDIARY, REJECTED, WITHDRAWN, OTHERWISE = range(6)
NEVER = np.datetime64("9999-01-01", "D")
_BATCH = 10_000_000
"""Ids of one day's new people are this far from the next day's."""


@dataclass(frozen=True)
class Claims:
    """The course of each claim. One element for each record."""

    examined: Dates
    decided: Dates
    decision: Ints
    appealed: Dates
    final: Dates
    outcome: Ints


@dataclass(frozen=True)
class Standing:
    """How far each claim is on a day. One element for each record, whether it is there already or not."""

    stage: Ints
    outcome: Ints
    outcome_on: Dates
    final: NDArray[np.bool_]
    changed: Dates


@dataclass(frozen=True)
class Records:
    """Records lodged together: at the beginning, or on one day."""

    people: People
    person: Ints
    """Position in `people`."""
    applied: Dates
    reference: Text
    claims: Claims


@dataclass
class Register:
    """All records of one host country. A record is known by its position: records of the beginning, then day by day.

    rows: records on the first day
    """

    host: Host
    chance: Chance
    first_day: dt.date
    rows: int
    _parts: list[Records] = field(default_factory=list)
    _ended: dict[int, tuple[dt.date, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parents = self.host.parents
        care = Care(father=parents["father"], mother=parents["mother"], place=self.host.places, script=0.45)
        self.pen = Pen(self.host.authority, "authority", care, self.chance.child("pen"), capitals=self.host.capitals)
        self._numbers = 1000
        self._parts.append(self._lodge(self.first_day, self.rows, repeated=REPEATED))
        self._join()

    def open_until(self, day: dt.date) -> None:
        """Take in what is lodged on each day until `day`, that day included."""
        while (lodged := self.first_day + dt.timedelta(days=len(self._parts) - 1)) < day:
            new_day = lodged + dt.timedelta(days=1)
            self._parts.append(self._lodge(new_day, max(3, round(self.rows * NEW_EACH_DAY)), repeated=0.0))
        if len(self._starts) != len(self._parts):
            self._join()

    def __len__(self) -> int:
        return len(self.person)

    def _join(self) -> None:
        offsets = np.cumsum([0, *(len(part.people) for part in self._parts)])
        self._starts = np.cumsum([0, *(len(part.person) for part in self._parts)])[:-1]
        self.people = join([part.people for part in self._parts])
        self.person: Ints = np.concatenate(
            [part.person + offset for part, offset in zip(self._parts, offsets, strict=False)]
        )
        self.applied: Dates = np.concatenate([part.applied for part in self._parts])
        self.reference: Text = arrow.concat_arrays([part.reference for part in self._parts])
        self._claims = Claims(
            **{
                name: np.concatenate([getattr(part.claims, name) for part in self._parts])
                for name in Claims.__dataclass_fields__
            }
        )

    def length_on(self, day: dt.date) -> int:
        """How many records there are on `day`."""
        number = (day - self.first_day).days + 1
        return int(self._starts[number]) if number < len(self._starts) else len(self)

    def end_claim(self, record: int, day: dt.date, outcome: int) -> None:
        """The claim of `record` ends on `day`, whatever course it would have taken."""
        applied = self.applied[record].astype(dt.date)
        self._ended.setdefault(record, (max(day, applied + dt.timedelta(days=1)), outcome))

    def standing(self, day: dt.date) -> Standing:
        """How far each claim is on `day`."""
        today = np.datetime64(day, "D")
        claims = self._claims
        stage = np.zeros(len(self), dtype=np.int64)
        outcome = np.zeros(len(self), dtype=np.int64)
        outcome_on = np.full(len(self), np.datetime64("NaT"), dtype="datetime64[D]")
        changed = self.applied.copy()

        examined = claims.examined <= today
        stage[examined] = 1
        changed[examined] = claims.examined[examined]
        decided = claims.decided <= today
        outcome[decided] = claims.decision[decided]
        outcome_on[decided] = claims.decided[decided]
        changed[decided] = claims.decided[decided]
        appealed = claims.appealed <= today
        stage[appealed] = 2
        changed[appealed] = claims.appealed[appealed]
        # Some authorities let the first decision stand while it is appealed, others write pending again.
        anew = appealed & self.chance.below("pending on appeal", np.arange(len(self)), 0.5)
        outcome[anew] = PENDING
        outcome_on[anew] = np.datetime64("NaT")
        final = claims.final <= today
        stage[final] = 3
        outcome[final] = claims.outcome[final]
        outcome_on[final] = claims.final[final]
        changed[final] = claims.final[final]
        for record, (ended, how) in self._ended.items():
            if ended <= day and (not final[record] or claims.final[record] > np.datetime64(ended)):
                stage[record], outcome[record], final[record] = 3, how, True
                outcome_on[record] = changed[record] = np.datetime64(ended)
        return Standing(stage, outcome, outcome_on, final, changed)

    def pending_until(self, day: dt.date) -> NDArray[np.bool_]:
        """Records of people with no other record, whose claims will not be final on `day` by their own course."""
        counts = np.bincount(self.person, minlength=len(self.people))
        return (self._claims.final > np.datetime64(day, "D")) & (counts[self.person] == 1)

    def write(self, records: Ints, day: dt.date) -> dict[str, Text]:
        """What the register has of the persons of `records` on `day`: PERSON_COLUMNS, corrections included."""
        ids = records.copy()
        # Each day brings some corrections, and a record keeps the last one.
        for number in range(1, (day - self.first_day).days + 1):
            anew = self.chance.below(f"corrected on day {number}", records, CORRECTED_EACH_DAY)
            ids[anew] = records[anew] + number * _BATCH
        return self.pen.write(self.people.take(self.person[records]), ids, self.host.nationality_codes)

    def snapshot(self, day: dt.date) -> pd.DataFrame:
        """The whole register on `day`, in the columns of its extract, all text, null where nothing is written."""
        records = np.arange(self.length_on(day))
        standing = self.standing(day)
        columns: dict[str, Text] = {
            "asylum_reference": self.reference.slice(0, len(records)),
            "host_country": _repeat(self.host.code, len(records)),
            **self.write(records, day),
            "unhcr_reference": self.unhcr_references(records),
            "applied_on": _dates(self.applied[records]),
            "stage": arrow.array(STAGES).take(arrow.array(standing.stage[records])),
            "outcome": arrow.array(OUTCOMES).take(arrow.array(standing.outcome[records])),
            "outcome_on": _dates(standing.outcome_on[records]),
            "final": arrow.array(["false", "true"]).take(arrow.array(standing.final[records].astype(np.int64))),
            "updated_at": self._updated(records, standing, day),
        }
        return arrow.table(columns).to_pandas(types_mapper={arrow.string(): pd.StringDtype("pyarrow")}.get)

    def unhcr_references(self, records: Ints) -> Text:
        """UNHCR's number of each person, for those whom UNHCR registered; a family's members may share one."""
        person = self.people.take(self.person[records])
        of_family = self.chance.below("family number", person.group, 0.15)
        numbers = np.where(of_family, 40_000_000 + person.group % 10_000_000, person.id % 40_000_000)
        text = compute.binary_join_element_wise(_repeat(f"UN{self.host.code}", len(records)), _padded(numbers, 8), "-")
        known = self.chance.below("unhcr knows", person.group, 0.2) & self.chance.below("written", records, 0.8)
        return compute.if_else(arrow.array(known), text, arrow.scalar(None, arrow.string()))

    def _updated(self, records: Ints, standing: Standing, day: dt.date) -> Text:
        changed = standing.changed[records].copy()
        for number in range(1, (day - self.first_day).days + 1):
            anew = self.chance.below(f"corrected on day {number}", records, CORRECTED_EACH_DAY)
            changed[anew] = np.maximum(changed[anew], np.datetime64(self.first_day) + number)
        # Office hours, in UTC; never later than the extract itself.
        seconds = 6 * 3600 + self.chance.whole("second", records, 0, 8 * 3600)
        moments = changed.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
        text = compute.strftime(arrow.array(moments), format="%Y-%m-%dT%H:%M:%S")
        return compute.binary_join_element_wise(text, "Z", "")

    def _lodge(self, day: dt.date, rows: int, repeated: float) -> Records:
        """`rows` new records: of the years before, on the first day; of this day, on any other."""
        begins = day == self.first_day
        chance = self.chance.child("lodged", "before" if begins else day.isoformat())
        first_id = 0 if begins else _BATCH * (day - self.first_day).days
        again = round(rows * repeated)
        naming = load_habits()
        people = make_people(chance, naming, self.host.origins(naming), rows - again, day, first_id)
        families, group = np.unique(people.group, return_inverse=True)
        before = (2200 * chance.uniform("applied", families) ** 1.8).astype(np.int64) + 1 if begins else families * 0
        applied = np.datetime64(day, "D") - before.astype("timedelta64[D]")
        # Nobody applies before being born: the newborn are entered when they are there.
        first_applied = np.maximum(applied[group], people.birth + 3)

        everybody = np.arange(len(people))
        returning = np.argsort(chance.uniform("applies again", everybody), kind="stable")[:again]
        person = np.concatenate([everybody, returning])
        second = np.arange(len(person)) >= len(people)
        since = (np.datetime64(day, "D") - first_applied[person]).astype(np.int64)
        later = 1 + np.floor(since * chance.uniform("again when", np.arange(len(person)))).astype(np.int64)
        filed = np.where(
            second, np.minimum(first_applied[person] + later, np.datetime64(day, "D")), first_applied[person]
        )
        # A family is heard and decided together, mostly; whoever is not has a fate of their own.
        own = second | chance.below("decided alone", np.arange(len(person)), 0.08)
        fate = np.where(own, len(families) + np.arange(len(person)), group[person])
        claims = self._course(filed, fate, chance)
        # A subsequent application mostly follows the end of the first one.
        followed = np.isin(person, returning) & ~second & chance.below("two open", person, 0.85)
        ends = np.maximum(_second_filed(person, filed, second) - 20, filed)
        claims = _ended_by(claims, ends, followed)
        return Records(people, person, filed, self._references(people, person, filed, second, chance), claims)

    def _references(
        self, people: People, person: Ints, filed: Dates, second: NDArray[np.bool_], chance: Chance
    ) -> Text:
        """A number for each file, a member's number behind it; later files have higher numbers."""
        group = people.group[person]
        starts = np.searchsorted(people.group, people.group)
        member = (np.arange(len(people)) - starts)[person] + 1
        # Each subsequent application is a file of its own.
        file = np.where(second, people.group.max() + 1 + np.arange(len(person)), group)
        files, of = np.unique(file, return_inverse=True)
        opened = np.full(len(files), NEVER)
        np.minimum.at(opened, of, filed)
        # Numbers rise with time, with gaps, as files of others are in between.
        order = np.argsort(opened, kind="stable")
        gaps = chance.whole("gap", np.arange(len(files)), 1, 5)
        numbers = np.empty(len(files), dtype=np.int64)
        numbers[order] = self._numbers + np.cumsum(gaps)
        self._numbers = int(numbers.max())
        year = opened.astype("datetime64[Y]").astype(np.int64) + 1970
        fields = {
            "host": _repeat(self.host.code, len(person)),
            "number": _padded(numbers[of], 8),
            "yy": _padded(year[of] % 100, 2),
            "member": _padded(np.where(second, 1, member), 2),
        }
        pieces = [piece for piece in re.split(r"[{}]", self.host.reference) if piece]
        return compute.binary_join_element_wise(*(fields.get(piece, piece) for piece in pieces), "")

    def _course(self, filed: Dates, ids: Ints, chance: Chance) -> Claims:
        examined = filed + chance.whole("examined", ids, 3, 70)
        decided = examined + 40 + (1100 * chance.uniform("decided", ids) ** 1.5).astype(np.int64)
        how = [RECOGNISED, SUBSIDIARY, REJECTED, WITHDRAWN, OTHERWISE]
        decision = np.array(how)[chance.weighted("decision", ids, [0.26, 0.12, 0.42, 0.1, 0.1])]
        appeals = (decision == REJECTED) & chance.below("appeals", ids, 0.7)
        appealed = np.where(appeals, decided + chance.whole("appealed", ids, 4, 28), NEVER)
        heard = appealed + chance.whole("heard", ids, 90, 800)
        won = np.array([RECOGNISED, SUBSIDIARY, REJECTED])[chance.weighted("heard how", ids, [0.15, 0.08, 0.77])]
        # Without an appeal a rejection is final when the time for one has run out.
        final = np.where(appeals, heard, np.where(decision == REJECTED, decided + 30, decided))
        return Claims(examined, decided, decision, appealed, final, np.where(appeals, won, decision))


def _second_filed(person: Ints, filed: Dates, second: NDArray[np.bool_]) -> Dates:
    """For each record, when its person first filed again; NEVER if not."""
    when = np.full(int(person.max()) + 1, NEVER)
    np.minimum.at(when, person[second], filed[second])
    return when[person]


def _ended_by(claims: Claims, ends: Dates, whose: NDArray[np.bool_]) -> Claims:
    """`claims`, those of `whose` over on `ends` at the latest: rejected, or whatever their course was until then."""
    early = whose & (claims.final > ends)
    return Claims(
        examined=np.minimum(claims.examined, np.where(early, ends, NEVER)),
        decided=np.minimum(claims.decided, np.where(early, ends, NEVER)),
        decision=np.where(early, REJECTED, claims.decision),
        appealed=np.where(early, NEVER, claims.appealed),
        final=np.minimum(claims.final, np.where(early, ends, NEVER)),
        outcome=np.where(early, REJECTED, claims.outcome),
    )


def _repeat(text: str, count: int) -> Text:
    return arrow.repeat(arrow.scalar(text), count)


def _padded(numbers: Ints, width: int) -> Text:
    return compute.utf8_lpad(compute.cast(arrow.array(numbers), arrow.string()), width, "0")


def _dates(days: Dates) -> Text:
    return compute.cast(arrow.array(days), arrow.string())
