"""The review of the cooperation: its figures, its files, and how it goes to both headquarters.

tests/year counts it a second time, at the end of each simulated year; here are days, limits and what is told.
"""

import csv
import datetime as dt
import email
import email.policy
import io
import json
import re

import pandas as pd
import pytest
import yaml
from pypdf import PdfReader
from sqlalchemy import update

from include.__main__ import main
from include.arrangements.checking import check
from include.arrangements.models import CooperationReview, Source
from include.delivery.outcomes import DeliveryFailed
from include.delivery.unsealing import unseal
from include.extracts.countries import ISO_3166
from include.ledger import outbox, responses, reviews
from include.ledger.engine import reading, writing
from include.ledger.models import Case, Concern, Delivery, Entry, Notice
from include.ledger.reviews import Pair
from include.lists.document import RenderedFile
from include.reports.cooperation import figures
from include.reports.cooperation.definitions import KEYS, figure_names, sections
from include.reports.cooperation.figures import ALL, LEAD_BANDS, NoPeriod, Period, Review, review
from include.reports.cooperation.keeping import made, period_before
from include.reports.cooperation.page import page
from include.responses.opening import OpeningKeys
from include.responses.taking import take_file
from include.reviewing import ReviewRefused, send_review
from include.settings import ROOT
from tests.ledger.world import MONDAY, MORNING, case, cases, matches, notices, reconcile, record, register, send_list
from tests.responses.world import LIST, booked, entries, file, office
from tests.servers import PASSWORD, USER, mail
from tests.signing import CERTIFICATE, SIGNING

NOVEMBER = Period(dt.date(2026, 11, 1), dt.date(2026, 11, 30))
LATER = dt.datetime(2027, 1, 3, 6, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def on(day, hour=7, month=11) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, tzinfo=dt.UTC)


def deliver(number: int, at: dt.datetime) -> dict[str, str]:
    """Let the office have this list; the entry of each case."""
    with writing() as session:
        for delivery in session.query(Delivery).filter_by(list_id=number):
            outbox.record_attempt(session, delivery.id, at)
            outbox.record_delivered(session, delivery.id, {}, at)
    return entries(number)


def tell(*case_ids, at=MORNING, **more) -> dict[str, str]:
    table = notices(*case_ids, notice=more.pop("notice", "NEW"), reason=more.pop("reason", ""))
    return deliver(send_list(table.assign(**more), due_at=at), at)


def counted(period=NOVEMBER, sources=(), now=LATER, begun=dt.date(2026, 1, 1)) -> pd.DataFrame:
    return review(period, {"GRC-ATH": [office()]}, sources, begun, None, now).by_host


def figure(name, host="GRC", **more):
    return counted(**more).loc[host, name]


def source(host="GRC", kind="avr_cases") -> Source:
    return Source.model_validate(
        {"host_country": host, "kind": kind, "url": "file:///x/{HOST}_{YYYYMMDD}.csv", "at": "06:00", "cut_off": "08:00",
         "timezone": "UTC", "data_owner": "owner@example.org", "iom_focal_point": "iom@iom.example"}
    )  # fmt: skip


@pytest.mark.usefixtures("ledger")
def test_what_was_told_counts_in_the_period_in_which_the_office_had_it():
    booked()
    tell("A", at=on(31, month=10, hour=23))
    tell("B", at=on(1, hour=0))
    tell("C", at=on(30, hour=23))
    tell("D", at=on(1, month=12, hour=0))
    found = review(NOVEMBER, {}, [], MONDAY, None, LATER)
    row = found.by_host.loc["GRC"]
    assert (row["told_new"], row["lists_told"], row["lists_made"]) == (2, 2, 2)
    assert row["cases_followed"] == 3, "who was announced before is followed still"
    halves = review(Period(dt.date(2026, 10, 31), dt.date(2026, 12, 1)), {}, [], MONDAY, None, LATER).by_month
    assert list(halves[halves["host_country"] == ALL]["told_new"]) == [1, 2, 1]


@pytest.mark.usefixtures("ledger")
def test_lead_times_are_the_days_that_the_office_had():
    booked()
    tell("A", at=on(2))
    tell("B", at=on(18))
    tell("C", at=on(19))
    tell("D", at=on(25))
    found = review(NOVEMBER, {}, [], MONDAY, None, LATER)
    row = found.by_host.loc["GRC"]
    assert [row[name] for name in ("lead_days_p10", "lead_days_median", "lead_days_p90")] == [-5, 1, 18]
    assert (row["told_late"], row["told_late_percent"], row["told_in_time_percent"]) == (2, 50.0, 50.0)
    assert row["promise"] == "not_wholly"
    bands = found.lead_times[found.lead_times["host_country"] == "GRC"]
    told = {(one.days_from, one.days_to): one.lead_counted for one in bands.itertuples() if one.lead_counted}
    assert told == {(None, -1): 1, (1, 1): 1, (2, 3): 1, (15, 30): 1}


@pytest.mark.usefixtures("ledger")
def test_a_departure_is_told_late_where_it_is_the_first_word_or_comes_after_cancelled():
    booked()
    left = {"departed_on": pd.Timestamp("2026-11-09")}
    tell("A", "B")
    tell("B", at=on(3), notice="CANCELLED", reason="closed")
    tell("A", "B", "C", at=on(10), notice="DEPARTED", **left)
    assert figure("departures_told_late") == 2
    assert figure("told_departed") == 3
    assert figure("told_in_time_percent") == 50.0


@pytest.mark.usefixtures("ledger")
def test_a_list_is_known_to_be_received_within_the_working_days_of_its_office_later_not_or_not_yet():
    booked()
    ids = {}
    for number, (case_id, told_at) in enumerate((("A", on(2)), ("B", on(2)), ("C", on(2)), ("D", on(27))), start=1):
        ids[case_id] = (f"GRC-ATH_2026-{number:04d}", tell(case_id, at=told_at)[case_id])
    for case_id, came_at in (("A", on(5, hour=6)), ("B", on(6, hour=9))):
        number, entry = ids[case_id]
        take_file(office(), file((entry, "no", "", "seen"), number=number), "l.csv", "sftp", OpeningKeys(), came_at)
    names = ["lists_received_in_time", "lists_received_late", "lists_not_received", "lists_not_due"]
    row = counted().loc["GRC"]
    assert [row[name] for name in names] == [1, 1, 1, 1]
    assert (row["answers"], row["lists_answered"]) == (2, 2)
    assert (row["answer_hours_median"], row["answer_hours_p90"]) == (71, 98)
    # What comes after the period is not in it.
    take_file(office(), file((ids["D"][1], "no", "", "x"), number=ids["D"][0]), "l.csv", "sftp", OpeningKeys(), LATER)
    assert counted().equals(counted(now=LATER + 9 * DAY))
    assert (figure("lists_not_due"), figure("lists_answered"), figure("answers")) == (1, 2, 2)
    assert figure("lists_received_late", period=Period(dt.date(2026, 11, 1), dt.date(2027, 1, 3)), now=LATER + DAY) == 2


@pytest.mark.usefixtures("ledger")
def test_a_concern_is_counted_to_what_became_of_the_person():
    booked()
    told = tell("A", "B", "C", "D")
    rows = [(entry, "yes", "", "doubt") for entry in told.values()]
    take_file(office(), file(*rows), "l.csv", "sftp", OpeningKeys(), on(3))
    for case_id in ("B", "C"):
        with writing() as session:
            responses.close_concern(session, told[case_id], "somebody", "spoken", on(10))
    for case_id, day in (("A", "2026-11-12"), ("B", "2026-11-09"), ("C", "2026-11-10")):
        tell(case_id, at=on(14), notice="DEPARTED", departed_on=pd.Timestamp(day))
    tell("D", at=on(14), notice="CANCELLED", reason="stays")
    row = counted().loc["GRC"]
    assert (row["concerns_raised"], row["concerns_closed"], row["concerns_open"]) == (4, 2, 2)
    assert (row["concern_days_median"], row["concern_days_p90"]) == (7, 7)
    assert row["left_while_concern_stood"] == 2, "on the day on which it was closed, somebody had looked"
    assert [row[f"outcome_{name}"] for name in ("left_unseen", "left", "stays", "cancelled", "expected")] == [
        2, 1, 1, 0, 0,
    ]  # fmt: skip
    earlier = counted(period=Period(dt.date(2026, 11, 1), dt.date(2026, 11, 9))).loc["GRC"]
    assert (earlier["concerns_open"], earlier["concerns_closed"], earlier["outcome_expected"]) == (4, 0, 4)


@pytest.mark.usefixtures("ledger")
def test_a_departure_that_was_none_left_nobody_while_a_concern_stood():
    booked()
    told = tell("A")
    take_file(office(), file((told["A"], "yes", "", "")), "l.csv", "sftp", OpeningKeys(), on(3))
    with writing() as session:
        session.execute(update(Concern).values(departed_on=dt.date(2026, 11, 5)))
    assert figure("left_while_concern_stood") == 1, "known before it is told"
    tell("A", at=on(6), notice="DEPARTED", departed_on=pd.Timestamp("2026-11-05"))
    tell("A", at=on(7), notice="CHANGED", reason="departure_corrected")
    assert figure("left_while_concern_stood") == 0
    assert (figure("departures_corrected"), figure("outcome_expected")) == (1, 1)


@pytest.mark.usefixtures("ledger")
def test_a_change_of_mind_is_one_whoever_hears_of_it_and_however_often_it_comes():
    booked()
    tell("A", "B", "C")
    tell("A", "B", at=on(3), notice="CANCELLED", reason="stays")
    tell("C", at=on(20), notice="CANCELLED", reason="stays")
    tell("A", at=on(21))
    tell("A", at=on(22), notice="CANCELLED", reason="stays", expected_departure_on=pd.Timestamp("2026-11-30"))
    of_another = send_list(notices("B", notice="CANCELLED", reason="stays"), office="GRC-THE", due_at=on(4))
    deliver(of_another, on(4))
    row = counted().loc["GRC"]
    assert (row["changes_of_mind"], row["changed_on_the_day"], row["came_back"]) == (4, 1, 1)
    assert row["told_cancelled"] == 5
    assert row["promise"] == "not_wholly", "its lists are not known to be received"
    assert "changes_of_mind" not in figures.missing(row)


@pytest.mark.usefixtures("ledger")
def test_a_case_waits_for_a_person_from_its_first_day_in_review_until_somebody_has_decided():
    doubt = {"standing": "review", "to_tell": False}
    links = matches(("A", "R"), ("B", "S"), ("B", "T"), decision="review")
    people = cases(case("A", **doubt), case("B", **doubt))
    reconcile(MONDAY, people, links, register(record("R"), record("S"), record("T")))
    assert [figure(name) for name in ("cases_in_review", "review_days_median", "review_days_longest")] == [2, 28, 28]

    def decide(case_id, reference, decision, at):
        with writing() as session:
            reviews.record_decision(
                session, Pair("GRC", case_id, reference), decision, by="a reviewer", reason="seen", evidence="0" * 64,
                one_person=False, clock=lambda: at,
            )  # fmt: skip

    decide("A", "R", "reject", on(31, month=10))
    assert figure("cases_in_review") == 2, "offered again by a reconciliation that knew of it: its evidence has changed"
    decide("B", "S", "reject", on(10))
    assert figure("cases_in_review") == 2, "another record of hers is in doubt still"
    decide("B", "T", "accept", on(11))
    decide("A", "R", "reject", on(12))
    decide("A", "R", "reopen", on(13))
    row = counted().loc["GRC"]
    assert [row[f"matches_{what}"] for what in ("accepted", "rejected", "reopened")] == [1, 2, 1]
    assert row["cases_in_review"] == 1
    assert figure("cases_in_review", period=Period(dt.date(2026, 11, 1), dt.date(2026, 11, 10))) == 2
    with reading() as session:
        assert set(reviews.queue(session)["case_id"]) == {"A"}, "as the queue has it"


@pytest.mark.usefixtures("ledger")
def test_a_record_is_closed_by_what_the_office_says_of_the_departure():
    booked()
    told = tell("A", "B", "C")
    left = {"departed_on": pd.Timestamp("2026-11-06")}
    tell("A", "B", "C", at=on(8), notice="DEPARTED", **left)
    rows = [(told["A"], "no", "2026-11-18", ""), (told["B"], "no", "2026-11-05", "")]
    take_file(office(), file(*rows, number="GRC-ATH_2026-0001"), "l.csv", "sftp", OpeningKeys(), on(19))
    row = counted().loc["GRC"]
    assert (row["records_closed"], row["records_open"]) == (1, 2), "what was closed before the departure was another"
    assert row["close_days_median"] == 10


@pytest.mark.usefixtures("ledger")
def test_faults_are_counted_where_they_struck():
    reconcile(MONDAY, cases(case("A"), case("B")), unusable=1)
    reconcile(dt.date(2026, 11, 4), cases(case("A"), case("B")), mark="b", add_up=False)
    reconcile(MONDAY, cases(case("C")), mark="t", host="TUR")
    first, *_ = [send_list(notices(one), channels=("sftp:a", "email:b")) for one in ("A", "A", "B")]
    with writing() as session:
        outbox.void_list(session, "GRC-ATH_2026-0003", "secret words", on(4))
        ways = session.query(Delivery).filter_by(list_id=first).order_by(Delivery.id).all()
        outbox.record_attempt(session, ways[0].id, on(2))
        outbox.record_attempt(session, ways[0].id, on(2))
        outbox.record_delivered(session, ways[0].id, {}, on(2))
        outbox.record_attempt(session, ways[1].id, on(2))
        outbox.record_delivered(session, ways[1].id, {"message_id": "<m>", "accepted": 1}, on(2))
        outbox.record_bounce(session, "<m>", {"x": "5.1.1"}, on(3))
    both = [source(), source(kind="asylum_procedure")]
    # Extracts are accepted at 07:00 of Monday: in time for that day, and for the one after.
    row = counted(sources=both, period=Period(MONDAY, dt.date(2026, 11, 5))).loc["GRC"]
    assert (row["days_expected"], row["days_not_reconciled"], row["extracts_missing"]) == (4, 3, 4)
    assert (row["rows_pulled"], row["rows_quarantined"], row["extracts_late"]) == (10, 2, 0)
    names = ["deliveries", "deliveries_repeated", "deliveries_refused", "deliveries_came_back"]
    assert [row[name] for name in names] == [6, 1, 1, 1]
    assert (row["lists_voided_scheduled"], row["lists_voided_urgent"]) == (1, 0)
    other = counted(sources=both, period=Period(MONDAY, dt.date(2026, 11, 5))).loc["TUR"]
    assert (other["days_expected"], other["deliveries"], other["promise"]) == (1, 0, "nobody_told")
    early = [one.model_copy(update={"at": dt.time(5), "cut_off": dt.time(6)}) for one in both]
    assert counted(sources=early).loc["GRC"]["extracts_late"] == 2
    assert figure("days_expected", sources=both, begun=dt.date(2026, 11, 29)) == 2
    today = figure("days_expected", sources=both, now=on(4, hour=9))
    assert today == 3, "what is not due yet is not missing"


@pytest.mark.usefixtures("ledger")
def test_a_day_that_the_next_makes_up_for_breaks_no_promise():
    for day in (2, 4):
        reconcile(dt.date(2026, 11, day), cases(case("A", to_tell=False)), mark=f"{day}")
    row = counted(period=Period(MONDAY, dt.date(2026, 11, 4)), sources=[source()]).loc["GRC"]
    assert (row["days_not_reconciled"], row["days_behind"], row["promise"]) == (1, 0, "nobody_told")
    row = counted(period=Period(MONDAY, dt.date(2026, 11, 6)), sources=[source()]).loc["GRC"]
    assert (row["days_not_reconciled"], row["days_behind"], row["promise"]) == (3, 2, "not_wholly")


@pytest.mark.usefixtures("ledger")
def test_a_list_of_two_host_countries_is_in_both_and_once_in_all():
    booked("A", "B")
    reconcile(MONDAY, cases(case("A")), mark="t", host="TUR")
    table = pd.concat([notices("A", "B"), notices("A").assign(host_country="TUR")])
    deliver(send_list(table), MORNING)
    deliver(send_list(notices(), due_at=on(3)), on(3))
    found = counted()
    assert list(found.loc[["GRC", "TUR", ALL], "lists_told"]) == [1, 1, 1]
    assert list(found.loc[["GRC", "TUR", ALL], "lists_made"]) == [1, 1, 2], "one tells of no host country"
    assert list(found.loc[["GRC", "TUR", ALL], "told_new"]) == [2, 1, 3]
    assert list(found.loc[["GRC", "TUR", ALL], "cases_followed"]) == [2, 1, 3]


@pytest.mark.usefixtures("ledger")
def test_host_countries_without_office_cases_or_days_have_a_row(monkeypatch):
    found = review(NOVEMBER, {"GRC-ATH": [office()]}, [source("NER")], dt.date(2026, 11, 29), None, LATER).by_host
    assert list(found.index) == ["GRC", "NER", ALL]
    assert list(found["promise"]) == ["nobody_told", "not_wholly", "not_wholly"]
    assert (found.loc["NER", "days_not_reconciled"], found.loc["NER", "days_behind"]) == (2, 2)
    assert found.loc["GRC", "lead_days_median"] is None
    for wrong in (Period(dt.date(2026, 11, 2), dt.date(2026, 11, 1)), Period(dt.date(2027, 2, 1), dt.date(2027, 2, 9))):
        with pytest.raises(NoPeriod):
            review(wrong, {}, [], MONDAY, None, LATER)


# Its files ---------------------------------------------------------------------------------------------------------


def a_month() -> dict[str, str]:
    """Something of everything, with names and words that must not be told."""
    booked()
    told = tell("A", "B", "C")
    take_file(office(), file((told["A"], "yes", "", "Umarmung")), "l.csv", "sftp", OpeningKeys(), on(3))
    with writing() as session:
        responses.close_concern(session, told["A"], "Closerson", "Whispered", on(4))
    send_list(notices("D"))
    with writing() as session:
        outbox.void_list(session, "GRC-ATH_2026-0002", "Lostmailbox", on(9))
    return told


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(part.extract_text() for part in PdfReader(io.BytesIO(pdf)).pages).split())


@pytest.mark.usefixtures("ledger")
def test_the_same_ledger_gives_the_same_bytes_and_they_name_nobody():
    told = a_month()
    files = made(NOVEMBER, LATER)
    assert files == made(NOVEMBER, LATER + 30 * DAY)
    assert not any(one.personal for one in files)
    assert [one.name.removeprefix("review_2026-11-01_2026-11-30") for one in files] == [
        ".pdf", "_by_host_country.csv", "_by_month.csv", "_lead_times.csv",
    ]  # fmt: skip
    said = "\n".join([text_of(files[0].content), *(one.content.decode() for one in files[1:])])
    for secret in (
        *told.values(),
        "RAHIMI",
        "Ahmad",
        "Umarmung",
        "Closerson",
        "Whispered",
        "Lostmailbox",
        LIST,
        "GRC-ATH",
    ):
        assert secret.casefold() not in said.casefold()


@pytest.mark.usefixtures("ledger")
def test_what_retention_erases_changes_no_figure():
    a_month()
    tell("B", at=on(14), notice="DEPARTED", departed_on=pd.Timestamp("2026-11-12"))
    before = made(NOVEMBER, LATER)
    with writing() as session:
        session.execute(update(Notice).values(name="", shared={}, marked=""))
        session.execute(update(Case).values(family_name=None, given_names=None, date_of_birth=None, sex=None))
        session.execute(update(Entry).values(asylum_reference=None))
    assert made(NOVEMBER, LATER) == before


def table_of(files: list[RenderedFile], ending: str) -> list[dict[str, str]]:
    (content,) = [one.content for one in files if one.name.endswith(ending)]
    return list(csv.DictReader(io.StringIO(content.decode())))


@pytest.mark.usefixtures("ledger")
def test_every_header_and_every_figure_of_the_pages_is_defined_and_nothing_else():
    a_month()
    files = made(NOVEMBER, LATER)
    written = (ROOT / "docs" / "review.md").read_text()
    by = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", written, re.MULTILINE))
    assert by == KEYS
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", written, re.MULTILINE)
    assert rows == [(one.name, one.label, one.means.strip()) for section in sections() for one in section.figures]
    for section in sections():
        assert f"## {section.title}\n\n{section.about.strip()}\n" in re.sub(r"(?<=[^\n|])\n(?=\w)", " ", written)
    headers = {name for one in files[1:] for name in next(csv.reader(io.StringIO(one.content.decode())))}
    assert headers == set(KEYS) | set(figure_names())
    assert list(table_of(files, "by_host_country.csv")[0]) == ["host_country", *figure_names()]
    said = text_of(files[0].content).replace(" ", "")
    for section in sections():
        for one in section.figures:
            assert f"{one.label}({one.name})".replace(" ", "") in said


@pytest.mark.usefixtures("ledger")
def test_the_tables_are_what_was_counted():
    a_month()
    files = made(NOVEMBER, LATER)
    rows = {row["host_country"]: row for row in table_of(files, "by_host_country.csv")}
    assert (rows["GRC"]["told_new"], rows["GRC"]["concerns_raised"], rows["GRC"]["close_days_p90"]) == ("3", "1", "")
    assert sum(int(row["lead_counted"]) for row in table_of(files, "lead_times.csv") if row["host_country"] == ALL) == 3
    said = text_of(files[0].content)
    assert "not public" in said
    assert "1 November 2026 – 30 November 2026" in said
    assert "Greece" in said


def test_the_pages_hold_one_host_country_and_all_of_them():
    def of(*hosts: str) -> Review:
        row = dict.fromkeys(figure_names(), 0) | {"promise": "kept", "told_in_time_percent": 100.0, "told_new": 3}
        row |= {"lead_days_p10": 2, "lead_days_median": 9, "lead_days_p90": 30}
        bad = row | {"promise": "not_wholly", "told_late": 1}
        by_host = pd.DataFrame({host: bad if number % 2 else row for number, host in enumerate(hosts)}, dtype=object).T
        every = pd.DataFrame({"host_country": [ALL] * len(LEAD_BANDS), "lead_counted": 2})
        months = {"host_country": ALL, "month": "2026-11"} | {
            f"told_{notice}": 3 for notice in ("new", "changed", "cancelled", "departed")
        }
        return Review(NOVEMBER, by_host[figure_names()], pd.DataFrame([months]), every)

    few = text_of(page(of("GRC", ALL)))
    assert "kept wholly in 1 of 1 host country" in few
    hosts = sorted(ISO_3166)[:130]
    many = page(of(*hosts, ALL))
    said = text_of(many)
    assert "kept wholly in 65 of 130 host countries" in said
    assert "1 told with a day to go or less" in said
    assert f"{len(PdfReader(io.BytesIO(many)).pages)}" in said
    for country in ("Albania", "Greece", "Kenya"):
        assert said.count(country) >= 3, "on the first pages and in the tables"


# How it goes -------------------------------------------------------------------------------------------------------


def test_a_review_is_of_the_newest_period_that_is_over():
    assert str(period_before("quarter", dt.date(2027, 1, 3))) == "2026-10-01_2026-12-31"
    assert str(period_before("quarter", dt.date(2026, 12, 31))) == "2026-07-01_2026-09-30"
    assert str(period_before("quarter", dt.date(2026, 4, 1))) == "2026-01-01_2026-03-31"
    assert str(period_before("month", dt.date(2027, 1, 3))) == "2026-12-01_2026-12-31"
    assert str(period_before("month", dt.date(2028, 3, 1))) == "2028-02-01_2028-02-29"
    assert str(period_before("year", dt.date(2027, 5, 3))) == "2026-01-01_2026-12-31"


@pytest.fixture
def arranged(tmp_path, monkeypatch, ledger):
    """Writes review.yaml; IOM's key is there."""
    folder = tmp_path / "arrangements"
    (folder / "offices").mkdir(parents=True)
    monkeypatch.setenv("AVR_ARRANGEMENTS", str(folder))
    key = {"conn_type": "generic", "extra": {"secret_key": SIGNING.secret_key}}
    monkeypatch.setenv("AIRFLOW_CONN_SIGN_LISTS", json.dumps(key))
    return lambda **given: (folder / "review.yaml").write_text(yaml.safe_dump(given))


def connect(monkeypatch, port, authority):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    extra = {"from_email": "avr@iom.example", "disable_ssl": True, "disable_tls": False, "retry_limit": 0}
    given = {"conn_type": "smtp", "host": "localhost", "port": port, "login": USER, "password": PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_REVIEW", json.dumps(given | {"extra": extra}))


def test_the_review_is_mailed_once_signed_and_kept_as_it_was_mailed(arranged, tmp_path, monkeypatch):
    a_month()
    to = ["avr@iom.example", "returns@unhcr.example"]
    arranged(every="quarter", to=to, connection="smtp_review")
    with mail(tmp_path) as (port, authority):
        connect(monkeypatch, port, authority)
        assert send_review(LATER, LATER).startswith("review_2026-10-01_2026-12-31 was sent to 2 addresses")
        tell("D", at=on(20))
        assert "was sent already" in send_review(LATER + 20 * DAY, LATER + 20 * DAY)
    (path,) = (tmp_path / "mail" / to[1]).glob("*.eml")
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    attached = {part.get_filename(): part.get_content() for part in message.iter_attachments()}
    kept = tmp_path / "data" / "reviews" / "2026-10-01_2026-12-31"
    assert {one.name for one in kept.iterdir()} == {*attached, "sent.json"}
    assert to[1] not in (kept / "sent.json").read_text()
    for one in made(Period(dt.date(2026, 10, 1), dt.date(2026, 12, 31)), LATER)[:1]:
        assert one.content != (kept / one.name).read_bytes(), "the ledger has gone on; what was mailed stays"
    for name in [name for name in attached if not name.endswith(".asc")]:
        content = (kept / name).read_bytes()
        _, plain = unseal(content, name, certificate=CERTIFICATE, signature=(kept / f"{name}.asc").read_bytes())
        assert plain == content
        assert (kept / name).stat().st_mode & 0o777 == 0o600
    said = message.get_body().get_content()
    assert "not public" in said


def test_without_an_address_the_review_is_kept_and_mailed_once_there_is_one(arranged, tmp_path, monkeypatch):
    a_month()
    assert "names nobody to send it to" in send_review(LATER, LATER)
    assert (tmp_path / "data" / "reviews" / "2026-10-01_2026-12-31" / "review_2026-10-01_2026-12-31.pdf").exists()
    arranged(to=["avr@iom.example"], connection="smtp_review")
    with mail(tmp_path) as (port, authority):
        connect(monkeypatch, port, authority)
    with pytest.raises(DeliveryFailed):
        send_review(LATER, LATER)
    with mail(tmp_path) as (port, authority):
        connect(monkeypatch, port, authority)
        assert "sent to 1 addresses" in send_review(LATER, LATER)


def test_a_broken_review_yaml_is_found_by_check_and_stops_the_review(arranged, tmp_path):
    arranged(every="week", to=["nobody"])
    assert [str(one) for one in check(tmp_path / "arrangements") if one.file == "review.yaml"] == [
        "review.yaml line 1, every: Input should be 'month', 'quarter' or 'year'",
        "review.yaml line 3, to.1: String should match pattern '^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$'",
    ]
    with pytest.raises(ReviewRefused, match=r"review\.yaml line 1"):
        send_review(LATER, LATER)


def test_the_review_yaml_on_the_page_loads_and_names_every_setting():
    (block,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "review.md").read_text(), re.DOTALL)
    assert set(yaml.safe_load(block)) == set(CooperationReview.model_fields)
    assert CooperationReview.model_validate(yaml.safe_load(block)) == CooperationReview()


def test_the_command_writes_the_review_of_any_days(ledger, tmp_path, capsys):
    a_month()
    assert main(["review", "--from", "2026-11-02", "--to", "2026-11-02", "--folder", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert sorted(shown) == sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert len(shown) == 4
    assert main(["review", "--from", "2026-11-02", "--to", "2026-11-01"]) == 1
    assert "ends before it begins" in capsys.readouterr().err
