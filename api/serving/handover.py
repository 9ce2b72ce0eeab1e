"""Connections on their way from a serving process to the main one.

A descriptor goes over a SOCK_SEQPACKET socket, with what was read of the connection: pieces, the
first of which carries the descriptor, and each of which says whether it is the last. What was sent
before a serving process died arrives nevertheless.
"""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable

import structlog

from config.limits import HANDOVER_PIECE_BYTES, HANDOVER_PIECES_MAX, HANDOVER_TURN_MAX
from config.telemetry import counter

log = structlog.get_logger(__name__)

_LAST, _MORE = b"\x01", b"\x00"
_taken = counter("handovers_total", "Connections that serving processes gave to the main process")
_lost = counter("handovers_lost_total", "Connections that could not be handed to the main process")


class HandoverFailed(Exception):
    """The main process does not take connections."""


class HandoverSender:
    """The serving process's end."""

    def __init__(self, channel: socket.socket) -> None:
        channel.setblocking(False)
        self._channel = channel
        self._unsent: deque[tuple[int | None, bytes]] = deque()
        self._loop = asyncio.get_running_loop()

    def send(self, connection: int, data: bytes) -> None:
        """Give a connection away.

        Args:
            connection: its descriptor; ours to close.
            data: what was read of it and belongs to the main process.

        Raises:
            HandoverFailed: too many wait already, or the main process has gone.
        """
        if len(self._unsent) >= HANDOVER_PIECES_MAX or self._channel.fileno() < 0:
            _lost.inc()
            raise HandoverFailed
        places = range(0, max(1, len(data)), HANDOVER_PIECE_BYTES)
        cut = [data[place : place + HANDOVER_PIECE_BYTES] for place in places]
        was_idle = not self._unsent
        descriptor: int | None = os.dup(connection)
        for number, piece in enumerate(cut, 1):
            flag = _LAST if number == len(cut) else _MORE
            self._unsent.append((descriptor, flag + piece))
            descriptor = None
        if was_idle:
            self._send_waiting()

    def close(self) -> None:
        """Give no more away; what waits is lost."""
        if self._channel.fileno() < 0:
            return
        self._loop.remove_writer(self._channel)
        for descriptor, _ in self._unsent:
            if descriptor is not None:
                os.close(descriptor)
        self._unsent.clear()
        self._channel.close()

    def _send_waiting(self) -> None:
        while self._unsent:
            descriptor, piece = self._unsent[0]
            try:
                socket.send_fds(self._channel, [piece], [] if descriptor is None else [descriptor])
            except BlockingIOError:
                self._loop.add_writer(self._channel, self._send_waiting)
                return
            except OSError as reason:
                log.warning("the main process takes no connections", reason=str(reason))
                self.close()
                return
            self._unsent.popleft()
            if descriptor is not None:
                os.close(descriptor)
        self._loop.remove_writer(self._channel)


class HandoverReceiver:
    """The main process's end.

    Args:
        take: gets each connection, and what was read of it.
    """

    def __init__(
        self, channel: socket.socket, take: Callable[[socket.socket, bytes], None]
    ) -> None:
        channel.setblocking(False)
        self._channel = channel
        self._take = take
        self._connection: socket.socket | None = None
        self._pieces: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(channel, self._receive_some)

    def close(self) -> None:
        """Take what has arrived, and no more."""
        while self._is_open and self._receive():
            pass
        self._end()

    @property
    def _is_open(self) -> bool:
        return self._channel.fileno() >= 0

    def _receive_some(self) -> None:
        for _ in range(HANDOVER_TURN_MAX):
            if not self._receive():
                return

    def _receive(self) -> bool:
        """Whether there was a piece; the channel is closed after the last one."""
        try:
            piece, descriptors, flags, _ = socket.recv_fds(
                self._channel, 1 + HANDOVER_PIECE_BYTES, 1
            )
        except BlockingIOError:
            return False
        except OSError as reason:
            log.warning("a serving process hands over no connections", reason=str(reason))
            self._end()
            return False
        if not piece:
            self._end()
            return False
        if descriptors:
            self._drop()
            self._connection = socket.socket(fileno=descriptors[0])
        if flags & socket.MSG_CTRUNC:
            # We have as many descriptors as we may: it is closed by now.
            _lost.inc()
        self._pieces.append(piece[1:])
        if piece[:1] == _LAST:
            connection, self._connection = self._connection, None
            data, self._pieces = b"".join(self._pieces), []
            if connection is not None:
                _taken.inc()
                self._take(connection, data)
        return True

    def _end(self) -> None:
        self._drop()
        if not self._is_open:
            return
        self._loop.remove_reader(self._channel)
        self._channel.close()

    def _drop(self) -> None:
        """What is not complete never will be."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._pieces = []
