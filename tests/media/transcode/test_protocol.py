"""Messages between server and worker survive the pipe, and nonsense does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import WORKER_MESSAGE_BYTES_MAX
from media.pictures import Picture, PictureKind
from media.transcode.protocol import (
    Appearance,
    Captioned,
    Configure,
    Described,
    Encoded,
    Finish,
    Finished,
    MalformedMessage,
    Message,
    MessageReader,
    Opened,
    Position,
    Progress,
    Refusal,
    Shed,
    SourcePacket,
    encode_message,
)

times = st.integers(-(2**62), 2**62)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Configure, st.binary()),
    st.builds(SourcePacket, times, times, times, st.booleans(), st.booleans(), st.binary()),
    st.just(Finish()),
    st.builds(
        Opened,
        st.builds(Appearance, *[st.integers(0, 255)] * 4, *[st.integers(1, 2**32 - 1)] * 2),
        st.lists(st.binary(), max_size=4).map(tuple),
        st.text(),
    ),
    st.builds(
        Encoded, st.integers(0, 255), times, times, times, st.booleans(), st.booleans(), st.binary()
    ),
    st.builds(Progress, *[st.integers(0, 2**63)] * 5, times),
    st.builds(Shed, st.integers(0, 255), times),
    st.just(Finished()),
    st.builds(Described, st.binary()),
    st.builds(Captioned, st.integers(0, 255), st.binary()),
    st.builds(
        Refusal, st.from_regex(r"[a-z_]+", fullmatch=True), st.text(st.characters(codec="utf-8"))
    ),
    st.builds(Position, times),
    st.builds(
        Picture,
        st.sampled_from(PictureKind),
        st.binary(),
        *[st.integers(0, 2**16 - 1)] * 2,
        st.integers(0, 2**32 - 1),
        st.integers(0, 255),
        *[st.integers(0, 2**16 - 1)] * 2,
        st.lists(times, max_size=30).map(tuple),
    ),
)


@given(st.lists(messages, max_size=5), st.integers(1, 50))
def test_messages_come_out_as_they_went_in_however_they_are_cut(
    sent: list[Message], piece: int
) -> None:
    stream = b"".join(encode_message(one) for one in sent)
    reader = MessageReader()
    received = []
    for position in range(0, len(stream), piece):
        received += reader.feed(stream[position : position + piece])
    assert received == sent


@given(st.binary(max_size=200))
def test_any_bytes_are_messages_or_malformed(data: bytes) -> None:
    try:
        MessageReader().feed(data)
    except MalformedMessage:
        return


@pytest.mark.parametrize(
    "data",
    [
        (WORKER_MESSAGE_BYTES_MAX + 1).to_bytes(4, "big") + b"\x05",
        b"\0\0\0\0\x63",
        b"\0\0\0\2\x02ab",
        b"\0\0\0\1\x06a",
        b"\0\0\0\x0f\x04" + bytes(12) + b"\1\0\0",
        b"\0\0\0\x11\x04" + bytes(12) + b"\1\0\0\0\x09",
        b"\0\0\0\x0f\x09" + b"\x02" + bytes(14),
        b"\0\0\0\x0f\x09" + bytes(14) + b"\2",
        b"\0\0\0\x13\x09" + bytes(14) + b"\1abcd",
    ],
    ids=[
        "too long",
        "unknown kind",
        "short packet",
        "short totals",
        "cut off",
        "wrong length",
        "unknown kind of picture",
        "no times",
        "part of a time",
    ],
)
def test_nonsense_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        MessageReader().feed(data)


def test_a_message_that_the_peer_would_refuse_is_not_written() -> None:
    with pytest.raises(MalformedMessage):
        encode_message(Configure(bytes(WORKER_MESSAGE_BYTES_MAX + 1)))
