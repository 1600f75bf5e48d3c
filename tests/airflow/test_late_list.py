"""A list that cannot be delivered, under a real Airflow: its deadline passes, and the focal point has a mail."""

import email
import email.policy
import re
import shutil
import time
from collections.abc import Callable, Iterator

import pytest

from include.demo.run import Demo
from tests.servers import statsd

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]
OFFICE, DAG = "GRC-ATH", "deliver_lists__GRC-ATH"


@pytest.fixture(scope="module")
def late(tmp_path_factory) -> Iterator[tuple[Demo, Callable[[], list[str]]]]:
    """One office, whose folder is lost; its empty list is due at once, and late a quarter of a minute later."""
    prepared = Demo(tmp_path_factory.mktemp("late"), 2)
    for path in (prepared.setting.arrangements / "offices").glob("*.yaml"):
        if path.stem != OFFICE:
            path.unlink()
    path = prepared.setting.arrangements / "offices" / f"{OFFICE}.yaml"
    path.write_text(re.sub("when_empty: skip", "when_empty: send\n  wait: 0 minutes", path.read_text()))
    environment = prepared.airflow.environment
    environment |= {"AVR_LATE_AFTER": "0.25"}
    with statsd() as (port, received):
        environment |= {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(port),
            "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "True",
        }
        with prepared as running:
            running.open_addresses()
            # Nothing has gone there yet: the office's first list waits for a person, whom `wait_for` is.
            shutil.rmtree(running.setting.offices / OFFICE / "lists")
            yield running, received


def wait_for(late, there: Callable[[], bool]) -> None:
    demo, received = late
    deadline = time.monotonic() + 240
    while not there():
        received()  # a socket that nobody reads loses what comes
        demo.airflow.keep_alive()
        demo.answer_requests()
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.5)


def mails(demo: Demo) -> dict[str, email.message.EmailMessage]:
    """What the focal point has been mailed, by subject."""
    box = demo.setting.mail / "focal.point.athens@iom.example"
    read = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in box.glob("*.eml")]
    return {mail["Subject"].strip(): mail for mail in read}  # a long one is folded


def test_a_late_list_is_mailed_to_the_focal_point(late):
    demo, _ = late
    subject = "Late: the list of GRC-ATH due Monday 02 November 2026 09:00 EET"
    wait_for(late, lambda: subject in mails(demo))
    mail = mails(demo)[subject]
    text = mail.get_content()
    # Whether it was made by then is the machine's speed.
    assert "- GRC-ATH_2026-0001 via sftp (" in text or "- The list has not been made." in text
    assert "It still tries." in text
    assert f"{DAG} scheduled__" in text


def test_the_focal_point_is_mailed_that_a_first_list_waits_for_approval(late):
    demo, _ = late
    subject = "Waiting for your approval: the scheduled list of 2026-11-02 for GRC-ATH"
    wait_for(late, lambda: subject in mails(demo))
    assert "It is the office's first list." in mails(demo)[subject].get_content()


def test_the_ui_shows_the_office_its_days_and_its_next_list(late):
    demo, _ = late
    seen = demo.airflow.get(f"dags/{DAG}/details")
    assert seen["timetable_summary"] == "mon, tue, wed, thu, fri 09:00"
    assert seen["timetable_description"] == "mon, tue, wed, thu, fri at 09:00 Europe/Athens, on working days of GRC-ATH"
    following = [seen[f"next_dagrun_{name}"] for name in ("data_interval_start", "data_interval_end", "run_after")]
    assert following == ["2026-11-02T07:00:00Z", "2026-11-03T07:00:00Z", "2026-11-03T07:00:00Z"]


def test_what_tasks_count_arrives_by_airflows_own_metrics(late):
    _, received = late
    failed = "airflow.avr.delivery_failures,office=GRC-ATH,via=sftp,state=refused:1|c"
    wait_for(late, lambda: failed in received())
    assert "airflow.avr.lists_composed,office=GRC-ATH,kind=scheduled:1|c" in received()
    assert "airflow.avr.delivery_attempts,office=GRC-ATH,via=sftp:1|c" in received()
