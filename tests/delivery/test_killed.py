"""Workers that are killed (SIGKILL) at every step of making and sending a list, and what a repeat makes of it.

Each is a process of its own, against real SFTP and mail servers, with the ledger on SQLite and on PostgreSQL. The
repeat is what Airflow does: the same work once more. It must end as a run does that nothing befell.
"""

import email
import email.policy
import hashlib
import json
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from include.arrangements.models import Arrangement
from include.delivery.openpgp import make_key
from include.delivery.unsealing import unseal
from include.ledger.engine import reading
from include.ledger.models import Delivery, List, Told
from tests.arrangements.test_calendar import office
from tests.delivery.worker import Death, start
from tests.ledger.world import MONDAY, MORNING, case, cases, reconcile
from tests.servers import PASSWORD, USER, mail, sftp
from tests.signing import CERTIFICATE, SIGNING

TO = "protection@unhcr.example"
NUMBER = "GRC-ATH_2026-0001"
COMMIT = "sqlalchemy.engine:Connection._commit_impl"
DOCUMENT, NEXT_NUMBER = "include.lists.compose:_document", "include.ledger.outbox:next_number"
SEAL, STORE = "include.lists.compose:seal", "include.ledger.outbox:store_list"
RECORD = "include.ledger.outbox:record_delivered"
MAIL_CONNECT, SFTP_CONNECT = "smtplib:SMTP.connect", "paramiko:SSHClient.connect"
DATA, SEND = "smtplib:SMTP.data", "smtplib:SMTP.send"
WRITE, RENAME = "paramiko:SFTPFile.write", "paramiko:SFTPClient.rename"

# The mail goes first. What the ledger says of mail and folder after the crash; messages and files that arrived.
STEPS = {
    "composing": (Death(DOCUMENT), (), 0, 0),
    "numbered": (Death(NEXT_NUMBER, "after"), (), 0, 0),
    "sealed": (Death(SEAL, "after"), (), 0, 0),
    "stored": (Death(STORE, "after"), (), 0, 0),
    "before it is committed": (Death(COMMIT, "before", 1), (), 0, 0),
    "after it is committed": (Death(COMMIT, "after", 1), ("queued", "queued"), 0, 0),
    "mail: attempt noted": (Death(COMMIT, "after", 2), ("unknown", "queued"), 0, 0),
    "mail: before connecting": (Death(MAIL_CONNECT), ("unknown", "queued"), 0, 0),
    "mail: connected": (Death(MAIL_CONNECT, "after"), ("unknown", "queued"), 0, 0),
    "mail: half of the message": (Death(SEND, "half", holding=b"X-Notification-List"), ("unknown", "queued"), 0, 0),
    "mail: accepted": (Death(DATA, "after"), ("unknown", "queued"), 1, 0),
    "mail: before it is recorded": (Death(RECORD), ("unknown", "queued"), 1, 0),
    "mail: before the record is committed": (Death(COMMIT, "before", 3), ("unknown", "queued"), 1, 0),
    "mail: after the record is committed": (Death(COMMIT, "after", 3), ("delivered", "queued"), 1, 0),
    "folder: before connecting": (Death(SFTP_CONNECT), ("delivered", "unknown"), 1, 0),
    "folder: connected": (Death(SFTP_CONNECT, "after"), ("delivered", "unknown"), 1, 0),
    "folder: one file of two": (Death(RENAME, "after", 2), ("delivered", "unknown"), 1, 1),
    "folder: half of the list": (Death(WRITE, "half", holding=b"list_number"), ("delivered", "unknown"), 1, 1),
    "folder: before the rename": (Death(RENAME, "before", 4), ("delivered", "unknown"), 1, 1),
    "folder: after the rename": (Death(RENAME, "after", 4), ("delivered", "unknown"), 1, 2),
    "folder: before it is recorded": (Death(RECORD, "before", 2), ("delivered", "unknown"), 1, 2),
    "folder: before the record is committed": (Death(COMMIT, "before", 5), ("delivered", "unknown"), 1, 2),
    "folder: after the record is committed": (Death(COMMIT, "after", 5), ("delivered", "delivered"), 1, 2),
}


@pytest.fixture(scope="module")
def key():
    return make_key("GRC-ATH <protection@unhcr.example>")


def arrangement(fingerprint: str) -> Arrangement:
    folder = {"via": "sftp", "connection": "sftp_test", "folder": "/lists", "seal": "none"}
    mailbox = {"via": "email", "connection": "smtp_test", "to": [TO], "seal": "pgp", "fingerprint": fingerprint}
    also = {"office": "GRC-ATH", "deliver": [folder, mailbox]}
    return office("GRC", days=["mon", "tue"], begins="2026-11-01", also=also, format="csv")


class Office:
    """The other side: its folder and its mailbox, on real servers, and the worker's way to them."""

    def __init__(self, folder: Path, key: tuple[str, str, str], environment: dict[str, str]) -> None:
        self._folder, self._secret, self.environment = folder, key[1], environment
        self.arrangement = arrangement(key[2])

    def work(self, **how) -> str | int:
        return start(self.arrangement, MORNING, self.environment, **how).wait()

    def files(self) -> dict[str, str]:
        """SHA-256 of each file that it can see, by name; signatures, which say when they were made, aside."""
        there = (self._folder / "root" / "lists").iterdir()
        seen = {path.name: path.read_bytes() for path in there if not path.name.startswith(".")}
        return {name: _sha256(content) for name, content in seen.items() if not name.endswith(".asc")}

    def messages(self) -> list[email.message.EmailMessage]:
        there = sorted((self._folder / "mail").rglob("*.eml"))
        return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in there]

    def mailed(self) -> dict[str, dict[str, str]]:
        """SHA-256 of each attached file, opened, by Message-ID and name, as a mail client has them."""
        return {message["Message-ID"]: self._attached(message) for message in self.messages()}

    def _attached(self, message) -> dict[str, str]:
        came = {part.get_filename(): part.get_payload(decode=True) for part in message.iter_attachments()}
        opened = [
            unseal(
                content,
                name,
                certificate=CERTIFICATE,
                signature=came.get(f"{name}.asc"),
                secret_key=self._secret,
            )
            for name, content in came.items()
            if not name.endswith(".asc")
        ]
        return {name: _sha256(content.replace(b"\r\n", b"\n")) for name, content in opened}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def office_at(folder: Path, key, ledger: str):
    (folder / "root" / "lists").mkdir(parents=True)
    with sftp(folder / "root") as (sftp_port, host_key), mail(folder) as (mail_port, authority):
        login = {"login": USER, "password": PASSWORD}
        connections = {
            "SFTP_TEST": login
            | {"conn_type": "sftp", "host": "127.0.0.1", "port": sftp_port}
            | {"extra": {"host_key": host_key, "no_host_key_check": "false"}},
            "SMTP_TEST": login
            | {"conn_type": "smtp", "host": "localhost", "port": mail_port}
            | {"extra": {"from_email": "avr@iom.example", "disable_ssl": True, "disable_tls": False}},
            "SEAL_GRC_ATH": {"conn_type": "generic", "extra": {"public_key": key[0]}},
            "SIGN_LISTS": {"conn_type": "generic", "extra": {"secret_key": SIGNING.secret_key}},
        }
        environment = {f"AIRFLOW_CONN_{name}": json.dumps(given) for name, given in connections.items()}
        environment |= {"AVR_LEDGER": ledger, "AVR_DATA": str(folder / "data"), "SSL_CERT_FILE": str(authority)}
        yield Office(folder, key, environment)


@pytest.fixture
def the_office(tmp_path, key, ledger):
    with office_at(tmp_path, key, ledger) as there:
        yield there


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory, key, migrated_sqlite):
    """What an office has after a run that nothing befell: its files, and its messages."""
    import shutil

    folder = tmp_path_factory.mktemp("unharmed")
    (folder / "data").mkdir()
    shutil.copy(migrated_sqlite, folder / "data" / "ledger.db")
    ledger = f"sqlite:///{folder / 'data' / 'ledger.db'}"
    with pytest.MonkeyPatch.context() as patch, office_at(folder, key, ledger) as there:
        patch.setenv("AVR_LEDGER", ledger)
        three_cases()
        assert there.work() == f"{NUMBER}, {NUMBER} via email, {NUMBER} via sftp"
        return there.files(), there.mailed()


def three_cases() -> None:
    reconcile(MONDAY, cases(*[case(f"GRC-AVR-00000{number}") for number in range(3)]))


def states() -> tuple[str, ...]:
    with reading() as session:
        return tuple(session.scalars(select(Delivery.state).order_by(Delivery.channel)))


@pytest.mark.fault(
    "a worker is killed at any step: composing, numbering, sealing, storing, connecting, in mid-file, at the rename, in mid-message, before and after each commit",
    happens="before the commit nothing is numbered; after it the list waits, `unknown` where an attempt had begun, until the task's repeat finds out",
    there="each file once; a message that was accepted just before twice, under one Message-ID",
    you="the task is orange, then green: nothing to do",
)
@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_leaves_what_a_repeat_completes(step, the_office, unharmed):
    death, left, messages, files = STEPS[step]
    three_cases()
    assert the_office.work(death=death) == signal.SIGKILL
    assert states() == left
    assert (len(the_office.messages()), len(the_office.files())) == (messages, files)

    the_office.work()
    assert (the_office.files(), the_office.mailed()) == unharmed
    assert states() == ("delivered", "delivered")
    with reading() as session:
        assert [sealed.list_number for sealed in session.scalars(select(List))] == [NUMBER]
        assert len(session.scalars(select(Told)).all()) == 6, "three entries, told over each channel once"
        attempts = session.scalars(select(Delivery.attempts).order_by(Delivery.channel)).all()
    assert attempts == [1 + (state == "unknown") for state in left or ("queued", "queued")]
    # A mail server that had taken the message has it twice, as one message to whoever reads it.
    assert len(the_office.messages()) == 1 + (messages == 1 and left[0] == "unknown")
