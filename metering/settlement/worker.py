"""The loop that pays what is due: finishes what is under way, then plans the next settlements."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

import structlog

from config.clock import Clock
from config.ids import Ids, new_id
from config.limits import (
    SETTLEMENT_ENVELOPE_SECONDS,
    SETTLEMENT_PAUSE_MS,
    SETTLEMENT_POLL_MS,
    SETTLEMENT_STEPS_MAX,
)
from config.postgres import UNAVAILABLE
from config.tasks import cancel, spawn
from metering.ledger.ledger import Ledger, WouldOverdraw
from metering.money import NATIVE
from metering.settlement.batch import PAYEE_CODES, UNAFFORDABLE_CODES
from metering.settlement.bidding import Bidding
from metering.settlement.chain import Chain, ChainUnreachable, UnknownHotAccount, WrongNetwork
from metering.settlement.lifecycle import (
    Action,
    Answered,
    Began,
    Declined,
    Observation,
    Signed,
    Unreachable,
    step,
    together,
)
from metering.settlement.outbox import MovedOn, Outbox, Settlement, State
from metering.settlement.planner import Planner, Seals, Terms
from metering.settlement.senders import Senders
from metering.settlement.sending import Found, NotFound
from metering.settlement.signer import Refused, Signer, SignerAway, SigningOrder
from metering.settlement.source import PaymentSource

log = structlog.get_logger(__name__)

_RESTS = (Action.REST, Action.ALARM)
_EXPLAINED = (*PAYEE_CODES, *UNAFFORDABLE_CODES)


class Splits(Protocol):
    """Whoever shares out what several creators earned together."""

    async def share_out(self) -> None:
        """Do it now. May raise one of `config.postgres.UNAVAILABLE`."""


class Treasury(Protocol):
    """Whoever keeps the hot account filled; asked before something is planned."""

    async def replenish(self) -> object:
        """Fill up, if needed. May raise what `Chain` raises."""


class Gate(Protocol):
    """Whoever can tell that paying has to wait, because the books may be wrong."""

    def hold(self) -> str | None:
        """Why nothing may be planned or signed now; None: it may."""


class SettlementWorker:
    """Owns the outbox of one hot account.

    Args:
        outbox: what was planned and sent.
        chain: where it is sent.
        signer: has the keys of the hot account and of the channel accounts.
        ledger: what everybody has.
        sources: who has somebody to be paid.
        clock: for ids, and for when to send again.
        interval_ms: time from one planning to the next; less while something is under way.
        terms: how much is paid in a day.
        channels: how many channel accounts are used; without any, the hot account sends all.
        asset: what is paid out.
        elsewhere: assets that other workers of this process pay out, and take further.
        treasury: asked to fill up before each planning.
        splits: asked to share out before each planning.
        seals: the journal's, which statements name.
        gate: asked before anything is planned or signed. What is signed goes on in any case.
        ids: how settlements and payments get theirs.
    """

    def __init__(  # noqa: PLR0913  # one place wires it, by keyword
        self,
        outbox: Outbox,
        chain: Chain,
        signer: Signer,
        ledger: Ledger,
        sources: Sequence[PaymentSource],
        clock: Clock,
        *,
        interval_ms: int,
        terms: Terms,
        channels: int = 0,
        asset: str = NATIVE,
        elsewhere: Collection[str] = (),
        treasury: Treasury | None = None,
        splits: Splits | None = None,
        seals: Seals | None = None,
        gate: Gate | None = None,
        ids: Ids = new_id,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._signer = signer
        self._clock = clock
        self._interval_ms = interval_ms
        self._elsewhere = frozenset(elsewhere)
        self._treasury = treasury
        self._splits = splits
        self._gate = gate
        self._bidding = Bidding(outbox, chain, signer, ledger, clock, terms)
        self._planner = Planner(
            outbox=outbox,
            chain=chain,
            senders=Senders(ledger, chain, signer.hot, signer.channels[:channels]),
            sources=sources,
            clock=clock,
            asset=asset,
            fills_senders=NATIVE not in self._elsewhere,
            terms=terms,
            seals=seals,
            ids=ids,
        )
        self._pass = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._paused_until_ms = 0
        self._held: str | None = None

    async def start(self) -> None:
        """Begin to settle; what is under way from an earlier run goes first."""
        self._task = spawn(self._run(), "settlement")

    async def stop(self) -> None:
        """End after the step under way; everything that matters is in the outbox."""
        await cancel(self._task)

    async def run_once(self) -> bool:
        """One pass: take what is unfinished further, and plan anew with what is free.

        Returns:
            True when there is more to do soon.
        """
        async with self._pass:
            for settlement in await self._outbox.unfinished():
                if settlement.asset not in self._elsewhere:
                    await self._drive(settlement)
            under_way = await self._outbox.unfinished()
            for planned in await self._plan(under_way):
                under_way.append(planned)
                await self._drive(planned)
            return any(each.asset not in self._elsewhere for each in under_way)

    async def _run(self) -> None:
        while True:
            wait_ms = self._interval_ms
            try:
                if await self.run_once() or self._held is not None:
                    wait_ms = min(SETTLEMENT_POLL_MS, self._interval_ms)
            except UNAVAILABLE as error:
                # Nothing is lost: the next pass reads from the outbox how far this one came.
                log.warning("settlement waits for the database", reason=str(error))
            await asyncio.sleep(wait_ms / 1000)

    async def _plan(self, under_way: Sequence[Settlement]) -> Sequence[Settlement]:
        """Set the money of the next settlements aside; none when nobody is due or can be paid."""
        if self._clock.monotonic_ms() < self._paused_until_ms or self._is_held():
            return []
        try:
            if self._treasury is not None:
                await self._treasury.replenish()
            if self._splits is not None:
                await self._splits.share_out()
            return await self._planner.plan(under_way)
        except (ChainUnreachable, WrongNetwork) as error:
            log.warning("no settlement planned", reason=str(error))
            return []

    def _is_held(self) -> bool:
        reason = None if self._gate is None else self._gate.hold()
        if reason is not None and reason != self._held:
            log.warning("nothing is planned or signed", reason=reason)
        self._held = reason
        return reason is not None

    # --- one settlement --------------------------------------------------------------------------

    async def _drive(self, settlement: Settlement) -> None:
        """Take a settlement as far as it goes now."""
        observation: Observation = Began()
        for _ in range(SETTLEMENT_STEPS_MAX):
            after, actions = step(settlement, observation, self._clock.wall_ms())
            if after != settlement:
                try:
                    await self._outbox.advance(settlement, after)
                except MovedOn:
                    return  # Another worker has it; it is written down how far.
                except WouldOverdraw:
                    return  # The treasury was spent meanwhile: no higher bid.
                settlement = after
            if not actions or actions[-1] in _RESTS:
                self._rested(settlement, actions)
                return
            for action in actions:
                observation = await self._act(action, settlement, observation)
        raise AssertionError(f"{settlement.id} does not come to rest")

    async def _act(
        self, action: Action, settlement: Settlement, observation: Observation
    ) -> Observation:
        try:
            match action:
                case Action.SIGN:
                    return await self._sign(settlement)
                case Action.BUMP:
                    assert isinstance(observation, NotFound), "what is there needs no higher bid"
                    return await self._bidding.bump(settlement, observation.latest_ledger)
                case Action.SEND:
                    return await self._send(settlement)
                case Action.LOOK:
                    return await self._look(settlement)
                case Action.CONFIRM:
                    assert isinstance(observation, Answered), "it was refused"
                    return await self._look(settlement, refusal=observation.detail)
                case _:
                    raise AssertionError(f"{action} leads to no observation")
        except (ChainUnreachable, UnknownHotAccount, WrongNetwork, SignerAway) as error:
            log.warning("settlement waits", settlement=settlement.id, reason=str(error))
            return Unreachable()

    async def _sign(self, settlement: Settlement) -> Observation:
        if self._is_held():
            return Unreachable()  # The books may lack that it was signed, and paid.
        account = await self._chain.account(settlement.source)
        tip = await self._chain.tip()
        if account is None:
            raise UnknownHotAccount(settlement.source)
        order = SigningOrder(
            settlement=settlement.id,
            source=settlement.source,
            sequence=account.sequence + 1,
            max_time=tip.close_time + SETTLEMENT_ENVELOPE_SECONDS,
            ledger=tip.ledger,
        )
        try:
            return Signed(await self._signer.sign(order))
        except Refused as refused:
            log.error("the signer refuses", settlement=settlement.id, reason=str(refused))
            return Unreachable() if refused.reason.passes else Declined(f"signer: {refused.reason}")

    async def _send(self, settlement: Settlement) -> Observation:
        assert settlement.latest is not None, "only a signed envelope is sent"
        answered = await self._chain.send(settlement.latest)
        log.info(
            "settlement sent",
            settlement=settlement.id,
            answer=answered.answer.value,
            detail=answered.detail,
        )
        return answered

    async def _look(self, settlement: Settlement, *, refusal: str | None = None) -> Observation:
        assert settlement.signed is not None, "only a signed envelope is looked for"
        looks = []
        for envelope in (settlement.signed, *settlement.bumps):
            seen = await self._chain.look(envelope)
            if isinstance(seen, Found):
                return seen
            looks.append(seen)
        return replace(together(looks), refusal=refusal)

    def _rested(self, settlement: Settlement, actions: Sequence[Action]) -> None:
        """Say how it ended, and plan nothing for a while when the next one would end so, too."""
        if Action.ALARM in actions:
            log.error("the node forgot the ledgers since this was signed", settlement=settlement.id)
        outcome = settlement.outcome
        if outcome is None:
            return
        log.info(
            "settlement ended",
            settlement=settlement.id,
            state=settlement.state.value,
            code=outcome.code,
            ledger=outcome.ledger,
        )
        explained = any(code in _EXPLAINED for code in outcome.operations)
        declined = settlement.state == State.DEAD and settlement.signed is None
        if declined or (settlement.state == State.FAILED and not explained):
            log.error("nothing is planned for a minute", code=outcome.code)
            self._paused_until_ms = self._clock.monotonic_ms() + SETTLEMENT_PAUSE_MS
