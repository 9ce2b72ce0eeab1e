"""Play money for guests, out of the treasury that the local network's friendbot filled."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from api.idempotency_store import Effect
from config.limits import LOCAL_NETWORK_START_SECONDS_MAX, SANDBOX_BALANCE_STROOPS
from metering.intake import Intake
from metering.ledger.ledger import ConflictingTransfer
from metering.money import Stroops
from metering.settlement.chain import ChainUnreachable


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Fills guests' balances up to a fixed sum.

    Args:
        intake: where they are.
        filled: returns when the treasury has something to give.
    """

    intake: Intake
    filled: Callable[[], Awaitable[None]]

    async def has_money(self) -> None:
        """Wait for the play money of a first start.

        Raises:
            ChainUnreachable: it does not come in time.
        """
        try:
            async with asyncio.timeout(LOCAL_NETWORK_START_SECONDS_MAX):
                await self.filled()
        except TimeoutError:
            raise ChainUnreachable("there is no play money yet") from None

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
