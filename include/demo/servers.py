"""Real SFTP and mail servers on this machine, for the demo and for tests.

`SftpServer` speaks SSH (asyncssh), each user in a folder of its own; `MailServer` speaks SMTP (aiosmtpd), wants
STARTTLS and a login first, and keeps each message as a file, or hands it to IOM's border server.
`python -m include.demo.servers --config FILE` runs both, and the mailbox behind the border.
"""

import argparse
import asyncio
import json
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from include.demo.border import Border
from include.demo.mailbox import HOST, Mailbox
from include.settings import private_folder, write_private


@dataclass(frozen=True)
class SftpUser:
    """Who may log in, with what, and the folder that is the root for this user."""

    password: str
    folder: str


class SftpServer:
    """An SFTP server on a free port; `await start()` gives the port."""

    files: type[asyncssh.SFTPServer] = asyncssh.SFTPServer
    """How files are served; tests put a faulty one here."""

    def __init__(self, host_key: str, users: Mapping[str, SftpUser]) -> None:
        self._key = asyncssh.import_private_key(host_key)
        self._users = users
        self._server: asyncssh.SSHAcceptor | None = None

    async def start(self, port: int = 0, host: str = HOST) -> int:
        users, files = self._users, self.files

        class Login(asyncssh.SSHServer):
            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return username in users and users[username].password == password

        def serve(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
            user = users[channel.get_connection().get_extra_info("username")]
            return files(channel, chroot=str(private_folder(Path(user.folder))).encode())

        self._server = await asyncssh.create_server(
            Login, host, port, server_host_keys=[self._key], sftp_factory=serve, allow_scp=False
        )
        return int(self._server.get_port())

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()


class MailServer:
    """An SMTP server on a free port; a message for `a@b.example` becomes a file in `folder`/a@b.example/.

    border: takes what is for its address
    """

    def __init__(
        self, folder: Path, certificate: Path, key: Path, users: Mapping[str, str], border: Border | None = None
    ) -> None:
        self._folder, self._users, self._border = folder, users, border
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate, key)
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0, host: str = HOST) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(
                self,
                hostname="localhost",
                tls_context=self._tls,
                require_starttls=True,
                auth_required=True,
                authenticator=self._authenticate,
                data_size_limit=50 << 20,
            ),
            host,
            port,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server:
            self._server.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's name)
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        for recipient in envelope.rcpt_tos:
            if self._border and recipient.lower() == self._border.address:
                await self._border.take(content, session.auth_data.login.decode())
                continue
            box = private_folder(self._folder / recipient.lower())
            write_private(box / f"{len(list(box.glob('*.eml'))) + 1:04d}.eml", content)
        return "250 OK"

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        known = isinstance(data, LoginPassword) and self._users.get(data.login.decode()) == data.password.decode()
        # Not handled: the server then answers 535 itself. Its session remembers who it is that sends.
        return AuthResult(success=known, handled=False, auth_data=data)


async def _serve(configuration: Mapping[str, Any]) -> None:
    users = {name: SftpUser(**user) for name, user in configuration["sftp"]["users"].items()}
    sftp = SftpServer(configuration["sftp"]["host_key"], users)
    paths = {name: Path(path) for name, path in configuration["mail"]["paths"].items()}
    mailbox = Mailbox(paths["certificate"], paths["key"], **configuration["imap"]["user"])
    border = Border(**configuration["border"], mailbox=mailbox)
    mail = MailServer(**paths, users=configuration["mail"]["users"], border=border)
    ports = {
        name: await server.start(configuration[name]["port"], configuration.get("host", HOST))
        for name, server in (("sftp", sftp), ("mail", mail), ("imap", mailbox))
    }
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    asyncio.run(_serve(json.loads(parser.parse_args().config.read_text())))


if __name__ == "__main__":
    main()
