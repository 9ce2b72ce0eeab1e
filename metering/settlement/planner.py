"""What is planned next: who is due, what keeps whom from being paid, and how much may be spent."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from config.clock import Clock
from config.ids import Ids
from config.limits import (
    SETTLEMENT_DAY_MS,
    SETTLEMENT_DUES_MAX,
    SETTLEMENT_REST_MS,
    SETTLEMENT_UNDER_WAY_MAX,
)
from metering.ledger.journal import Seal
from metering.ledger.ledger import WouldOverdraw
from metering.money import NATIVE, STROOPS_MAX, Stroops
from metering.settlement.batch import (
    DAILY_CAP,
    OWN_ADDRESS,
    PAYEE_CODES,
    UNAFFORDABLE_CODES,
    Judged,
    Plan,
    Room,
    fee_rate,
    fill,
    judge,
)
from metering.settlement.chain import Chain
from metering.settlement.outbox import Outbox, Payment, Settlement, SourceBusy
from metering.settlement.reclaims import Reclaims
from metering.settlement.senders import Sender, Senders
from metering.settlement.source import Due, PaymentSource

log = structlog.get_logger(__name__)


class Seals(Protocol):
    """Who knows the journal's seals."""

    async def head(self) -> Seal | None:
        """The last one; None when there is none yet."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How much is paid, in stroops a day: of the asset, and of lumens in fees."""

    daily_cap: Stroops
    daily_fees: int


class Planner:
    """Plans settlements of one hot account in one asset.

    Args:
        outbox: where they are kept.
        chain: what the hot account has, and who can be paid.
        senders: who can send them.
        sources: who has somebody to be paid.
        clock: for ids, and for what was spent lately.
        asset: what is paid.
        fills_senders: whether it also sees to it that there are channel accounts.
        terms: how much.
        seals: what the statements name as the journal's end; without, nothing.
        ids: how settlements and payments get theirs.
    """

    def __init__(  # noqa: PLR0913  # one place wires it, by keyword
        self,
        *,
        outbox: Outbox,
        chain: Chain,
        senders: Senders,
        sources: Sequence[PaymentSource],
        clock: Clock,
        asset: str,
        terms: Terms,
        ids: Ids,
        seals: Seals | None = None,
        fills_senders: bool = True,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._senders = senders
        self._sources = sources
        self._reclaims = Reclaims(outbox, chain, clock)
        self._clock = clock
        self._asset = asset
        self._terms = terms
        self._seals = seals
        self._ids = ids
        self._fills_senders = fills_senders

    async def plan(self, under_way: Sequence[Settlement]) -> list[Settlement]:
        """Set the money of what can be paid now aside, and of what our own accounts need.

        Args:
            under_way: what has not ended.

        Raises:
            ChainUnreachable, WrongNetwork: nothing is known of who can be paid.
        """
        own = await self._plan_own(under_way) if self._fills_senders else []
        back = await self._plan_reclaims([*under_way, *own])
        return [*own, *back, *await self._plan_due([*under_way, *own, *back])]

    async def _plan_own(self, under_way: Sequence[Settlement]) -> list[Settlement]:
        dues = await self._senders.wanting(under_way)
        if not dues:
            return []
        room = await self._room(under_way, transactions=1)
        # No cap is meant for what stays ours.
        room = replace(room, allowance=STROOPS_MAX)
        if self._asset != NATIVE:
            room = replace(room, spendable=STROOPS_MAX)  # of lumens nobody has asked
        plan = fill(dues, room, NATIVE)
        return await self._stored(plan.batches, [self._senders.hot], NATIVE, room.rate)

    async def _plan_reclaims(self, under_way: Sequence[Settlement]) -> list[Settlement]:
        """In a transaction of their own: one that its payee claims meanwhile fails all of it."""
        free = await self._senders.free(under_way)
        dues = await self._reclaims.due(self._asset) if free else []
        if not dues:
            return []
        room = await self._room(under_way, transactions=1)
        # What comes back is neither spent nor capped.
        room = replace(room, allowance=STROOPS_MAX, spendable=STROOPS_MAX)
        plan = fill(dues, room, self._asset)
        return await self._stored(plan.batches, free[-1:], self._asset, room.rate)

    async def _plan_due(self, under_way: Sequence[Settlement]) -> list[Settlement]:
        free = await self._senders.free(under_way)
        if not free:
            return []
        dues = [
            (source, due)
            for source in self._sources
            for due in await source.due(self._asset, SETTLEMENT_DUES_MAX)
        ]
        judged = await self._judged(dues)
        plan, rate = Plan(()), 0
        if judged.payable:
            room = await self._room(under_way, transactions=len(free))
            plan, rate = fill(judged.payable, room, self._asset), room.rate
            _report(plan, room)
        held = {**judged.held, **{due.id: DAILY_CAP for due in plan.capped}}
        await self._outbox.note_obstacles(self._asset, [due.id for _, due in dues], held)
        return await self._stored(plan.batches, free, self._asset, rate)

    # --- who is due ------------------------------------------------------------------------------

    async def _judged(self, dues: Sequence[tuple[PaymentSource, Due]]) -> Judged:
        """Who of them can be paid; those whose accounts refuse it are told so."""
        known = {due.address for _, due in dues if due.address is not None}
        blocked = await self._chain.obstacles(sorted(known)) if known else {}
        blocked |= dict.fromkeys(known & self._senders.addresses, OWN_ADDRESS)
        since_ms = self._clock.wall_ms() - SETTLEMENT_REST_MS
        codes = (*PAYEE_CODES, *UNAFFORDABLE_CODES)
        lately = await self._outbox.refused_since(self._asset, codes, since_ms)
        refusing = [d.account for _, d in dues if d.address in blocked or d.id in lately]
        back = await self._outbox.reclaimed(refusing) if refusing else set()
        judged = judge([due for _, due in dues], self._asset, blocked, lately, back)
        for source, due in dues:
            if due.id in judged.refused:
                await source.refused(due.id, judged.refused[due.id])
        return judged

    # --- how much --------------------------------------------------------------------------------

    async def _room(self, under_way: Sequence[Settlement], *, transactions: int) -> Room:
        holdings = await self._chain.holdings(self._senders.hot.address)
        # What is promised already may still be there.
        promised = sum(each.promised for each in under_way if each.asset == self._asset)
        spendable = 0 if holdings is None else max(0, holdings.spendable - promised)
        since_ms = self._clock.wall_ms() - SETTLEMENT_DAY_MS
        spent = await self._outbox.spent_since(self._asset, since_ms)
        operations = sum(len(each.payments) for each in under_way)
        return Room(
            transactions=transactions,
            payments=max(0, SETTLEMENT_UNDER_WAY_MAX - operations),
            spendable=Stroops(spendable),
            allowance=Stroops(self._terms.daily_cap - spent.paid),
            fees=self._terms.daily_fees - spent.fees,
            rate=fee_rate(await self._chain.fee_p80()),
        )

    # --- what is stored --------------------------------------------------------------------------

    async def _stored(
        self, batches: Sequence[Sequence[Due]], senders: Sequence[Sender], asset: str, rate: int
    ) -> list[Settlement]:
        """The settlements that could be stored; what was not is still due."""
        stored = []
        for batch, sender in zip(batches, senders, strict=False):
            settlement = await self._settlement(batch, sender, asset, rate)
            try:
                await self._outbox.plan(settlement)
            except SourceBusy:
                log.info("no settlement planned: another worker has planned one")
            except WouldOverdraw as error:
                log.warning("no settlement planned: too little money", account=error.account)
            else:
                log.info("settlement planned", settlement=settlement.id, payments=len(batch))
                stored.append(settlement)
        return stored

    async def _settlement(
        self, batch: Sequence[Due], sender: Sender, asset: str, rate: int
    ) -> Settlement:
        now_ms = self._clock.wall_ms()
        return Settlement(
            id=self._ids("set", now_ms),
            asset=asset,
            source=sender.address,
            fee_max=rate * len(batch),
            payments=tuple(_payment(self._ids("pay", now_ms), due) for due in batch),
            created_ms=now_ms,
            fee_account=sender.account,
            sealed=await self._sealed(),
        )

    async def _sealed(self) -> str:
        seal = None if self._seals is None else await self._seals.head()
        return "" if seal is None else f"{seal.number}:{seal.hash.hex()}"


def _payment(payment_id: str, due: Due) -> Payment:
    assert due.address is not None, "who has none is held back"
    return Payment(
        id=payment_id,
        creator=due.owner,
        address=due.address,
        amount=due.amount,
        account=due.account,
        kind=due.kind,
        claimable=due.claimable,
        due=due.id,
        memo=due.memo,
        earned_after=due.earned_after,
        earned_until=due.earned_until,
    )


def _report(plan: Plan, room: Room) -> None:
    if plan.short:
        log.error(
            "the hot account cannot pay everyone",
            spendable=room.spendable,
            waiting=len(plan.short),
        )
    if plan.capped:
        log.warning(
            "the daily cap leaves payments waiting",
            left=room.allowance,
            waiting=len(plan.capped),
        )
    if plan.out_of_fees:
        log.warning("the day's budget for fees leaves payments waiting", left=room.fees)
