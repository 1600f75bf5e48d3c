"""An office's folder of answers on its SFTP server: what is in it is read, then moved to `read/` or `refused/`.

Beside what was not understood, wholly or in part, goes a text that says what and why, in the office's language.
"""

import datetime as dt
import posixpath
import stat
from collections.abc import Iterator

import paramiko

from include.arrangements.models import Arrangement
from include.lists.texts import texts
from include.responses.opening import OpeningKeys
from include.responses.reading import LARGEST_FILE
from include.responses.taking import Outcome, explained, refuse, take_file

READ, REFUSED = "read", "refused"
_BEING_WRITTEN = (".part", ".filepart", ".tmp", ".crdownload", ".swp")
_SIGNATURE = b"-----BEGIN PGP SIGNATURE"


def waiting(client: paramiko.SFTPClient, folder: str) -> list[paramiko.SFTPAttributes]:
    """The files in the folder that programs have not marked as being written or as their own; oldest first."""
    files = [found for found in client.listdir_attr(folder) if stat.S_ISREG(found.st_mode or 0)]
    files = [
        found
        for found in files
        if not found.filename.startswith((".", "~$")) and not found.filename.lower().endswith(_BEING_WRITTEN)
    ]
    return sorted(files, key=lambda found: (found.st_mtime or 0, found.filename))


def collect_folder(
    client: paramiko.SFTPClient, arrangement: Arrangement, keys: OpeningKeys, now: dt.datetime
) -> list[Outcome]:
    """Take every file in the office's folder; returns what became of each.

    One that changes while it is read, or that does not open yet, stays for the next look.
    raises: OSError, EOFError or paramiko.SSHException if the server fails; what was taken until then is taken
    """
    folder = arrangement.answers.folder or "/"
    return list(_collected(client, folder, arrangement, keys, now))


def _collected(
    client: paramiko.SFTPClient, folder: str, arrangement: Arrangement, keys: OpeningKeys, now: dt.datetime
) -> Iterator[Outcome]:
    for found in waiting(client, folder):
        path = posixpath.join(folder, found.filename)
        if (found.st_size or 0) > LARGEST_FILE:
            seen = f"{found.filename} {found.st_size} {found.st_mtime}".encode()
            outcome = refuse(arrangement.office, "sftp", seen, "too_large", now)
        else:
            content = _read(client, path)
            if content is None or not _unchanged(client, path, found):
                continue
            if content.startswith(_SIGNATURE):  # what an office puts beside a file that it signed
                _move(client, folder, found.filename, READ, "")
                continue
            outcome = take_file(arrangement, content, found.filename, "sftp", keys, now)
        if outcome.outcome != "unsettled":
            said = _said(arrangement, outcome, now) if outcome.findings else ""
            _move(client, folder, found.filename, REFUSED if outcome.outcome == "refused" else READ, said)
            yield outcome


def _read(client: paramiko.SFTPClient, path: str) -> bytes | None:
    try:
        with client.open(path, "rb") as file:
            file.prefetch()
            content: bytes = file.read(LARGEST_FILE + 1)
            return content
    except FileNotFoundError:  # the office has taken it back
        return None


def _unchanged(client: paramiko.SFTPClient, path: str, before: paramiko.SFTPAttributes) -> bool:
    try:
        after = client.stat(path)
    except FileNotFoundError:
        return False
    return (after.st_size, after.st_mtime) == (before.st_size, before.st_mtime)


def _said(arrangement: Arrangement, outcome: Outcome, now: dt.datetime) -> str:
    words = texts(arrangement.language)
    return words.answers_body.format(
        came=f"{now:%Y-%m-%d %H:%M} UTC",
        findings="\n".join(f"- {line}" for line in explained(outcome.findings, words)),
        contact=arrangement.whom_to_call.email,
    )


def _move(client: paramiko.SFTPClient, folder: str, name: str, into: str, said: str) -> None:
    """Move a file into a folder beside it, under a name that is free there. Where it may not be moved, it stays.

    One that stays is known by its bytes, and is not taken a second time.
    """
    target = posixpath.join(folder, into)
    try:
        if into not in client.listdir(folder):
            client.mkdir(target)
        there = set(client.listdir(target))
        stem, dot, ending = name.partition(".")
        number = 1
        free = name
        while free in there or f"{free}.txt" in there:
            number += 1
            free = f"{stem}-{number}{dot}{ending}"
        if said:
            with client.open(posixpath.join(target, f"{free}.txt"), "wb") as file:
                file.write(said.replace("\n", "\r\n").encode("utf-8-sig"))
        client.rename(posixpath.join(folder, name), posixpath.join(target, free))
    except PermissionError:
        return
