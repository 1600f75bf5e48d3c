"""Opening a sealed file, as the office does that it was sealed for."""

import io

import msoffcrypto
from pysequoia import Tsk, decrypt


class CannotOpen(ValueError):
    """A sealed file that this key or password does not open."""


def unseal(
    content: bytes, name: str, *, secret_key: str | None = None, password: str | None = None
) -> tuple[str, bytes]:
    """The name and content of the file that was sealed; a file without a seal as it is.

    raises: CannotOpen if it is sealed and the key or password that it needs is not given, or is another one
    """
    if name.endswith(".pgp"):
        if secret_key is None:
            raise CannotOpen(f"{name} needs the office's secret key")
        try:
            opened = decrypt(content, decryptor=Tsk.from_bytes(secret_key.encode()).decryptor())
        except Exception as error:
            raise CannotOpen(f"{name} does not open with this key") from error
        return name.removesuffix(".pgp"), bytes(opened.bytes or b"")
    if name.endswith(".xlsx"):
        book = msoffcrypto.OfficeFile(io.BytesIO(content))
        if book.is_encrypted():
            if password is None:
                raise CannotOpen(f"{name} needs the office's password")
            plain = io.BytesIO()
            try:
                book.load_key(password=password, verify_password=True)
                book.decrypt(plain)
            except msoffcrypto.exceptions.InvalidKeyError as error:
                raise CannotOpen(f"{name} does not open with this password") from error
            return name, plain.getvalue()
    return name, content
