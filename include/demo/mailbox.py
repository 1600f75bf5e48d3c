"""The mailbox of the demo: what is put into it can be read by IMAP.

Reach for `Mailbox` when answers have to arrive somewhere, in the demo or in a test.
"""

import asyncio
import datetime as dt
import ssl
from argparse import Namespace
from pathlib import Path

from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pysasl.hashing import Cleartext

HOST = "127.0.0.1"


class Mailbox:
    """An IMAP server on a free port, under TLS from the first byte, with one user; it keeps its messages in memory."""

    def __init__(self, certificate: Path, key: Path, user: str, password: str) -> None:
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate, key)
        self._user = {"demo_user": user, "demo_password": password, "demo_data": False}
        self._backend: DictBackend | None = None
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0, host: str = HOST) -> int:
        # Without `tls` it wants no STARTTLS, which has no place on a line that is encrypted already.
        given = Namespace(
            host=host, port=port, tls=False, cert=None, key=None, debug=False, proxy_protocol=None, passlib_cfg=None,
            **self._user,
        )  # fmt: skip
        self._backend, config = await DictBackend.init(given, hash_context=Cleartext(), ssl_context=self._tls)
        config.apply_context()
        serve = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(self._backend.login, config))
        self._server = await asyncio.start_server(serve, host, port, ssl=self._tls)
        return int(self._server.sockets[0].getsockname()[1])

    async def put(self, content: bytes) -> None:
        """Lay a message into INBOX. raises: RuntimeError if the server was not started"""
        if self._backend is None:
            raise RuntimeError("a mailbox takes messages once it was started")
        async with self._backend.login.demo_user_identity.new_session() as session:
            inbox = await session.mailbox_set.get_mailbox("INBOX")
            await inbox.append(AppendMessage(content, dt.datetime.now(dt.UTC), frozenset()), recent=True)

    async def stop(self) -> None:
        if self._server:
            self._server.close()
