"""How people of one part of the world are named, read from the data files in `names/`.

Reach for `load_habits` to get every naming habit with its words. A word is a name, a part of a name or a place: its
original script and the ways in which people have been seen to write it in Latin letters, the commonest first. Order
in a file is frequency. What the fields of a file mean is told in `names/README.md`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from include.sample.chance import Floats, Ints

NAMES = Path(__file__).parent / "names"
NONE = -1
"""In arrays of words: there is no such name."""


@dataclass(frozen=True)
class Word:
    """A name or a place. `latin` is empty where each hand writes the script letter by letter."""

    script: str
    latin: tuple[str, ...]
    alphabet: str


@dataclass
class Lexicon:
    """All words of the world. A word is known by its number."""

    words: list[Word] = field(default_factory=list)

    def add(self, word: Word) -> int:
        """The number of the word just added."""
        self.words.append(word)
        return len(self.words) - 1


@dataclass(frozen=True)
class Pool:
    """Words to draw from, with their weights."""

    words: Ints
    weights: Floats


@dataclass(frozen=True)
class Habit:
    """How people are named in one part of the world; see `names/README.md` for what each field means."""

    name: str
    alphabet: str
    family_kind: str
    no_family_name: float
    guessed_birthdays: float
    double_given: float
    wife_keeps_name: bool
    father_known: float
    mother_known: float
    layouts: Mapping[str, Mapping[str, float]]
    male: Pool
    female: Pool
    second_male: Pool
    second_female: Pool
    families: Pool
    places: Pool
    places_abroad: Pool
    feminine: Mapping[int, int]
    """Family name of a woman, by that of a man, where they differ."""
    patronymics: Mapping[int, tuple[int, int]]
    """Patronymic of a son and of a daughter, by the father's name."""


@dataclass(frozen=True)
class Naming:
    """Every habit, the words they are made of, and which habits a nationality has."""

    lexicon: Lexicon
    habits: tuple[Habit, ...]
    of_nationality: Mapping[str, Mapping[int, float]]


@cache
def load_habits() -> Naming:
    """All habits of `names/`, in the order of their file names."""
    lexicon = Lexicon()
    habits: list[Habit] = []
    of_nationality: dict[str, dict[int, float]] = {}
    for path in sorted(NAMES.glob("[!_]*.yaml")):
        content = _read(path)
        if shared := content.get("shared"):
            # A habit's own names come first: they are its commonest.
            for column, words in _read(path.with_name(f"_{shared}.yaml")).items():
                content[column] = {**content.get(column, {}), **words} if isinstance(words, dict) else words
        for nationality, weight in content["nationalities"].items():
            of_nationality.setdefault(nationality, {})[len(habits)] = weight
        habits.append(_habit(path.stem, content, lexicon))
    return Naming(lexicon, tuple(habits), of_nationality)


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return content


def _habit(name: str, content: dict[str, Any], lexicon: Lexicon) -> Habit:
    alphabet = content["alphabet"]

    def numbers(words: Any) -> list[int]:
        return [lexicon.add(word) for word in _words(words, alphabet)]

    given = {}
    for sex in ("male", "female"):
        simple = numbers(content[sex])
        pool = _pool(simple)
        for compound in content.get("compounds", ()):
            if compound["sex"] == sex:
                joined = [lexicon.add(word) for word in _compounds(compound, alphabet)]
                pool = _with_share(pool, joined, compound["share"])
        given[sex] = pool
    men = content.get("second_male")
    women = content.get("second_female")
    families = _pool(numbers(content.get("family_names", {})))
    places = _pool(numbers(content["places"]))
    return Habit(
        name=name,
        alphabet=alphabet,
        family_kind=content["family_kind"],
        no_family_name=content.get("no_family_name", 0.0),
        guessed_birthdays=content["guessed_birthdays"],
        double_given=content["double_given"],
        wife_keeps_name=content.get("wife_keeps_name", True),
        father_known=content["father_known"],
        mother_known=content["mother_known"],
        layouts=content["layouts"],
        male=given["male"],
        female=given["female"],
        second_male=_pool(numbers(men)) if men else given["male"],
        second_female=_pool(numbers(women)) if women else given["female"],
        families=families,
        places=places,
        places_abroad=_pool(numbers(content["places_abroad"])) if content.get("places_abroad") else places,
        feminine=_feminine(families, content.get("feminine", {}), lexicon),
        patronymics=_patronymics(given["male"], lexicon) if content.get("patronymics") else {},
    )


def _words(listed: Any, alphabet: str) -> list[Word]:
    """A mapping of script to spellings, or plain text where the script is Latin or is written letter by letter."""
    if isinstance(listed, Mapping):
        return [Word(script.replace("_", " "), _spellings(latin), alphabet) for script, latin in listed.items()]
    words = []
    for group in str(listed).split():
        spellings = tuple(group.replace("_", " ").split("/"))
        words.append(Word(spellings[0], spellings if alphabet == "latin" else (), alphabet))
    return words


def _spellings(latin: str) -> tuple[str, ...]:
    return tuple(spelling.replace("_", " ") for spelling in str(latin).split())


def _compounds(compound: Mapping[str, Mapping[str, str]], alphabet: str) -> list[Word]:
    """Every first part with every second part: عبدال and رحمن give عبدالرحمن. `_` at a seam is a space there."""
    words = []
    for first, first_latin in compound["first"].items():
        for second, second_latin in compound["second"].items():
            spelled = []
            for beginning in _spellings(first_latin):
                for end in _spellings(second_latin):
                    spelled.append(re.sub("[a-z]+", _capital, f"{beginning}{end}", flags=re.IGNORECASE))
            words.append(Word(f"{first}{second}".replace("_", " "), tuple(spelled), alphabet))
    return words


def _capital(found: re.Match[str]) -> str:
    return found[0].capitalize()


def _pool(words: Sequence[int]) -> Pool:
    ranks = np.arange(len(words), dtype=np.float64)
    # Names follow a flattened Zipf law: the commonest are common, and there are many rare ones.
    return Pool(np.array(words, dtype=np.int64), (ranks + 3) ** -0.8)


def _with_share(pool: Pool, more: Sequence[int], share: float) -> Pool:
    added = _pool(more)
    weights = np.concatenate(
        [pool.weights / pool.weights.sum() * (1 - share), added.weights / added.weights.sum() * share]
    )
    return Pool(np.concatenate([pool.words, added.words]), weights)


def _feminine(families: Pool, endings: Mapping[str, str], lexicon: Lexicon) -> dict[int, int]:
    found = {}
    for number in families.words.tolist():
        word = lexicon.words[number]
        for masculine, feminine in endings.items():
            if word.script.endswith(masculine):
                script = word.script.removesuffix(masculine) + feminine
                found[number] = lexicon.add(Word(script, (), word.alphabet))
                break
    return found


def _patronymics(men: Pool, lexicon: Lexicon) -> dict[int, tuple[int, int]]:
    """Russian patronymics from the father's name: Иван gives Иванович and Ивановна."""
    found = {}
    for number in men.words.tolist():
        father = lexicon.words[number]
        stem, soft = father.script, False
        if stem[-1] in "йь":
            stem, soft = stem[:-1], True
        elif stem[-1] in "ая":
            stem = stem[:-1]
        son, daughter = ("евич", "евна") if soft else ("ович", "овна")
        found[number] = (
            lexicon.add(Word(stem + son, (), father.alphabet)),
            lexicon.add(Word(stem + daughter, (), father.alphabet)),
        )
    return found
