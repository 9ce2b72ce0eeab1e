"""How streams and files come in, become assets and are found."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from api.broadcasts import Broadcasts, PipelineFactory
from api.making import Making, hls_settings, media_directory, open_making
from api.originals import Originals
from api.protections import protections
from api.publish_tokens import open_token_signer
from api.publish_urls import PublishUrls, publish_urls
from api.publisher_admission import open_admission
from api.rtmp_listeners import rtmp_listeners
from api.stores import Stores
from ingest.publish_token import TokenSigner
from ingest.rtmp_server import RtmpServer
from media.hub import Hub
from media.transcode.live import LivePipeline, TranscodeSettings
from media.transcode.plan import EncoderSettings
from packager.archive import Archive
from packager.library import Library

_TICKS_PER_MS = 90


@dataclass(frozen=True, slots=True)
class MediaSide:
    archive: Archive
    library: Library
    broadcasts: Broadcasts
    rtmp: RtmpServer
    urls: PublishUrls
    signer: TokenSigner
    making: Making


async def start_media(stores: Stores, stack: AsyncExitStack, server_id: str) -> MediaSide:
    """Start all of it; it ends with the stack."""
    settings = stores.settings
    archive = Archive(media_directory(stores.data), stores.clock)
    packaging = replace(hls_settings(settings), protections=protections(settings, stores.secrets))
    library = Library(archive, stores.clock, packaging)
    stack.push_async_callback(library.stop)
    await library.start()
    broadcasts = Broadcasts(
        *(stores.assets, stores.sources, library, _pipelines(stores)),
        *(stores.clock, server_id),
    )
    stack.push_async_callback(broadcasts.stop)
    await broadcasts.recover()
    hub = Hub(broadcasts.published, stores.clock)
    stack.callback(hub.end_all, "server stops")  # also what waits for its publisher
    signer = open_token_signer(stores.secrets)
    rtmp = RtmpServer(
        rtmp_listeners(settings, stores.data, stores.clock),
        await open_admission(settings.rtmp, stores.sources, signer, stores.clock, stack),
        hub,
        stores.clock,
        settings.rtmp.reconnect_url,
    )
    stack.push_async_callback(rtmp.stop)
    await rtmp.start()
    urls = publish_urls(settings, rtmp.ports)
    making = await _start_making(stores, stack)
    return MediaSide(archive, library, broadcasts, rtmp, urls, signer, making)


async def _start_making(stores: Stores, stack: AsyncExitStack) -> Making:
    making = open_making(stores.settings, stores.data, stores.database, stores.assets, stores.clock)
    stack.push_async_callback(making.uploads.stop)
    await making.uploads.start()
    originals = Originals(making.uploads, making.jobs)
    stack.push_async_callback(originals.stop)
    await originals.start()
    stack.push_async_callback(making.runner.stop)
    if making.workers > 0:
        await making.runner.start()
    return making


def _pipelines(stores: Stores) -> PipelineFactory:
    media = stores.settings.media
    transcode = TranscodeSettings(
        segment_ticks=media.segment_milliseconds * _TICKS_PER_MS,
        encoder=EncoderSettings(preset=media.preset),
        jail_minimum=stores.settings.jail_level_minimum,
    )
    return lambda reader, sink: LivePipeline(reader, sink, transcode, stores.clock)
