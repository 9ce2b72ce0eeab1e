"""`tollcast tier`: how much an account may watch at once."""

from api.command_database import command_database
from api.remote import CommandFailed
from api.tiers import Tier
from api.tiers_postgres import PostgresTierStore
from config.limits import DATABASE_STATEMENT_MS_MAX
from config.postgres import ForeignKeyViolationError
from config.settings import Settings


async def set_tier(settings: Settings, account: str, tier: Tier) -> None:
    """Give an account another tier, from its next session on.

    Raises:
        CommandFailed: there is no such account, or no database.
    """
    async with command_database(settings, DATABASE_STATEMENT_MS_MAX) as database:
        try:
            await PostgresTierStore(database).set_tier(account, tier)
        except ForeignKeyViolationError:
            raise CommandFailed(f"there is no account {account}") from None
