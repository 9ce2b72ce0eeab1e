"""Payment channels on the chain, as routes see them: questions wait until the wallet is open."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metering.money import Stroops
from metering.vouchers.channel_terms import ChannelTerms, ContractRefused
from metering.vouchers.payment_channel import ContractState

if TYPE_CHECKING:
    from api.channel_money import ChannelMoney

_NOT_OFFERED = "this server takes no payment channels"


@dataclass(frozen=True, slots=True)
class ChannelChain:
    """Implements `desk.ChannelChain`. `opened` is what waits."""

    opened: "Callable[[], Awaitable[ChannelMoney | None]]"

    async def terms(self) -> ChannelTerms:
        return (await self._there()).terms

    async def state(self, contract: str) -> ContractState | None:
        return (await (await self._there()).contracts.read([contract])).get(contract)

    async def hurry(self) -> None:
        """Something is to be collected at once."""
        (await self._there()).collector.hurry()

    async def open_in_play(self, key: bytes, amount: Stroops) -> str:
        """See `ChannelMoney.open_in_play`."""
        return await (await self._there()).open_in_play(key, amount)

    async def _there(self) -> "ChannelMoney":
        money = await self.opened()
        if money is None:
            raise ContractRefused("not_offered", _NOT_OFFERED)
        return money
