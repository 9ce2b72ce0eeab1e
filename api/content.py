"""What is on: content that can be watched, with its price."""

from dataclasses import dataclass

from aiohttp import web

from api.auth.account import AccountStore
from api.broadcasts import Broadcasts
from api.catalogue.asset import Asset, AssetState
from api.catalogue.lookup import Catalogue, Found
from api.wire import price_json, timestamp
from config.limits import CONTENT_LIST_MAX
from metering.intake import Intake
from metering.tariff import Price
from packager.library import Library
from packager.package import NotReady


@dataclass(frozen=True, slots=True)
class Content:
    """The routes under `/api/v1/content`."""

    catalogue: Catalogue
    accounts: AccountStore
    broadcasts: Broadcasts
    library: Library
    intake: Intake

    async def list(self, _request: web.Request) -> web.Response:
        items = []
        for asset in await self.catalogue.assets.recent(CONTENT_LIST_MAX):
            source = await self.catalogue.sources.get(asset.source_id)
            if source is not None:
                items.append(await self._document(Found(source, asset)))
        return web.json_response({"items": items})

    async def get(self, request: web.Request) -> web.Response:
        found = await self.catalogue.find(request.match_info["content"])
        return web.json_response(await self._document(found))

    async def _document(self, found: Found) -> dict[str, object]:
        source, asset = found.source, found.asset
        owner = await self.accounts.get(source.owner)
        document: dict[str, object] = {
            "id": source.id if asset is None else asset.id,
            "title": source.title if asset is None else asset.title,
            "state": await self._state(asset),
            "creator": "" if owner is None else owner.display_name,
            "price": price_json(
                Price(source.price_asset, source.price_stroops, source.price_seconds)
                if asset is None
                else asset.price
            ),
            "watchUrl": f"/watch/{source.name if asset is None else asset.id}",
            "viewers": 0 if asset is None else self.intake.viewers(asset.id),
        }
        if asset is not None:
            ended = asset.ended_at
            document["startedAt"] = timestamp(asset.started_at)
            document["endedAt"] = None if ended is None else timestamp(ended)
            document["durationSeconds"] = asset.duration_ms // 1000
        return document

    async def _state(self, asset: Asset | None) -> str:
        """`waiting` until the first segment can be played."""
        if asset is None:
            return "waiting"
        if asset.state is AssetState.ON_DEMAND:
            return "on_demand"
        package = await self.library.get(asset.id)
        if package is None:
            return "waiting"
        try:
            package.multivariant()
        except NotReady:
            return "waiting"
        return "live"
