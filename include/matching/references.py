"""Reference numbers as hands type them: spacing, case, punctuation and digits of other scripts do not matter."""

import re
import unicodedata
from functools import lru_cache

_NO_SIGN = re.compile(r"[^0-9A-Z]")
LOOK_ALIKE = ("OILSB", "01158")
"""Signs that are read for one another from paper, and what each is taken for."""
_LOOK_ALIKE = str.maketrans(*LOOK_ALIKE)
SHORTEST = 4
"""A reference with fewer signs says nothing about who a person is."""


@lru_cache(maxsize=400_000)
def plain(reference: str | None) -> str:
    """The letters and digits alone, upper case, digits as 0 to 9; empty if there are too few to tell."""
    if not isinstance(reference, str):
        return ""
    folded = unicodedata.normalize("NFKD", reference).upper()
    digits = "".join(str(unicodedata.digit(sign)) if sign.isdigit() and not sign.isascii() else sign for sign in folded)
    found = _NO_SIGN.sub("", digits)
    return found if len(found) >= SHORTEST else ""


def look_alike(reference: str) -> str:
    """`reference` (as `plain` gives it) with signs that look alike made one."""
    return reference.translate(_LOOK_ALIKE)
