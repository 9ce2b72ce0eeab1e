"""Sources in Postgres (table `source`)."""

from config.postgres import Database, Record, UniqueViolationError
from ingest.source import NameTaken, Source, UnknownSource

_INSERT = (
    "insert into source (id, owner, name, title, price_stroops, price_seconds, price_asset,"
    " key_hash, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
)
_SELECT = (
    "select id, owner, name, title, price_stroops, price_seconds, price_asset, key_hash,"
    " created_at from source"
)


class PostgresSourceStore:
    """The SourceStore that outlives the process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, source: Source) -> None:
        try:
            await self._database.execute(
                _INSERT,
                source.id,
                source.owner,
                source.name,
                source.title,
                source.price_stroops,
                source.price_seconds,
                source.price_asset,
                source.key_hash,
                source.created_at,
            )
        except UniqueViolationError as error:
            if error.constraint_name != "source_name_key":
                raise
            raise NameTaken(source.name) from None

    async def get(self, source_id: str) -> Source | None:
        return await self._one(f"{_SELECT} where id = $1", source_id)

    async def by_name(self, name: str) -> Source | None:
        return await self._one(f"{_SELECT} where name = $1", name)

    async def by_key_hash(self, key_hash: bytes) -> Source | None:
        return await self._one(f"{_SELECT} where key_hash = $1", key_hash)

    async def key_hashes(self, count: int) -> list[bytes]:
        rows = await self._database.fetch(
            "select key_hash from source order by created_at desc limit $1", count
        )
        return [row["key_hash"] for row in rows]

    async def list_of(self, owner: str) -> list[Source]:
        rows = await self._database.fetch(
            f"{_SELECT} where owner = $1 order by created_at, id", owner
        )
        return [_source(row) for row in rows]

    async def replace_key(self, source_id: str, key_hash: bytes) -> None:
        tag = await self._database.execute(
            "update source set key_hash = $2 where id = $1", source_id, key_hash
        )
        if tag != "UPDATE 1":
            raise UnknownSource(source_id)

    async def _one(self, query: str, argument: str | bytes) -> Source | None:
        row = await self._database.fetchrow(query, argument)
        return None if row is None else _source(row)


def _source(row: Record) -> Source:
    return Source(
        id=row["id"],
        owner=row["owner"],
        name=row["name"],
        title=row["title"],
        price_stroops=row["price_stroops"],
        price_seconds=row["price_seconds"],
        price_asset=row["price_asset"],
        key_hash=row["key_hash"],
        created_at=row["created_at"],
    )
