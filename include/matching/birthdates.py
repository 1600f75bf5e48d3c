"""How two birth dates agree, when many are guesses, some are partial and some were read in another calendar."""

import re
from functools import lru_cache

NOT_KNOWN, DIFFERS, NEAR, YEAR, GUESSED, SAME = -1, 0, 1, 2, 3, 4
"""Levels of agreement. NEAR is a slip (day and month swapped, a digit off, another calendar), YEAR the same year where
one side knows no more or guessed, GUESSED the same 1 January."""

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?$")
_HIJRI = (621, 622)
_ETHIOPIAN = (7, 8)


@lru_cache(maxsize=200_000)
def agreement(a: str | None, b: str | None) -> int:
    """The level of agreement of two dates of the form YYYY, YYYY-MM or YYYY-MM-DD; NOT_KNOWN if one is missing."""
    one, other = parts(a), parts(b)
    if one is None or other is None:
        return NOT_KNOWN
    if one == other:
        return SAME if certain(one) else GUESSED if len(one) == 3 else YEAR
    same_year = one[0] == other[0]
    if certain(one) and certain(other):
        return NEAR if _slip(one, other) else DIFFERS
    if same_year:
        return YEAR
    gap = abs(one[0] - other[0])
    # Where a date is a guess, so is its year.
    return NEAR if gap <= 2 or gap in _HIJRI or gap in _ETHIOPIAN else DIFFERS


def parts(date: str | None) -> tuple[int, ...] | None:
    """Year, month and day as far as they are there; None if it is no date of this form."""
    found = _DATE.match(date) if isinstance(date, str) else None
    return tuple(int(number) for number in found.groups() if number) if found else None


def certain(date: tuple[int, ...]) -> bool:
    """Whether day and month are known: 1 January is often what somebody wrote who did not know."""
    return len(date) == 3 and date[1:] != (1, 1)


def _slip(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if one[0] == other[0] and one[1:] == (other[2], other[1]):
        return True
    if abs(one[0] - other[0]) in (*_HIJRI, *_ETHIOPIAN) and one[1:] == other[1:]:
        return True
    digits = [f"{date[0]:04d}{date[1]:02d}{date[2]:02d}" for date in (one, other)]
    off = [place for place, (x, y) in enumerate(zip(*digits, strict=True)) if x != y]
    if len(off) == 1:
        return True
    swapped = len(off) == 2 and off[1] == off[0] + 1
    return swapped and digits[0][off[0]] == digits[1][off[1]] and digits[0][off[1]] == digits[1][off[0]]
