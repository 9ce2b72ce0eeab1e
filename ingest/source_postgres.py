"""Sources in Postgres (tables `source` and `stream_key`)."""

from datetime import datetime

from config.limits import SOURCE_KEYS_MAX
from config.postgres import Connection, Database, Record, UniqueViolationError
from ingest.source import NameTaken, Source, UnknownSource
from ingest.stream_key import StreamKey, TooManyKeys, UnknownKey
from media.delivery import Delivery
from media.terms import Takeover

_COLUMNS = (
    "id, owner, name, title, price_stroops, price_seconds, price_asset, created_at,"
    " reconnect_seconds, takeover, dvr_seconds, delivery, price_more"
)
_SELECT = f"select {_COLUMNS} from source"
_INSERT = (
    f"insert into source ({_COLUMNS})"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
)
_CHANGE = (
    "update source set title = $2, price_stroops = $3, price_seconds = $4, price_asset = $5,"
    " reconnect_seconds = $6, takeover = $7, dvr_seconds = $8, delivery = $9,"
    " price_more = $10 where id = $1"
)
_KEY_COLUMNS = (
    "id, source_id, label, hash, created_at, is_main, expires_at, ends_publication,"
    " bitrate_max, addresses, last_used_at"
)
_SELECT_KEY = f"select {_KEY_COLUMNS} from stream_key"
# One statement, so that a key that is refused takes as long as one that does not exist.
_SELECT_BOTH = (
    "select source.*, "
    + ", ".join(f"stream_key.{column} as key_{column}" for column in _KEY_COLUMNS.split(", "))
    + " from stream_key join source on source.id = source_id where hash = $1"
)
_INSERT_KEY = (
    f"insert into stream_key ({_KEY_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
)
# Those whose time is over when another one is made.
_FORGET_KEYS = "delete from stream_key where source_id = $1 and expires_at <= $2"
_END_MAIN_KEY = (
    "update stream_key set is_main = false, expires_at = least(expires_at, $2)"  # least skips null
    " where source_id = $1 and is_main"
)


class PostgresSourceStore:
    """The SourceStore that outlives the process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, source: Source, key: StreamKey) -> None:
        try:
            async with self._database.transaction() as connection:
                await connection.execute(
                    _INSERT,
                    source.id,
                    source.owner,
                    source.name,
                    source.title,
                    source.price_stroops,
                    source.price_seconds,
                    source.price_asset,
                    source.created_at,
                    source.reconnect_seconds,
                    source.takeover.value,
                    source.dvr_seconds,
                    source.delivery.value,
                    source.price_more,
                )
                await connection.execute(_INSERT_KEY, *_key_row(key))
        except UniqueViolationError as error:
            if error.constraint_name != "source_name_key":
                raise
            raise NameTaken(source.name) from None

    async def change(self, source: Source) -> None:
        tag = await self._database.execute(
            _CHANGE,
            source.id,
            source.title,
            source.price_stroops,
            source.price_seconds,
            source.price_asset,
            source.reconnect_seconds,
            source.takeover.value,
            source.dvr_seconds,
            source.delivery.value,
            source.price_more,
        )
        if tag != "UPDATE 1":
            raise UnknownSource(source.id)

    async def get(self, source_id: str) -> Source | None:
        return await self._one(f"{_SELECT} where id = $1", source_id)

    async def by_name(self, name: str) -> Source | None:
        return await self._one(f"{_SELECT} where name = $1", name)

    async def list_of(self, owner: str) -> list[Source]:
        rows = await self._database.fetch(
            f"{_SELECT} where owner = $1 order by created_at, id", owner
        )
        return [_source(row) for row in rows]

    async def by_key_hash(self, key_hash: bytes) -> tuple[Source, StreamKey] | None:
        row = await self._database.fetchrow(_SELECT_BOTH, key_hash)
        return None if row is None else (_source(row), _key(row, "key_"))

    async def key_hashes(self, count: int) -> list[bytes]:
        rows = await self._database.fetch(
            "select hash from stream_key order by created_at desc limit $1", count
        )
        return [row["hash"] for row in rows]

    async def keys_of(self, source_id: str) -> list[StreamKey]:
        rows = await self._database.fetch(
            f"{_SELECT_KEY} where source_id = $1 order by is_main desc, created_at, id", source_id
        )
        return [_key(row) for row in rows]

    async def add_key(self, key: StreamKey) -> None:
        async with self._database.transaction() as connection:
            await _lock(connection, key.source_id)
            await _insert_key(connection, key)

    async def replace_key(self, key: StreamKey, ends_at: datetime) -> None:
        async with self._database.transaction() as connection:
            await _lock(connection, key.source_id)
            await connection.execute(_END_MAIN_KEY, key.source_id, ends_at)
            await _insert_key(connection, key)

    async def remove_key(self, source_id: str, key_id: str) -> None:
        tag = await self._database.execute(
            "delete from stream_key where id = $1 and source_id = $2", key_id, source_id
        )
        if tag != "DELETE 1":
            raise UnknownKey(key_id)

    async def use_key(self, key_id: str, used_at: datetime) -> None:
        await self._database.execute(
            "update stream_key set last_used_at = $2 where id = $1", key_id, used_at
        )

    async def _one(self, query: str, argument: str) -> Source | None:
        row = await self._database.fetchrow(query, argument)
        return None if row is None else _source(row)


async def _lock(connection: Connection, source_id: str) -> None:
    """Keys of one source are made one after the other."""
    found = await connection.fetchval("select 1 from source where id = $1 for update", source_id)
    if found is None:
        raise UnknownSource(source_id)


async def _insert_key(connection: Connection, key: StreamKey) -> None:
    await connection.execute(_FORGET_KEYS, key.source_id, key.created_at)
    count = await connection.fetchval(
        "select count(*) from stream_key where source_id = $1", key.source_id
    )
    if count >= SOURCE_KEYS_MAX:
        raise TooManyKeys(key.source_id)
    await connection.execute(_INSERT_KEY, *_key_row(key))


def _source(row: Record) -> Source:
    return Source(
        id=row["id"],
        owner=row["owner"],
        name=row["name"],
        title=row["title"],
        price_stroops=row["price_stroops"],
        price_seconds=row["price_seconds"],
        price_asset=row["price_asset"],
        created_at=row["created_at"],
        reconnect_seconds=row["reconnect_seconds"],
        takeover=Takeover(row["takeover"]),
        dvr_seconds=row["dvr_seconds"],
        delivery=Delivery(row["delivery"]),
        price_more=row["price_more"],
    )


def _key(row: Record, prefix: str = "") -> StreamKey:
    return StreamKey(
        id=row[f"{prefix}id"],
        source_id=row[f"{prefix}source_id"],
        label=row[f"{prefix}label"],
        hash=row[f"{prefix}hash"],
        created_at=row[f"{prefix}created_at"],
        is_main=row[f"{prefix}is_main"],
        expires_at=row[f"{prefix}expires_at"],
        ends_publication=row[f"{prefix}ends_publication"],
        bitrate_max=row[f"{prefix}bitrate_max"],
        addresses=tuple(row[f"{prefix}addresses"]),
        last_used_at=row[f"{prefix}last_used_at"],
    )


def _key_row(key: StreamKey) -> tuple[object, ...]:
    """In the order of `_KEY_COLUMNS`."""
    return (
        key.id,
        key.source_id,
        key.label,
        key.hash,
        key.created_at,
        key.is_main,
        key.expires_at,
        key.ends_publication,
        key.bitrate_max,
        list(key.addresses),
        key.last_used_at,
    )
