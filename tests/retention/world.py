"""A departed person of whom everything was told and answered, beside one who is still there; and their files."""

import datetime as dt
import os
from pathlib import Path

import pandas as pd

from include.extracts.partition import take_in
from include.ledger import caseload, clearances, intake, outbox, responses, reviews
from include.ledger.engine import reading, writing
from include.ledger.intake import Partition
from include.ledger.models import List
from include.ledger.outbox import Parcel
from include.ledger.responses import Said
from include.ledger.reviews import Pair
from include.settings import data_folder, write_private
from tests.ledger import world
from tests.ledger.world import MONDAY, MORNING, case, cases, matches, reconcile, record, register

GONE = "GRC-AVR-777001"
STAYS = "GRC-AVR-777002"
FAMILY, GIVEN = "Zarghunshahi", "محبوبه سادات"
REFERENCE = "GRC-ASY-7770010"
NAMED = {FAMILY, FAMILY.upper(), GIVEN, GONE, REFERENCE, "UNHCR-7770099", "she asked about Qandaghaj"}
"""Every text that names the person who goes."""
DEPARTED = dt.date(2026, 11, 20)
LATER = dt.datetime(2027, 2, 19, 2, 30, tzinfo=dt.UTC)
"""91 days after the departure."""


def person(**more) -> dict:
    return case(
        GONE, family_name=FAMILY, given_names=GIVEN, date_of_birth="1987-05-06", unhcr_reference="UNHCR-7770099",
        typed_asylum_reference=REFERENCE, marked="unaccompanied_child", concerns="unaccompanied_child",
    ) | more  # fmt: skip


def other(**more) -> dict:
    return case(STAYS, family_name="Bleibtreu", given_names="Frieda") | more


def live(offices=("GRC-ATH",), *, answered=True, departed=DEPARTED) -> None:
    """From the first list to the departure: told, doubted, decided upon, answered, confirmed."""
    both = matches((GONE, REFERENCE), (STAYS, "GRC-ASY-2"))
    records = register(record(REFERENCE), record("GRC-ASY-2"))
    reconcile(MONDAY, cases(person(), other()), both, records)
    with writing() as session:
        reviews.record_decision(
            session, Pair("GRC", GONE, REFERENCE), "accept", by="a reviewer", reason=f"the photo of {GIVEN}",
            evidence="0" * 64, one_person=False, clock=lambda: MORNING,
        )  # fmt: skip
    with writing() as session:
        outbox.lock_office(session, offices[0])
        clearances.ask(session, offices[0], {("GRC", GONE): "unaccompanied_child"}, MONDAY, MORNING)
        (waiting,) = clearances.waiting(session)
        clearances.clear(session, waiting.number, "the focal point", f"the guardian of {GIVEN} agrees", MORNING)
    for office in offices:
        tell(office, GONE, STAYS)
    if answered:
        answer(offices[0], GONE, concern=True)
        with writing() as session:
            (concern,) = responses.open_concerns(session)
            responses.close_concern(session, concern.entry, "the focal point", f"spoke with {GIVEN}", MORNING)
    if departed:
        left = pd.Timestamp(departed)
        gone = person(status="departed", departed_on=left)
        reconcile(departed, cases(gone, other()), both, records, mark="b")
        for office in offices:
            tell(office, GONE, notice="DEPARTED", departed_on=left, at=MORNING + dt.timedelta(days=20))
        reconcile(departed + dt.timedelta(days=5), cases(other()), matches((STAYS, "GRC-ASY-2")), records, mark="c")


def tell(office, *case_ids, notice="NEW", reason="", at=MORNING, deliver=True, **more) -> str:
    """Seal a list for the office, and let it arrive; its number."""
    table = world.notices(*case_ids, notice=notice, reason=reason).assign(**more)
    names = {GONE: f"{FAMILY.upper()}, {GIVEN}", STAYS: "BLEIBTREU, Frieda"}
    table["name"] = table["case_id"].map(names)
    table["shared"] = [{"case_id": one} for one in table["case_id"]]
    with writing() as session:
        outbox.lock_office(session, office)
        table = outbox.give_entries(session, office, table, at)
        sealed = List(
            office=office, year=at.year, number=outbox.next_number(session, office, at.year), kind="scheduled",
            state="sealed", due_at=at, period_from=at.date(), period_to=at.date(), as_of={"GRC": None},
            arrangement_version="test", columns=["case_id"], sealed_at=at,
        )  # fmt: skip
        content = f"list {table['name'].tolist()}".encode()
        outbox.store_list(session, sealed, table, [Parcel("sftp:a", {}, (("list.csv", content, "0" * 64),))])
        number = sealed.list_number
    if deliver:
        arrive(office, at)
    return number


def arrive(office, at=MORNING) -> None:
    with writing() as session:
        found = outbox.next_delivery(session, office, "sftp:a")
        assert found
        outbox.record_attempt(session, found[0].id, at)
        outbox.record_delivered(session, found[0].id, {"size": 4}, at)


def entry_of(office, case_id) -> str:
    with reading() as session:
        told = outbox.last_told(session, office)
        return told.set_index("case_id").loc[case_id, "entry"]


def answer(office, case_id, *, concern=None, remarks="she asked about Qandaghaj") -> None:
    with writing() as session:
        response = responses.record_response(session, office, "sftp", "c" * 64, "read", [], MORNING)
        number = f"{office}_2026-0001"
        lists = responses.lists_of(session, office, [number])
        said = Said(number, entry_of(office, case_id), concern, None, remarks)
        responses.take(session, response, [said], lists)


def pull(day: dt.date, *rows: dict, host="GRC") -> None:
    """Take in a day's two extracts as files: these cases, and a register in which each has a record."""
    of_cases = [
        {
            "case_id": one["case_id"], "host_country": host, "family_name": one["family_name"],
            "given_names": one["given_names"], "date_of_birth": one["date_of_birth"], "nationality": "AFG",
            "asylum_reference": one["typed_asylum_reference"], "registered_on": f"{one['registered_on']:%Y-%m-%d}",
            "expected_departure_on": "2026-11-20",
            "departed_on": "" if pd.isna(one["departed_on"]) else f"{one['departed_on']:%Y-%m-%d}",
            "status": one["status"], "updated_at": "2026-11-01T00:00:00+00:00",
        } for one in rows
    ]  # fmt: skip
    of_register = [
        {
            "asylum_reference": one["typed_asylum_reference"] or f"GRC-ASY-{number}", "host_country": host,
            "family_name": one["family_name"], "given_names": one["given_names"], "nationality": "AFG",
            "date_of_birth": one["date_of_birth"], "applied_on": "2026-01-05", "stage": "appeal",
            "outcome": "pending", "final": "false", "updated_at": "2026-11-01T00:00:00+00:00",
        } for number, one in enumerate(rows)
    ]  # fmt: skip
    for kind, table in (("avr_cases", of_cases), ("asylum_procedure", of_register)):
        path = data_folder().parent / "sent" / f"{kind}_{host}_{day:%Y%m%d}.csv"
        path.parent.mkdir(exist_ok=True)
        pd.DataFrame(table).to_csv(path, index=False)
        with path.open("rb") as file:
            take_in(
                Partition(host, day), kind, file, file_name=path.name, manifest=None, may_lose=None,
                now=dt.datetime.combine(day, dt.time(6), dt.UTC),
            )  # fmt: skip


def settle(day: dt.date, *rows: dict) -> None:
    """Pull and reconcile a day whose matches are decided already, and keep their links as linking does."""
    pull(day, *rows)
    partition = Partition("GRC", day)
    links = matches(*((one["case_id"], REFERENCE if one["case_id"] == GONE else "GRC-ASY-2") for one in rows))
    now = dt.datetime.combine(day, dt.time(7), dt.UTC)
    with writing() as session:
        extracts = intake.both_extracts(session, partition)
        caseload.write_day(
            session, partition, cases=cases(*rows), matches=links,
            register=register(*(record(reference) for reference in links["asylum_reference"])),
            unusable=0, without_office=0, model_version="test", policy_version=None, now=now,
        )  # fmt: skip
        caseload.add_up(session, partition, now)
    name = "-".join(one.sha256[:16] for one in extracts)
    keep(f"links/GRC/{day}/{name}-test.parquet", links.to_parquet(index=False))


def keep(place: str, content: bytes, at: dt.datetime = LATER) -> Path:
    """A file of the data folder as it was left at that moment."""
    path = write_private(data_folder() / place, content)
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path
