"""The commands of docs/backup.md and docs/runbook/restore.md: dump, destroy, restore, go on."""

import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from include.demo.postgres import binaries
from include.ledger.engine import engine, reading
from include.ledger.models import Erasure, List
from include.ledger.outbox import last_told
from include.ledger.retention import select
from include.retention import files, run
from include.settings import data_folder
from tests.conftest import _on_server
from tests.ledger.test_outbox import deliver
from tests.ledger.world import notices, send_list
from tests.retention.test_erasing import written
from tests.retention.world import FAMILY, GONE, LATER, STAYS, live

pytestmark = pytest.mark.usefixtures("ledger")


def command(*parts) -> None:
    subprocess.run([str(part) for part in parts], check=True, capture_output=True)


class Backup:
    """A dump of the ledger, by the page's commands."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = make_url(url), folder
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self.file = folder / ("ledger.db" if self.sqlite else "ledger.dump")

    def dump(self) -> None:
        if self.sqlite:
            command("sqlite3", self.url.database, f".backup '{self.file}'")
        else:
            command(*self._server("pg_dump"), "--format=custom", f"--file={self.file}", self.url.database)

    def destroy(self) -> None:
        engine(str(self.url.render_as_string(hide_password=False))).dispose()
        if self.sqlite:
            for path in Path(self.url.database).parent.glob("ledger.db*"):
                path.unlink()
        else:
            address = f"postgresql+psycopg://{self.url.username}@{self.url.host}:{self.url.port}"
            _on_server(address, f"DROP DATABASE {self.url.database} WITH (FORCE)")
            _on_server(address, f"CREATE DATABASE {self.url.database}")

    def restore(self) -> None:
        if self.sqlite:
            command("sqlite3", self.url.database, f".restore '{self.file}'")
        else:
            restore = self._server("pg_restore")
            command(*restore, "--exit-on-error", "--no-owner", f"--dbname={self.url.database}", self.file)

    def _server(self, program: str) -> list[object]:
        host, port, user = self.url.host, self.url.port, self.url.username
        return [binaries() / program, f"--host={host}", f"--port={port}", f"--username={user}"]


@pytest.fixture
def backup(ledger, tmp_path):
    if shutil.which("sqlite3") is None and ledger.startswith("sqlite"):
        pytest.skip("sqlite3 is not installed: apt-get install sqlite3")
    return Backup(ledger, tmp_path)


def numbers() -> list[int]:
    with reading() as session:
        return list(session.scalars(select(List.number).order_by(List.number)))


def test_after_a_restore_the_next_day_goes_on_where_the_last_ended_without_a_gap(backup):
    live()
    send_list(notices(STAYS, notice="CHANGED"))
    before, rows = numbers(), written()
    backup.dump()
    backup.destroy()
    backup.restore()
    assert written() == rows
    assert deliver() == (3, ["list.csv"]), "what was on its way still is"
    send_list(notices(STAYS, notice="CHANGED"))
    assert numbers() == [*before, before[-1] + 1]
    with reading() as session:
        assert set(last_told(session, "GRC-ATH")["case_id"]) == {GONE, STAYS}


def test_who_was_erased_after_the_dump_is_erased_again_when_it_is_restored(backup):
    live()
    backup.dump()
    run.erase_due(LATER)
    assert FAMILY not in written()
    backup.destroy()
    backup.restore()
    assert FAMILY in written(), "an old dump brings the person back"
    assert run.erase_due(LATER) == {"erased": 0, "again": 1}
    assert FAMILY not in written()
    with reading() as session:
        (erasure,) = session.scalars(select(Erasure))
        assert (erasure.why, erasure.proof["places"]["ledger"]["found"]) == ("retention", 0)
    assert run.erase_due(LATER) == {"erased": 0, "again": 0}
    assert len({line.registration_hash for line in files.logged(data_folder())}) == 1


def test_a_dump_from_before_the_case_was_known_still_knows_that_it_was_erased(backup):
    backup.dump()
    live()
    run.erase_due(LATER)
    backup.destroy()
    backup.restore()
    run.erase_due(LATER)
    with reading() as session:
        assert session.scalar(text("SELECT count(*) FROM erasure")) == 1


def test_the_log_of_erasures_is_for_its_owner_alone_and_names_nobody():
    live()
    run.erase_due(LATER)
    path = data_folder() / "erasures.jsonl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not [name for name in (FAMILY, GONE, "2026-10-01") if name in path.read_text()]
