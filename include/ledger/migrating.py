"""Bringing a ledger to the newest form, or telling that it is not. Migrations are named for what they do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Boolean, Column, ColumnElement, Connection, MetaData, String, case, func, select

from include.ledger.engine import engine
from include.ledger.grants import lift_policies, place_policies
from include.ledger.models import Base
from include.settings import ledger_url

MAY_GO = {
    "alembic_version",
    "attempt",  # each delivery itself keeps how often it was tried and what came of it last
    "case.concerns",  # worked out again from headquarters' policy with the next reconciliation, as the next three are
    "case.urgent",
    "case.review",
    "reconciliation.policy_version",
    "entry.asked_at",  # who was reminded is reminded once more, which harms nobody, as with the next three
    "entry.reminded_at",
    "list.escalated_at",
    "list.reminded_at",
}
"""What an older form of the ledger may lose unasked. All else says what an office was told, what a person decided, who
was erased, or which months were counted: without it people are named again, or small numbers can be worked out."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class WouldBeLost(ValueError):
    """An older form of the ledger has no place for what is in it; the message names tables and columns."""


def _configuration(connection: Connection) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS))
    configuration.attributes["connection"] = connection
    return configuration


def migrate(url: str | None = None, revision: str = "head") -> None:
    """Bring the ledger at `url` (default: this installation's) up to `revision`."""
    with engine(url or ledger_url()).execution_options(writes=True).begin() as connection:
        had_policies = lift_policies(connection)
        command.upgrade(_configuration(connection), revision)
        if had_policies and revision == "head":
            place_policies(connection)


def migrate_back(revision: str, url: str | None = None, *, lose: bool = False) -> None:
    """Bring the ledger down to an older `revision`; `base` empties it. Wholly, or not at all.

    lose: also what the older form has no place for
    raises: WouldBeLost, naming the tables and columns that hold something and would be lost
    """
    with engine(url or ledger_url()).execution_options(writes=True).begin() as connection:
        before = _held(connection)
        # The older release has its own, and puts them in place with its `grants`.
        lift_policies(connection)
        try:
            command.downgrade(_configuration(connection), revision)
        except CommandError:
            raise ValueError(f"there is no migration {revision} below the ledger's own") from None
        lost = _lost(before, _held(connection))
        if lost and not lose:
            raise WouldBeLost(
                f"to go back to {revision} would lose {', '.join(lost)}: what offices were told, what people decided, "
                "who was erased. Nothing was changed. Make a dump first, then add --lose"
            )


def _held(connection: Connection) -> dict[str, int]:
    """How many rows each table has, and how many of them say something in each column."""
    ledger = MetaData()
    ledger.reflect(connection)
    held = {}
    for table in ledger.tables.values():
        says = [func.count(case((_says_something(column), 1))) for column in table.columns]
        rows, *counts = connection.execute(select(func.count(), *says).select_from(table)).one()
        held[table.name] = rows
        held |= {f"{table.name}.{column.name}": count for column, count in zip(table.columns, counts, strict=True)}
    return held


def _says_something(column: Column[Any]) -> ColumnElement[bool]:
    # An empty text, and a switch that is off, are what a column that came later was filled with.
    if isinstance(column.type, Boolean):
        return column.is_(True)
    return column != "" if isinstance(column.type, String) else column.is_not(None)


def _lost(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    """Tables with fewer rows, and columns of the others that say less."""
    fewer = {place for place, count in before.items() if count > after.get(place, 0)}
    return sorted(place for place in fewer if place.partition(".")[0] not in fewer - {place} and place not in MAY_GO)


def differences(url: str | None = None) -> list[object]:
    """What the ledger at `url` lacks or has beyond `models`; empty when the migrations are complete."""
    with engine(url or ledger_url()).connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def write_revision(message: str, url: str) -> None:
    """Write a new migration from the difference between the ledger at `url` and `models`, for a person to review."""
    with engine(url).execution_options(writes=True).begin() as connection:
        command.revision(_configuration(connection), message=message, autogenerate=True)
