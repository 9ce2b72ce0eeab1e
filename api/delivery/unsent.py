"""How far a client is behind with an answer."""

import asyncio
import fcntl
import struct
import termios

_INT = struct.Struct("i")


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
