"""The doors by which offices answer: their folders on SFTP servers, and IOM's mailboxes. Looked into, and emptied.

Reach for this when something may have come back. A door is named `folder:OFFICE` or `mailbox:CONNECTION`.
"""

import datetime as dt
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.arrangements.models import Arrangement
from include.arrangements.reading import in_force_at, load_offices
from include.connections import authserv_id, bounce_mailboxes, open_imap, open_sftp, opening_keys
from include.responses import folder, mailbox
from include.settings import arrangements_folder

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Emptied:
    """What was behind a door, in counts."""

    counts: dict[str, int]
    """How many files or messages were what."""
    concerns: int


def doors(now: dt.datetime) -> list[str]:
    """Every door of the arrangements in force."""
    return list(_doors(now))


def what_waits(now: dt.datetime) -> frozenset[str]:
    """All that waits behind any door, each under a name by which it is known again. A door that is shut has nothing.

    The names are hashes of doors, file names, sizes and times: they say nothing of anybody.
    """
    return frozenset(name for door, arrangement in _doors(now).items() for name in _waiting_at(door, arrangement))


def doors_to_open(now: dt.datetime) -> list[str]:
    """The doors behind which something waits, and those that could not be looked at: emptying them says why."""
    return [door for door, arrangement in _doors(now).items() if _waiting_at(door, arrangement, shut=("shut",))]


def _doors(now: dt.datetime) -> dict[str, Arrangement | None]:
    """Each door, and whose it is where it is a folder. The arrangements are read once: this is looked at all day."""
    versions = load_offices(arrangements_folder())[0]
    offices = _in_force(versions, now)
    folders = {f"folder:{office}": one for office, one in offices.items() if one.answers_server}
    answering = {one.answers.mailbox for one in offices.values()}
    # What is owed to a channel of an earlier version still goes there, and comes back from there.
    bouncing = bounce_mailboxes(channel for of in versions.values() for version in of for channel in version.deliver)
    return {**folders, **{f"mailbox:{name}": None for name in sorted(filter(None, {*answering, *bouncing}))}}


def _waiting_at(door: str, arrangement: Arrangement | None, shut: Sequence[str] = ()) -> Sequence[str]:
    try:
        if arrangement is None:
            with open_imap(door.partition(":")[2]) as imap:
                found = mailbox.waiting(imap)
        else:
            with open_sftp(arrangement.answers_server or "") as client:
                files = folder.waiting(client, arrangement.answers.folder or "/")
                found = [f"{file.filename} {file.st_size} {file.st_mtime}" for file in files]
    except Exception as error:
        _log.warning("%s cannot be looked at (%s)", door, type(error).__name__)
        return shut
    return [hashlib.sha256(f"{door} {one}".encode()).hexdigest() for one in found]


def empty(door: str, now: dt.datetime) -> Emptied:
    """Take all that waits behind a door. raises: what opening the door raises, once the rest was taken"""
    kind, _, name = door.partition(":")
    offices = _in_force(load_offices(arrangements_folder())[0], now)
    if kind == "folder":
        arrangement = offices[name]
        with open_sftp(arrangement.answers_server or "") as client:
            outcomes = folder.collect_folder(client, arrangement, opening_keys(arrangement), now)
        return Emptied(_counted(outcomes), sum(one.concerns for one in outcomes))
    collected = mailbox.collect_mailbox(
        name,
        authserv_id(name),
        # An office that is arranged with a folder alone may still reply to a mail of ours: a concern must not be lost.
        {office: one for office, one in offices.items() if one.answers.mailbox in (None, name)},
        open_imap=open_imap,
        keys_of=opening_keys,
        now=now,
    )
    counts = _counted(collected.outcomes)
    for what, count in (("for a person", collected.for_a_person), ("quarantined", collected.quarantined)):
        counts |= {what: count} if count else {}
    return Emptied(counts, sum(one.concerns for one in collected.outcomes))


class Unread(RuntimeError):
    """Messages wait for a person; the text says how many, in which folder of which mailbox."""


def check_nothing_is_left(now: dt.datetime) -> None:
    """raises: Unread; ConnectionError if a mailbox cannot be opened"""
    found = []
    for door in doors(now):
        kind, _, name = door.partition(":")
        if kind == "mailbox":
            with open_imap(name) as imap:
                found += [f"{count} in {where} of {name}" for where, count in mailbox.left_over(imap).items()]
    if found:
        raise Unread(f"{'; '.join(found)}: read them, see to what they say, and move them to {mailbox.HANDLED}")


def _counted(outcomes: list[folder.Outcome]) -> dict[str, int]:
    said = [one.outcome for one in outcomes]
    return {outcome: said.count(outcome) for outcome in dict.fromkeys(said)}


def _in_force(offices: Mapping[str, Sequence[Arrangement]], now: dt.datetime) -> dict[str, Arrangement]:
    found = {office: in_force_at(versions, now) for office, versions in offices.items()}
    return {office: one for office, one in found.items() if one}
