"""The other side: what an office has received, opened with what the office alone has, and checked as it would.

Nothing here asks the ledger: an office sees its folder and mailbox, its keys and password, and IOM's certificate.
"""

import email
import email.policy
import io
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path

import openpyxl

from include.arrangements.framework import AddressedParty
from include.arrangements.models import Addressee, Arrangement, Channel
from include.delivery.unsealing import CannotOpen, unseal
from include.demo.setting import OfficeSecrets, Setting
from include.lists.document import NOTICES
from include.lists.opening import NotAList, OpenedList, open_list
from include.settings import write_private

_VIEW = re.compile(r"AFG-[A-Z]{3}_\d{4}-[OHUI]\d{2,}(?=_)")
_LIST = re.compile(r"(?P<office>[A-Z]{3}-[A-Z0-9]{2,8})_\d{4}-\d{4,}(?=_)")


@dataclass(frozen=True)
class Received:
    """A list as its office has it. `problem` is None if it could be opened and is in order.

    file: name and content of the list, unsealed
    mail: what brought it, if one did
    """

    office: str
    list_number: str
    via: str
    seal: str
    counts: dict[str, int]
    problem: str | None
    opened: OpenedList | None = None
    file: tuple[str, bytes] | None = None
    mail: EmailMessage | None = None


def answer_tests(setting: Setting, offices: Mapping[str, Sequence[Addressee]]) -> dict[str, list[str]]:
    """The codes that each office or party reads in its test messages, once opened; then they are put away."""
    codes: dict[str, list[str]] = {}
    for office, versions in sorted(offices.items()):
        for channel in versions[-1].deliver:
            came = {name: content for name, content, _ in _came(setting, office, channel)}
            for name in came:
                if f"{office}_test_" in name and not name.endswith(".asc"):
                    _, plain = _unsealed(name, came, channel, setting, setting.secrets[office])
                    codes.setdefault(office, []).append(_code(plain))
            _put_away(setting, office, channel)
    return codes


def _code(plain: bytes) -> str:
    if plain[:2] == b"PK":
        rows = openpyxl.load_workbook(io.BytesIO(plain)).worksheets[0].iter_rows(values_only=True)
        text = "\n".join(str(cell) for row in rows for cell in row)
    else:
        text = plain.decode("utf-8-sig")
    found = re.search(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b", text)
    if found is None:
        raise CannotOpen("a test message without a code")
    return found[0]


def _put_away(setting: Setting, office: str, channel: Channel) -> None:
    if channel.via == "sftp":
        for path in (setting.offices / office / channel.folder.strip("/")).glob(f"{office}_test_*"):
            path.unlink()
    else:
        for address in channel.to:
            for path in (setting.mail / address.lower()).glob("*.eml"):
                path.unlink()


def open_everything(setting: Setting, offices: dict[str, list[Arrangement]]) -> list[Received]:
    """Open every list of every office; each is also written, opened, to `setting.opened`."""
    received = []
    for office, versions in sorted(offices.items()):
        for channel in versions[-1].deliver:
            received += _with_numbers_checked(open_lists(setting, office, channel))
    return received


def open_lists(setting: Setting, office: str, channel: Channel, known: Collection[str] = ()) -> list[Received]:
    """Open every list that came to an office over a channel, in their order; what is no list is left alone.

    known: numbers of lists that are not opened again
    """
    by_number: dict[str, dict[str, bytes]] = {}
    brought_by: dict[str, EmailMessage] = {}
    for name, content, mail in _came(setting, office, channel):
        named = _LIST.match(name)
        if named and named["office"] == office and named[0] not in known:
            by_number.setdefault(named[0], {})[name] = content
            if mail is not None:
                brought_by[named[0]] = mail
    opened = []
    for number, files in sorted(by_number.items()):
        # The list itself is sent last: until then it has not come.
        if _lists(files):
            mail = brought_by.get(number)
            opened.append(replace(_open(office, channel, number, files, setting), mail=mail))
    return opened


@dataclass(frozen=True)
class ReceivedView:
    """A view of a framework as its party has it. `problem` is None if it could be opened and is in order.

    files: name and content, unsealed; the languages of the party, and for CSV what is said beside it
    """

    party: AddressedParty
    number: str
    seal: str
    files: dict[str, bytes]
    problem: str | None


def open_views(setting: Setting, parties: Iterable[AddressedParty]) -> list[ReceivedView]:
    """Open every view of these parties with what each alone has; each is also written, opened, to `setting.opened`."""
    return [_open_view(setting, to, *came) for to in parties for came in _views_of(setting, to)]


def _views_of(setting: Setting, to: AddressedParty) -> Iterator[tuple[Channel, str, dict[str, bytes]]]:
    for channel in to.deliver:
        by_number: dict[str, dict[str, bytes]] = {}
        for name, content, _ in _came(setting, to.code, channel):
            if named := _VIEW.match(name):
                by_number.setdefault(named[0], {})[name] = content
        for number, files in sorted(by_number.items()):
            yield channel, number, files


def _open_view(
    setting: Setting, to: AddressedParty, channel: Channel, number: str, files: dict[str, bytes]
) -> ReceivedView:
    try:
        opened = dict(
            _unsealed(name, files, channel, setting, setting.secrets[to.code])
            for name in files
            if not name.endswith(".asc")
        )
    except CannotOpen as error:
        return ReceivedView(to, number, channel.seal, {}, str(error))
    for name, content in opened.items():
        write_private(Path(setting.opened, to.code, name), content)
    expected = {f"{number}_{language}.{to.file_format}" for language in to.languages}
    begins = {"pdf": b"%PDF", "xlsx": b"PK", "csv": "\ufeff".encode()}[to.file_format]
    problem = None
    if missing := expected - set(opened):
        problem = f"lacks {', '.join(sorted(missing))}"
    elif not all(opened[name].startswith(begins) for name in expected):
        problem = f"is no {to.file_format}"
    return ReceivedView(to, number, channel.seal, opened, problem)


def mails(setting: Setting, addresses: Sequence[str]) -> Iterator[EmailMessage]:
    """The messages that every one of these mailboxes has, in the order in which they came."""
    boxes = [
        [email.message_from_bytes(path.read_bytes(), EmailMessage, policy=email.policy.default) for path in paths]
        for paths in (sorted((setting.mail / address.lower()).glob("*.eml")) for address in addresses)
    ]
    everywhere = set.intersection(*({str(mail["Message-ID"]) for mail in box} for box in boxes))
    return (mail for mail in boxes[0] if str(mail["Message-ID"]) in everywhere)


def _came(setting: Setting, office: str, channel: Channel) -> Iterator[tuple[str, bytes, EmailMessage | None]]:
    """Name and content of each file that came, and the mail that brought it."""
    if channel.via == "sftp":
        for path in (setting.offices / office / channel.folder.strip("/")).iterdir():
            # What is still being written has a name that begins with a dot.
            if path.is_file() and not path.name.startswith("."):
                yield path.name, path.read_bytes(), None
        return
    for mail in mails(setting, channel.to):
        for part in mail.iter_attachments():
            content = part.get_payload(decode=True)
            yield part.get_filename() or "", content if isinstance(content, bytes) else b"", mail


def _open(office: str, channel: Channel, number: str, files: dict[str, bytes], setting: Setting) -> Received:
    """Check the signature of every file that came for a list, and open the list itself."""
    via, how, secrets = channel.via, channel.seal, setting.secrets[office]
    signed = [name for name in files if not name.endswith(".asc")]
    lists = _lists(files)
    if len(lists) != 1:
        return Received(office, number, via, how, {}, f"{len(lists)} files came instead of one list")
    try:
        plain = {name: _unsealed(name, files, channel, setting, secrets) for name in signed}
        name, content = plain[lists[0]]
        if how != "none" and content == files[lists[0]]:
            return Received(office, number, via, how, {}, "came unsealed")
        opened = open_list(content, name)
    except (CannotOpen, NotAList) as error:
        return Received(office, number, via, how, {}, str(error))
    write_private(Path(setting.opened, office, name), content)
    counts = opened.entries["notice"].value_counts()
    problem = _problem(opened, number)
    found = {notice: int(counts.get(notice, 0)) for notice in NOTICES}
    return Received(office, number, via, how, found, problem, opened, (name, content))


def _lists(files: Iterable[str]) -> list[str]:
    # What a CSV says of itself stands beside it, in a text without names.
    return [name for name in files if not name.endswith((".asc", ".txt"))]


def _unsealed(
    name: str, files: Mapping[str, bytes], channel: Channel, setting: Setting, secrets: OfficeSecrets
) -> tuple[str, bytes]:
    """Name and content of a file that came, its signature checked."""
    how = channel.seal
    return unseal(
        files[name],
        name,
        certificate=setting.signing_certificate,
        signature=files.get(f"{name}.asc"),
        secret_key=secrets.secret_key if how == "pgp" else None,
        password=secrets.password if how == "password" else None,
        age_identity=secrets.age_identity if how == "age" else None,
    )


def _problem(opened: OpenedList, number: str) -> str | None:
    entries = opened.entries
    if len(entries) and opened.list_number != number:
        return "says another number than its file"
    if not entries["notice"].isin(NOTICES).all():
        return "has an entry without a known notice"
    if entries["entry"].duplicated().any():
        return "has an entry twice"
    if (entries["name"] == "").any():
        return "has an entry without a name"
    departed = entries["notice"] == "DEPARTED"
    if (entries.loc[departed, "departed_on"] == "").any():
        return "has a departure without its date"
    return None


def _with_numbers_checked(received: list[Received]) -> list[Received]:
    """The same lists; one whose number is not the next one says so."""
    checked = []
    for expected, one in enumerate(received, start=1):
        number = int(one.list_number.rpartition("-")[2])
        problem = one.problem or (None if number == expected else f"number {expected} is missing before it")
        checked.append(replace(one, problem=problem))
    return checked
