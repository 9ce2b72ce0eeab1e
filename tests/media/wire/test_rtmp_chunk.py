import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import (
    RTMP_CHUNK_STREAMS_MAX,
    RTMP_COMMAND_BYTES_MAX,
    RTMP_MEDIA_BYTES_MAX,
)
from media.wire.rtmp_chunk import (
    ABORT,
    AUDIO,
    SET_CHUNK_SIZE,
    VIDEO,
    ChunkReader,
    ChunkWriter,
    MalformedChunk,
    Message,
)

X300 = b"x" * 300

# Chunk stream, message and its bytes, one after the other on one connection; read in both
# directions: the writer makes these bytes of the messages, the reader these messages of the bytes.
CONVERSATION: list[tuple[int, Message, bytes]] = [
    # 5.3.2.1: a full header, then only the difference in time.
    (
        3,
        Message(AUDIO, 1_000, 12_345, b"a" * 32),
        b"\3\0\3\xe8\0\0\x20\x08\x39\x30\0\0" + b"a" * 32,
    ),
    (3, Message(AUDIO, 1_020, 12_345, b"b" * 32), b"\x43\0\0\x14\0\0\x20\x08" + b"b" * 32),
    # 5.3.2.2: a message of 300 bytes in three chunks.
    (
        4,
        Message(VIDEO, 1_000, 1, X300),
        b"\4\0\3\xe8\0\1\x2c\x09\1\0\0\0" + X300[:128] + b"\xc4" + X300[:128] + b"\xc4" + X300[:44],
    ),
    # A time that goes back, and another stream, need a full header.
    (4, Message(VIDEO, 999, 1, b""), b"\4\0\3\xe7\0\0\0\x09\1\0\0\0"),
    (4, Message(VIDEO, 999, 2, b"v"), b"\4\0\3\xe7\0\0\1\x09\2\0\0\0v"),
    # Chunk stream ids of two and three bytes.
    (64, Message(AUDIO, 0, 1, b"a"), b"\0\0\0\0\0\0\0\1\x08\1\0\0\0a"),
    (319, Message(AUDIO, 0, 1, b"a"), b"\0\xff\0\0\0\0\0\1\x08\1\0\0\0a"),
    (320, Message(AUDIO, 0, 1, b"a"), b"\1\0\1\0\0\0\0\0\1\x08\1\0\0\0a"),
    (65_599, Message(AUDIO, 5, 1, b"a"), b"\1\xff\xff\0\0\5\0\0\1\x08\1\0\0\0a"),
    (65_599, Message(AUDIO, 6, 1, b"a"), b"\x41\xff\xff\0\0\1\0\0\1\x08a"),
    # Extended timestamps are repeated in every chunk of their message.
    (5, Message(AUDIO, 0xFFFFFE, 1, b"a"), b"\5\xff\xff\xfe\0\0\1\x08\1\0\0\0a"),
    (
        6,
        Message(VIDEO, 0xFFFFFF, 1, X300),
        b"\6\xff\xff\xff\0\1\x2c\x09\1\0\0\0\0\xff\xff\xff"
        + (X300[:128] + b"\xc6\0\xff\xff\xff") * 2
        + X300[:44],
    ),
    (6, Message(VIDEO, 0x1000020, 1, b"v"), b"\x46\0\0\x21\0\0\1\x09v"),
    (6, Message(VIDEO, 0xFFFFFFF0, 1, b"v"), b"\6\xff\xff\xff\0\0\1\x09\1\0\0\0\xff\xff\xff\xf0v"),
    # Time wraps at 2^32.
    (6, Message(VIDEO, 0x10, 1, b"v"), b"\x46\0\0\x20\0\0\1\x09v"),
    # A new chunk size holds from the next message on.
    (2, Message(SET_CHUNK_SIZE, 0, 0, b"\0\0\1\0"), b"\2\0\0\0\0\0\4\1\0\0\0\0\0\0\1\0"),
    (
        6,
        Message(VIDEO, 0x10, 1, X300),
        b"\x46\0\0\0\0\1\x2c\x09" + X300[:256] + b"\xc6" + X300[:44],
    ),
]


def test_messages_are_cut_into_chunks() -> None:
    writer = ChunkWriter()

    for chunk_stream, message, wire in CONVERSATION:
        assert writer.write(message, chunk_stream) == wire


def test_chunks_are_put_together() -> None:
    reader = ChunkReader()

    for _, message, wire in CONVERSATION:
        assert reader.feed(wire) == [message]


def test_chunks_that_arrive_byte_by_byte_are_put_together() -> None:
    reader = ChunkReader()

    for _, message, wire in CONVERSATION:
        received = [each for byte in wire for each in reader.feed(bytes((byte,)))]
        assert received == [message]


def read(*wire: bytes) -> list[Message]:
    return ChunkReader().feed(b"".join(wire))


def header(
    chunk_stream: int, timestamp: int, length: int, type_id: int = VIDEO, stream_id: int = 1
) -> bytes:
    """A type 0 chunk header without extended timestamp."""
    return (
        bytes((chunk_stream,))
        + timestamp.to_bytes(3, "big")
        + length.to_bytes(3, "big")
        + bytes((type_id,))
        + stream_id.to_bytes(4, "little")
    )


def test_a_type_2_chunk_changes_only_the_time() -> None:
    received = read(header(4, 100, 1), b"a", b"\x84\0\0\x0a", b"b")

    assert received == [Message(VIDEO, 100, 1, b"a"), Message(VIDEO, 110, 1, b"b")]


def test_a_type_3_chunk_after_a_difference_repeats_the_difference() -> None:
    received = read(header(4, 100, 1), b"a", b"\x84\0\0\x0a", b"b", b"\xc4c", b"\xc4d")

    assert [message.timestamp for message in received] == [100, 110, 120, 130]


@pytest.mark.parametrize(
    ("first", "times"),
    [
        (0, [0, 0, 0]),
        # 5.3.1.2.4, and FFmpeg's writer: its second frame comes as long after the first one as that
        # one after the beginning.
        (23, [23, 46, 69]),
        # Nobody means twice an hour.
        (3_600_000, [3_600_000, 3_600_000, 3_600_000]),
    ],
)
def test_a_type_3_chunk_after_a_full_header_is_a_frame_later_or_at_the_same_time(
    first: int, times: list[int]
) -> None:
    received = read(header(4, first, 1), b"a", b"\xc4b", b"\xc4c")

    assert [message.timestamp for message in received] == times


def test_a_difference_beyond_24_bits_may_be_followed_by_another_one() -> None:
    """FFmpeg begins a message with a type 3 chunk whenever the 24-bit field did not change."""
    received = read(
        header(4, 0, 1),
        b"a",
        b"\x84\xff\xff\xff\1\0\0\0b",
        b"\xc4\1\0\0\1c",
    )

    assert [message.timestamp for message in received] == [0, 0x1000000, 0x2000001]


def test_a_time_beyond_24_bits_may_be_followed_by_another_one() -> None:
    received = read(b"\4\xff\xff\xff\0\0\1\x09\1\0\0\0\1\0\0\0a", b"\xc4\1\0\0\5b")

    assert [message.timestamp for message in received] == [0x1000000, 0x1000005]


def test_a_negative_difference_is_a_large_one_that_wraps() -> None:
    received = read(header(4, 100, 1), b"a", b"\x84\xff\xff\xff\xff\xff\xff\xf6b")

    assert [message.timestamp for message in received] == [100, 90]


@pytest.mark.parametrize("repeated", [b"\1\0\0\0", b""], ids=["repeated", "left out"])
def test_both_dialects_of_extended_timestamps_are_understood(repeated: bytes) -> None:
    body = bytes(range(256)) + b"tail"

    received = read(
        b"\4\xff\xff\xff\0\1\4\x09\1\0\0\0\1\0\0\0",
        body[:128],
        b"\xc4" + repeated + body[128:256],
        b"\xc4" + repeated + body[256:],
    )

    assert received == [Message(VIDEO, 0x1000000, 1, body)]


def test_payload_that_looks_like_an_extended_timestamp_is_payload_of_who_leaves_those_out() -> None:
    """Method: the first continuation shows the dialect, at the second one the values are equal.

    Then a message that begins with a type 3 chunk has no extended timestamp either, and one of
    three bytes is not held back for a fourth.
    """
    time = b"\1\0\0\0"
    body = bytes(range(128)) + b"payload " * 16 + time + b"\0" * 127
    reader = ChunkReader()

    received = reader.feed(b"\4\xff\xff\xff\0\1\x83\x09\1\0\0\0" + time + body[:128])
    received += reader.feed(b"\xc4" + body[128:256] + b"\xc4" + body[256:384])
    received += reader.feed(b"\xc4" + body[384:])
    again = [b"\xc4" + body[start : start + 128] for start in range(0, 387, 128)]
    received += reader.feed(b"".join(again))

    assert received == [Message(VIDEO, 0x1000000, 1, body)] * 2


@pytest.mark.parametrize("boundary", [1 << 24, 1 << 31, 1 << 32])
@pytest.mark.parametrize("step", [33, 20_000_000], ids=["frames", "extended differences"])
def test_time_goes_on_over_every_boundary(boundary: int, step: int) -> None:
    times = [(boundary + n * step) % (1 << 32) for n in range(-2, 3)]
    writer, reader = ChunkWriter(), ChunkReader()

    received = [
        message
        for time in times
        for message in reader.feed(writer.write(Message(VIDEO, time, 1, X300), 70))
    ]

    assert [message.timestamp for message in received] == times
    assert all(message.payload == X300 for message in received)


def test_audio_goes_between_the_chunks_of_a_video_message() -> None:
    received = read(
        header(6, 40, 300),
        X300[:128],
        header(4, 41, 2, AUDIO),
        b"au",
        b"\xc6" + X300[:128],
        b"\x44\0\0\1\0\0\x96\x08" + b"m" * 128,
        b"\xc6" + X300[:44],
        b"\xc4" + b"m" * 22,
    )

    assert received == [
        Message(AUDIO, 41, 1, b"au"),
        Message(VIDEO, 40, 1, X300),
        Message(AUDIO, 42, 1, b"m" * 150),
    ]


def test_a_new_chunk_size_in_the_middle_of_a_message_holds_for_its_other_chunks() -> None:
    received = read(
        header(6, 40, 300),
        X300[:128],
        header(2, 0, 4, SET_CHUNK_SIZE, 0) + b"\0\0\x10\0",
        b"\xc6" + X300[:172],
    )

    assert received[-1] == Message(VIDEO, 40, 1, X300)


def test_an_abort_forgets_what_has_arrived_of_a_message() -> None:
    received = read(
        header(6, 40, 300),
        X300[:128],
        header(2, 0, 4, ABORT, 0) + b"\0\0\0\6",
        header(2, 0, 4, ABORT, 0) + b"\0\0\0\7",
        header(6, 50, 1) + b"v",
    )

    assert received[-1] == Message(VIDEO, 50, 1, b"v")


def test_a_ping_answer_on_a_fresh_chunk_stream_may_lack_the_stream_id() -> None:
    assert read(b"\x42\0\0\0\0\0\6\4\0\7abcd") == [Message(4, 0, 0, b"\0\7abcd")]


@pytest.mark.parametrize(
    "wire",
    [
        b"\xc4",  # nothing to continue
        b"\x84\0\0\0",
        header(2, 0, 4, SET_CHUNK_SIZE, 0) + b"\0\0\0\0",
        header(2, 0, 4, SET_CHUNK_SIZE, 0) + b"\0\0\0\x7f",
        header(2, 0, 4, SET_CHUNK_SIZE, 0) + b"\x80\0\0\0",
        header(2, 0, 2, SET_CHUNK_SIZE, 0) + b"\0\0",
        header(4, 0, RTMP_MEDIA_BYTES_MAX + 1, VIDEO),
        header(4, 0, RTMP_COMMAND_BYTES_MAX + 1, 20),
        header(6, 40, 300) + X300[:128] + header(6, 41, 300),
        b"".join(header(4 + i, 0, 1) + b"a" for i in range(RTMP_CHUNK_STREAMS_MAX + 1)),
    ],
)
def test_nonsense_and_greed_are_refused(wire: bytes) -> None:
    with pytest.raises(MalformedChunk):
        read(wire)


def test_unfinished_messages_may_not_pile_up() -> None:
    reader = ChunkReader()
    reader.feed(header(2, 0, 4, SET_CHUNK_SIZE, 0) + (RTMP_MEDIA_BYTES_MAX - 1).to_bytes(4, "big"))
    body = bytes(RTMP_MEDIA_BYTES_MAX - 1)
    reader.feed(header(4, 0, RTMP_MEDIA_BYTES_MAX) + body)
    reader.feed(header(5, 0, RTMP_MEDIA_BYTES_MAX) + body[100:])

    with pytest.raises(MalformedChunk, match="unfinished"):
        reader.feed(body[:100])


@given(st.binary(max_size=400))
def test_garbage_never_gives_anything_but_the_typed_error(garbage: bytes) -> None:
    reader = ChunkReader()
    try:
        reader.feed(garbage)
        reader.feed(garbage)
    except MalformedChunk:
        return


messages = st.builds(
    Message,
    st.sampled_from([AUDIO, VIDEO, 18, 20, 99]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 3),
    st.integers(0, 1_000).map(lambda size: random.Random(size).randbytes(size)),
)
written = st.tuples(messages, st.sampled_from([3, 4, 63, 64, 70, 320, 65_599]))


@given(st.lists(written, max_size=12), st.lists(st.integers(0, 4_000), max_size=20))
def test_how_the_bytes_are_cut_does_not_matter(
    conversation: list[tuple[Message, int]], cuts: list[int]
) -> None:
    writer, reader = ChunkWriter(), ChunkReader()
    wire = b"".join(writer.write(message, stream) for message, stream in conversation)
    edges = [0, *sorted(cut for cut in cuts if cut < len(wire)), len(wire)]

    received = [
        message
        for start, end in itertools.pairwise(edges)
        for message in reader.feed(wire[start:end])
    ]

    assert received == [message for message, _ in conversation]


@given(st.integers(0, 1_000_000), st.integers(0, 2**32 - 1))
def test_how_chunk_streams_are_interleaved_does_not_matter(seed: int, timestamp: int) -> None:
    """Goal: the path for interleaved chunks agrees with the one for uninterrupted ones.

    Method: each message's chunks are cut apart again and shuffled between the chunk streams.
    """
    chance = random.Random(seed)
    sent = {
        stream: Message(VIDEO, timestamp, 1, chance.randbytes(chance.randrange(600)))
        for stream in (3, 4, 63, 64, 400)
    }
    waiting = {stream: _chunks(message, stream) for stream, message in sent.items()}
    reader, received = ChunkReader(), []
    while waiting:
        stream = chance.choice(list(waiting))
        received += reader.feed(waiting[stream].pop(0))
        if not waiting[stream]:
            del waiting[stream]

    assert sorted(m.payload for m in received) == sorted(m.payload for m in sent.values())
    assert {m.timestamp for m in received} == {timestamp}


def _chunks(message: Message, stream: int) -> list[bytes]:
    wire = ChunkWriter().write(message, stream)
    basic = 1 if stream < 64 else 2 if stream < 320 else 3
    extended = 4 if message.timestamp >= 0xFFFFFF else 0
    first = basic + 11 + extended + 128
    step = basic + extended + 128
    return [wire[:first]] + [wire[at : at + step] for at in range(first, len(wire), step)]
