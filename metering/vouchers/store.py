"""Where payment channels are kept, and the keeper in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from metering.ledger.ledger import Ledger
from metering.settlement.outbox import MovedOn, SourceBusy
from metering.vouchers.collection import Collection
from metering.vouchers.payment_channel import (
    AlreadyTaken,
    Changed,
    ChannelState,
    ContractState,
    PaymentChannel,
    UnknownChannel,
    Voucher,
    VoucherRefused,
    accept,
    accounts_of,
    close,
    see,
)

Outcome = PaymentChannel | VoucherRefused | UnknownChannel
"""What became of a voucher: the payment channel with it, or why it changed nothing."""


class VoucherStore(Protocol):
    """What `MemoryVoucherStore` and `store_postgres` both do: a change and its transfers are one.

    Who calls it has checked signatures.
    """

    async def register(self, channel: PaymentChannel) -> PaymentChannel:
        """Keep a new one; of the same owner's again what is kept of it.

        Raises:
            AlreadyTaken: it is somebody else's.
        """

    async def channel(self, contract: str) -> PaymentChannel | None:
        """One payment channel."""

    async def channels(self, owner: str, limit: int) -> list[PaymentChannel]:
        """An account's, those that are not closed first, and the newest of each before others."""

    async def unfinished(self, after: str, limit: int) -> list[PaymentChannel]:
        """Those that are not closed, by address, behind `after`."""

    async def accept(self, vouchers: Sequence[Voucher], seen_since: datetime) -> list[Outcome]:
        """Take vouchers in their order; see `payment_channel.accept`. One answer for each.

        What is answered is stored, and the viewers' accounts hold the money.
        """

    async def see(self, contract: str, found: ContractState, at: datetime) -> PaymentChannel:
        """Take over what a contract says; see `payment_channel.see`.

        Raises:
            UnknownChannel: nobody registered it.
        """

    async def close(self, contract: str, last: Voucher | None) -> PaymentChannel:
        """Accept nothing any more; see `payment_channel.close`.

        Raises:
            UnknownChannel: nobody registered it.
            VoucherRefused: `last` does not fit.
            WouldOverdraw: more was spent than `last` is for.
        """

    async def collect(self, collection: Collection) -> None:
        """Store a signed collection, before it is sent first.

        Raises:
            SourceBusy: its source has another one under way.
        """

    async def advance(self, before: Collection, after: Collection) -> None:
        """Replace `before` by `after`.

        Raises:
            MovedOn: the stored one is not `before` any more.
        """

    async def under_way(self, source: str) -> Collection | None:
        """The collection of a source that has not ended."""

    async def last_collection(self, contract: str) -> Collection | None:
        """The newest collection of a payment channel."""


class MemoryVoucherStore:
    """Implements `VoucherStore`. Lost with the process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._channels: dict[str, PaymentChannel] = {}
        self._collections: dict[str, Collection] = {}

    async def register(self, channel: PaymentChannel) -> PaymentChannel:
        await self._ledger.open_accounts(accounts_of(channel))
        kept = self._channels.setdefault(channel.contract, channel)
        if kept.owner != channel.owner:
            raise AlreadyTaken(channel.contract)
        return kept

    async def channel(self, contract: str) -> PaymentChannel | None:
        return self._channels.get(contract)

    async def channels(self, owner: str, limit: int) -> list[PaymentChannel]:
        newest_first = reversed(self._channels.values())
        mine = [each for each in newest_first if each.owner == owner]
        return sorted(mine, key=lambda each: each.state is ChannelState.CLOSED)[:limit]

    async def unfinished(self, after: str, limit: int) -> list[PaymentChannel]:
        there = sorted(self._channels.values(), key=lambda each: each.contract)
        return [
            each
            for each in there
            if each.contract > after and each.state is not ChannelState.CLOSED
        ][:limit]

    async def accept(self, vouchers: Sequence[Voucher], seen_since: datetime) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for voucher in vouchers:
            change = partial(accept, voucher=voucher, seen_since=seen_since)
            try:
                after = await self._change(voucher.contract, change)
            except (VoucherRefused, UnknownChannel) as refusal:
                outcomes.append(refusal)
            else:
                outcomes.append(after)
        return outcomes

    async def see(self, contract: str, found: ContractState, at: datetime) -> PaymentChannel:
        return await self._change(contract, lambda channel: see(channel, found, at))

    async def close(self, contract: str, last: Voucher | None) -> PaymentChannel:
        return await self._change(contract, lambda channel: close(channel, last))

    async def _change(
        self, contract: str, change: Callable[[PaymentChannel], Changed]
    ) -> PaymentChannel:
        channel = self._channels.get(contract)
        if channel is None:
            raise UnknownChannel(contract)
        changed = change(channel)
        await self._ledger.post(changed.transfers)
        self._channels[contract] = changed.channel
        return changed.channel

    async def collect(self, collection: Collection) -> None:
        if await self.under_way(collection.signed.source) is not None:
            raise SourceBusy(collection.signed.source)
        self._collections[collection.id] = collection

    async def advance(self, before: Collection, after: Collection) -> None:
        if self._collections[before.id] != before:
            raise MovedOn(before.id)
        self._collections[after.id] = after

    async def under_way(self, source: str) -> Collection | None:
        for each in self._collections.values():
            if each.signed.source == source and not each.state.final:
                return each
        return None

    async def last_collection(self, contract: str) -> Collection | None:
        mine = [each for each in self._collections.values() if each.contract == contract]
        return mine[-1] if mine else None
