"""Assets in Postgres."""

from datetime import datetime
from typing import Any

from api.catalogue.asset import Asset, AssetState, ClipOf
from api.catalogue.offer import read_offer, write_more
from config.postgres import Database
from media.delivery import Delivery
from metering.offer import Offer

_SELECT = (
    "select id, source_id, owner, title, state, price_stroops, price_seconds, price_asset,"
    " started_at, ended_at, duration_ms, upload_id, delivery, clip_of, clip_start_ms, clip_end_ms,"
    " price_more, server from asset"
)


class PostgresAssetStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, asset: Asset) -> None:
        await self._database.execute(
            "insert into asset (id, source_id, owner, title, state, price_stroops, price_seconds,"
            " price_asset, started_at, upload_id, delivery, ended_at, duration_ms, clip_of,"
            " clip_start_ms, clip_end_ms, price_more, server) values"
            " ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
            " on conflict (id) do nothing",
            asset.id,
            asset.source_id,
            asset.owner,
            asset.title,
            asset.state.value,
            asset.offer.price.stroops,
            asset.offer.price.seconds,
            asset.offer.price.asset,
            asset.started_at,
            asset.upload_id,
            asset.delivery.value,
            asset.ended_at,
            asset.duration_ms,
            *_clip_columns(asset.clip_of),
            write_more(asset.offer),
            asset.server,
        )

    async def end(self, asset_id: str, ended_at: datetime, duration_ms: int) -> None:
        await self._database.execute(
            "update asset set state = 'on_demand', ended_at = $2, duration_ms = $3"
            " where id = $1 and state in ('live', 'processing')",
            asset_id,
            ended_at,
            duration_ms,
        )

    async def set_offer(self, asset_id: str, offer: Offer) -> None:
        await self._database.execute(
            "update asset set price_stroops = $2, price_seconds = $3, price_asset = $4,"
            " price_more = $5 where id = $1",
            asset_id,
            offer.price.stroops,
            offer.price.seconds,
            offer.price.asset,
            write_more(offer),
        )

    async def remove(self, asset_id: str) -> None:
        await self._database.execute("delete from asset where id = $1", asset_id)

    async def get(self, asset_id: str) -> Asset | None:
        row = await self._database.fetchrow(f"{_SELECT} where id = $1", asset_id)
        return None if row is None else _asset(row)

    async def of_source(self, source_id: str) -> list[Asset]:
        rows = await self._database.fetch(
            f"{_SELECT} where source_id = $1 order by started_at", source_id
        )
        return [_asset(row) for row in rows]

    async def latest_of(self, source_id: str) -> Asset | None:
        row = await self._database.fetchrow(
            f"{_SELECT} where source_id = $1 order by started_at desc limit 1", source_id
        )
        return None if row is None else _asset(row)

    async def recent(self, limit: int) -> list[Asset]:
        rows = await self._database.fetch(f"{_SELECT} order by started_at desc limit $1", limit)
        return [_asset(row) for row in rows]

    async def videos_of(self, owner: str, limit: int) -> list[Asset]:
        rows = await self._database.fetch(
            f"{_SELECT} where owner = $1 and state <> 'live' order by started_at desc limit $2",
            owner,
            limit,
        )
        return [_asset(row) for row in rows]

    async def left_live(self, server_id: str) -> list[Asset]:
        rows = await self._database.fetch(
            f"{_SELECT} where state = 'live' and (server is null or server = $1 or not exists ("
            " select from meter_lease as lease where lease.server = asset.server"
            " and until > clock_timestamp())) order by started_at",
            server_id,
        )
        return [_asset(row) for row in rows]


def _clip_columns(clip: ClipOf | None) -> tuple[str | None, int | None, int | None]:
    return (None, None, None) if clip is None else (clip.asset_id, clip.start_ms, clip.end_ms)


def _clip(row: Any) -> ClipOf | None:
    if row["clip_of"] is None:
        return None
    return ClipOf(row["clip_of"], row["clip_start_ms"], row["clip_end_ms"])


def _asset(row: Any) -> Asset:
    return Asset(
        id=row["id"],
        source_id=row["source_id"],
        owner=row["owner"],
        title=row["title"],
        state=AssetState(row["state"]),
        offer=read_offer(
            row["price_asset"], row["price_stroops"], row["price_seconds"], row["price_more"]
        ),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        duration_ms=row["duration_ms"],
        upload_id=row["upload_id"],
        delivery=Delivery(row["delivery"]),
        clip_of=_clip(row),
        server=row["server"],
    )
