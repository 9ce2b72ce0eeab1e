"""RTMP's chunk stream: messages cut into interleaved chunks (RTMP 1.0, 5.3)."""

from struct import Struct
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
_FRAME_MS_MAX = 1_000

# 5.3.1.2: bytes of the message header after the basic header, by chunk type.
_HEADER_BYTES = (11, 7, 3, 0)
_CONTINUATION = 3
# Of the message header: the length in its two upper bytes and its lowest one, and the type; and the
# stream's id, which is the only little-endian number.
_LENGTH_AND_TYPE = Struct(">HBB").unpack_from
_STREAM_ID = Struct("<I").unpack_from

type _Buffer = bytes | bytearray


class MalformedChunk(ValueError):
    """The bytes are no chunk stream, or one that asks for more memory than a publisher needs."""


class Message(NamedTuple):
    """One RTMP message; a tuple, since a busy server makes many thousands a second.

    Attributes:
        timestamp: milliseconds modulo 2^32.
        stream_id: of the NetStream; 0 for the connection itself.
    """

    type_id: int
    timestamp: int
    stream_id: int
    payload: bytes


class _ChunkStream:
    """What a chunk stream remembers from one chunk to the next.

    Attributes:
        delta: added for a message that begins with a type 3 chunk. After a type 0 chunk it is that
            chunk's time (5.3.1.2.4): FFmpeg's second message of a track has such a header when its
            time is twice that of the first. Of a time that is no difference of two frames it is 0,
            as others mean it who repeat a time.
        extended: the value of the last extended timestamp field; None if there was none.
        absolute: the last timestamp field was a time, not a difference.
        partial: what has arrived of a message; None between messages.
    """

    __slots__ = (
        *("absolute", "delta", "extended", "length", "partial"),
        *("stream_id", "timestamp", "type_id"),
    )

    def __init__(self) -> None:
        self.timestamp = 0
        self.delta = 0
        self.length = 0
        self.type_id = 0
        self.stream_id = 0
        self.extended: int | None = None
        self.absolute = False
        self.partial: bytearray | None = None


class ChunkReader:
    """Puts messages together again.

    It obeys Set Chunk Size and Abort by itself, and returns them like any other message. A read of
    a socket mostly holds one whole message: that is read in place, and copied once.
    """

    def __init__(self) -> None:
        self._rest = bytearray()  # of the last chunk, as far as it has arrived
        self._chunk_bytes = _CHUNK_BYTES_BEFORE_AGREEMENT
        self._streams: dict[int, _ChunkStream] = {}
        self._partial_bytes = 0
        self._repeats_extended = True  # until the peer once did not

    @property
    def held_bytes(self) -> int:
        """What has arrived of unfinished messages and chunks."""
        return len(self._rest) + self._partial_bytes

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes; return the messages that they complete.

        Raises:
            MalformedChunk: see there; the reader is of no use any more.
        """
        rest = self._rest
        buffer: bytes | bytearray = data
        if rest:
            rest += data
            buffer = rest
        messages: list[Message] = []
        position, end = 0, len(buffer)
        while position < end:
            following = self._read_chunk(buffer, position, messages)
            if not following:
                break
            position = following
        if buffer is rest:
            del rest[:position]
        elif position < end:
            rest += data[position:]
        if self.held_bytes > RTMP_PARTIAL_BYTES_MAX:
            raise MalformedChunk("too much of unfinished messages")
        return messages

    def _read_chunk(self, buffer: _Buffer, start: int, messages: list[Message]) -> int:
        """Position after the chunk at `start`; 0 when not all of it has arrived."""
        first = buffer[start]
        chunk_stream, position = first & 63, start + 1
        if chunk_stream < 2:  # 5.3.1.1: the id is in the next one or two bytes
            position += chunk_stream + 1
            if position > len(buffer):
                return 0
            chunk_stream = 64 + int.from_bytes(buffer[start + 1 : position], "little")
        kind = first >> 6
        stream = self._streams.get(chunk_stream)
        if stream is None:
            stream = self._open(chunk_stream, kind)
        if stream.partial is None:
            # A marker says how each further chunk of the message begins, where that is one byte.
            marker = first | 0xC0 if chunk_stream == first & 63 else 0
            return self._begin(buffer, position, kind, stream, marker, messages)
        if kind != _CONTINUATION:
            raise MalformedChunk("a message begins inside another one")
        return self._continue(buffer, position, stream, messages)

    def _open(self, chunk_stream: int, kind: int) -> _ChunkStream:
        # librtmp answers pings on a fresh chunk stream with a type 1 chunk.
        if kind > 1:
            raise MalformedChunk("a chunk stream begins without a message header")
        if len(self._streams) >= RTMP_CHUNK_STREAMS_MAX:
            raise MalformedChunk("too many chunk streams")
        self._streams[chunk_stream] = stream = _ChunkStream()
        return stream

    def _begin(
        self,
        buffer: _Buffer,
        position: int,
        kind: int,
        stream: _ChunkStream,
        marker: int,
        messages: list[Message],
    ) -> int:
        """Read the first chunk of a message; 0 when not all of it has arrived."""
        arrived = len(buffer)
        end = position + _HEADER_BYTES[kind]
        if end > arrived:
            return 0
        field, extended, absolute = stream.delta, stream.extended, stream.absolute
        length, type_id, stream_id = stream.length, stream.type_id, stream.stream_id
        if kind != _CONTINUATION:
            field = buffer[position] << 16 | buffer[position + 1] << 8 | buffer[position + 2]
            extended = _EXTENDED if field == _EXTENDED else None
            absolute = kind == 0
        if kind < 2:
            high, low, type_id = _LENGTH_AND_TYPE(buffer, position + 3)
            length = high << 8 | low
            if length > RTMP_COMMAND_BYTES_MAX:
                _check_length(length, type_id)
        if kind == 0:
            (stream_id,) = _STREAM_ID(buffer, position + 7)
        is_time = kind == 0
        if extended is not None and (kind != _CONTINUATION or self._repeats_extended):
            end += 4
            if end > arrived:
                return 0
            extended = field = int.from_bytes(buffer[end - 4 : end], "big")
            is_time = absolute
        payload, end = self._payload(buffer, end, length, 0 if extended is not None else marker)
        if payload is None:
            return 0
        stream.length, stream.type_id, stream.stream_id = length, type_id, stream_id
        stream.extended, stream.absolute = extended, absolute
        if is_time:
            stream.timestamp, stream.delta = field, field if field <= _FRAME_MS_MAX else 0
        else:
            stream.timestamp, stream.delta = (stream.timestamp + field) % _MODULUS, field
        self._take(stream, payload, messages)
        return end

    def _take(self, stream: _ChunkStream, payload: _Buffer, messages: list[Message]) -> None:
        if len(payload) == stream.length:
            self._complete(stream, bytes(payload), messages)
        else:
            stream.partial = payload if isinstance(payload, bytearray) else bytearray(payload)
            self._hold(len(payload))

    def _payload(
        self, buffer: _Buffer, start: int, length: int, marker: int
    ) -> tuple[_Buffer | None, int]:
        """What the first chunk has of a message, or all of it where its chunks follow each other.

        None when that has not arrived. Returns where it ends as well.
        """
        size = self._chunk_bytes
        if length <= size:
            end = start + length
            return (buffer[start:end] if end <= len(buffer) else None), end
        if marker:
            # The headers between are one byte each, at equal distances: a slice with a stride
            # checks those that have arrived, another removes them, both at the speed of memory.
            end = start + length + (length - 1) // size
            markers = buffer[start + size : end : size + 1]
            if markers.count(marker) == len(markers):
                if end > len(buffer):
                    return None, end
                whole = bytearray(buffer[start:end])
                del whole[size :: size + 1]
                return whole, end
        end = start + size
        return (buffer[start:end] if end <= len(buffer) else None), end

    def _continue(
        self, buffer: _Buffer, position: int, stream: _ChunkStream, messages: list[Message]
    ) -> int:
        """Read a later chunk of a message; 0 when not all of it has arrived."""
        partial = stream.partial
        assert partial is not None, "else the message would only begin here"
        if stream.extended is not None and self._repeats_extended:
            # Some peers repeat the extended timestamp here (librtmp, FFmpeg, 5.3.1.3) and others
            # do not. A different value is payload, and shows for good of which kind this one is:
            # then payload that happens to look like the timestamp is not taken for it.
            if position + 4 > len(buffer):
                return 0
            found = int.from_bytes(buffer[position : position + 4], "big")
            if found in (stream.extended, stream.timestamp):
                position += 4
            else:
                self._repeats_extended = False
        taken = min(self._chunk_bytes, stream.length - len(partial))
        following = position + taken
        if following > len(buffer):
            return 0
        partial += buffer[position:following]
        self._hold(taken)
        if len(partial) == stream.length:
            self._drop(stream)
            self._complete(stream, bytes(partial), messages)
        return following

    def _complete(self, stream: _ChunkStream, payload: bytes, messages: list[Message]) -> None:
        if stream.type_id == SET_CHUNK_SIZE:
            self._chunk_bytes = _chunk_bytes(payload)
        elif stream.type_id == ABORT:
            aborted = self._streams.get(int.from_bytes(payload[:4], "big"))
            if aborted is not None:
                self._drop(aborted)
        messages.append(Message(stream.type_id, stream.timestamp, stream.stream_id, payload))

    def _hold(self, count: int) -> None:
        self._partial_bytes += count
        if self._partial_bytes > RTMP_PARTIAL_BYTES_MAX:
            raise MalformedChunk("too much of unfinished messages")

    def _drop(self, stream: _ChunkStream) -> None:
        if stream.partial is not None:
            self._partial_bytes -= len(stream.partial)
            stream.partial = None


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
