"""A publisher that understands requests to reconnect: it goes on to a keyframe, then it moves."""

import asyncio

from config.tasks import cancel, spawn
from media.wire.flv import VideoConfiguration, write_video
from media.wire.rtmp_capabilities import Capabilities, Extension
from media.wire.rtmp_event import PublishAccepted, ReconnectRequested
from tests.ingest.encoder import Encoder
from tests.ingest.footage import FRAME_MS, Footage

DEADLINE_S = 20
# Ten times as fast as real time.
FRAME_S = FRAME_MS / 10_000

CAPABILITIES = Capabilities(Extension.RECONNECT)


class Pusher:
    """Sends the footage's pictures round and round, each with a time of its own.

    Attributes:
        sent: those times.
    """

    def __init__(self, port: int, footage: Footage) -> None:
        self._port = port
        self._footage = footage
        self._encoder: Encoder | None = None
        self._next: Encoder | None = None
        self._listening: asyncio.Task[None] | None = None
        self.sent: list[int] = []

    async def run(self) -> None:
        """Publish, until a round after the move."""
        self._encoder = await self._connect()
        self._listening = spawn(self._listen(self._encoder), name="pusher")
        async with asyncio.timeout(DEADLINE_S):
            while not await self._send_round():
                pass
            await self._send_round()
        await cancel(self._listening)
        await self._leave(self._encoder)

    async def _connect(self) -> Encoder:
        encoder = await Encoder.connect(self._port, "right", CAPABILITIES)
        assert await encoder.answer() == PublishAccepted()
        configuration = write_video(VideoConfiguration(self._footage.record))
        encoder.core.send_video(0, configuration)
        return encoder

    async def _listen(self, encoder: Encoder) -> None:
        assert isinstance(await encoder.answer(), ReconnectRequested)
        # It is connected before anything of the old connection is given up.
        while self._next is None:
            try:
                self._next = await self._connect()
            except ConnectionRefusedError:
                await asyncio.sleep(FRAME_S)

    async def _send_round(self) -> bool:
        """Send all pictures once; whether it has moved."""
        begin, has_moved = len(self._footage.frames) * FRAME_MS * self._rounds(), False
        for time, frame in self._footage.frames:
            assert self._encoder is not None
            if frame.keyframe and self._next is not None:
                await self._leave(self._encoder)
                self._encoder, self._next, has_moved = self._next, None, True
            self._encoder.core.send_video(begin + time, write_video(frame))
            self._encoder.flush()
            self.sent.append(begin + time)
            await asyncio.sleep(FRAME_S)
        return has_moved

    def _rounds(self) -> int:
        return len(self.sent) // len(self._footage.frames)

    async def _leave(self, encoder: Encoder) -> None:
        encoder.core.end_publish()
        encoder.flush()
        await encoder.close()
