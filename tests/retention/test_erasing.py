"""What goes when a case is erased, and what stays; on both databases."""

import datetime as dt

import pandas as pd
import pytest
from sqlalchemy import func, select, text

from include.ledger import caseload, figures, models, outbox, responses, retention, storage
from include.ledger.engine import engine, reading, writing
from include.ledger.models import Base, Case, Erasure, List, Match, Notice, ProcedureRecord, SealedFile, Told
from include.ledger.retention import NotErasable
from include.retention import run
from include.retention.scan import Needles
from include.settings import hashing_key
from tests.ledger.world import MORNING, cases, matches, reconcile, record, register
from tests.retention.world import (
    DEPARTED,
    FAMILY,
    GONE,
    LATER,
    NAMED,
    REFERENCE,
    STAYS,
    answer,
    live,
    other,
    person,
    tell,
)

pytestmark = pytest.mark.usefixtures("ledger")
KEY = b"k" * 32


def erase(case_id=GONE):
    with writing() as session:
        return retention.erase(session, "GRC", case_id, key=KEY, why="retention", by="the test", now=LATER)


def written() -> str:
    """Every value of every table, as text."""
    with reading() as session:
        names = Base.metadata.tables
        rows = [row for name in names for row in session.execute(text(f'SELECT * FROM "{name}"')).all()]
    return "\n".join(str(bytes(cell) if isinstance(cell, memoryview) else cell) for row in rows for cell in row)


def named_in(content: str) -> set[str]:
    return {one for one in NAMED if one in content or one.encode("unicode_escape").decode() in content}


def counted() -> dict:
    """Every figure that is told of the past."""
    with reading() as session:
        entries = select(Notice.list_id, func.count()).group_by(Notice.list_id).order_by(Notice.list_id)
        return {
            "owed": figures.owed(session),
            "standings": figures.standings(session),
            "quarantined": figures.quarantined(session),
            "in review": figures.cases_in_review(session),
            "told": [figures.told_since(session, office, MORNING) for office in ("GRC-ATH", "GRC-THE")],
            "lists": [
                (one.list_number, one.state, one.told_at) for one in session.scalars(select(List).order_by(List.id))
            ],
            "entries": session.execute(entries).all(),
            "notices": session.execute(
                select(Notice.notice, Notice.reason, func.count()).group_by(Notice.notice, Notice.reason)
            ).all(),
            "lead": session.execute(select(Told.told_at, Told.lead_days).order_by(Told.told_at, Told.lead_days)).all(),
            "said": len(responses.everything_said(session)),
            "largest": outbox.largest_list(session, "GRC-ATH", MORNING.date()),
            "first": outbox.has_any_list(session, "GRC-ATH"),
            "nationalities": session.execute(select(Case.nationality, func.count()).group_by(Case.nationality)).all(),
        }


def test_nothing_that_names_the_person_is_left_in_any_row_and_the_other_case_stays_as_it_was():
    live(offices=("GRC-ATH", "GRC-THE"))
    before = written()
    assert named_in(before) == NAMED, "or the test looks for what was never there"
    erase()
    assert named_in(written()) == set()
    assert "Bleibtreu" in written()
    assert "BLEIBTREU, Frieda" in written()
    with reading() as session:
        assert session.get(Case, ("GRC", STAYS)).date_of_birth == "1990-01-01"
        gone = session.scalars(select(Case).where(Case.erased_on.is_not(None))).one()
        assert (gone.date_of_birth, gone.sex, gone.marked, gone.concerns) == (None, None, "", "")
        assert gone.departed_on == DEPARTED.replace(day=1)
        assert {notice.departed_on for notice in session.scalars(select(Notice))} == {None}


def test_every_figure_of_the_past_is_the_same_afterwards():
    live(offices=("GRC-ATH", "GRC-THE"))
    before = counted()
    erase()
    assert counted() == before


def test_a_list_on_which_somebody_was_erased_keeps_its_number_and_hash_and_loses_its_content():
    live()
    alone = tell("GRC-ATH", STAYS, notice="CHANGED")
    erase()
    with reading() as session:
        files = session.execute(
            select(List.number, func.length(SealedFile.content), SealedFile.sha256)
            .join_from(SealedFile, retention.Delivery, retention.Delivery.id == SealedFile.delivery_id)
            .join(List, List.id == retention.Delivery.list_id)
            .order_by(List.number)
        ).all()
    assert [(number, length > 0) for number, length, _ in files] == [(1, False), (2, False), (3, True)]
    assert {sha256 for _, _, sha256 in files} == {"0" * 64}
    assert alone.endswith("-0003")


def test_a_list_that_was_emptied_is_not_sent_again():
    live()
    erase()
    with writing() as session:
        session.execute(
            text("UPDATE delivery SET state = 'refused', delivered_at = NULL, bounced_at = last_attempt_at")
        )
    with reading() as session:
        assert outbox.next_delivery(session, "GRC-ATH", "sftp:a") is None
    with writing() as session, pytest.raises(outbox.NotResendable, match="somebody on it was erased"):
        outbox.resend_list(session, "GRC-ATH_2026-0001")


def test_an_office_hears_nothing_more_of_an_erased_case():
    live()
    erase()
    with reading() as session:
        assert set(outbox.last_told(session, "GRC-ATH")["case_id"]) == {STAYS}
        assert set(outbox.cases_of_concern(session, "GRC-ATH", ["GRC"])["case_id"]) == {STAYS}
        assert list(caseload.told_cases(session, "GRC")) == [STAYS]
        assert responses.still_open(session) == [], "nobody is reminded of a record of somebody who is forgotten"


def test_a_record_that_another_case_names_stays():
    live()
    again = cases(other(case_id="GRC-AVR-3"), other())
    reconcile(
        DEPARTED + dt.timedelta(days=6), again, matches(("GRC-AVR-3", REFERENCE), (STAYS, "GRC-ASY-2")),
        register(record(REFERENCE)), mark="d",
    )  # fmt: skip
    erase()
    with reading() as session:
        assert session.get(ProcedureRecord, ("GRC", REFERENCE))
        assert set(session.scalars(select(Match.case_id).filter_by(asylum_reference=REFERENCE))) == {"GRC-AVR-3"}


def test_days_that_follow_neither_miss_the_erased_case_nor_count_it():
    live()
    erase()
    day = DEPARTED + dt.timedelta(days=100)
    reconcile(day, cases(other()), matches((STAYS, "GRC-ASY-2")), mark="e")
    with reading() as session:
        assert session.execute(
            text(f"SELECT missing_count FROM reconciliation WHERE day = '{day}'")
        ).scalar() == 0  # fmt: skip
        assert session.scalar(select(func.count()).select_from(Case)) == 2


def test_the_same_case_registered_anew_is_a_case_of_its_own():
    live()
    erase()
    anew = person(registered_on=pd.Timestamp("2027-02-01"), status="booked", departed_on=pd.NaT)
    reconcile(LATER.date(), cases(anew, other()), matches((GONE, REFERENCE)), register(record(REFERENCE)), mark="f")
    tell("GRC-ATH", GONE, at=LATER)
    with reading() as session:
        told = outbox.last_told(session, "GRC-ATH").set_index("case_id")
        assert told.loc[GONE, "notice"] == "NEW"
        assert len(session.scalars(select(Case)).all()) == 3


@pytest.mark.parametrize("what", ["held", "in flight", "concern"])
def test_what_stands_against_it_is_looked_at_in_the_same_transaction(what):
    live(answered=False)
    with writing() as session:
        if what == "held":
            retention.place_hold(session, "GRC", GONE, by="a lawyer", reason="a court asks", now=LATER)
    if what == "in flight":
        tell("GRC-ATH", GONE, notice="CHANGED", at=LATER, deliver=False)
    if what == "concern":
        answer("GRC-ATH", GONE, concern=True)
    with pytest.raises(NotErasable):
        erase()
    assert FAMILY in written()


def test_a_late_remark_on_an_erased_case_does_not_stay():
    live(answered=False)
    with reading() as session:
        entry = session.execute(text("SELECT entry FROM entry WHERE case_id = :case"), {"case": GONE}).scalar()
    erase()
    with writing() as session:
        response = responses.record_response(session, "GRC-ATH", "sftp", "f" * 64, "read", [], LATER)
        lists = responses.lists_of(session, "GRC-ATH", ["GRC-ATH_2026-0001"])
        said = responses.Said("GRC-ATH_2026-0001", entry, None, LATER.date(), f"we knew {FAMILY}")
        responses.take(session, response, [said], lists)
    assert FAMILY in written()
    run.erase_due(LATER)
    assert FAMILY not in written()


def on_disk(names=NAMED) -> set[str]:
    needles, found = Needles(names), set()
    for path in storage.files():
        with path.open("rb") as file:
            found |= needles.in_stream(file)[1]
    for stream in storage.dumped():
        found |= needles.in_stream(stream)[1]
    return found


def test_after_erasing_the_names_are_still_on_the_disk_until_the_database_is_written_anew(ledger):
    live()
    assert storage.files(), "the database's files are there to be read"
    # Statistics keep the commonest values; a few more rows make them worth keeping.
    if ledger.startswith("postgresql"):
        with engine(ledger).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    erase()
    assert on_disk() != set(), "or there would be nothing to do"
    storage.compact()
    assert on_disk() == set()
    assert on_disk({"Bleibtreu"}) == {"Bleibtreu"}, "or the search is blind"


def test_the_erasure_is_kept_as_hashes_and_counts():
    live()
    run.erase_due(LATER)
    with reading() as session:
        (kept,) = session.scalars(select(Erasure))
        assert (kept.why, kept.erased_by, kept.erased_at) == ("retention", "retain_records", LATER)
        assert kept.counts == {
            "answer": 1, "case": 1, "entry": 1, "match": 1, "notice": 2, "procedure_record": 1, "review": 1,
            "sealed_file": 2, "standing": 1,
        }  # fmt: skip
        assert kept.proof["searched_for"] >= len(NAMED) - 1
        assert kept.case_hash == retention.case_hash(hashing_key(), "GRC", GONE)


def test_a_paper_that_names_the_person_is_emptied_once_it_is_with_somebody():
    live()
    with writing() as session:
        session.add(models.PaperSeries(series="AFG/framework"))
        session.flush()
        paper = models.Paper(
            series="AFG/framework", addressee="AFG", year=2026, number=1, number_text="AFG_2026-F01", kind="framework",
            state="sealed", period_from=MORNING.date(), period_to=MORNING.date(), content={}, arrangement_version="test",
            sealed_at=MORNING,
        )  # fmt: skip
        session.add(paper)
        session.flush()
        session.add(models.PaperCase(paper_id=paper.id, host_country="GRC", case_id=GONE))
        delivery = models.PaperDelivery(paper_id=paper.id, channel="sftp:a", state="queued", cover={})
        session.add(delivery)
        session.flush()
        content = f"view {FAMILY}".encode()
        session.add(
            models.PaperFile(delivery_id=delivery.id, position=0, name="view.csv", content=content, sha256="0" * 64)
        )
    with pytest.raises(NotErasable, match="paper with this case is on its way"):
        erase()
    with writing() as session:
        session.execute(text("UPDATE paper SET state = 'told', told_at = sealed_at"))
        assert [one.number_text for one, _ in retention.life_of(session, "GRC", GONE).papers] == ["AFG_2026-F01"]
    erase()
    assert named_in(written()) == set()
    with reading() as session:
        assert session.scalars(select(models.PaperFile.content)).one() == b""
        assert session.scalars(select(models.PaperCase.case_id)).one() != GONE
