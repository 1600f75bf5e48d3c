"""Are these two spellings of one name? Across scripts, transliterations, order, particles and slips.

Reach for `name_similarity`. It stands on `rigour.names`, whose symbols know that محمد is Mohammad, and adds what a
register needs: a skeleton of consonants for names that no list knows, and what is *not* the same (brothers who share
all but one name, a father and his son).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import icu
from rapidfuzz.distance import DamerauLevenshtein
from rigour.names import NameTypeTag, analyze_names

SAME_NAME = 0.8
"""From here on two spellings are taken for one name."""

_ROMAN = icu.Transliterator.createInstance("Any-Latin; NFD; [:Nonspacing Mark:] Remove; Latin-ASCII; Lower")
_PARTICLES = frozenset(
    "al el ul ur as ad ar az an at ash bin ibn bint bent binti ben wad weld ould walad de la del da van von".split()
)
_NASAB = frozenset("bin ibn bint bent binti ben wad weld ould walad".split())
_HONORIFICS = frozenset(
    "haji hajji hadji hajj sayed sayyid said sayeed mullah mulla molla maulvi mawlawi dr mr mrs ms prof eng "
    "sheikh shaikh shaykh ustad hafiz qari agha mirza".split()
)
# A name of its own as often as a title: dropped only where enough of the name is left.
_KEPT_IF_NEEDED = 2
_ABD = frozenset({"abd", "abdul", "abdel", "abdal", "abdol", "abdu", "abdur", "abdus", "abdulr"})
# Spellings that different hands choose for one sound; the longer first.
_SOUNDS = (
    ("sch", "S"), ("tch", "C"), ("sh", "S"), ("ch", "C"), ("kh", "h"), ("gh", "g"), ("ph", "f"), ("th", "t"),
    ("dh", "d"), ("zh", "j"), ("dj", "j"), ("dz", "z"), ("ts", "z"), ("tz", "z"), ("ck", "k"), ("q", "k"),
    ("c", "k"), ("x", "ks"), ("p", "b"), ("v", "f"),
)  # fmt: skip
_SILENT = re.compile(r"(?<=.)[aiuh]")
_VOWELS = frozenset("aiu")
# Hands write o and u, e and i, y and i, w and u for one another.
_VOWELS_AS_ONE = str.maketrans({"o": "u", "e": "i", "y": "i", "w": "u"})
_DOUBLE = re.compile(r"(.)\1+")


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a name in Latin letters, and the names it stands for by rigour."""

    form: str
    symbols: frozenset[str] = frozenset()

    @property
    def folded(self) -> str:
        """With the spellings that hands choose for one sound made one: Noor and Nur are `nur`."""
        return _folded(self.form)

    @property
    def skeleton(self) -> str:
        """The consonants of it: Mohammed and Muhamad are both `mmd`."""
        return _skeleton(self.form)


@lru_cache(maxsize=400_000)
def tokens(name: str) -> tuple[Token, ...]:
    """The parts of a name that tell people apart; particles and titles are left out."""
    found: list[Token] = []
    for analysed in analyze_names(NameTypeTag.PER, [name], phonetics=False, numerics=False, consolidate=False):
        symbols: dict[int, set[str]] = {}
        for span in analysed.spans:
            if len(span.parts) == 1 and str(span.symbol).startswith("[NAME:"):
                symbols.setdefault(span.parts[0].index, set()).add(str(span.symbol))
        joined = ""
        for part in analysed.parts:
            form = re.sub(r"[^a-z]", "", part.ascii.lower() if part.ascii else _ROMAN.transliterate(part.form))
            if form in _ABD:
                joined = "abd"
                continue
            if not form or form in _PARTICLES:
                continue
            if joined:
                found.append(Token(joined + form))
                joined = ""
                continue
            form = re.sub(r"^abd(ul|el|al|ol|ur|us|u)?(?=[a-z]{4})", "abd", form)
            found.append(Token(form, frozenset(symbols.get(part.index, ()))))
        if joined:
            found.append(Token(joined))
        break
    titled = [token for token in found if token.form not in _HONORIFICS]
    return tuple(titled if len(titled) >= _KEPT_IF_NEEDED else found)


@lru_cache(maxsize=400_000)
def _folded(form: str) -> str:
    for spelt, sound in _SOUNDS:
        form = form.replace(spelt, sound)
    return _DOUBLE.sub(r"\1", form.translate(_VOWELS_AS_ONE))


@lru_cache(maxsize=400_000)
def _skeleton(form: str) -> str:
    folded = _folded(form)
    first = "a" if folded[:1] in _VOWELS else folded[:1]
    return _DOUBLE.sub(r"\1", first + _SILENT.sub("", folded)[1:])


def name_similarity(a: str, b: str) -> float:
    """How alike two names of a person are, from 0 (nothing in common) to 1 (the same); symmetric.

    Takes any script and order. From SAME_NAME on they are taken for spellings of one name. A single part in common is
    never enough, and parts left over on both sides are a contradiction, not a slip.
    """
    return _similarity(*sorted((a.strip(), b.strip())))


@lru_cache(maxsize=1_000_000)
def _similarity(a: str, b: str) -> float:
    if not a or not b:
        return 0.0
    left, right = tokens(a), tokens(b)
    if not left or not right:
        return 1.0 if a.casefold() == b.casefold() else 0.0
    matched, rest_left, rest_right = _pair_up(left, right)
    if not matched:
        return 0.0
    base = sum(matched) / len(matched)
    if rest_left and rest_right:
        # Brothers, cousins, namesakes: what they share is the family's, what differs is their own.
        return 0.8 * base * len(matched) / (len(matched) + max(rest_left, rest_right))
    if _turned_around(a, b, left, right):
        return 0.5 * base
    over = rest_left + rest_right
    if over and len(matched) == 1:
        return 0.6 * base
    return base * max(0.7, 1 - 0.05 * over)


def _pair_up(left: Sequence[Token], right: Sequence[Token]) -> tuple[list[float], int, int]:
    """The likenesses of parts that belong together, and how many are left over on each side."""
    likeness = sorted(
        (
            (token_similarity(one, other), -abs(i - j), i, j)
            for i, one in enumerate(left)
            for j, other in enumerate(right)
        ),
        reverse=True,
    )
    used_left: set[int] = set()
    used_right: set[int] = set()
    matched = []
    for alike, _, i, j in likeness:
        if alike < 0.7:
            break
        if i not in used_left and j not in used_right:
            used_left.add(i)
            used_right.add(j)
            matched.append(alike)
    for many, used_many, few, used_few in ((left, used_left, right, used_right), (right, used_right, left, used_left)):
        # One hand joins what another splits: Gulmohammad, Gul Mohammad.
        for i in range(len(many) - 1):
            if {i, i + 1} & used_many:
                continue
            both = many[i].form + many[i + 1].form
            joined = Token(both)
            for j, other in enumerate(few):
                if j not in used_few and token_similarity(joined, other) >= 0.85:
                    used_many |= {i, i + 1}
                    used_few.add(j)
                    matched.append(0.93)
                    break
    return matched, len(left) - len(used_left), len(right) - len(used_right)


def token_similarity(one: Token, other: Token) -> float:
    """How alike two parts of names are, from 0 to 1."""
    if one.form == other.form:
        return 1.0
    short, long = sorted((one.form, other.form), key=len)
    if len(short) == 1:
        return 0.75 if long.startswith(short) else 0.0
    if one.symbols & other.symbols or one.folded == other.folded:
        return 0.96
    distance = DamerauLevenshtein.distance(one.folded, other.folded)
    length = max(len(one.folded), len(other.folded))
    ratio = 1 - distance / length
    if one.skeleton == other.skeleton and len(one.skeleton) >= 3:
        # The shorter the name, the more its vowels tell: Omar and Amir are two.
        if distance <= 1 or ratio >= 0.7:
            return 0.93
        if len(one.skeleton) >= 4:
            return 0.88
    known = bool(one.symbols and other.symbols)
    if (distance == 1 and length >= 5) or (distance == 2 and length >= 8):
        # Two names that are known and are not known as one are two names, however near: Zahra and Zohra.
        return 0.72 if known else 0.9 - 0.04 * (distance - 1)
    return 0.6 * ratio


def _turned_around(a: str, b: str, left: Sequence[Token], right: Sequence[Token]) -> bool:
    """Whether both say whose child the person is, and the child of one is the father of the other."""
    if len(left) < 2 or len(right) < 2:
        return False
    if not (_NASAB & set(a.casefold().split()) and _NASAB & set(b.casefold().split())):
        return False
    return token_similarity(left[0], right[0]) < 0.7
