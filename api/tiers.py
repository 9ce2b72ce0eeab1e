"""What kind of viewer an account is, which says how much it may do at once."""

from enum import StrEnum
from typing import Protocol


class Tier(StrEnum):
    """FREE pays by the second and for nothing else; so do guests."""

    FREE = "free"
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


class Tiers(Protocol):
    """Who knows which tier an account has."""

    async def tier(self, account: str) -> Tier:
        """FREE unless something else was set."""


class TierStore(Tiers, Protocol):
    async def set_tier(self, account: str, tier: Tier) -> None: ...


class MemoryTierStore:
    """Implements `TierStore`. Lost with the process."""

    def __init__(self) -> None:
        self._tiers: dict[str, Tier] = {}

    async def tier(self, account: str) -> Tier:
        return self._tiers.get(account, Tier.FREE)

    async def set_tier(self, account: str, tier: Tier) -> None:
        self._tiers[account] = tier
