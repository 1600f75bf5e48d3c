# ruff: noqa: F811  (fixtures of another module are named again where they are used)
"""Faults of networks, servers, disks and clocks, each caused for real, and what a repeat makes of it."""

import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager

import asyncssh
import pytest
from sqlalchemy import select

from include.delivery.send import BeingSent, give_up
from include.ledger.engine import alone, reading
from include.ledger.models import Delivery, List
from include.settings import ROOT
from tests.delivery.test_killed import (  # noqa: F401  (fixtures)
    NUMBER,
    key,
    office_at,
    states,
    the_office,
    three_cases,
    unharmed,
)
from tests.delivery.worker import Death, start
from tests.ledger.world import MORNING
from tests.proxy import proxy

SFTP, MAIL = "AIRFLOW_CONN_SFTP_TEST", "AIRFLOW_CONN_SMTP_TEST"


def changed(environment, name, port=None, **extra):
    """The environment with another port, or more in the extra, of one connection; and the port that it had."""
    given = json.loads(environment[name])
    before = given["port"]
    given |= {"port": port or before, "extra": given["extra"] | extra}
    return environment | {name: json.dumps(given)}, before


@contextmanager
def through(office, name, **fault):
    """The office's server behind a proxy with this fault, and a client that waits for a second at most."""
    environment, port = changed(office.environment, name, conn_timeout=1, timeout=1)
    with proxy(port, **fault) as faulty:
        office.environment, _ = changed(environment, name, faulty)
        yield
    office.environment = environment


def whole(office, unharmed):
    assert office.work().startswith("None")
    assert (office.files(), office.mailed()) == unharmed
    assert states() == ("delivered", "delivered")


@pytest.mark.fault(
    "the line to the folder is cut, in the handshake or in mid-file",
    happens="owed again",
    there="no half file: at most whole ones that precede the list",
    you="the task is orange, then green: nothing to do",
)
@pytest.mark.parametrize("cut_after", [0, 500, 2500, 3500, 4500, 5500])
def test_a_line_to_the_folder_cut_anywhere_leaves_no_half_file(cut_after, the_office, unharmed):
    three_cases()
    with through(the_office, SFTP, cut_after=cut_after):
        assert "NotDelivered" in str(the_office.work())
        assert the_office.files().items() <= unharmed[0].items()
        assert states() == ("delivered", "queued")
    whole(the_office, unharmed)


@pytest.mark.fault(
    "the folder's server falls silent",
    happens="given up after `conn_timeout` (30 s), owed again",
    there="no half file",
    you="the task is orange, then green: nothing to do",
)
@pytest.mark.parametrize("silent_after", [0, 2500, 4500])
def test_a_folders_server_that_falls_silent_is_given_up(silent_after, the_office, unharmed):
    three_cases()
    with through(the_office, SFTP, silent_after=silent_after):
        assert "NotDelivered" in str(the_office.work())
        assert states() == ("delivered", "queued")
    whole(the_office, unharmed)


@pytest.mark.fault(
    "the mail server goes away or falls silent",
    happens="given up after `timeout` (30 s); `unknown` once it may have the message, and repeated",
    there="one message, perhaps twice under one Message-ID",
    you="the task is orange, then green: nothing to do",
)
@pytest.mark.parametrize("fault", ["cut_after", "silent_after"])
@pytest.mark.parametrize(("size", "left"), [(0, "queued"), (3000, "unknown")])
def test_a_mail_server_that_goes_away_or_falls_silent_gets_one_message(fault, size, left, the_office, unharmed):
    three_cases()
    with through(the_office, MAIL, **{fault: size}):
        assert "NotDelivered" in str(the_office.work())
        assert states() == (left, "delivered")
    whole(the_office, unharmed)


@pytest.mark.fault(
    "a server refuses the line",
    happens="that channel owes the list, the others go on",
    there="nothing there, all elsewhere",
    you="*send* is red and names the list; it is tried again",
)
@pytest.mark.parametrize("name", [SFTP, MAIL])
def test_a_server_that_refuses_the_line_holds_up_no_other_channel(name, the_office, unharmed):
    three_cases()
    good = the_office.environment
    the_office.environment, _ = changed(good, name, 1)
    assert "cannot be reached" in str(the_office.work())
    assert sorted(states()) == ["delivered", "queued"]
    the_office.environment = good
    whole(the_office, unharmed)


@pytest.mark.fault(
    "an Airflow connection is missing",
    happens="that channel waits, the others go on",
    there="nothing there, all elsewhere",
    you="*send* is red and names the list; add the connection",
)
def test_a_missing_connection_holds_up_no_other_channel(the_office):
    three_cases()
    the_office.environment = {name: given for name, given in the_office.environment.items() if name != MAIL}
    assert "connection smtp_test is missing" in str(the_office.work())
    assert states() == ("refused", "delivered")


@pytest.mark.fault(
    "two schedulers start the same work at once",
    happens="numbering waits for the other; sending leaves it to the other",
    there="one list, once",
    you="the loser is orange, then green: nothing to do",
)
def test_two_workers_at_once_make_and_send_one_list(the_office, unharmed):
    three_cases()
    both = [start(the_office.arrangement, MORNING, the_office.environment) for _ in range(2)]
    said = [worker.wait() for worker in both]
    assert (the_office.files(), the_office.mailed()) == unharmed
    assert len(the_office.messages()) == 1, said
    with reading() as session:
        assert [sealed.list_number for sealed in session.scalars(select(List))] == [NUMBER]


@pytest.mark.fault(
    "a task is cleared while it still sends",
    happens="the second one does not send, and says so",
    there="one list, once",
    you="the task is orange, then green: nothing to do",
)
def test_while_somebody_sends_to_a_channel_nobody_else_does(the_office, ledger):
    three_cases()
    the_office.work(send=False)
    (mailbox,) = [channel.key for channel in the_office.arrangement.deliver if channel.via == "email"]
    with alone(f"send GRC-ATH {mailbox}") as ours:
        assert ours
        with alone(f"send GRC-ATH {mailbox}") as theirs:
            assert not theirs
        assert "GRC-ATH via email: another process is sending to it now" in str(the_office.work())
        assert states() == ("queued", "delivered")
        assert the_office.messages() == []
        with pytest.raises(BeingSent, match="being sent"):
            give_up(NUMBER, "it cannot be delivered", MORNING)
    the_office.work()
    assert states() == ("delivered", "delivered")


@pytest.mark.fault(
    "a sender dies and leaves its lock",
    happens="the lock dies with it",
    there="one list",
    you="the task is orange, then green: nothing to do",
)
def test_the_death_of_a_sender_lets_the_next_one_send(the_office):
    three_cases()
    the_office.work(death=Death("smtplib:SMTP.data"))
    assert f"{NUMBER} via email" in str(the_office.work())


@contextmanager
def full_disk_for(folder):
    """A real disk of a few pages over `folder` where we may mount one, else none."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", folder], capture_output=True)
    try:
        yield mounted.returncode == 0
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.fault(
    "the folder's disk is full",
    happens="owed until there is room",
    there="no half list",
    you="*send* is red and names the list; tell the office",
)
def test_a_folder_whose_disk_is_full_gets_no_half_list(the_office, unharmed, tmp_path, monkeypatch):
    three_cases()
    with full_disk_for(tmp_path / "root" / "lists") as real:
        if real:
            (tmp_path / "root" / "lists" / "others").write_bytes(b"x" * 4096)
        else:

            def refuse(self, file_obj, offset, data):
                raise asyncssh.SFTPFailure("No space left on device")

            monkeypatch.setattr(asyncssh.SFTPServer, "write", refuse)
        assert "NotDelivered" in str(the_office.work())
        assert [name for name in the_office.files() if name != "others"] == []
        assert states() == ("delivered", "queued")
        monkeypatch.undo()
        monkeypatch.setenv("AVR_LEDGER", the_office.environment["AVR_LEDGER"])
    whole(the_office, unharmed)


@pytest.mark.fault(
    "the disk of our ledger is full",
    happens="nothing is numbered; what was numbered before is not sent, because the attempt cannot be noted",
    there="nothing",
    you="*compose* or *send* is red; make room, the retries do the rest",
)
@pytest.mark.parametrize("new_ledger", ["sqlite"], indirect=True)
@pytest.mark.parametrize("how", ["composing", "sending"])
def test_when_our_own_disk_is_full_nothing_is_numbered_and_nothing_sent(how, the_office, unharmed):
    three_cases()
    if how == "sending":
        the_office.work(send=False)
    # The kernel refuses to let a file of this process grow, the ledger's log among them.
    said = str(the_office.work(disk=4096, compose=how == "composing"))
    assert "OperationalError" in said, said
    assert states() == (() if how == "composing" else ("queued", "queued"))
    assert (the_office.messages(), the_office.files()) == ([], {})
    the_office.work()
    assert (the_office.files(), the_office.mailed()) == unharmed


@pytest.mark.fault(
    "the landing area's disk is full",
    happens="the pull fails and leaves no half file",
    there="nothing",
    you="*pull_extracts* is red; make room",
)
def test_an_extract_that_the_disk_has_no_room_for_leaves_nothing_half(tmp_path):
    code = """
import datetime as dt, io, resource, sys
from pathlib import Path
from include.extracts.landing import land_stream
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    land_stream(io.BytesIO(b"x" * 100_000), Path(sys.argv[1]), "avr_cases", "GRC", dt.date(2026, 11, 2), "a.csv")
except OSError as error:
    sys.exit(3)
"""
    for size, code_of_exit, files in ((50_000, 3, 0), (resource.RLIM_INFINITY, 0, 1)):
        done = subprocess.run([sys.executable, "-c", code, tmp_path / "landing", str(size)], cwd=ROOT)
        assert done.returncode == code_of_exit
        assert len([path for path in (tmp_path / "landing").rglob("*") if path.is_file()]) == files


@pytest.mark.fault(
    "the clock jumps a day back or a year on between making and sending",
    happens="numbers and the difference come from the ledger, not from the clock",
    there="one list, once",
    you="nothing to do",
)
@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed: apt-get install faketime")
@pytest.mark.parametrize("jump", ["-1d", "+400d"])
def test_a_clock_that_jumps_between_making_and_sending_makes_no_second_list(jump, the_office, ledger):
    three_cases()
    the_office.work(send=False)
    code = """
import datetime as dt, sys
from include import connections
from include.arrangements.models import SftpChannel
from include.delivery.send import send_owed
channel = SftpChannel(via="sftp", connection="sftp_test", folder="/lists", seal="none")
print(dt.datetime.now(dt.UTC).isoformat())
try:
    send_owed("GRC-ATH", [channel], open_sftp=connections.open_sftp, open_smtp=connections.open_smtp,
              admitted=lambda _: None, clock=lambda: dt.datetime.now(dt.UTC))
except Exception as error:
    print(error)
"""
    done = subprocess.run(
        ["faketime", "-f", jump, sys.executable, "-c", code],
        env=os.environ | the_office.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(the_office.files()) == 2, done.stdout
    said = str(the_office.work())
    assert said.startswith("None"), said
    with reading() as session:
        assert [sealed.list_number for sealed in session.scalars(select(List))] == [NUMBER]
        delivered = session.scalars(select(Delivery.delivered_at).where(Delivery.channel.like("sftp%"))).one()
    assert abs((delivered - MORNING).days) > 0
    assert len(the_office.messages()) == 1
