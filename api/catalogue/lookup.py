"""Find content by the names people use: an asset's id, or a source's name or id."""

from dataclasses import dataclass

from api.catalogue.asset import Asset, AssetStore
from api.errors import Problem, not_found
from config.ids import is_id
from ingest.source import Source
from ingest.source_store import SourceStore


@dataclass(frozen=True, slots=True)
class Catalogue:
    assets: AssetStore
    sources: SourceStore

    async def find(self, name: str) -> Asset | Source:
        """An asset by its id; by a source's name or id its newest asset, or itself without any.

        Raises:
            Problem: 404.
        """
        if is_id("ast", name):
            return await self.asset(name)
        source = (
            await self.sources.get(name) if is_id("src", name) else await self.sources.by_name(name)
        )
        if source is None:
            raise not_found("no such content")
        return await self.assets.latest_of(source.id) or source

    async def asset(self, asset_id: str) -> Asset:
        """An asset by its id.

        Raises:
            Problem: 404.
        """
        asset = await self.assets.get(asset_id) if is_id("ast", asset_id) else None
        if asset is None:
            raise not_found("no such content")
        return asset

    async def own(self, asset_id: str, owner: str) -> Asset:
        """An asset of this account; another's looks as if it did not exist.

        Raises:
            Problem: 404.
        """
        asset = await self.asset(asset_id)
        if asset.owner != owner:
            raise not_found("no such content")
        return asset

    async def playable(self, name: str) -> Asset:
        """The asset to watch under this name.

        Raises:
            Problem: 404 when unknown, 409 when its source has never been live.
        """
        found = await self.find(name)
        if isinstance(found, Source):
            raise Problem(409, "not_started", "Nothing to watch yet", "wait until it is live")
        return found
