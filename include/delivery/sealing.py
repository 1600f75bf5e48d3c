"""Sealing a file so that only its office can read it. There is no way back to plaintext: what cannot be sealed stops.

`pgp` is OpenPGP to the office's key (Sequoia), `password` an XLSX encrypted with AES-256 as Excel does it.
"""

import datetime as dt
import hashlib
import io
from dataclasses import dataclass

from msoffcrypto.format.ooxml import OOXMLFile
from pysequoia import Cert, Profile, Tsk, encrypt

from include.lists.document import RenderedFile

SHORTEST_PASSWORD = 16


class SealRefused(RuntimeError):
    """A file could not be sealed for its office, so nothing is made. The message never holds key or password."""


@dataclass(frozen=True)
class SealedFileContent:
    """A file as it leaves, with the SHA-256 of its bytes."""

    name: str
    content: bytes
    sha256: str


def seal(
    file: RenderedFile,
    how: str,
    *,
    public_key: str | None = None,
    fingerprint: str | None = None,
    password: str | None = None,
) -> SealedFileContent:
    """Seal `file` by `none`, `pgp` or `password`; what holds no personal data goes as it is.

    public_key: the office's armoured OpenPGP certificate, which must have the recorded fingerprint
    raises: SealRefused if key or password are missing, not the recorded ones, expired, revoked or too weak
    """
    if not file.personal or how == "none":
        name, content = file.name, file.content
    elif how == "pgp":
        name, content = f"{file.name}.pgp", _pgp(file.content, public_key, fingerprint)
    elif how == "password":
        name, content = file.name, _password(file, password)
    else:
        raise SealRefused(f"{how} is no seal; allowed: none, pgp, password")
    return SealedFileContent(name, content, hashlib.sha256(content).hexdigest())


def _pgp(content: bytes, public_key: str | None, fingerprint: str | None) -> bytes:
    if not public_key or not fingerprint:
        raise SealRefused("the office's OpenPGP key or its recorded fingerprint is missing")
    try:
        certificate = Cert.from_bytes(public_key.encode())
    except Exception:  # Sequoia raises its own errors, whose texts may quote the input
        raise SealRefused("the office's OpenPGP key cannot be read") from None
    if certificate.fingerprint.upper() != fingerprint:
        raise SealRefused("the office's OpenPGP key does not have the fingerprint that its arrangement records")
    if certificate.is_revoked:
        raise SealRefused("the office's OpenPGP key is revoked")
    if certificate.expiration is not None and certificate.expiration <= dt.datetime.now(dt.UTC):
        raise SealRefused("the office's OpenPGP key has expired")
    try:
        # No armour: the file is as small as it can be, and gpg opens it all the same.
        return bytes(encrypt(content, [certificate], armor=False))
    except Exception:
        raise SealRefused("nothing can be encrypted to the office's OpenPGP key") from None


def _password(file: RenderedFile, password: str | None) -> bytes:
    if not password or len(password) < SHORTEST_PASSWORD:
        raise SealRefused(f"the office's list password is missing or shorter than {SHORTEST_PASSWORD} characters")
    if not file.name.endswith(".xlsx"):
        raise SealRefused("only an XLSX file can be sealed with a password")
    sealed = io.BytesIO()
    OOXMLFile(io.BytesIO(file.content)).encrypt(password, sealed)
    return sealed.getvalue()


def make_key(user_id: str) -> tuple[str, str, str]:
    """A new OpenPGP key: certificate and secret key, armoured, and the fingerprint. For the demo and tests."""
    key = Tsk.generate(user_id=user_id, profile=Profile.RFC4880)
    certificate = key.extract_certificate()
    return str(certificate), str(key), certificate.fingerprint.upper()
