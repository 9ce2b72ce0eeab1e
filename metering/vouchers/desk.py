"""Where viewers register payment channels and hand in vouchers: checked, stored, then answered.

A voucher's signature is checked here, without asking anybody; whether it is accepted is decided
where it is stored. Vouchers that come while others are being written wait for the next transaction
together, as requests for media do. What is answered is stored, and can be spent.
"""

import asyncio
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Protocol

from config.clock import Clock
from config.limits import (
    PAYMENT_CHANNELS_OPEN_MAX,
    VOUCHER_BUDGETS_MAX,
    VOUCHER_LOOK_MS,
    VOUCHER_SEEN_SECONDS_MAX,
    VOUCHERS_TOGETHER_MAX,
    VOUCHERS_WAITING_MAX,
)
from config.tasks import spawn
from metering.errands import TakingOut
from metering.errors import MeterUnavailable, Overloaded
from metering.leases.lease_postgres import unavailable
from metering.ledger.ledger import viewer_account
from metering.money import Stroops
from metering.vouchers.channel_terms import ChannelTerms, ContractRefused
from metering.vouchers.commitment import Commitments, Verifier, network_id
from metering.vouchers.payment_channel import (
    BadVoucher,
    ChannelState,
    ContractState,
    ExceedsDeposit,
    NotSeenLately,
    PaymentChannel,
    UnknownChannel,
    Voucher,
    VoucherRefused,
)
from metering.vouchers.store import Outcome, VoucherStore

_NOTHING = Stroops(0)

type _Waiting = tuple[Voucher, asyncio.Future[Outcome]]


class ChannelChain(Protocol):
    """The chain as far as the desk looks at it. May raise `ChainUnreachable` or `WrongNetwork`."""

    async def terms(self) -> ChannelTerms:
        """Which contracts are taken.

        Raises:
            ContractRefused: none are.
        """

    async def state(self, contract: str) -> ContractState | None:
        """How a contract is now; None: it is no payment channel."""


class Wallets(Protocol):
    """Who spends what vouchers are worth; `metering.intake.Intake` does."""

    async def balance_read(self, viewer: str, asset: str | None = None) -> None: ...
    async def take_out(self, taking: TakingOut) -> None: ...


class VoucherDesk:
    """Takes vouchers of all payment channels.

    Args:
        store: where they are kept.
        chain: where contracts are looked at.
        wallets: told when there is more to spend.
        clock: the time.

    Every method may raise `MeterUnavailable`: nobody knows whether it was done; do it again.
    """

    def __init__(
        self, store: VoucherStore, chain: ChannelChain, wallets: Wallets, clock: Clock
    ) -> None:
        self._store = store
        self._chain = chain
        self._wallets = wallets
        self._clock = clock
        # Owner and verifier of each payment channel that was asked for lately.
        self._known: OrderedDict[str, tuple[str, Verifier]] = OrderedDict()
        # Who pays by vouchers, as far as this process has seen.
        self._paying: OrderedDict[str, str] = OrderedDict()
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def terms(self) -> ChannelTerms:
        """Which contracts are taken. Raises as `ChannelChain.terms`."""
        return await self._chain.terms()

    async def register(self, owner: str, contract: str, signature: bytes) -> PaymentChannel:
        """Take a contract as its viewer's payment channel; again is the same as once.

        Args:
            owner: the viewer's account.
            contract: its address.
            signature: of a voucher for nothing, which shows who has the key: nobody registers
                somebody else's. It also closes the payment channel if it was never used.

        Raises:
            ContractRefused: it is none that we take, or there are enough.
            BadVoucher: the signature is not by its key.
            AlreadyTaken: it is another account's.
            BadAddress: no contract's address.
            ChainUnreachable, WrongNetwork: it cannot be looked at.
        """
        terms = await self._chain.terms()
        commitments = Commitments(contract, network_id(terms.passphrase))
        kept = await self._kept(contract)
        if kept is not None and kept.owner == owner:
            return kept
        found = await self._chain.state(contract)
        if found is None:
            raise ContractRefused("no_payment_channel", "there is no payment channel there")
        terms.require(found)
        if not Verifier(commitments, found.key).is_good(_NOTHING, signature):
            raise BadVoucher("the signature is not by the contract's key")
        await self._require_room(owner)
        with unavailable():
            return await self._store.register(self._new(owner, contract, signature, found, terms))

    async def accept(self, owner: str, voucher: Voucher) -> PaymentChannel:
        """Take a voucher; returns when what it adds can be spent. Again is the same as once.

        Raises:
            VoucherRefused: it changed nothing; see its kinds.
            UnknownChannel: the account has no such payment channel.
            Overloaded: too many wait.
            ChainUnreachable, WrongNetwork: it is for more than was seen, and nobody can look.
        """
        contract = voucher.contract
        await self._check(owner, voucher)
        outcome = await self._written(voucher)
        if isinstance(outcome, ExceedsDeposit | NotSeenLately) and await self.look(contract):
            outcome = await self._written(voucher)
        if isinstance(outcome, Exception):
            raise outcome
        self._paying[owner] = contract
        _forget_oldest(self._paying)
        await self._wallets.balance_read(owner, outcome.asset)
        return outcome

    async def close(self, owner: str, contract: str, last: Voucher | None) -> PaymentChannel:
        """Accept nothing any more; what is left in the contract goes back as soon as that can be
        sent. With a last voucher for what was watched, less than before, also what is left here.

        Raises:
            VoucherRefused: the last voucher does not fit, or is not by the key.
            UnknownChannel: the account has no such payment channel.
            InsufficientFunds, WouldOverdraw: more was watched than the last voucher is for.
        """
        kept = await self.channel(owner, contract)
        if last is not None:
            await self._check(owner, last)
        back = kept.accepted - (kept.accepted if last is None else last.cumulative)
        self._paying.pop(owner, None)
        if back <= 0 or kept.state is not ChannelState.OPEN:
            with unavailable():
                return await self._store.close(contract, last)
        return await self._taken_back(kept, last, Stroops(back))

    async def channel(self, owner: str, contract: str) -> PaymentChannel:
        """One of an account's payment channels.

        Raises:
            UnknownChannel: it has no such one.
        """
        kept = await self._kept(contract)
        if kept is None or kept.owner != owner:
            raise UnknownChannel(contract)
        return kept

    async def channels(self, owner: str) -> list[PaymentChannel]:
        """An account's payment channels, the open ones first."""
        with unavailable():
            return await self._store.channels(owner, 2 * PAYMENT_CHANNELS_OPEN_MAX)

    def paying(self, owner: str) -> str | None:
        """The payment channel that an account pays from now, as far as is known here."""
        return self._paying.get(owner)

    async def look(self, contract: str) -> bool:
        """Look at a contract, unless that was done just now; tells whether it was looked at.

        Raises:
            ChainUnreachable, WrongNetwork: nobody can.
        """
        kept = await self._kept(contract)
        now = self._now()
        if kept is None or now - kept.seen_at < timedelta(milliseconds=VOUCHER_LOOK_MS / 4):
            return False
        found = await self._chain.state(contract)
        if found is not None:
            with unavailable():
                await self._store.see(contract, found, now)
        return found is not None

    # --- checking --------------------------------------------------------------------------------

    async def _check(self, owner: str, voucher: Voucher) -> None:
        known = self._known.get(voucher.contract)
        if known is None:
            channel = await self.channel(owner, voucher.contract)
            passphrase = (await self._chain.terms()).passphrase
            commitments = Commitments(voucher.contract, network_id(passphrase))
            known = owner, Verifier(commitments, channel.key)
            self._known[voucher.contract] = known
            _forget_oldest(self._known)
        if known[0] != owner:
            raise UnknownChannel(voucher.contract)
        if not known[1].is_good(voucher.cumulative, voucher.signature):
            raise BadVoucher("not signed by the payment channel's key")

    async def _require_room(self, owner: str) -> None:
        channels = await self.channels(owner)
        unfinished = [each for each in channels if each.state is not ChannelState.CLOSED]
        if len(unfinished) >= PAYMENT_CHANNELS_OPEN_MAX:
            text = f"an account has {PAYMENT_CHANNELS_OPEN_MAX} at most; close one of them"
            raise ContractRefused("too_many", text)

    async def _kept(self, contract: str) -> PaymentChannel | None:
        with unavailable():
            return await self._store.channel(contract)

    def _new(
        self,
        owner: str,
        contract: str,
        signature: bytes,
        found: ContractState,
        terms: ChannelTerms,
    ) -> PaymentChannel:
        now = self._now()
        return PaymentChannel(
            contract=contract,
            owner=owner,
            asset=terms.asset,
            payer=found.payer,
            key=found.key,
            waiting_ledgers=found.waiting_ledgers,
            deposited=Stroops(found.deposited),
            seen_at=now,
            collected_at=now,
            signature=signature,
        )

    # --- writing ---------------------------------------------------------------------------------

    async def _written(self, voucher: Voucher) -> Outcome:
        if len(self._waiting) >= VOUCHERS_WAITING_MAX:
            raise Overloaded("too many vouchers")
        done: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((voucher, done))
        if self._writer is None:
            self._writer = spawn(self._write(), name="vouchers")
        return await done

    async def _write(self) -> None:
        try:
            while self._waiting:
                some = self._waiting[:VOUCHERS_TOGETHER_MAX]
                del self._waiting[: len(some)]
                await self._write_some(some)
        finally:
            self._writer = None

    async def _write_some(self, some: list[_Waiting]) -> None:
        seen_since = self._now() - timedelta(seconds=VOUCHER_SEEN_SECONDS_MAX)
        failure = MeterUnavailable("vouchers cannot be stored now")
        outcomes: list[Outcome] = []
        try:
            with unavailable():
                outcomes = await self._store.accept([voucher for voucher, _ in some], seen_since)
        except MeterUnavailable as error:
            failure = error
        finally:
            # Whatever happened, everybody hears of it; whoever has gone does not.
            for place, (_, done) in enumerate(some):
                if done.done():
                    continue
                if place < len(outcomes):
                    done.set_result(outcomes[place])
                else:
                    done.set_exception(failure)

    async def _taken_back(
        self, channel: PaymentChannel, last: Voucher | None, amount: Stroops
    ) -> PaymentChannel:
        outcome: list[Outcome] = []

        async def close() -> None:
            try:
                with unavailable():
                    outcome.append(await self._store.close(channel.contract, last))
            except (VoucherRefused, UnknownChannel) as refusal:
                outcome.append(refusal)

        account = viewer_account(channel.owner, channel.asset)
        await self._wallets.take_out(TakingOut(account, amount, close))
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall_ms() / 1000, UTC)


def _forget_oldest[Value](known: OrderedDict[str, Value]) -> None:
    if len(known) > VOUCHER_BUDGETS_MAX:
        known.popitem(last=False)
