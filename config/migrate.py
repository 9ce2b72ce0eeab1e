"""Brings a database's schema up to what this version of the program needs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from config.limits import DATABASE_MIGRATION_MS_MAX
from config.postgres import Connection, Database, PostgresError

# Any number, the same in every version: servers that start at once migrate one after the other.
MIGRATION_LOCK = 0x746F6C6C63617374  # "tollcast"

_RECORD = """
CREATE TABLE schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationRefused(Exception):
    """The database's schema and this version's migrations do not fit together."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file of SQL, applied once, in one transaction, and never edited afterwards."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """What is recorded of it in the database."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def migrate(database: Database, folder: Traversable | None = None) -> list[str]:
    """Apply what is missing of `config/schema/NNNN_name.sql`, in order.

    Safe to be called by several processes at once.

    Args:
        database: connected as the owner of the schema, or as any role when nothing is missing.
        folder: where the files are; the program's own by default.

    Returns:
        The names of the files that were applied now.

    Raises:
        MigrationRefused: an applied file was changed or is missing here, or a file failed (its
            transaction is rolled back, the ones before it stay).
    """
    known = read_migrations(folder or resources.files("config") / "schema")
    async with database.exclusively(MIGRATION_LOCK, DATABASE_MIGRATION_MS_MAX) as connection:
        if await connection.fetchval("SELECT to_regclass('schema_migration')") is None:
            await connection.execute(_RECORD)
        rows = await connection.fetch("SELECT number, name, sha256 FROM schema_migration")
        applied = {row["number"]: (row["name"], row["sha256"]) for row in rows}
        missing = pending(known, applied)
        for migration in missing:
            await _apply(connection, migration, durable=migration is missing[-1])
    return [migration.name for migration in missing]


def read_migrations(folder: Traversable) -> list[Migration]:
    """The migrations of a folder in the order of their numbers.

    Raises:
        MigrationRefused: a name without a number, or two files with the same.
    """
    found: dict[int, Migration] = {}
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".sql"):
            continue
        digits, separator, _ = file.name.partition("_")
        if len(digits) != 4 or not digits.isdecimal() or not separator:
            raise MigrationRefused(f"{file.name} is not named like 0001_name.sql")
        migration = Migration(int(digits), file.name, file.read_text(encoding="utf-8"))
        if migration.number in found:
            raise MigrationRefused(f"{file.name} and {found[migration.number].name} share a number")
        found[migration.number] = migration
    return list(found.values())


def pending(known: Sequence[Migration], applied: Mapping[int, tuple[str, str]]) -> list[Migration]:
    """Which of the `known` ones are still to be applied.

    Args:
        known: in the order of their numbers.
        applied: number -> (name, sha256) as recorded in the database.

    Raises:
        MigrationRefused: an applied one was changed or is missing, or a new one has a number below
            the last applied one.
    """
    by_number = {migration.number: migration for migration in known}
    for number, (name, sha256) in sorted(applied.items()):
        here = by_number.get(number)
        if here is None:
            raise MigrationRefused(
                f"the database has migration {name}, which this version does not know: "
                "it was used by a newer version"
            )
        if here.sha256 != sha256:
            raise MigrationRefused(
                f"{here.name} was changed after it had been applied to this database (as {name}): "
                "restore the file, and put the change into a new one"
            )
    last = max(applied, default=0)
    rest = [migration for migration in known if migration.number not in applied]
    if rest and rest[0].number < last:
        raise MigrationRefused(f"{rest[0].name} is new, but number {last} has been applied already")
    return rest


async def _apply(connection: Connection, migration: Migration, *, durable: bool) -> None:
    """One that is not `durable` is on the disk no later than the next one that is."""
    settings = f"SET LOCAL statement_timeout = {DATABASE_MIGRATION_MS_MAX}"
    if not durable:
        settings += "; SET LOCAL synchronous_commit = off"
    try:
        async with connection.transaction():
            await connection.execute(settings)
            await connection.execute(migration.sql, timeout=DATABASE_MIGRATION_MS_MAX / 1000)
            await connection.execute(
                "INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3)",
                migration.number,
                migration.name,
                migration.sha256,
            )
    except PostgresError as error:
        raise MigrationRefused(f"{migration.name} failed: {error}") from error
