"""The client's end of RTMP publishing, without sockets; the server's is `rtmp_connection`."""

from collections.abc import Mapping

from media.wire.amf0 import EcmaArray, Value, fields_of
from media.wire.rtmp_capabilities import (
    NO_CAPABILITIES,
    Capabilities,
    read_capabilities,
    write_capabilities,
)
from media.wire.rtmp_event import (
    RECONNECT_REQUEST,
    ClientEvent,
    PublishAccepted,
    PublishRefused,
    ReconnectRequested,
)
from media.wire.rtmp_link import Link
from media.wire.rtmp_message import Audio, Command, Data, Video
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
_AUDIO = 4
_VIDEO = 6


class ClientConnection:
    """The end that publishes: it connects and asks to publish by itself, then takes media.

    Args:
        nonce: see `rtmp_handshake.Handshake`.
        app, url: what to connect to; `url` is that of the app, without the stream's name.
        capabilities: what our owner can do: with `RECONNECT`, follow ReconnectRequested.

    Attributes:
        server: what the server can do; known once it has answered.
    """

    def __init__(
        self,
        nonce: bytes,
        *,
        app: str,
        url: str,
        stream_name: str,
        capabilities: Capabilities = NO_CAPABILITIES,
    ) -> None:
        self._link = Link(is_client=True, nonce=nonce)
        self._app = app
        self._url = url
        self._stream_name = stream_name
        self._capabilities = capabilities
        self._stream_id = 0
        self._transaction = 0
        self._awaited: dict[float, str] = {}
        self.server = NO_CAPABILITIES
        self.state = State.HANDSHAKING

    def receive_data(self, data: bytes) -> list[ClientEvent]:
        """Take bytes from the peer; return what they mean.

        Raises:
            RemoteProtocolError: the peer broke the protocol.
        """
        messages = self._link.receive(data)
        if self._link.is_open and self.state is State.HANDSHAKING:
            self.state = take_theirs(self.state, Step.SHAKE_HANDS)
            self._connect()
        events = []
        for message in messages:
            event = self._receive_command(message) if isinstance(message, Command) else None
            if event is not None:
                events.append(event)
        return events

    def data_to_send(self) -> bytes:
        """What is to be written to the peer now."""
        return self._link.data_to_send()

    def send_video(self, timestamp: int, data: bytes) -> None:
        """Send an FLV video body; `timestamp` in milliseconds.

        Raises:
            LocalProtocolError: the server has not accepted the publication.
        """
        self._send_media(Video(timestamp & 0xFFFFFFFF, self._stream_id, data), _VIDEO)

    def send_audio(self, timestamp: int, data: bytes) -> None:
        """Send an FLV audio body; as `send_video`."""
        self._send_media(Audio(timestamp & 0xFFFFFFFF, self._stream_id, data), _AUDIO)

    def send_metadata(self, fields: Mapping[str, Value]) -> None:
        """Send `onMetaData`; as `send_video`."""
        values = ("@setDataFrame", "onMetaData", EcmaArray(fields))
        self._send_media(Data(0, self._stream_id, values), _AUDIO)

    def end_publish(self) -> None:
        """Say that no more media comes; then the connection may be closed.

        Raises:
            LocalProtocolError: there is no publication to end.
        """
        self.state = take_ours(self.state, Step.UNPUBLISH)
        self._call("FCUnpublish", None, self._stream_name)
        self._call("deleteStream", None, self._stream_id)

    def _send_media(self, message: Video | Audio | Data, chunk_stream: int) -> None:
        if self.state is not State.PUBLISHING:
            raise LocalProtocolError(f"media while {self.state.value}")
        self._link.send(message, chunk_stream)

    def _connect(self) -> None:
        self.state = take_theirs(self.state, Step.CONNECT)
        self._link.announce_chunk_size()
        fields: dict[str, Value] = {
            "app": self._app,
            "type": "nonprivate",
            "flashVer": "FMLE/3.0",
            "tcUrl": self._url,
        }
        self._call("connect", fields | write_capabilities(self._capabilities))

    def _receive_command(self, command: Command) -> ClientEvent | None:
        match command.name, self._awaited.pop(command.transaction, ""):
            case "_result", "connect":
                self.server = read_capabilities(_information(command))
                self._create_stream()
            case "_result", "createStream":
                self._publish(command)
            case "_error", "connect" | "createStream" | "publish":
                return self._refused(_information(command))
            case "onStatus", _:
                return self._receive_status(command)
            case _:
                pass
        return None

    def _create_stream(self) -> None:
        self._call("releaseStream", None, self._stream_name)
        self._call("FCPublish", None, self._stream_name)
        self.state = take_theirs(self.state, Step.CREATE_STREAM)
        self._call("createStream", None)

    def _publish(self, command: Command) -> None:
        stream_id = command.arguments[-1] if command.arguments else None
        if not isinstance(stream_id, float) or not 0 <= stream_id < 1 << 32:
            raise RemoteProtocolError("createStream was answered without a stream")
        self._stream_id = int(stream_id)
        self.state = take_theirs(self.state, Step.PUBLISH)
        self._call("publish", None, self._stream_name, "live")

    def _receive_status(self, command: Command) -> ClientEvent | None:
        fields = _information(command)
        if fields.get("level") == "error":
            return self._refused(fields)
        if fields.get("code") == RECONNECT_REQUEST:
            url = fields.get("tcUrl")
            description = str(fields.get("description", ""))
            return ReconnectRequested(url if isinstance(url, str) else None, description)
        if fields.get("code") != "NetStream.Publish.Start":
            return None
        self.state = take_theirs(self.state, Step.ACCEPT)
        return PublishAccepted()

    def _refused(self, fields: Mapping[str, Value]) -> PublishRefused:
        self.state = take_theirs(self.state, Step.REFUSE)
        return PublishRefused(str(fields.get("code", "")), str(fields.get("description", "")))

    def _call(self, name: str, *arguments: Value) -> None:
        self._transaction += 1
        self._awaited[self._transaction] = name
        stream_id = self._stream_id if name == "publish" else 0
        self._link.send(Command(stream_id, name, self._transaction, arguments), _COMMANDS)


def _information(command: Command) -> Mapping[str, Value]:
    """What an answer or a status says: its last argument."""
    return fields_of(command.arguments[-1] if command.arguments else None)
