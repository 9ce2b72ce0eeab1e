"""Plain HTTP connections, and which process has the other end of one."""

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path

SECONDS_MAX = 30


class Wire:
    """One connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, source: str = "127.0.0.1") -> "Wire":
        """From a local address."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))

    @property
    def local_port(self) -> int:
        return int(self.writer.get_extra_info("sockname")[1])

    def ask(self, path: str, *, method: str = "GET", body: bytes = b"") -> None:
        """Send a request; `answer` has to follow."""
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\n{length}\r\n".encode() + body)

    async def answer(self) -> tuple[int, bytes]:
        """The next answer's status and body. Raises: IncompleteReadError, ConnectionError."""
        async with asyncio.timeout(SECONDS_MAX):
            head = await self.reader.readuntil(b"\r\n\r\n")
            fields = head.decode().lower().split("\r\n")
            lengths = [line[15:] for line in fields if line.startswith("content-length:")]
            body = await self.reader.readexactly(int(lengths[0])) if lengths else b""
            return int(head.split()[1]), body

    async def get(self, path: str) -> tuple[int, bytes]:
        self.ask(path)
        return await self.answer()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def owner(wire: Wire, server_port: int, processes: Iterable[int]) -> int | None:
    """Which of these processes has the server's end; None while the kernel has it."""
    inode = _inode(server_port, wire.local_port)
    return next((each for each in processes if inode is not None and _has(each, inode)), None)


def _inode(server_port: int, client_port: int) -> str | None:
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, *rest = line.split()
        ports = (int(local.rpartition(":")[2], 16), int(remote.rpartition(":")[2], 16))
        if ports == (server_port, client_port):
            return rest[6]
    return None


def _has(process: int, inode: str) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for each in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                if str(each.readlink()) == f"socket:[{inode}]":
                    return True
    return False
