"""A creator's sources: make one, set it up, see how its broadcast is doing."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.catalogue.offer import billable, offer_of_source, write_more
from api.errors import Problem, invalid, not_found
from api.event_stream import EventStreams
from api.input import ChangeSource, CreateSource, read_body
from api.source_document import SourceDocuments
from config.clock import Clock
from config.ids import new_id
from config.limits import SOURCE_RECONNECT_SECONDS
from ingest.source import NameTaken, Source, UnknownSource
from ingest.source_store import SourceStore
from ingest.stream_key import StreamKey, hash_key, new_key
from media.delivery import Delivery
from media.terms import Takeover
from metering.offer import Offer
from metering.tariff import Price


@dataclass(frozen=True, slots=True)
class Sources:
    """The routes under `/api/v1/sources`."""

    store: SourceStore
    documents: SourceDocuments
    bearers: Bearers
    clock: Clock
    default_price: Price
    streams: EventStreams

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/sources", self.list),
            web.post("/api/v1/sources", self.create),
            web.get("/api/v1/sources/events", self.events),
            web.get("/api/v1/sources/{source}", self.get),
            web.patch("/api/v1/sources/{source}", self.change),
        ]

    async def list(self, request: web.Request) -> web.Response:
        creator = await self.bearers.creator(request)
        return web.json_response(await self._list(creator.id))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the same document whenever it changed, at most once a second."""
        creator = await self.bearers.creator(request)
        return await self.streams.push(request, lambda: self._list(creator.id))

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self.documents.of(await self.own(request)))

    async def create(self, request: web.Request) -> web.Response:
        creator = await self.bearers.creator(request)
        body = await read_body(request, CreateSource)
        draft = NewSource(
            owner=creator.id,
            name=body.name,
            title=body.title or body.name,
            offer=_offer(Offer.of(self.default_price), body, Delivery(body.delivery)),
            reconnect_seconds=body.reconnectSeconds,
            takeover=Takeover(body.takeover),
            dvr_seconds=body.dvrSeconds,
            delivery=Delivery(body.delivery),
        )
        try:
            source, key = await make_source(self.store, draft, self.clock)
        except NameTaken:
            raise Problem(409, "name_taken", "Another source has this name", body.name) from None
        document = {"source": self.documents.of(source), "streamKey": key}
        return web.json_response(document, status=201)

    async def change(self, request: web.Request) -> web.Response:
        """What is set holds from the next publication on, a new price from the next asset on."""
        source = await self.own(request)
        body = await read_body(request, ChangeSource)
        delivery = Delivery(body.delivery or source.delivery)
        offer = _offer(offer_of_source(source), body, delivery)
        seconds = body.reconnectSeconds
        changed = replace(
            source,
            title=body.title or source.title,
            price_stroops=offer.price.stroops,
            price_seconds=offer.price.seconds,
            price_asset=offer.price.asset,
            price_more=write_more(offer),
            reconnect_seconds=source.reconnect_seconds if seconds is None else seconds,
            takeover=Takeover(body.takeover or source.takeover),
            dvr_seconds=body.dvrSeconds if body.sets("dvrSeconds") else source.dvr_seconds,
            delivery=delivery,
        )
        try:
            await self.store.change(changed)
        except UnknownSource:
            raise not_found("no such source") from None
        return web.json_response(self.documents.of(changed))

    async def own(self, request: web.Request) -> Source:
        """The source that a request names, which belongs to whoever asks.

        Raises:
            Problem: 401, 403, or 404 when it is somebody else's.
        """
        creator = await self.bearers.creator(request)
        source = await self.store.get(request.match_info["source"])
        if source is None or source.owner != creator.id:
            raise not_found("no such source")
        return source

    async def _list(self, owner: str) -> dict[str, object]:
        return {"items": [self.documents.of(each) for each in await self.store.list_of(owner)]}


@dataclass(frozen=True, slots=True)
class NewSource:
    """What a source is made of; see `Source`."""

    owner: str
    name: str
    title: str
    offer: Offer
    reconnect_seconds: int = SOURCE_RECONNECT_SECONDS
    takeover: Takeover = Takeover.REPLACE
    dvr_seconds: int | None = 0
    delivery: Delivery = Delivery.DIRECT


async def make_source(store: SourceStore, draft: NewSource, clock: Clock) -> tuple[Source, str]:
    """Store a new source and return it with its stream key, which is nowhere kept in clear.

    Raises:
        NameTaken: another source has this name.
    """
    now = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
    source = Source(
        id=new_id("src", clock.wall_ms()),
        owner=draft.owner,
        name=draft.name,
        title=draft.title,
        price_stroops=draft.offer.price.stroops,
        price_seconds=draft.offer.price.seconds,
        price_asset=draft.offer.price.asset,
        price_more=write_more(draft.offer),
        created_at=now,
        reconnect_seconds=draft.reconnect_seconds,
        takeover=draft.takeover,
        dvr_seconds=draft.dvr_seconds,
        delivery=draft.delivery,
    )
    secret = new_key()
    key = StreamKey(
        id=new_id("key", clock.wall_ms()),
        source_id=source.id,
        label="main",
        hash=hash_key(secret),
        created_at=now,
        is_main=True,
    )
    await store.create(source, key)
    return source, secret


def _offer(default: Offer, body: CreateSource | ChangeSource, delivery: Delivery) -> Offer:
    """What a source's next asset is offered for; passes that are not given stay as they are."""
    given, asset = body.price, default.price.asset
    offer = default if given is None else replace(given.offer(asset), passes=default.passes)
    if body.passes is not None:
        offer = replace(offer, passes=tuple(each.offer() for each in body.passes))
    elif offer.passes and offer.price.asset != asset:
        raise invalid(f"passes: they were for {asset}; say what they cost in {offer.price.asset}")
    return billable(offer, delivery)
