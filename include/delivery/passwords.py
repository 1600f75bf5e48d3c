"""An office's list password: how strong it must be, how old it may get, and a fresh one to read out by telephone."""

import datetime as dt
import secrets

from include.arrangements.models import Days
from include.delivery.keys import SealRefused

SHORTEST = 16
_LETTERS = """alfa bravo charlie delta echo foxtrot golf hotel juliett kilo mike november papa quebec romeo sierra tango
uniform victor whiskey xray yankee zulu"""
_DIGITS = {"2": "two", "3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight", "9": "nine"}
_SPOKEN = {word[0]: word for word in _LETTERS.split()} | _DIGITS
"""What a password is made of, and how each is said. Left out is what looks like another: i, l, o, 0, 1."""


def check_password(password: str | None, since: str | None, rotate_after: Days, now: dt.datetime) -> str:
    """The password, if lists may be sealed with it.

    raises: SealRefused if it is missing, too short, holds what programs encode differently, or is older than arranged
    """
    if not password or len(password) < SHORTEST:
        raise SealRefused(f"the office's list password is missing or shorter than {SHORTEST} characters")
    if not (password.isascii() and password.isprintable()):
        raise SealRefused("the office's list password holds characters beyond ASCII, which not every program opens")
    last_day = password_ends_on(since, rotate_after)
    # Whoever changes it east of Greenwich may be a day ahead.
    if last_day > now.date() + dt.timedelta(days=rotate_after.days + 1):
        raise SealRefused("`password_since` of the office's list password is in the future")
    if last_day < now.date():
        raise SealRefused(
            f"the office's list password had to be changed by {last_day}: make one with `python -m include password`"
        )
    return password


def password_ends_on(since: str | None, rotate_after: Days) -> dt.date:
    """The last day on which lists are sealed with a password. raises: SealRefused if `since` is no date."""
    try:
        return dt.date.fromisoformat(since or "") + dt.timedelta(days=rotate_after.days)
    except (ValueError, TypeError, OverflowError):
        raise SealRefused(
            "it is not known how old the office's list password is: its connection's extra must say "
            '`"password_since": "YYYY-MM-DD"`'
        ) from None


def make_password() -> str:
    """A fresh password that nobody guesses: twenty of 31 letters and digits, 99 bits, in groups of four."""
    return "-".join("".join(secrets.choice(list(_SPOKEN)) for _ in range(4)) for _ in range(5))


def spoken(password: str) -> list[tuple[str, str]]:
    """Each group of a password of `make_password`, and how it is read out."""
    return [(group, " ".join(_SPOKEN[sign] for sign in group)) for group in password.split("-")]
