"""A creator's sources: make one, give it a new key, see how its broadcast is doing."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aiohttp import web

from api.auth.bearer import Bearers
from api.broadcasts import Broadcasts
from api.errors import Problem, not_found
from api.input import CreateSource, read_body
from api.wire import price_json
from config.clock import Clock
from config.ids import new_id
from ingest.source import NameTaken, Source
from ingest.source_store import SourceStore
from ingest.stream_key import hash_key, new_key
from media.transcode.health import LiveHealth
from metering.tariff import Price


@dataclass(frozen=True, slots=True)
class Sources:
    """The routes under `/api/v1/sources`. `rtmp_url` is what publishers are told to push to."""

    store: SourceStore
    broadcasts: Broadcasts
    bearers: Bearers
    clock: Clock
    rtmp_url: str
    default_price: Price

    async def list(self, request: web.Request) -> web.Response:
        creator = await self.bearers.creator(request)
        items = [self._document(source) for source in await self.store.list_of(creator.id)]
        return web.json_response({"items": items})

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self._document(await self._own(request)))

    async def create(self, request: web.Request) -> web.Response:
        creator = await self.bearers.creator(request)
        body = await read_body(request, CreateSource)
        price = self.default_price
        if body.price is not None:
            price = replace(price, stroops=body.price.stroops, seconds=body.price.seconds)
        try:
            source, key = await make_source(
                self.store, creator.id, body.name, body.title or body.name, price, self.clock
            )
        except NameTaken:
            raise Problem(409, "name_taken", "Another source has this name", body.name) from None
        return web.json_response({"source": self._document(source), "streamKey": key}, status=201)

    async def regenerate_key(self, request: web.Request) -> web.Response:
        source = await self._own(request)
        key = new_key()
        await self.store.replace_key(source.id, hash_key(key))
        return web.json_response({"streamKey": key})

    async def _own(self, request: web.Request) -> Source:
        creator = await self.bearers.creator(request)
        source = await self.store.get(request.match_info["source"])
        if source is None or source.owner != creator.id:
            raise not_found("no such source")
        return source

    def _document(self, source: Source) -> dict[str, object]:
        broadcast = self.broadcasts.get(source.id)
        return {
            "id": source.id,
            "name": source.name,
            "title": source.title,
            "state": "idle" if broadcast is None else "live",
            "assetId": None if broadcast is None else broadcast.asset.id,
            "watchUrl": f"/watch/{source.name}",
            "rtmpUrl": self.rtmp_url,
            "price": price_json(
                Price(source.price_asset, source.price_stroops, source.price_seconds)
            ),
            "health": None if broadcast is None else health_json(broadcast.health()),
        }


async def make_source(
    store: SourceStore, owner: str, name: str, title: str, price: Price, clock: Clock
) -> tuple[Source, str]:
    """Store a new source and return it with its stream key, which is nowhere kept in clear.

    Raises:
        NameTaken: another source has this name.
    """
    key = new_key()
    source = Source(
        id=new_id("src", clock.wall_ms()),
        owner=owner,
        name=name,
        title=title,
        price_stroops=price.stroops,
        price_seconds=price.seconds,
        price_asset=price.asset,
        key_hash=hash_key(key),
        created_at=datetime.fromtimestamp(clock.wall_ms() / 1000, UTC),
    )
    await store.create(source)
    return source, key


def health_json(health: LiveHealth) -> dict[str, object]:
    """A broadcast's health as the studio shows it."""
    return {
        "lagMs": health.lag_ms,
        "workerRestarts": health.worker_restarts,
        "droppedPackets": health.dropped_packets,
        "preset": health.preset,
        "messages": list(health.messages),
        "renditions": [
            {
                "name": rendition.name,
                "width": rendition.width,
                "height": rendition.height,
                "frameRate": rendition.frame_rate,
                "bitrate": rendition.bitrate_max,
                "passedThrough": rendition.passed_through,
                "state": rendition.state,
                "reason": rendition.reason,
            }
            for rendition in health.renditions
        ],
    }
