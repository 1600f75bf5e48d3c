"""What each process's login may do with the ledger, and what PostgreSQL itself refuses it."""

import datetime as dt

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import create_engine, make_url, select, text
from sqlalchemy.exc import ProgrammingError

from include.board import people
from include.board.pages import list_page, office_page, timeliness
from include.board.people import Viewer
from include.board.today import today
from include.ledger import board, responses, storage
from include.ledger.engine import engine, reading, writing
from include.ledger.grants import BOARD, NOTHING, READER, RIGHTS, WORKER, NoRoles, grant, place_policies
from include.ledger.migrating import migrate, migrate_back
from include.ledger.models import Base, Delivery
from include.operators import CasesTrigger, DecisionsTrigger, StandingsTrigger
from include.retention.run import erase_due
from tests.board.world import DOUBTED, LIST, NOON, bounce, doubt, run, tell
from tests.ledger.world import MONDAY

postgresql = pytest.mark.parametrize("new_ledger", ["postgresql"], indirect=True)
NAMES = {
    "case": {"family_name", "given_names", "date_of_birth", "sex", "typed_asylum_reference", "unhcr_reference"},
    "notice": {"name", "shared"},
    "sealed_file": {"content"},
    "paper_file": {"content"},
    "answer": {"remarks"},
    "concern": {"note"},
    "clearance": {"note"},
    "review": {"reason"},
    "hold": {"reason"},
    "erasure_order": {"reason"},
}
"""Where the ledger names a person, or keeps what somebody wrote and may have."""


@pytest.fixture
def told(ledger):
    """A day is reconciled, GRC-ATH has its list, and doubts its one entry."""
    run()
    doubt(tell())


@pytest.fixture
def become(ledger, monkeypatch):
    """Makes a role's login this process's, as its secret does in production."""

    def log_in_as(role: str) -> str:
        url = make_url(ledger).set(username=role).render_as_string()
        monkeypatch.setenv("AVR_LEDGER", url)
        made.append(url)
        return url

    made = []
    yield log_in_as
    for url in made:
        engine(url).dispose()


def refused(url: str, statement: str) -> bool:
    """Whether the login has no right to it; a statement that is wrong in another way fails the test."""
    try:
        with engine(url).begin() as connection:
            connection.execute(text(statement))
    except ProgrammingError as error:
        if isinstance(error.orig, InsufficientPrivilege):
            return True
        raise
    return False


def test_every_table_has_said_rights_for_every_role():
    for role, rights in RIGHTS.items():
        assert sorted(rights) == sorted(Base.metadata.tables), (
            f"say in include/ledger/grants.py what {role} may do with each table, NOTHING included"
        )


@postgresql
def test_tasks_pull_link_decide_and_tell_under_the_workers_login(become):
    become(WORKER)
    run()
    entry = tell()
    doubt(entry)
    bounce()
    with reading() as session:
        assert [one.entry for one in responses.open_concerns(session)] == [entry]
        assert [one.state for one in session.scalars(select(Delivery))] == ["refused"]


@postgresql
def test_the_board_shows_and_decides_under_its_own_login(told, become):
    bounce()
    become(BOARD)
    viewer = Viewer("reviewer", lambda: NOON)
    assert today(NOON).needs["concerns"] == 1
    assert office_page("GRC-ATH", NOON).points
    assert timeliness(None, MONDAY).points
    assert list_page(LIST, NOON).whole.lines
    (waiting,) = people.queue()
    pair = people.pair_page(waiting.id, viewer)
    assert people.trail_page(DOUBTED, None, viewer).found.case.family_name == "Mamulashvili"
    assert people.concern_page(1, viewer).told[0].name == "MAMULASHVILI, Giorgi"
    said = {"by": "reviewer", "reason": "seen", "one_person": False, "seen": pair.seen}
    people.decide(waiting.id, "accept", **said, clock=lambda: NOON)
    with writing() as session:
        board.resend(session, LIST, by="reviewer", reason="the mailbox is repaired", now=NOON)
    people.close_concern(1, by="reviewer", note="looked into", now=NOON)


@postgresql
def test_the_triggerer_sees_whether_something_waits_under_the_readers_login(told, become):
    become(READER)
    assert CasesTrigger("GRC", "2026-11-02", NOON).is_there()
    assert StandingsTrigger(["GRC"], NOON, NOON).is_there()
    assert DecisionsTrigger().what_waits() == frozenset()


@postgresql
@pytest.mark.parametrize("role", [BOARD, READER])
def test_a_login_reads_no_name_beyond_what_its_pages_show(told, become, role):
    url = become(role)
    shown = {
        BOARD: {("case", "family_name"), ("case", "given_names"), ("notice", "name"), ("answer", "remarks"),
                ("concern", "note"), ("review", "reason")},
        READER: set(),
    }[role]  # fmt: skip
    for table, columns in NAMES.items():
        for column in columns:
            assert refused(url, f'SELECT {column} FROM "{table}"') != ((table, column) in shown), (table, column)


WRITES = [
    # That something was told, or that a list is there, is nobody's to say but the tasks'.
    (BOARD, "UPDATE list SET state = 'told', told_at = now()"),
    (BOARD, "INSERT INTO list (office) VALUES ('GRC-ATH')"),
    (BOARD, "INSERT INTO told VALUES (1, 'X', 1, now())"),
    (BOARD, "DELETE FROM told"),
    (BOARD, "UPDATE notice SET name = 'somebody else'"),
    (BOARD, "UPDATE \"case\" SET standing = 'not_in_procedure'"),
    (BOARD, "DELETE FROM match"),
    (BOARD, "INSERT INTO receipt VALUES (1, now(), 'answer')"),
    (BOARD, "UPDATE delivery SET state = 'delivered', delivered_at = now(), bounced_at = NULL"),
    (BOARD, "UPDATE delivery SET channel = 'sftp:elsewhere'"),
    (BOARD, "UPDATE recipient SET confirmed_at = now(), confirmed_by = 'me'"),
    # What it once wrote it cannot take back.
    (BOARD, "UPDATE viewed SET viewed_by = 'somebody else'"),
    (BOARD, "DELETE FROM viewed"),
    (BOARD, "UPDATE review SET decided_by = 'somebody else'"),
    (BOARD, "DELETE FROM review"),
    (BOARD, "UPDATE concern SET raised_at = now()"),
    (BOARD, "UPDATE concern SET closed_at = NULL, closed_by = NULL, note = NULL"),
    (BOARD, "DELETE FROM concern"),
    (BOARD, "DELETE FROM resend"),
    (BOARD, "INSERT INTO hold VALUES (1)"),
    # What was told stays told, whoever takes a worker over; and who looked at whom.
    (WORKER, "UPDATE notice SET name = 'somebody else'"),
    (WORKER, "DELETE FROM notice"),
    (WORKER, "UPDATE sealed_file SET content = ''"),
    (WORKER, "DELETE FROM list"),
    (WORKER, "DELETE FROM \"case\""),
    (WORKER, "DELETE FROM answer"),
    (WORKER, "DELETE FROM concern"),
    (WORKER, "DELETE FROM review"),
    (WORKER, "DELETE FROM hold"),
    (WORKER, "DELETE FROM viewed"),
    (WORKER, "UPDATE viewed SET viewed_by = 'somebody else'"),
    (WORKER, "INSERT INTO erasure DEFAULT VALUES"),
    (WORKER, "DELETE FROM erasure"),
    (READER, "INSERT INTO extract DEFAULT VALUES"),
    (READER, "UPDATE reconciliation SET added_up_at = now()"),
    (READER, "DELETE FROM review"),
    *((role, statement) for role in RIGHTS for statement in (
        "DROP TABLE list", "CREATE TABLE mine (x int)", "ALTER TABLE concern DISABLE ROW LEVEL SECURITY",  "UPDATE alembic_version SET version_num = '0001'", "TRUNCATE told",
    )),
]  # fmt: skip


@postgresql
def test_what_a_login_must_not_do_the_database_refuses(told, become):
    assert [(role, statement) for role, statement in WRITES if not refused(become(role), statement)] == []


@postgresql
def test_a_decision_that_is_over_and_a_list_that_is_void_are_not_the_boards_to_revive(told, ledger, become):
    with writing() as session:
        session.execute(text("UPDATE concern SET closed_at = now(), closed_by = 'x', note = 'x'"))
        session.execute(text("UPDATE delivery SET state = 'void', delivered_at = NULL"))
    url = become(BOARD)
    with engine(url).begin() as connection:
        for statement in (
            "UPDATE concern SET closed_by = 'me'",
            "UPDATE delivery SET state = 'queued', delivered_at = NULL, bounced_at = NULL",
        ):
            assert connection.execute(text(statement)).rowcount == 0, statement


@postgresql
def test_who_does_not_own_the_tables_erases_nothing_instead_of_leaving_its_bytes(told, become):
    become(WORKER)
    with pytest.raises(PermissionError, match="does not own"):
        erase_due(NOON + dt.timedelta(days=4000))


@postgresql
def test_rights_are_given_again_and_what_was_given_beside_them_is_taken(ledger, become):
    with engine(ledger).begin() as connection:
        connection.execute(text(f"GRANT ALL ON list TO {BOARD}, PUBLIC"))
    assert not refused(become(BOARD), "DELETE FROM list")
    grant(ledger)
    grant(ledger)
    assert refused(become(BOARD), "DELETE FROM list")


@postgresql
def test_what_each_may_do_with_which_rows_is_so_again_after_a_migration(told, ledger, become):
    revive = "UPDATE concern SET closed_at = NULL WHERE closed_at IS NULL"
    assert refused(become(BOARD), revive)
    migrate_back("0010", ledger)
    with engine(become(WORKER)).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM delivery")), "open until then, not silently empty"
    with engine(ledger).begin() as connection:
        place_policies(connection)  # as the older release's `grants` does
    migrate(ledger)
    assert refused(become(BOARD), revive)


def test_an_owner_who_is_no_superuser_migrates_gives_rights_and_erases(postgres_server, tmp_path, monkeypatch):
    superuser = create_engine(f"{postgres_server}/postgres", isolation_level="AUTOCOMMIT")
    with superuser.connect() as connection:
        connection.execute(text("CREATE ROLE avr_owner LOGIN"))
        connection.execute(text("CREATE DATABASE owned OWNER avr_owner"))
    superuser.dispose()
    url = make_url(f"{postgres_server}/owned").set(username="avr_owner").render_as_string()
    monkeypatch.setenv("AVR_LEDGER", url)
    monkeypatch.setenv("AVR_DATA", str(tmp_path / "data"))
    migrate()
    grant()
    run()
    worker = make_url(url).set(username=WORKER).render_as_string()
    assert not refused(worker, 'SELECT family_name FROM "case"')
    assert refused(worker, 'DELETE FROM "case"')
    storage.check_owned()
    storage.compact()
    for used in (url, worker):
        engine(used).dispose()


@postgresql
def test_a_login_that_nobody_made_is_named(ledger, monkeypatch):
    monkeypatch.setattr("include.ledger.grants.RIGHTS", {**RIGHTS, "avr_nobody": dict.fromkeys(RIGHTS[BOARD], NOTHING)})
    with pytest.raises(NoRoles, match="avr_nobody: no such login"):
        grant(ledger)


def test_a_ledger_without_logins_says_so(tmp_path):
    with pytest.raises(NoRoles, match="SQLite has no roles"):
        grant(f"sqlite:///{tmp_path / 'ledger.db'}")
