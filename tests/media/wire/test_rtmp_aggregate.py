from hypothesis import given
from hypothesis import strategies as st

from config.limits import RTMP_AGGREGATE_MESSAGES_MAX, RTMP_COMMAND_BYTES_MAX
from media.wire.rtmp_aggregate import unpacked
from media.wire.rtmp_chunk import AGGREGATE, AUDIO, VIDEO, Message


def tag(type_id: int, time: int, data: bytes) -> bytes:
    """FLV, E.4.1, with the length of the tag behind it."""
    header = bytes((type_id,)) + len(data).to_bytes(3, "big")
    header += (time & 0xFFFFFF).to_bytes(3, "big") + bytes((time >> 24, 0, 0, 0))
    return header + data + (len(data) + 11).to_bytes(4, "big")


def test_what_an_aggregate_carries_takes_its_place_and_its_time() -> None:
    before, after = Message(AUDIO, 1, 1, b"before"), Message(AUDIO, 9, 1, b"after")
    tags = (
        tag(AUDIO, 0xFFFFFFF0, b"a") + tag(99, 5, b"?") + tag(VIDEO, 0x10, b"v") + tag(18, 0, b"")
    )

    whole = (before, Message(AGGREGATE, 1_000, 1, tags), after)
    parts = [part for message in whole for part in unpacked(message)]

    assert parts == [
        before,
        Message(AUDIO, 1_000, 1, b"a"),
        Message(VIDEO, 1_032, 1, b"v"),
        Message(18, 1_016, 1, b""),
        after,
    ]


def test_a_tag_that_is_cut_off_ends_an_aggregate() -> None:
    whole = tag(VIDEO, 0, b"v")

    parts = unpacked(Message(AGGREGATE, 0, 1, whole + tag(VIDEO, 1, b"lost")[:13]))

    assert parts == [Message(VIDEO, 0, 1, b"v")]
    assert unpacked(Message(AGGREGATE, 0, 1, b"")) == []


def test_what_an_aggregate_may_carry_is_bounded() -> None:
    greedy = tag(18, 0, bytes(RTMP_COMMAND_BYTES_MAX + 1)) + tag(AUDIO, 0, b"") * 2_000

    parts = unpacked(Message(AGGREGATE, 0, 1, greedy))

    assert parts == [Message(AUDIO, 0, 1, b"")] * (RTMP_AGGREGATE_MESSAGES_MAX - 1)


@given(st.binary(max_size=100))
def test_garbage_is_no_error(garbage: bytes) -> None:
    unpacked(Message(AGGREGATE, 0, 1, garbage))
