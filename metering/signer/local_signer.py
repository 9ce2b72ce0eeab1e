"""Signs what was planned with keys that it has: what the signer's process does with an order."""

import asyncio
from dataclasses import replace
from typing import Protocol

from config.clock import Clock, SystemClock
from metering.money import NATIVE, STROOPS_MAX, BadAsset, checked_asset
from metering.settlement.outbox import Settlement, SignedEnvelope
from metering.settlement.signer import Reason, Refused, SigningOrder
from metering.settlement.strkey import BadAddress
from metering.settlement.transaction import BadMemo, Slot, Unsigned, build, build_bump
from metering.signer.collecting import CollectingOrder, authorization_hash
from metering.signer.keys import Keys
from metering.signer.register import Entry, MemoryRegister, Register
from metering.signer.rules import (
    Rules,
    check_allowed,
    check_bump,
    check_planned,
    check_time,
    outflow,
)

_UNCAPPED = Rules({NATIVE: STROOPS_MAX}, fees=STROOPS_MAX, settlements=STROOPS_MAX)


class Settlements(Protocol):
    """Where the signer reads what was planned."""

    async def settlement(self, settlement_id: str) -> Settlement | None:
        """A settlement as it is now; None when there is none of that id.

        Raises:
            SignerAway: that cannot be read now.
        """


class LocalSigner:
    """Implements `Signer` in the process that it is in; others reach it through `desk`.

    Args:
        seed: the hot account's.
        passphrase: names the network.
        settlements: what was planned.
        rules: how much is signed in a day; without, nothing is capped.
        register: what was signed; without, it is forgotten with this object.
        clock: when.

    Raises:
        BadSeed: not a seed.
    """

    def __init__(  # one place wires it, by keyword
        self,
        seed: str,
        passphrase: str,
        settlements: Settlements,
        *,
        rules: Rules = _UNCAPPED,
        register: Register | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._keys = Keys(seed)
        self._passphrase = passphrase
        self._settlements = settlements
        self._rules = rules
        self._register = MemoryRegister() if register is None else register
        self._clock = SystemClock() if clock is None else clock
        # One order after the other: each has to see what the one before it has spent.
        self._turn = asyncio.Lock()

    @property
    def hot(self) -> str:
        return self._keys.hot

    @property
    def channels(self) -> tuple[str, ...]:
        return self._keys.channels

    async def sign(self, order: SigningOrder) -> SignedEnvelope:
        async with self._turn:
            settlement = await self._planned(order.settlement, order.source)
            known = self._register.of(settlement.id)
            if known is not None:
                return self._signed_before(known, settlement)
            return self._signed_first(order, settlement)

    async def bump(self, envelope: SignedEnvelope, fee: int) -> SignedEnvelope:
        async with self._turn:
            entry = self._register.by_hash(envelope.hash)
            if entry is None:
                raise Refused(Reason.NOT_SIGNED_HERE, envelope.hash)
            settlement = await self._planned(entry.settlement, entry.slot.source)
            inner = self._signed_before(entry, settlement)
            spent = self._register.spent(self._clock.wall_ms())
            check_bump(entry, len(settlement.payments), fee, self._rules, spent)
            self._register.add(replace(entry, fee=max(entry.fee, fee)))
        bump = build_bump(inner.xdr, fee, self.hot, self._passphrase)
        xdr = bump.signed(self._keys.sign(bump.hash, [self.hot]))
        return replace(inner, xdr=xdr, hash=bump.hash.hex(), fee=fee)

    async def authorize(self, order: CollectingOrder) -> bytes:
        """Implements `collecting.CollectingSigner`."""
        hash_ = authorization_hash(order, self._passphrase)
        [signature] = self._keys.sign(hash_, [self.hot]).values()
        return signature

    async def _planned(self, settlement_id: str, source: str) -> Settlement:
        settlement = await self._settlements.settlement(settlement_id)
        return check_planned(source, settlement, self._keys.accounts)

    def _signed_first(self, order: SigningOrder, settlement: Settlement) -> SignedEnvelope:
        now_ms = self._clock.wall_ms()
        check_time(order.max_time, now_ms)
        spent = self._register.spent(now_ms)
        check_allowed(order, settlement, self._rules, spent, self._keys.accounts)
        slot = Slot(order.source, order.sequence, order.max_time)
        entry = Entry(
            settlement=settlement.id,
            at_ms=now_ms,
            asset=settlement.asset,
            outflow=outflow(settlement, self._keys.accounts),
            slot=slot,
            ledger=order.ledger,
            hash=self._built(settlement, slot).hash.hex(),
            fee=settlement.fee_max,
        )
        # Before there is a signature: what was signed and is not known would not count.
        self._register.add(entry)
        return self._envelope(entry, settlement)

    def _signed_before(self, entry: Entry, settlement: Settlement) -> SignedEnvelope:
        """The same envelope as then: the plan, the slot and the keys are all there is to it."""
        if self._built(settlement, entry.slot).hash.hex() != entry.hash:
            raise Refused(Reason.ALTERED, settlement.id)
        return self._envelope(entry, settlement)

    def _envelope(self, entry: Entry, settlement: Settlement) -> SignedEnvelope:
        slot = entry.slot
        unsigned = self._built(settlement, slot)
        return SignedEnvelope(
            xdr=unsigned.signed(self._keys.sign(unsigned.hash, (slot.source, self.hot))),
            hash=entry.hash,
            source=slot.source,
            sequence=slot.sequence,
            max_time=slot.max_time,
            fee=settlement.fee_max,
            ledger=entry.ledger,
        )

    def _built(self, settlement: Settlement, slot: Slot) -> Unsigned:
        try:
            checked_asset(settlement.asset)
            return build(settlement, slot, self.hot, self._passphrase)
        except (BadAddress, BadAsset, BadMemo) as error:
            raise Refused(Reason.MALFORMED, str(error)) from None
