"""To go live: sources, and what opens them."""

from dataclasses import dataclass

from api.area import RouteTable, tables
from api.composition.parts import Parts
from api.composition.terms import price_of
from api.obs_multitrack import ObsMultitrack
from api.publish_tokens import PublishTokens
from api.source_document import SourceDocuments
from api.sources import Sources
from api.stream_keys import StreamKeys
from config.limits import SOURCE_STREAMS_MAX


@dataclass(frozen=True, slots=True)
class Publishing:
    sources: Sources
    stream_keys: StreamKeys
    publish_tokens: PublishTokens
    obs_multitrack: ObsMultitrack

    def routes(self) -> RouteTable:
        return tables(self.sources, self.stream_keys, self.publish_tokens, self.obs_multitrack)


def publishing(parts: Parts) -> Publishing:
    media, clock, store = parts.media, parts.clock, parts.stores.sources
    rtmp, rtmps = media.urls.rtmp, media.urls.rtmps
    sources = Sources(
        store,
        SourceDocuments(media.broadcasts.get, media.rtmp.publishers, rtmp, rtmps),
        parts.bearers,
        clock,
        price_of(parts.settings),
        parts.streams("sources", SOURCE_STREAMS_MAX),
    )
    receipt_key = parts.money.receipt_key.public
    return Publishing(
        sources,
        StreamKeys(store, sources.own, clock, media.rtmp.dismiss),
        PublishTokens(media.signer, sources.own, clock, rtmp, rtmps, other_keys=(receipt_key,)),
        ObsMultitrack(sources.own, rtmp),
    )
