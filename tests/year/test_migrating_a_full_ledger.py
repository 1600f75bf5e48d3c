"""A ledger that has lived goes down to every older form and up again, and nothing goes that may not."""

import datetime as dt
import os
import sqlite3
import uuid
from contextlib import closing
from random import Random

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, inspect, select, text

from include.__main__ import main
from include.ledger import migrating
from include.ledger.engine import engine, writing
from include.ledger.migrating import MAY_GO, WouldBeLost, differences, migrate, migrate_back
from include.ledger.models import (
    Clearance,
    CountedMonth,
    Entry,
    Erasure,
    ErasureOrder,
    Hold,
    List,
    Paper,
    PaperCase,
    PaperDelivery,
    PaperFile,
    PaperSeries,
    Recipient,
    Resend,
    Viewed,
)
from tests.year.arranged import BEGIN, HOSTS, OFFICES
from tests.year.lives import EVENTS, Lives
from tests.year.machine import FAULTS, Year

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
_, *OLDER = [one.revision for one in ScriptDirectory(str(migrating._MIGRATIONS)).walk_revisions()]


@pytest.fixture
def full(new_installation):
    """The URL of a ledger after twelve days with every fault, and with a row in each table that those leave empty."""
    hosts = {"GRC": HOSTS["GRC"]}
    offices = [office for office in OFFICES if set(office.host_countries) & set(hosts)]
    year = Year(new_installation(), offices, Lives(hosts, 8, 12), BEGIN)
    for day in range(12):
        befalls = [(EVENTS[(day + number) % len(EVENTS)], number) for number in range(3)]
        year.a_day([FAULTS[(2 * day + number) % len(FAULTS)] for number in range(2)], Random(day), befalls)
    year.close()
    url = os.environ["AVR_LEDGER"]
    with writing(url) as session:
        _beside_the_lists(session)
    return url


def _beside_the_lists(session):
    entry, number = session.scalars(select(Entry)).first(), session.scalars(select(List.id)).first()
    who = {"host_country": entry.host_country, "case_id": entry.case_id}
    paper = {"series": "GRC-ATH/rejected", "addressee": "GRC-ATH", "year": 2026, "kind": "rejected"}
    session.add(PaperSeries(series=paper["series"]))
    session.flush()
    session.add(
        Paper(**paper, id=1, number=1, number_text="GRC-ATH_2026-R01", state="told", content={}, sealed_at=NOW,
              period_from=dt.date(2026, 10, 1), period_to=dt.date(2026, 10, 31), arrangement_version="a", told_at=NOW)
    )  # fmt: skip
    session.flush()
    for case_id in (entry.case_id, "a case that no reconciliation has seen"):
        session.add(PaperCase(paper_id=1, host_country="GRC", case_id=case_id))
    session.add(PaperDelivery(id=1, paper_id=1, channel="sftp:a:/", state="delivered", attempts=1, cover={},
                              delivered_at=NOW, proof={"verified": "read back"}))  # fmt: skip
    session.flush()
    session.add_all(
        [
            PaperFile(delivery_id=1, position=1, name="a.pdf", content=b"a", sha256="0" * 64),
            CountedMonth(coverage="GRC", month="2026-10", counts=[["all", "", 7]], as_of={"GRC": None}, counted_at=NOW),
            Recipient(office="GRC-ATH", channel="sftp:a:/", address="0" * 64, code="ABCD-EFGH", tested_at=NOW,
                      confirmed_at=NOW, confirmed_by="A. Focal"),
            Hold(**who, placed_by="A. Focal", placed_at=NOW, reason="a court asks"),
            ErasureOrder(**who, ordered_by="A. Focal", ordered_at=NOW, reason="in person"),
            Erasure(host_country="GRC", case_hash="0" * 64, registration_hash="1" * 64, why="request",
                    erased_by="A. Focal", erased_at=NOW, counts={"case": 1}, proof={"searched": 9}),
            Clearance(entry=entry.entry, rules="stateless", asked_on=NOW.date(), cleared_at=NOW, cleared_by="A. Focal",
                      note="spoke with the guardian"),
            Resend(list_id=number, resent_at=NOW, resent_by="A. Focal", reason="the mailbox is repaired"),
            Viewed(**who, viewed_by="A. Focal", viewed_at=NOW, page="trail"),
        ]
    )  # fmt: skip


def _copy(url):
    """The URL of a second ledger with the same in it."""
    engine(url).dispose()
    address, _, name = url.rpartition("/")
    new = f"copy_{uuid.uuid4().hex}"
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(f"{path}.{new}")) as copied:
            old.backup(copied)
        return f"{url}.{new}"
    admin = create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {new} TEMPLATE {name}"))
    admin.dispose()
    return f"{address}/{new}"


def _rows(url):
    """For each table its columns' values, row by row in the order of its primary key."""
    ledger, found = MetaData(), {}
    with engine(url).connect() as connection:
        ledger.reflect(connection)
        for table in ledger.tables.values():
            rows = connection.execute(select(table).order_by(*table.primary_key)).mappings().all()
            found[table.name] = {column.name: [row[column.name] for row in rows] for column in table.columns}
    return {name: columns for name, columns in found.items() if name != "alembic_version"}


def _both_hold(newer, older, but=frozenset()):
    """What stands in both, each as it has it."""
    shared = {(name, column) for name in newer.keys() & older.keys() for column in newer[name].keys() & older[name]}
    shared = {place for place in shared if place[0] not in but and ".".join(place) not in but}
    return tuple({place: rows[place[0]][place[1]] for place in shared} for rows in (newer, older))


def _said(one):
    # A condition says what it is only as a text.
    flat = one | {key: str(value) for key, value in one.get("dialect_options", {}).items()}
    return repr(sorted((key, value) for key, value in flat.items() if key != "dialect_options"))


def _form(url):
    """The schema as the database has it."""
    found = inspect(engine(url))
    return {
        table: (
            {one["name"]: (str(one["type"]), one["nullable"], one["default"]) for one in found.get_columns(table)},
            found.get_pk_constraint(table)["constrained_columns"],
            *(
                sorted(map(_said, read(table)))
                for read in (
                    found.get_foreign_keys,
                    found.get_indexes,
                    found.get_unique_constraints,
                    found.get_check_constraints,
                )
            ),
        )
        for table in found.get_table_names()
    }


THINNED_BELOW = {"0007": "paper_case"}
"""Tables that keep only some of their rows in an older form: what no reconciliation has seen has no place in it."""


def test_what_both_forms_can_hold_is_the_same_down_and_up_and_every_older_form_becomes_the_newest(full):
    before, newest = _rows(full), _form(full)
    assert [name for name, columns in before.items() if not next(iter(columns.values()))] == []
    for older in OLDER:
        migrate_back(older, full, lose=True)
        thinned = {table for above, table in THINNED_BELOW.items() if older < above}
        then, now = _both_hold(before, _rows(full), thinned)
        assert now == then, older
        copied = _copy(full)
        migrate(copied)
        assert differences(copied) == []
        assert _form(copied) == newest, older
        then, now = _both_hold(_rows(full), _rows(copied))
        assert now == then, older
        engine(copied).dispose()
    migrate_back("base", full, lose=True)
    assert set(inspect(engine(full)).get_table_names()) == {"alembic_version"}


def test_a_way_back_that_would_lose_what_was_told_or_decided_is_refused_and_changes_nothing(full):
    before = _rows(full)
    for older, named in (("0009", "resend, viewed"), ("0007", "clearance"), ("0001", "concern, counted_month"),
                         ("base", "told")):  # fmt: skip
        with pytest.raises(WouldBeLost, match=named) as refused:
            migrate_back(older, full)
        assert not MAY_GO & set(str(refused.value).replace(",", "").split())
        assert _rows(full) == before
        assert differences(full) == []
    assert main(["migrate", "--to", "0009"]) == 1
    there = {*before, *(f"{table}.{column}" for table, columns in before.items() for column in columns)}
    assert MAY_GO - {"alembic_version"} <= there
    with pytest.raises(ValueError, match="no migration 9999"):
        migrate_back("9999", full)
    with writing(full) as session:
        for table in (Resend, Viewed):
            session.query(table).delete()
    migrate_back("0009", full)
    assert "attempt" not in inspect(engine(full)).get_table_names(), "what may go goes unasked"
