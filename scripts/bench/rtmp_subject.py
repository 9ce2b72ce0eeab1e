"""Our server for the RTMP benchmark: `python -m scripts.bench.rtmp_subject ingest|hls DIRECTORY`.

`ingest` takes what comes and nobody reads it; `hls` packages it as it is, with everything on disk.
It prints its port and runs until it is ended.
"""

import asyncio
import sys
from pathlib import Path

import uvloop

from config import logs
from config.clock import SystemClock
from config.collector import collect_rarely
from config.tasks import spawn
from ingest.admission import Admitted, PublishRequest
from ingest.rtmp_server import Listener, RtmpLimits, RtmpServer
from media.hub import Hub, Stream, Terms
from media.transcode.live import LivePipeline, TranscodeSettings
from packager.archive import Archive
from packager.library import HlsSettings, Library

_LIMITS = RtmpLimits(connections=1_000, per_address=1_000)


class Everyone:
    """An admission that lets all in, each to the stream that it names."""

    async def admit(self, request: PublishRequest) -> Admitted:
        return Admitted(request.stream_name, Terms(window_ms=0))


class Packaging:
    """Makes an asset of each stream, as `api.broadcasts` does without the database."""

    def __init__(self, library: Library, clock: SystemClock) -> None:
        self._library = library
        self._clock = clock
        self._pipelines: set[asyncio.Task[None]] = set()

    def published(self, stream: Stream) -> None:
        """Called by the hub."""
        origin = self._library.start_live(stream.name)
        pipeline = LivePipeline(stream.read(), origin, TranscodeSettings(), self._clock)
        task = spawn(pipeline.run(), name=f"pipeline {stream.name}")
        self._pipelines.add(task)
        task.add_done_callback(self._pipelines.discard)


async def _serve(mode: str, directory: Path) -> None:
    clock = SystemClock()
    library = Library(Archive(directory, clock), clock, HlsSettings(segment_target_ms=2_000))
    await library.start()
    packaging = Packaging(library, clock)
    hub = Hub(packaging.published if mode == "hls" else lambda _: None, clock)
    server = RtmpServer([Listener("127.0.0.1", 0)], Everyone(), hub, clock, "", _LIMITS)
    await server.start()
    print(server.ports[0], flush=True)
    collect_rarely()
    await asyncio.Event().wait()


if __name__ == "__main__":
    logs.set_up("warning")
    uvloop.run(_serve(sys.argv[1], Path(sys.argv[2])))
