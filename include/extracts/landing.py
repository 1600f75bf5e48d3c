"""The landing area: the bytes that a source sent, unchanged, under their SHA-256, before anything reads them.

Also the quarantine, where a data owner finds the rows that were set aside. Both hold names: they are open to their
owner alone.
"""

import csv
import hashlib
import io
import os
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from include.extracts.manifest import sha256_of
from include.settings import private_folder, write_private

if TYPE_CHECKING:
    from include.extracts.reading import Extract

_BLOCK = 1 << 20
_RUN_BY_A_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r")


class Damaged(OSError):
    """Landed bytes that are no longer what they were."""


@dataclass(frozen=True)
class Landed:
    """Where the bytes are and what they are."""

    path: Path
    sha256: str
    size: int


def land_stream(stream: BinaryIO, landing: Path, kind: str, host_country: str, day: date, file_name: str) -> Landed:
    """Copy `stream` into the landing area, whole or not at all. The same bytes twice are one file.

    The suffix is the file name's: it tells how to read the bytes.
    """
    folder = private_folder(_folder(landing, kind, host_country, day))
    digest, size = hashlib.sha256(), 0
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".landing-")
    try:
        with os.fdopen(handle, "wb") as file:
            while block := stream.read(_BLOCK):
                digest.update(block)
                size += len(block)
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        path = folder / f"{digest.hexdigest()}{PurePosixPath(file_name).suffix.lower()}"
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Landed(path, digest.hexdigest(), size)


def open_landed(landing: Path, kind: str, host_country: str, day: date, sha256: str) -> Path:
    """The landed file with this hash, looked at once more.

    raises: FileNotFoundError if nothing with this hash was landed; Damaged if the bytes are not what they were
    """
    found = list(_folder(landing, kind, host_country, day).glob(f"{sha256}.*"))
    if not found:
        raise FileNotFoundError(f"no {kind} of {host_country} {day} with SHA-256 {sha256} was landed")
    if sha256_of(found[0]) != sha256:
        raise Damaged(f"the landed {kind} of {host_country} {day} with SHA-256 {sha256} has been changed on disk")
    return found[0]


def write_quarantine(extract: "Extract", folder: Path) -> Path:
    """Write the rows that were set aside, with their values and reasons, for the data owner alone."""
    from include.extracts.reading import quarantine_lines

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["file", "row", "column", "value", "reason", "sentence"])
    rows = extract.quarantined.itertuples(index=False)
    for (row, column, value, reason), sentence in zip(rows, quarantine_lines(extract, with_values=True), strict=True):
        writer.writerow([_harmless(str(cell)) for cell in (extract.file, row, column, value or "", reason, sentence)])
    name = PurePosixPath(extract.file).name
    return write_private(folder / f"{name}.quarantine.csv", text.getvalue().encode("utf-8-sig"))


def _folder(landing: Path, kind: str, host_country: str, day: date) -> Path:
    return landing / host_country / day.isoformat() / kind


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_RUN_BY_A_SPREADSHEET) else cell
