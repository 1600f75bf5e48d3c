"""Sealing a file so that only its office can read it, and signing it so that the office knows whose it is.

There is no way back to plaintext: what cannot be sealed and signed stops. `pgp` is OpenPGP to the office's key, signed
inside; `password` an XLSX encrypted with AES-256 as Excel does it, and any other file in a ZIP with AES-256; `age` is
age to the office's recipient. All but `pgp` have their signature beside them, as `{name}.asc`.
"""

import datetime as dt
import hashlib
import io
from dataclasses import dataclass

import pyrage
import pyzipper
from msoffcrypto.format.ooxml import OOXMLFile
from pyzipper.zipfile_aes import WZ_AES_V2

from include.arrangements.models import Channel
from include.delivery.keys import SealingKey, SealRefused, SigningKey
from include.delivery.openpgp import certificate_ends_at, detached_signature, sign_and_encrypt, signing_key_ends_at
from include.delivery.passwords import check_password, password_ends_on
from include.lists.document import RenderedFile


@dataclass(frozen=True)
class SealedFileContent:
    """A file as it leaves, with the SHA-256 of its bytes."""

    name: str
    content: bytes
    sha256: str


def seal(file: RenderedFile, channel: Channel, key: SealingKey, now: dt.datetime) -> list[SealedFileContent]:
    """What leaves over `channel` for `file`: the sealed file last, its signature, where it holds none, before it.

    What holds no personal data goes unsealed, but signed as everything is.
    raises: SealRefused if a key or password is missing, not the recorded one, expired, revoked, too old or too weak
    """
    if file.personal and channel.seal == "pgp":
        content = sign_and_encrypt(file.content, key.public_key, channel.fingerprint, key.signing, now)
        return [_leaving(f"{file.name}.pgp", content)]
    name, content = file.name, file.content
    if file.personal and channel.seal == "password":
        password = check_password(key.password, key.password_since, channel.rotate_after, now)
        name, content = _with_password(file, password)
    elif file.personal and channel.seal == "age":
        name, content = f"{file.name}.age", _with_age(file.content, key.age_recipient, channel.recipient)
    return signed(name, content, key.signing, now)


def signed(name: str, content: bytes, signing: SigningKey, now: dt.datetime) -> list[SealedFileContent]:
    """A file that is not sealed, or is already, and before it its signature. raises: SealRefused as `seal`"""
    return [_leaving(f"{name}.asc", detached_signature(content, signing, now)), _leaving(name, content)]


def seal_ends_on(channel: Channel, key: SealingKey) -> dt.date | None:
    """The last day on which this channel's lists can be sealed; None where no end is set.

    raises: SealRefused if the key or the password's age cannot be read
    """
    if channel.seal == "password":
        return password_ends_on(key.password_since, channel.rotate_after)
    if channel.seal == "pgp" and (end := certificate_ends_at(key.public_key or "")):
        return end.date()
    return None


def signing_ends_on(signing: SigningKey) -> dt.date | None:
    """The last day on which lists can be signed; None where no end is set. raises: SealRefused if it cannot be read."""
    end = signing_key_ends_at(signing)
    return end.date() if end else None


def _leaving(name: str, content: bytes) -> SealedFileContent:
    return SealedFileContent(name, content, hashlib.sha256(content).hexdigest())


def _with_password(file: RenderedFile, password: str) -> tuple[str, bytes]:
    sealed = io.BytesIO()
    if file.name.endswith(".xlsx"):
        OOXMLFile(io.BytesIO(file.content)).encrypt(password, sealed)
        return file.name, sealed.getvalue()
    with pyzipper.AESZipFile(sealed, "w", compression=pyzipper.ZIP_DEFLATED) as zipped:
        zipped.setpassword(password.encode("ascii"))
        # The second version of the format, because the first shows a checksum of what is inside.
        zipped.setencryption(pyzipper.WZ_AES, nbits=256, force_wz_aes_version=WZ_AES_V2)
        zipped.writestr(file.name, file.content)
    return f"{file.name.rpartition('.')[0]}.zip", sealed.getvalue()


def _with_age(content: bytes, given: str | None, recorded: str | None) -> bytes:
    if not given or not recorded:
        raise SealRefused("the office's age recipient is missing in its connection or its arrangement")
    if given != recorded:
        raise SealRefused("the age recipient of the office's connection is not the one that its arrangement records")
    try:
        return bytes(pyrage.encrypt(content, [pyrage.x25519.Recipient.from_str(recorded)]))
    except (pyrage.RecipientError, pyrage.EncryptError):
        raise SealRefused("the office's age recipient is mistyped: nothing can be encrypted to it") from None
