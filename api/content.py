"""What is on: content that can be watched, with its price; for creators also how it is made."""

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from aiohttp import web

from api.area import RouteTable
from api.auth.bearer import Bearers
from api.catalogue.asset import Asset, AssetState
from api.catalogue.lookup import Catalogue
from api.catalogue.offer import billable
from api.content_document import ContentDocuments
from api.errors import Problem, invalid
from api.event_stream import EventStreams
from api.input import ChangeContent, read_body
from api.minute_limit import MinuteLimit
from api.removal import Removal
from config.limits import CONTENT_LIST_MAX
from ingest.source import Source
from metering.offer import Offer
from metering.tariff import Tariff

type Documents = list[dict[str, object]]


class Prices(Protocol):
    """Who tells those who watch of another price; `metering.intake.Intake` does."""

    async def change_price(self, asset_id: str, tariff: Tariff) -> None: ...


@dataclass(frozen=True, slots=True)
class Content:
    """The routes under `/api/v1/content` that answer JSON."""

    catalogue: Catalogue
    documents: ContentDocuments
    bearers: Bearers
    removal: Removal
    prices: Prices
    price_changes: MinuteLimit
    streams: EventStreams

    def routes(self) -> RouteTable:
        return [
            web.get("/api/v1/content", self.list),
            web.get("/api/v1/content/events", self.events),
            web.get("/api/v1/content/{content}", self.get),
            web.patch("/api/v1/content/{content}", self.change),
            web.delete("/api/v1/content/{content}", self.delete),
            web.get("/api/v1/content/{content}/status", self.status),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """All that can be watched; with `owner=me` a creator's videos, whatever their state."""
        match request.query.get("owner"):
            case None:
                items = await self._public()
            case "me":
                items = await self.own((await self.bearers.creator(request)).id)
            case other:
                raise invalid(f"owner: only `me` can be asked for, not {other[:40]!r}")
        return web.json_response({"items": items})

    async def get(self, request: web.Request) -> web.Response:
        found = await self.catalogue.find(request.match_info["content"])
        if isinstance(found, Source):
            return web.json_response(await self.documents.of_source(found))
        return web.json_response(await self.documents.of_asset(found))

    async def status(self, request: web.Request) -> web.Response:
        return web.json_response(await self.documents.status(await self._own_asset(request)))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: a creator's videos whenever something changed of them."""
        creator = await self.bearers.creator(request)

        async def document() -> dict[str, Documents]:
            return {"items": await self.own(creator.id)}

        return await self.streams.push(request, document)

    async def change(self, request: web.Request) -> web.Response:
        """Another price, by which sessions are charged that begin from now on; for those who watch
        see `Intake.change_price`. Other passes concern nobody who has one.
        """
        asset = await self._own_asset(request)
        body = await read_body(request, ChangeContent)
        offer = _changed(asset, body)
        if not self.price_changes.admit(asset.owner):
            raise Problem(
                429,
                "too_many_prices",
                "Enough prices for this minute",
                "wait a minute, then change it again",
                {"Retry-After": "60"},
            )
        await self.catalogue.assets.set_offer(asset.id, offer)
        if body.price is not None:
            await self.prices.change_price(asset.id, offer.tariff)
        return web.json_response(await self.documents.of_asset(replace(asset, offer=offer)))

    async def delete(self, request: web.Request) -> web.Response:
        """Stop making it, and delete it with all its files."""
        asset = await self._own_asset(request)
        if asset.state is AssetState.LIVE:
            raise Problem(409, "is_live", "It is live", "stop publishing first")
        await self.removal.remove(asset)
        return web.Response(status=204)

    async def own(self, owner: str) -> Documents:
        """The documents of a creator's uploads, recordings and clips, newest first."""
        assets = await self.catalogue.assets.videos_of(owner, CONTENT_LIST_MAX)
        return await _all(self.documents.for_owner(asset) for asset in assets)

    async def _public(self) -> Documents:
        assets = await self.catalogue.assets.recent(CONTENT_LIST_MAX)
        documents = await _all(self.documents.of_asset(asset) for asset in assets)
        return [each for each in documents if each["kind"] == "live" or each["playable"]]

    async def _own_asset(self, request: web.Request) -> Asset:
        creator = await self.bearers.creator(request)
        return await self.catalogue.own(request.match_info["content"], creator.id)


def _changed(asset: Asset, body: ChangeContent) -> Offer:
    """What an asset is offered for from now on.

    Raises:
        Problem: 400.
    """
    offer = asset.offer
    if body.price is not None:
        priced = billable(body.price.offer(offer.price.asset), asset.delivery)
        offer = replace(priced, passes=offer.passes)
    if offer.price.asset != asset.offer.price.asset:
        raise invalid(f"price.asset: this content is paid for in {asset.offer.price.asset}")
    if body.passes is not None:
        offer = replace(offer, passes=tuple(each.offer() for each in body.passes))
    return offer


async def _all(
    documents: Iterable[Awaitable[dict[str, object]]],
) -> Documents:
    return list(await asyncio.gather(*documents))
