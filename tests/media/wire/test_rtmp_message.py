import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.wire.amf0 import EcmaArray, encode
from media.wire.rtmp_chunk import Message
from media.wire.rtmp_message import (
    Abort,
    Acknowledgement,
    Audio,
    BandwidthLimit,
    Command,
    ControlEvent,
    Data,
    MalformedMessage,
    PeerBandwidth,
    SetChunkSize,
    Typed,
    Unknown,
    UserControl,
    Video,
    WindowSize,
    parse_message,
    write_message,
)

# Read in both directions.
CASES: list[tuple[Message, Typed]] = [
    (Message(1, 0, 0, b"\0\1\0\0"), SetChunkSize(65_536)),
    (Message(2, 0, 0, b"\0\0\0\4"), Abort(4)),
    (Message(3, 0, 0, b"\xff\0\0\1"), Acknowledgement(0xFF000001)),
    (Message(4, 0, 0, b"\0\0\0\0\0\1"), UserControl(ControlEvent.STREAM_BEGIN, b"\0\0\0\1")),
    (Message(4, 0, 0, b"\0\6\1\2\3\4"), UserControl(ControlEvent.PING_REQUEST, b"\1\2\3\4")),
    (Message(4, 0, 0, b"\0\x20"), UserControl(32, b"")),
    (Message(5, 0, 0, b"\0\x26\x25\xa0"), WindowSize(2_500_000)),
    (Message(6, 0, 0, b"\0\x26\x25\xa0\2"), PeerBandwidth(2_500_000, BandwidthLimit.DYNAMIC)),
    (Message(8, 77, 1, b"\xaf\1x"), Audio(77, 1, b"\xaf\1x")),
    (Message(9, 78, 1, b""), Video(78, 1, b"")),
    (
        Message(18, 5, 1, encode("@setDataFrame", "onMetaData", EcmaArray({"width": 640.0}))),
        Data(5, 1, ["@setDataFrame", "onMetaData", EcmaArray({"width": 640.0})]),
    ),
    (
        Message(20, 0, 1, encode("publish", 5.0, None, "key", "live")),
        Command(1, "publish", 5.0, [None, "key", "live"]),
    ),
]


@pytest.mark.parametrize(("message", "typed"), CASES)
def test_a_message_is_read(message: Message, typed: Typed) -> None:
    assert parse_message(message) == typed


@pytest.mark.parametrize(("message", "typed"), CASES)
def test_a_message_is_written(message: Message, typed: Typed) -> None:
    assert write_message(typed) == message


@pytest.mark.parametrize(
    ("message", "typed"),
    [
        # AMF3 commands and data begin with a format byte.
        (Message(17, 0, 0, b"\0" + encode("a", 1.0)), Command(0, "a", 1.0, [])),
        (Message(17, 0, 0, encode("a", 1.0)), Command(0, "a", 1.0, [])),
        (Message(15, 3, 1, b"\0" + encode("a")), Data(3, 1, ["a"])),
        (Message(17, 0, 0, b"\0" + encode("a", 1.0) + b"\x11\4\7"), Command(0, "a", 1.0, [7.0])),
        (Message(17, 0, 0, b"\6\3a\4\1\1"), Command(0, "a", 1.0, [None])),
        (Message(15, 3, 1, b"\6\3a\4\1"), Data(3, 1, ["a", 1.0])),
        # Commands whose names cannot be read are skipped, arguments that cannot are left out.
        (Message(20, 0, 0, b""), Unknown(20)),
        (Message(20, 0, 0, encode(1.0, 1.0)), Unknown(20)),
        (Message(20, 0, 0, encode("connect", "1")), Unknown(20)),
        (Message(20, 0, 0, b"\2\0\xff"), Unknown(20)),
        (Message(20, 0, 0, encode("a", 1.0, None) + b"\4"), Command(0, "a", 1.0, [None])),
        # Without a transaction, as some encoders end a stream.
        (Message(20, 0, 1, encode("closeStream")), Command(1, "closeStream", 0.0, [])),
        # FFmpeg's timecode is no AMF0.
        (Message(18, 0, 1, b"\0\1\2\3"), Unknown(18)),
        (Message(18, 0, 1, b""), Data(0, 1, [])),
        (Message(22, 0, 1, b"aggregate"), Unknown(22)),
        (Message(0, 0, 0, b"none"), Unknown(0)),
        (Message(99, 0, 0, b""), Unknown(99)),
    ],
)
def test_what_we_never_write_is_understood_or_skipped(message: Message, typed: Typed) -> None:
    assert parse_message(message) == typed


def test_arguments_that_are_no_text_are_empty_ones() -> None:
    command = Command(0, "publish", 1.0, [None, "key", 3.0])

    assert [command.text(index) for index in range(4)] == ["", "key", "", ""]


@pytest.mark.parametrize(
    "message",
    [
        Message(1, 0, 0, b"\0\0\0"),
        Message(4, 0, 0, b"\0"),
        Message(6, 0, 0, b"\0\0\0\0"),
    ],
)
def test_a_payload_that_does_not_fit_is_refused(message: Message) -> None:
    with pytest.raises(MalformedMessage):
        parse_message(message)


def test_unknown_messages_cannot_be_written() -> None:
    with pytest.raises(MalformedMessage):
        write_message(Unknown(99))


@given(st.integers(0, 255), st.binary(max_size=100))
def test_garbage_never_gives_anything_but_the_typed_error(type_id: int, payload: bytes) -> None:
    try:
        parse_message(Message(type_id, 0, 0, payload))
    except MalformedMessage:
        return
