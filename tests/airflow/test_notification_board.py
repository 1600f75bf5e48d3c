"""The notification board as staff see it: Debian's Chromium on a real Airflow, after the main job of two days.

The pictures that it takes are those of docs/ui-watcher.md. It comes after `test_main_job`, whose demo it goes on with.
"""

import datetime as dt
import re
import time
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page, expect
from sqlalchemy import select

from include.demo.run import Demo
from include.ledger import board, responses, reviews
from include.ledger.board import whole_list as board_of
from include.ledger.engine import reading, writing
from include.ledger.models import Concern, Entry, List, Notice, Review, Viewed
from tests.airflow.browsing import ENTRY, LAPTOP, LATEST, PHONE, board_in, picture
from tests.airflow.test_main_job import leaks, wait_until

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]


@pytest.fixture(scope="module", autouse=True)
def doubted(demo: Demo) -> None:
    """There are answers and a concern, whether or not `test_main_job` was asked for too."""
    with reading(demo.setting.ledger) as session:
        concerns = responses.open_concerns(session)
    if not concerns:
        demo.wait_for_effect(demo.answer_lists())


def links(frame: Frame) -> list[str]:
    return [one.inner_text() for one in frame.query_selector_all("header nav a")]


def test_each_role_finds_its_pages_in_airflows_navigation(enter):
    seen = {}
    for role in ("watcher", "reviewer", "auditor"):
        page = enter(role)
        page.goto("/")
        page.get_by_role("link", name="AVR lists").click()
        page.wait_for_selector("iframe")
        frame = page.query_selector("iframe").content_frame()
        frame.wait_for_selector("main h1", timeout=LATEST)
        seen[role] = links(frame)
        refused = page.goto("/notifications/trail")
        assert refused.status == (200 if role == "auditor" else 403)
    assert seen["watcher"] == seen["reviewer"] == ["Today", "Concerns", "Review", "Timeliness"]
    assert seen["auditor"] == ["Today", "Concerns", "Review", "Case trail", "Timeliness"]


def test_today_follows_airflows_theme_and_language_and_fits_a_phone(enter):
    laptop = enter("watcher")
    frame = board_in(laptop)
    light = frame.evaluate("getComputedStyle(document.body).backgroundColor")
    picture(laptop, "today")
    # Airflow writes its setting to where every window of it sees that it has changed.
    laptop.evaluate("localStorage.setItem('theme', 'dark')")
    expect(laptop.frame_locator("iframe").locator("html")).to_have_class("dark", timeout=LATEST)
    assert frame.evaluate("getComputedStyle(document.body).backgroundColor") != light
    dark = enter("watcher", theme="dark")
    board_in(dark)
    picture(dark, "today-dark")
    arabic = enter("watcher", language="ar")
    frame = board_in(arabic)
    expect(arabic.frame_locator("iframe").locator("html")).to_have_attribute("dir", "rtl", timeout=LATEST)
    picture(arabic, "today-ar")
    phone = enter("watcher", size=PHONE)
    for path in ("", "office/GRC-ATH", "list/GRC-ATH_2026-0001", "concerns", "review", "timeliness"):
        frame = board_in(phone, path)
        assert frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
    board_in(phone)
    picture(phone, "today-phone")


def test_who_was_told_late_and_why_is_found_by_what_the_pages_say(demo, enter):
    """From Airflow's first page by visible words alone, as somebody does who has read nothing."""
    page = enter("watcher")
    page.goto("/")
    page.get_by_role("link", name="AVR lists").click()
    board = page.frame_locator("iframe")
    board.get_by_role("heading", name="Today", exact=True).wait_for()
    # The demo's days are past: what was told of them today was told late, as the extracts came.
    row = board.get_by_role("row").filter(has=board.get_by_role("link", name="NER-NIA", exact=True))
    expect(row).to_contain_text("late", timeout=LATEST)
    row.get_by_role("link", name=re.compile("Why")).click()
    board.get_by_role("heading", name="Why it was late").wait_for()
    number = board.get_by_role("heading", level=1).inner_text().split()[0]
    said = board.locator("section[aria-labelledby=way]").inner_text()
    assert "What took longest: The extract came late: Niger" in said
    with reading(demo.setting.ledger) as session:
        whole = board_of(session, number)
    zone = ZoneInfo("Africa/Niamey")
    for moment in (whole.list.due_at, whole.came[0].extracts_at):
        assert f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" in said, "as the ledger has it"
    picture(page, "late")


def serious(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_no_page_has_a_serious_finding_of_axe(demo, enter):
    with reading(demo.setting.ledger) as session:
        waiting = board.waiting(session)[0]
        concern = session.scalars(select(Concern)).first()
    paths = ["", "office/GRC-ATH", "list/GRC-ATH_2026-0001", "concerns", "review", "trail", "timeliness",
             f"review/{waiting.id}", f"concern/{concern.id}"]  # fmt: skip
    for theme, size in (("light", LAPTOP), ("dark", LAPTOP), ("light", PHONE)):
        page = enter("admin", theme=theme, size=size)
        for path in paths:
            page.goto(f"/notifications/{path}")
            assert serious(page) == [], (theme, size, path)


def test_offices_lists_and_their_runs_lead_to_each_other(demo, enter):
    page = enter("watcher")
    frame = board_in(page)
    frame.click("text=GRC-ATH >> nth=0")
    frame.wait_for_selector("svg.chart")
    picture(page, "office")
    with page.expect_download() as saved:
        frame.click("text=Save the chart")
    assert "<svg" in Path(saved.value.path()).read_text()
    frame.click("a:text-is('GRC-ATH_2026-0001')")
    frame.wait_for_selector("text=Attempts")
    assert page.url.endswith(f"{ENTRY}/notifications/list/GRC-ATH_2026-0001"), "its address can be kept"
    picture(page, "list")
    frame.click("text=The run that made it")
    page.wait_for_url(re.compile("/dags/deliver_[^/]+/runs/"), timeout=LATEST)
    dag, run = re.search("/dags/([^/]+)/runs/([^/?]+)", page.url).groups()
    for task in ("compose", "send"):
        (link,) = demo.airflow.get(f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/links")["extra_links"].values()
        page.goto(link)
        page.frame_locator("iframe").get_by_role("heading", name=re.compile("^GRC-ATH_2026")).wait_for()
    newest = demo.airflow.get("dags/reconcile_cases/dagRuns?limit=1&order_by=-id")["dag_runs"][0]
    run, host = newest["dag_run_id"], newest["partition_key"].partition("|")[0]
    links = demo.airflow.get(f"dags/reconcile_cases/dagRuns/{quote(run)}/taskInstances/link/links")["extra_links"]
    assert [one.endswith(f"#host-{host}") for one in links.values()] == [True]


def test_a_review_is_cleared_by_keyboard_alone(demo, enter):
    page = enter("reviewer")
    frame = board_in(page, "review")
    page.wait_for_timeout(500)  # the keys are heard from when the page is whole
    page.keyboard.press("n")
    frame.wait_for_selector("text=Are these one person?")
    picture(page, "review")
    with reading(demo.setting.ledger) as session:
        queue = board.waiting(session)
    assert queue
    cases: set[tuple[str, str]] = set()
    for one in queue:
        frame.wait_for_url(re.compile(f"/review/{one.id}([?]|$)"))
        frame.wait_for_load_state()
        page.keyboard.press("r" if cases else "a")
        page.keyboard.type("seen by the test")
        cases.add((one.host_country, one.case_id))
        page.keyboard.press("Enter")
        frame.wait_for_url(re.compile("/review(/[0-9]+)?[?]said=decided$"))
    frame.wait_for_selector("text=Nothing waits in review.")
    with reading(demo.setting.ledger) as session:
        decided = [one for one in session.scalars(select(Review)) if one.reason == "seen by the test"]
        assert [one.decided_by for one in decided] == ["reviewer"] * len(queue)
        viewed = session.scalars(select(Viewed).filter_by(viewed_by="reviewer", page="review")).all()
        assert {(one.host_country, one.case_id) for one in viewed} >= cases


def test_an_urgent_list_is_seen_to_go_out(demo, enter):
    """A match is found wrong of which an office was told: it is told at once, and the page shows it by itself."""
    with reading(demo.setting.ledger) as session:
        told = session.scalars(
            select(Entry)
            .join(Notice, Notice.entry == Entry.entry)
            .join(List, (List.id == Notice.list_id) & (List.state == "told"))
            .where(Entry.office == "PAK-ISB", Entry.closed_at.is_(None), Entry.asylum_reference.is_not(None))
        ).first()
    page = enter("watcher")
    today = board_in(page)
    assert "urgent" not in lists_shown(today)["PAK-ISB"]
    with writing(demo.setting.ledger) as session:
        reviews.record_decision(
            session,
            reviews.Pair(told.host_country, told.case_id, told.asylum_reference),
            "reject",
            by="the test",
            reason="two people after all",
            evidence=None,
            one_person=False,
            clock=lambda: dt.datetime.now(dt.UTC),
        )

    def it_is_with_the_office() -> bool:
        demo.answer_requests()
        page.wait_for_timeout(1000)  # the page asks for news by itself meanwhile
        row = lists_shown(today)["PAK-ISB"]
        return "urgent list" in row and "With the office" in row

    wait_until(demo, it_is_with_the_office)
    page.frame_locator("iframe").get_by_role("link", name="PAK-ISB", exact=True).scroll_into_view_if_needed()
    picture(page, "urgent")


def lists_shown(today: Frame) -> dict[str, str]:
    """Each office's row on the page that is open, as it stands now."""
    rows = today.query_selector_all("section[aria-labelledby=offices_late] tbody tr")
    return {row.query_selector("th a").inner_text(): row.inner_text() for row in rows}


def test_a_concern_is_looked_into_and_closed(demo, enter):
    with reading(demo.setting.ledger) as session:
        concern = responses.open_concerns(session)[0]
        name = responses.told_of(session, concern.entry)[-1].name
    page = enter("reviewer")
    frame = board_in(page, "concerns")
    picture(page, "concerns")
    frame.click(f"text={concern.entry}")
    frame.wait_for_selector(f"h1:has-text({name!r})")
    picture(page, "concern")
    frame.fill("textarea", "spoke with the person, who is sure")
    frame.click("button:has-text('Close the concern')")
    frame.wait_for_selector("text=The concern is closed.")
    with reading(demo.setting.ledger) as session:
        closed = session.get(Concern, concern.id)
        assert (closed.closed_by, closed.note) == ("reviewer", "spoke with the person, who is sure")
        case_id = board.whole_list(session, concern.list_number) and session.get(responses.Entry, concern.entry).case_id
    auditor = enter("auditor")
    frame = board_in(auditor, "trail")
    frame.fill("#case_id", case_id)
    frame.fill("#host", "")
    frame.press("#case_id", "Enter")
    frame.wait_for_selector("text=spoke with the person, who is sure")
    assert case_id not in auditor.url
    picture(auditor, "trail")
    board_in(auditor, "timeliness")
    picture(auditor, "timeliness")


def test_a_page_stays_fresh_without_a_reload_and_keeps_its_place(demo, enter):
    page = enter("watcher")
    frame = board_in(page)
    frame.evaluate("window.notReloaded = true")
    asked = []
    page.on("request", lambda one: asked.append(one.url) if one.url.endswith("/notifications/") else None)
    deadline = time.monotonic() + 60
    while len(asked) < 2:
        page.wait_for_timeout(500)
        assert time.monotonic() < deadline, "the page never asked"
    assert frame.evaluate("window.notReloaded") is True


def test_nothing_of_all_this_is_in_a_log_or_in_airflows_database(demo, enter):
    with reading(demo.setting.ledger) as session:
        assert session.scalars(select(Viewed)).first()
        assert session.scalars(select(List)).first()
    assert leaks(demo) == set()
