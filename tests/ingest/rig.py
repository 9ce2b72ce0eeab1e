"""An RTMP server on a free port with a hub whose publications are recorded."""

import asyncio
from dataclasses import replace

from config.clock import Clock, ManualClock
from ingest.admission import Admitted, PublishRefused, PublishRequest
from ingest.rtmp_server import Listener, RtmpLimits, RtmpServer
from ingest.rtmp_tls import ServerTls
from media.hub import Event, Hub, Reader, Stream
from tests.ingest.encoder import Encoder


class Keys:
    """An admission that knows the key `right`, and `right-x` of source `x`.

    `opened` holds its answers back.
    """

    def __init__(self) -> None:
        self.admitted = Admitted("src_1")
        self.asked: list[PublishRequest] = []
        self.was_asked = asyncio.Event()
        self.opened = asyncio.Event()
        self.opened.set()

    async def admit(self, request: PublishRequest) -> Admitted:
        self.asked.append(request)
        self.was_asked.set()
        await self.opened.wait()
        if request.stream_name == "slow":
            raise TimeoutError
        if request.stream_name == "wrong-and-slow":
            await asyncio.sleep(0.4)
        key, _, source_id = request.stream_name.partition("?")[0].partition("-")
        if key != "right":
            raise PublishRefused("unknown stream key")
        return replace(self.admitted, source_id=source_id or self.admitted.source_id)


class Rig:
    """A server on free ports, its hub, and the first stream that is published.

    Args:
        tls: for a second port, over TLS.
    """

    def __init__(
        self,
        limits: RtmpLimits,
        clock: Clock | None = None,
        tls: ServerTls | None = None,
        port: int = 0,
    ) -> None:
        self.keys = Keys()
        self.clock = ManualClock()
        self.readers: list[Reader] = []
        self.was_published = asyncio.Event()
        self.hub = Hub(self._published, clock or self.clock)
        listeners = [Listener("127.0.0.1", port)]
        if tls is not None:
            listeners.append(Listener("127.0.0.1", 0, tls))
        self.server = RtmpServer(listeners, self.keys, self.hub, clock or self.clock, "", limits)
        self._encoders: list[Encoder] = []

    @property
    def port(self) -> int:
        return self.server.ports[0]

    @property
    def tls_port(self) -> int:
        return self.server.ports[1]

    def _published(self, stream: Stream) -> None:
        self.readers.append(stream.read())
        self.was_published.set()

    async def encoder(self, stream_name: str = "right") -> Encoder:
        encoder = await Encoder.connect(self.port, stream_name)
        self._encoders.append(encoder)
        return encoder

    async def stranger(self, port: int | None = None) -> Encoder:
        """A connection that has not said anything."""
        streams = await asyncio.open_connection("127.0.0.1", port or self.port)
        encoder = Encoder(*streams, "right")
        self._encoders.append(encoder)
        return encoder

    def keep(self, encoder: Encoder) -> None:
        """Close it in the end."""
        self._encoders.append(encoder)

    async def events(self, publication: int = 0) -> list[Event]:
        """All of a publication; returns when it has ended."""
        return [event async for event in self.readers[publication]]

    async def stop(self) -> None:
        await self.server.stop()
        self.hub.end_all("server stops")
        for encoder in self._encoders:
            await encoder.close()
