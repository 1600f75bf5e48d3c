"""What seals and signs a list, as Airflow's connections hold it. Nothing here shows itself in a log or a traceback."""

from dataclasses import dataclass


class SealRefused(RuntimeError):
    """A file could not be sealed or signed, so nothing is made. The message never holds key or password."""


@dataclass(frozen=True, repr=False)
class SigningKey:
    """IOM's own OpenPGP key, armoured, and its passphrase if it has one."""

    secret_key: str | None
    passphrase: str | None


@dataclass(frozen=True, repr=False)
class SealingKey:
    """What an office's lists are sealed with, and what they are signed with.

    public_key: the office's armoured OpenPGP certificate
    password: the list password that the office was given; password_since: the day it was, as YYYY-MM-DD
    age_recipient: the office's `age1…`
    """

    public_key: str | None = None
    password: str | None = None
    password_since: str | None = None
    age_recipient: str | None = None
    signing: SigningKey = SigningKey(None, None)
