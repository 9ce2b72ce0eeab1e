"""Which currencies an owner has accounts in, and what lies there."""

from dataclasses import dataclass
from typing import Protocol

from metering.ledger.ledger import Ledger
from metering.money import Stroops


class Wallets(Protocol):
    """Who knows what a viewer has free and held; `metering.intake.Intake` does."""

    async def balance(self, viewer: str, asset: str | None = None) -> tuple[Stroops, Stroops]: ...


@dataclass(frozen=True, slots=True)
class AssetBalance:
    """What an owner has in one currency: as a viewer free and held, as a creator earned."""

    asset: str
    available: Stroops
    held: Stroops
    earned: Stroops


@dataclass(frozen=True, slots=True)
class Balances:
    """Reads all balances of an owner."""

    ledger: Ledger
    wallets: Wallets

    async def of(self, owner: str) -> list[AssetBalance]:
        """One for each currency in which an account was opened, in the order of their names.

        Raises:
            MeterUnavailable, or one of `config.postgres.UNAVAILABLE`.
        """
        viewing = await self._by_asset(f"viewer:{owner}:")
        earned = await self._by_asset(f"creator:{owner}:")
        found = []
        for asset in sorted({*viewing, *earned}):
            available, held = Stroops(0), Stroops(0)
            if asset in viewing:
                available, held = await self.wallets.balance(owner, asset)
            found.append(AssetBalance(asset, available, held, earned.get(asset, Stroops(0))))
        return found

    async def _by_asset(self, prefix: str) -> dict[str, Stroops]:
        balances = await self.ledger.balances(prefix)
        return {name.removeprefix(prefix): held for name, held in balances.items()}
