"""What linking found yesterday of rows that are still there today, so that a day costs what changed.

Reach for `attach` to give a database the tables `kept.*` that `candidates` looks into, and for `keep_rows` and
`keep_levels` to bring them to today. They say of each row of a file, found by a hash of it, by what it can meet others;
of each word its keys; of each pair that met its evidence, and of those that came near a match whether the decision had
an objection, but for the rarity of the name, which depends on all rows.

The file names people: it lies in the data folder, owner-only. It is one for each host country and each version of this
room's code, model and libraries. Deleting it, or the folder, is safe at any time, and retention may: the next day costs
what a first sight costs. DuckDB writes a day into it whole or not at all and refuses blocks that are not as they were
written. Rows that left the register leave the file the next day; it is made anew before it holds more of the past than
of the present.
"""

import hashlib
import importlib.metadata
from contextlib import suppress
from functools import cache
from pathlib import Path

import duckdb

from include.settings import data_folder, private_folder

_LIBRARIES = ("duckdb", "rapidfuzz", "rigour", "pyicu-wheels")
_MOST_GONE = 0.1
"""Of the rows that a file has taken in so many may have left, as a share of those that are there; then it is made anew.

Rows that left are deleted at once, but their bytes may stay in the file."""

_IN_USE = ("Could not set lock", "file handle conflict")
"""What DuckDB says where another process, or another thread of this one, has the file."""

_KEYS = "number BIGINT, content UBIGINT, birth_date VARCHAR, nationality VARCHAR, alone BOOLEAN, "
_KEYS += "reference UBIGINT, unhcr_reference UBIGINT"
_TABLES = {
    "cases": _KEYS,
    "register": _KEYS,
    "register_part": "number BIGINT, part INTEGER",
    "word": "word VARCHAR, part INTEGER",
    "skeleton": "skeleton VARCHAR, part INTEGER",
    "bearers": "part INTEGER, nationality VARCHAR, bearers BIGINT",
    "pair": "case_id BIGINT, record_id BIGINT, shares BIGINT, name TINYINT, called TINYINT, birth_date TINYINT, "
    "reference TINYINT, unhcr_reference TINYINT, sex TINYINT, nationality TINYINT, father TINYINT, mother TINYINT, "
    "place TINYINT",
    "level": "case_id BIGINT, record_id BIGINT, what VARCHAR, level TINYINT",
    "taken_in": "rows BIGINT",
}
_MAKE = "BEGIN;" + "".join(f"CREATE TABLE IF NOT EXISTS kept.{name} ({columns});" for name, columns in _TABLES.items())
_MAKE += "COMMIT;"

_KEEP_ROWS = """
BEGIN;
DELETE FROM kept.level WHERE record_id IN (FROM register_gone) OR case_id IN (FROM cases_gone);
DELETE FROM kept.pair WHERE record_id IN (FROM register_gone) OR case_id IN (FROM cases_gone);
DELETE FROM kept.register_part WHERE number IN (FROM register_gone);
DELETE FROM kept.register WHERE number IN (FROM register_gone);
DELETE FROM kept.cases WHERE number IN (FROM cases_gone);
INSERT INTO kept.register BY NAME SELECT * EXCLUDE (row, names) FROM register_fresh;
INSERT INTO kept.cases BY NAME SELECT * EXCLUDE (row, names) FROM cases_fresh;
INSERT INTO kept.taken_in SELECT count(*) FROM register_fresh;
INSERT INTO kept.register_part FROM fresh_part;
INSERT INTO kept.word SELECT word, part FROM new_words LEFT JOIN new_word_parts USING (word);
INSERT INTO kept.skeleton FROM new_skeletons;
DELETE FROM kept.bearers;
INSERT INTO kept.bearers FROM bearers WHERE bearers > 0;
INSERT INTO kept.pair BY NAME FROM new_pairs;
COMMIT;
"""

_KEEP_LEVELS = """
BEGIN;
DELETE FROM kept.level;
INSERT INTO kept.level SELECT case_id, record_id, what, level FROM levels JOIN hoped USING (pair);
COMMIT;
"""


@cache
def version() -> str:
    """A name for all that what is kept depends on: this room's code, its data, its libraries."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.iterdir()):
        if file.is_file():
            digest.update(f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()} ".encode())
    for library in _LIBRARIES:
        digest.update(f"{library} {importlib.metadata.version(library)} ".encode())
    return digest.hexdigest()[:16]


def cache_file(register: str, form: str = "") -> Path:
    """Where what is known of a register is kept.

    register: what names it from one day to the next
    form: what of its files must not change, or what is kept of one says nothing of the next
    """
    versions = hashlib.sha256(f"{version()} {form}".encode()).hexdigest()[:16]
    return data_folder() / "cache" / "linking" / f"{register}-{versions}.duckdb"


def attach(connection: duckdb.DuckDBPyConnection, file: Path | None) -> bool:
    """Give the connection the tables of `kept`: those of the file, or empty ones; returns whether they are the file's.

    They are empty where there was no file, where it cannot be read or written, or where another process has it.
    """
    if file:
        with suppress(OSError):
            private_folder(file.parent)
            for _ in range(2):
                try:
                    _attach(connection, file)
                except duckdb.Error as error:
                    with suppress(duckdb.Error):
                        connection.execute("DETACH DATABASE IF EXISTS kept")
                    if any(said in str(error) for said in _IN_USE):
                        break
                    forget(file)
                else:
                    register, _, _ = file.stem.rpartition("-")
                    for other in set(file.parent.glob(f"{register}-*{file.suffix}")) - {file}:
                        forget(other)
                    return True
    connection.execute("ATTACH ':memory:' AS kept")
    connection.execute(_MAKE)
    return False


def _attach(connection: duckdb.DuckDBPyConnection, file: Path) -> None:
    connection.execute(f"ATTACH '{str(file).replace(chr(39), chr(39) * 2)}' AS kept")
    file.chmod(0o600)
    connection.execute(_MAKE)
    taken_in, there = connection.execute(
        "SELECT (SELECT sum(rows) FROM kept.taken_in), (SELECT count(*) FROM kept.register)"
    ).fetchall()[0]
    if taken_in and taken_in > there * (1 + _MOST_GONE):
        raise duckdb.Error("more is gone than may be")


def forget(file: Path) -> None:
    """Delete a file of this module's, with what DuckDB has beside it."""
    for part in (file, file.with_name(file.name + ".wal")):
        part.unlink(missing_ok=True)


def keep_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the rows of both files and their pairs in `kept` to today, once `candidates.pair_up` is done."""
    connection.execute(_KEEP_ROWS)


def keep_levels(connection: duckdb.DuckDBPyConnection) -> None:
    """Bring the levels of names in `kept`, and the objections, to today, after `keep_rows` and once all is decided."""
    connection.execute(_KEEP_LEVELS)
