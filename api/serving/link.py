"""One end of the socket between the main process and a serving process."""

import asyncio
from collections.abc import Callable
from typing import cast

import structlog

from api.serving.codec import MalformedMessage, Reader, pieces
from api.serving.messages import Message
from config.limits import SERVING_LATER_SECONDS

log = structlog.get_logger(__name__)


class Link(asyncio.Protocol):
    """Messages there and back. All that is said in one turn of the loop goes as one write.

    Args:
        receive: called with each message.
        lost: called once, when the other end has gone or makes no sense.
        message_bytes_max: of one message that comes.
        backlog_bytes_max: of what the other end has not read yet; beyond it, it counts as gone.
    """

    def __init__(
        self,
        receive: Callable[[Message], None],
        lost: Callable[[], None],
        *,
        message_bytes_max: int,
        backlog_bytes_max: int,
    ) -> None:
        self._receive = receive
        self._lost = lost
        self._reader = Reader(message_bytes_max)
        self._backlog_bytes_max = backlog_bytes_max
        self._unsent: list[bytes] = []
        self._is_about_to_write = False
        self._later: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, message: Message) -> None:
        """Say something; when the other end has gone, to nobody."""
        if not self._is_about_to_write:
            self._is_about_to_write = True
            self._loop.call_soon(self.flush)
        self._unsent += pieces(message)

    def send_with_next(self, message: Message) -> None:
        """Say what nobody waits for: with the next thing that is said, or a moment later."""
        if self._later is None and not self._is_about_to_write:
            self._later = self._loop.call_later(SERVING_LATER_SECONDS, self.flush)
        self._unsent += pieces(message)

    def flush(self) -> None:
        """Write what was said."""
        unsent, self._unsent = self._unsent, []
        self._is_about_to_write = False
        if self._later is not None:
            self._later.cancel()
            self._later = None
        transport = self._transport
        if transport is None or transport.is_closing() or not unsent:
            return
        transport.writelines(unsent)
        if transport.get_write_buffer_size() > self._backlog_bytes_max:
            log.error("the other process does not read", bytes=transport.get_write_buffer_size())
            transport.abort()

    def close(self) -> None:
        """End it, after what was said."""
        self.flush()
        if self._transport is not None:
            self._transport.close()

    # --- of the loop -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._reader.feed(data)
        except MalformedMessage as reason:
            log.error("the other process makes no sense", reason=str(reason))
            self._abort()
            return
        for message in messages:
            self._receive(message)

    def connection_lost(self, _reason: Exception | None) -> None:
        self._lost()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
