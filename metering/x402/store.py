"""Where presented payments are kept."""

from typing import Protocol

from metering.money import Stroops
from metering.settlement.outbox import MovedOn, SourceBusy, State
from metering.x402.top_up import AlreadyPresented, TopUp

_USED = (State.SIGNED, State.SENT, State.APPLIED)
_UNDER_WAY = (State.SIGNED, State.SENT)


class TopUpStore(Protocol):
    """What `MemoryTopUps` and `store_postgres` both do."""

    async def begin(self, top_up: TopUp) -> None:
        """Keep a signed one before it is sent.

        Raises:
            AlreadyPresented: its agreement is under way or was used.
            SourceBusy: another one of the same account is under way.
        """

    async def advance(self, before: TopUp, after: TopUp) -> None:
        """Replace one by what became of it.

        Raises:
            MovedOn: it is not as it was before.
        """

    async def presented(self, payer: str, nonce: int) -> TopUp | None:
        """Who carries an agreement, or carried it to its end."""

    async def under_way(self, source: str) -> TopUp | None:
        """The one of an account that is not ended."""

    async def fees_since(self, source: str, since_ms: int) -> Stroops:
        """What an account bid and paid for those that were made since then."""


class MemoryTopUps:
    """Implements `TopUpStore`. Lost with the process."""

    def __init__(self) -> None:
        self._kept: dict[str, TopUp] = {}

    async def begin(self, top_up: TopUp) -> None:
        if await self.presented(top_up.payer, top_up.nonce) is not None:
            raise AlreadyPresented(top_up.payer)
        if await self.under_way(top_up.signed.source) is not None:
            raise SourceBusy(top_up.signed.source)
        self._kept[top_up.id] = top_up

    async def advance(self, before: TopUp, after: TopUp) -> None:
        if self._kept.get(before.id) != before:
            raise MovedOn(before.id)
        self._kept[before.id] = after

    async def presented(self, payer: str, nonce: int) -> TopUp | None:
        for each in self._kept.values():
            if (each.payer, each.nonce) == (payer, nonce) and each.state in _USED:
                return each
        return None

    async def under_way(self, source: str) -> TopUp | None:
        for each in self._kept.values():
            if each.signed.source == source and each.state in _UNDER_WAY:
                return each
        return None

    async def fees_since(self, source: str, since_ms: int) -> Stroops:
        recent = (
            each
            for each in self._kept.values()
            if each.signed.source == source and each.created_ms >= since_ms
        )
        return Stroops(sum(fee_of(each) for each in recent))


def fee_of(top_up: TopUp) -> int:
    """Stroops that one costs, or may cost."""
    return top_up.signed.fee if top_up.outcome is None else top_up.outcome.fee_charged
