"""What was left to be claimed: who claimed it, and what is taken back since nobody did."""

from collections.abc import Sequence

import structlog

from config.clock import Clock
from config.limits import (
    CLAIMABLE_RECLAIM_SECONDS,
    CLAIMS_LOOK_MS,
    CLAIMS_REST_SECONDS,
    SETTLEMENT_PAYMENTS_MAX,
)
from metering.money import NATIVE
from metering.settlement.chain import Chain
from metering.settlement.outbox import Kind, Left, Outbox
from metering.settlement.source import Due
from metering.settlement.transaction import Slot, claimable_id

log = structlog.get_logger(__name__)


class Reclaims:
    """Looks at what was left to be claimed, some of it at a time, in turn.

    Args:
        outbox: what was left.
        chain: what of it is still there.
        clock: for how old it is, and for when to look again.
    """

    def __init__(self, outbox: Outbox, chain: Chain, clock: Clock) -> None:
        self._outbox = outbox
        self._chain = chain
        self._clock = clock
        # The last one of the look before; the next look goes on behind it.
        self._last = ""
        self._next_look_ms = 0

    async def due(self, asset: str) -> list[Due]:
        """What can be taken back, for the accounts that paid it; nothing between two looks.

        Raises:
            ChainUnreachable, WrongNetwork: nothing is known of what is there.
        """
        now_ms = self._clock.monotonic_ms()
        if asset == NATIVE or now_ms < self._next_look_ms:
            return []  # Lumens are never left to be claimed.
        # Before asking: who pays what is due waits for one answer at most that does not come.
        self._next_look_ms = now_ms + CLAIMS_LOOK_MS
        seen_by = self._clock.wall_ms() // 1000 - CLAIMS_REST_SECONDS
        some = await self._some(asset, seen_by)
        ids = {each.payout.id: _balance(each) for each in some}
        there = await self._chain.claimable(list(ids.values())) if ids else set()
        await self._note_claimed([payout for payout, id_ in ids.items() if id_ not in there])
        return [
            _reclaim(each)
            for each in some
            if ids[each.payout.id] in there and each.max_time + CLAIMABLE_RECLAIM_SECONDS <= seen_by
        ]

    async def _some(self, asset: str, until: int) -> Sequence[Left]:
        some = await self._outbox.left(asset, until, self._last, SETTLEMENT_PAYMENTS_MAX)
        self._last = some[-1].payout.id if len(some) == SETTLEMENT_PAYMENTS_MAX else ""
        return some

    async def _note_claimed(self, payouts: Sequence[str]) -> None:
        if payouts:
            await self._outbox.note_claimed(payouts)
            log.info("payouts were claimed", payouts=len(payouts))


def _balance(left: Left) -> str:
    return claimable_id(Slot(left.source, left.sequence, left.max_time), left.place)


def _reclaim(left: Left) -> Due:
    payout = left.payout
    return Due(
        id=payout.id,
        owner=payout.creator,
        account=payout.account,
        address=_balance(left),
        amount=payout.amount,
        kind=Kind.RECLAIM,
    )
