"""The server's end, as transcripts: what it has `received` and what it has `sent`."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.limits import RTMP_UNWANTED_MAX
from media.wire.amf0 import EcmaArray, Value
from media.wire.rtmp_capabilities import OURS, Extension, read_capabilities
from media.wire.rtmp_chunk import AUDIO, VIDEO
from media.wire.rtmp_connection import ServerConnection
from media.wire.rtmp_event import (
    Connected,
    MetadataReceived,
    PublishEnded,
    PublishRequested,
    Refusal,
    ServerEvent,
)
from media.wire.rtmp_handshake import NONCE_BYTES
from media.wire.rtmp_link import Link
from media.wire.rtmp_message import (
    Acknowledgement,
    Audio,
    BandwidthLimit,
    Command,
    Data,
    PeerBandwidth,
    SetChunkSize,
    Typed,
    UserControl,
    Video,
    WindowSize,
)
from media.wire.rtmp_state import LocalProtocolError, RemoteProtocolError, State

CONNECT = Command(0, "connect", 1.0, [{"app": "live", "tcUrl": "rtmp://host/live"}])
PUBLISH = Command(1, "publish", 5.0, [None, "key?token=1", "live"])


class Playbook:
    """A server's end and a peer that speaks to it, message by message."""

    def __init__(self) -> None:
        self.server = ServerConnection(b"s" * NONCE_BYTES)
        self._peer = Link(is_client=True, nonce=b"c" * NONCE_BYTES)
        self._answers: list[Typed] = []

    def shake_hands(self) -> "Playbook":
        assert self.received() == []
        self._peer.receive(self.server.data_to_send())
        assert self.received() == []
        return self

    def received(self, *messages: Typed) -> Sequence[ServerEvent]:
        for message in messages:
            self._peer.send(message, 3)
        events = self.server.receive_data(self._peer.data_to_send())
        if self._peer.is_open:
            self._answers += self._peer.receive(self.server.data_to_send())
        return events

    def sent(self) -> list[Typed]:
        """What the server has answered since the last call."""
        self._answers += self._peer.receive(self.server.data_to_send())
        answers, self._answers = self._answers, []
        return answers


def connected() -> Playbook:
    play = Playbook().shake_hands()
    assert play.received(CONNECT) == [Connected("live", "rtmp://host/live")]
    play.sent()
    return play


def publishing() -> Playbook:
    play = connected()
    assert play.received(PUBLISH) == [PublishRequested("live", "key?token=1")]
    play.server.accept_publish()
    play.sent()
    return play


def status(name: str, level: str, code: str, description: str) -> Command:
    fields: dict[str, Value] = {"level": level, "code": code, "description": description}
    return Command(1, name, 0.0, [None, fields])


def test_a_publisher_such_as_ffmpeg_is_led_to_publishing() -> None:
    play = Playbook().shake_hands()

    assert play.received(CONNECT) == [Connected("live", "rtmp://host/live")]
    *controls, result = play.sent()
    assert controls == [
        WindowSize(2_500_000),
        PeerBandwidth(2_500_000, BandwidthLimit.DYNAMIC),
        SetChunkSize(65_536),
    ]
    assert isinstance(result, Command)
    assert (result.name, result.transaction) == ("_result", 1.0)
    assert isinstance(result.arguments[1], dict)
    assert result.arguments[1]["code"] == "NetConnection.Connect.Success"
    assert result.arguments[1]["objectEncoding"] == 0
    assert read_capabilities(result.arguments[1]) == OURS

    assert play.received(Command(0, "releaseStream", 2.0, [None, "key"])) == []
    assert play.sent() == [Command(0, "_result", 2.0, [None, None])]
    assert play.received(Command(0, "createStream", 4.0, [None])) == []
    assert play.sent() == [Command(0, "_result", 4.0, [None, 1.0])]

    assert play.received(PUBLISH) == [PublishRequested("live", "key?token=1")]
    assert play.sent() == []
    play.server.accept_publish()
    assert play.sent() == [
        UserControl(0, b"\0\0\0\1"),
        status("onStatus", "status", "NetStream.Publish.Start", "publishing"),
    ]
    assert play.received(Video(40, 1, b"v"), Audio(41, 1, b"a")) == [
        Video(40, 1, b"v"),
        Audio(41, 1, b"a"),
    ]


def test_who_announces_with_fcpublish_is_told_twice() -> None:
    play = connected()
    play.received(Command(0, "FCPublish", 3.0, [None, "key"]), PUBLISH)
    play.sent()

    play.server.accept_publish()

    assert [each.name for each in play.sent() if isinstance(each, Command)] == [
        "onFCPublish",
        "onStatus",
    ]


def test_a_publisher_that_calls_without_transactions_gets_no_answers() -> None:
    """GStreamer's rtmp2sink."""
    play = connected()

    play.received(
        Command(0, "releaseStream", 0.0, [None, "key"]), Command(0, "FCPublish", 0.0, [None, "key"])
    )

    assert play.sent() == []


def test_unknown_commands_are_answered_with_nothing_in_particular() -> None:
    play = connected()

    assert play.received(Command(0, "_checkbw", 7.0, [None])) == []

    assert play.sent() == [Command(0, "_result", 7.0, [None, None])]


def test_a_refused_publisher_is_told_why_before_any_media_is_taken() -> None:
    play = connected()
    play.received(PUBLISH)

    play.server.refuse_publish("unknown stream key")

    assert play.sent() == [
        status("onStatus", "error", "NetStream.Publish.Denied", "unknown stream key")
    ]
    assert play.received(Video(0, 1, b"v")) == []
    assert play.server.state is State.REFUSED


@pytest.mark.parametrize(
    "command",
    [
        Command(0, "FCUnpublish", 6.0, [None, "key"]),
        Command(0, "deleteStream", 7.0, [None, 1.0]),
        Command(0, "deleteStream", 0.0, [None, "key"]),
        Command(1, "closeStream", 0.0, [None]),
    ],
)
def test_each_way_to_end_a_publication_ends_it_once_and_leaves_the_connection(
    command: Command,
) -> None:
    play = publishing()

    assert play.received(command) == [PublishEnded()]
    assert play.received(command, Audio(1, 1, b"late")) == []
    assert play.received(PUBLISH) == [PublishRequested("live", "key?token=1")]


def test_media_that_comes_before_the_answer_is_given_out() -> None:
    play = connected()

    assert play.received(PUBLISH, Audio(0, 1, b"a")) == [
        PublishRequested("live", "key?token=1"),
        Audio(0, 1, b"a"),
    ]


@pytest.mark.parametrize(
    "values",
    [
        ["@setDataFrame", "onMetaData", EcmaArray({"framerate": 30.0})],
        ["onMetaData", {"framerate": 30.0}],
    ],
)
def test_metadata_is_given_out(values: list[Value]) -> None:
    assert publishing().received(Data(0, 1, values)) == [MetadataReceived({"framerate": 30.0})]


@pytest.mark.parametrize("values", [[], ["onTextData", {"a": 1.0}], ["@clearDataFrame"], [1.0]])
def test_other_data_is_skipped(values: list[Value]) -> None:
    assert publishing().received(Data(0, 1, values)) == []


def test_pings_are_answered_and_control_messages_obeyed() -> None:
    play = publishing()

    ping, buffer_length = UserControl(6, b"\1\2\3\4 more"), UserControl(3, bytes(8))
    assert play.received(ping, buffer_length) == []

    assert play.sent() == [UserControl(7, b"\1\2\3\4")]


def test_a_peer_that_limits_us_learns_our_window_once() -> None:
    play = publishing()

    play.received(PeerBandwidth(5_000_000, 2), PeerBandwidth(5_000_000, 2))

    assert play.sent() == [WindowSize(5_000_000)]


def test_received_bytes_are_acknowledged_at_half_of_the_window() -> None:
    play = publishing()
    play.received(WindowSize(20_000))
    play.sent()

    play.received(Video(0, 1, bytes(12_000)))

    (acknowledgement,) = play.sent()
    assert isinstance(acknowledgement, Acknowledgement)
    assert 12_000 < acknowledgement.sequence < 17_000
    play.received(Video(0, 1, b""))
    assert play.sent() == []


def test_players_are_turned_away() -> None:
    play = connected()

    assert play.received(Command(1, "play", 4.0, [None, "key"])) == []

    (answer,) = play.sent()
    assert isinstance(answer, Command)
    assert isinstance(answer.arguments[1], dict)
    assert answer.arguments[1]["code"] == "NetStream.Play.Failed"


def test_a_query_and_slashes_are_no_part_of_the_app() -> None:
    play = Playbook().shake_hands()

    events = play.received(Command(0, "connect", 1.0, [{"app": "live/?user=a"}]))

    assert events == [Connected("live", "")]


def test_a_connect_without_fields_is_understood() -> None:
    assert Playbook().shake_hands().received(Command(0, "connect", 1.0, [])) == [Connected("", "")]


@pytest.mark.parametrize(
    "message", [PUBLISH, Audio(0, 1, b"a"), Command(0, "createStream", 2.0, [None])]
)
def test_nothing_is_possible_before_connect(message: Typed) -> None:
    with pytest.raises(RemoteProtocolError):
        Playbook().shake_hands().received(message)


def test_what_was_done_cannot_be_done_again() -> None:
    with pytest.raises(RemoteProtocolError):
        publishing().received(CONNECT)


def test_what_a_client_says_of_itself_is_told() -> None:
    fields: dict[str, Value] = {
        "app": "live",
        "flashVer": "x" * 200,
        "objectEncoding": 3.0,
        "capsEx": 1.0,
        "fourCcList": ["hvc1"],
    }
    play = Playbook().shake_hands()

    (told,) = play.received(Command(0, "connect", 1.0, [fields]))

    assert isinstance(told, Connected)
    assert told.client == "x" * 80
    assert told.capabilities.extensions == Extension.RECONNECT
    assert list(told.capabilities.video) == ["hvc1"]
    answer = play.sent()[-1]
    assert isinstance(answer, Command)
    assert isinstance(answer.arguments[1], dict)
    assert answer.arguments[1]["objectEncoding"] == 3


def test_a_second_stream_is_refused_and_the_first_one_goes_on() -> None:
    """OBS creates and publishes one stream for each of its outputs, over one connection."""
    play = connected()
    play.received(Command(0, "createStream", 2.0, [None]), PUBLISH)
    play.server.accept_publish()
    play.received(Command(0, "createStream", 6.0, [None]))
    play.sent()

    assert play.received(Command(2, "publish", 7.0, [None, "key2", "live"])) == []

    refused = {
        "level": "error",
        "code": "NetStream.Publish.BadName",
        "description": "one stream for each connection, please",
    }
    assert play.sent() == [Command(2, "onStatus", 0.0, [None, refused])]
    assert play.received(Video(0, 2, b"surplus"), Data(0, 2, ["onMetaData", {"a": 1.0}])) == []
    assert play.received(Command(0, "FCUnpublish", 8.0, [None, "key2"])) == []
    assert play.received(Command(0, "deleteStream", 9.0, [None, 2.0])) == []
    assert play.received(Video(0, 1, b"v")) == [Video(0, 1, b"v")]
    assert play.received(Command(0, "deleteStream", 10.0, [None, 1.0])) == [PublishEnded()]
    assert play.received(Command(2, "publish", 11.0, [None, "key2", "live"])) == [
        PublishRequested("live", "key2")
    ]
    play.server.accept_publish()
    assert play.received(Video(0, 2, b"v")) == [Video(0, 2, b"v")]


def test_a_stream_cannot_be_published_twice_nor_a_hundred_of_them() -> None:
    play = publishing()

    assert play.received(PUBLISH) == []
    assert play.received(Video(0, 1, b"v")) == [Video(0, 1, b"v")]
    with pytest.raises(RemoteProtocolError):
        play.received(*(Command(n, "publish", 0.0, [None, "key"]) for n in range(2, 102)))


def test_media_without_a_publication_is_skipped_up_to_a_limit() -> None:
    play = publishing()
    play.received(Command(0, "deleteStream", 6.0, [None, 1.0]))

    assert play.received(*[Audio(0, 1, b"late")] * RTMP_UNWANTED_MAX) == []
    with pytest.raises(RemoteProtocolError):
        play.received(Audio(0, 1, b"never ending"))


def test_a_publication_is_ended_with_a_code_for_which_obs_gives_up() -> None:
    play = publishing()

    play.server.end_publish(Refusal.BAD_NAME, "another publisher took over")

    assert play.sent() == [
        status("onStatus", "error", "NetStream.Publish.BadName", "another publisher took over")
    ]
    assert play.received(Video(0, 1, b"late")) == []


def test_a_peer_is_asked_to_reconnect_over_its_connection() -> None:
    play = publishing()

    play.server.request_reconnect("rtmp://other/live", "the server stops")

    assert play.sent() == [
        Command(
            *(0, "onStatus", 0.0),
            [
                None,
                {
                    "level": "status",
                    "code": "NetConnection.Connect.ReconnectRequest",
                    "description": "the server stops",
                    "tcUrl": "rtmp://other/live",
                },
            ],
        )
    ]
    with pytest.raises(LocalProtocolError):
        Playbook().shake_hands().server.request_reconnect(None, "")


def test_an_answer_needs_a_question() -> None:
    play = connected()

    with pytest.raises(LocalProtocolError):
        play.server.accept_publish()
    with pytest.raises(LocalProtocolError):
        Playbook().server.refuse_publish("no")


def test_what_is_not_rtmp_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        Playbook().server.receive_data(b"GET / HTTP/1.1\r\n\r\n")


def test_unknown_message_types_are_skipped() -> None:
    """Type 99, written by hand, as we do not write unknown types."""
    server = publishing().server

    assert server.receive_data(b"\7\0\0\0\0\0\2\x63\1\0\0\0ab") == []


def test_an_aggregate_is_the_messages_within() -> None:
    """Written by hand, as we do not write them; ends in a tag that is cut off."""
    tags = b"".join(
        bytes((kind, 0, 0, 1, 0, 0, time, 0, 0, 0, 0)) + data + b"\0\0\0\x0c"
        for kind, time, data in ((AUDIO, 10, b"a"), (99, 15, b"x"), (VIDEO, 30, b"v"))
    )
    wire = b"\7\0\3\xe8\0\0" + bytes((len(tags) + 4,)) + b"\x16\1\0\0\0" + tags + b"\x09\0\0\1"

    assert publishing().server.receive_data(wire) == [
        Audio(1_000, 1, b"a"),
        Video(1_020, 1, b"v"),
    ]


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_garbage_never_gives_anything_but_the_typed_error(pieces: list[bytes]) -> None:
    server = publishing().server
    try:
        for piece in pieces:
            server.receive_data(piece)
    except RemoteProtocolError:
        return
