"""Opening the ledger: SQLite by default, PostgreSQL by its URL, the same behaviour on both.

`reading()` gives a session that sees one state and writes nothing; `writing()` gives a session whose work is there
wholly or not at all; `alone()` keeps other processes away for longer than a transaction should last.
"""

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from include.settings import ledger_url, private_folder

_SQLITE_WAIT_SECONDS = 120


@lru_cache
def engine(url: str) -> Engine:
    """The engine for `url`; one for each process and URL. `sqlite:///…` and `postgresql+psycopg://…` are tried."""
    if make_url(url).get_backend_name() != "sqlite":
        # An error would quote the values of a row, names among them.
        return create_engine(url, pool_pre_ping=True, hide_parameters=True)
    database = make_url(url).database
    if database:
        private_folder(Path(database).parent)
    opened = create_engine(url, connect_args={"timeout": _SQLITE_WAIT_SECONDS}, hide_parameters=True)

    @event.listens_for(opened, "connect")
    def prepare(connection, _record) -> None:  # type: ignore[no-untyped-def]
        connection.isolation_level = None  # we say BEGIN ourselves, below
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA foreign_keys = ON")
        # An erased name must not stay readable in the pages that SQLite frees.
        connection.execute("PRAGMA secure_delete = ON")
        if database:
            Path(database).chmod(0o600)

    @event.listens_for(opened, "begin")
    def begin(connection: Connection) -> None:
        # A writer that starts as a reader can fail half-way with "database is locked"; it takes the lock at once.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return opened


@contextmanager
def reading(url: str | None = None) -> Iterator[Session]:
    """A session that sees one state of the ledger and writes nothing. What it read stays readable after the block."""
    with engine(url or ledger_url()).connect() as connection, Session(connection, autoflush=False) as session:
        yield session
        session.expunge_all()


@contextmanager
def writing(url: str | None = None) -> Iterator[Session]:
    """A session whose work is there wholly or not at all, committed when the block ends without an error."""
    opened = engine(url or ledger_url()).execution_options(writes=True)
    with (
        _without_values(),
        opened.connect() as connection,
        Session(connection, expire_on_commit=False) as session,
        session.begin(),
    ):
        yield session


@contextmanager
def alone(name: str, url: str | None = None) -> Iterator[bool]:
    """Whether nobody else on this ledger is inside a block of this `name`; nobody else will be before it ends.

    Nothing is waited for, and no transaction is open meanwhile. The death of its process ends the block.
    """
    url = url or ledger_url()
    database = make_url(url).database
    if make_url(url).get_backend_name() == "sqlite" and database:
        digest = hashlib.sha256(name.encode()).hexdigest()
        with Path(f"{database}.{digest[:16]}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        return
    key = _advisory_key(name)
    with engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # A machine that lost its power says no goodbye: the server asks after a minute whether it is still there.
        connection.execute(select(func.set_config("tcp_keepalives_idle", "60", False)))
        ours = bool(connection.scalar(select(func.pg_try_advisory_lock(key))))
        try:
            yield ours
        finally:
            try:
                connection.execute(select(func.pg_advisory_unlock(key)))
            except DBAPIError:  # the line to the server is gone, and the lock with it
                connection.invalidate()


def wait_for_turn(session: Session, name: str) -> None:
    """Wait for every other transaction that has asked for this `name`; until ours ends, others wait. Needs `writing`.

    Unlike a locked row it asks for no right to update anything. On SQLite a writer is alone anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_advisory_key(name))))


def _advisory_key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)


@contextmanager
def _without_values() -> Iterator[None]:
    """Let an error of PostgreSQL pass without its DETAIL, which quotes the row that it refused."""
    try:
        yield
    except DBAPIError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if error.orig is None or diagnosis is None or not diagnosis.message_detail:
            raise
        said = type(error.orig)(diagnosis.message_primary)
        raise type(error)(error.statement, None, said, hide_parameters=True) from None
