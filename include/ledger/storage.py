"""What the database keeps on its disk beyond its rows: erased bytes in free space, in its log, in its statistics.

Reach for `compact` to have nothing of erased rows left there, `dumped` and `files` to look, `held` for what stands in
the ledger rightly. docs/decisions/retention.md says what a server must be set to for this to be all.
"""

import io
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Connection, String, Text, cast, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.orm import Session

from include.ledger.engine import engine
from include.ledger.models import Answer, Base, Case, Concern, Entry, Hold, Match, Notice, Review
from include.settings import ledger_url

_PATIENCE = "60s"
"""How long a rewrite waits for a table that somebody uses: lists must not wait for it longer."""


class StillInUse(OSError):
    """Somebody reads or writes the database just now, so that its old bytes cannot be let go of. Try again later."""


def check_owned(url: str | None = None) -> None:
    """raises: PermissionError if this login could not `compact`: PostgreSQL would skip each table, and only warn"""
    url = url or ledger_url()
    if _is_sqlite(url):
        return
    owned = "SELECT bool_and(pg_has_role(tableowner, 'USAGE')) FROM pg_tables WHERE schemaname = 'public'"
    with engine(url).connect() as connection:
        if not connection.scalar(text(owned)):
            raise PermissionError(
                "this login does not own the ledger's tables, so it cannot let go of erased bytes and erases nothing; "
                "retention runs as their owner"
            )


def compact(url: str | None = None) -> None:
    """Write the database anew without what was erased, in its tables, its log and its statistics.

    On PostgreSQL the log is let go of where this role may ask for a checkpoint.
    raises: StillInUse
    """
    url = url or ledger_url()
    if _is_sqlite(url):
        _compact_sqlite(url)
        return
    with engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"SET lock_timeout = '{_PATIENCE}'"))
        tables = ", ".join(f'"{name}"' for name in Base.metadata.tables)
        try:
            connection.execute(text(f"VACUUM (FULL, ANALYZE) {tables}"))
        except DBAPIError as error:
            raise StillInUse("a table of the ledger is in use; its old bytes stay until the next try") from error
        finally:
            connection.execute(text("RESET lock_timeout"))
        # The commonest values of a column stand in the statistics as well.
        for statement in ("VACUUM (FULL) pg_catalog.pg_statistic", "SELECT pg_switch_wal()", "CHECKPOINT"):
            with suppress(ProgrammingError):  # not everybody may
                connection.execute(text(statement))


def _compact_sqlite(url: str) -> None:
    with closing(engine(url).raw_connection()) as connection:
        # Its own copy of the database must not lie in a folder that others read.
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("VACUUM")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise StillInUse("the ledger is being read; its old bytes stay until the next try")


def files(url: str | None = None) -> list[Path]:
    """The database's own files; none where they are on another machine or not to be read."""
    url = url or ledger_url()
    if _is_sqlite(url):
        path = Path(make_url(url).database or "")
        return sorted(path.parent.glob(f"{path.name}*"))
    with engine(url).connect() as connection:
        try:
            folder = Path(str(connection.scalar(text("SELECT current_setting('data_directory')"))))
            number = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
        except ProgrammingError:
            return []
        with suppress(OSError):
            return sorted(p for part in (f"base/{number}", "pg_wal") for p in (folder / part).rglob("*") if p.is_file())
    return []


def dumped(url: str | None = None) -> Iterator[io.BytesIO]:
    """Every table as the database would write it into a dump. Of SQLite nothing: its file is the dump."""
    url = url or ledger_url()
    if _is_sqlite(url):
        return
    with engine(url).connect() as connection:
        for name in inspect(connection).get_table_names():
            yield _copied(connection, name)


def _copied(connection: Connection, name: str) -> io.BytesIO:
    content = io.BytesIO()
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101  (for the type checker)
    with driver.cursor() as cursor, cursor.copy(f'COPY "{name}" TO STDOUT') as copy:
        for block in copy:
            content.write(block)
    content.seek(0)
    return content


def held(session: Session) -> str:
    """Every name, reference and word about a person that the ledger holds rightly, and the words that it is made of."""
    columns = (
        Case.case_id,
        Case.family_name,
        Case.given_names,
        Case.typed_asylum_reference,
        Case.unhcr_reference,
        Match.asylum_reference,
        Entry.asylum_reference,
        Review.reason,
        Notice.name,
        cast(Notice.shared, String),
        Answer.remarks,
        Concern.note,
        Hold.reason,
    )
    found = {value for column in columns for value in session.scalars(select(cast(column, Text)).distinct())}
    found |= {str(one) for one in Base.metadata.tables}
    schema = inspect(session.connection()).get_table_names()
    if session.connection().dialect.name == "sqlite":
        schema += session.scalars(text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")).all()
    return "\n".join(filter(None, [*found, *schema]))


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"
