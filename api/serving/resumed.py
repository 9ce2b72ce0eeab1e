"""A connection that another process has begun to read."""

import asyncio


class Resumed(asyncio.Protocol):
    """Hands what was read to the protocol that goes on, before anything that is read here."""

    def __init__(self, successor: asyncio.Protocol, data: bytes) -> None:
        self._successor = successor
        self._data = data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.set_protocol(self._successor)
        self._successor.connection_made(transport)
        if self._data:
            self._successor.data_received(self._data)
