"""Linking AVR cases to a register: candidates, Splink's probability for each, then the decision over the whole file.

Reach for `link` with tables in hand, for `link_files` with CSV files.
"""

import gc
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as arrow
from splink import Linker
from splink.internals.duckdb.database_api import DuckDBAPI

from include.matching import candidates, model
from include.matching.database import Database
from include.matching.decision import COLUMNS, Pair, decide
from include.settings import write_private

MODEL_VERSION = model.VERSION
_MEMORY = "600MB"
"""What DuckDB may hold; the rest of a large register goes to a temporary folder that only the owner reads."""


def link(cases: pd.DataFrame, register: pd.DataFrame, *, threads: int = 2, spark: str | None = None) -> pd.DataFrame:
    """Which record of the register is each case's, or may be.

    cases, register: rows of the two extracts, as text or in the types of `contract.typed`; optional columns may be
        missing
    spark: master URL of the Spark that does the work; without one DuckDB does, with so many `threads`
    returns: COLUMNS; at most one `accept` for a case, and then no `review`; at most MOST_REVIEWS `review`, best first;
        no row for a case without a candidate. Of several records of one person the one that decides the standing is
        accepted: the newest that is not final, or the newest.
    """
    if cases.empty or register.empty:
        return pd.DataFrame([], columns=COLUMNS)
    with people(cases, register, threads=threads, spark=spark) as connection:
        return _link(connection)


def scored_pairs(cases: pd.DataFrame, register: pd.DataFrame, *, threads: int = 2) -> pd.DataFrame:
    """Every pair that was compared, with its probability before the decision over the whole file.

    returns: `case_id`, `asylum_reference`, `match_probability`; what the probabilities are worth is counted in it
    """
    with people(cases, register, threads=threads) as connection:
        candidates.meet(connection)
        candidates.compare(connection)
        _score(connection)
        return connection.execute(
            """
            SELECT c.key AS case_id, r.key AS asylum_reference, probability AS match_probability
            FROM scored JOIN compared p USING (pair)
            JOIN cases c ON c.id = p.case_id JOIN register r ON r.id = p.record_id
            """
        ).df()


@contextmanager
def people(
    cases: pd.DataFrame, register: pd.DataFrame, *, threads: int = 2, spark: str | None = None
) -> Iterator[Database]:
    """A database with the tables `cases` and `register` as `candidates.read_people` makes them."""
    with _database(threads, spark) as connection:
        for name, rows, key in (("cases", cases, "case_id"), ("register", register, "asylum_reference")):
            columns = [column for column in {key: None} | dict.fromkeys(candidates.READ) if column in rows]
            texts = rows[columns].astype(pd.StringDtype("pyarrow"))
            connection.register(f"{name}_given", arrow.Table.from_pandas(texts, preserve_index=False))
            candidates.read_people(connection, name, f"{name}_given", key, set(columns))
        yield connection


PAIR = (
    "case_id AS case, record_id AS record, reference = 2 AS same_reference, reference = 1 AS near_reference, "
    "unhcr_reference = 2 AS same_number, birth_date AS birth_level"
)
"""What `Pair` takes from `compared`, beside the probability."""


@dataclass(frozen=True)
class Counts:
    """What a file of matches holds."""

    cases: int
    accepted: int
    in_review: int


_REQUIRED = {"cases": ("case_id",), "register": ("asylum_reference", "applied_on", "final")}
_KEYS = {"cases": "case_id", "register": "asylum_reference"}


def link_files(cases: Path, register: Path, out: Path, *, threads: int = 2, spark: str | None = None) -> Counts:
    """Link the cases of one CSV file to the register in another and write the matches to `out`.

    spark: as for `link`
    raises: ValueError, naming file and column, if a column that linking needs is missing, a case has no id, or a file
        cannot be read as CSV
    """
    with _database(threads) as reader, _database(threads, spark) if spark else nullcontext(reader) as connection:
        for name, path in (("cases", cases), ("register", register)):
            _read(reader, name, path, connection)
        matches = _link(connection)
        count = connection.execute("SELECT count(*) FROM cases").fetchall()[0][0]
    write_private(out.absolute(), matches.to_csv(index=False, lineterminator="\r\n").encode())
    accepted = matches["decision"] == "accept"
    return Counts(count, int(accepted.sum()), matches.loc[~accepted, "case_id"].nunique())


def _read(reader: duckdb.DuckDBPyConnection, name: str, path: Path, connection: Database) -> None:
    """The people of one CSV file, which `reader` reads, in `connection` as `candidates.read_people` has them."""
    source = (
        f"read_csv('{str(path).replace(chr(39), chr(39) * 2)}', all_varchar = true, header = true, delim = ',', "
        "quote = '\"', escape = '\"', strict_mode = false, null_padding = false)"
    )
    try:
        columns = {name for name, *_ in reader.execute(f"SELECT * FROM {source} LIMIT 0").description}
        missing = [column for column in _REQUIRED[name] if column not in columns]
        if missing or not {"family_name", "given_names"} & columns:
            raise ValueError(f"{path.name} has no column {', '.join(missing) or 'family_name or given_names'}")
        if name == "cases":
            without_id = reader.execute(
                f"SELECT min(row) FROM (SELECT row_number() OVER () AS row, case_id FROM {source}) "
                "WHERE case_id IS NULL"
            ).fetchall()[0][0]
            if without_id:
                raise ValueError(f"{path.name} row {without_id + 1}: case_id is empty; every case needs one")
        if connection is not reader:
            # The file is on this machine alone.
            wanted = ", ".join(columns & {_KEYS[name], *candidates.READ})
            connection.register(f"{name}_given", reader.sql(f"SELECT {wanted} FROM {source}").to_arrow_table())
            source = f"{name}_given"
        candidates.read_people(connection, name, source, _KEYS[name], columns)
    except duckdb.InvalidInputException:
        # Its text quotes the line.
        raise ValueError(f"{path.name} cannot be read as CSV in UTF-8 with commas and a header") from None


@contextmanager
def _database(threads: int, spark: str | None = None) -> Iterator[Database]:
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


def _link(connection: Database) -> pd.DataFrame:
    candidates.meet(connection)
    # What is loaded stays loaded: the collector need not look through it again and again while names are compared.
    gc.freeze()
    candidates.compare(connection)
    gc.unfreeze()
    if not connection.execute("SELECT count(*) FROM compared").fetchall()[0][0]:
        return pd.DataFrame([], columns=COLUMNS)
    _score(connection)
    return decide(*_evidence(connection))


def _score(connection: Database) -> None:
    """Make `scored` (`pair`, `probability`): what Splink says of the evidence of each pair.

    Splink compares the rows of two tables; here one holds the cases and the other, for each record that a case met, how
    it compares: so each name is compared once, and any of Splink's backends can score.
    """
    size = connection.execute("SELECT count(*) FROM register").fetchall()[0][0]
    connection.execute(
        """
        CREATE VIEW a_cases AS SELECT DISTINCT case_id AS unique_id, * FROM (
            SELECT case_id, 0 AS rarity, {none} FROM compared);
        CREATE VIEW b_records AS SELECT pair AS unique_id, case_id, rarity, {evidence} FROM compared;
        CREATE VIEW blocked AS SELECT 0 AS match_key,
            'a_cases-__-' || case_id AS join_key_l, 'b_records-__-' || pair AS join_key_r FROM compared;
        """.format(
            evidence=", ".join(candidates.EVIDENCE), none=", ".join(f"-1 AS {column}" for column in candidates.EVIDENCE)
        )
    )
    api = getattr(connection, "splink", None) or DuckDBAPI(connection=connection)
    tables = [api.register(name, dataset_display_name=name) for name in ("a_cases", "b_records")]
    linker = Linker(tables, model.settings(size), log_level=logging.ERROR)
    linker.table_management.register_blocked_pairs_for_predict(api.register("blocked"))
    found = linker.inference.predict(warning_mode="never").physical_name
    connection.execute(
        f"CREATE TABLE scored AS SELECT unique_id_r AS pair, match_probability AS probability FROM {found}"
    )


def _evidence(
    connection: Database,
) -> tuple[list[Pair], dict[int, dict[str, str]], dict[int, dict[str, str]]]:
    pairs = connection.sql(
        f"SELECT {PAIR}, probability FROM scored JOIN compared USING (pair) ORDER BY case_id, record_id"
    ).to_arrow_table()
    cases, records = (
        {
            row["id"]: row
            for row in connection.sql(f"SELECT * FROM {table} WHERE id IN (SELECT {pair} FROM compared)")
            .to_arrow_table()
            .to_pylist()
        }
        for table, pair in (("cases", "case_id"), ("register", "record_id"))
    )
    return [Pair(**row) for row in pairs.to_pylist()], cases, records
