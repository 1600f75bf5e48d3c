"""Bringing a ledger to the newest form, or telling that it is not. Migrations are named for what they do."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from include.ledger.engine import engine
from include.ledger.models import Base
from include.settings import ledger_url

_MIGRATIONS = Path(__file__).parent / "migrations"


def _configuration(connection: Connection) -> Config:
    configuration = Config()
    configuration.set_main_option("script_location", str(_MIGRATIONS))
    configuration.attributes["connection"] = connection
    return configuration


def migrate(url: str | None = None, revision: str = "head") -> None:
    """Bring the ledger at `url` (default: this installation's) to `revision`; `base` empties it."""
    with engine(url or ledger_url()).execution_options(writes=True).begin() as connection:
        configuration = _configuration(connection)
        if revision == "base":
            command.downgrade(configuration, "base")
        else:
            command.upgrade(configuration, revision)


def differences(url: str | None = None) -> list[object]:
    """What the ledger at `url` lacks or has beyond `models`; empty when the migrations are complete."""
    with engine(url or ledger_url()).connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def write_revision(message: str, url: str) -> None:
    """Write a new migration from the difference between the ledger at `url` and `models`, for a person to review."""
    with engine(url).execution_options(writes=True).begin() as connection:
        command.revision(_configuration(connection), message=message, autogenerate=True)
