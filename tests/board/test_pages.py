"""What the pages show and what their forms do, on both databases, from files to the browser's answer."""

import csv
import datetime as dt
import html
import io
import re

import pytest
from sqlalchemy import event, select

from include.board import people
from include.board.pages import list_page, office_page, timeliness
from include.board.people import NothingToSee, Viewer
from include.board.today import bucket, today
from include.ledger import board, outbox, reviews
from include.ledger.engine import engine, reading, writing
from include.ledger.models import Concern, Delivery, List, Resend, Review
from tests.board.world import CASES, DOUBTED, IN_REVIEW, LIST, NOON, REGISTER, bounce, run
from tests.ledger.world import MONDAY, TUESDAY, notices, send_list

REVIEWER = Viewer("a reviewer", lambda: NOON)


@pytest.fixture(autouse=True)
def only_this_week(monkeypatch):
    monkeypatch.setenv("AVR_FROM", "2026-11-02")


def shown(page: str) -> str:
    """A page as it reads: without tags, entities and line breaks."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def test_today_adds_up_and_says_what_needs_a_person(told):
    now = today(NOON)
    (greece,) = [host for host in now.hosts if host.host_country == "GRC"]
    assert greece.adds_up
    assert greece.standings["pending"] == greece.standings["review"] == 1
    assert sum(greece.standings.values()) == greece.newest.extracts["avr_cases"].row_count == 2
    assert now.concerns == {"left": 0, "near": 0, "week": 0, "later": 1, "undated": 0}
    assert now.reviews == {"left": 0, "near": 1, "week": 0, "later": 0, "undated": 0}
    assert now.needs["concerns"] == now.needs["reviews"] == 1
    assert not now.all_told, "who is in review leaves in two days"
    (athens,) = [office for office in now.offices if office.office == "GRC-ATH"]
    assert (athens.last.list.list_number, athens.last.received_by, athens.late) == (LIST, "answer", [])


def test_a_list_that_is_not_with_its_office_makes_it_late(told):
    bounce()
    (athens,) = [office for office in today(NOON).offices if office.office == "GRC-ATH"]
    assert [(one.what, one.list_number) for one in athens.late] == [("came_back", LIST)]


@pytest.mark.parametrize(
    ("departed", "left", "expected"),
    [(MONDAY, None, "left"), (None, -2, "near"), (None, 3, "near"), (None, 4, "week"), (None, 7, "week"),
     (None, 8, "later"), (None, None, "undated")],
)  # fmt: skip
def test_departures_are_counted_by_the_days_that_are_left(departed, left, expected):
    assert bucket(departed, left) == expected


def test_a_page_costs_a_handful_of_queries_however_many_offices_and_lists_there_are(told, ledger):
    def asked(work) -> int:
        count = []
        listen = lambda *_: count.append(1)  # noqa: E731
        event.listen(engine(ledger), "before_cursor_execute", listen)
        work()
        event.remove(engine(ledger), "before_cursor_execute", listen)
        return len(count)

    pages = (lambda: today(NOON), lambda: office_page("GRC-ATH", NOON), lambda: timeliness(None, MONDAY), people.queue)
    for page in pages:
        page()  # what is kept of earlier weeks is read once
    few = [asked(page) for page in pages]
    for number in range(12):
        run_of = f"GRC-{number:02}"
        send_list(notices(DOUBTED), office=run_of)
        send_list(notices(DOUBTED))
    assert [asked(page) for page in pages] == few
    assert max(few) <= 22


def test_the_list_page_shows_each_attempt_and_what_the_office_said(told, login):
    page = list_page(LIST, NOON).whole
    (line,) = page.lines
    assert (line.notice.entry, line.lead_days, line.answer.concern, line.concern) == (told, 18, True, 1)
    ((_, attempts),) = page.deliveries
    assert [(one.number, one.outcome, one.error) for one in attempts] == [
        (1, "queued", "the server does not answer"),
        (2, "delivered", None),
    ]
    text = shown(login("watcher").get(f"list/{LIST}").text)
    assert "the server does not answer" in text
    assert told in text
    assert "please ask" not in text, "what an office wrote may name somebody"


def token(page: str) -> str:
    return re.search(r'name="token" value="([0-9a-f]{64})"', page)[1]


def kept(model):
    with reading() as session:
        return session.scalars(select(model)).all()


def test_a_list_that_came_back_goes_once_more_with_a_reason(told, login):
    client = login("reviewer")
    assert "resend" not in client.get(f"list/{LIST}").text, "it is with the office"
    bounce()
    page = client.get(f"list/{LIST}").text
    assert "/resend" in page
    assert "/resend" not in login("watcher").get(f"list/{LIST}").text
    form = {"reason": "the mailbox is repaired", "token": token(page)}
    assert "Say why" in client.post(f"list/{LIST}/resend", data=form | {"reason": " "}).text
    assert kept(Resend) == []
    assert client.post(f"list/{LIST}/resend", data=form).status_code == 303
    assert [one.state for one in kept(Delivery)] == ["queued"]
    assert [(one.resent_by, one.reason) for one in kept(Resend)] == [("reviewer", "the mailbox is repaired")]
    again = client.post(f"list/{LIST}/resend", data=form)
    assert (again.status_code, len(kept(Resend))) == (200, 1)
    assert "is still to be sent" in again.text
    assert "the mailbox is repaired" in client.get(f"list/{LIST}").text
    watcher = login("watcher")
    assert watcher.post(f"list/{LIST}/resend", data=form).status_code == 403


def test_a_concern_is_closed_with_a_note_and_by_whom(told, login):
    client = login("reviewer")
    page = client.get("concern/1").text
    assert "MAMULASHVILI, Giorgi" in page
    assert "please ask Giorgi again" in shown(page)
    form = {"note": "spoke with the person, who is sure", "token": token(page)}
    assert client.post("concern/1/close", data=form | {"note": " "}).status_code == 200
    answer = client.post("concern/1/close", data=form)
    assert (answer.status_code, client.get(answer.headers["Location"].removeprefix("../../")).status_code) == (303, 200)
    assert [(one.closed_by, one.note) for one in kept(Concern)] == [("reviewer", form["note"])]
    assert "No concern stands" in client.post("concern/1/close", data=form).text


def waiting() -> list[str]:
    return [one.case_id for one in people.queue()]


def test_a_reviewer_sees_both_records_decides_and_is_led_to_the_next(told, login):
    client = login("reviewer")
    (pair,) = people.queue()
    page = client.get(f"review/{pair.id}").text
    text = shown(page)
    for part in (IN_REVIEW, "ASY-7001", "Ahmad Zaher Rahimi", "Probability", "Before comparing"):
        assert part in text
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page)[1]
    form = {"decision": "reject", "reason": "another birth date", "seen": seen, "token": token(page)}
    assert client.post(f"review/{pair.id}/decide", data=form | {"seen": "0" * 64}).status_code == 200
    assert client.post(f"review/{pair.id}/decide", data=form | {"reason": " "}).status_code == 200
    assert kept(Review) == [], "nothing is taken down of what the person did not see, or without a reason"
    answer = client.post(f"review/{pair.id}/decide", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "../../review?said=decided")
    (decided,) = kept(Review)
    assert (decided.decision, decided.decided_by, decided.evidence) == ("reject", "reviewer", seen)
    assert waiting() == []
    twice = client.post(f"review/{pair.id}/decide", data=form | {"decision": "accept"})
    assert "meanwhile" in twice.text
    assert [one.decision for one in kept(Review)] == ["reject"], "a form that is sent twice decides once"


def test_a_decision_on_other_evidence_than_was_seen_is_refused(told):
    (pair,) = people.queue()
    page = people.pair_page(pair.id, REVIEWER)
    changed = [CASES[0] | {"date_of_birth": "1990-05-06"}, *CASES[1:]]
    run(TUESDAY, changed)
    given = {"by": "x", "reason": "y", "one_person": False, "clock": lambda: NOON}
    again = people.queue()
    if not again:
        pytest.fail("the changed case is in review no more: choose another change")
    with pytest.raises(reviews.NotDecidable, match="look again"):
        people.decide(again[0].id, "accept", seen=page.seen, **given)
    fresh = people.pair_page(again[0].id, REVIEWER)
    assert fresh.seen != page.seen
    people.decide(again[0].id, "accept", seen=fresh.seen, **given)


def test_the_queue_has_the_nearest_departure_first_and_leads_from_pair_to_pair(ledger):
    later = CASES[0] | {"case_id": "AVR-2001", "expected_departure_on": "2026-11-30", "given_names": "Ahmad Zahir"}
    run(cases=[later, *CASES], register=[*REGISTER, REGISTER[0] | {"asylum_reference": "ASY-7003"}])
    queue = people.queue()
    assert [one.expected_departure_on for one in queue] == sorted(one.expected_departure_on for one in queue)
    assert len(queue) > 2
    pages = [people.pair_page(one.id, REVIEWER) for one in queue]
    assert [page.following for page in pages] == [*(one.id for one in queue[1:]), None]
    assert [page.previous for page in pages] == [None, *(one.id for one in queue[:-1])]


def test_who_does_not_leave_any_more_is_at_the_end_of_the_queue_and_in_no_hurry(ledger):
    closed = CASES[0] | {"case_id": "AVR-2001", "status": "closed", "expected_departure_on": "2026-10-12"}
    run(cases=[closed, CASES[0]])
    *_, last = people.queue()
    assert (last.case_id, last.days_left(MONDAY)) == ("AVR-2001", None)
    assert today(NOON).reviews == {"left": 0, "near": 1, "week": 0, "later": 0, "undated": 1}


def test_what_is_not_there_is_not_found(told, login):
    client = login("admin")
    for path in ("office/XXX-YYY", "list/GRC-ATH_2026-0099", "list/nothing", "review/9999", "concern/99",
                 "timeliness/FRA", "static/../app.py"):  # fmt: skip
        assert client.get(path).status_code == 404, path
    with pytest.raises(NothingToSee):
        people.concern_page(99, REVIEWER)
    assert client.get("review/abc").status_code == 422


def test_the_trail_has_everything_in_order_of_time(told):
    run(TUESDAY)
    with writing() as session:
        pair = reviews.Pair("GRC", DOUBTED, "ASY-7002")
        given = {"by": "x", "reason": "y", "evidence": None, "one_person": False, "clock": lambda: NOON}
        reviews.record_decision(session, pair, "reject", **given)
    page = people.trail_page(DOUBTED, None, Viewer("an auditor", lambda: NOON + dt.timedelta(days=2)))
    whats = [one.what for one in page.happened]
    assert set(whats) == {"standing", "match", "decision", "told", "answer", "concern", "viewed"}
    assert whats.index("standing") < whats.index("told") < whats.index("answer") < whats.index("viewed")
    (sent,) = [one for one in page.happened if one.what == "told"]
    assert (sent.list_number, sent.said[3]) == (LIST, told)
    assert [one.case_id for one in (page.found.case,)] == [DOUBTED]


def test_a_page_that_is_still_the_same_is_not_sent_again(told, login):
    client = login("watcher")
    for path in ("", "office/GRC-ATH", f"list/{LIST}", "concerns", "review"):
        first = client.get(path)
        assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304, path
    tag = client.get("concerns").headers["ETag"]
    with writing() as session:
        concern = session.scalars(select(Concern)).one()
        concern.closed_at, concern.closed_by, concern.note = NOON, "x", "y"
    assert client.get("concerns", headers={"If-None-Match": tag}).status_code == 200


def test_figures_are_saved_as_they_are_drawn(told, login):
    client = login("watcher")
    saved = client.get("timeliness/GRC/chart.csv")
    assert list(csv.DictReader(io.StringIO(saved.text))) == [
        {"week": "11-02", "entries": "1", "median_lead_days": "18"}
    ]
    assert saved.headers["Content-Disposition"] == 'attachment; filename="lead-time-GRC.csv"'
    assert "18" in client.get("office/GRC-ATH/chart.svg").text
    (week,) = timeliness("GRC", MONDAY).weeks
    assert (week.told, week.median_lead, week.too_late) == (1, 18, 0)


def test_an_entry_told_on_the_day_of_the_departure_is_too_late(ledger):
    run(cases=[CASES[1] | {"expected_departure_on": "2026-11-02"}])
    table = notices(DOUBTED).assign(expected_departure_on="2026-11-02")
    table["expected_departure_on"] = table["expected_departure_on"].astype("datetime64[s]")
    send_list(table)
    with writing() as session:
        delivery, sent, _ = outbox.next_delivery(session, "GRC-ATH", "sftp:a")
        outbox.record_delivered(session, delivery.id, {}, NOON)
    (week,) = timeliness(None, MONDAY).weeks
    assert week.too_late == 1
    assert [one.list.id for one in office_page("GRC-ATH", NOON).lists] == [sent.id]


def test_a_void_list_is_not_sent_again(told):
    bounce()
    with writing() as session:
        outbox.void_list(session, LIST, "the office has closed", NOON)
    with reading() as session:
        assert not board.whole_list(session, LIST).missed_somebody
        assert session.scalars(select(List.state)).all() == ["void"]


def test_a_summary_that_nobody_made_makes_its_office_late_and_leads_to_no_list(told, login, board_app, monkeypatch):
    from notification_board.app import clock

    later = NOON.replace(day=5)
    (athens,) = [office for office in today(later).offices if office.office == "GRC-ATH"]
    assert [one.list_number for one in athens.late if one.what == "paper"] == [""]
    monkeypatch.setitem(board_app.dependency_overrides, clock, lambda: lambda: later)
    page = login("watcher").get("")
    assert page.status_code == 200
    assert "A summary or other paper" in shown(page.text)
