"""The accounts that lend transactions their sequence numbers, and have lumens for their fees."""

from collections.abc import Sequence
from dataclasses import dataclass

from config.limits import CHANNEL_FULL_STROOPS, CHANNEL_LOW_STROOPS
from metering.ledger.ledger import Ledger, hot_account, sender_account
from metering.money import NATIVE, Stroops
from metering.settlement.chain import Chain
from metering.settlement.outbox import Kind, Settlement
from metering.settlement.source import Due

_PREFIX = "chain:sender:"
_OURS = (Kind.OPEN, Kind.TOP_UP)


@dataclass(frozen=True, slots=True)
class Sender:
    """An account (G...), and the ledger's account that stands for its lumens."""

    address: str
    account: str


class Senders:
    """Knows which accounts can send now: channel accounts, or the hot account without any.

    What a channel account holds is known from the ledger, which knows each fee that was taken from
    it. It is made and filled by payments of the hot account, through the outbox as any other.

    Args:
        ledger: what they hold.
        chain: whether they exist.
        hot: pays everything, and is the source of what makes and fills the others.
        channels: the others; none: the hot account sends everything itself.
    """

    def __init__(self, ledger: Ledger, chain: Chain, hot: str, channels: Sequence[str]) -> None:
        self._ledger = ledger
        self._chain = chain
        self.hot = Sender(hot, hot_account(NATIVE).id)
        self.channels = tuple(Sender(each, sender_account(each).id) for each in channels)
        self.addresses = frozenset((hot, *channels))

    async def free(self, under_way: Sequence[Settlement]) -> list[Sender]:
        """Those that can send a transaction now."""
        busy = {settlement.source for settlement in under_way}
        held = await self._ledger.balances(_PREFIX)
        # What is on its way to an account is booked there, and may not arrive.
        awaited = {p.address for s in under_way for p in s.payments if p.kind in _OURS}
        filled = [
            each
            for each in self.channels
            if -held.get(each.account, 0) >= CHANNEL_LOW_STROOPS and each.address not in awaited
        ]
        return [each for each in filled or [self.hot] if each.address not in busy]

    async def wanting(self, under_way: Sequence[Settlement]) -> list[Due]:
        """What the hot account is to pay into channel accounts; nothing while it is busy."""
        if self.hot.address in {settlement.source for settlement in under_way}:
            return []
        held = await self._ledger.balances(_PREFIX)
        lows = [each for each in self.channels if -held.get(each.account, 0) < CHANNEL_LOW_STROOPS]
        return [await self._due(each, -held.get(each.account, 0)) for each in lows]

    async def _due(self, channel: Sender, held: int) -> Due:
        exists = await self._chain.account(channel.address) is not None
        return Due(
            id=channel.address,
            owner=channel.address,
            account=channel.account,
            address=channel.address,
            amount=Stroops(CHANNEL_FULL_STROOPS - max(0, held)),
            kind=Kind.TOP_UP if exists else Kind.OPEN,
        )
