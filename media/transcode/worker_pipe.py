"""A worker's side of its pipes: what was read ahead, and the one place that writes."""

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator

from media.transcode.protocol import (
    Finish,
    Message,
    MessageReader,
    SourcePacket,
    encode_message,
)

_READ_BYTES = 1 << 18


def read_messages(descriptor: int) -> Iterator[Message]:
    """What the server sends, until it closes the pipe.

    Raises:
        MalformedMessage: it speaks no sense.
    """
    reader = MessageReader()
    while data := os.read(descriptor, _READ_BYTES):
        yield from reader.feed(data)


class Inbox:
    """Messages read ahead of the decoder, bounded in packets and bytes.

    Attributes:
        newest: the greatest pts that the server holds, as far as it has said.
    """

    def __init__(self, packets_max: int, bytes_max: int) -> None:
        self._messages: deque[SourcePacket | Finish] = deque()
        self._bytes = 0
        self._packets_max = packets_max
        self._bytes_max = bytes_max
        self._changed = threading.Condition()
        self.newest = 0

    def put(self, message: SourcePacket | Finish) -> None:
        """Wait for room, then add."""
        with self._changed:
            self._changed.wait_for(self._has_room)
            self._messages.append(message)
            if isinstance(message, SourcePacket):
                self._bytes += len(message.data)
                self.newest = max(self.newest, message.newest, message.pts)
            self._changed.notify()

    def get(self) -> SourcePacket | Finish:
        """Wait for a message and take it."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages)
            message = self._messages.popleft()
            if isinstance(message, SourcePacket):
                self._bytes -= len(message.data)
            self._changed.notify()
            return message

    def is_empty(self) -> bool:
        return not self._messages

    def _has_room(self) -> bool:
        return len(self._messages) < self._packets_max and self._bytes < self._bytes_max


def claim_output() -> int:
    """Keep standard output for messages; what libraries print goes to the log."""
    output = os.dup(1)
    os.dup2(2, 1)
    return output


class Outbox:
    """Where all threads of a worker write messages, one after the other."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Write a whole message; waits while the pipe is full."""
        self.send_all((message,))

    def send_all(self, messages: Iterable[Message]) -> None:
        """Write messages at once, so that the server wakes up for them once."""
        rest = memoryview(b"".join(encode_message(one) for one in messages))
        with self._lock:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
