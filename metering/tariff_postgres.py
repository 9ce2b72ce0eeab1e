"""Tariffs in Postgres: rows of `price_epoch`, which never change."""

from collections.abc import Sequence
from typing import Protocol

from config.postgres import Record
from metering.tariff import Price, RungPrice, Tariff

# Rungs as text: Postgres has no arrays of arrays whose lengths differ.
_KEEP = """
INSERT INTO price_epoch (
    id, asset, price_stroops, price_seconds, view_stroops, free_seconds, session_cap,
    rung_heights, rung_stroops, rung_seconds
)
SELECT id, asset, price_stroops, price_seconds, view_stroops, free_seconds, session_cap,
    heights::integer[], stroops::bigint[], seconds::integer[]
FROM unnest(
    $1::text[], $2::text[], $3::bigint[], $4::integer[], $5::bigint[], $6::integer[],
    $7::bigint[], $8::text[], $9::text[], $10::text[]
) AS new (
    id, asset, price_stroops, price_seconds, view_stroops, free_seconds, session_cap,
    heights, stroops, seconds
)
WHERE NOT EXISTS (SELECT FROM price_epoch AS kept WHERE kept.id = new.id)
ORDER BY id
ON CONFLICT (id) DO NOTHING
"""


class _Executor(Protocol):
    """A database or one of its connections."""

    async def execute(self, query: str, *args: object) -> str: ...


async def keep_tariffs(executor: _Executor, tariffs: Sequence[Tariff]) -> None:
    """Keep those that are not kept yet."""
    new = list({tariff.id: tariff for tariff in tariffs}.items())
    kept = [tariff for _, tariff in new]
    await executor.execute(
        _KEEP,
        [name for name, _ in new],
        [tariff.asset for tariff in kept],
        [tariff.price.stroops for tariff in kept],
        [tariff.price.seconds for tariff in kept],
        [tariff.view_stroops for tariff in kept],
        [tariff.free_seconds for tariff in kept],
        [tariff.session_cap for tariff in kept],
        [_array([rung.height_min for rung in tariff.rungs]) for tariff in kept],
        [_array([rung.price.stroops for rung in tariff.rungs]) for tariff in kept],
        [_array([rung.price.seconds for rung in tariff.rungs]) for tariff in kept],
    )


def tariff_of(row: Record, asset: str, session_cap: int | None) -> Tariff:
    """The tariff of a row that has its columns."""
    heights, stroops, seconds = row["rung_heights"], row["rung_stroops"], row["rung_seconds"]
    return Tariff(
        price=Price(asset, row["price_stroops"], row["price_seconds"]),
        view_stroops=row["view_stroops"],
        free_seconds=row["free_seconds"],
        session_cap=session_cap,
        rungs=tuple(
            RungPrice(height, Price(asset, *price))
            for height, *price in zip(heights or (), stroops or (), seconds or (), strict=True)
        ),
    )


def _array(values: Sequence[int]) -> str | None:
    return "{" + ",".join(map(str, values)) + "}" if values else None
