"""CSV files as linking reads them: cases by their cells, a register by its lines.

Reach for `read_cases` and `read_register`. Splitting lines is most of what reading a register costs, so where each line
is a record, only those are split that are new since yesterday or may be somebody's.
"""

import csv
import itertools
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from include.matching import cache, candidates

if TYPE_CHECKING:
    import pyarrow as arrow

_REQUIRED = {"cases": ("case_id",), "register": ("asylum_reference", "applied_on", "final")}
_DIALECT = "delim = ',', quote = '\"', escape = '\"', strict_mode = false, null_padding = false"
_NO_DELIMITER = "\x01\x02\x03\x04"
_PLAIN_NAME = re.compile("[a-z][a-z0-9_]*")
_CELL = '([^",]*|"([^"]|"")*")'


def kept_of(register: Path) -> Path:
    """Where `cache` keeps what is known of the register that a file is of, told by its first row's host country."""
    with register.open("rb") as file:
        lines = [line.decode("utf-8-sig", "replace") for line in itertools.islice(file, 2)]
    host = next(csv.DictReader(lines), {}).get("host_country") or ""
    return cache.cache_file(f"csv-{host if re.fullmatch('[A-Z]{3}', host) else 'any'}", "".join(lines[:1]))


def read_cases(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make `cases_rows` of a CSV file, for `candidates.meet`.

    raises: ValueError, naming file and column, if a column that linking needs is missing, a case has no id, or the file
        cannot be read as CSV
    """
    candidates.read_rows(connection, "cases", "cases_given", set(_read_cases(connection, path)))
    connection.execute("DROP TABLE cases_given")
    candidates.find_known(connection, "cases")


def read_register(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Make `register_rows` of a CSV file, for `candidates.meet`.

    raises: ValueError, naming file and column, if a column that linking needs is missing or the file cannot be read as
        CSV
    """
    columns = _columns(connection, "register", path)
    with _refusing(path):
        if not _read_lines(connection, columns, path):
            candidates.read_rows(connection, "register", _source(path), set(columns))
        candidates.find_known(connection, "register")


def rows(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> "arrow.Table":
    """The rows of a CSV file, with the columns that linking looks at, for another database to read.

    table: "cases" or "register"
    raises: ValueError as `read_cases` and `read_register` do
    """
    columns = _read_cases(connection, path) if table == "cases" else _columns(connection, table, path)
    source = "cases_given" if table == "cases" else _source(path)
    wanted = [column for column in {candidates.KEY[table]: None} | dict.fromkeys(candidates.READ) if column in columns]
    with _refusing(path):
        return connection.sql(f"SELECT {', '.join(wanted)} FROM {source}").to_arrow_table()


def _read_cases(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    """Make `cases_given`, the cells of the file; returns its columns."""
    with _refusing(path):
        connection.execute(f"CREATE TABLE cases_given AS FROM {_source(path)}")
    columns = _named(connection, "cases_given")
    _require("cases", path, columns)
    without_id = connection.execute("SELECT min(rowid) FROM cases_given WHERE case_id IS NULL").fetchall()[0][0]
    if without_id is not None:
        raise ValueError(f"{path.name} row {without_id + 2}: case_id is empty; every case needs one")
    return columns


def _read_lines(connection: duckdb.DuckDBPyConnection, columns: list[str], path: Path) -> bool:
    """Read the lines of a register, if each of them is a record; returns whether it is so.

    A line without quotes is its cells and the commas between them. One with quotes is a record of its own if each cell
    has them around it or not at all; DuckDB reads these.
    """
    with path.open("rb") as file:
        header = file.readline()
    end = b"\r\n" if header.endswith(b"\r\n") else b"\n"
    connection.execute(
        f"""
        CREATE TABLE register_read AS SELECT line, hash(line) AS content, contains(line, '"') AS quoted FROM read_csv(
            {_text(path)}, columns = {{'line': 'VARCHAR'}}, auto_detect = false, header = true,
            delim = '{_NO_DELIMITER}', quote = '', escape = '', strict_mode = false);
        """
    )
    read, quoted = connection.execute(
        f"""
        SELECT coalesce(sum(strlen(line) + {len(end)}), 0), count(*) FILTER (quoted) FROM register_read
        """
    ).fetchall()[0]
    odd = quoted and _count_odd(connection)
    # Every byte is of a line, or the lines were not cut where DuckDB cuts records.
    whole = len(header) + read == path.stat().st_size
    if odd or not whole or header != ",".join(columns).encode() + end:
        connection.execute("DROP TABLE register_read")
        return False
    _read_quoted(connection, columns, quoted)
    cells = {column: f"cells[{at}]" for at, column in enumerate(columns, 1)}
    # A line that is cut off is an error as in any CSV file; what is too much at its end is left.
    cells["asylum_reference"] = (
        f"CASE WHEN cells[{len(columns)}] IS NULL THEN error('too few cells') ELSE {cells['asylum_reference']} END"
    )
    connection.execute(
        f"""
        CREATE MACRO register_rows(of_these) AS TABLE
        SELECT row, content, {candidates.of_row("register", cells)} FROM (
            SELECT row, content, string_split(line, ',') AS cells FROM query_table(of_these)
            WHERE NOT quoted)
        UNION ALL
        FROM register_quoted SEMI JOIN query_table(of_these) USING (row);
        """
    )
    return True


def _count_odd(connection: duckdb.DuckDBPyConnection) -> int:
    """How many lines with quotes are not surely a record of their own."""
    (found,) = connection.execute(
        f"""
        SELECT count(*) FROM (SELECT line FROM register_read WHERE quoted)
        WHERE NOT regexp_full_match(line, '{_CELL}(,{_CELL})*')
        """
    ).fetchall()
    return int(found[0])


def _read_quoted(connection: duckdb.DuckDBPyConnection, columns: list[str], count: int) -> None:
    """Make `register_quoted`, rows of the lines with quotes, as DuckDB reads them."""
    cells = {column: f"cell_{at}" for at, column in enumerate(columns)}
    types = ", ".join(f"{cell}: 'VARCHAR'" for cell in cells.values())
    # A folder that its owner alone opens: DuckDB makes the file as it likes.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "quoted.csv"
        file.touch()
        if count:
            connection.execute(
                f"""
                COPY (SELECT rowid || ',' || line FROM register_read WHERE quoted)
                TO {_text(file)} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01')
                """
            )
        connection.execute(
            f"""
            CREATE TABLE register_quoted AS
            SELECT row, content, {candidates.of_row("register", cells)} FROM read_csv(
                {_text(file)}, columns = {{row: 'BIGINT', {types}}}, auto_detect = false, header = false, {_DIALECT})
            JOIN (SELECT rowid AS row, content FROM register_read) USING (row);
            """
        )


def _columns(connection: duckdb.DuckDBPyConnection, table: str, path: Path) -> list[str]:
    with path.open("rb") as file:
        header = file.readline()
    columns = header.decode("ascii", "replace").rstrip("\r\n").split(",")
    # DuckDB looks at thousands of lines to say the same.
    if len(set(columns)) < len(columns) or not all(map(_PLAIN_NAME.fullmatch, columns)):
        with _refusing(path):
            columns = _named(connection, _source(path))
    _require(table, path, columns)
    return columns


def _named(connection: duckdb.DuckDBPyConnection, rows: str) -> list[str]:
    return [name for name, *_ in connection.execute(f"SELECT * FROM {rows} LIMIT 0").description]


def _require(table: str, path: Path, columns: list[str]) -> None:
    missing = [column for column in _REQUIRED[table] if column not in columns]
    if missing or not {"family_name", "given_names"} & set(columns):
        raise ValueError(f"{path.name} has no column {', '.join(missing) or 'family_name or given_names'}")


def _source(path: Path) -> str:
    return f"read_csv({_text(path)}, all_varchar = true, header = true, {_DIALECT})"


def _text(value: object) -> str:
    """A literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.InvalidInputException:
        # Its text quotes the line.
        raise ValueError(f"{path.name} cannot be read as CSV in UTF-8 with commas and a header") from None
