"""An office that has its list of three entries, and what the ledger has of its answers."""

import io

import pandas as pd
from sqlalchemy import select

from include.arrangements.models import Arrangement
from include.ledger import outbox
from include.ledger.engine import reading, writing
from include.ledger.models import Answer, Concern, Delivery, List, Notice, Receipt
from tests.ledger.world import MONDAY, MORNING, case, cases, notices, reconcile, send_list

LIST = "GRC-ATH_2026-0001"
CASES = ("A", "B", "C")
COLUMNS = ["list_number", "entry", "voluntariness_concern", "record_closed_on", "remarks"]


def office(code="GRC-ATH", **answers) -> Arrangement:
    given = {"folder": "/answers", "mailbox": "imap_test", "escalate": ["focal.point@iom.example"]} | answers
    return Arrangement.model_validate(
        {
            "office": code,
            "name": "UNHCR Greece, Athens",
            "host_countries": ["GRC"],
            "timezone": "Europe/Athens",
            "language": "en",
            "list": {"days": ["mon", "thu"], "at": "09:00", "holidays": "GRC"},
            "consent": "recorded",
            "deliver": [
                {"via": "sftp", "connection": "sftp_test", "folder": "/lists", "seal": "none"},
                {"via": "email", "connection": "smtp_test", "to": ["protection@unhcr.example"], "seal": "password",
                 "password_by": "telephone, +30 210 000 0000"},
            ],
            "answers": given,
            "effective_from": "2026-11-01",
        }
    )  # fmt: skip


def told_list(code="GRC-ATH", table=None, moment=MORNING, state="told") -> dict[str, str]:
    """Let the office have a list of these notices; the entry of each case."""
    number = send_list(notices(*CASES) if table is None else table, office=code, due_at=moment)
    if state == "told":
        with writing() as session:
            for delivery in session.scalars(select(Delivery).filter_by(list_id=number)):
                outbox.record_delivered(session, delivery.id, {}, moment)
    return entries(number)


def entries(number: int) -> dict[str, str]:
    with reading() as session:
        rows = session.execute(
            select(outbox.Entry.case_id, Notice.entry)
            .join(outbox.Entry, outbox.Entry.entry == Notice.entry)
            .where(Notice.list_id == number)
        )
        return {case_id: entry for case_id, entry in rows}  # noqa: C416


def booked(*case_ids: str, day=MONDAY, **more) -> None:
    reconcile(day, cases(*[case(case_id, **more) for case_id in case_ids or (*CASES, "D")]), mark=str(day.day))


def file(*rows, number=LIST) -> bytes:
    """A CSV with an answer a row: entry, concern, closed on, remarks."""
    table = pd.DataFrame([(number, *row) for row in rows], columns=COLUMNS)
    text = io.StringIO()
    table.to_csv(text, index=False)
    return text.getvalue().encode()


def kept(model):
    with reading() as session:
        return session.scalars(select(model)).all()


def answers() -> list[tuple]:
    return [(one.entry, one.concern, one.record_closed_on, one.remarks) for one in kept(Answer)]


def open_entries() -> list[str]:
    return [one.entry for one in kept(Concern) if one.closed_at is None]


def receipts() -> dict[str, str]:
    with reading() as session:
        rows = session.execute(select(List, Receipt).join(Receipt, Receipt.list_id == List.id))
        return {received.list_number: receipt.received_by for received, receipt in rows}
