"""Assets: content one can watch, live or on demand."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from media.delivery import Delivery
from metering.offer import Offer


class AssetState(StrEnum):
    LIVE = "live"
    PROCESSING = "processing"
    """Made of an upload, and not all of it yet; what there is may be watched."""
    ON_DEMAND = "on_demand"


@dataclass(frozen=True, slots=True)
class ClipOf:
    """Which part of what asset a clip is, by times in that as it is played. It may be gone."""

    asset_id: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Asset:
    """One piece of content, of a source or of an upload.

    Attributes:
        offer: for how much; copied from the source or the upload when it began.
        source_id, upload_id, clip_of: what it is made of; the others are None.
        delivery: how viewers get its segments; as it was when it began.
        started_at: when the broadcast began or the upload was complete.
        ended_at: when there was nothing more to come.
        server: the id of the server that a broadcast comes in at; None: of another kind.
    """

    id: str
    source_id: str | None
    owner: str
    title: str
    state: AssetState
    offer: Offer
    started_at: datetime
    ended_at: datetime | None = None
    duration_ms: int = 0
    upload_id: str | None = None
    delivery: Delivery = Delivery.DIRECT
    clip_of: ClipOf | None = None
    server: str | None = None


class AssetStore(Protocol):
    async def create(self, asset: Asset) -> None:
        """Keep a new asset; one that is there already stays as it is."""

    async def end(self, asset_id: str, ended_at: datetime, duration_ms: int) -> None:
        """Turn a live or processing asset on demand."""

    async def set_offer(self, asset_id: str, offer: Offer) -> None:
        """Sessions that begin from now on are charged by it."""

    async def remove(self, asset_id: str) -> None:
        """Forget an asset of which there is nothing to play."""

    async def get(self, asset_id: str) -> Asset | None: ...

    async def of_source(self, source_id: str) -> list[Asset]:
        """Oldest first."""

    async def latest_of(self, source_id: str) -> Asset | None: ...

    async def recent(self, limit: int) -> list[Asset]:
        """Newest first."""

    async def videos_of(self, owner: str, limit: int) -> list[Asset]:
        """A creator's assets that are not live: uploads, recordings and clips, newest first."""

    async def left_live(self, server_id: str) -> list[Asset]:
        """Assets marked live that no server but this one may still be making: when it has just
        started, these are the ones that a crash cut off.
        """
