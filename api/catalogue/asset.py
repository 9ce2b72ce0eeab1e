"""Assets: content one can watch, live or on demand."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from metering.tariff import Price


class AssetState(StrEnum):
    LIVE = "live"
    ON_DEMAND = "on_demand"


@dataclass(frozen=True, slots=True)
class Asset:
    """One piece of content. `price` was copied from the source when it began and never changes."""

    id: str
    source_id: str
    owner: str
    title: str
    state: AssetState
    price: Price
    started_at: datetime
    ended_at: datetime | None = None
    duration_ms: int = 0


class AssetStore(Protocol):
    async def create(self, asset: Asset) -> None: ...

    async def end(self, asset_id: str, ended_at: datetime, duration_ms: int) -> None:
        """Turn a live asset on demand."""

    async def remove(self, asset_id: str) -> None:
        """Forget an asset of which there is nothing to play."""

    async def get(self, asset_id: str) -> Asset | None: ...

    async def of_source(self, source_id: str) -> list[Asset]:
        """Oldest first."""

    async def latest_of(self, source_id: str) -> Asset | None: ...

    async def recent(self, limit: int) -> list[Asset]:
        """Newest first."""

    async def left_live(self) -> list[Asset]:
        """Assets marked live; after a crash these are the ones that were cut off."""
