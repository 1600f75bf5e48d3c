"""Opening what an office sealed for IOM: by IOM's OpenPGP key or age identity, or by the password of its lists."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msoffcrypto
from pysequoia import Tsk, decrypt

from include.delivery.unsealing import CannotOpen, open_age, open_workbook, open_zip
from include.responses.reading import LARGEST_FILE, Unreadable

_Opened = TypeVar("_Opened")
_OLE = b"\xd0\xcf\x11\xe0"
"""How a workbook with a password begins, and one of before 2007."""


@dataclass(frozen=True)
class OpeningKeys:
    """What opens answers: IOM's secret key with its passphrase, IOM's age identity, the office's list passwords.

    passwords: the present one first, then earlier ones: an answer on an old list has the password of that list
    """

    secret_key: str | None = None
    passphrase: str | None = None
    age_identity: str | None = None
    passwords: tuple[str, ...] = ()


def open_answer(content: bytes, name: str, keys: OpeningKeys) -> tuple[bytes, str, bool]:
    """What is in a file that came back: its content, its name without a seal's ending, and whether it was sealed.

    raises: Unreadable
    """
    lowered = name.lower()
    if len(content) > LARGEST_FILE:
        raise Unreadable("too_large")
    try:
        if lowered.endswith((".pgp", ".gpg")) or content.startswith(b"-----BEGIN PGP MESSAGE"):
            return _inner(_open_pgp(content, keys), name, keys)
        if lowered.endswith(".age"):
            return _inner(open_age(content, "it", keys.age_identity), name, keys)
        if lowered.endswith(".zip"):
            inside, plain = _by_any(keys.passwords, lambda password: open_zip(content, "it", password, LARGEST_FILE))
            return plain, inside, _is_encrypted(content)
        if lowered.endswith(".xlsx") and content.startswith(_OLE) and _has_password(content):
            return _by_any(keys.passwords, lambda password: open_workbook(content, "it", password)), name, True
    except CannotOpen:
        raise Unreadable("cannot_open") from None
    except Unreadable:
        raise
    except Exception:  # what others write can break a parser in any way
        raise Unreadable("not_readable") from None
    return content, name, False


def _inner(content: bytes, name: str, keys: OpeningKeys) -> tuple[bytes, str, bool]:
    """What was in a seal; a workbook in it may have its password still, since programs keep that."""
    stem = name.rsplit(".", 1)[0]
    if not stem.lower().endswith((".xlsx", ".csv", ".txt")):  # renamed on its way: its first bytes say what it is
        stem = f"{stem}.xlsx" if content.startswith((b"PK", _OLE)) else f"{stem}.csv"
    plain, stem, _ = open_answer(content, stem, keys)
    return plain, stem, True


def _open_pgp(content: bytes, keys: OpeningKeys) -> bytes:
    if keys.secret_key is None:
        raise CannotOpen("it needs IOM's secret key")
    try:
        key = Tsk.from_bytes(keys.secret_key.encode())
        return bytes(decrypt(content, decryptor=key.decryptor(keys.passphrase or None)).bytes or b"")
    except Exception:
        raise CannotOpen("it does not open with IOM's key") from None


def _by_any(passwords: Sequence[str], opens: Callable[[str], _Opened]) -> _Opened:
    for password in passwords or ("",):
        try:
            return opens(password)
        except CannotOpen:
            continue
    raise CannotOpen("none of the office's list passwords opens it")


def _has_password(content: bytes) -> bool:
    return bool(msoffcrypto.OfficeFile(io.BytesIO(content)).is_encrypted())


def _is_encrypted(content: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return all(member.flag_bits & 1 for member in packed.infolist())
