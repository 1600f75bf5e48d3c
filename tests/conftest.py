"""A ledger to write to, on SQLite and on PostgreSQL: every test that takes `ledger` runs on both."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

# Before anything imports Airflow: its files belong into a folder of the test run.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="avr-airflow-")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(Path(__file__).resolve().parent.parent / "plugins")

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text

from include.demo.postgres import binaries, postgres
from include.ledger.engine import engine
from include.ledger.grants import RIGHTS, grant
from include.ledger.migrating import migrate

# These machines are small and noisy: a slow example is not a wrong one.
settings.register_profile("shared-machine", deadline=None, max_examples=40)
settings.load_profile("shared-machine")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # The Airflow tests take minutes on their own: started first, they do not end last.
    items.sort(key=lambda item: item.get_closest_marker("airflow") is None)
    if find_spec("pyspark") is None:
        # `make test-spark` has an environment with it; to skip them here would be a failure where CI=true.
        for_spark = [item for item in items if item.get_closest_marker("spark")]
        config.hook.pytest_deselected(items=for_spark)
        items[:] = [item for item in items if item not in for_spark]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} was skipped; with CI=true a skipped test is a failure: {report.longrepr}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL of our own, with a database `template_avr` that is migrated, and a login each role."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with postgres(programs) as address:
        _on_server(address, "CREATE DATABASE template_avr")
        migrate(f"{address}/template_avr")
        for role in RIGHTS:
            _on_server(address, f"CREATE ROLE {role} LOGIN")
        grant(f"{address}/template_avr")
        engine(f"{address}/template_avr").dispose()
        yield address


def _on_server(address: str, statement: str) -> None:
    admin = create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(statement))
    admin.dispose()


@pytest.fixture(scope="session")
def imap_server() -> Iterator[tuple[int, Path]]:
    """A real IMAP server; its port and the authority to trust. `tests.imap.inbox_of` empties its mailbox."""
    from tests.imap import dovecot

    with dovecot() as running:
        yield running


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "ledger.db"
    migrate(f"sqlite:///{path}")
    opened = engine(f"sqlite:///{path}")
    with opened.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    opened.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any table, on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty' / 'ledger.db'}"
    else:
        address = request.getfixturevalue("postgres_server")
        name = f"avr_{uuid.uuid4().hex}"
        _on_server(address, f"CREATE DATABASE {name}")
        yield f"{address}/{name}"
        engine(f"{address}/{name}").dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_ledger(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], str]]:
    """Makes a migrated, empty ledger that is this installation's from then on, with a data folder of its own.

    Called again it makes another, for tests that compare two worlds.
    """
    made: list[str] = []

    def make() -> str:
        data = tmp_path / (f"data-{len(made) + 1}" if made else "data")
        monkeypatch.setenv("AVR_DATA", str(data))
        if request.param == "sqlite":
            data.mkdir(mode=0o700)
            shutil.copy(request.getfixturevalue("migrated_sqlite"), data / "ledger.db")
            url = f"sqlite:///{data / 'ledger.db'}"
        else:
            address = request.getfixturevalue("postgres_server")
            name = f"avr_{uuid.uuid4().hex}"
            _on_server(address, f"CREATE DATABASE {name} TEMPLATE template_avr")
            url = f"{address}/{name}"
        monkeypatch.setenv("AVR_LEDGER", url)
        made.append(url)
        return url

    yield make
    for url in made:
        engine(url).dispose()


@pytest.fixture
def ledger(new_ledger: Callable[[], str]) -> str:
    """A migrated, empty ledger that is this installation's for the test, with a data folder of its own."""
    return new_ledger()
