"""Putting a sealed list into an office's folder: once, whole, and known to be there.

A repeat is harmless: what is there with the same bytes is success. What is there with other bytes is never replaced.
"""

import hashlib
import posixpath
from collections.abc import Sequence

import paramiko

from include.delivery.outcomes import Delivered, DeliveryFailed, DeliveryRefused

_BLOCK = 1 << 16


def deliver(client: paramiko.SFTPClient, folder: str, files: Sequence[tuple[str, bytes]]) -> Delivered:
    """Put `files` (name, content) into `folder`, in their order; the list itself is the last.

    Each goes under a temporary name, is read back and compared, and then renamed, so that the office never sees half
    a file. A server that takes a file away at once is understood.
    raises: DeliveryRefused if the folder is not there or closed to us, or another file has the name;
        DeliveryFailed if the line is cut or the server fails: then it may be tried again
    """
    proof: dict[str, str | int] = {}
    for name, content in files:
        try:
            proof = _deliver_one(client, folder, name, content)
        except FileNotFoundError:
            raise DeliveryRefused(f"the folder {folder} is not there") from None
        except PermissionError:
            raise DeliveryRefused(f"the folder {folder} is closed to us") from None
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise DeliveryFailed(f"cut off while sending ({type(error).__name__})") from None
    return Delivered(proof)


def _deliver_one(client: paramiko.SFTPClient, folder: str, name: str, content: bytes) -> dict[str, str | int]:
    final = posixpath.join(folder, name)
    sha256 = hashlib.sha256(content).hexdigest()
    proof: dict[str, str | int] = {"file": name, "size": len(content), "sha256": sha256}
    there = _read(client, final)
    if there is not None:
        if there != content:
            raise DeliveryRefused(f"another file named {name} is there; it was not touched")
        return proof | {"verified": "was there with the same bytes"}
    # What a crash left under this name is written over.
    temporary = posixpath.join(folder, f".{name}.part")
    with client.open(temporary, "wb") as file:
        file.set_pipelined(True)
        for start in range(0, len(content), _BLOCK):
            file.write(content[start : start + _BLOCK])
    if _read(client, temporary) != content:
        raise DeliveryFailed("what arrived is not what was sent")
    # Plain rename, because it refuses to replace what somebody put there in the meantime.
    client.rename(temporary, final)
    try:
        size = client.stat(final).st_size
    except FileNotFoundError:
        # It was whole under its temporary name and the rename succeeded: the server has taken it away.
        return proof | {"verified": "taken away at once"}
    if size != len(content):
        raise DeliveryFailed("the file changed its size while it was renamed")
    return proof | {"verified": "read back before the rename"}


def _read(client: paramiko.SFTPClient, path: str) -> bytes | None:
    try:
        with client.open(path, "rb") as file:
            file.prefetch()
            content: bytes = file.read()
            return content
    except FileNotFoundError:
        return None
