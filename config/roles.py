"""What the roles that our processes run as may do in the database.

The owner of the schema migrates it, and does nothing else. The server is another role, which owns
nothing: whoever gets hold of it can neither rewrite what happened nor drop what forbids that. Who
signs payouts is a third one, which only reads them.
"""

from config.limits import DATABASE_MIGRATION_MS_MAX
from config.migrate import MIGRATION_LOCK
from config.postgres import Database

_IS_GRANTED = """
SELECT exists (
    SELECT FROM schema_grant
    WHERE role = $1 AND migration = (SELECT max(number) FROM schema_migration)
)
"""

# Whoever owns a table, or is a member of who does, can do anything to it.
_CHANGEABLE = """
SELECT class.relname AS name
FROM pg_class AS class
JOIN pg_trigger AS guard ON guard.tgrelid = class.oid
WHERE class.relnamespace = current_schema()::regnamespace
    AND guard.tgfoid = to_regproc('refuse_change') AND guard.tgtype & 16 <> 0
    AND (
        pg_has_role(current_user, class.relowner, 'MEMBER')
        OR has_table_privilege(class.oid, 'UPDATE, DELETE, TRUNCATE, TRIGGER')
    )
ORDER BY 1
"""


async def grant_to_server(owner: Database, role: str) -> None:
    """Give a role what the server needs, and take from it what it does not; once a migration.

    Args:
        owner: connected as the owner of the migrated schema.
        role: the server's, which exists.
    """
    await _grant(owner, "SELECT grant_to_server($1)", role)


async def grant_to_signer(owner: Database, role: str) -> None:
    """Let a role read what is to be paid out, and nothing else; once a migration.

    Args:
        owner: connected as the owner of the migrated schema.
        role: the signer's, which exists, and is neither the owner nor the server's.
    """
    await _grant(owner, "SELECT grant_to_signer($1)", role)


async def _grant(owner: Database, statement: str, role: str) -> None:
    async with (
        owner.exclusively(MIGRATION_LOCK, DATABASE_MIGRATION_MS_MAX) as connection,
        connection.transaction(),
    ):
        if not await connection.fetchval(_IS_GRANTED, role):
            await connection.execute(statement, role)


async def changeable_tables(database: Database) -> list[str]:
    """Tables whose rows are never changed, and that the role of this connection could change."""
    return [row["name"] for row in await database.fetch(_CHANGEABLE)]
