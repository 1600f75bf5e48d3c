"""What Python sees of names while candidates are found: the keys a word is looked for by, and how alike two names are.

Reach for `level_of` to have a comparison of two people's names as a level of the model, for `block_keys` to see whom a
name can meet.
"""

import re
from collections.abc import Callable

from include.matching.names import (
    ANOTHER_NAME,
    SAME_NAME,
    block_key,
    called_alike,
    contradict,
    likeness,
    name_similarity,
)

_BREAK = re.compile(r"[-–—_.,;:/()|\s]")
_SILENT_SIGN = re.compile("['’‘ʿʾ`´\"\u200c\u200d\u0640]")


def block_keys(word: str) -> str:
    """The keys of a word, with spaces between; one that a hyphen holds together has several."""
    parts = _BREAK.split(_SILENT_SIGN.sub("", word.lower()))
    return " ".join(sorted({block_key(part) for part in parts} - {""}))


def level_of(what: str) -> Callable[..., int]:
    """What gives the level of `name`, `called`, `father`, `mother` or `place` of a case and a record.

    It takes of the case, then of the record: for `name` the person's name, in the original script too or None, and the
    father's or None; for `called` the first two of these; else what is compared.
    """
    levels: dict[str, Callable[..., int]] = {"name": _name_level, "called": _called_level}
    return levels.get(what, _elder_level)


def _name_level(
    person: str,
    original: str | None,
    father: str | None,
    other: str,
    other_original: str | None,
    other_father: str | None,
) -> int:
    fathers = [name for name in (father, other_father) if name]
    return _level_of(likeness(_known(person, original), _known(other, other_original), fathers))


def _called_level(person: str, original: str | None, other: str, other_original: str | None) -> int:
    return int(called_alike(_known(person, original), _known(other, other_original)))


def _known(person: str, original: str | None) -> list[str]:
    return [person, original] if original else [person]


def _elder_level(one: str, other: str) -> int:
    if one == other:
        return 3
    return _level_of(name_similarity(one, other)) or int(not contradict(one, other))


def _level_of(likeness: float) -> int:
    return 3 if likeness >= 0.92 else 2 if likeness >= SAME_NAME else 1 if likeness >= ANOTHER_NAME else 0
