"""Opening what was sealed: `unseal` as an office does, by what it alone has and IOM's signature; the parts for IOM."""

import io

import msoffcrypto
import pyrage
import pyzipper
from pysequoia import Cert, Sig, Tsk, decrypt, verify


class CannotOpen(ValueError):
    """A file that this key or password does not open, or that IOM did not sign."""


def unseal(
    content: bytes,
    name: str,
    *,
    certificate: str,
    signature: bytes | None = None,
    secret_key: str | None = None,
    password: str | None = None,
    age_identity: str | None = None,
) -> tuple[str, bytes]:
    """The name and content of the file that was sealed; a file without a seal as it is.

    certificate: IOM's, armoured, which must have signed; signature: what came as `{name}.asc`
    raises: CannotOpen if it has no good signature, or is sealed and what opens it is not given or another one
    """
    if name.endswith(".pgp"):
        return name.removesuffix(".pgp"), _from_pgp(content, name, certificate, secret_key)
    try:
        verify(
            content, store=lambda _: [Cert.from_bytes(certificate.encode())], signature=Sig.from_bytes(signature or b"")
        )
    except Exception:
        raise CannotOpen(f"{name} has no good signature of IOM beside it") from None
    if name.endswith(".age"):
        return name.removesuffix(".age"), open_age(content, name, age_identity)
    if name.endswith(".zip"):
        return open_zip(content, name, password)
    if name.endswith(".xlsx"):
        return name, open_workbook(content, name, password)
    return name, content


def _from_pgp(content: bytes, name: str, certificate: str, secret_key: str | None) -> bytes:
    if secret_key is None:
        raise CannotOpen(f"{name} needs the office's secret key")
    try:
        opened = decrypt(
            content,
            decryptor=Tsk.from_bytes(secret_key.encode()).decryptor(),
            store=lambda _: [Cert.from_bytes(certificate.encode())],
        )
    except Exception:
        raise CannotOpen(f"{name} does not open with this key, or holds no good signature of IOM") from None
    return bytes(opened.bytes or b"")


def open_age(content: bytes, name: str, age_identity: str | None) -> bytes:
    """What an age file holds. raises: CannotOpen"""
    if age_identity is None:
        raise CannotOpen(f"{name} needs an age identity")
    try:
        return bytes(pyrage.decrypt(content, [pyrage.x25519.Identity.from_str(age_identity)]))
    except (pyrage.DecryptError, pyrage.IdentityError):
        raise CannotOpen(f"{name} does not open with this identity") from None


def open_zip(content: bytes, name: str, password: str | None, largest: int | None = None) -> tuple[str, bytes]:
    """Name and content of the one file in a ZIP. largest: bytes that it may have. raises: CannotOpen"""
    if password is None:
        raise CannotOpen(f"{name} needs the office's password")
    try:
        with pyzipper.AESZipFile(io.BytesIO(content)) as zipped:
            zipped.setpassword(password.encode())
            (inside,) = zipped.infolist()
            if largest is not None and inside.file_size > largest:
                raise CannotOpen(f"{name} is too large unpacked")
            return inside.filename, bytes(zipped.read(inside))
    except (RuntimeError, ValueError, OSError, EOFError, NotImplementedError, pyzipper.BadZipFile) as error:
        if isinstance(error, CannotOpen):
            raise
        raise CannotOpen(f"{name} does not open with this password, or does not hold one file") from None


def open_workbook(content: bytes, name: str, password: str | None) -> bytes:
    """The workbook without its password; as it is where it has none. raises: CannotOpen"""
    book = msoffcrypto.OfficeFile(io.BytesIO(content))
    if not book.is_encrypted():
        return content
    if password is None:
        raise CannotOpen(f"{name} needs the office's password")
    plain = io.BytesIO()
    try:
        book.load_key(password=password, verify_password=True)
        book.decrypt(plain)
    except msoffcrypto.exceptions.InvalidKeyError:
        raise CannotOpen(f"{name} does not open with this password") from None
    return plain.getvalue()
