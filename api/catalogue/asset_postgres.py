"""Assets in Postgres."""

from datetime import datetime
from typing import Any

from api.catalogue.asset import Asset, AssetState
from config.postgres import Database
from media.delivery import Delivery
from metering.tariff import Price

_SELECT = (
    "select id, source_id, owner, title, state, price_stroops, price_seconds, price_asset,"
    " started_at, ended_at, duration_ms, upload_id, delivery from asset"
)


class PostgresAssetStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, asset: Asset) -> None:
        await self._database.execute(
            "insert into asset (id, source_id, owner, title, state, price_stroops, price_seconds,"
            " price_asset, started_at, upload_id, delivery)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
            " on conflict (id) do nothing",
            asset.id,
            asset.source_id,
            asset.owner,
            asset.title,
            asset.state.value,
            asset.price.stroops,
            asset.price.seconds,
            asset.price.asset,
            asset.started_at,
            asset.upload_id,
            asset.delivery.value,
        )

    async def end(self, asset_id: str, ended_at: datetime, duration_ms: int) -> None:
        await self._database.execute(
            "update asset set state = 'on_demand', ended_at = $2, duration_ms = $3"
            " where id = $1 and state in ('live', 'processing')",
            asset_id,
            ended_at,
            duration_ms,
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
            f"{_SELECT} where owner = $1 and state <> 'live'"
            " order by started_at desc limit $2",
            owner,
            limit,
        )
        return [_asset(row) for row in rows]

    async def left_live(self) -> list[Asset]:
        rows = await self._database.fetch(f"{_SELECT} where state = 'live' order by started_at")
        return [_asset(row) for row in rows]


def _asset(row: Any) -> Asset:
    return Asset(
        id=row["id"],
        source_id=row["source_id"],
        owner=row["owner"],
        title=row["title"],
        state=AssetState(row["state"]),
        price=Price(row["price_asset"], row["price_stroops"], row["price_seconds"]),
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        duration_ms=row["duration_ms"],
        upload_id=row["upload_id"],
        delivery=Delivery(row["delivery"]),
    )
