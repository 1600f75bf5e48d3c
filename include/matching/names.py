"""Are these two spellings of one name? Across scripts, transliterations, order, particles and slips.

Reach for `name_similarity`. It stands on `rigour.names`, whose symbols know that محمد is Mohammad, and adds what a
register needs: a skeleton of consonants for names that no list knows, and what is *not* the same (brothers who share
all but one name, a father and his son).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import icu
from rapidfuzz.distance import DamerauLevenshtein

# `rigour.names` is this function and, before it, detectors of languages and encodings: 40 ms of each run.
from rigour._core import tokenize_name

from include.matching import symbols

SAME_NAME = 0.8
"""From here on two spellings are taken for one name."""

ANOTHER_NAME = 0.5
"""Below this two spellings are of two names; between the two nobody can tell."""

_ROMAN = icu.Transliterator.createInstance("Any-Latin; NFD; [:Nonspacing Mark:] Remove; Latin-ASCII; Lower")
_SIMPLIFIED = icu.Transliterator.createInstance("Traditional-Simplified")
# What a mark says of the sound is lost with the mark.
_MARKED = str.maketrans(
    {"ş": "sh", "š": "sh", "ś": "sh", "ç": "ch", "č": "ch", "ć": "ch", "ž": "zh", "ğ": "gh", "ı": "i"}
)
# Tigrinya's breathed k and q, which Latin letters write as k and q.
_TIGRINYA = {0x12B8 + at: 0x12A8 + at for at in range(6)} | {0x1250 + at: 0x1240 + at for at in range(6)}
_NO_LETTER = re.compile(r"[^a-z]")
_PARTICLES = frozenset(
    "al el ul ur ud ed od uz us as ad ar az an at ash bin ibn bint bent binti ben wad weld ould walad "
    "de la del da van von".split()
)
_NASAB = frozenset("bin ibn bint bent binti ben wad weld ould walad".split())
_HONORIFICS = frozenset(
    "haji hajji hadji hajj sayed sayyid said sayeed mullah mulla molla maulvi mawlawi dr mr mrs ms prof eng "
    "sheikh ustad hafiz qari agha aqa aka mirza".split()
)
_ABD = frozenset(
    "abd abdul abdel abdal abdol abdu abdur abdus abdil abdulr "
    # As fingers slip: too common a word not to know it then.
    "adul abdl adbul abudl abdlu badul".split()
)
# Written short, or in a way that no rule of sounds leads to.
_WRITTEN_FOR = (
    dict.fromkeys("md mohd muhd mhd".split(), "mohammad")
    | dict.fromkeys("cheikh cheick cheik cheykh sheik shaikh shaykh".split(), "sheikh")
    | {"kahn": "khan"}
)
_SERVANT = re.compile(r"^abd(ul|el|al|ol|il|ur|us|u)?(?=[a-z]{4})")
# One hand writes as two words what another joins: Shams ud-Din, Hikmat Ullah, Al Hussein.
_DIN = re.compile(r"^(?:al|el|ul|ud|ed|od|ad|id|aj)?d(?:i|ee|ei|y)ne?$")
_ENDS_IN_DIN = re.compile(r"(?<=[a-z]{3})(?:al|el|ul|ud|ed|od|ad|id)d(?:i|ee|ei|y)ne?$")
_ULLAH = re.compile(r"^[uoae]?(?:lla(?:h|ch)?|lah)$")
_ENDS_IN_ULLAH = re.compile(r"(?<=[a-z]{2})[uoae]lla(?:h|ch)?$")
_ARTICLE = re.compile(r"^[ae]l(?=[ab-df-hj-np-tv-z][a-z]{4})")
_SON_OF = re.compile(r"^ben(?=[a-z]{4})")
_AT_THE_END = {"z": "s", "d": "t"}
# Jwan and Jouan.
_VOWEL_W = re.compile(r"(?<=[b-df-hj-np-tvxz])w")
_MUTE_E = re.compile(r"(?<=[a-z]{3}[b-df-hj-np-tv-z])e$")
# Spellings that different hands choose for one sound; the longer first.
_SOUNDS = (
    ("dsch", "j"), ("tsch", "C"), ("sch", "S"), ("tch", "C"), ("sh", "S"), ("ch", "C"), ("kh", "h"), ("gh", "g"),
    ("ph", "f"), ("th", "t"), ("dh", "d"), ("zh", "j"), ("dj", "j"), ("dz", "z"), ("ts", "z"), ("tz", "z"), ("ck", "k"),
    ("q", "k"), ("c", "k"), ("x", "ks"), ("p", "b"), ("w", "v"),
)  # fmt: skip
# What further hands do: German dsch and j, French di, Somali c and x, the Persian q that is spoken gh.
_WIDER_SOUNDS = (
    ("dsch", "i"), ("tsch", "h"), ("sch", "S"), ("tch", "h"), ("sh", "S"), ("ch", "h"), ("kh", "h"), ("gh", "k"),
    ("ph", "f"), ("th", "t"), ("dh", "d"), ("zh", "i"), ("dj", "i"), ("dz", "z"), ("ts", "z"), ("tz", "z"), ("ck", "k"),
    ("dia", "ia"), ("dio", "io"), ("q", "k"), ("g", "k"), ("c", ""), ("x", "h"), ("j", "i"),
    ("p", "b"), ("w", "v"), ("ai", "i"), ("ay", "i"), ("ei", "i"), ("ey", "i"), ("aj", "i"),
)  # fmt: skip
_SOUND_OF, _WIDER_SOUND_OF = dict(_SOUNDS), dict(_WIDER_SOUNDS)
_SPELT, _WIDER_SPELT = (re.compile("|".join(sounds)) for sounds in (_SOUND_OF, _WIDER_SOUND_OF))
# How letters are spoken depends on where the hand that wrote them went to school: what stands for what, to be read by
# an English eye. German z and ts, Greek b and v are one already in the sounds above.
_SCHOOLS = tuple(
    tuple((re.compile(seen), spoken) for seen, spoken in school)
    for school in (
        # French
        (("tch", "\0"), ("ou(?=[aeiy])", "w"), ("ou", "u"), ("(?<!s)ch(?!r)", "sh"), ("dj|di(?=[aeou])", "j"),
         ("gu(?=[eiy])", "g"), ("\0", "ch")),
        # German
        (("tsch", "\0"), ("dsch", "\1"), ("sch", "\2"), ("(?<!t)ch(?!r)", "kh"), ("j", "y"), ("w", "v"),
         ("\0", "ch"), ("\1", "j"), ("\2", "sh")),
        # Turkish
        (("c(?![hk])", "j"),),
        # Somali
        (("x", "h"), ("c(?![hk])", ""), ("dh", "d")),
        # Greek
        (("(?<![ts])k?ch", "kh"), ("ts", "ch"), ("tz", "j"), ("mp", "b"), ("nt", "d"), ("gk", "g")),
        # Spanish
        (("j", "h"), ("ll", "y"), ("qu(?=[ei])", "k"), ("x", "sh")),
        # Italian
        (("gh", "\0"), ("sc(?=[ei])", "sh"), ("ch", "k"), ("c(?=[ei])", "ch"), ("gi(?=[aou])|g(?=[ei])", "j"),
         ("\0", "g")),
        # Persian
        (("eh?$", "a"), ("ow", "av")),
        # Russian
        (("dzh", "j"), ("^y(?=[eo])", ""), ("iya$", "ia"), ("(?:yy|ij|iy)$", "i")),
    )
)  # fmt: skip
_READ_IN_MANY_WAYS = re.compile(
    "ch|ou|dj|di[aeou]|gu[eiy]|j|w|c|x|dh|t[sz]|mp|nt|gk|ll|qu|g[ei]|eh?$|ow|^y[eo]|iya$|[iy][yj]$"
)
_SILENT = re.compile(r"(?<=.)[aiuh]")
_LONG_VOWEL = re.compile(r"(?<=.)(?:oo|ee|ei|ai|ey|ay|ou(?=[^aeiou]$))")
_WRITTEN_VOWEL = re.compile(r"(?<=.)[wyvaiu]")
_VOWELS = frozenset("aiu")
# Hands write o and u, e and i, y and i for one another.
_VOWELS_AS_ONE = str.maketrans({"o": "u", "e": "i", "y": "i"})
_DOUBLE = re.compile(r"(.)(?=\1)")
_LAST_W = re.compile(r"(?<=[aou])v$")
_LAST_H = re.compile(r"(?<=[aiu])h$")


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """A part of a name in Latin letters, in the forms that it is compared by; one object for each spelling."""

    form: str
    folded: str
    """With the spellings that hands choose for one sound made one: Noor and Nur are `nur`."""
    wider: str
    """With more of them made one, at the price of some names that are two."""
    skeleton: str
    """The consonants of it: Mohammed and Muhamad are both `mmd`."""
    symbols: frozenset[int]
    """The names it stands for, by `symbols`."""
    vowels_left_out: bool
    """From a script that writes few vowels."""
    ambiguous: bool
    """Whether hands of several schools would speak it differently."""
    syllables: str
    """The name as it is written, where each sign is a word or a syllable (Han, Hangul); else empty."""

    @property
    def is_title(self) -> bool:
        """Whether a hand may leave it out: it is a name of its own as often as a title."""
        return self.form in _HONORIFICS


@lru_cache(maxsize=100_000)
def _token(form: str, spelt: str = "") -> Token:
    first = spelt[:1]
    return Token(
        form,
        _folded(form),
        _wider(form),
        _skeleton(form),
        symbols.of(spelt),
        vowels_left_out=first in _WITHOUT_VOWELS,
        ambiguous=_READ_IN_MANY_WAYS.search(form) is not None,
        syllables=_SIMPLIFIED.transliterate(spelt) if "\u3400" <= first <= "\ud7ff" else "",
    )


_WITHOUT_VOWELS = frozenset(map(chr, [*range(0x0590, 0x0600), *range(0x0620, 0x06D4), *range(0x0750, 0x0780)]))


@lru_cache(maxsize=100_000)
def tokens(name: str) -> tuple[Token, ...]:
    """The parts of a name that tell people apart; particles are left out."""
    found: list[Token] = []
    servant = False
    for part in tokenize_name(name.casefold(), 1):
        form = romanised(part)
        if form in _ABD:
            servant = True
        elif found and "n" in form[-2:] and _DIN.match(form):
            found[-1] = _token(stem(found[-1].form + "din"))
        elif found and "la" in form[-4:] and _ULLAH.match(form):
            found[-1] = _token(found[-1].form + "ula")
        elif form and form not in _PARTICLES:
            form = stem(form)
            found.append(_token("abd" + form) if servant else _token(form, part))
            servant = False
    if servant:
        found.append(_token("abd"))
    return tuple(found)


@lru_cache(maxsize=100_000)
def stem(form: str) -> str:
    """A part of a name in Latin letters, with what stands before or behind it joined in one way only."""
    # Few names need any of these, and looking for a sign is cheaper than for a pattern.
    form = _WRITTEN_FOR.get(form, form)
    if form[:3] == "abd":
        form = _SERVANT.sub("abd", form)
    elif form[:3] == "ben":
        form = _SON_OF.sub("", form)
    if "n" in form[-2:]:
        form = _ENDS_IN_DIN.sub("din", form)
    elif "lla" in form:
        form = _ENDS_IN_ULLAH.sub("ula", form)
    return _ARTICLE.sub("", form) if form[1:2] == "l" else form


@lru_cache(maxsize=100_000)
def romanised(form: str) -> str:
    """A part of a name in the letters a to z."""
    if form.isascii() and form.isalpha():
        return form.lower()
    if form[:5] == "\u0639\u0628\u062f\u0627\u0644" and len(form) > 6:
        # Abd al-, which Arabic letters mostly write as one with the name.
        return "abd" + romanised(form[5:])
    if form[:2] == "\u0627\u0644" and len(form) > 4:
        # The article, which Latin letters mostly write apart.
        form = form[2:]
    form = form.translate(_TIGRINYA).translate(_MARKED)
    return _NO_LETTER.sub("", form.lower() if form.isascii() else _ROMAN.transliterate(form))


def skeleton_of(form: str) -> str:
    """The skeleton of a part of a name in any script."""
    return _skeleton(romanised(form))


def block_key(word: str) -> str:
    """What two spellings of one part of a name mostly share, to look for it; empty for particles and signs."""
    form = romanised(word)
    if form in _PARTICLES or form in _ABD or _DIN.match(form) or _ULLAH.match(form):
        return ""
    form = stem(form)
    for end in ("din", "ula"):
        # The other hand may have written it apart.
        form = form.removesuffix(end) if len(form) > len(end) + 2 else form
    return _skeleton(form.removeprefix("abd") if len(form) > 6 else form)


@lru_cache(maxsize=100_000)
def _folded(form: str) -> str:
    form = _LAST_W.sub("u", _SPELT.sub(_sound, form))
    return _LAST_H.sub("", _DOUBLE.sub("", form.translate(_VOWELS_AS_ONE)))


@lru_cache(maxsize=100_000)
def _readings(form: str) -> tuple[Token, ...]:
    """`form` as an English hand would write what it sounds like, by each other school that makes a difference."""
    read = []
    for school in _SCHOOLS:
        spoken = form
        for seen, sound in school:
            spoken = seen.sub(sound, spoken)
        read.append(spoken)
    return tuple(_token(spoken, spoken) for spoken in dict.fromkeys(read) if spoken not in (form, ""))


@lru_cache(maxsize=100_000)
def _wider(form: str) -> str:
    form = _VOWEL_W.sub("u", _MUTE_E.sub("", form))
    form = _WIDER_SPELT.sub(_wider_sound, form).translate(_VOWELS_AS_ONE)
    form = _DOUBLE.sub("", form[:1] + form[1:].replace("h", ""))
    # Gonzalez and Gonzales, Aziz and Azis; Murad and Murat, Mehmed and Mehmet.
    return form[:-1] + _AT_THE_END.get(form[-1:], form[-1:])


def _sound(spelt: re.Match[str]) -> str:
    return _SOUND_OF[spelt[0]]


def _wider_sound(spelt: re.Match[str]) -> str:
    return _WIDER_SOUND_OF[spelt[0]]


@lru_cache(maxsize=100_000)
def _skeleton(form: str) -> str:
    folded = _folded(form)
    first = "a" if folded[:1] in _VOWELS else folded[:1]
    return _DOUBLE.sub("", first + _SILENT.sub("", folded)[1:])


def name_similarity(a: str, b: str) -> float:
    """How alike two names of a person are, from 0 (nothing in common) to 1 (the same); symmetric.

    Takes any script and order. From SAME_NAME on they are taken for spellings of one name. A single part in common is
    never enough, and parts left over on both sides are a contradiction, not a slip.
    """
    return _similarity(*sorted((a.strip(), b.strip())), ())


def likeness(one: Sequence[str], other: Sequence[str], fathers: Sequence[str] = ()) -> float:
    """How alike two people's names are, each given as one spelling or, in the original script, a second.

    fathers: their names, as far as known: a part of one name that is the father's, where the other has a family name,
        contradicts nothing
    """
    if not one or not other:
        return 0.0
    elders = tuple(fathers)
    first = _similarity(*sorted((one[0], other[0])), elders)
    if not first or len(one) + len(other) == 2:
        return first
    one, other = _whole(one), _whole(other)
    original = _similarity(*sorted((one[1], other[1])), ()) if len(one) + len(other) == 4 else None
    if original is not None and original < ANOTHER_NAME:
        # What is written in their own script differs: twins, say, whom a clerk has mixed up.
        return min(first, _DOUBTFUL_NAME)
    if first >= _BEYOND_DOUBT:
        return first
    if first < ANOTHER_NAME:
        return original if original and original >= _BEYOND_DOUBT else first
    return max(first, original or 0, *(_similarity(*sorted((a, b)), elders) for a, b in _across(one, other)))


def _across(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from ((one[0], spelling) for spelling in other[1:])
    yield from ((spelling, other[0]) for spelling in one[1:])


def called_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether what each is called alone, the first part of the name mostly, occurs in the other's name; titles aside.

    one, other: as `likeness` takes them; where both are written in their own script, it must agree in that as well
    A sister may share all of a name but what she is called: Tasneem, and Abeer Tasneem.
    """
    if len(one) > 1 and len(other) > 1:
        if not _first_parts_answered(one[1], other[1]) or name_similarity(one[1], other[1]) < ANOTHER_NAME:
            # Twins may be written alike in Latin letters alone.
            return False
        if _whole_in(one) and _whole_in(other) and name_similarity(one[1], other[1]) >= _BEYOND_DOUBT:
            return True
    return _first_parts_answered(one[0], other[0])


def _whole_in(spellings: Sequence[str]) -> bool:
    """Whether the original script holds no less of the name than the Latin letters."""
    return len(tokens(spellings[1])) >= len(tokens(spellings[0]))


def _first_parts_answered(a: str, b: str) -> bool:
    left, right = (tuple(token for token in tokens(name) if not token.is_title) for name in (a, b))
    return _first_answered(left, right) and _first_answered(right, left)


def _first_answered(one: Sequence[Token], other: Sequence[Token]) -> bool:
    if not one or any(token_similarity(one[0], token) >= _SAME_PART for token in other):
        return True
    # Amirhossein, and Amir Hossein.
    return any(token_similarity(one[0], joined) >= _SAME_PART_JOINED for joined in _joined(other)) or any(
        token_similarity(joined, token) >= _SAME_PART_JOINED for joined in _joined(one[:2]) for token in other
    )


def _joined(parts: Sequence[Token]) -> list[Token]:
    return [_token(one.form + other.form) for one, other in pairwise(parts)]


def contradict(a: str, b: str) -> bool:
    """Whether two names, of a father say, are surely of two people: no part of one may be a part of the other."""
    return name_similarity(a, b) < ANOTHER_NAME and not any(
        _may_be(one, other) for one in tokens(a) for other in tokens(b)
    )


def _may_be(one: Token, other: Token) -> bool:
    if token_similarity(one, other) >= _MAY_BE or (one.skeleton == other.skeleton and len(one.skeleton) > 1):
        return True
    short, long = sorted((one.form, other.form), key=len)
    # Funmi and Funmilayo, Seun and Oluwaseun; Aleksandr and Aleksandrovna.
    if len(short) >= 4 and (long.startswith(short) or long.endswith(short)):
        return True
    slips = 1 if len(short) < 8 else 2
    unknown = not (one.symbols and other.symbols)
    return unknown and len(short) > 2 and DamerauLevenshtein.distance(one.folded, other.folded) <= slips


_MAY_BE = 0.55


def _whole(spellings: Sequence[str]) -> Sequence[str]:
    """Without a second spelling that holds less of the name than the first: what it leaves out may be another's."""
    return spellings if len(spellings) == 1 or _whole_in(spellings) else spellings[:1]


_BEYOND_DOUBT, _DOUBTFUL_NAME = 0.92, 0.7


@lru_cache(maxsize=100_000)
def _similarity(a: str, b: str, fathers: tuple[str, ...]) -> float:
    if not a or not b:
        return 0.0
    left, right = tokens(a), tokens(b)
    if not left or not right:
        return 1.0 if a.casefold() == b.casefold() else 0.0
    matched, rest_left, rest_right = _pair_up(left, right)
    if not matched:
        return 0.0
    base = sum(alike for _, _, alike in matched) / len(matched)
    in_all = bool(rest_left), bool(rest_right)
    telling = fathers if all(in_all) or len(matched) == 1 else ()
    left_over, right_over = (_not_of(rest, telling) for rest in (rest_left, rest_right))
    if left_over and right_over:
        if telling and not all(_not_of(rest, telling, and_before=True) for rest in (rest_left, rest_right)):
            # One is named by father and grandfather, the other by the family.
            return 0.7 * base
        # Brothers, cousins, namesakes: what they share is the family's, what differs is their own.
        return 0.8 * base * len(matched) / (len(matched) + max(left_over, right_over))
    if _turned_around(a, b):
        return 0.5 * base
    over = left_over + right_over
    if len(matched) == 1 and any(in_all):
        # One name alone is not enough, but where the father's stands for the family's it is.
        by_father = in_all != (bool(left_over), bool(right_over)) and (all(in_all) or not over)
        return (0.85 if by_father else 0.6) * base
    if _in_another_order(matched):
        # Yusuf Ali Hersi is the father of Ali Yusuf Hersi, or the son.
        return 0.7 * base
    return base * max(0.7, 1 - 0.05 * over)


def _in_another_order(matched: Sequence[tuple[int, int, float]]) -> bool:
    """Whether the first parts are not each other's, though nobody has only put the family name first."""
    order = [j for _, j, _ in sorted(matched)]
    if len(order) < 3 or order[0] == min(order):
        return False
    return sum(one > other for one, other in pairwise([*order, order[0]])) > 1


def _not_of(rest: Sequence[Token], fathers: Sequence[str], *, and_before: bool = False) -> int:
    """How many parts are no part of the father's name, nor, `and_before`, of his fathers' behind it."""
    if not rest or not fathers:
        return len(rest)
    elders = [token for name in fathers for token in tokens(name)]
    others = [not any(_may_be(token, elder) for elder in elders) for token in rest]
    return others.index(False) if and_before and not all(others) else sum(others)


def _pair_up(
    left: Sequence[Token], right: Sequence[Token]
) -> tuple[list[tuple[int, int, float]], list[Token], list[Token]]:
    """The parts that belong together (where they stand, how alike they are), and what is left over on each side."""
    likeness = [
        (alike, -abs(i - j), i, j)
        for i, one in enumerate(left)
        for j, other in enumerate(right)
        if (alike := 1.0 if one is other else token_similarity(one, other)) >= _SAME_PART
    ]
    likeness.sort(reverse=True)
    used_left: set[int] = set()
    used_right: set[int] = set()
    matched = []
    for alike, _, i, j in likeness:
        if i not in used_left and j not in used_right:
            used_left.add(i)
            used_right.add(j)
            matched.append((i, j, alike))
    for many, used_many, few, used_few in ((left, used_left, right, used_right), (right, used_right, left, used_left)):
        # One hand joins what another splits: Gulmohammad, Gul Mohammad.
        for i in range(len(many) - 1):
            if len(used_few) == len(few) or {i, i + 1} & used_many:
                continue
            joined = many[i].form + many[i + 1].form
            for j, other in enumerate(few):
                if j in used_few or not other.skeleton.startswith(many[i].skeleton):
                    continue
                if token_similarity(_token(joined), other) >= _SAME_PART_JOINED:
                    used_many |= {i, i + 1}
                    used_few.add(j)
                    matched.append((i, j, 0.93) if many is left else (j, i, 0.93))
                    break
    rest_left = [token for i, token in enumerate(left) if i not in used_left and not token.is_title]
    return matched, rest_left, [token for j, token in enumerate(right) if j not in used_right and not token.is_title]


_SAME_PART, _SAME_PART_JOINED = 0.7, 0.85


_MOST_SLIPS = 4


@lru_cache(maxsize=200_000)
def token_similarity(one: Token, other: Token) -> float:
    """How alike two parts of names are, from 0 to 1; below 0.7 they are two, from 0.55 on they may be one."""
    if one.syllables and other.syllables:
        # 习近平 and 习近朋 sound alike and are two.
        return 1.0 if one.syllables == other.syllables else 0.5
    alike = _as_written(one, other)
    if alike >= _SAME_PART or not (one.ambiguous or other.ambiguous):
        return alike
    if DamerauLevenshtein.distance(one.wider, other.wider, score_cutoff=2) > 2:
        return alike
    spoken = [_as_written(reading, other) for reading in _readings(one.form)]
    spoken += [_as_written(one, reading) for reading in _readings(other.form)]
    # A slip of a sound that is itself a guess is no ground; nor is anything but the same sound where both are known.
    least = 0.96 if one.symbols and other.symbols else 0.9
    return max(alike, 0.95 * max((found for found in spoken if found >= least), default=0.0))


def _as_written(one: Token, other: Token) -> float:
    if one.form == other.form:
        return 1.0
    if len(one.form) == 1 or len(other.form) == 1:
        return 0.75 if one.form[:1] == other.form[:1] else 0.0
    if one.folded == other.folded or not one.symbols.isdisjoint(other.symbols):
        return 0.96
    if one.form.startswith("abd") != other.form.startswith("abd"):
        # Abdul Hanif is mostly called Hanif.
        bare, whole = (_folded(part.form.removeprefix("abd")) for part in (one, other))
        return 0.8 if bare == whole and len(bare) > 2 else 0.0
    of_one_skeleton = one.skeleton == other.skeleton
    most = _MOST_SLIPS if of_one_skeleton or one.wider == other.wider else 2
    distance = DamerauLevenshtein.distance(one.folded, other.folded, score_cutoff=most)
    if distance > most:
        return 0.0
    for affix in ("ula", "din", "abd"):
        # What many names share tells nothing: Esmat Ullah is not Hekmat Ullah.
        if affix in one.form and affix in other.form and (cores := _cores(one.form, other.form, affix)):
            return token_similarity(*cores)
    if of_one_skeleton and (alike := _of_one_skeleton(one, other, distance)):
        return alike
    return _with_slips(one, other, distance)


def _with_slips(one: Token, other: Token, distance: int) -> float:
    length, known = _length_and_known(one, other)
    if one.wider == other.wider:
        return 0.8 if known or len(one.wider) < 4 else 0.9
    if not known and length > 3 and one.folded.replace("S", "s") == other.folded.replace("S", "s"):
        # The mark under a Turkish s was lost, or a Greek sigma stands for it.
        return 0.75
    if (distance == 1 and length >= 5) or (distance == 2 and length >= 8):
        # Two names that are known and are not known as one are two names, however near.
        return 0.6 if known or _woman_and_man(one.folded, other.folded) else 0.9 - 0.04 * (distance - 1)
    return 0.5 * (1 - distance / length)


def _length_and_known(one: Token, other: Token) -> tuple[int, bool]:
    """The length of the longer part, and whether both are known names, and so not one name."""
    return max(len(one.folded), len(other.folded)), bool(one.symbols and other.symbols)


def _cores(one: str, other: str, affix: str) -> tuple[Token, Token] | None:
    for strip, has in ((str.removesuffix, str.endswith), (str.removeprefix, str.startswith)):
        if has(one, affix) and has(other, affix) and min(len(one), len(other)) > len(affix) + 1:
            return _token(strip(one, affix)), _token(strip(other, affix))
    return None


def _of_one_skeleton(one: Token, other: Token, distance: int) -> float | None:
    length, known = _length_and_known(one, other)
    consonants = len(one.skeleton)
    if one.vowels_left_out != other.vowels_left_out:
        bare, full = (one, other) if one.vowels_left_out else (other, one)
        if _LONG_VOWEL.search(full.form) and not _WRITTEN_VOWEL.search(bare.form):
            # A long vowel is written in any script: Hossein is not Hasan's three consonants, nor Mahmoud Mohammad's.
            return 0.6
        return 0.9 if consonants >= 3 else 0.75
    differ = _vowels_differ(one.folded, other.folded)
    if _woman_and_man(one.folded, other.folded) or (differ and (known or distance > 1)):
        return 0.6
    # The shorter the name, the more its vowels tell: Omar and Amir are two.
    if consonants >= 3 and (distance <= 1 or distance <= 0.3 * length):
        return 0.93
    if consonants >= 4 or (consonants == 3 and distance == 2 and length >= 6):
        return 0.88
    if distance <= 1:
        return 0.6 if differ or length < 4 else 0.8
    return None


def _woman_and_man(one: str, other: str) -> bool:
    """Samir and Samira, Jamal and Jamila: brother and sister, not a slip."""
    woman, man = (one, other) if one[-1:] == "a" else (other, one)
    if woman[-1:] != "a" or len(man) < 3 or man[-1] in _VOWELS or len(woman) != len(man) + 1:
        return False
    return woman[:-1].replace("i", "a") == man.replace("i", "a")


def _vowels_differ(one: str, other: str) -> bool:
    """Whether one has an a where the other has an u: Hasan and Husain; i may be heard as either, or not at all."""
    one, other = one.replace("i", ""), other.replace("i", "")
    return len(one) == len(other) and any({x, y} == {"a", "u"} for x, y in zip(one, other, strict=True))


def _turned_around(a: str, b: str) -> bool:
    """Whether both say whose child the person is, and the child of one is the father of the other."""
    (child, father), (other_child, other_father) = _child_and_father(a), _child_and_father(b)
    if not (child and father and other_child and other_father):
        return False
    return (
        all(token_similarity(*pair) >= _SAME_PART for pair in ((child, other_father), (other_child, father)))
        and token_similarity(child, other_child) < _SAME_PART
    )


@lru_cache(maxsize=100_000)
def _child_and_father(name: str) -> tuple[Token | None, Token | None]:
    """Who is whose child in `Isa bin Ali`, the parts before and behind the first such word; None where it has none."""
    words = name.casefold().split()
    at = next((at for at, word in enumerate(words) if word in _NASAB), 0)
    before, behind = (tokens(" ".join(part)) for part in (words[:at], words[at:]))
    before = tuple(token for token in before if not token.is_title)
    return (before[-1], behind[0]) if before and behind else (None, None)
