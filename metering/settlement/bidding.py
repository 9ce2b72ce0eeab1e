"""Bids more for a transaction that no ledger takes, as long as the day's budget lasts."""

from dataclasses import replace

import structlog

from config.clock import Clock
from config.limits import SETTLEMENT_DAY_MS
from metering.ledger.ledger import Ledger, treasury_account
from metering.money import NATIVE
from metering.settlement.chain import Chain
from metering.settlement.lifecycle import Bumped, NotBumped, bump_rate
from metering.settlement.outbox import Outbox, Settlement
from metering.settlement.planner import Terms
from metering.settlement.signer import Refused, Signer, SignerAway

log = structlog.get_logger(__name__)


class Bidding:
    """Makes fee bumps (CAP-15), which the hot account pays.

    Args:
        outbox: what was spent lately.
        chain: what others bid.
        signer: signs the bumps.
        ledger: what the treasury has for it.
        clock: for what lately is.
        terms: the day's budget for fees.
    """

    def __init__(
        self,
        outbox: Outbox,
        chain: Chain,
        signer: Signer,
        ledger: Ledger,
        clock: Clock,
        terms: Terms,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._signer = signer
        self._ledger = ledger
        self._clock = clock
        self._terms = terms

    async def bump(self, settlement: Settlement, ledger: int) -> Bumped | NotBumped:
        """The same transaction with a higher bid, or none.

        Args:
            settlement: signed, and not found as of
            ledger: this one.

        Raises:
            ChainUnreachable, WrongNetwork: nobody knows what others bid.
        """
        assert settlement.signed is not None, "only what was signed is bid for again"
        rate = bump_rate(settlement, await self._chain.fee_p80())
        if rate is None:
            return NotBumped()
        fee = rate * (len(settlement.payments) + 1)
        if not await self._affordable(settlement, fee - settlement.reserve):
            log.warning("no higher bid: the budget is spent", settlement=settlement.id, fee=fee)
            return NotBumped()
        try:
            envelope = await self._signer.bump(settlement.signed, fee)
        except (Refused, SignerAway) as error:
            log.warning("no higher bid", settlement=settlement.id, reason=str(error))
            return NotBumped()
        log.info("settlement is bid for again", settlement=settlement.id, fee=fee)
        return Bumped(replace(envelope, ledger=ledger))

    async def _affordable(self, settlement: Settlement, more: int) -> bool:
        since_ms = self._clock.wall_ms() - SETTLEMENT_DAY_MS
        spent = await self._outbox.spent_since(settlement.asset, since_ms)
        treasury = await self._ledger.balance(treasury_account(NATIVE).id)
        return spent.fees + more <= self._terms.daily_fees and more <= treasury
