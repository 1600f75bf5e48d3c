"""Searching files for texts that should not be there any more: in every encoding, inside archives and tables as well.

Reach for `Needles` with the texts, `search_file` for a file, `search_folder` for a folder. What is found is told as
counts by place; the texts themselves never leave this module. What is sealed cannot be looked into: it is told apart.
"""

import contextlib
import io
import json
import unicodedata
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape  # nosec B406 # it writes XML and reads none

import numpy as np

_BLOCK = 1 << 24
_SHORTEST = 4
"""Bytes. What is shorter stands by chance in any file; such a name is found beside the others of its person."""
_SEALED = (b"-----BEGIN PGP MESSAGE", b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED", b"\xd0\xcf\x11\xe0")
"""How a sealed file begins; the last is an encrypted workbook's."""
_LARGEST_MEMBER = 1 << 31


@dataclass
class Seen:
    """What was searched in one place, and how much was found there."""

    files: int = 0
    bytes: int = 0
    found: int = 0
    """Texts that are there: each once for each file."""
    sealed: int = 0
    """Files that cannot be looked into."""
    where: set[Path] = field(default_factory=set)
    """The files in which something was found, or that are sealed."""

    def add(self, other: "Seen") -> None:
        self.files += other.files
        self.bytes += other.bytes
        self.found += other.found
        self.sealed += other.sealed
        self.where |= other.where

    def counts(self) -> dict[str, int]:
        counted = {"files": self.files, "bytes": self.bytes, "found": self.found, "sealed": self.sealed}
        return {what: count for what, count in counted.items() if count or what in ("files", "found")}


class Needles:
    """Texts to search for, as the bytes that a file may hold of them."""

    def __init__(self, texts: Collection[str]) -> None:
        forms: dict[bytes, set[str]] = {}
        for text in texts:
            for form in _forms(text):
                if len(form) >= _SHORTEST:
                    forms.setdefault(form, set()).add(text)
        self._forms = forms
        self._longest = max(map(len, forms), default=0)
        self._pairs = np.zeros(1 << 16, dtype=bool)
        self._by_start: dict[int, list[bytes]] = {}
        for form in forms:
            start = int.from_bytes(form[:4], "little")
            self._pairs[start & 0xFFFF] = True
            self._by_start.setdefault(start, []).append(form)
        self._starts = np.array(sorted(self._by_start), dtype=np.uint32)

    @property
    def count(self) -> int:
        """How many texts are long enough to be searched for."""
        return len(set().union(*self._forms.values())) if self._forms else 0

    def without(self, text: str) -> "Needles":
        """These needles but for those that `text` holds: others have the same name."""
        texts = set().union(*self._forms.values()) if self._forms else set()
        upper = text.upper()
        return Needles([one for one in texts if one not in text and one.upper() not in upper])

    def in_stream(self, stream: BinaryIO) -> tuple[int, set[str]]:
        """How many bytes the stream has, and which texts are among them."""
        size, found, tail = 0, set(), b""
        while block := stream.read(_BLOCK):
            size += len(block)
            found |= self._in_bytes(tail + block)
            tail = block[-(self._longest - 1) :] if self._longest > 1 else b""
        return size, found

    def _in_bytes(self, content: bytes) -> set[str]:
        # Of a large file few places begin as any text does: those alone are looked at one by one.
        if len(content) < _SHORTEST or not self._forms:
            return set()
        pairs = np.ndarray((len(content) - 3,), dtype="<u2", buffer=content, strides=(1,))
        at = np.flatnonzero(self._pairs[pairs])
        fours = np.ndarray((len(content) - 3,), dtype="<u4", buffer=content, strides=(1,))[at]
        places = at[np.isin(fours, self._starts)]
        found: set[str] = set()
        for place in places.tolist():
            for form in self._by_start[int.from_bytes(content[place : place + 4], "little")]:
                if content.startswith(form, place):
                    found |= self._forms[form]
        return found


def _forms(text: str) -> Iterator[bytes]:
    for spelling in {text, text.upper(), *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))}:
        yield spelling.encode()
        yield spelling.encode("utf-16-le")
        yield spelling.encode("utf-16-be")
        # As a database keeps JSON, and a workbook its cells.
        yield json.dumps(spelling)[1:-1].encode()
        yield escape(spelling, {"'": "&apos;", '"': "&quot;"}).encode()


def search_folder(
    folder: Path, needles: Needles, skip: Collection[Path] = (), place_of: Callable[[Path], str] | None = None
) -> dict[str, Seen]:
    """What is in the files below `folder`, by place: the first folder of its path, or as `place_of` says.

    skip: files that are searched in another way
    """
    seen: dict[str, Seen] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path not in skip:
            place = place_of(path) if place_of else _first(folder, path)
            with contextlib.suppress(FileNotFoundError):  # a file in the making has got its name meanwhile
                seen.setdefault(place, Seen()).add(search_file(path, needles))
    return seen


def _first(folder: Path, path: Path) -> str:
    parts = path.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else "."


def search_file(path: Path, needles: Needles) -> Seen:
    """What is in a file, and in what it holds: an archive's members, a table's cells."""
    with path.open("rb") as file:
        start = file.read(64)
        file.seek(0)
        size, found = needles.in_stream(file)
    sealed = start.startswith(_SEALED) or _is_openpgp(start)
    if start.startswith(b"PK\x03\x04"):
        members, sealed = _in_archive(path, needles)
        found |= members
    elif start.startswith((b"PAR1", b"ARROW1")):
        found |= _in_cells(_parquet_texts(path) if start.startswith(b"PAR1") else _arrow_texts(path), needles)
    elif start[8:12] == b"DUCK":
        found |= _in_cells(_duckdb_texts(path), needles)
    return Seen(1, size, len(found), int(sealed), {path} if found or sealed else set())


def _is_openpgp(start: bytes) -> bool:
    """Whether a binary file begins with the session key of an OpenPGP message (RFC 9580, section 4.2)."""
    if not start or not start[0] & 0x80:
        return False
    tag = start[0] & 0x3F if start[0] & 0x40 else (start[0] & 0x3C) >> 2
    return tag in (1, 3)


def _in_archive(path: Path | io.BytesIO, needles: Needles, deep: int = 2) -> tuple[set[str], bool]:
    """Which texts are in the members of a ZIP archive (a workbook is one), and whether a member is encrypted."""
    found: set[str] = set()
    sealed = False
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.flag_bits & 1 or member.file_size > _LARGEST_MEMBER:
                    sealed = True
                    continue
                with archive.open(member) as stream:
                    content = stream.read()
                _, inside = needles.in_stream(io.BytesIO(content))
                found |= inside
                if deep and content.startswith(b"PK\x03\x04"):
                    inner, inner_sealed = _in_archive(io.BytesIO(content), needles, deep - 1)
                    found, sealed = found | inner, sealed or inner_sealed
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        sealed = True  # what does not open cannot be looked into
    return found, sealed


def _in_cells(texts: Iterable[str], needles: Needles) -> set[str]:
    found: set[str] = set()
    for text in texts:
        found |= needles.in_stream(io.BytesIO(text.encode()))[1]
    return found


def _parquet_texts(path: Path) -> Iterator[str]:
    """The text of each group of rows, so that compression hides nothing."""
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches():
            yield from _texts(batch)


def _arrow_texts(path: Path) -> Iterator[str]:
    import pyarrow.ipc

    with pyarrow.ipc.open_file(path) as file:
        for number in range(file.num_record_batches):
            yield from _texts(file.get_batch(number))


def _duckdb_texts(path: Path) -> Iterator[str]:
    """The text of every table; none where another process has the file."""
    import duckdb

    try:
        with duckdb.connect(path, read_only=True) as connection:
            for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall():
                for batch in connection.sql(f'FROM "{name}"').to_arrow_reader():
                    yield from _texts(batch)
    except duckdb.Error:
        return


def _texts(batch) -> Iterator[str]:  # type: ignore[no-untyped-def]  # pyarrow has no types
    import pyarrow.types

    for column in batch.columns:
        kind = column.type.value_type if pyarrow.types.is_dictionary(column.type) else column.type
        if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
            values = column.dictionary if pyarrow.types.is_dictionary(column.type) else column
            yield "\n".join(filter(None, values.to_pylist()))


def total(seen: Iterable[Seen]) -> Counter[str]:
    """The counts of several places together."""
    counted: Counter[str] = Counter()
    for one in seen:
        counted.update(one.counts())
    return counted
