"""No page looks through a table that grows with the years: every query finds what it needs by an index."""

import re

import pytest
from sqlalchemy import event

from include.board import pages, people
from include.board.today import today
from include.ledger import board
from include.ledger.engine import engine, reading
from tests.board.world import DOUBTED, LIST, NOON, bounce
from tests.ledger.world import MONDAY

# SQLite says in so many words what it scans; PostgreSQL scans a small table whatever there is.
pytestmark = pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
GROWING = {"list", "notice", "delivery", "attempt", "told", "answer", "receipt", "response", "entry", "case", "standing",
           "match", "review", "extract", "reconciliation", "viewed"}  # fmt: skip
OPEN_ONLY = ("ix_list_chased", "uq_match_open_pair")
"""Indexes of what is open alone: to go through one of these is what it is for."""


def trail() -> None:
    with reading() as session:
        board.trail(session, "GRC", DOUBTED)


PAGES = {
    "today": lambda: today(NOON),
    "office": lambda: pages.office_page("GRC-ATH", NOON),
    "list": lambda: pages.list_page(LIST, NOON),
    "concerns": lambda: people.concerns_by_days(NOON),
    "review": people.queue,
    "timeliness": lambda: pages.timeliness(None, MONDAY),
    "timeliness of one": lambda: pages.timeliness("GRC", MONDAY),
    "trail": trail,
}


def scans(ledger: str, page) -> list[str]:
    """What the queries of a page look through from end to end."""
    asked = []
    listen = lambda _, __, statement, parameters, *___: asked.append((statement, parameters))  # noqa: E731
    event.listen(engine(ledger), "before_cursor_execute", listen)
    page()
    event.remove(engine(ledger), "before_cursor_execute", listen)
    found = []
    with engine(ledger).connect() as connection:
        for statement, parameters in asked:
            for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
                scanned = re.match(r"SCAN (\w+?)(_\d+)?( |$)", step)
                if scanned and scanned[1] in GROWING and not step.endswith(OPEN_ONLY):
                    found.append(step)
    assert asked
    return found


@pytest.mark.parametrize("page", PAGES)
def test_no_page_scans_a_table_that_grows_with_the_years(told, ledger, page):
    bounce()
    assert scans(ledger, PAGES[page]) == []


def test_a_scan_is_seen(told, ledger):
    def look_at_all() -> None:
        with reading() as session:
            session.query(board.List).filter(board.List.period_from >= MONDAY).all()

    assert scans(ledger, look_at_all) == ["SCAN list"]
