"""Every published stream becomes an asset: hub in, pipeline, package out."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from api.asset_terms import terms_of_source
from api.catalogue.asset import Asset, AssetState, AssetStore
from api.catalogue.offer import offer_of_source
from config.clock import Clock
from config.ids import new_id
from config.limits import BROADCAST_FLUSH_SECONDS_MAX
from config.tasks import cancel, spawn
from ingest.source import Source
from ingest.source_store import SourceStore
from media.hub import Reader, Stream
from media.transcode.health import LiveHealth
from media.transcode.live import LivePipeline
from media.transcode.rendition import RenditionSink
from packager.library import Library

log = structlog.get_logger(__name__)


PipelineFactory = Callable[[Reader, RenditionSink], LivePipeline]
"""Makes the pipeline of one broadcast; `api.composition` gives it the media settings."""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One source being live, or waiting for its publisher: the asset that comes of it, and how."""

    source: Source
    asset: Asset
    stream: Stream
    pipeline: LivePipeline

    def health(self) -> LiveHealth:
        return self.pipeline.health()

    def reconnect_ms_left(self) -> int | None:
        """How long its publisher may still come back; None while one is there."""
        return self.stream.reconnect_ms_left()


class Broadcasts:
    """All live broadcasts of this process, by source id."""

    def __init__(
        self,
        assets: AssetStore,
        sources: SourceStore,
        library: Library,
        pipeline: PipelineFactory,
        clock: Clock,
        server_id: str,
    ) -> None:
        self._server_id = server_id
        self._assets = assets
        self._sources = sources
        self._library = library
        self._pipeline = pipeline
        self._clock = clock
        self._live: dict[str, Broadcast] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def published(self, stream: Stream) -> None:
        """A publisher was let in; called by the hub before its first packet."""
        task = spawn(self._run(stream, stream.read()), name=f"broadcast {stream.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def get(self, source_id: str) -> Broadcast | None:
        return self._live.get(source_id)

    def all(self) -> list[Broadcast]:
        return list(self._live.values())

    async def recover(self) -> None:
        """Turn assets that a crash cut off into on-demand ones, with what was archived of them."""
        for asset in await self._assets.left_live(self._server_id):
            await self._close(asset)
            log.warning("asset was cut off and is now on demand", asset=asset.id)

    async def stop(self) -> None:
        """Let broadcasts whose streams have ended flush, then end the rest."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=BROADCAST_FLUSH_SECONDS_MAX)
        await cancel(*self._tasks)

    async def _run(self, stream: Stream, reader: Reader) -> None:
        source = await self._sources.get(stream.name)
        assert source is not None, "admission names sources that exist"
        asset = _asset_of(source, self._now(), self._clock, self._server_id)
        await self._assets.create(asset)
        origin = self._library.start_live(asset.id, terms_of_source(source))
        pipeline = self._pipeline(reader, origin)
        broadcast = Broadcast(source, asset, stream, pipeline)
        self._live[source.id] = broadcast
        log.info("broadcast started", source=source.name, asset=asset.id)
        try:
            await pipeline.run()
        finally:
            if self._live.get(source.id) is broadcast:  # while this one flushes, the next may begin
                del self._live[source.id]
            origin.end()
            await self._library.settle(asset.id)
            await self._close(asset)
            log.info("broadcast ended", source=source.name, asset=asset.id)

    async def _close(self, asset: Asset) -> None:
        package = await self._library.get(asset.id)
        if package is None:
            await self._assets.remove(asset.id)
            return
        await self._assets.end(asset.id, self._now(), package.duration // 90)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)


def _asset_of(source: Source, now: datetime, clock: Clock, server_id: str) -> Asset:
    return Asset(
        id=new_id("ast", clock.wall_ms()),
        source_id=source.id,
        owner=source.owner,
        title=source.title,
        state=AssetState.LIVE,
        offer=offer_of_source(source),
        started_at=now,
        delivery=source.delivery,
        server=server_id,
    )
