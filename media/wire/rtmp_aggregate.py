"""Aggregate messages: several messages as FLV tags in one (RTMP 1.0, 7.1.6)."""

from collections.abc import Sequence

from config.limits import RTMP_AGGREGATE_MESSAGES_MAX, RTMP_COMMAND_BYTES_MAX
from media.wire.rtmp_chunk import AGGREGATE, AUDIO, VIDEO, Message

_DATA = 18
_CARRIED = frozenset({AUDIO, VIDEO, _DATA})
_TAG_HEADER_BYTES = 11
_BACK_POINTER_BYTES = 4
_MODULUS = 1 << 32


def unpacked(message: Message) -> Sequence[Message]:
    """What an aggregate carries; of any other message itself."""
    return _unpack(message) if message.type_id == AGGREGATE else (message,)


def _unpack(aggregate: Message) -> list[Message]:
    """The media and metadata within; a tag that is cut off ends them.

    Times within are of a clock of their own, whose first value is the aggregate's time.
    """
    messages: list[Message] = []
    payload, position, offset = aggregate.payload, 0, None
    for _ in range(RTMP_AGGREGATE_MESSAGES_MAX):
        body = position + _TAG_HEADER_BYTES
        length = int.from_bytes(payload[position + 1 : position + 4], "big")
        if body + length > len(payload):
            break
        # The fourth byte of the time is its highest (FLV, E.4.1).
        high, low = payload[position + 7], payload[position + 4 : position + 7]
        time = high << 24 | int.from_bytes(low, "big")
        offset = aggregate.timestamp - time if offset is None else offset
        timestamp, data = (time + offset) % _MODULUS, payload[body : body + length]
        type_id = payload[position] & 0x1F
        if type_id in _CARRIED and (type_id != _DATA or length <= RTMP_COMMAND_BYTES_MAX):
            messages.append(Message(type_id, timestamp, aggregate.stream_id, data))
        position = body + length + _BACK_POINTER_BYTES
    return messages
