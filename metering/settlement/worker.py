"""The loop that pays creators: finishes what is under way, then plans the next settlement."""

import asyncio
from typing import Protocol

import structlog

from config.clock import Clock
from config.ids import Ids, new_id
from config.limits import (
    SETTLEMENT_POLL_MS,
    SETTLEMENT_REST_MS,
    SETTLEMENT_STEPS_MAX,
)
from config.postgres import UNAVAILABLE
from config.tasks import cancel, spawn
from metering.ledger.ledger import Ledger, WouldOverdraw, creator_account
from metering.money import NATIVE, Stroops
from metering.settlement.batch import (
    NO_ADDRESS,
    OWN_ADDRESS,
    PAYEE_CODES,
    REFUSED_LATELY,
    Due,
    choose,
    due_creators,
    fee_rate,
)
from metering.settlement.chain import Chain, ChainUnreachable, UnknownHotAccount, WrongNetwork
from metering.settlement.lifecycle import (
    Action,
    Began,
    NotFound,
    Observation,
    Signed,
    Unreachable,
    step,
)
from metering.settlement.outbox import (
    MovedOn,
    Outbox,
    Payment,
    Settlement,
    SourceBusy,
)

log = structlog.get_logger(__name__)

_RESTS = (Action.REST, Action.ALARM)


class PayeeDirectory(Protocol):
    """Where creators want their money."""

    async def address(self, creator: str) -> str | None:
        """A creator's Stellar address; None when there is none yet."""


class Splits(Protocol):
    """Whoever shares out what several creators earned together."""

    async def share_out(self) -> None:
        """Do it now. May raise one of `config.postgres.UNAVAILABLE`."""


class Treasury(Protocol):
    """Whoever keeps the hot account filled; asked when nothing is under way."""

    async def replenish(self) -> object:
        """Fill up, if needed. May raise what `Chain` raises."""


class SettlementWorker:
    """Owns the outbox of one hot account.

    Args:
        outbox: what was planned and sent.
        chain: where it is sent, from its hot account.
        ledger: what creators earned.
        payees: where they want it.
        clock: for ids, and for when to send again.
        interval_ms: time from one settlement to the next; less while one is under way.
        minimum: smaller earnings wait.
        asset: what is paid out.
        treasury: asked to fill up before each planning.
        splits: asked to share out before each planning.
        ids: how settlements and payouts get theirs.
    """

    def __init__(  # noqa: PLR0913  # one place wires it, by keyword
        self,
        outbox: Outbox,
        chain: Chain,
        ledger: Ledger,
        payees: PayeeDirectory,
        clock: Clock,
        *,
        interval_ms: int,
        minimum: Stroops,
        asset: str = NATIVE,
        treasury: Treasury | None = None,
        splits: Splits | None = None,
        ids: Ids = new_id,
    ) -> None:
        self._outbox = outbox
        self._chain = chain
        self._ledger = ledger
        self._payees = payees
        self._clock = clock
        self._interval_ms = interval_ms
        self._minimum = minimum
        self._asset = asset
        self._treasury = treasury
        self._splits = splits
        self._ids = ids
        self._pass = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to settle; what is under way from an earlier run goes first."""
        self._task = spawn(self._run(), "settlement")

    async def stop(self) -> None:
        """End after the step under way; everything that matters is in the outbox."""
        await cancel(self._task)

    async def settle_now(self) -> None:
        """Pay everyone who is due, and return when the outcome of each payout is known.

        Takes as long as the chain does: two minutes at most for a payout that got lost.
        """
        while True:
            if not await self.run_once():
                return
            await asyncio.sleep(SETTLEMENT_POLL_MS / 1000)

    async def run_once(self) -> bool:
        """One pass: take what is unfinished further, and plan anew when nothing is left.

        Returns:
            True when there is more to do soon.
        """
        async with self._pass:
            for settlement in await self._outbox.unfinished(self._chain.address):
                await self._drive(settlement)
            if await self._outbox.unfinished(self._chain.address):
                return True
            planned = await self._plan()
            if planned is not None:
                await self._drive(planned)
            return planned is not None

    async def _run(self) -> None:
        while True:
            wait_ms = self._interval_ms
            try:
                if await self.run_once():
                    wait_ms = min(SETTLEMENT_POLL_MS, self._interval_ms)
            except UNAVAILABLE as error:
                # Nothing is lost: the next pass reads from the outbox how far this one came.
                log.warning("settlement waits for the database", reason=str(error))
            await asyncio.sleep(wait_ms / 1000)

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
                settlement = after
            if not actions or actions[-1] in _RESTS:
                _report(settlement, actions)
                return
            for action in actions:
                observation = await self._act(action, settlement)
        raise AssertionError(f"{settlement.id} does not come to rest")

    async def _act(self, action: Action, settlement: Settlement) -> Observation:
        try:
            match action:
                case Action.SIGN:
                    return Signed(await self._chain.sign(settlement))
                case Action.SEND:
                    assert settlement.signed is not None, "only a signed envelope is sent"
                    answered = await self._chain.send(settlement.signed)
                    log.info(
                        "settlement sent",
                        settlement=settlement.id,
                        answer=answered.answer.value,
                        detail=answered.detail,
                    )
                    return answered
                case Action.LOOK | Action.CONFIRM:
                    return await self._look(settlement, confirming=action == Action.CONFIRM)
                case _:
                    raise AssertionError(f"{action} leads to no observation")
        except (ChainUnreachable, UnknownHotAccount, WrongNetwork) as error:
            log.warning("settlement waits", settlement=settlement.id, reason=str(error))
            return Unreachable()

    async def _look(self, settlement: Settlement, *, confirming: bool) -> Observation:
        assert settlement.signed is not None, "only a signed envelope is looked for"
        seen = await self._chain.look(settlement.signed)
        if isinstance(seen, NotFound):
            return NotFound(
                seen.latest_ledger,
                seen.latest_close_time,
                seen.oldest_ledger,
                seen.source_sequence,
                confirming,
            )
        return seen

    # --- planning --------------------------------------------------------------------------------

    async def _plan(self) -> Settlement | None:
        """Set the money of the next settlement aside; None when nobody is due or can be paid."""
        try:
            if self._treasury is not None:
                await self._treasury.replenish()
            if self._splits is not None:
                await self._splits.share_out()
            due = await self._due()
            return await self._plan_for(due) if due else None
        except (ChainUnreachable, WrongNetwork) as error:
            log.warning("no settlement planned", reason=str(error))
        except WouldOverdraw as error:
            log.warning("no settlement planned: too little money", account=error.account)
        except SourceBusy:
            log.info("no settlement planned: another worker has planned one")
        return None

    async def _due(self) -> list[Due]:
        """Who can be paid now; who cannot is noted with the reason."""
        balances = await self._ledger.balances("creator:")
        owed = due_creators(balances, self._asset, self._minimum)
        addresses = {creator: await self._payees.address(creator) for creator in owed}
        obstacles = {creator: NO_ADDRESS for creator, at in addresses.items() if at is None}
        known = {creator: at for creator, at in addresses.items() if at is not None}
        if known:
            blocked = await self._chain.obstacles(sorted(set(known.values())))
            blocked[self._chain.address] = OWN_ADDRESS
            obstacles |= {c: blocked[at] for c, at in known.items() if at in blocked}
        since_ms = self._clock.wall_ms() - SETTLEMENT_REST_MS
        for creator in await self._outbox.refused_since(self._asset, PAYEE_CODES, since_ms):
            if creator in owed:
                obstacles.setdefault(creator, REFUSED_LATELY)
        await self._outbox.note_obstacles(self._asset, obstacles)
        return [Due(c, at, owed[c]) for c, at in known.items() if c not in obstacles]

    async def _plan_for(self, due: list[Due]) -> Settlement | None:
        rate = fee_rate(await self._chain.fee_p80())
        holdings = await self._chain.holdings(self._chain.address)
        spendable = Stroops(0) if holdings is None else holdings.spendable
        batch = choose(due, spendable, rate)
        if batch.waiting:
            log.error(
                "the hot account cannot pay everyone",
                spendable=spendable,
                waiting=len(batch.waiting),
            )
        if not batch.paid:
            return None
        now_ms = self._clock.wall_ms()
        payments = tuple(
            Payment(
                self._ids("pay", now_ms),
                paid.creator,
                paid.address,
                paid.amount,
                account=creator_account(paid.creator, self._asset).id,
                due=paid.creator,
            )
            for paid in batch.paid
        )
        settlement = Settlement(
            id=self._ids("set", now_ms),
            asset=self._asset,
            source=self._chain.address,
            fee_max=rate * len(payments),
            payments=payments,
            created_ms=now_ms,
        )
        await self._outbox.plan(settlement)
        log.info("settlement planned", settlement=settlement.id, payments=len(payments))
        return settlement


def _report(settlement: Settlement, actions: tuple[Action, ...]) -> None:
    if Action.ALARM in actions:
        log.error("the node forgot the ledgers since this was signed", settlement=settlement.id)
    if settlement.outcome is not None:
        log.info(
            "settlement ended",
            settlement=settlement.id,
            state=settlement.state.value,
            code=settlement.outcome.code,
            ledger=settlement.outcome.ledger,
        )
