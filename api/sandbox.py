"""Play money for guests, out of the treasury that the local network's friendbot filled."""

from dataclasses import dataclass

from config.clock import Clock
from config.ids import new_id
from config.limits import SANDBOX_BALANCE_STROOPS
from metering.intake import Intake
from metering.money import Stroops


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Fills guests' balances up to a fixed sum."""

    intake: Intake
    clock: Clock

    async def top_up(self, account_id: str) -> Stroops:
        """Give what is missing to the fixed sum; returns the balance."""
        balance, held = await self.intake.balance(account_id)
        missing = SANDBOX_BALANCE_STROOPS - balance - held
        if missing > 0:
            funding = new_id("fnd", self.clock.wall_ms())
            await self.intake.fund(account_id, Stroops(missing), f"sandbox:{funding}")
            balance, _ = await self.intake.balance(account_id)
        return balance
