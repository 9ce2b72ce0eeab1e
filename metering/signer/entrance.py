"""Where questions to the signer come in: over connections that are handed down, or at a socket."""

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Protocol

import structlog

from config.limits import SIGNER_CALLERS_MAX, SIGNER_QUESTION_BYTES_MAX
from config.tasks import spawn

log = structlog.get_logger(__name__)

Attend = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# struct ucred of unix(7): process, user, group.
_CREDENTIALS = struct.Struct("=iII")


class Entrance(Protocol):
    """One of the two."""

    async def open(self, attend: Attend) -> None:
        """Let callers in, up to `SIGNER_CALLERS_MAX` at once, until nobody can come any more or
        this is cancelled.

        Raises:
            OSError: it cannot be opened.
        """


class Callers:
    """Those who are inside."""

    def __init__(self, attend: Attend) -> None:
        self._attend = attend
        self._inside = 0

    def let_in(self, connection: socket.socket) -> None:
        """Attend to somebody, or shut the door: whoever finds it shut asks again."""
        if self._inside >= SIGNER_CALLERS_MAX:
            log.warning("too many ask the signer at once")
            connection.close()
            return
        self._inside += 1
        _ = spawn(self._attended(connection), name="order")

    async def _attended(self, connection: socket.socket) -> None:
        try:
            reader, writer = await asyncio.open_connection(
                sock=connection, limit=SIGNER_QUESTION_BYTES_MAX
            )
            await self._attend(reader, writer)
        finally:
            self._inside -= 1


class HandedDown:
    """Implements `Entrance` for the process that started us.

    It sends one end of a new pair of sockets over `control`, with one byte, for each question. What
    is sent while nobody takes it waits there; when the last other end is closed, all is over.
    """

    def __init__(self, control: socket.socket) -> None:
        control.setblocking(False)
        self._control = control

    async def open(self, attend: Attend) -> None:
        callers, over = Callers(attend), asyncio.Event()
        loop = asyncio.get_running_loop()

        def take() -> None:
            try:
                byte, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
            except BlockingIOError:
                return
            if not byte:
                loop.remove_reader(self._control)
                over.set()
            for descriptor in descriptors:
                callers.let_in(socket.socket(fileno=descriptor))

        loop.add_reader(self._control, take)
        try:
            await over.wait()
        finally:
            loop.remove_reader(self._control)


class Listening:
    """Implements `Entrance` at a path, for processes of some users; needs Linux.

    Args:
        path: of the socket. Its mode lets everybody knock: who it is the kernel tells.
        clients: their user ids.
    """

    def __init__(self, path: Path, clients: Collection[int]) -> None:
        self._path = path
        self._clients = clients

    async def open(self, attend: Attend) -> None:
        callers = Callers(attend)
        self._path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
            listening.bind(str(self._path))
            self._path.chmod(0o666)
            listening.listen(SIGNER_CALLERS_MAX)
            listening.setblocking(False)
            loop = asyncio.get_running_loop()
            while True:
                connection, _ = await loop.sock_accept(listening)
                user = user_of(connection)
                if user in self._clients:
                    callers.let_in(connection)
                else:
                    log.warning("a stranger asked the signer", user=user)
                    connection.close()


def user_of(connection: socket.socket) -> int:
    """Who is at the other end of a unix socket, as the kernel knows it (SO_PEERCRED)."""
    told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    user: int = _CREDENTIALS.unpack(told)[1]
    return user


def descriptor_socket(descriptor: int) -> socket.socket:
    """The socket that was inherited under this number."""
    os.set_inheritable(descriptor, False)
    return socket.socket(fileno=descriptor)
