"""Find content by the names people use: an asset's id, or a source's name or id."""

from dataclasses import dataclass

from api.catalogue.asset import Asset, AssetStore
from api.errors import Problem, not_found
from config.ids import is_id
from ingest.source import Source
from ingest.source_store import SourceStore


@dataclass(frozen=True, slots=True)
class Found:
    """What a name stands for: a source, and its current asset once there is one."""

    source: Source
    asset: Asset | None


@dataclass(frozen=True, slots=True)
class Catalogue:
    assets: AssetStore
    sources: SourceStore

    async def find(self, name: str) -> Found:
        """An asset by its id; a source by name or id, with its newest asset.

        Raises:
            Problem: 404.
        """
        if is_id("ast", name):
            asset = await self.assets.get(name)
            source = None if asset is None else await self.sources.get(asset.source_id)
            if asset is None or source is None:
                raise not_found("no such content")
            return Found(source, asset)
        source = (
            await self.sources.get(name) if is_id("src", name) else await self.sources.by_name(name)
        )
        if source is None:
            raise not_found("no such content")
        return Found(source, await self.assets.latest_of(source.id))

    async def playable(self, name: str) -> Asset:
        """The asset to watch under this name.

        Raises:
            Problem: 404 when unknown, 409 when its source has never been live.
        """
        found = await self.find(name)
        if found.asset is None:
            raise Problem(409, "not_started", "Nothing to watch yet", "wait until it is live")
        return found.asset
