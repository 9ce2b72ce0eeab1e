"""Uploads in Postgres (table `upload`)."""

from datetime import datetime

from config.postgres import Connection, Database, Record
from ingest.upload.store import Room, Usage
from ingest.upload.upload import UnknownUpload, Upload, UploadState
from media.delivery import Delivery

# Reservations go one after the other: sums that two of them read at once would both have room.
_RESERVING = 0x75706C6F6164  # "upload"

_COLUMNS = (
    "id, owner, asset_id, size, title, filename, metadata, price_stroops, price_seconds,"
    " price_asset, resumable, state, created_at, expires_at, delivery"
)
_INSERT = (
    f"insert into upload ({_COLUMNS})"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
)
_SELECT = f"select {_COLUMNS} from upload"
_USAGE = """
select
    coalesce(sum(size) filter (where owner = $1), 0)::bigint as owned,
    count(*) filter (where owner = $1 and state = 'receiving') as unfinished,
    coalesce(
        sum(greatest(size - coalesce(file.length, 0), 0)) filter (where state = 'receiving'), 0
    )::bigint as outstanding
from upload left join unnest($2::text[], $3::bigint[]) as file (id, length) using (id)
where state <> 'discarded'
"""
_SETTLE = (
    "update upload set size = $2, title = $3, filename = $4, price_stroops = $5,"
    " price_seconds = $6, delivery = $7 where id = $1"
)
_ADVANCE = (
    "update upload set state = $2 where id = $1"
    " and array_position($3::text[], state) < array_position($3::text[], $2)"
)


class PostgresUploadStore:
    """The UploadStore that outlives the process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, upload: Upload, room: Room) -> None:
        async with self._database.transaction() as connection:
            await connection.execute("select pg_advisory_xact_lock($1)", _RESERVING)
            room.check(await _usage(connection, upload.owner, room), upload.size)
            await connection.execute(
                _INSERT,
                upload.id,
                upload.owner,
                upload.asset_id,
                upload.size,
                upload.title,
                upload.filename,
                upload.metadata,
                upload.price_stroops,
                upload.price_seconds,
                upload.price_asset,
                upload.resumable,
                upload.state,
                upload.created_at,
                upload.expires_at,
                upload.delivery,
            )

    async def get(self, upload_id: str) -> Upload | None:
        row = await self._database.fetchrow(f"{_SELECT} where id = $1", upload_id)
        return None if row is None else _upload(row)

    async def in_state(self, state: UploadState) -> list[Upload]:
        rows = await self._database.fetch(f"{_SELECT} where state = $1 order by id", state)
        return [_upload(row) for row in rows]

    async def expired(self, now: datetime) -> list[Upload]:
        rows = await self._database.fetch(
            f"{_SELECT} where state in ('receiving', 'discarded') and expires_at <= $1", now
        )
        return [_upload(row) for row in rows]

    async def extend(self, upload_id: str, expires_at: datetime) -> None:
        await self._database.execute(
            "update upload set expires_at = $2 where id = $1", upload_id, expires_at
        )

    async def settle(self, upload: Upload) -> None:
        tag = await self._database.execute(
            _SETTLE,
            upload.id,
            upload.size,
            upload.title,
            upload.filename,
            upload.price_stroops,
            upload.price_seconds,
            upload.delivery,
        )
        if tag != "UPDATE 1":
            raise UnknownUpload

    async def advance(self, upload_id: str, state: UploadState) -> None:
        await self._database.execute(_ADVANCE, upload_id, state, list(UploadState))

    async def remove(self, upload_id: str) -> None:
        await self._database.execute("delete from upload where id = $1", upload_id)


async def _usage(connection: Connection, owner: str, room: Room) -> Usage:
    row = await connection.fetchrow(_USAGE, owner, list(room.lengths), list(room.lengths.values()))
    assert row is not None, "sums have one row"
    return Usage(row["owned"], row["unfinished"], row["outstanding"])


def _upload(row: Record) -> Upload:
    return Upload(
        id=row["id"],
        owner=row["owner"],
        asset_id=row["asset_id"],
        size=row["size"],
        title=row["title"],
        filename=row["filename"],
        metadata=row["metadata"],
        price_stroops=row["price_stroops"],
        price_seconds=row["price_seconds"],
        price_asset=row["price_asset"],
        resumable=row["resumable"],
        state=UploadState(row["state"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        delivery=Delivery(row["delivery"]),
    )
