"""A ledger for each of a property's examples, on SQLite and on PostgreSQL."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from include.ledger.engine import engine


@pytest.fixture(params=["sqlite", "postgresql"])
def new_installation(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Path]]:
    """Makes an empty, migrated ledger and data folder this installation's; gives their folder, another one each time."""
    made: list[str] = []
    kind = request.param
    template = request.getfixturevalue("migrated_sqlite" if kind == "sqlite" else "postgres_server")

    def make() -> Path:
        folder = tmp_path / uuid.uuid4().hex
        (folder / "data").mkdir(parents=True, mode=0o700)
        if kind == "sqlite":
            shutil.copy(template, folder / "data" / "ledger.db")
            made.append(f"sqlite:///{folder / 'data' / 'ledger.db'}")
        else:
            admin = create_engine(f"{template}/postgres", isolation_level="AUTOCOMMIT")
            with admin.connect() as connection:
                connection.execute(text(f"CREATE DATABASE avr_{folder.name} TEMPLATE template_avr"))
            admin.dispose()
            made.append(f"{template}/avr_{folder.name}")
        monkeypatch.setenv("AVR_DATA", str(folder / "data"))
        monkeypatch.setenv("AVR_LEDGER", made[-1])
        return folder

    yield make
    for url in made:
        engine(url).dispose()
