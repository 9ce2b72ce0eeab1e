"""Tiers of accounts in Postgres, which knows of those that are not free."""

from api.tiers import Tier
from config.postgres import Database

_TIER = "SELECT tier FROM account_tier WHERE account = $1"

_SET = """
INSERT INTO account_tier (account, tier) VALUES ($1, $2)
ON CONFLICT (account) DO UPDATE SET tier = excluded.tier
"""

_FORGET = "DELETE FROM account_tier WHERE account = $1"


class PostgresTierStore:
    """Implements `tiers.TierStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tier(self, account: str) -> Tier:
        return Tier(await self._database.fetchval(_TIER, account) or Tier.FREE)

    async def set_tier(self, account: str, tier: Tier) -> None:
        if tier is Tier.FREE:
            await self._database.execute(_FORGET, account)
        else:
            await self._database.execute(_SET, account, tier.value)
