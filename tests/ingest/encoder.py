"""An encoder made of our own client core and a socket."""

import asyncio

from media.wire.flv import AudioConfiguration, VideoConfiguration, write_audio, write_video
from media.wire.rtmp_capabilities import NO_CAPABILITIES, Capabilities
from media.wire.rtmp_client import ClientConnection
from media.wire.rtmp_event import ClientEvent
from media.wire.rtmp_handshake import NONCE_BYTES
from tests.ingest.footage import Footage

DEADLINE_S = 20


class Encoder:
    """Our client core on a socket."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        stream_name: str,
        capabilities: Capabilities = NO_CAPABILITIES,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._events: list[ClientEvent] = []
        self.core = ClientConnection(
            bytes(NONCE_BYTES),
            app="live",
            url="rtmp://127.0.0.1/live",
            stream_name=stream_name,
            capabilities=capabilities,
        )

    @classmethod
    async def connect(
        cls,
        port: int,
        stream_name: str = "right",
        capabilities: Capabilities = NO_CAPABILITIES,
    ) -> "Encoder":
        """Connect and begin to speak; `answer` waits for what comes of it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        encoder = cls(reader, writer, stream_name, capabilities)
        encoder.flush()
        return encoder

    async def answer(self) -> ClientEvent:
        """What the server says next, first of all to our wish to publish."""
        async with asyncio.timeout(DEADLINE_S):
            while not self._events:
                data = await self._reader.read(65_536)
                if not data:
                    raise ConnectionError("the server closed the connection")
                self._events += self.core.receive_data(data)
                self.flush()
        return self._events.pop(0)

    async def answers(self, count: int) -> list[ClientEvent]:
        """The next ones."""
        return [await self.answer() for _ in range(count)]

    def send(self, footage: Footage) -> None:
        """Send all of it, as an encoder interleaves it."""
        self.core.send_video(0, write_video(VideoConfiguration(footage.record)))
        self.core.send_audio(0, write_audio(AudioConfiguration(footage.config)))
        tags = [(time, 0, write_video(frame)) for time, frame in footage.frames]
        tags += [(time, 1, write_audio(frame)) for time, frame in footage.audio]
        for time, is_audio, body in sorted(tags):
            if is_audio:
                self.core.send_audio(time, body)
            else:
                self.core.send_video(time, body)
        self.flush()

    async def read_until(self, marker: bytes) -> bytes:
        """Wait for an answer that ends in `marker`."""
        return await self._reader.readuntil(marker)

    async def exchange_raw(self, data: bytes, answer_bytes: int) -> bytes:
        """Send bytes of our own making and wait for so many in return."""
        self._writer.write(data)
        return await self._reader.readexactly(answer_bytes)

    def flush(self) -> None:
        self._writer.write(self.core.data_to_send())

    async def closed(self) -> None:
        """Wait until the server has closed the connection."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while await self._reader.read(65_536):
                    pass
        except OSError:
            return

    def abort(self) -> None:
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return
