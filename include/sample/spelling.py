"""What a clerk writes down of a person: which of many spellings, which name in which field, and what goes wrong.

Reach for `Pen` to write people as one clerk would. Two pens write the same person from the same original and do not
agree; a pen writes the same person the same way again for the same record id, so a corrected record is a new id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import yaml
from pyarrow import compute

from include.sample.chance import Chance, Ints, Truths
from include.sample.naming import NONE, Word, load_habits
from include.sample.people import FEMALE, People

HANDS = Path(__file__).with_name("hands.yaml")
SLOTS = 16
"""Each hand has sixteen tickets for a word; a spelling has as many as it is likely."""

PERSON_COLUMNS = (
    "family_name",
    "given_names",
    "name_original_script",
    "father_name",
    "mother_name",
    "place_of_birth",
    "date_of_birth",
    "sex",
    "nationality",
)

Text = Any
"""A pyarrow string array, null where the clerk wrote nothing."""


@dataclass(frozen=True)
class Care:
    """How complete and how careful a clerk is: shares between 0 and 1."""

    father: float
    mother: float
    place: float
    script: float
    typing_mistake: float = 0.02
    fields_swapped: float = 0.03
    other_birth: float = 0.05
    """The birth date is another one: day and month exchanged, a wrong year, a year only, a guess."""
    no_birth: float = 0.015
    other_sex: float = 0.004
    no_sex: float = 0.02
    nationality_unknown: float = 0.006


class Pen:
    """One clerk's office: a hand, a side whose forms it fills in, and its care."""

    def __init__(self, hand: str, side: str, care: Care, chance: Chance, *, capitals: bool = False) -> None:
        """side: `iom` or `authority`, the layouts of the name files. chance: what this office draws from."""
        self._naming = load_habits()
        self._spellings, self._tickets = _tickets(hand)
        self._scripts = _scripts()
        self._side, self._care, self._chance, self._capitals = side, care, chance, capitals

    def write(self, people: People, records: Ints, nationalities: Sequence[str]) -> dict[str, Text]:
        """PERSON_COLUMNS of `people`, one record for each.

        records: ids of the records; the same id is written the same way again
        nationalities: codes, by position in `people.nationality`
        """
        habits = self._naming.habits
        father = np.array([habit.father_known for habit in habits])[people.habit] * self._care.father
        mother = np.array([habit.mother_known for habit in habits])[people.habit] * self._care.mother
        layouts = self._layouts(people, records)
        names = {
            # Whoever takes down a family has the family name from one paper, mostly.
            "f": self._phrase(people.family, people.second_family, self._shared(people, records, "family")),
            "F": self._phrase(people.family, np.full(len(people), NONE), self._shared(people, records, "family")),
            "g": self._phrase(people.given, people.second_given, self._slots(records, "given")),
            "G": self._phrase(people.given, np.full(len(people), NONE), self._slots(records, "given")),
            "p": self._phrase(people.father, people.second_father, self._shared(people, records, "father")),
            "P": self._word(people.father, self._shared(people, records, "father")),
            "q": self._word(people.grandfather, self._shared(people, records, "grandfather")),
            "o": self._word(self._patronymic(people), self._slots(records, "patronymic")),
        }
        given, family = self._arrange(names, layouts)
        family, given = self._swap(family, given, records)
        written = {
            "family_name": self._mistype(family, records, "family"),
            "given_names": self._mistype(given, records, "given"),
            "name_original_script": self._in_script(people, records),
            "father_name": self._mistype(self._known(names["p"], records, "father known", father), records, "father"),
            "mother_name": self._known(
                self._word(people.mother, self._shared(people, records, "mother")), records, "mother known", mother
            ),
            "place_of_birth": self._known(
                self._word(people.place, self._shared(people, records, "place")),
                records,
                "place known",
                self._care.place,
            ),
        }
        if self._capitals:
            latin = [column for column in written if column != "name_original_script"]
            written.update({column: compute.utf8_upper(written[column]) for column in latin})
        written["date_of_birth"] = self._births(people, records)
        sex = np.where(self._chance.below("other sex", records, self._care.other_sex), 1 - people.sex, people.sex)
        written["sex"] = self._known(
            _pick(["M", "F"], np.where(sex == FEMALE, 1, 0)), records, "sex known", 1 - self._care.no_sex
        )
        unknown = self._chance.below("nationality", records, self._care.nationality_unknown)
        codes = [*nationalities, "XXX"]
        written["nationality"] = _pick(codes, np.where(unknown, len(nationalities), people.nationality))
        return {column: written[column] for column in PERSON_COLUMNS}

    def places(self, people: People, records: Ints) -> list[str | None]:
        """A town that each of `people` may go back to: mostly their own."""
        slots = self._slots(records, "destination")
        written: list[str | None] = self._word(people.place, slots).to_pylist()
        return written

    def _slots(self, records: Ints, purpose: str) -> Ints:
        return self._chance.whole(f"spelling of {purpose}", records, 0, SLOTS)

    def _shared(self, people: People, records: Ints, purpose: str) -> Ints:
        """The slots of a name that a family has in common: mostly spelled alike within one file."""
        alone = self._chance.below(f"{purpose} on its own", records, 0.2)
        return np.where(alone, self._slots(records, purpose), self._slots(people.group, purpose))

    def _word(self, words: Ints, slots: Ints) -> Text:
        # `words` is NONE where there is no name: any ticket will do there, the mask hides it.
        return _take(self._spellings, self._tickets[np.maximum(words, 0), slots], words == NONE)

    def _phrase(self, first: Ints, second: Ints, slots: Ints) -> Text:
        if (second == NONE).all():
            return self._word(first, slots)
        return _glue(" ", self._word(first, slots), self._word(second, (slots * 7 + 3) % SLOTS))

    def _patronymic(self, people: People) -> Ints:
        result = np.full(len(people), NONE, dtype=np.int64)
        for number, habit in enumerate(self._naming.habits):
            if habit.patronymics:
                members = np.flatnonzero(people.habit == number)
                chosen = zip(people.father[members].tolist(), people.sex[members].tolist(), strict=True)
                result[members] = [habit.patronymics[father][sex] for father, sex in chosen]
        return result

    def _layouts(self, people: People, records: Ints) -> list[tuple[str, Ints]]:
        """Each layout with the positions of the records that are laid out so."""
        found: dict[str, list[Ints]] = {}
        for number, habit in enumerate(self._naming.habits):
            members = np.flatnonzero(people.habit == number)
            layouts = habit.layouts[self._side]
            chosen = self._chance.weighted("layout", records[members], list(layouts.values()))
            for position, layout in enumerate(layouts):
                found.setdefault(layout, []).append(members[chosen == position])
        return [(layout, np.concatenate(parts)) for layout, parts in found.items()]

    def _arrange(self, names: Mapping[str, Text], layouts: list[tuple[str, Ints]]) -> tuple[Text, Text]:
        """Given names and family name, as each layout (`g p | f`) says."""
        sides: tuple[list[Text], list[Text]] = ([], [])
        for layout, members in layouts:
            where = arrow.array(members)
            for side, tokens in zip(sides, layout.split("|"), strict=True):
                parts = [names[token].take(where) for token in tokens.split()]
                side.append(_glue(" ", *parts) if parts else arrow.nulls(len(members), arrow.string()))
        places = np.concatenate([members for _, members in layouts])
        back = arrow.array(np.argsort(places, kind="stable"))
        given, family = (arrow.concat_arrays(side).take(back) for side in sides)
        # Where a name is missing that a layout asks for, what there is stands alone.
        empty = compute.and_(compute.is_null(given), compute.is_null(family))
        return compute.if_else(empty, names["g"], given), family

    def _swap(self, family: Text, given: Text, records: Ints) -> tuple[Text, Text]:
        swapped = arrow.array(self._chance.below("swapped", records, self._care.fields_swapped))
        return compute.if_else(swapped, given, family), compute.if_else(swapped, family, given)

    def _known(self, text: Text, records: Ints, purpose: str, share: "float | np.ndarray") -> Text:
        known = arrow.array(self._chance.below(purpose, records, share))
        return compute.if_else(known, text, arrow.scalar(None, arrow.string()))

    def _mistype(self, text: Text, records: Ints, purpose: str) -> Text:
        wrong = np.flatnonzero(self._chance.below(f"typing {purpose}", records, self._care.typing_mistake))
        return _replaced(text, wrong, [
            mistype(written, float(luck)) if written else written
            for written, luck in zip(
                text.take(arrow.array(wrong)).to_pylist(),
                self._chance.uniform(f"which mistake {purpose}", records[wrong]), strict=True,
            )
        ])  # fmt: skip

    def _in_script(self, people: People, records: Ints) -> Text:
        def word(words: Ints) -> Text:
            return _take(self._scripts, np.maximum(words, 0), words == NONE)

        whole = _glue(
            " ", word(people.given), word(people.second_given), word(people.family), word(people.second_family)
        )
        latin = np.array([habit.alphabet == "latin" for habit in self._naming.habits])[people.habit]
        whole = self._known(whole, records, "script known", np.where(latin, 0.0, self._care.script))
        # An Arabic keyboard has no Persian yeh and keheh, and a Persian one no Arabic ones.
        keyboard = arrow.array(self._chance.below("keyboard", records, 0.3))
        other = compute.replace_substring(compute.replace_substring(whole, "ی", "ي"), "ک", "ك")
        return compute.if_else(keyboard, other, whole)

    def _births(self, people: People, records: Ints) -> Text:
        birth = people.birth
        year = birth.astype("datetime64[Y]")
        luck = self._chance.uniform("birth date", records)
        share = self._care.other_birth
        first = year.astype("datetime64[D]")
        month = birth.astype("datetime64[M]")
        day_number, month_number = (birth - month).astype(np.int64) + 1, (month - year).astype(np.int64) + 1
        exchanged = (
            (year.astype("datetime64[M]") + np.minimum(day_number, 12) - 1).astype("datetime64[D]") + month_number - 1
        )
        one_year = np.where(self._chance.below("year up", records, 0.5), 365, -365).astype("timedelta64[D]")
        beside = np.minimum(birth + one_year, birth.max()).astype("datetime64[Y]").astype("datetime64[D]") + (
            birth - year
        )
        can_exchange = (day_number <= 12) & (day_number != month_number)
        written = np.select(
            [luck < share * 0.2, (luck < share * 0.45) & can_exchange, luck < share * 0.75],
            [beside, exchanged, first],
            birth,
        )
        # Another year than the person's own is common where the year was never known.
        far = people.guessed & (luck > 0.97)
        written = np.where(far, (year - 1).astype("datetime64[D]"), written)
        text = compute.cast(arrow.array(written.astype("datetime64[D]")), arrow.string())
        only_year = arrow.array((luck >= share * 0.75) & (luck < share))
        text = compute.if_else(only_year, compute.utf8_slice_codeunits(text, 0, 4), text)
        return self._known(text, records, "birth known", 1 - self._care.no_birth)


def mistype(written: str, luck: float) -> str:
    """`written` with one slip of the fingers: a letter left out, doubled, exchanged or beside the right key.

    luck: in [0, 1), decides which
    """
    letters = len(written)
    if letters < 3:
        return written
    place = 1 + int(luck * 7919) % (letters - 2)
    here, after = written[place], written[place + 1]
    if here == " " or after == " ":
        return written[:place] + written[place + 1 :] if here == " " else written
    match int(luck * 104729) % 4:
        case 0:
            return written[:place] + written[place + 1 :]
        case 1:
            return written[:place] + here + written[place:]
        case 2:
            return written[:place] + after + here + written[place + 2 :]
        case _:
            return written[:place] + _BESIDE.get(here, here) + written[place + 1 :]


# The neighbour of each key on a QWERTY keyboard.
_BESIDE = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuiopoasdfghjkxzcvbn", strict=False))


def _take(texts: Text, positions: Ints, missing: Truths) -> Text:
    return texts.take(arrow.array(positions, mask=missing))


def _pick(texts: Sequence[str], positions: Ints) -> Text:
    return arrow.array(list(texts)).take(arrow.array(positions))


def _replaced(text: Text, places: Ints, by: list[str | None]) -> Text:
    order = np.arange(len(text))
    order[places] = len(text) + np.arange(len(places))
    return arrow.concat_arrays([text, arrow.array(by, arrow.string())]).take(arrow.array(order))


def _glue(between: str, first: Text, *more: Text) -> Text:
    """The parts of each row that are there, joined; null where none is."""
    joined = first
    for part in more:
        # Not null_handling="skip": it drops rows whose parts are all null (seen in pyarrow 26.0).
        both = compute.binary_join_element_wise(joined, part, between)
        joined = compute.coalesce(both, joined, part)
    return joined


@cache
def _scripts() -> Text:
    return arrow.array([word.script for word in load_habits().lexicon.words])


@cache
def _tickets(hand: str) -> tuple[Text, Ints]:
    """All spellings of this hand, and for each word the SLOTS tickets that point at them."""
    hands = yaml.load(HANDS.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    known = hands[hand]
    words = load_habits().lexicon.words
    chance = Chance(0, "hand", hand)
    spellings: dict[str, int] = {}
    tickets = np.zeros((len(words), SLOTS), dtype=np.int64)
    ids = np.arange(len(words) * SLOTS)
    which = chance.uniform("which", ids).reshape(tickets.shape)
    habits = [(letters, other, share) for letters, (other, share) in known["habits"].items()]
    inclined = [chance.below(letters, ids, share).reshape(tickets.shape) for letters, _, share in habits]
    for number, word in enumerate(words):
        letters = {**hands["english"]["letters"].get(word.alphabet, {}), **known["letters"].get(word.alphabet, {})}
        for slot in range(SLOTS):
            if not word.latin:
                spelled = _letter_by_letter(word, letters)
            else:
                spelled = _one_of(word.latin, known["first"], which[number, slot])
                if word.alphabet != "latin":
                    for (seen, other, _), does in zip(habits, inclined, strict=True):
                        if does[number, slot]:
                            spelled = _rather(spelled, seen, other)
            tickets[number, slot] = spellings.setdefault(spelled, len(spellings))
    return arrow.array(list(spellings)), tickets


def _one_of(spellings: tuple[str, ...], first: float, luck: float) -> str:
    """The first spelling in `first` of all cases, the others in falling shares."""
    if luck < first or len(spellings) == 1:
        return spellings[0]
    # The square makes the second likelier than the last.
    return spellings[1 + int(((luck - first) / (1 - first)) ** 2 * (len(spellings) - 1))]


def _rather(spelled: str, seen: str, other: str) -> str:
    """`spelled` with this hand's letters; the first letter stays a capital."""
    if seen.endswith("$"):
        ending = seen[:-1]
        return spelled.removesuffix(ending) + other if spelled.endswith(ending) else spelled
    rewritten = spelled.replace(seen, other)
    if spelled.startswith(seen.capitalize()):
        rewritten = other.capitalize() + rewritten[len(seen) :]
    return rewritten


def _letter_by_letter(word: Word, letters: Mapping[str, str]) -> str:
    return " ".join(
        "".join(letters.get(letter, letter) for letter in part.lower()).capitalize() for part in word.script.split(" ")
    )
