"""What needs a person now is on Today: in the ledger or in Airflow's own database, and where it is answered."""

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import delete, insert

from include.ledger import clearances, outbox
from include.ledger.engine import writing
from include.reports.clearances import question
from tests.board.test_pages import shown
from tests.board.world import DOUBTED, NOON, run
from tests.ledger.world import MONDAY

HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def this_week_and_each_page_made_anew(board_app, monkeypatch):
    monkeypatch.setenv("AVR_FROM", "2026-11-02")
    monkeypatch.setattr("notification_board.app._KEPT_SECONDS", -1)


@pytest.fixture
def ran(board_app) -> Iterator[Callable[..., str]]:
    """Puts a run with a task into Airflow's database, mapped if it has several states, and asking where there is a subject."""
    from airflow.utils.session import create_session

    def put(dag_id, task_id, *states, subject=None, answered=False, before=HOUR) -> str:
        run_id, tasks = f"scheduled__{uuid.uuid4()}", [uuid.uuid4() for _ in states]
        with create_session() as session:
            session.execute(
                insert(DagRun).values(dag_id=dag_id, run_id=run_id, run_type="scheduled", run_after=NOON - before)
            )
            for number, (task, state) in enumerate(zip(tasks, states, strict=True)):
                session.execute(
                    insert(TaskInstance).values(id=task, dag_id=dag_id, run_id=run_id, task_id=task_id, state=state,
                                                map_index=number if len(states) > 1 else -1, pool="default_pool")
                )  # fmt: skip
            if subject:
                session.execute(
                    insert(HITLDetail).values(ti_id=tasks[0], options=["Send it"], subject=subject,
                                              created_at=NOON - before, responded_at=NOON if answered else None)
                )  # fmt: skip
        return run_id

    yield put
    with create_session() as session:
        for table in (HITLDetail, TaskInstance, DagRun):
            session.execute(delete(table))


def test_a_list_that_waits_for_approval_leads_to_where_it_is_given(ledger, login, ran):
    run()
    made = ran("deliver_lists__GRC-ATH", "approve", "awaiting_input", subject="A list of GRC-ATH waits")
    ran("deliver_lists__TUR-ANK", "approve", "success", subject="A list of TUR-ANK waits", answered=True)
    page = login("watcher").get("").text
    assert "Lists that wait for your approval: 1" in shown(page)
    (asked,) = re.findall(r'<section aria-labelledby="asked">.*?</section>', page, re.DOTALL)
    assert "office/GRC-ATH" in asked
    assert "TUR-ANK" not in asked
    assert f"dags/deliver_lists__GRC-ATH/runs/{made}/tasks/approve/required_actions" in asked


def test_a_case_at_which_somebody_must_look_is_shown_until_somebody_has(ledger, login, ran):
    run()
    with writing() as session:
        outbox.lock_office(session, "GRC-ATH")
        clearances.ask(session, "GRC-ATH", {("GRC", DOUBTED): "unaccompanied_child"}, MONDAY, NOON)
        (waiting,) = clearances.waiting(session)
    page = shown(login("watcher").get("").text)
    assert "unaccompanied_child" in page
    assert waiting.entry in page
    assert "within the hour" in page, "nobody was asked yet"
    asking = ran("clear_notices", "ask", "deferred", subject=question(waiting.number, NOON).subject)
    assert f"dags/clear_notices/runs/{asking}/tasks/ask/required_actions" in login("watcher").get("").text
    with writing() as session:
        clearances.clear(session, waiting.number, "a person", "spoke with the guardian", NOON)
    assert waiting.entry not in shown(login("watcher").get("").text)


def test_a_watch_is_red_from_its_failure_to_its_next_success(ledger, login, ran):
    run()
    ran("watch", "find_unread_messages", "failed", before=4 * HOUR)
    ran("watch", "find_unread_messages", "success", before=3 * HOUR)
    assert "Messages that a person must read" not in shown(login("watcher").get("").text)
    failed = ran("watch", "find_unread_messages", "failed", before=2 * HOUR)
    page = login("watcher").get("").text
    assert f"dags/watch/runs/{failed}" in page
    assert "Messages that a person must read" in shown(page)
    ran("watch", "find_unread_messages", "up_for_retry")
    assert failed in login("watcher").get("").text, "what is tried again says nothing yet"
    ran("watch", "find_unread_messages", "success", before=HOUR / 2)
    assert "Messages that a person must read" not in shown(login("watcher").get("").text)


def test_a_watch_of_many_is_red_if_one_of_them_is(ledger, login, ran):
    run()
    failed = ran("watch_seals", "find_ending_seals", "success", "failed", "success", before=24 * HOUR)
    page = login("watcher").get("").text
    assert f"dags/watch_seals/runs/{failed}" in page
    assert "Keys or passwords that end soon" in shown(page)
    ran("watch_seals", "find_ending_seals", "success", "running")
    assert failed in login("watcher").get("").text
    ran("watch_seals", "find_ending_seals", "success", "success", before=HOUR / 2)
    assert "Keys or passwords that end soon" not in shown(login("watcher").get("").text)


def test_every_watch_that_no_page_shows_has_its_words():
    from notification_board.airflow_side import WATCHES
    from notification_board.words import words

    assert words("en").watches.keys() == {task for tasks in WATCHES.values() for task in tasks}
