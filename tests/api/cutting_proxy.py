"""A connection between two programs that is not to be relied upon."""

import asyncio
import random
from collections.abc import Callable

from config.tasks import cancel, spawn

_PIECE_BYTES = 16_384


class CuttingProxy:
    """Passes bytes on to a port, and ends a connection once so many came from its client.

    Args:
        cut_after: asked for each connection; None lets it live.
        silently: rather than cut it, pass nothing more and let both sides wait: half-open.
    """

    def __init__(
        self, target_port: int, cut_after: Callable[[], int | None], *, silently: bool = False
    ) -> None:
        self._target_port = target_port
        self._cut_after = cut_after
        self._silently = silently
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cuts = 0
        self.cut = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self.drop()

    async def drop(self) -> None:
        """End all connections there are."""
        await cancel(*self._tasks)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = spawn(self._pass(reader, writer), name="cutting proxy")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        answers = spawn(_copy(server_reader, writer, None), name="answers")
        try:
            if await _copy(reader, server_writer, self._cut_after()):
                self.cuts += 1
                self.cut.set()
                if self._silently:
                    await asyncio.Event().wait()  # until it is dropped
            else:
                await asyncio.wait([answers])
        finally:
            writer.transport.abort()
            server_writer.transport.abort()
            await cancel(answers)


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None
) -> bool:
    """Until the end (False) or so many bytes (True)."""
    passed = 0
    try:
        while data := await reader.read(_PIECE_BYTES):
            kept = data if limit is None else data[: limit - passed]
            writer.write(kept)
            await writer.drain()
            passed += len(kept)
            if passed == limit:
                return True
        if not writer.is_closing():
            writer.write_eof()
    except ConnectionError:
        pass
    return False


def at_random(seed: int, most: int) -> Callable[[], int]:
    """So many bytes for each connection, differently for each, the same in each run."""
    generator = random.Random(seed)
    return lambda: generator.randrange(most)
