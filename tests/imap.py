"""A real IMAP server for tests: Dovecot, as nobody in particular, in a folder of its own."""

import grp
import imaplib
import json
import os
import pwd
import shutil
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from include.demo.keys import make_tls_certificate
from include.demo.ports import free_port
from tests.servers import PASSWORD, USER

FOLDERS = ("INBOX", "Handled", "For-a-person", "Quarantine")
_SETTINGS = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
mail_location = maildir:{folder}/mail
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


@contextmanager
def dovecot() -> Iterator[tuple[int, Path]]:
    """An IMAP server over TLS with one mailbox; gives its port and the authority to trust."""
    if not Path("/usr/sbin/dovecot").exists():
        pytest.skip("Dovecot is not installed: apt-get install dovecot-imapd")
    # /var/tmp, because /tmp may be closed to other users than root.
    folder = Path(tempfile.mkdtemp(prefix="avr-imap-", dir="/var/tmp"))
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    port = free_port()
    certificate, key, authority = make_tls_certificate()
    filled = _SETTINGS.format(
        folder=folder,
        user=user.pw_name,
        group=_group(user.pw_gid),
        uid=user.pw_uid,
        gid=user.pw_gid,
        port=port,
        password=PASSWORD,
    )
    files = {"certificate.pem": certificate, "key.pem": key, "authority.pem": authority, "settings": filled}
    for name, content in files.items():
        (folder / name).write_text(content)
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    server = subprocess.Popen(
        ["/usr/sbin/dovecot", "-F", "-c", folder / "settings"],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd=folder,
    )
    try:
        _wait_for(port, folder)
        yield port, folder / "authority.pem"
    finally:
        server.terminate()
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def inbox_of(server: tuple[int, Path], monkeypatch: pytest.MonkeyPatch, **extra: str) -> Iterator[imaplib.IMAP4]:
    """The mailbox that connection `imap_test` opens, every folder empty at first. extra: of the connection"""
    port, authority = server
    given = {"conn_type": "imap", "host": "localhost", "port": port, "login": USER, "password": PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_IMAP_TEST", json.dumps(given | {"extra": extra}))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with imaplib.IMAP4_SSL("localhost", port, ssl_context=ssl.create_default_context(cafile=authority)) as imap:
        imap.login(USER, PASSWORD)
        for folder in FOLDERS:
            if count(imap, folder):
                imap.select(folder)
                imap.store("1:*", "+FLAGS", "\\Deleted")
                imap.expunge()
        yield imap


def put(inbox: imaplib.IMAP4, *messages: bytes) -> None:
    for message in messages:
        inbox.append("INBOX", "", "", message)


def count(inbox: imaplib.IMAP4, folder: str) -> int:
    """Messages in a folder; none where it is not there."""
    answer, data = inbox.select(folder, readonly=True)
    return int(data[0] or 0) if answer == "OK" else 0


def counts(inbox: imaplib.IMAP4) -> dict[str, int]:
    """Messages by folder; those without any are left out."""
    return {folder: found for folder in FOLDERS if (found := count(inbox, folder))}


def _group(gid: int) -> str:
    return grp.getgrgid(gid).gr_name


def _wait_for(port: int, folder: Path) -> None:
    trusted = ssl.create_default_context(cafile=folder / "authority.pem")
    deadline = time.monotonic() + 60
    while True:
        try:
            with imaplib.IMAP4_SSL("localhost", port, ssl_context=trusted) as imap:
                imap.login(USER, PASSWORD)
                return
        except OSError:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
