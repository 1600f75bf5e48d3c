"""Real servers for tests: an SFTP server and a mail server on loopback, in a thread with a loop of its own."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko

from include.demo.keys import make_host_key, make_tls_certificate
from include.demo.servers import MailServer, SftpServer, SftpUser

USER, PASSWORD = "office", "an-office-password"


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


@contextmanager
def sftp(root: Path, files=None) -> Iterator[tuple[int, str]]:
    """An SFTP server whose user's root is `root`; gives its port and public host key."""
    secret, public = make_host_key()
    server = SftpServer(secret, {USER: SftpUser(PASSWORD, str(root))})
    if files is not None:
        server.files = files
    loop = Loop()
    port = loop.run(server.start())
    try:
        yield port, public
    finally:
        loop.run(server.stop())


@contextmanager
def client(port: int) -> Iterator[paramiko.SFTPClient]:
    transport = paramiko.Transport(("127.0.0.1", port))
    try:
        transport.connect(username=USER, password=PASSWORD)
        yield paramiko.SFTPClient.from_transport(transport)
    finally:
        transport.close()


@contextmanager
def mail(folder: Path, change=None, **certified) -> Iterator[tuple[int, Path]]:
    """A mail server that keeps messages in `folder`/mail; gives its port and the authority to trust."""
    certificate, key, authority = make_tls_certificate(**certified)
    for name, content in (("certificate", certificate), ("key", key), ("authority", authority)):
        (folder / f"{name}.pem").write_text(content)
    server = MailServer(folder / "mail", folder / "certificate.pem", folder / "key.pem", {USER: PASSWORD})
    if change:
        change(server)
    loop = Loop()
    port = loop.run(server.start())
    try:
        yield port, folder / "authority.pem"
    finally:
        loop.run(server.stop())


@contextmanager
def statsd() -> Iterator[tuple[int, Callable[[], list[str]]]]:
    """A StatsD listener; gives its port, and what came in, a metric each: `name,label=value:1|c`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.1)
        came: list[str] = []

        def received() -> list[str]:
            while True:
                try:
                    came.extend(listening.recv(65536).decode().splitlines())
                except TimeoutError:
                    return came

        yield listening.getsockname()[1], received
