"""What the focal point is mailed, over a real mail server, from what the ledger knows."""

import datetime as dt
import email
import email.policy
import json
from contextlib import contextmanager

import pytest
import yaml

from include.alerts import list_is_late, tell_overdue
from include.ledger import outbox
from include.ledger.engine import writing
from include.ledger.models import Delivery
from include.reports.overdue import Overdue, check_lists_are_on_time, overdue_lists
from include.runbook import Page
from tests.ledger.world import MONDAY, MORNING, case, cases, notices, reconcile, send_list
from tests.servers import PASSWORD, USER, mail

pytestmark = pytest.mark.usefixtures("ledger")
FOCAL_POINT = "focal.point.athens@iom.example"
HOUR = dt.timedelta(hours=1)
ARRANGEMENT = {
    "office": "GRC-ATH",
    "name": "UNHCR Greece, Athens",
    "host_countries": ["GRC"],
    "timezone": "Europe/Athens",
    "language": "en",
    "list": {"days": ["mon"], "at": "09:00"},
    "consent": "recorded",
    "deliver": [{"via": "sftp", "connection": "a", "folder": "/", "seal": "none"}],
    "answers": {"escalate": [FOCAL_POINT]},
    "effective_from": dt.date(2026, 11, 1),
}


@pytest.fixture
def inbox(tmp_path, monkeypatch):
    """What the focal point has, one arrangement and a mail server being there."""
    (tmp_path / "arrangements" / "offices").mkdir(parents=True)
    (tmp_path / "arrangements" / "offices" / "GRC-ATH.yaml").write_text(yaml.safe_dump(ARRANGEMENT))
    monkeypatch.setenv("AVR_ARRANGEMENTS", str(tmp_path / "arrangements"))
    monkeypatch.setenv("AVR_FROM", "2026-11-01")
    with _server(tmp_path, monkeypatch):
        yield lambda: [
            email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            for path in sorted((tmp_path / "mail" / FOCAL_POINT).glob("*.eml"))
        ]


@contextmanager
def _server(folder, monkeypatch):
    with mail(folder) as (port, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        extra = {"from_email": "avr@iom.example", "disable_ssl": True, "disable_tls": False, "retry_limit": 0}
        given = {"conn_type": "smtp", "host": "localhost", "port": port, "login": USER, "password": PASSWORD}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_AVR", json.dumps(given | {"extra": extra}))
        yield


def context(state="running"):
    """What Airflow gives the callback of a deadline."""
    return {
        "dag_run": {
            "dag_id": "deliver_lists__GRC-ATH",
            "dag_run_id": "scheduled__2026-11-02T07:00:00+00:00",
            "state": state,
            "data_interval_end": MORNING.isoformat().replace("+00:00", "Z"),
            "run_after": MORNING.isoformat(),
        },
        "deadline": {"id": "1", "deadline_time": MORNING + 2 * HOUR},
    }


def sealed_list():
    reconcile(MONDAY, cases(case("A")))
    return send_list(notices("A"))


def deliver(list_id):
    with writing() as session:
        (delivery,) = session.query(Delivery).filter_by(list_id=list_id)
        outbox.record_delivered(session, delivery.id, {}, MORNING)


def test_a_list_that_was_not_made_is_late(inbox):
    list_is_late("GRC-ATH", context())
    (told,) = inbox()
    assert told["Subject"] == "Late: the list of GRC-ATH due Monday 02 November 2026 09:00 EET"
    assert "- The list has not been made." in told.get_content()
    assert "It still tries." in told.get_content()
    assert Page.LATE_LIST.hint in told.get_content()


def test_a_list_that_did_not_arrive_is_named_and_nobody_on_it(inbox):
    sealed_list()
    list_is_late("GRC-ATH", context("failed"))
    (told,) = inbox()
    assert "- GRC-ATH_2026-0001 via sftp (queued, tried 0 times) is not with the office." in told.get_content()
    assert "It has failed" in told.get_content()
    assert "RAHIMI" not in told.as_string()


def test_nobody_is_mailed_of_a_list_that_its_office_has_by_now(inbox):
    deliver(sealed_list())
    list_is_late("GRC-ATH", context("failed"))
    assert inbox() == []


def test_what_is_overdue_is_told_when_it_is_new_and_once_a_day(inbox):
    for hours, mails in ((3, 1), (4, 1), (25, 1), (26, 2), (27, 2)):
        overdue = overdue_lists(MORNING + hours * HOUR)
        assert overdue == {"GRC-ATH": ["GRC-ATH should have been told at 2026-11-02 09:00 EET"]}
        tell_overdue(overdue, MORNING + hours * HOUR)
        assert len(inbox()) == mails, hours
    # Made now, and not sent: something new.
    sealed_list()
    overdue = overdue_lists(MORNING + 29 * HOUR)
    tell_overdue(overdue, MORNING + 29 * HOUR)
    assert "- list GRC-ATH_2026-0001 via sftp is still owed" in inbox()[-1].get_content()
    assert all(Page.LATE_LIST.hint in told.get_content() for told in inbox())
    with pytest.raises(Overdue, match="GRC-ATH_2026-0001 via sftp is still owed"):
        check_lists_are_on_time(overdue)


def test_what_was_put_right_and_comes_again_is_told_again(inbox):
    overdue = {"GRC-ATH": ["list GRC-ATH_2026-0001 via sftp is still owed"]}
    for found, mails in ((overdue, 1), ({}, 1), (overdue, 2)):
        tell_overdue(found, MORNING)
        assert len(inbox()) == mails


def test_one_focal_point_that_cannot_be_told_keeps_no_other_from_being_told(inbox):
    tell_overdue({"AAA-XXX": ["list AAA-XXX_2026-0001 via sftp is still owed"], "GRC-ATH": ["late"]}, MORNING)
    assert len(inbox()) == 1


def test_who_could_not_be_told_is_told_when_the_mail_server_is_back(inbox, monkeypatch, tmp_path):
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_AVR", json.dumps({"conn_type": "smtp", "host": "localhost", "port": 9}))
    tell_overdue({"GRC-ATH": ["late"]}, MORNING)
    with _server(tmp_path, monkeypatch):
        tell_overdue({"GRC-ATH": ["late"]}, MORNING + HOUR)
        assert len(inbox()) == 1
