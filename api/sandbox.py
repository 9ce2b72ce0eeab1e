"""Play money for guests, out of the treasury that the local network's friendbot filled."""

from contextlib import suppress
from dataclasses import dataclass

from api.idempotency_store import Effect
from config.limits import SANDBOX_BALANCE_STROOPS
from metering.intake import Intake
from metering.ledger.ledger import ConflictingTransfer
from metering.money import Stroops


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Fills guests' balances up to a fixed sum."""

    intake: Intake

    async def top_up(self, account_id: str, effect: Effect) -> Stroops:
        """Give what is missing to the fixed sum, once for each effect; returns the balance."""
        balance, held = await self.intake.balance(account_id)
        missing = SANDBOX_BALANCE_STROOPS - balance - held
        if missing > 0:
            # An earlier attempt may have given something already; less was missing then.
            with suppress(ConflictingTransfer):
                await self.intake.fund(account_id, Stroops(missing), f"sandbox:{effect.id('fnd')}")
            balance, _ = await self.intake.balance(account_id)
        return balance
