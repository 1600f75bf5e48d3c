"""IOM's border mail server: what it finds out about a message from outside stands in `Authentication-Results`.

Reach for this to see which of these headers a reader may believe (RFC 8601): those of its own border server's name,
which that server takes out of everything that comes in, before it writes its own.
"""

import email
import email.policy
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from include.demo.mailbox import Mailbox

AUTHSERV_ID = "mx.iom.example"
"""The name of IOM's border mail server."""
# A line ends wherever some reader of mail takes it to end.
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


@dataclass(frozen=True)
class Border:
    """The way to one address of IOM.

    address: messages to it are stamped, and put into `mailbox`
    writes_as: by login, the addresses from which it may write, in small letters
    """

    address: str
    mailbox: Mailbox
    writes_as: Mapping[str, Collection[str]]

    async def take(self, content: bytes, login: str) -> None:
        """Put a message that came with this login into the mailbox."""
        await self.mailbox.put(stamped(content, self.writes_as.get(login, ())))


def stamped(content: bytes, own: Collection[str]) -> bytes:
    """The message with the border server's word on it, and with nobody else's in its name.

    own: addresses from which its sender may write, in small letters
    """
    content = _without_forged(content)
    written_from = _from(content)
    passed = written_from is not None and written_from in own
    domain = f" header.from={written_from.rpartition('@')[2]}" if written_from else ""
    said = f"Authentication-Results: {AUTHSERV_ID}; dmarc={'pass' if passed else 'fail'}{domain}\r\n"
    return said.encode() + content


def _from(content: bytes) -> str | None:
    """The one address in the one From; None where there is another number of either, or it cannot be read."""
    try:
        mail = email.message_from_bytes(content, policy=email.policy.default)
        (field,) = mail.get_all("From", [])
        (address,) = field.addresses
    except Exception:  # what others write can break a parser in any way
        return None
    found = str(address.addr_spec).lower()
    return found if re.fullmatch(r"[!-~]+@[A-Za-z0-9.-]+", found) else None


def _without_forged(content: bytes) -> bytes:
    kept: list[bytes] = []
    field: list[bytes] = []
    at = 0
    for line in _LINE.finditer(content):
        if not line[0].strip(b"\r\n"):
            break
        if field and line[0][:1] not in (b" ", b"\t"):
            kept += [] if _is_forged(b"".join(field)) else field
            field = []
        field.append(line[0])
        at = line.end()
    kept += [] if _is_forged(b"".join(field)) else field
    return b"".join(kept) + content[at:]


def _is_forged(field: bytes) -> bool:
    """Whether a header speaks of, or hides whether it speaks of, the border server: words may be encoded (RFC 2047)."""
    name, _, value = field.lower().partition(b":")
    return name.strip() == b"authentication-results" and (AUTHSERV_ID.encode() in value or b"=?" in value)
