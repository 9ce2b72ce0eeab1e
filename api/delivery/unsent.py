"""How far a client is behind with an answer."""

import asyncio
import fcntl
import socket
import struct
import termios

_INT = struct.Struct("i")
# `tcpi_bytes_acked` of Linux's `struct tcp_info` (linux/tcp.h). Elsewhere nobody tells.
_ACKED, _ACKED_OFFSET = struct.Struct("=Q"), 120
_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)


def unsent_bytes(transport: asyncio.Transport) -> int:
    """What the client has not acknowledged: in our own buffer, and in the kernel's.

    The kernel's is up to 4 MB, and says that it has room when a third of it is free: who looks at
    our own only would call a client dead that reads a megabyte in half a minute.
    """
    own = transport.get_write_buffer_size()
    connection = transport.get_extra_info("socket")
    if connection is None or connection.fileno() < 0:
        return own
    try:
        queued = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(_INT.size))
    except OSError:
        return own
    return own + int(_INT.unpack(queued)[0])


def acked_bytes(transport: asyncio.Transport) -> int:
    """What the client has acknowledged since the connection began. Also when it has just gone:
    then transports have forgotten what was in their buffer. 0 where the kernel does not tell.
    """
    connection = transport.get_extra_info("socket")
    if connection is None or connection.fileno() < 0 or _TCP_INFO is None:
        return 0
    try:
        size = _ACKED_OFFSET + _ACKED.size
        info = connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, size)
    except OSError:
        return 0
    return int(_ACKED.unpack_from(info, _ACKED_OFFSET)[0]) if len(info) == size else 0


class Progress:
    """What a client has taken since some moment: now, when this is made."""

    __slots__ = ("_acked_bytes", "unsent_bytes")

    def __init__(self, transport: asyncio.Transport) -> None:
        # In this order: what is acknowledged in between counts as not taken.
        self.unsent_bytes = unsent_bytes(transport)
        self._acked_bytes = acked_bytes(transport)

    def beyond(self, acked_bytes: int) -> int:
        """How much it has taken of what was written later; below zero, how much is missing of what
        was under way then. `acked_bytes`: at the time that is asked about.
        """
        return acked_bytes - self._acked_bytes - self.unsent_bytes


def taken_permille(taken_bytes: int, body: bytes | memoryview) -> int:
    """How many thousandths of a file its viewer has, after a body of it broke off.

    A piece (RFC 9110, 14.4) counts as all of it when anything was taken: who takes the first
    quarter of a file, and the next ones by their ranges, would else be nobody's debtor.
    """
    if isinstance(body, memoryview):
        return 1_000 if taken_bytes > 0 else 0
    return max(0, taken_bytes) * 1_000 // len(body) if body else 0
