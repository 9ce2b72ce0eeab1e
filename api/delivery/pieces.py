"""Head and body, written in one call."""

import asyncio
from collections.abc import Sequence
from typing import Protocol


class Writer(Protocol):
    """A connection whose transport has no room of its own: `blocked` whenever something waits."""

    @property
    def transport(self) -> asyncio.Transport: ...

    @property
    def blocked(self) -> bool: ...


def write_pieces(writer: Writer, pieces: Sequence[bytes | bytearray | memoryview]) -> None:
    """Write all of it."""
    transport = writer.transport
    transport.writelines(pieces)
    if not writer.blocked and transport.get_write_buffer_size():
        # asyncio's own transports forget to tell after this call; this has them look.
        transport.set_write_buffer_limits(high=0)
