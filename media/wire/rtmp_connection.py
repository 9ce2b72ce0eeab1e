"""The server's end of RTMP publishing, without sockets; the client's is `rtmp_client`."""

from collections.abc import Mapping, Sequence

from config.limits import (
    RTMP_CLIENT_NAME_CHARACTERS_MAX,
    RTMP_SURPLUS_STREAMS_MAX,
    RTMP_UNWANTED_MAX,
    RTMP_WINDOW_BYTES,
)
from media.wire.amf0 import Value, fields_of
from media.wire.rtmp_capabilities import OURS, read_capabilities, write_capabilities
from media.wire.rtmp_event import (
    RECONNECT_REQUEST,
    Connected,
    MetadataReceived,
    PublishEnded,
    PublishRequested,
    Refusal,
    ServerEvent,
)
from media.wire.rtmp_link import Link
from media.wire.rtmp_message import (
    Audio,
    BandwidthLimit,
    Command,
    ControlEvent,
    Data,
    PeerBandwidth,
    Typed,
    UserControl,
    Video,
)
from media.wire.rtmp_state import (
    LocalProtocolError,
    RemoteProtocolError,
    State,
    Step,
    take_ours,
    take_theirs,
)

# Chunk streams of what we send.
_COMMANDS = 3
_STATUS = 5

_UNPUBLISHING = frozenset({"FCUnpublish", "closeStream", "deleteStream"})


class ServerConnection:
    """The end that publishers connect to.

    Unknown commands get an empty answer and unknown messages none: encoders probe for much that
    nothing depends on.

    Attributes:
        messages: received so far.
    """

    def __init__(self, nonce: bytes) -> None:
        self._link = Link(is_client=False, nonce=nonce)
        self._app = ""
        self._streams = 0
        self._stream_id = 0
        # Streams besides that one, which the peer may send to until it has read that it may not.
        self._surplus: set[int] = set()
        self._announces = False
        self._unwanted = 0  # media before a publication
        self.messages = 0
        self.state = State.HANDSHAKING

    @property
    def received(self) -> int:
        """Bytes so far."""
        return self._link.received

    def receive_data(self, data: bytes) -> list[ServerEvent]:
        """Take bytes from the peer; return what they mean.

        Raises:
            RemoteProtocolError: the peer broke the protocol.
        """
        messages = self._link.receive(data)
        self.messages += len(messages)
        if self._link.is_open and self.state is State.HANDSHAKING:
            self._take(Step.SHAKE_HANDS)
        events = []
        for message in messages:
            event = self._receive(message)
            if event is not None:
                events.append(event)
        return events

    def data_to_send(self) -> bytes:
        """What is to be written to the peer now."""
        return self._link.data_to_send()

    def accept_publish(self) -> None:
        """Answer PublishRequested: media is welcome.

        Raises:
            LocalProtocolError: nobody waits for this answer.
        """
        self.state = take_ours(self.state, Step.ACCEPT)
        begun = self._stream_id.to_bytes(4, "big")
        self._link.control(UserControl(ControlEvent.STREAM_BEGIN, begun))
        started = _information("status", "NetStream.Publish.Start", "publishing")
        if self._announces:  # Flash Media Live Encoder waits for it
            self._send_status("onFCPublish", started)
        self._send_status("onStatus", started)

    def refuse_publish(self, description: str) -> None:
        """Answer PublishRequested: no media is wanted.

        `description` is shown to the person who publishes.

        Raises:
            LocalProtocolError: the peer has not connected yet.
        """
        self.end_publish(Refusal.DENIED, description)

    def end_publish(self, code: Refusal, description: str) -> None:
        """End a publication that runs, or answer PublishRequested; as `refuse_publish`."""
        self.state = take_ours(self.state, Step.REFUSE)
        self._send_status("onStatus", _information("error", code, description))

    def request_reconnect(self, url: str | None, description: str) -> None:
        """Ask the peer to publish elsewhere, as soon as it can do so at a keyframe.

        Those that cannot do not listen; see `Connected.capabilities`.

        Args:
            url: of the app, absolute or relative; None for the same.

        Raises:
            LocalProtocolError: the peer has not connected yet.
        """
        if self.state in (State.HANDSHAKING, State.GREETED):
            raise LocalProtocolError("a peer has to connect before it can connect again")
        information = _information("status", RECONNECT_REQUEST, description)
        if url is not None:
            information["tcUrl"] = url
        self._link.send(Command(0, "onStatus", 0, (None, information)), _COMMANDS)

    def _receive(self, message: Typed) -> ServerEvent | None:
        match message:
            case Video() | Audio():
                return message if self._takes_media(message.stream_id) else None
            case Data():
                fields = _metadata(message.values)
                is_taken = self._takes_media(message.stream_id) and fields
                return MetadataReceived(fields) if is_taken else None
            case Command():
                return self._receive_command(message)
            case _:
                return None

    def _takes_media(self, stream_id: int) -> bool:
        if stream_id in self._surplus:
            return False
        if self._is_wanted:  # there media is a step that leads nowhere, many times a second
            return True
        self._take(Step.MEDIA)
        self._unwanted += 1
        if self._unwanted > RTMP_UNWANTED_MAX:
            raise RemoteProtocolError("media without a publication")
        return False

    @property
    def _is_wanted(self) -> bool:
        return self.state is State.PUBLISHING or self.state is State.PENDING

    def _receive_command(self, command: Command) -> ServerEvent | None:
        match command.name:
            case "connect":
                return self._connect(command)
            case "createStream":
                self._take(Step.CREATE_STREAM)
                self._streams += 1
                self._answer(command, None, self._streams)
            case "publish" if self._is_wanted:
                self._refuse_surplus(command)
            case "publish":
                self._take(Step.PUBLISH)
                self._stream_id = command.stream_id
                self._surplus.discard(command.stream_id)
                self._unwanted = 0
                return PublishRequested(self._app, command.text(1))
            case name if name in _UNPUBLISHING:
                return self._unpublish(command)
            case "play":
                self._refuse_play(command)
            case name:
                self._announces |= name == "FCPublish"
                self._answer(command, None, None)
        return None

    def _connect(self, command: Command) -> Connected:
        self._take(Step.CONNECT)
        fields = fields_of(command.arguments[0]) if command.arguments else {}
        app, url = fields.get("app"), fields.get("tcUrl")
        self._app = app.partition("?")[0].strip("/") if isinstance(app, str) else ""
        # We read AMF3, and go on to write AMF0, which every peer reads whatever was agreed.
        encoding = 3.0 if fields.get("objectEncoding") == 3 else 0.0
        self._link.announce_window(RTMP_WINDOW_BYTES)
        self._link.control(PeerBandwidth(RTMP_WINDOW_BYTES, BandwidthLimit.DYNAMIC))
        self._link.announce_chunk_size()
        self._answer(
            command,
            {"fmsVer": "FMS/3,0,1,123", "capabilities": 31},
            _information("status", "NetConnection.Connect.Success", "connected")
            | {"objectEncoding": encoding}
            | write_capabilities(OURS),
        )
        client = fields.get("flashVer")
        return Connected(
            self._app,
            url if isinstance(url, str) else "",
            client[:RTMP_CLIENT_NAME_CHARACTERS_MAX] if isinstance(client, str) else "",
            read_capabilities(fields),
        )

    def _refuse_surplus(self, command: Command) -> None:
        """A connection publishes one stream; whoever has more to send opens more connections."""
        if command.stream_id != self._stream_id:
            self._surplus.add(command.stream_id)
        if len(self._surplus) > RTMP_SURPLUS_STREAMS_MAX:
            raise RemoteProtocolError("too many streams")
        told = _information("error", Refusal.BAD_NAME, "one stream for each connection, please")
        self._link.send(Command(command.stream_id, "onStatus", 0, (None, told)), _STATUS)

    def _unpublish(self, command: Command) -> PublishEnded | None:
        if command.name == "FCUnpublish":  # the other two are not answered (7.2.2.3)
            self._answer(command, None, None)
        if self._is_of_another_stream(command):
            return None
        was_wanted = self._is_wanted
        self._take(Step.UNPUBLISH)
        return PublishEnded() if was_wanted else None

    def _is_of_another_stream(self, command: Command) -> bool:
        if command.name == "FCUnpublish":  # it does not say of which stream
            return bool(self._surplus)
        number = _stream_of(command)
        return number is not None and self._streams > 1 and number != self._stream_id

    def _answer(self, command: Command, *values: Value) -> None:
        """A transaction of 0 says that no answer is expected (7.1.1)."""
        if command.transaction:
            answer = Command(command.stream_id, "_result", command.transaction, values)
            self._link.send(answer, _COMMANDS)

    def _refuse_play(self, command: Command) -> None:
        failed = _information("error", "NetStream.Play.Failed", "this server takes publishers only")
        self._link.send(Command(command.stream_id, "onStatus", 0, (None, failed)), _STATUS)

    def _send_status(self, name: str, information: Mapping[str, Value]) -> None:
        self._link.send(Command(self._stream_id, name, 0, (None, information)), _STATUS)

    def _take(self, step: Step) -> None:
        self.state = take_theirs(self.state, step)


def _stream_of(command: Command) -> int | None:
    """Which stream a command ends; None when it does not say.

    GStreamer's `deleteStream` has the stream's name where its number belongs.
    """
    if command.name == "closeStream":
        return command.stream_id
    number = command.arguments[1] if len(command.arguments) > 1 else None
    return int(number) if isinstance(number, float) and 0 <= number < 1 << 32 else None


def _information(level: str, code: str, description: str) -> dict[str, Value]:
    """The information object of an answer (7.2.2)."""
    return {"level": level, "code": code, "description": description}


def _metadata(values: Sequence[Value]) -> Mapping[str, Value]:
    """The fields of `onMetaData`, set directly or through `@setDataFrame`."""
    names = [value for value in values[:2] if isinstance(value, str)]
    return fields_of(values[-1]) if "onMetaData" in names else {}
