"""RTMP messages as values (RTMP 1.0, 5.4, 6.2 and 7.1)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from media.wire import amf3
from media.wire.amf0 import MalformedAmf, Value, decode_into, encode
from media.wire.rtmp_chunk import ABORT, AUDIO, SET_CHUNK_SIZE, VIDEO, Message

_ACKNOWLEDGEMENT = 3
_USER_CONTROL = 4
_WINDOW_SIZE = 5
_PEER_BANDWIDTH = 6
_DATA_AMF3 = 15
_COMMAND_AMF3 = 17
_DATA = 18
_COMMAND = 20

# What every message begins with that is AMF3 from its first byte: the marker of its name.
_AMF3_TEXT = b"\x06"


class MalformedMessage(ValueError):
    """A message's payload does not fit its type."""


class ControlEvent(IntEnum):
    """7.1.7, those that publishing needs."""

    STREAM_BEGIN = 0
    STREAM_EOF = 1
    PING_REQUEST = 6
    PING_RESPONSE = 7


class BandwidthLimit(IntEnum):
    """5.4.5."""

    HARD = 0
    SOFT = 1
    DYNAMIC = 2


@dataclass(frozen=True, slots=True)
class SetChunkSize:
    size: int


@dataclass(frozen=True, slots=True)
class Abort:
    chunk_stream: int


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """`sequence`: bytes received so far, modulo 2^32."""

    sequence: int


@dataclass(frozen=True, slots=True)
class UserControl:
    """`event` may be one that ControlEvent does not know."""

    event: int
    data: bytes


@dataclass(frozen=True, slots=True)
class WindowSize:
    """Acknowledge whenever this many bytes have been received."""

    size: int


@dataclass(frozen=True, slots=True)
class PeerBandwidth:
    size: int
    limit: int


class Audio(NamedTuple):
    timestamp: int
    stream_id: int
    data: bytes


class Video(NamedTuple):
    timestamp: int
    stream_id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Data:
    """Metadata: a name such as `@setDataFrame`, and more values."""

    timestamp: int
    stream_id: int
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Command:
    """`arguments` begins with the command object, which is None for most commands."""

    stream_id: int
    name: str
    transaction: float
    arguments: Sequence[Value]

    def text(self, index: int) -> str:
        """The argument at `index` where it is a text, else an empty one."""
        value = self.arguments[index] if index < len(self.arguments) else None
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message of a type that we do not speak, to be skipped."""

    type_id: int


type Typed = (
    SetChunkSize
    | Abort
    | Acknowledgement
    | UserControl
    | WindowSize
    | PeerBandwidth
    | Audio
    | Video
    | Data
    | Command
    | Unknown
)


# Messages that are one 32-bit number.
_NUMBERS: dict[int, Callable[[int], Typed]] = {
    SET_CHUNK_SIZE: SetChunkSize,
    ABORT: Abort,
    _ACKNOWLEDGEMENT: Acknowledgement,
    _WINDOW_SIZE: WindowSize,
}
_CONTROL_BYTES = dict.fromkeys(_NUMBERS, 4) | {_USER_CONTROL: 2, _PEER_BANDWIDTH: 5}


def parse_message(message: Message) -> Typed:
    """Read a message's payload.

    Raises:
        MalformedMessage: see there.
    """
    if message.type_id == VIDEO:
        return Video(message.timestamp, message.stream_id, message.payload)
    if message.type_id == AUDIO:
        return Audio(message.timestamp, message.stream_id, message.payload)
    if message.type_id in (_COMMAND, _COMMAND_AMF3, _DATA, _DATA_AMF3):
        return _parse_values(message)
    return _parse_control(message.type_id, message.payload)


def _parse_control(type_id: int, payload: bytes) -> Typed:
    if len(payload) < _CONTROL_BYTES.get(type_id, 0):
        raise MalformedMessage(f"a message of type {type_id} ends early")
    number = int.from_bytes(payload[:4], "big")
    if type_id == _USER_CONTROL:
        return UserControl(int.from_bytes(payload[:2], "big"), payload[2:])
    if type_id == _PEER_BANDWIDTH:
        return PeerBandwidth(number, payload[4])
    kind = _NUMBERS.get(type_id)
    return Unknown(type_id) if kind is None else kind(number)


def _parse_values(message: Message) -> Typed:
    values: list[Value] = []
    try:
        _decode_into(values, message)
    except MalformedAmf:
        # Nothing depends on metadata. FFmpeg's timecode, four bytes that are no AMF0, is such.
        if message.type_id in (_DATA, _DATA_AMF3):
            return Unknown(message.type_id)
    if message.type_id in (_DATA, _DATA_AMF3):
        return Data(message.timestamp, message.stream_id, values)
    # Of a command the readable arguments count; without its name it is skipped.
    name = values[0] if values else None
    transaction = values[1] if len(values) > 1 else 0.0
    if not isinstance(name, str) or not isinstance(transaction, float):
        return Unknown(message.type_id)
    return Command(message.stream_id, name, transaction, values[2:])


def _decode_into(values: list[Value], message: Message) -> None:
    payload = message.payload
    if message.type_id in (_COMMAND_AMF3, _DATA_AMF3):
        if payload[:1] == _AMF3_TEXT:
            amf3.decode_into(values, payload)
            return
        # A format byte of 0 comes first, then AMF0 values, of which some switch to AMF3.
        payload = payload.removeprefix(b"\0")
    decode_into(values, payload)


def write_message(typed: Typed) -> Message:
    """The message that `parse_message` reads as `typed`.

    Raises:
        MalformedMessage: for `Unknown`.
    """
    match typed:
        case Video(timestamp, stream_id, data):
            return Message(VIDEO, timestamp, stream_id, data)
        case Audio(timestamp, stream_id, data):
            return Message(AUDIO, timestamp, stream_id, data)
        case Data(timestamp, stream_id, values):
            return Message(_DATA, timestamp, stream_id, encode(*values))
        case Command(stream_id, name, transaction, arguments):
            return Message(_COMMAND, 0, stream_id, encode(name, transaction, *arguments))
        case _:
            return _write_control(typed)


def _write_control(
    typed: SetChunkSize
    | Abort
    | Acknowledgement
    | UserControl
    | WindowSize
    | PeerBandwidth
    | Unknown,
) -> Message:
    match typed:
        case SetChunkSize(number):
            return _number_message(SET_CHUNK_SIZE, number)
        case Abort(number):
            return _number_message(ABORT, number)
        case Acknowledgement(number):
            return _number_message(_ACKNOWLEDGEMENT, number)
        case WindowSize(number):
            return _number_message(_WINDOW_SIZE, number)
        case UserControl(event, data):
            return Message(_USER_CONTROL, 0, 0, event.to_bytes(2, "big") + data)
        case PeerBandwidth(size, limit):
            return Message(_PEER_BANDWIDTH, 0, 0, size.to_bytes(4, "big") + bytes((limit,)))
        case Unknown(type_id):
            raise MalformedMessage(f"messages of type {type_id} are not written")


def _number_message(type_id: int, number: int) -> Message:
    return Message(type_id, 0, 0, number.to_bytes(4, "big"))
