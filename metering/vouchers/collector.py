"""The loop that watches payment channels, and collects from them before their payers take back.

A watch by events has to remember how far it came, and is blind for what a node has forgotten. This
one looks at the contracts themselves: what a look missed, the next one sees.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog

from config.clock import Clock
from config.ids import Ids, new_id
from config.limits import (
    COLLECTION_REST_MS,
    SETTLEMENT_POLL_MS,
    VOUCHER_LOOK_CONTRACTS_MAX,
    VOUCHER_LOOK_MS,
    VOUCHER_SEEN_SECONDS_MAX,
)
from config.postgres import UNAVAILABLE
from config.tasks import cancel, spawn
from config.telemetry import gauge
from metering.settlement.chain import ChainUnreachable, WrongNetwork
from metering.settlement.lifecycle import Answered
from metering.settlement.outbox import MovedOn, SignedEnvelope, SourceBusy, State
from metering.settlement.sending import Found, NotFound, is_due, sent
from metering.settlement.signer import Refused, SignerAway
from metering.vouchers.collecting import CollectingRules, due, is_late
from metering.vouchers.collection import Collection, looked
from metering.vouchers.contracts import Ask, CallRefused, Contracts, NoFeeAccount
from metering.vouchers.payment_channel import ChannelState, ContractState, PaymentChannel, see
from metering.vouchers.store import VoucherStore

log = structlog.get_logger(__name__)

_late = gauge(
    "payment_channels_late",
    "Closing payment channels that were not collected from in half the time",
)

_NOT_NOW: tuple[type[Exception], ...] = (ChainUnreachable, WrongNetwork, SignerAway, *UNAVAILABLE)


class Envelopes(Protocol):
    """Where transactions are sent and found again; `settlement.chain.Chain` is."""

    async def send(self, envelope: SignedEnvelope) -> Answered: ...
    async def look(self, envelope: SignedEnvelope) -> Found | NotFound: ...


Changed = Callable[[str, str], None]
"""Told of an account and an asset when there is more to spend."""


class Collector:
    """Owns the collections of one account that pays for them.

    Args:
        store: payment channels, and what was asked of them.
        contracts: how they are, and what makes them pay.
        envelopes: where that is sent.
        payer: the account that sends it.
        changed: told when a viewer has more.
        rules: when to collect.
        clock: the time.
        ids: how collections get theirs.
    """

    def __init__(  # noqa: PLR0913  # one place wires it, by keyword
        self,
        store: VoucherStore,
        contracts: Contracts,
        envelopes: Envelopes,
        payer: str,
        changed: Changed,
        rules: CollectingRules,
        clock: Clock,
        *,
        ids: Ids = new_id,
    ) -> None:
        self._store = store
        self._contracts = contracts
        self._envelopes = envelopes
        self._payer = payer
        self._changed = changed
        self._rules = rules
        self._clock = clock
        self._ids = ids
        self._look_at_ms = 0
        self._late = 0
        self._resting: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch; what is under way from an earlier run is finished first."""
        self._task = spawn(self._run(), "collector")

    async def stop(self) -> None:
        """End after the step under way; all that matters is stored."""
        await cancel(self._task)

    def hurry(self) -> None:
        """Somebody closes a payment channel: look at once."""
        self._look_at_ms = 0
        self._wake.set()

    async def run_once(self) -> bool:
        """Finish what is under way, or look at all contracts and begin the most urgent collection.

        Returns:
            Whether there is more to do soon.

        Raises:
            ChainUnreachable, WrongNetwork: nothing is lost.
        """
        under_way = await self._store.under_way(self._payer)
        if under_way is not None:
            await self._drive(under_way)
            return True
        return await self._collect_first(await self._look_around())

    async def _run(self) -> None:
        while True:
            wait_ms = SETTLEMENT_POLL_MS
            try:
                if not await self.run_once():
                    wait_ms = VOUCHER_LOOK_MS
            except _NOT_NOW as error:
                log.warning("payment channels are not watched", reason=str(error))
            await self._rest(wait_ms)

    async def _rest(self, wait_ms: int) -> None:
        try:
            async with asyncio.timeout(wait_ms / 1000):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    # --- one collection --------------------------------------------------------------------------

    async def _drive(self, collection: Collection) -> None:
        seen = await self._envelopes.look(collection.signed)
        after = looked(collection, seen)
        if after != collection:
            await self._advance(collection, after)
        elif is_due(collection, self._clock.wall_ms()):
            await self._send(collection)

    async def _send(self, collection: Collection) -> None:
        answered = await self._envelopes.send(collection.signed)
        log.info(
            "collection sent",
            contract=collection.contract,
            answer=answered.answer.value,
            detail=answered.detail,
        )
        await self._advance(collection, sent(collection, self._clock.wall_ms()))

    async def _advance(self, before: Collection, after: Collection) -> None:
        try:
            await self._store.advance(before, after)
        except MovedOn:
            return  # Another process has it.
        if after.state is State.APPLIED:
            await self._see([after.contract])
        elif after.outcome is not None:
            self._let_rest(after.contract)
            log.error("collection failed", contract=after.contract, code=after.outcome.code)

    # --- watching --------------------------------------------------------------------------------

    async def _look_around(self) -> list[PaymentChannel]:
        """All payment channels that are not closed, just looked at if that is due."""
        looks = self._clock.monotonic_ms() >= self._look_at_ms
        there: list[PaymentChannel] = []
        after, self._late = "", 0
        while page := await self._store.unfinished(after, VOUCHER_LOOK_CONTRACTS_MAX):
            after = page[-1].contract
            there += await self._looked_at(page) if looks else page
        if looks:
            _late.set(self._late)
            self._look_at_ms = self._clock.monotonic_ms() + VOUCHER_LOOK_MS
        return there

    async def _looked_at(self, page: Sequence[PaymentChannel]) -> list[PaymentChannel]:
        states = await self._contracts.read([each.contract for each in page])
        seen: list[PaymentChannel] = []
        for channel in page:
            found = states.get(channel.contract)
            if found is None:
                # Archived, maybe: calling it brings it back (CAP-66).
                log.error("a payment channel cannot be seen any more", contract=channel.contract)
                seen.append(channel)
                continue
            kept = await self._noted(channel, found)
            self._report(kept, found)
            seen.append(kept)
        return seen

    async def _see(self, contracts: Sequence[str]) -> None:
        for contract, found in (await self._contracts.read(contracts)).items():
            channel = await self._store.channel(contract)
            if channel is not None:
                await self._noted(channel, found)

    async def _noted(self, channel: PaymentChannel, found: ContractState) -> PaymentChannel:
        """Store what is new of a contract, and now and then that it was seen."""
        now = datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)
        recent = now - channel.seen_at < timedelta(seconds=VOUCHER_SEEN_SECONDS_MAX / 4)
        if recent and see(channel, found, channel.seen_at).channel == channel:
            return channel
        after = await self._store.see(channel.contract, found, now)
        if after.accepted > channel.accepted:
            self._changed(channel.owner, channel.asset)
        return after

    def _report(self, channel: PaymentChannel, found: ContractState) -> None:
        """Tell the operator when money is about to be lost, or is."""
        if channel.state is ChannelState.CLOSED and channel.uncollected > 0:
            log.error(
                "a payer took back what was signed for",
                contract=channel.contract,
                lost=channel.uncollected,
            )
        elif is_late(channel, found.ledger):
            self._late += 1
            log.error(
                "a payment channel closes and is not collected from",
                contract=channel.contract,
                uncollected=channel.uncollected,
                closes_at=channel.closes_at,
                ledger=found.ledger,
            )

    # --- collecting ------------------------------------------------------------------------------

    async def _collect_first(self, channels: Sequence[PaymentChannel]) -> bool:
        for ask in self._asks(channels):
            try:
                await self._collect(ask)
            except (CallRefused, Refused) as error:
                self._let_rest(ask.contract)
                log.error("nothing can be collected", contract=ask.contract, reason=str(error))
                continue
            except NoFeeAccount as error:
                log.error("nobody pays for collecting: fund this account", address=str(error))
                return False
            except SourceBusy:
                pass  # Another process collects.
            return True
        return False

    def _asks(self, channels: Sequence[PaymentChannel]) -> Iterator[Ask]:
        """What is due, the most urgent first: what is being closed, and then the largest sums."""
        now_ms = self._clock.wall_ms()
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        urgent = sorted(
            channels, key=lambda each: (each.state is not ChannelState.CLOSING, -each.uncollected)
        )
        for channel in urgent:
            verb = due(channel, self._rules, now)
            if verb is not None and self._resting.get(channel.contract, 0) <= now_ms:
                yield Ask(channel.contract, verb, channel.signed, channel.signature)

    async def _collect(self, ask: Ask) -> None:
        """Store the signed transaction, and send it."""
        signed = await self._contracts.ask(ask)
        now_ms = self._clock.wall_ms()
        collection = Collection(
            id=self._ids("col", now_ms),
            contract=ask.contract,
            verb=ask.verb,
            amount=ask.cumulative,
            signed=signed,
            created_ms=now_ms,
        )
        await self._store.collect(collection)
        await self._send(collection)

    def _let_rest(self, contract: str) -> None:
        now_ms = self._clock.wall_ms()
        # Those whose rest is over are forgotten, so that this holds no more than failed lately.
        self._resting = {each: ms for each, ms in self._resting.items() if ms > now_ms}
        self._resting[contract] = now_ms + COLLECTION_REST_MS
