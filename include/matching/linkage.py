"""Linking AVR cases to a register: candidates, the model's probability for each, then the decision over the whole file.

Reach for `link` with tables in hand, for `link_files` with CSV files.
"""

import csv
import gc
import io
import logging
import tempfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from include.matching import cache, candidates, files, model
from include.matching.database import Database
from include.settings import write_private

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as arrow

    from include.matching.decision import Match, Pair, Person

MODEL_VERSION = model.VERSION
_MEMORY = "500MB"
"""What DuckDB may hold; the rest of a large register goes to a temporary folder that only the owner reads."""
_LEAST_COUNTED = -6.0
"""Match weight from which on `scored_pairs` has pairs: one in sixty of those with it is of one person."""
_log = logging.getLogger(__name__)

_Read = Callable[[Any], None]
"""What reads both files, up to `candidates.find_known`."""


def link(
    cases: "pd.DataFrame",
    register: "pd.DataFrame",
    *,
    apart: Collection[tuple[str, str]] = (),
    kept: Path | None = None,
    threads: int = 2,
    spark: str | None = None,
) -> "pd.DataFrame":
    """Which record of the register is each case's, or may be.

    cases, register: rows of the two extracts, as text or in the types of `contract.typed`; optional columns may be
        missing
    apart: case_id and asylum_reference of the pairs that are two people, as a person said; they are no candidates
    kept: where `cache` keeps what the next day's linking need not find again; it changes no match
    spark: master URL of the Spark that does the work, and keeps nothing; without one DuckDB does, with so many
        `threads`
    returns: COLUMNS; at most one `accept` for a case, and then no `review`; at most MOST_REVIEWS `review`, best first;
        no row for a case without a candidate. Of several records of one person the one that decides the standing is
        accepted: the newest that is not final, or the newest.
    """
    import pandas as pd

    from include.matching.decision import COLUMNS

    matches: list[Match] = []
    if not cases.empty and not register.empty:
        matches = _link(lambda connection: _read_tables(connection, cases, register), kept, threads, apart, spark)
    return pd.DataFrame(matches, columns=COLUMNS)


def scored_pairs(cases: "pd.DataFrame", register: "pd.DataFrame", *, threads: int = 2) -> "pd.DataFrame":
    """Every pair that was compared, with its probability before the decision over the whole file.

    returns: `case_id`, `asylum_reference`, `match_probability`; what the probabilities are worth is counted in it
    """
    with people(cases, register, threads=threads) as connection:
        candidates.meet(connection)
        candidates.pair_up(connection)
        candidates.shortlist(connection, least=_LEAST_COUNTED)
        candidates.compare(connection, least=_LEAST_COUNTED)
        _score(connection)
        return connection.execute(
            """
            SELECT c.key AS case_id, r.key AS asylum_reference, probability AS match_probability
            FROM scored JOIN compared p USING (pair)
            JOIN cases c ON c.id = p.case_id JOIN records r ON r.id = p.record_id
            """
        ).df()


@contextmanager
def people(
    cases: "pd.DataFrame", register: "pd.DataFrame", *, threads: int = 2, spark: str | None = None
) -> Iterator[Any]:
    """A database with the rows of two tables, as `candidates.find_known` leaves them."""
    with _database(threads, spark) as connection:
        cache.attach(connection, None)
        _read_tables(connection, cases, register)
        yield connection


def _read_tables(connection: Database, cases: "pd.DataFrame", register: "pd.DataFrame") -> None:
    import pandas as pd
    import pyarrow as arrow

    for name, rows in (("cases", cases), ("register", register)):
        columns = [column for column in {candidates.KEY[name]: None} | dict.fromkeys(candidates.READ) if column in rows]
        texts = rows[columns].astype(pd.StringDtype("pyarrow"))
        _read_table(connection, name, arrow.Table.from_pandas(texts, preserve_index=False))


def _read_table(connection: Database, name: str, rows: "arrow.Table") -> None:
    connection.register(f"{name}_given", rows)
    candidates.read_rows(connection, name, f"{name}_given", set(rows.column_names))
    candidates.find_known(connection, name)


PAIR = (
    "case_id AS case, record_id AS record, compared.reference = 2 AS same_reference, "
    "compared.reference = 1 AS near_reference, compared.unhcr_reference = 2 AS same_number, "
    "compared.birth_date AS birth_level"
)
"""What `Pair` takes from `compared`, beside the probability."""


@dataclass(frozen=True)
class Counts:
    """What a file of matches holds."""

    cases: int
    accepted: int
    in_review: int


def link_files(cases: Path, register: Path, out: Path, *, threads: int = 2, spark: str | None = None) -> Counts:
    """Link the cases of one CSV file to the register in another and write the matches to `out`.

    What the next day's linking need not find again is kept in the data folder, but on Spark: see `cache`.

    spark: as for `link`
    raises: ValueError, naming file and column, if a column that linking needs is missing, a case has no id, or a file
        cannot be read as CSV
    """
    count = 0

    def read(connection: Any) -> None:
        nonlocal count
        if spark:
            # The files are on this machine alone.
            with _database(threads) as reader:
                for name, path in (("cases", cases), ("register", register)):
                    _read_table(connection, name, files.rows(reader, name, path))
        else:
            files.read_cases(connection, cases)
            files.read_register(connection, register)
        count = connection.execute("SELECT count(*) FROM cases_numbers").fetchall()[0][0]

    matches = _link(read, files.kept_of(register), threads, spark=spark)
    write_private(out.absolute(), _as_csv(matches))
    in_review = {case for case, _, _, decision, _ in matches if decision != "accept"}
    return Counts(count, sum(decision == "accept" for _, _, _, decision, _ in matches), len(in_review))


def _as_csv(matches: "list[Match]") -> bytes:
    from include.matching.decision import COLUMNS

    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(matches)
    return text.getvalue().encode()


@contextmanager
def _database(threads: int, spark: str | None = None) -> Iterator[Any]:
    if spark:
        # Installed where it is chosen alone.
        from include.matching.spark import database

        with database(spark) as connection:
            candidates.prepare(connection)
            yield connection
        return
    with tempfile.TemporaryDirectory() as folder:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": threads,
            "memory_limit": _MEMORY,
            "temp_directory": folder,
            "preserve_insertion_order": False,
        }
        with duckdb.connect(config=settings) as connection:
            candidates.prepare(connection)
            yield connection


def _link(
    read: _Read,
    kept: Path | None,
    threads: int,
    apart: Collection[tuple[str, str]] = (),
    spark: str | None = None,
) -> "list[Match]":
    for file in (kept, kept, None) if kept and not spark else (None,):
        try:
            return _linked(read, file, threads, apart, spark)
        except duckdb.Error as error:
            if not file:
                raise
            # Whatever ails what is kept, the day's linking does not depend on it. The error's text may quote names.
            _log.warning("%s could not be used (%s) and is made anew", file.name, type(error).__name__)
            cache.forget(file)
    raise AssertionError


def _linked(
    read: _Read, kept: Path | None, threads: int, apart: Collection[tuple[str, str]], spark: str | None
) -> "list[Match]":
    with _database(threads, spark) as connection, ThreadPoolExecutor(1) as aside:
        # While DuckDB reads, Python loads what it needs only then.
        loaded = aside.submit(_load)
        keeps = cache.attach(connection, kept)
        read(connection)
        candidates.meet(connection)
        candidates.pair_up(connection)
        loaded.result()
        candidates.shortlist(connection)
        # And DuckDB writes while Python compares names.
        rows_kept = aside.submit(cache.keep_rows, connection.cursor()) if keeps else None
        # What is loaded stays loaded: the collector need not look through it again and again while names are compared.
        gc.freeze()
        candidates.compare(connection)
        gc.unfreeze()
        matches = _decided(connection, apart)
        if rows_kept:
            rows_kept.result()
            cache.keep_levels(connection)
        return matches


def _load() -> None:
    for module in ("include.matching.decision", "include.matching.levels", "numpy", "pyarrow"):
        import_module(module)
    from include.matching import symbols

    symbols.of("")


def _decided(connection: Database, apart: Collection[tuple[str, str]]) -> "list[Match]":
    from include.matching.decision import decide

    _score(connection)
    pairs, people_of_cases, people_of_records = _evidence(connection)
    if apart:
        keys = ((people_of_cases[pair.case]["key"], people_of_records[pair.record]["key"]) for pair in pairs)
        pairs = [pair for pair, key in zip(pairs, keys, strict=True) if key not in apart]
    objected = candidates.known_objections(connection)
    matches = decide(pairs, people_of_cases, people_of_records, objected)
    candidates.add_objections(connection, objected)
    return matches


def _score(connection: Database) -> None:
    """Make `scored` (`pair`, `probability`)."""
    probability = model.probability(candidates.register_size(connection))
    connection.execute(f"CREATE TABLE scored AS SELECT pair, {probability} AS probability FROM compared")


def _evidence(
    connection: Database,
) -> "tuple[list[Pair], dict[int, Person], dict[int, Person]]":
    from include.matching.decision import Pair

    pairs = connection.sql(
        f"""
        SELECT {PAIR}, probability FROM scored JOIN compared USING (pair)
        JOIN cases_numbers ON number = case_id JOIN records r ON r.id = record_id
        ORDER BY cases_numbers.row, r.key, r.content
        """
    ).to_arrow_table()
    cases, records = (
        {
            row["id"]: row
            for row in connection.sql(f"SELECT * FROM {table} WHERE id IN (SELECT {pair} FROM compared)")
            .to_arrow_table()
            .to_pylist()
        }
        for table, pair in (("cases", "case_id"), ("records", "record_id"))
    )
    return [Pair(**row) for row in pairs.to_pylist()], cases, records
