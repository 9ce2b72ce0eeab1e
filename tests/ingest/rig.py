"""An RTMP server on a free port with a hub whose publications are recorded."""

import asyncio

from config.clock import Clock, ManualClock
from ingest.admission import Admitted, PublishRefused, PublishRequest
from ingest.rtmp_server import RtmpLimits, RtmpServer
from media.hub import Event, Hub, Reader, Stream
from tests.ingest.encoder import Encoder


class Keys:
    """An admission that knows one key; `opened` holds its answer back."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.was_asked = asyncio.Event()
        self.opened = asyncio.Event()
        self.opened.set()

    async def admit(self, request: PublishRequest) -> Admitted:
        self.asked.append((request.app, request.stream_name, request.address))
        self.was_asked.set()
        await self.opened.wait()
        if request.stream_name == "slow":
            raise TimeoutError
        if request.stream_name.partition("?")[0] != "right":
            raise PublishRefused("unknown stream key")
        return Admitted("src_1")


class Rig:
    """A server on a free port, its hub, and the first stream that is published."""

    def __init__(self, limits: RtmpLimits, clock: Clock | None = None) -> None:
        self.keys = Keys()
        self.clock = ManualClock()
        self.readers: list[Reader] = []
        self.hub = Hub(self._published, clock or self.clock)
        self.server = RtmpServer("127.0.0.1", 0, self.keys, self.hub, clock or self.clock, limits)
        self._encoders: list[Encoder] = []

    def _published(self, stream: Stream) -> None:
        self.readers.append(stream.read())

    async def encoder(self, stream_name: str = "right") -> Encoder:
        encoder = await Encoder.connect(self.server.port, stream_name)
        self._encoders.append(encoder)
        return encoder

    async def stranger(self) -> Encoder:
        """A connection that has not said anything."""
        streams = await asyncio.open_connection("127.0.0.1", self.server.port)
        encoder = Encoder(*streams, "right")
        self._encoders.append(encoder)
        return encoder

    async def events(self, publication: int = 0) -> list[Event]:
        """All of a publication; returns when it has ended."""
        return [event async for event in self.readers[publication]]

    async def stop(self) -> None:
        await self.server.stop()
        for encoder in self._encoders:
            await encoder.close()
