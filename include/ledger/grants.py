"""Which process may do what with the ledger. PostgreSQL refuses the rest, whatever the code does.

Reach for `grant` after each migration. `WORKER` runs the tasks, `BOARD` is the API server with the notification board,
`READER` the triggerer, which only looks whether something waits. Who makes tables owns them, and alone erases.
docs/decisions/database-roles.md says why each has what it has.
"""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from include.ledger.engine import engine
from include.ledger.models import Base
from include.settings import ledger_url

WORKER, BOARD, READER = "avr_worker", "avr_board", "avr_reader"
NOTHING = ""

_ADD = "SELECT, INSERT"
_KEEP = "SELECT, INSERT, UPDATE"

_WORKER = {
    "answer": _ADD,
    "approval": _ADD,
    "attempt": "SELECT, INSERT, UPDATE (outcome, error)",
    "case": _KEEP,
    "clearance": _KEEP,
    "concern": _KEEP,
    "counted_month": _ADD,
    "delivery": _KEEP,
    "entry": "SELECT, INSERT, UPDATE (asylum_reference, closed_at, reminded_at, asked_at)",
    "erasure": "SELECT",
    "erasure_order": _ADD,
    "extract": "SELECT, INSERT, UPDATE (turn, accepted_at)",
    "hold": "SELECT, INSERT, UPDATE (lifted_by, lifted_at)",
    "list": "SELECT, INSERT, UPDATE (state, told_at, voided_at, void_reason, void_named_on, reminded_at, escalated_at)",
    "match": "SELECT, INSERT, UPDATE (ended_on)",
    # What was said, and the files that say it, are never written again: only erasing empties them.
    "notice": _ADD,
    "office": "SELECT, INSERT, UPDATE (composed_for)",
    "paper": "SELECT, INSERT, UPDATE (state, told_at, voided_at, void_reason)",
    "paper_case": _ADD,
    "paper_delivery": _KEEP,
    "paper_file": _ADD,
    # To lock a row asks for the right to update something of it.
    "paper_series": _KEEP,
    "procedure_record": _KEEP,
    "receipt": _ADD,
    "recipient": _KEEP,
    "reconciliation": _KEEP,
    "resend": "SELECT",
    "response": "SELECT, INSERT, UPDATE (outcome, findings, reported_at)",
    "review": "SELECT, INSERT, UPDATE (superseded_at)",
    "sealed_file": _ADD,
    "standing": "SELECT, INSERT, DELETE",
    "told": "SELECT, INSERT, UPDATE (returned_at), DELETE",
    "viewed": "SELECT",
}
_BOARD = {
    "answer": "SELECT",
    "approval": "SELECT",
    "attempt": "SELECT",
    "case": "SELECT (host_country, case_id, family_name, given_names, expected_departure_on, departed_on, status, "
    "standing, missing_since, erased_on)",
    "clearance": "SELECT (id, entry, rules, asked_on, mailed_at, cleared_at)",
    "concern": "SELECT, UPDATE (closed_at, closed_by, note)",
    "counted_month": NOTHING,
    "delivery": "SELECT, UPDATE (state, delivered_at, bounced_at)",
    "entry": "SELECT",
    "erasure": "SELECT (host_country, registration_hash)",
    "erasure_order": NOTHING,
    "extract": "SELECT",
    "hold": NOTHING,
    "list": "SELECT",
    "match": "SELECT",
    "notice": "SELECT (list_id, entry, sequence, notice, reason, name, expected_departure_on, "
    "previous_expected_departure_on, departed_on, marked)",
    "office": "SELECT",
    "paper": "SELECT",
    "paper_case": NOTHING,
    "paper_delivery": "SELECT",
    "paper_file": NOTHING,
    "paper_series": NOTHING,
    "procedure_record": NOTHING,
    "receipt": "SELECT",
    # Not the code: who has it could say that a test message was answered.
    "recipient": "SELECT (office, channel, address, tested_at, confirmed_at)",
    "reconciliation": "SELECT",
    "resend": _ADD,
    "response": NOTHING,
    "review": "SELECT, INSERT, UPDATE (superseded_at)",
    "sealed_file": NOTHING,
    "standing": "SELECT",
    "told": "SELECT",
    "viewed": _ADD,
}
_READER = dict.fromkeys(_WORKER, NOTHING) | {
    "clearance": "SELECT (entry, cleared_at)",
    "entry": "SELECT (entry, host_country)",
    "extract": "SELECT",
    "reconciliation": "SELECT",
    "review": "SELECT (host_country, decided_at, superseded_at)",
}
RIGHTS: Mapping[str, Mapping[str, str]] = MappingProxyType({WORKER: _WORKER, BOARD: _BOARD, READER: _READER})
"""What each role may do with each table of the ledger, as GRANT has it. No table is left out of any role."""

_POLICIES = {
    # The board lets a list go once more, and says neither that it arrived nor that a void one is owed.
    "delivery": [
        f"FOR UPDATE TO {BOARD} USING (state <> 'void') "
        "WITH CHECK (state = 'queued' AND delivered_at IS NULL AND bounced_at IS NULL)"
    ],
    # A decision that was superseded stays so, and is nobody else's afterwards; so does a concern that was closed.
    "review": [
        f"FOR INSERT TO {BOARD} WITH CHECK (superseded_at IS NULL)",
        f"FOR UPDATE TO {BOARD} USING (superseded_at IS NULL) WITH CHECK (superseded_at IS NOT NULL)",
    ],
    "concern": [f"FOR UPDATE TO {BOARD} USING (closed_at IS NULL) WITH CHECK (closed_at IS NOT NULL)"],
}
"""Which rows of a table the board may write, where not all. Everybody else is held by RIGHTS alone."""


class NoRoles(LookupError):
    """The ledger's server has no such role, or knows no roles at all; the message says which."""


def grant(url: str | None = None) -> None:
    """Give each role its rights on the ledger at `url` (default: this installation's), and take all others.

    To be run as the owner of the tables, after `migrate`; in one transaction, and again as often as one likes.
    raises: NoRoles
    """
    url = url or ledger_url()
    if make_url(url).get_backend_name() != "postgresql":
        raise NoRoles("a ledger on SQLite has no roles: who may open its file may do everything")
    with engine(url).begin() as connection:
        _check_roles(connection)
        lift_policies(connection)
        for statement in [*_of_all(connection), *_of_tables()]:
            connection.execute(text(statement))
        place_policies(connection)


def lift_policies(connection: Connection) -> bool:
    """Take every policy on rows away, since no column that one of them names can be altered; whether there was any.

    The tables are open meanwhile, not shut: a worker that silently saw no row would take everything as untold.
    """
    if connection.dialect.name != "postgresql":
        return False
    held = connection.execute(text("SELECT policyname, tablename FROM pg_policies WHERE schemaname = 'public'")).all()
    for policy, table in held:
        connection.execute(text(f'DROP POLICY {policy} ON "{table}"'))
    for table in {table for _, table in held}:
        connection.execute(text(f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY'))
    return bool(held)


def place_policies(connection: Connection) -> None:
    """Put the policies on rows in place, on a ledger of the newest form that has none."""
    for statement in _of_rows():
        connection.execute(text(statement))


def _check_roles(connection: Connection) -> None:
    there = set(connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolcanlogin")))
    if missing := sorted(set(RIGHTS) - there):
        raise NoRoles(
            f"{', '.join(missing)}: no such login on the server. Whoever runs it makes them, each with a password of "
            "its own: CREATE ROLE … LOGIN PASSWORD …"
        )


def _of_all(connection: Connection) -> list[str]:
    database = connection.dialect.identifier_preparer.quote(str(connection.scalar(text("SELECT current_database()"))))
    roles = ", ".join(RIGHTS)
    return [
        # Another database's login, Airflow's say, has no business here.
        f"REVOKE ALL ON DATABASE {database} FROM PUBLIC, {roles}",
        f"GRANT CONNECT ON DATABASE {database} TO {roles}",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {roles}",
        f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {roles}",
    ]


def _of_tables() -> list[str]:
    granted = []
    for role, rights in RIGHTS.items():
        for name, table in Base.metadata.tables.items():
            if rights[name]:
                granted.append(f'GRANT {rights[name]} ON "{name}" TO {role}')
            if "INSERT" in rights[name] and table.autoincrement_column is not None:
                granted.append(f"GRANT USAGE ON SEQUENCE {name}_id_seq TO {role}")
    return granted


def _of_rows() -> list[str]:
    made = []
    for name, policies in _POLICIES.items():
        everybody = ["FOR SELECT USING (true)", f"FOR ALL TO {WORKER} USING (true)"]
        made.append(f'ALTER TABLE "{name}" ENABLE ROW LEVEL SECURITY')
        made += [
            f'CREATE POLICY rights_{number} ON "{name}" {policy}'
            for number, policy in enumerate([*everybody, *policies], 1)
        ]
    return made
