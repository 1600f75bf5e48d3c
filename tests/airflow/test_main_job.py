"""The main job under a real Airflow scheduler, from a real SFTP source to real SFTP and mail servers.

One demo of two days, run once; the tests look at what it left and then at what happens when things are run again.
"""

import csv
import datetime as dt
import email
import email.policy
import imaplib
import io
import json
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import openpyxl
import pandas as pd
import pytest
from pypdf import PdfReader
from sqlalchemy import create_engine, inspect, select

from include.demo.run import Demo
from include.ledger import clearances, responses
from include.ledger.engine import reading
from include.ledger.models import Clearance, Entry, List, Notice, Reconciliation
from include.runbook import Page
from tests.airflow.browsing import LATEST, board_in, picture

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]


def received(demo: Demo) -> dict[tuple[str, str, str], bytes]:
    """Every file that the other side has, by place and name."""
    places = [*demo.setting.offices.rglob("*"), *demo.setting.mail.rglob("*.eml")]
    return {(path.parent.name, path.name, str(path.parent)): path.read_bytes() for path in places if path.is_file()}


def truth(demo: Demo, day: dt.date) -> pd.DataFrame:
    paths = sorted(demo.setting.truth.glob(f"truth_*_{day:%Y%m%d}.csv"))
    return pd.concat([pd.read_csv(path, dtype=str).assign(host=path.name.split("_")[1]) for path in paths]).fillna("")


def test_every_list_arrived_and_opens_with_what_its_office_alone_has(demo):
    lists = demo.received()
    assert [one.problem for one in lists if one.problem] == []
    assert len(lists) == demo.sealed_count() > 8


def test_a_task_that_failed_names_its_page_of_the_runbook_in_its_log(demo):
    logs = [path.read_text() for path in (demo.airflow.home / "logs").rglob("*.log")]
    refused = [log for log in logs if "ExtractRefused" in log]
    assert refused
    assert all(Page.REFUSED_EXTRACT.hint in log for log in refused)


def test_all_four_notices_appear(demo):
    counts = {
        notice: sum(one.counts.get(notice, 0) for one in demo.received())
        for notice in ("NEW", "CHANGED", "CANCELLED", "DEPARTED")
    }
    assert all(counts.values()), counts


def test_each_party_of_a_framework_opens_its_views_and_who_objects_is_in_ioms_alone(demo):
    views = demo.received_views()
    assert [view.problem for view in views if view.problem] == []
    assert len(views) == demo.views_sent() == 4 * len(demo.days)
    canaries = demo.world.canaries()
    greek = canaries[canaries["host_country"].eq("GRC") & canaries["kind"].isin(["family_name", "given_names"])]
    seen = {
        party: "|".join(
            _text_of(name, content).casefold()
            for view in views
            if view.party.party == party
            for name, content in view.files.items()
        )
        for party in ("origin", "host", "unhcr", "iom")
    }
    found = {
        canary: {party for party, text in seen.items() if set(names["value"].str.casefold()) & set(text.split("|"))}
        for canary, names in greek.groupby("canary")
    }
    everybody = {"origin", "host", "iom"}
    assert found["objects"] == {"iom"}
    # Who applied and who did not are told of alike.
    assert found["never_applied"] == found["changed_ATH"] == found["rejected"] == everybody
    assert found["register_only"] == set()


def _text_of(name: str, content: bytes) -> str:
    """The words of a view's file, with `|` between them."""
    if name.endswith(".pdf"):
        text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    elif name.endswith(".xlsx"):
        sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
        text = "\n".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row)
    else:
        text = content.decode("utf-8-sig")
    return "|".join(re.split(r"\W+", text))


def test_nobody_who_never_applied_is_on_any_list(demo):
    everyone = pd.concat([truth(demo, day) for day in demo.days])
    applied = set(everyone.loc[everyone["asylum_references"] != "", "case_id"])
    with reading(demo.setting.ledger) as session:
        listed = set(session.scalars(select(Entry.case_id)))
    assert listed, "somebody is listed"
    assert listed <= applied


def test_each_day_adds_up_and_the_cut_off_file_was_refused_first(demo):
    with reading(demo.setting.ledger) as session:
        days = list(session.scalars(select(Reconciliation)))
        assert len(days) == 2 * len(demo.world.hosts)
        assert all(day.added_up_at for day in days)
    tasks = demo.airflow.get("dags/pull_extracts/dagRuns/~/taskInstances?limit=500")["task_instances"]
    assert any(task["try_number"] > 1 and task["state"] == "success" for task in tasks)


def test_the_review_of_its_days_counts_what_offices_received(demo):
    assert demo.review().read_bytes().startswith(b"%PDF")
    (path,) = demo.setting.review.glob("*_by_host_country.csv")
    (every,) = [row for row in csv.DictReader(path.open()) if row["host_country"] == "ALL"]
    lists = {one.list_number: one.counts for one in demo.received()}
    for notice in ("NEW", "CHANGED", "CANCELLED", "DEPARTED"):
        assert int(every[f"told_{notice.lower()}"]) == sum(counts.get(notice, 0) for counts in lists.values())


def wait_until(demo: Demo, done, seconds=900):
    deadline = time.monotonic() + seconds
    while not done():
        demo.airflow.keep_alive()
        assert time.monotonic() < deadline, "Airflow did not get there in time"
        time.sleep(1)


def runs(demo: Demo, dag_id: str) -> list[dict]:
    return demo.airflow.get(f"dags/{dag_id}/dagRuns?limit=100")["dag_runs"]


def mails(demo: Demo, address: str) -> list[EmailMessage]:
    paths = sorted((demo.setting.mail / address).glob("*.eml"))
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]


def test_an_office_s_answer_by_either_door_is_taken_and_its_concern_mailed_within_minutes(demo):
    answered = demo.answer_lists()
    assert {one.door for one in answered} == {"folder", "email"}
    demo.wait_for_effect(answered)
    with reading(demo.setting.ledger) as session:
        kept = {(one.entry, one.concern, one.record_closed_on) for one in responses.everything_said(session)}
        concerns = {one.entry: one for one in responses.open_concerns(session)}
    said = {(entry, one.concern, one.record_closed_on) for each in answered for entry, one in each.answers.items()}
    assert kept == said
    doubted = {each.office: entry for each in answered for entry, one in each.answers.items() if one.concern}
    assert set(concerns) == set(doubted.values())
    for office, entry in doubted.items():
        (focal_point,) = demo.offices[office][-1].answers.escalate
        (mail,) = [mail for mail in mails(demo, focal_point) if entry in mail["Subject"]]
        with reading(demo.setting.ledger) as session:
            name = responses.told_of(session, entry)[-1].name
        assert not {part for part in name.split(", ") if part in mail["Subject"] + mail.get_content()}
    assert [*(demo.setting.offices / "DEU-BER").rglob("read/*_answer-*")]
    with imap(demo) as mailbox:
        assert {folder: int(mailbox.select(folder)[1][0]) for folder in ("INBOX", "Handled")}["INBOX"] == 0


@contextmanager
def imap(demo: Demo) -> Iterator[imaplib.IMAP4]:
    known = json.loads(demo.setting.environment["AIRFLOW_CONN_IMAP_AVR"])
    trusted = ssl.create_default_context(cafile=demo.setting.authority)
    with imaplib.IMAP4_SSL("localhost", known["port"], ssl_context=trusted) as opened:
        opened.login(known["login"], known["password"])
        yield opened


def test_what_is_no_answer_is_not_taken_and_told_to_the_focal_point(demo):
    office = demo.offices["DEU-BER"][-1]
    folder = demo.setting.offices / "DEU-BER" / office.answers.folder.strip("/")
    (folder / "Notizen.docx").write_bytes(b"PK\x03\x04")
    wait_until(demo, lambda: (folder / "refused" / "Notizen.docx.txt").exists(), seconds=300)
    assert not (folder / "Notizen.docx").exists()
    (focal_point,) = office.answers.escalate

    def told() -> bool:
        return any("nicht verstanden" in mail["Subject"] for mail in mails(demo, focal_point))

    wait_until(demo, told, seconds=300)


def test_a_match_that_a_person_rejects_is_taken_back_at_its_office_at_once(demo):
    with reading(demo.setting.ledger) as session:
        told = session.scalars(
            select(Entry).where(
                Entry.office == "GRC-ATH", Entry.closed_at.is_(None), Entry.asylum_reference.is_not(None)
            )
        ).first()
    pair = [told.case_id, told.asylum_reference, "--host", told.host_country]
    done = demo.command("matches", *pair, "--reject", "--by", "the test", "--reason", "two people after all")
    assert done.returncode == 0, done.stderr

    def taken_back() -> bool:
        with reading(demo.setting.ledger) as session:
            found = session.execute(
                select(Notice.reason, List.kind, List.state)
                .join(List, List.id == Notice.list_id)
                .where(Notice.entry == told.entry)
                .order_by(Notice.sequence)
            ).all()
        return found[-1] == ("notified_in_error", "urgent", "told")

    wait_until(demo, taken_back)


def test_a_case_that_a_person_must_look_at_is_on_the_board_which_leads_to_where_it_is_answered(demo, enter):
    """Headquarters wants an unaccompanied child told at once; TUR-ANK has somebody look first."""
    demo.airflow.request("POST", "dags/clear_notices/dagRuns", {"logical_date": None})
    page = enter("watcher")
    frame = board_in(page)

    def asked() -> bool:
        page.wait_for_timeout(1000)  # the page asks for news by itself meanwhile
        found = frame.query_selector("section[aria-labelledby=asked]")
        return bool(found and "TUR-ANK" in found.inner_text() and "Answer in Airflow" in found.inner_text())

    wait_until(demo, asked)
    frame.query_selector("#asked").scroll_into_view_if_needed()
    picture(page, "waits")
    frame.click("section[aria-labelledby=asked] a:has-text('Answer in Airflow')")
    page.wait_for_url(re.compile("/dags/clear_notices/runs/.+/required_actions$"), timeout=LATEST)
    page.get_by_text("somebody looked at case number").first.wait_for()


def test_a_case_at_which_somebody_has_looked_is_told_at_once(demo):
    def seen_to() -> bool:
        demo.answer_requests()
        with reading(demo.setting.ledger) as session:
            return not [one for one in clearances.waiting(session) if one.office == "TUR-ANK"]

    wait_until(demo, seen_to)

    def told() -> bool:
        with reading(demo.setting.ledger) as session:
            looked = set(session.scalars(select(Clearance.entry).where(Clearance.cleared_at.is_not(None))))
            of = select(Notice.entry).join(List).where(List.office == "TUR-ANK", List.state == "told")
            looked &= set(session.scalars(select(Entry.entry).filter_by(office="TUR-ANK")))
            assert looked, "somebody has looked at a case of TUR-ANK"
            return looked <= set(session.scalars(of))

    wait_until(demo, told)
    with reading(demo.setting.ledger) as session:
        assert set(session.scalars(select(Clearance.cleared_by).where(Clearance.cleared_at.is_not(None)))) == {"admin"}


def secrets(demo: Demo) -> set[str]:
    """What must be nowhere but in the data folder: every reference, and every sign of the canaries."""
    found: set[str] = set()
    for path in demo.setting.sources.rglob("*.csv"):
        with path.open(encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                found |= {row.get(column) or "" for column in ("case_id", "asylum_reference", "unhcr_reference")}
    found |= set(demo.world.canaries()["value"])
    with reading(demo.setting.ledger) as session:
        found |= set(session.scalars(select(Notice.entry)))
    return {value for value in found if len(value) >= 6}


def leaks(demo: Demo) -> set[str]:
    """The places outside the data folder that hold a secret: logs, and every text of Airflow's database."""
    wanted = secrets(demo)
    assert len(wanted) > 500
    texts = {str(path): path.read_text(errors="replace") for path in demo.airflow.home.rglob("*.log")}
    texts["servers.log"] = (demo.setting.folder / "servers.log").read_text(errors="replace")
    database = create_engine(demo.airflow.database)
    with database.connect() as connection:
        for table in inspect(database).get_table_names():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"')
            texts[table] = "\n".join(str(cell) for row in rows for cell in row if cell is not None)
    database.dispose()
    assert len(texts) > 40
    return {place for place, text in texts.items() if any(value in text for value in wanted)}


def test_no_reference_and_no_canary_is_in_a_log_or_in_airflows_database(demo):
    assert leaks(demo) == set()


def test_the_search_for_leaks_sees_one_log_line(demo):
    path = demo.airflow.home / "logs" / "leak.log"
    path.write_text(f"linked {sorted(secrets(demo))[100]} just now\n")
    try:
        assert leaks(demo) == {str(path)}
    finally:
        path.unlink()
