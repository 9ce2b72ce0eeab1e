"""RTMP's chunk stream: messages cut into interleaved chunks (RTMP 1.0, 5.3)."""

from dataclasses import dataclass
from typing import NamedTuple

from config.limits import (
    RTMP_CHUNK_BYTES_MIN,
    RTMP_CHUNK_STREAMS_MAX,
    RTMP_COMMAND_BYTES_MAX,
    RTMP_MEDIA_BYTES_MAX,
    RTMP_PARTIAL_BYTES_MAX,
)

SET_CHUNK_SIZE = 1
ABORT = 2
AUDIO = 8
VIDEO = 9
AGGREGATE = 22

_MEDIA = (AUDIO, VIDEO, AGGREGATE)

_CHUNK_BYTES_BEFORE_AGREEMENT = 128
_CHUNK_BYTES_MAX = 0x7FFFFFFF  # 5.4.1
_EXTENDED = 0xFFFFFF
_MODULUS = 1 << 32

# 5.3.1.2: bytes of the message header after the basic header, by chunk type.
_HEADER_BYTES = (11, 7, 3, 0)
_CONTINUATION = 3


class MalformedChunk(ValueError):
    """The bytes are no chunk stream, or one that asks for more memory than a publisher needs."""


@dataclass(frozen=True, slots=True)
class Message:
    """One RTMP message.

    Attributes:
        timestamp: milliseconds modulo 2^32.
        stream_id: of the NetStream; 0 for the connection itself.
    """

    type_id: int
    timestamp: int
    stream_id: int
    payload: bytes


class _Header(NamedTuple):
    """What a chunk stream remembers from one chunk to the next.

    Attributes:
        delta: added for a message that begins with a type 3 chunk. After a type 0 chunk it is 0:
            the specification says the timestamp itself (5.3.1.2.4), which only Flash encoders do.
        extended: the value of the last extended timestamp field; None if there was none.
        absolute: the last timestamp field was a time, not a difference.
    """

    timestamp: int
    delta: int
    length: int
    type_id: int
    stream_id: int
    extended: int | None
    absolute: bool


class ChunkReader:
    """Puts messages together again.

    It obeys Set Chunk Size and Abort by itself, and returns them like any other message.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._chunk_bytes = _CHUNK_BYTES_BEFORE_AGREEMENT
        self._headers: dict[int, _Header] = {}
        self._partial: dict[int, bytearray] = {}
        self._partial_bytes = 0

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes; return the messages that they complete.

        Raises:
            MalformedChunk: see there; the reader is of no use any more.
        """
        self._buffer += data
        messages: list[Message] = []
        position = 0
        while (following := self._read_chunk(position, messages)) > position:
            position = following
        del self._buffer[:position]
        return messages

    def _read_chunk(self, start: int, messages: list[Message]) -> int:
        """Position after the chunk at `start`; `start` when not all of it has arrived."""
        buffer = self._buffer
        if start >= len(buffer):
            return start
        first = buffer[start]
        kind, chunk_stream, position = first >> 6, first & 63, start + 1
        if chunk_stream < 2:  # 5.3.1.1: the id is in the next one or two bytes
            position += chunk_stream + 1
            if position > len(buffer):
                return start
            chunk_stream = 64 + int.from_bytes(buffer[start + 1 : position], "little")
        if chunk_stream in self._partial:
            following = self._continue(chunk_stream, kind, position, messages)
        else:
            following = self._begin(chunk_stream, kind, position, messages)
        return following or start

    def _begin(self, chunk_stream: int, kind: int, position: int, messages: list[Message]) -> int:
        """Read the first chunk of a message; 0 when not all of it has arrived."""
        header = self._read_header(chunk_stream, kind, position)
        if header is None:
            return 0
        position += _HEADER_BYTES[kind] + (0 if header.extended is None else 4)
        taken = min(header.length, self._chunk_bytes)
        end = position + taken
        if header.length > taken and header.extended is None and chunk_stream < 64:
            whole = position + header.length + (header.length - 1) // self._chunk_bytes
            if self._is_uninterrupted(position, whole, 0xC0 | chunk_stream):
                taken, end = header.length, whole
        if end > len(self._buffer):
            return 0
        self._headers[chunk_stream] = header
        payload = self._buffer[position:end]
        if taken == header.length:
            del payload[self._chunk_bytes :: self._chunk_bytes + 1]
            self._complete(header, payload, messages)
        else:
            self._partial[chunk_stream] = payload
            self._hold(taken)
        return end

    def _continue(
        self, chunk_stream: int, kind: int, position: int, messages: list[Message]
    ) -> int:
        """Read a later chunk of a message; 0 when not all of it has arrived."""
        if kind != _CONTINUATION:
            raise MalformedChunk("a message begins inside another one")
        header, partial = self._headers[chunk_stream], self._partial[chunk_stream]
        if header.extended is not None:
            # Some peers repeat the extended timestamp here (librtmp, FFmpeg, 5.3.1.3) and others
            # do not; a different value is payload, as SRS decides it.
            if position + 4 > len(self._buffer):
                return 0
            if int.from_bytes(self._buffer[position : position + 4], "big") == header.extended:
                position += 4
        taken = min(self._chunk_bytes, header.length - len(partial))
        following = position + taken
        if following > len(self._buffer):
            return 0
        partial += self._buffer[position:following]
        self._hold(taken)
        if len(partial) == header.length:
            self._drop(chunk_stream)
            self._complete(header, partial, messages)
        return following

    def _is_uninterrupted(self, position: int, end: int, marker: int) -> bool:
        """Whether the chunks of a message up to `end` follow each other, as far as they arrived.

        Then their headers are one byte each, at equal distances: a slice with a stride checks them,
        another removes them, and both run at the speed of memory.
        """
        markers = self._buffer[position + self._chunk_bytes : end : self._chunk_bytes + 1]
        return markers.count(marker) == len(markers)

    def _read_header(self, chunk_stream: int, kind: int, position: int) -> _Header | None:
        """The message header at `position`; None when not all of it has arrived."""
        buffer = self._buffer
        end = position + _HEADER_BYTES[kind]
        if end > len(buffer):
            return None
        previous = self._previous(chunk_stream, kind)
        _, _, length, type_id, stream_id, extended, _ = previous
        field = previous.delta
        if kind != _CONTINUATION:
            field = int.from_bytes(buffer[position : position + 3], "big")
            extended = _EXTENDED if field == _EXTENDED else None
        if kind < 2:
            length = int.from_bytes(buffer[position + 3 : position + 6], "big")
            type_id = buffer[position + 6]
            _check_length(length, type_id)
        if kind == 0:
            stream_id = int.from_bytes(buffer[position + 7 : end], "little")
        if extended is not None:
            if end + 4 > len(buffer):
                return None
            extended = field = int.from_bytes(buffer[end : end + 4], "big")
        absolute = kind == 0 or (kind == _CONTINUATION and previous.absolute)
        if kind == 0 or (absolute and extended is not None):
            return _Header(field, 0, length, type_id, stream_id, extended, absolute)
        timestamp = (previous.timestamp + field) % _MODULUS
        return _Header(timestamp, field, length, type_id, stream_id, extended, absolute)

    def _previous(self, chunk_stream: int, kind: int) -> _Header:
        previous = self._headers.get(chunk_stream)
        if previous is not None:
            return previous
        # librtmp answers pings on a fresh chunk stream with a type 1 chunk.
        if kind > 1:
            raise MalformedChunk("a chunk stream begins without a message header")
        if len(self._headers) >= RTMP_CHUNK_STREAMS_MAX:
            raise MalformedChunk("too many chunk streams")
        return _Header(0, 0, 0, 0, 0, None, False)

    def _complete(self, header: _Header, payload: bytearray, messages: list[Message]) -> None:
        if header.type_id == SET_CHUNK_SIZE:
            self._chunk_bytes = _chunk_bytes(payload)
        elif header.type_id == ABORT:
            self._drop(int.from_bytes(payload[:4], "big"))
        messages.append(Message(header.type_id, header.timestamp, header.stream_id, bytes(payload)))

    def _hold(self, count: int) -> None:
        self._partial_bytes += count
        if self._partial_bytes > RTMP_PARTIAL_BYTES_MAX:
            raise MalformedChunk("too much of unfinished messages")

    def _drop(self, chunk_stream: int) -> None:
        partial = self._partial.pop(chunk_stream, None)
        if partial is not None:
            self._partial_bytes -= len(partial)


def _check_length(length: int, type_id: int) -> None:
    limit = RTMP_MEDIA_BYTES_MAX if type_id in _MEDIA else RTMP_COMMAND_BYTES_MAX
    if length > limit:
        raise MalformedChunk(f"a message of type {type_id} has {length} bytes")


def _chunk_bytes(payload: bytes | bytearray) -> int:
    """5.4.1. Sizes above the longest message are the same as no chunks at all, and cost nothing."""
    size = int.from_bytes(payload[:4], "big")
    if len(payload) < 4 or not RTMP_CHUNK_BYTES_MIN <= size <= _CHUNK_BYTES_MAX:
        raise MalformedChunk(f"a chunk size of {size} is not allowed")
    return size


class ChunkWriter:
    """Cuts messages into chunks; a Set Chunk Size that it writes holds from the next message on."""

    def __init__(self) -> None:
        self._chunk_bytes = _CHUNK_BYTES_BEFORE_AGREEMENT
        self._sent: dict[int, Message] = {}

    def write(self, message: Message, chunk_stream: int) -> bytes:
        """The chunks of one message on a chunk stream of 2 to 65599."""
        header, extended = self._header(message, chunk_stream)
        self._sent[chunk_stream] = message
        payload, size = message.payload, self._chunk_bytes
        pieces = [header, payload[:size]]
        continuation = _basic_header(_CONTINUATION, chunk_stream) + extended
        for start in range(size, len(payload), size):
            pieces += [continuation, payload[start : start + size]]
        if message.type_id == SET_CHUNK_SIZE:
            self._chunk_bytes = _chunk_bytes(payload)
        return b"".join(pieces)

    def _header(self, message: Message, chunk_stream: int) -> tuple[bytes, bytes]:
        """The first chunk's header, and the extended timestamp that is repeated in the others."""
        previous = self._sent.get(chunk_stream)
        kind, time = 0, message.timestamp
        if previous is not None and previous.stream_id == message.stream_id:
            delta = (message.timestamp - previous.timestamp) % _MODULUS
            if delta < _EXTENDED:
                kind, time = 1, delta
        header = _basic_header(kind, chunk_stream)
        header += min(time, _EXTENDED).to_bytes(3, "big")
        header += len(message.payload).to_bytes(3, "big") + bytes((message.type_id,))
        if kind == 0:
            header += message.stream_id.to_bytes(4, "little")
        extended = time.to_bytes(4, "big") if time >= _EXTENDED else b""
        return header + extended, extended


def _basic_header(kind: int, chunk_stream: int) -> bytes:
    """5.3.1.1."""
    if chunk_stream < 64:
        return bytes((kind << 6 | chunk_stream,))
    if chunk_stream < 320:
        return bytes((kind << 6, chunk_stream - 64))
    return bytes((kind << 6 | 1,)) + (chunk_stream - 64).to_bytes(2, "little")
