"""The demo's servers with an office's lists on them, without Airflow: sealed and sent as the main job does."""

import datetime as dt
import email
import email.policy
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

from include import connections
from include.arrangements.models import Arrangement
from include.arrangements.reading import load_offices
from include.delivery.send import send_over
from include.demo.setting import Setting, build
from include.lists.compose import sealed_files
from include.lists.document import NotificationList, render
from include.lists.texts import email_for
from include.settings import ROOT

NOW = dt.datetime.now(dt.UTC)


@contextmanager
def servers(folder: Path) -> Iterator[Setting]:
    """The demo's setting in `folder`, and its SFTP, mail and IMAP servers."""
    setting = build(folder, [dt.date(2026, 11, 2)])
    running = subprocess.Popen(
        [sys.executable, "-m", "include.demo.servers", "--config", str(setting.servers)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    try:
        assert set(json.loads(running.stdout.readline())) == {"sftp", "mail", "imap"}
        yield setting
    finally:
        running.terminate()
        running.wait(10)


def arrangement_of(setting: Setting, office: str) -> Arrangement:
    return load_offices(setting.arrangements)[0][office][-1]


def send(setting: Setting, arrangement: Arrangement, document: NotificationList) -> None:
    """Send a list over every channel of the arrangement. Airflow's connections must be in the environment."""
    keys = connections.sealing_keys(arrangement)
    subject, body = email_for(document)
    for channel in arrangement.deliver:
        sealed = sealed_files(render(document, arrangement.list.format), channel, keys[channel.key], NOW)
        send_over(
            channel,
            [(one.name, one.content) for one in sealed],
            subject=subject,
            body=body,
            number=document.list_number,
            date=NOW,
            open_sftp=connections.open_sftp,
            open_smtp=connections.open_smtp,
        )


def inbox() -> list[str]:
    """The UIDs of IOM's mailbox, the newest last."""
    with connections.open_imap("imap_avr") as imap:
        imap.select("INBOX")
        return imap.uid("SEARCH", "ALL")[1][0].decode().split()


def newest_mail() -> EmailMessage:
    """The newest message of IOM's mailbox."""
    with connections.open_imap("imap_avr") as imap:
        imap.select("INBOX")
        newest = imap.uid("SEARCH", "ALL")[1][0].decode().split()[-1]
        content = imap.uid("FETCH", newest, "(BODY.PEEK[])")[1][0][1]
    return email.message_from_bytes(content, policy=email.policy.default)
