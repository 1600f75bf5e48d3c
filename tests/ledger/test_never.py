"""What must never happen, refused by the database itself on SQLite and PostgreSQL."""

import traceback

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import IntegrityError

from include.ledger import outbox
from include.ledger.engine import writing
from include.ledger.models import Delivery, Entry, Match, Notice, Told
from tests.ledger.world import MONDAY, MORNING, case, cases, matches, notices, reconcile, record, register, send_list

pytestmark = pytest.mark.usefixtures("ledger")


@pytest.fixture
def one_case():
    reconcile(MONDAY, cases(case("A")), matches(("A", "R")), register(record("R")))


def test_two_lists_with_one_number(one_case):
    send_list(notices("A"), number=1)
    with pytest.raises(IntegrityError):
        send_list(notices(), number=1)


def test_an_entry_twice_on_a_list(one_case):
    list_id = send_list(notices("A"))
    with writing() as session:
        entry = session.scalars(select(Entry.entry)).one()
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(insert(Notice), [_notice(list_id, entry, sequence=2)])


def test_the_same_notice_of_an_entry_on_two_lists(one_case):
    send_list(notices("A"))
    second = send_list(notices())
    with writing() as session:
        entry = session.scalars(select(Entry.entry)).one()
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(insert(Notice), [_notice(second, entry, sequence=1)])


def test_a_told_notice_without_a_list(one_case):
    list_id = send_list(notices("A"))
    with writing() as session:
        entry = session.scalars(select(Entry.entry)).one()
        delivery = session.scalars(select(Delivery.id)).one()
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(
            insert(Told), [{"list_id": list_id + 1, "entry": entry, "delivery_id": delivery, "told_at": MORNING}]
        )


def test_two_open_entries_of_one_case_for_one_office(one_case):
    send_list(notices("A"))
    row = {"entry": "ZZZZ-ZZZZ", "office": "GRC-ATH", "host_country": "GRC", "case_id": "A", "opened_at": MORNING}
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(insert(Entry), [row])


def test_two_open_accepted_matches_of_one_case(one_case):
    row = {
        "host_country": "GRC",
        "case_id": "A",
        "asylum_reference": "R",
        "probability": 1.0,
        "decision": "accept",
        "method": "reference",
        "model_version": "test",
        "since": MONDAY,
    }
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(insert(Match), [row])


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE list SET state = 'told'",
        "UPDATE list SET number = 0",
        "UPDATE list SET kind = 'weekly'",
        "UPDATE delivery SET state = 'delivered'",
        "UPDATE notice SET notice = 'GONE'",
        "UPDATE notice SET reason = 'changed_mind'",
        "UPDATE standing SET standing = 'unknown'",
        "UPDATE extract SET quarantined_count = 1",
        "UPDATE match SET probability = 1.1",
        "DELETE FROM list",
        "UPDATE \"case\" SET status = 'departed'",
    ],
)
def test_a_state_that_has_no_meaning(one_case, statement):
    send_list(notices("A"))
    with pytest.raises(IntegrityError), writing() as session:
        session.execute(text(statement))


def test_a_list_that_is_half_stored(one_case):
    with pytest.raises(IntegrityError):
        send_list(notices("A"), channels=("sftp:a", "sftp:a"))
    with writing() as session:
        assert session.scalars(select(Notice.entry)).all() == []
        assert outbox.next_number(session, "GRC-ATH", 2026) == 1


def _notice(list_id, entry, sequence):
    return {
        "list_id": list_id,
        "entry": entry,
        "sequence": sequence,
        "notice": "NEW",
        "reason": "",
        "name": "",
        "marked": "",
        "shared": {},
    }


def test_what_the_database_refuses_is_never_quoted_in_its_error(one_case):
    list_id = send_list(notices("A"))
    with writing() as session:
        entry = session.scalars(select(Entry.entry)).one()
    row = _notice(list_id, entry, sequence=0) | {"name": "ZQUNHEARD, Of"}
    with pytest.raises(IntegrityError) as refused, writing() as session:
        session.execute(insert(Notice), [row])
    told = "".join(traceback.format_exception(refused.value))
    assert "sequence" in told
    assert "ZQUNHEARD" not in told
    assert entry not in told
