"""Is this message from whom it says? Only IOM's own mail server is believed, and only its topmost word.

A sender can write any header, an `Authentication-Results` of a forged name among them. RFC 8601 has the receiving
server take away those that bear its own name and put its own on top; so the topmost of that name counts, and no other.
"""

import re
from email.message import EmailMessage

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(
    r"(?P<method>[a-z0-9-]+)(?:/\d+)?=(?P<result>[a-z]+)(?P<properties>(?:\s+[a-z]+\.[a-z0-9_-]+=\S+)*)"
)
_PROPERTY = re.compile(r"(?P<name>[a-z]+\.[a-z0-9_-]+)=(?P<value>\S+)")
_ALIGNED = {"dmarc": "header.from", "dkim": "header.d", "spf": "smtp.mailfrom"}
"""The property of each method that says for which domain it passed."""


def sender(mail: EmailMessage) -> str | None:
    """The one address that the message says it is from, in small letters; None where it does not say one."""
    fields = mail.get_all("From", [])
    addresses = [address for field in fields for address in getattr(field, "addresses", ())]
    if len(fields) != 1 or len(addresses) != 1 or not addresses[0].domain:
        return None
    return str(addresses[0].addr_spec).lower()


def vouched(mail: EmailMessage, authserv_id: str) -> bool:
    """Whether the mail server `authserv_id` found that the message is from the domain of its sender.

    DMARC passed for the domain, or DKIM or SPF for it or for one above it. What cannot be read to its end vouches for
    nothing.
    """
    address = sender(mail)
    if address is None or not authserv_id:
        return False
    domain = address.rpartition("@")[2]
    for field in mail.get_all("Authentication-Results", []):
        server, results = _parsed(str(field))
        if server == authserv_id.lower():
            return any(
                result == "pass" and _covers(_domain(properties.get(_ALIGNED.get(method, ""), "")), domain)
                for method, result, properties in results
            )
    return False


def _parsed(field: str) -> tuple[str, list[tuple[str, str, dict[str, str]]]]:
    """The server's name, and method, result and properties of what it found; nothing found where it has no form."""
    text = field.lower()
    while _COMMENT.search(text):
        text = _COMMENT.sub(" ", text)
    server, *found = [part.strip() for part in text.replace('"', "").split(";")]
    matches = [_RESULT.fullmatch(part) for part in found if part]
    name = server.split()[0] if server else ""
    if not all(matches):
        return name, []
    return name, [
        (
            match["method"],
            match["result"],
            {prop["name"]: prop["value"] for prop in _PROPERTY.finditer(match["properties"])},
        )
        for match in matches
        if match
    ]


def _domain(value: str) -> str:
    return value.rpartition("@")[2].strip(".")


def _covers(found: str, domain: str) -> bool:
    """Whether what passed is the sender's domain, or one above it that is no bare top: `unhcr.org`, never `org`."""
    return "." in found and (domain == found or domain.endswith(f".{found}"))
