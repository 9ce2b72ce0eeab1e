"""One end of an RTMP connection below its commands: bytes to messages and back.

Handshake, chunking, acknowledgements and pings are the same for clients and servers.
"""

from config.limits import RTMP_CALLS_PER_READ_MAX, RTMP_CHUNK_BYTES_SENT, RTMP_WINDOW_BYTES
from media.wire.rtmp_aggregate import unpacked
from media.wire.rtmp_chunk import (
    AUDIO,
    VIDEO,
    ChunkReader,
    ChunkWriter,
    MalformedChunk,
    Message,
)
from media.wire.rtmp_handshake import Handshake, HandshakeFailed
from media.wire.rtmp_message import (
    Acknowledgement,
    ControlEvent,
    MalformedMessage,
    PeerBandwidth,
    SetChunkSize,
    Typed,
    UserControl,
    WindowSize,
    parse_message,
    write_message,
)
from media.wire.rtmp_state import RemoteProtocolError

# Chunk stream of protocol control messages (5.4).
CONTROL_CHUNK_STREAM = 2

_MEDIA = (AUDIO, VIDEO)


class Link:
    """Turns received bytes into messages, and sent messages into bytes.

    Args:
        is_client: whether we began the connection.
        nonce: see `rtmp_handshake.Handshake`.
    """

    def __init__(self, *, is_client: bool, nonce: bytes) -> None:
        self._handshake = Handshake(is_client=is_client, nonce=nonce)
        self._reader = ChunkReader()
        self._writer = ChunkWriter()
        self._to_send: list[bytes] = []
        self._window = RTMP_WINDOW_BYTES
        self._window_sent = 0
        self._acknowledged = 0
        self.received = 0

    @property
    def is_open(self) -> bool:
        """Whether the handshake is over."""
        return self._handshake.done

    def receive(self, data: bytes) -> list[Typed]:
        """Take bytes; return the messages that they complete, and obey what is for the link.

        Raises:
            RemoteProtocolError: the bytes are not RTMP or break a limit.
        """
        self.received += len(data)
        messages: list[Typed] = []
        calls = 0
        try:
            if not self._handshake.done:
                data = self._handshake.receive(data)
                self._to_send.append(self._handshake.data_to_send())
            for message in self._reader.feed(data):
                if message.type_id in _MEDIA:  # most of them, and nothing for the link
                    messages.append(parse_message(message))
                else:
                    calls += 1
                    if calls > RTMP_CALLS_PER_READ_MAX:
                        raise MalformedMessage("too many commands at once")
                    messages += map(self._obeyed, unpacked(message))
        except (HandshakeFailed, MalformedChunk, MalformedMessage) as error:
            raise RemoteProtocolError(str(error)) from error
        # At half of the window, so that a peer that waits for us at its end never has to.
        if self.received - self._acknowledged >= max(self._window // 2, 1) and self.is_open:
            self._acknowledged = self.received
            self.control(Acknowledgement(self.received & 0xFFFFFFFF))
        return messages

    def _obeyed(self, message: Message) -> Typed:
        """The message, after doing what it wants of the link."""
        typed = parse_message(message)
        match typed:
            case WindowSize(size):
                self._window = size
            case PeerBandwidth(size, _) if size != self._window_sent:
                self.announce_window(size)
            case UserControl(ControlEvent.PING_REQUEST, data):
                self.control(UserControl(ControlEvent.PING_RESPONSE, data[:4]))
            case _:
                pass
        return typed

    def announce_window(self, size: int) -> None:
        """Ask to be acknowledged every `size` bytes."""
        self._window_sent = size
        self.control(WindowSize(size))

    def announce_chunk_size(self) -> None:
        """Send larger chunks from now on."""
        self.control(SetChunkSize(RTMP_CHUNK_BYTES_SENT))

    def control(self, message: Typed) -> None:
        self.send(message, CONTROL_CHUNK_STREAM)

    def send(self, message: Typed, chunk_stream: int) -> None:
        """Queue a message; `data_to_send` has its bytes."""
        self._to_send.append(self._writer.write(write_message(message), chunk_stream))

    def data_to_send(self) -> bytes:
        """What is to be written to the peer now."""
        if not self._handshake.done:
            self._to_send.append(self._handshake.data_to_send())
        elif not self._to_send:
            return b""
        data = b"".join(self._to_send)
        self._to_send.clear()
        return data
