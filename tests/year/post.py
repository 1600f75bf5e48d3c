"""The way to the offices: a real SFTP and a real mail server, which may be away, cut a line, or send a message back."""

import datetime as dt
import email
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncssh
import paramiko

from include.arrangements.models import Arrangement
from include.delivery.outcomes import DeliveryFailed
from include.delivery.send import NotDelivered, send_owed
from tests import servers

SENDER = "avr@iom.example"


class Post:
    """Sends what offices are owed, and shows what each of them has: its folder, and its mailbox."""

    def __init__(self, folder: Path) -> None:
        self.away: set[str] = set()
        self.cut_next = False
        self._folder = folder
        self._opened = ExitStack()
        self._seen: set[Path] = set()
        post = self

        class Files(asyncssh.SFTPServer):
            def write(self, file_obj: object, offset: int, data: bytes) -> int:
                if post.cut_next:
                    post.cut_next = False
                    self.channel.get_connection().abort()
                return super().write(file_obj, offset, data)

        self._sftp_port, _ = self._opened.enter_context(servers.sftp(folder / "sftp", Files))
        self._smtp_port, self._authority = self._opened.enter_context(servers.mail(folder))
        self._client: paramiko.SFTPClient | None = None
        self._line = ExitStack()

    def close(self) -> None:
        self._line.close()
        self._opened.close()

    def open_folder(self, office: str) -> None:
        (self._folder / "sftp" / office).mkdir(parents=True)

    def send(self, arrangement: Arrangement, now: dt.datetime) -> str:
        """Send what the office is owed; why something is still owed, or nothing."""
        try:
            send_owed(
                arrangement.office,
                arrangement.deliver,
                open_sftp=lambda _: self._sftp(arrangement.office),
                open_smtp=lambda _: self._smtp(arrangement.office),
                admitted=lambda _: None,
                clock=lambda: now.astimezone(ZoneInfo(arrangement.timezone)),
            )
        except NotDelivered as owed:
            return str(owed)
        return ""

    def arrived(self, office: str) -> Iterator[dict[str, bytes]]:
        """What came since it was last asked for: the files of each folder and message, by name."""
        folder = self._folder / "sftp" / office
        new = [path for path in sorted(folder.iterdir()) if path not in self._seen and not path.name.startswith(".")]
        self._seen.update(new)
        if new:
            yield {path.name: path.read_bytes() for path in new}
        for path, message in self._unread(office):
            self._seen.add(path)
            yield {
                part.get_filename(): part.get_payload(decode=True)
                for part in message.walk()
                if part.get_content_disposition() == "attachment"
            }

    def lose(self, office: str) -> tuple[str, str] | None:
        """Lose the oldest message that nobody has read yet, after its server took it: its Message-ID, and its list."""
        for path, message in self._unread(office):
            self._seen.add(path)
            return message["Message-ID"], message["X-Notification-List"]
        return None

    def _unread(self, office: str) -> Iterator[tuple[Path, email.message.Message]]:
        for path in sorted((self._folder / "mail" / f"{office.lower()}@unhcr.example").glob("*.eml")):
            if path not in self._seen:
                yield path, email.message_from_bytes(path.read_bytes())

    @contextmanager
    def _sftp(self, office: str) -> Iterator[paramiko.SFTPClient]:
        if office in self.away:
            raise DeliveryFailed("the server cannot be reached")
        channel = self._client.get_channel() if self._client else None
        if self._client is None or channel is None or channel.closed:
            self._line.close()
            # One line for all: to log in for each list, as is done in earnest, would be most of a year's time.
            self._client = self._line.enter_context(servers.client(self._sftp_port))
        yield self._client

    @contextmanager
    def _smtp(self, office: str) -> Iterator[tuple[smtplib.SMTP, str]]:
        if office in self.away:
            raise DeliveryFailed("the server cannot be reached")
        with smtplib.SMTP("127.0.0.1", self._smtp_port) as smtp:
            smtp.starttls(context=ssl.create_default_context(cafile=self._authority))
            smtp.login(servers.USER, servers.PASSWORD)
            yield smtp, SENDER
