"""The doors by which offices answer, on real SFTP and IMAP servers: seen, watched, emptied."""

import asyncio
import datetime as dt
import json

import pytest
import yaml

from include.doors import Unread, check_nothing_is_left, doors, doors_to_open, empty, what_waits
from include.operators import DoorsTrigger
from tests.imap import counts, put
from tests.ledger.world import MORNING
from tests.responses.test_mailbox import reply
from tests.responses.world import LIST, file, office, open_entries, receipts
from tests.servers import PASSWORD, USER, sftp

NOON = MORNING + dt.timedelta(hours=5)


@pytest.fixture
def answers_folder(tmp_path, monkeypatch, inbox):
    """GRC-ATH's folder on its server; the office has the mailbox as well."""
    path = tmp_path / "arrangements" / "offices" / "GRC-ATH.yaml"
    path.parent.mkdir(parents=True)
    settings = office().model_dump(mode="json", exclude_defaults=True)
    settings["list"] = {"days": ["mon", "thu"], "at": "09:00"}
    settings["answers"] = {"folder": "/answers", "mailbox": "imap_test", "escalate": ["focal.point@iom.example"],
                           "sealed": "never"}  # fmt: skip
    path.write_text(yaml.safe_dump(settings))
    monkeypatch.setenv("AVR_ARRANGEMENTS", str(tmp_path / "arrangements"))
    smtp = {"conn_type": "smtp", "extra": {"bounces": "imap_test"}}
    monkeypatch.setenv("AIRFLOW_CONN_SMTP_TEST", json.dumps(smtp))
    folder = tmp_path / "office" / "answers"
    folder.mkdir(parents=True)
    with sftp(tmp_path / "office") as (port, public):
        extra = {"host_key": public, "no_host_key_check": "false"}
        given = {"conn_type": "sftp", "host": "127.0.0.1", "port": port, "login": USER, "password": PASSWORD}
        monkeypatch.setenv("AIRFLOW_CONN_SFTP_TEST", json.dumps(given | {"extra": extra}))
        yield folder


def test_an_answer_is_seen_and_taken_at_either_door(entry, answers_folder, inbox):
    assert doors(NOON) == ["folder:GRC-ATH", "mailbox:imap_test"]
    assert doors_to_open(NOON) == []
    (answers_folder / "RAHIMI.csv").write_bytes(file((entry["A"], "yes", "", "")))
    assert doors_to_open(NOON) == ["folder:GRC-ATH"]
    put(inbox, reply(text=f"RECEIVED {LIST}"), reply(text="a letter"))
    assert doors_to_open(NOON) == doors(NOON)
    assert len(what_waits(NOON)) == 3
    assert "RAHIMI" not in "".join(what_waits(NOON))
    assert (empty("folder:GRC-ATH", NOON).counts, open_entries()) == ({"read": 1}, [entry["A"]])
    assert empty("mailbox:imap_test", NOON).counts == {"for a person": 1}
    assert receipts() == {LIST: "answer"}
    assert doors_to_open(NOON) == []
    with pytest.raises(Unread, match=r"^1 in For-a-person of imap_test: read them"):
        check_nothing_is_left(NOON)


def test_an_office_with_a_folder_may_reply_to_a_mail_all_the_same(entry, answers_folder, inbox, tmp_path):
    path = tmp_path / "arrangements" / "offices" / "GRC-ATH.yaml"
    path.write_text(path.read_text().replace("  mailbox: imap_test\n", ""))
    assert doors(NOON) == ["folder:GRC-ATH", "mailbox:imap_test"], "what comes back of its lists is read there"
    put(inbox, reply(("list.csv", file((entry["A"], "yes", "", "")))))
    assert empty("mailbox:imap_test", NOON).concerns == 1
    assert open_entries() == [entry["A"]]


@pytest.mark.fault(
    "the server of one door is away",
    happens="every other door is emptied; the one that is shut is tried at each look",
    there="what waits there",
    you="*collect_responses* is red for that door while it lasts",
)
def test_a_door_that_is_shut_keeps_no_other_shut(entry, answers_folder, inbox, monkeypatch):
    put(inbox, reply(text=f"RECEIVED {LIST}"))
    monkeypatch.setenv("AIRFLOW_CONN_SFTP_TEST", json.dumps({"conn_type": "sftp", "host": "127.0.0.1", "port": 1}))
    assert len(what_waits(NOON)) == 1
    assert doors_to_open(NOON) == ["folder:GRC-ATH", "mailbox:imap_test"]
    with pytest.raises(RuntimeError, match="sftp_test"):
        empty("folder:GRC-ATH", NOON)
    empty("mailbox:imap_test", NOON)
    assert counts(inbox) == {"Handled": 1}


def events(wanted, until=20):
    """The first events of the trigger that watches the doors."""

    async def watch():
        found = []
        async for event in DoorsTrigger().run():
            found.append(event.payload)
            if len(found) == wanted:
                break
        return found

    return asyncio.run(asyncio.wait_for(watch(), until))


def test_the_watch_fires_when_something_comes_and_says_only_how_much(entry, answers_folder, monkeypatch):
    monkeypatch.setenv("AVR_LOOK_EVERY", "0.05")
    (answers_folder / "RAHIMI.csv").write_bytes(b"x")
    assert events(1) == [{"waiting": 1}]
    with pytest.raises(TimeoutError):
        events(2, until=3)  # what stays is not told again at each look


def test_the_watch_outlives_what_breaks(entry, answers_folder, monkeypatch):
    monkeypatch.setenv("AVR_LOOK_EVERY", "0.05")
    (answers_folder / "list.csv").write_bytes(b"x")
    looks = iter([RuntimeError("an arrangement does not load"), None])

    def breaks_once(now):
        if problem := next(looks):
            raise problem
        return frozenset({"one"})

    monkeypatch.setattr("include.doors.what_waits", breaks_once)
    assert events(1) == [{"waiting": 1}]


def test_the_watch_fires_again_for_what_was_seen_to_and_has_come_again(entry, monkeypatch):
    monkeypatch.setenv("AVR_LOOK_EVERY", "0.05")
    looks = iter([{"one"}, set(), {"one"}])
    monkeypatch.setattr("include.doors.what_waits", lambda now: frozenset(next(looks, {"one"})))
    assert events(2) == [{"waiting": 1}, {"waiting": 1}]
