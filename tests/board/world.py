"""A host country with a case in review, a case that was told, and a concern about it: small enough to read."""

import csv
import datetime as dt
import io

from include.casework.partition import decide_partition
from include.extracts.partition import take_in
from include.ledger import outbox, responses
from include.ledger.engine import writing
from include.ledger.intake import Partition
from include.ledger.models import List
from include.matching.partition import link_partition
from include.reports.day import check_day_adds_up
from tests.ledger.world import MONDAY, MORNING, notices, send_list
from tests.responses.world import entries

NOON = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)
LIST = "GRC-ATH_2026-0001"
DOUBTED, IN_REVIEW = "AVR-1002", "AVR-1001"
NAMES = ("Rahimi", "RAHIMI", "Zaher", "Mamulashvili", "MAMULASHVILI", "Giorgi")
_AHMAD = {"family_name": "Rahimi", "given_names": "Ahmad Zaher", "date_of_birth": "1990-01-01", "sex": "M",
          "nationality": "AFG", "host_country": "GRC", "updated_at": "2026-11-01T08:00:00+02:00"}  # fmt: skip
_GIORGI = _AHMAD | {"family_name": "Mamulashvili", "given_names": "Giorgi", "date_of_birth": "1985-03-07",
                    "nationality": "GEO", "unhcr_reference": "785-00123456"}  # fmt: skip
_OF_CASE = {"registered_on": "2026-10-20", "status": "booked", "iom_office": "ATH",
            "expected_departure_on": "2026-11-20"}  # fmt: skip
_OF_RECORD = {"applied_on": "2026-01-05", "stage": "first_instance", "outcome": "pending", "final": "false"}
CASES = [
    _AHMAD | _OF_CASE | {"case_id": IN_REVIEW, "expected_departure_on": "2026-11-04"},
    _GIORGI | _OF_CASE | {"case_id": DOUBTED},
]
REGISTER = [
    _AHMAD | _OF_RECORD | {"asylum_reference": "ASY-7001"},
    _GIORGI | _OF_RECORD | {"asylum_reference": "ASY-7002"},
]


def run(day=MONDAY, cases=CASES, register=REGISTER) -> None:
    """A day from its files to its standings."""
    partition = Partition("GRC", day)
    for kind, rows in (("avr_cases", cases), ("asylum_procedure", register)):
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(column for row in rows for column in row)))
        writer.writeheader()
        writer.writerows(rows)
        take_in(partition, kind, io.BytesIO(text.getvalue().encode()), file_name=f"{kind}.csv", manifest=None,
                may_lose=None, now=MORNING)  # fmt: skip
    link_partition(str(partition))
    decide_partition(str(partition), MORNING)
    check_day_adds_up(str(partition), MORNING)


def tell(case_id=DOUBTED) -> str:
    """Let GRC-ATH have a list that names the case; its entry."""
    number = send_list(notices(case_id).assign(name="MAMULASHVILI, Giorgi"))
    with writing() as session:
        delivery, _, _ = outbox.next_delivery(session, "GRC-ATH", "sftp:a")
        outbox.record_attempt(session, delivery.id, MORNING)
        outbox.record_failure(session, delivery.id, "queued", "the server does not answer")
        outbox.record_attempt(session, delivery.id, MORNING + dt.timedelta(minutes=5))
        outbox.record_delivered(session, delivery.id, {"verified": "read back"}, MORNING + dt.timedelta(minutes=5))
    return entries(number)[case_id]


def doubt(entry: str, remarks="please ask Giorgi again") -> None:
    """The office has a concern about the entry."""
    with writing() as session:
        about = responses.lists_of(session, "GRC-ATH", [LIST])
        response = responses.record_response(session, "GRC-ATH", "email", entry.ljust(64, "0"), "read", [], NOON)
        said = [responses.Said(LIST, entry, True, None, remarks)]
        responses.take(session, response, said, about)
        responses.record_receipt(session, about[LIST], "answer", NOON)


def bounce() -> None:
    """The list comes back from its recipient."""
    with writing() as session:
        (delivery,) = session.query(outbox.Delivery).all()
        delivery.state, delivery.delivered_at, delivery.last_error = "refused", None, "came back (5.1.1)"
        delivery.bounced_at = NOON
        told = session.get_one(List, delivery.list_id)
        told.state, told.told_at = "sealed", None
