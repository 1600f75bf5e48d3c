"""What IOM's focal point and an office are mailed of the way back, over a real mail server."""

import datetime as dt
import email
import email.policy
import json
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import yaml
from rich.console import Console

from include.ledger import responses
from include.ledger.engine import reading, writing
from include.reminders import NotTold, remind, tell_concerns, tell_what_was_not_understood
from include.reports.answers import ConcernsNeedSomebody, OfficesAreSilent, check_concerns, check_offices_answer
from include.reports.concerns import show_one, show_open
from include.responses.opening import OpeningKeys
from include.responses.taking import take_file
from include.runbook import Page
from tests.ledger.world import MONDAY, MORNING, case, cases, notices, reconcile
from tests.responses.world import LIST, booked, file, kept, office, told_list
from tests.servers import PASSWORD, USER, mail

FOCAL, PROTECTION = "focal.point@iom.example", "protection@unhcr.example"
NOON = MORNING + dt.timedelta(hours=5)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def arranged(tmp_path, monkeypatch):
    """Puts an arrangement of GRC-ATH with these answers' settings in force."""

    def arrange(**answers):
        path = tmp_path / "arrangements" / "offices" / "GRC-ATH.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        settings = office(**answers).model_dump(mode="json", exclude_defaults=True)
        settings["answers"] = {"escalate": [FOCAL]} | answers
        settings["list"] = {"days": ["mon", "thu"], "at": "09:00", "holidays": "GRC"}
        path.write_text(yaml.safe_dump(settings))
        monkeypatch.setenv("AVR_ARRANGEMENTS", str(tmp_path / "arrangements"))

    arrange()
    return arrange


@pytest.fixture
def post(tmp_path, monkeypatch, ledger, arranged):
    """Subjects and texts of what an address has, since it was last asked."""
    seen = {}

    def got(address):
        messages = sorted((tmp_path / "mail" / address).glob("*.eml"))[seen.get(address, 0) :]
        seen[address] = seen.get(address, 0) + len(messages)
        read = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in messages]
        return [(str(one["Subject"]), one.get_content()) for one in read]

    with mail(tmp_path) as (port, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        extra = {"from_email": "avr@iom.example", "disable_ssl": True, "disable_tls": False, "retry_limit": 0}
        given = {"conn_type": "smtp", "host": "localhost", "port": port, "login": USER, "password": PASSWORD}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_AVR", json.dumps(given | {"extra": extra}))
        yield got
    # Whatever goes to IOM alone names its page of the runbook; offices have no runbook.
    for path in (tmp_path / "mail").glob("*/*.eml"):
        sent = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert (sent["To"] == FOCAL) == any(page.hint in sent.get_content() for page in Page), sent["Subject"]


def answer(*rows, now=NOON, **more):
    return take_file(office(sealed="never", **more), file(*rows), "list.csv", "sftp", OpeningKeys(), now)


def subjects(mails):
    return [subject for subject, _ in mails]


def test_a_concern_is_told_at_once_with_its_days_and_nobody_s_name(entry, post):
    answer((entry["A"], "yes", "", "she fears her uncle"))
    assert len(tell_concerns(NOON)) == 1
    ((subject, text),) = post(FOCAL)
    assert subject == f"Voluntariness concern: GRC-ATH, entry {entry['A']}, 18 days to departure"
    assert f"python -m include concerns close {entry['A']}" in text
    for secret in ("RAHIMI", "Ahmad", "uncle", "GRC-AVR"):
        assert secret not in subject + text
    assert post(PROTECTION) == []
    assert tell_concerns(NOON + HOUR) == []


def test_it_is_told_on_a_sunday_night_of_a_closed_office(entry, post):
    sunday_night = dt.datetime(2026, 11, 8, 23, tzinfo=dt.UTC)
    answer((entry["A"], "yes", "", ""), now=sunday_night)
    tell_concerns(sunday_night)
    assert len(post(FOCAL)) == 1


def test_it_is_told_again_as_the_departure_comes_near(entry, post):
    answer((entry["A"], "yes", "", ""))
    told = {}
    for hours in range(24 * 21):
        for subject in tell_concerns(NOON + hours * HOUR):
            told.setdefault((NOON + hours * HOUR).astimezone(ZoneInfo("Europe/Athens")).date(), []).append(subject)
    days_before = [(dt.date(2026, 11, 20) - day).days for day in told]
    assert {7, 3, 2, 1, 0} <= set(days_before)
    assert max(gap for gap in map(int.__sub__, days_before, days_before[1:])) <= 3, "never silent for long"
    assert all(len(mails) == 1 for mails in told.values())
    assert any("3 days to departure" in subject for subject in subjects(post(FOCAL)))


def test_a_departure_that_moves_near_is_told(entry, post):
    answer((entry["A"], "yes", "", ""))
    tell_concerns(NOON)
    booked(day=MONDAY + DAY, expected_departure_on="2026-11-05")
    assert "2 days to the expected departure" in tell_concerns(NOON + DAY)[0]


def test_a_departure_with_the_concern_open_is_recorded_and_told_loudly(entry, post):
    answer((entry["A"], "yes", "", ""))
    tell_concerns(NOON)
    leave(MONDAY + DAY)
    assert len(tell_concerns(NOON + DAY)) == 1
    assert subjects(post(FOCAL))[-1] == f"LEFT while a concern stood: GRC-ATH, entry {entry['A']}"
    (concern,) = kept(responses.Concern)
    assert (concern.departed_on, concern.closed_at) == (MONDAY + DAY, None)
    with pytest.raises(ConcernsNeedSomebody, match="has LEFT on 2026-11-03"):
        check_concerns(NOON + DAY)
    assert tell_concerns(NOON + DAY + HOUR) == []
    assert len(tell_concerns(NOON + 2 * DAY)) == 1, "every day until somebody has looked"


def test_a_departure_on_the_day_on_which_a_concern_was_told_is_told_the_same_day(entry, post):
    answer((entry["A"], "yes", "", ""))
    tell_concerns(NOON)
    leave(MONDAY)
    assert ["LEFT" in said for said in tell_concerns(NOON + HOUR)] == [True]


def leave(day):
    gone = case("A", status="departed", departed_on=pd.Timestamp(day))
    reconcile(day, cases(gone, case("B"), case("C"), case("D")), mark="z")


def test_once_closed_it_is_told_no_more(entry, post):
    answer((entry["A"], "yes", "", ""))
    tell_concerns(NOON)
    with writing() as session:
        responses.close_concern(session, entry["A"], "somebody", "spoke to her", NOON)
    assert [tell_concerns(NOON + days * DAY) for days in range(30)] == [[]] * 30
    assert check_concerns(NOON) == []


def test_a_concern_that_cannot_be_mailed_is_told_when_the_server_is_back(entry, post, monkeypatch):
    answer((entry["A"], "yes", "", ""))
    with monkeypatch.context() as away:
        away.setenv("AIRFLOW_CONN_SMTP_AVR", json.dumps({"conn_type": "smtp", "host": "localhost", "port": 1}))
        with pytest.raises(NotTold, match=r"^1 mails could not be sent"):
            tell_concerns(NOON)
    assert len(tell_concerns(NOON + HOUR)) == 1
    assert len(post(FOCAL)) == 1


def test_the_screen_of_concerns_names_nobody_and_that_of_one_does(entry, post, capsys):
    answer((entry["A"], "yes", "", "she fears her uncle"))
    show_open(NOON, Console(width=100))
    said = capsys.readouterr().out
    assert entry["A"] in said
    assert "18" in said
    assert "RAHIMI" not in said
    show_one(entry["A"], Console(width=100))
    said = capsys.readouterr().out
    assert "RAHIMI, Ahmad" in said
    assert "“she fears her uncle”" in said


def test_what_was_not_understood_goes_to_the_office_and_the_focal_point_once(entry, post):
    answer((entry["A"], "perhaps", "31/02/2026", "RAHIMI"))
    assert tell_what_was_not_understood(NOON) == 1
    assert tell_what_was_not_understood(NOON) == 0
    mails = [post(FOCAL), post(PROTECTION)]
    assert mails[0] == mails[1]
    ((subject, text),) = mails[0]
    assert subject == "Your answers to IOM: something was not understood"
    assert f"row 2, {LIST}, {entry['A']}, Record closed on: not a date" in text
    assert "RAHIMI" not in text
    assert "31/02" not in text


def test_what_was_understood_is_told_to_nobody(entry, post):
    answer((entry["A"], "no", "", ""))
    assert tell_what_was_not_understood(NOON) == 0


def test_a_stranger_s_message_is_told_to_whom_it_concerns(entry, post, arranged):
    arranged(mailbox="imap_test")
    with writing() as session:
        finding = {"code": "not_vouched", "offices": ["GRC-ATH"]}
        responses.record_response(session, "", "email", "0" * 64, "stranger", [finding], NOON)
        responses.record_response(session, "", "email", "1" * 64, "stranger", [{"code": "stranger"}], NOON)
    assert tell_what_was_not_understood(NOON) == 2
    assert [("says GRC-ATH" in subject, "Quarantine" in text) for subject, text in post(FOCAL)] == [
        (True, True),
        (False, True),
    ]


def test_an_office_that_is_silent_is_reminded_in_its_language_then_iom_is_told(entry, post, arranged):
    arranged(remind=[PROTECTION], within="2 working days", mailbox="imap_test")
    reminded, escalated = [], []
    for day in range(12):
        remind(NOON + day * DAY)
        reminded += [(day, subject, text) for subject, text in post(PROTECTION)]
        escalated += [(day, subject, text) for subject, text in post(FOCAL)]
    assert [(day, subject) for day, subject, _ in reminded] == [(3, f"Do you have this list? {LIST}")]
    assert f"RECEIVED {LIST}" in reminded[0][2]
    # Told on a Monday: Thursday is the third working day, and Tuesday the third one after that.
    assert [(day, subject) for day, subject, _ in escalated] == [(8, "Not known to be received: 1 lists of GRC-ATH")]
    with pytest.raises(OfficesAreSilent, match=LIST):
        check_offices_answer()
    with writing() as session:
        responses.received_by(session, LIST, "R. Officer", NOON)
    check_offices_answer()


def test_an_office_that_has_answered_is_not_reminded(entry, post, arranged):
    arranged(remind=[PROTECTION], within="2 working days")
    answer((entry["A"], "no", "", ""))
    assert [remind(NOON + day * DAY) for day in range(20)] == [{}] * 20


def test_where_nobody_can_be_reminded_iom_is_told_at_once(entry, post, arranged):
    arranged(within="2 working days", remind=[])
    assert [remind(NOON + day * DAY) for day in (2, 3)] == [{}, {"escalated": 1}]


def test_a_list_that_is_still_on_its_way_is_not_asked_for(ledger, post, arranged):
    arranged(remind=[PROTECTION], within="0 working days")
    booked()
    told_list(state="sealed")
    assert remind(NOON + 10 * DAY) == {}


def test_a_record_that_stays_open_after_a_departure_is_asked_for_until_it_is_closed(entry, post, arranged):
    arranged(remind=[PROTECTION], within="90 working days", close_within="30 days")
    leave(MONDAY + DAY)
    gone = notices("A", notice="DEPARTED").assign(departed_on=dt.datetime(2026, 11, 3))
    told_list(table=gone, moment=MORNING + 2 * DAY)
    asked = [day for day in range(70) if remind(NOON + day * DAY).get("to close")]
    assert asked == [32, 62]
    ((subject, text), _) = post(PROTECTION)
    assert subject == "Departed: are your records closed? Entries: 1"
    assert f"{entry['A']} (list GRC-ATH_2026-0002): departed on 2026-11-03" in text
    assert "RAHIMI" not in text
    number = "GRC-ATH_2026-0002"
    take_file(
        office(),
        file((entry["A"], "", "2026-11-30", ""), number=number),
        "a.csv",
        "sftp",
        OpeningKeys(),
        NOON + 70 * DAY,
    )
    assert [day for day in range(70, 140) if remind(NOON + day * DAY).get("to close")] == []


def test_an_entry_to_be_erased_is_asked_for_until_it_is(entry, post, arranged):
    arranged(remind=[PROTECTION], within="90 working days", close_within="10 days")
    error = notices("A", notice="CANCELLED", reason="notified_in_error")
    told_list(table=error, moment=MORNING + DAY)
    assert remind(NOON + 12 * DAY) == {"to close": 1}
    assert "to be erased" in post(PROTECTION)[0][1]
    answer_on = file((entry["A"], "", "2026-11-14", ""), number="GRC-ATH_2026-0002")
    take_file(office(), answer_on, "a.csv", "sftp", OpeningKeys(), NOON + 13 * DAY)
    assert "to close" not in remind(NOON + 40 * DAY)


def test_a_record_closed_before_the_departure_does_not_answer_for_it(entry, post, arranged):
    arranged(remind=[PROTECTION], within="90 working days", close_within="10 days")
    answer((entry["A"], "", "2026-11-01", ""))
    leave(MONDAY + DAY)
    gone = notices("A", notice="DEPARTED").assign(departed_on=dt.datetime(2026, 11, 3))
    told_list(table=gone, moment=MORNING + 2 * DAY)
    assert remind(NOON + 14 * DAY) == {"to close": 1}


def test_an_expected_departure_without_news_is_asked_about_after_two_working_days(entry, post, arranged):
    arranged(within="90 working days")
    # Expected on Friday 20 November: Tuesday is the second working day after it.
    asked = {}
    for day in range(17, 32):
        booked(day=MONDAY + day * DAY)
        asked[day] = remind(NOON + day * DAY)
    assert {day: found for day, found in asked.items() if found} == {22: {"without news": 3}, 29: {"without news": 3}}
    subject, text = post(FOCAL)[0]
    assert subject == "Expected departures without news: 3 of GRC-ATH"
    assert f"- entry {entry['A']}: expected on 2026-11-20" in text
    assert "RAHIMI" not in text
    assert post(PROTECTION) == []
    booked(day=MONDAY + 32 * DAY, expected_departure_on="2026-12-20")
    assert remind(NOON + 39 * DAY) == {}


def test_an_extract_that_has_not_come_is_no_silence_about_a_person(entry, post, arranged):
    arranged(within="90 working days")
    booked(day=MONDAY + 20 * DAY)  # Sunday: nothing could be entered since Friday
    assert [remind(NOON + day * DAY) for day in (22, 25, 40)] == [{}] * 3


def test_who_came_back_from_a_departure_that_was_none_is_not_asked_for(entry, post, arranged):
    arranged(remind=[PROTECTION], within="90 working days", close_within="10 days")
    for number, table in enumerate(
        [
            notices("A", notice="DEPARTED").assign(departed_on=dt.datetime(2026, 11, 3)),
            notices("A", notice="CHANGED", reason="departure_corrected"),
        ],
        start=2,
    ):
        told_list(table=table, moment=MORNING + number * DAY)
    assert "to close" not in remind(NOON + 40 * DAY)


def test_a_concern_of_a_case_that_stays_has_no_days_left(entry, post):
    answer((entry["A"], "yes", "", ""))
    booked(day=MONDAY + DAY, status="withdrawn")
    with_days = [one.days_left(MONDAY) for one in _open()]
    assert with_days == [None]


def _open():
    with reading() as session:
        return responses.open_concerns(session)
