"""A few cases and records, small enough to read, for tests of the ledger and of what stands on it."""

import datetime as dt

import pandas as pd

from include.ledger import caseload, intake, outbox
from include.ledger.engine import writing
from include.ledger.intake import Partition
from include.ledger.models import List
from include.ledger.sending import Parcel

MONDAY = dt.date(2026, 11, 2)
TUESDAY = dt.date(2026, 11, 3)
MORNING = dt.datetime(2026, 11, 2, 7, tzinfo=dt.UTC)


def case(case_id="GRC-AVR-000001", **more) -> dict:
    return {
        "case_id": case_id,
        "iom_office": "ATH",
        "family_name": "Rahimi",
        "given_names": "Ahmad",
        "date_of_birth": "1990-01-01",
        "sex": "M",
        "nationality": "AFG",
        "typed_asylum_reference": None,
        "unhcr_reference": None,
        "destination_country": "AFG",
        "registered_on": pd.Timestamp("2026-10-01"),
        "expected_departure_on": pd.Timestamp("2026-11-20"),
        "departed_on": pd.NaT,
        "status": "booked",
        "sharing_consent": None,
        "standing": "pending",
        "to_tell": True,
        "marked": "",
        "concerns": "",
        "urgent": False,
    } | more


def cases(*rows: dict) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(case()))
    for column in ("registered_on", "expected_departure_on", "departed_on"):
        frame[column] = pd.to_datetime(frame[column]).astype("datetime64[s]")
    return frame


def record(reference="GRC-ASY-000001", **more) -> dict:
    return {
        "asylum_reference": reference,
        "applied_on": pd.Timestamp("2026-01-05"),
        "stage": "first_instance",
        "outcome": "pending",
        "outcome_on": pd.NaT,
        "final": False,
    } | more


def register(*rows: dict) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(record()))
    for column in ("applied_on", "outcome_on"):
        frame[column] = pd.to_datetime(frame[column]).astype("datetime64[s]")
    return frame


def matches(*pairs: tuple[str, str], decision="accept") -> pd.DataFrame:
    return pd.DataFrame(
        [(case_id, reference, 0.9999, decision, "linkage") for case_id, reference in pairs],
        columns=["case_id", "asylum_reference", "match_probability", "decision", "method"],
    )


def accept_both(session, partition: Partition, rows: int, quarantined: int = 0, mark: str = "a") -> None:
    for kind in ("avr_cases", "asylum_procedure"):
        intake.accept_extract(
            session,
            partition,
            kind,
            sha256=(mark + kind[:1]).ljust(64, "0"),
            file_name=f"{kind}.csv",
            row_count=rows,
            quarantined_count=quarantined,
            now=MORNING,
        )


def reconcile(
    day, table, links=None, records=None, unusable=0, mark="a", host="GRC", add_up=True, policy_version=None
) -> dict[str, int]:
    """Write and add up a day as the DAG does, from tables that are decided already."""
    partition = Partition(host, day)
    with writing() as session:
        accept_both(session, partition, len(table) + unusable, unusable, mark)
    with writing() as session:
        counts = caseload.write_day(
            session,
            partition,
            cases=table,
            matches=matches() if links is None else links,
            register=register() if records is None else records,
            unusable=unusable,
            without_office=0,
            model_version="test",
            policy_version=policy_version,
            now=MORNING,
        )
    if add_up:
        with writing() as session:
            caseload.add_up(session, partition, MORNING)
    return counts


def notices(*case_ids: str, notice="NEW", reason="") -> pd.DataFrame:
    row = {
        "host_country": "GRC",
        "case_id": None,
        "notice": notice,
        "reason": reason,
        "name": "RAHIMI, Ahmad",
        "expected_departure_on": pd.Timestamp("2026-11-20"),
        "previous_expected_departure_on": pd.NaT,
        "departed_on": pd.NaT,
        "marked": "",
        "shared": {},
    }
    return pd.DataFrame([row | {"case_id": case_id} for case_id in case_ids], columns=list(row))


def send_list(table, office="GRC-ATH", channels=("sftp:a",), number=None, due_at=MORNING) -> int:
    """Seal a list with these notices; its id."""
    with writing() as session:
        outbox.lock_office(session, office)
        outbox.see_to(session, office, due_at)
        table = outbox.give_entries(session, office, table, due_at)
        sealed = List(
            office=office,
            year=2026,
            number=number or outbox.next_number(session, office, 2026),
            kind="scheduled",
            state="sealed",
            due_at=due_at,
            period_from=due_at.date(),
            period_to=due_at.date(),
            as_of={},
            arrangement_version="test",
            columns=[],
            sealed_at=due_at,
        )
        parcels = [Parcel(channel, {}, (("list.csv", b"list", "0" * 64),)) for channel in channels]
        outbox.store_list(session, sealed, table, parcels)
        return sealed.id
