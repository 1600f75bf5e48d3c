"""Who is accepted, who goes to a person, who is left alone: the decision over a whole file of scored pairs.

Reach for `decide`. It accepts only what nothing speaks against and no other candidate comes near; everything that may
be true and is not certain goes to a person.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein

from include.matching import birthdates
from include.matching.names import (
    ANOTHER_NAME,
    SAME_NAME,
    Token,
    called_alike,
    contradict,
    likeness,
    name_similarity,
    tokens,
)

COLUMNS = ["case_id", "asylum_reference", "match_probability", "decision", "method"]
Match = tuple[str, str, float, str, str]
"""A row of COLUMNS."""
ACCEPT = 0.85
"""From this probability on a pair may be accepted, if nothing speaks against it and nobody else comes near."""
REVIEW = 0.05
"""From this probability on a pair is worth a person's time."""
RIVAL = 100
"""The odds of the first must be this many times those of a second person, or neither is accepted."""
MOST_REVIEWS = 5
_WITHOUT_BIRTH_DATE = 0.99

Person = Mapping[str, Any]
"""A row of `candidates.read_people`'s table."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A case and a record of the register, by the ids of their tables."""

    case: int
    record: int
    probability: float
    same_reference: bool
    near_reference: bool
    """Whether a sign is off: of one family, mostly."""
    same_number: bool
    """Whether UNHCR's reference is the same."""
    birth_level: int

    @property
    def odds(self) -> float:
        return self.probability / max(1 - self.probability, 1e-15)

    @property
    def method(self) -> str:
        return "reference" if self.same_reference else "linkage"


def decide(
    pairs: Iterable[Pair],
    cases: Mapping[int, Person],
    records: Mapping[int, Person],
    objected: dict[tuple[int, int], bool],
) -> list[Match]:
    """The matches of the file: see `linkage.link`.

    objected: of pairs, by case and record, whether there is an `objection`, as far as known; what is found is put in
    """
    of_case: dict[int, list[Pair]] = {}
    for pair in pairs:
        of_case.setdefault(pair.case, []).append(pair)
    chosen = {case: best for case, found in of_case.items() if (best := _choose(cases[case], found, records, objected))}
    _leave_to_a_person_what_two_claim(chosen, cases)

    rows: list[Match] = []
    for case, found in of_case.items():
        key = cases[case]["key"]
        if case in chosen:
            deciding = max(chosen[case], key=lambda pair: _newest_first(records[pair.record]))
            probability = max(pair.probability for pair in chosen[case])
            method = "reference" if any(pair.same_reference for pair in chosen[case]) else "linkage"
            rows.append((key, records[deciding.record]["key"], probability, "accept", method))
            continue
        doubtful = [pair for pair in found if pair.probability >= REVIEW or pair.same_reference or pair.same_number]
        doubtful.sort(key=lambda pair: (-pair.probability, records[pair.record]["key"]))
        rows += [
            (key, records[pair.record]["key"], pair.probability, "review", pair.method)
            for pair in doubtful[:MOST_REVIEWS]
        ]
    return rows


def _newest_first(record: Person) -> tuple[bool, str, str]:
    return (not record["final"], record["applied"], record["updated"])


def _leave_to_a_person_what_two_claim(chosen: dict[int, list[Pair]], cases: Mapping[int, Person]) -> None:
    """One to one between persons: a record that two people claim is nobody's until a person has looked."""
    claims: dict[int, list[int]] = {}
    for case, found in chosen.items():
        for pair in found:
            claims.setdefault(pair.record, []).append(case)
    for claimants in claims.values():
        first = claimants[0]
        if any(not _same_person(cases[first], cases[case]) for case in claimants[1:]):
            for case in claimants:
                chosen.pop(case, None)


def _choose(
    case: Person, found: list[Pair], records: Mapping[int, Person], objected: dict[tuple[int, int], bool]
) -> list[Pair] | None:
    """The records of the one person who can be accepted for a case, or None where there is doubt."""

    def is_sound(pair: Pair) -> bool:
        key = pair.case, pair.record
        if key not in objected:
            objected[key] = bool(objection(case, records[pair.record], pair))
        return not objected[key]

    likeliest = sorted(found, key=lambda pair: -pair.probability)
    # Whoever is too unlikely is in doubt, whatever there is to object: names are long to compare.
    best = next((pair for pair in likeliest if pair.probability >= ACCEPT and is_sound(pair)), None)
    if not best or doubt(case, best, records[best.record]):
        return None
    same = [best]
    for pair in likeliest[likeliest.index(best) + 1 :]:
        if pair.probability < ACCEPT and pair.odds * RIVAL <= best.odds:
            # Neither of the same person's records nor a rival; nor are those behind it.
            break
        if not is_sound(pair):
            continue
        if _applied_twice(records[best.record], records[pair.record]):
            if pair.probability >= ACCEPT:
                same.append(pair)
        elif pair.odds * RIVAL > best.odds and not (best.same_reference and not pair.same_reference):
            return None
    return same


def doubt(case: Person, pair: Pair, record: Person) -> str:
    """Why a pair that nothing speaks against is not accepted by itself, in words; empty if it may be."""
    if pair.probability < ACCEPT:
        return "the evidence is not strong enough"
    if pair.same_reference or pair.same_number:
        return ""
    borne_out = _borne_out(case, record, pair)
    if pair.birth_level < birthdates.YEAR and not (borne_out and pair.probability >= _WITHOUT_BIRTH_DATE):
        return "without a shared reference the birth dates must agree"
    # A name and a guessed birth date are not rare enough in a country's register to tell two people apart.
    if pair.birth_level != birthdates.SAME and not borne_out:
        return "a guessed or partial birth date needs a parent or UNHCR's number that agrees"
    return ""


def objection(case: Person, record: Person, pair: Pair) -> str:
    """What says that these are two people, whatever their odds, in words; empty if nothing does."""
    if not case["person"] or not record["person"]:
        return "a name is missing"
    if pair.birth_level == birthdates.DIFFERS:
        return "the birth dates contradict each other"
    if not called_alike(_scripts(case), _scripts(record)):
        return "what each is called has no counterpart in the other's name, as between siblings"
    if _other_father(case, record):
        return "the fathers' names contradict each other"
    same_file = (pair.same_reference and pair.birth_level in (birthdates.SAME, birthdates.GUESSED)) or (
        pair.same_number and pair.birth_level == birthdates.SAME
    )
    alike = likeness(_scripts(case), _scripts(record), _fathers(case, record))
    if _other_sex(case, record):
        # The right reference and all of the name and birth date: then it is the clerk's slip.
        return "" if same_file and alike >= _WHOLE_NAME else "the sex differs"
    # In one file, of one birth date and called the same: a family name that differs is no other person's. Nor where the
    # father is the same: one clerk goes on with the grandfather's name, another with the family's.
    by_father = pair.birth_level == birthdates.SAME and _agree(case, record, "father")
    enough = alike >= (ANOTHER_NAME if by_father else SAME_NAME) or same_file
    return "" if enough else "the names are not alike enough"


_WHOLE_NAME = 0.92


def _other_sex(one: Person, other: Person) -> bool:
    return bool(one["sex"] and other["sex"] and one["sex"] != other["sex"])


def _other_father(one: Person, other: Person) -> bool:
    return bool(one["father"] and other["father"] and contradict(one["father"], other["father"]))


def _agree(one: Person, other: Person, field: str) -> bool:
    """Whether both name a parent, and the same."""
    return bool(one[field] and other[field]) and name_similarity(one[field], other[field]) >= SAME_NAME


def _borne_out(one: Person, other: Person, pair: Pair) -> bool:
    """Whether a parent, UNHCR's number or the family's file agrees, and none of them nor the place of birth disagrees.

    In one family no two are called the same in all.
    """
    agree = pair.near_reference and likeness(_scripts(one), _scripts(other)) >= _WHOLE_NAME
    for field in ("father", "mother", "place"):
        if one[field] and other[field]:
            if contradict(one[field], other[field]):
                return False
            agree = agree or (field != "place" and _agree(one, other, field))
    if one["unhcr_reference"] and other["unhcr_reference"]:
        return bool(one["unhcr_reference"] == other["unhcr_reference"])
    return agree


def _applied_twice(one: Person, other: Person) -> bool:
    """Whether two records are of one person; who is a member of one file is so once."""
    if not one["reference"] or not other["reference"]:
        return _same_person(one, other)
    of_one_file = DamerauLevenshtein.distance(one["reference"], other["reference"], score_cutoff=1) <= 1
    return not of_one_file and _same_person(one, other)


def _same_person(one: Person, other: Person) -> bool:
    """Whether two rows of one file are surely of one person: a first and a further application, say.

    A part of the name that only one of them has may be all that tells twins apart, so then more must agree.
    """
    if _other_sex(one, other) or _other_father(one, other):
        return False
    if one["nationality"] and other["nationality"] and one["nationality"] != other["nationality"]:
        return False
    names = _scripts(one), _scripts(other)
    if not called_alike(*names) or likeness(*names, _fathers(one, other)) < SAME_NAME:
        return False
    agree = sum(bool(one[field]) and one[field] == other[field] for field in ("reference", "unhcr_reference")) + sum(
        _agree(one, other, field) for field in ("father", "mother")
    )
    agree += len(_tokens(one)) == len(_tokens(other))
    a, b = one["birth_date"], other["birth_date"]
    if not a or not b or a[:4] != b[:4] or (a != b and _day_known(a) and _day_known(b)):
        return agree > 2
    return agree >= (1 if a == b and _day_known(a) else 2)


def _day_known(date: str) -> bool:
    return len(date) == 10 and not date.endswith("-01-01")


def _fathers(one: Person, other: Person) -> list[str]:
    return [person["father"] for person in (one, other) if person["father"]]


def _tokens(person: Person) -> Sequence[Token]:
    return tokens(_scripts(person)[0])


def _scripts(person: Person) -> list[str]:
    return [name for name in (person["person"], person["original"]) if name]
