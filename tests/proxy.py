"""A TCP proxy between a client and a real server: it cuts the line after so many bytes, or falls silent."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import Loop


@contextmanager
def proxy(port: int, *, cut_after: int | None = None, silent_after: int | None = None) -> Iterator[int]:
    """Passes on to `port` what a client sends, up to so many bytes of all its connections; gives its own port."""
    loop = Loop()
    limit = cut_after if cut_after is not None else silent_after
    passed = 0

    async def there(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: asyncio.StreamWriter) -> None:
        nonlocal passed
        while block := await reader.read(1 << 12):
            left = len(block) if limit is None else max(0, limit - passed)
            passed += len(block)
            writer.write(block[:left])
            await writer.drain()
            if len(block) > left:
                if cut_after is None:
                    await asyncio.Event().wait()
                writer.transport.abort()
                answers.transport.abort()
                return

    async def back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(1 << 12):
            if silent_after is not None and passed > silent_after:
                await asyncio.Event().wait()
            writer.write(block)
            await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(there(reader, server_writer, writer), back(server_reader, writer), return_exceptions=True)

    async def listen() -> asyncio.Server:
        return await asyncio.start_server(accept, "127.0.0.1", 0)

    server = loop.run(listen())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.loop.call_soon_threadsafe(server.close)
