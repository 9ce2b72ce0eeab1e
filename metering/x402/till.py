"""Takes presented payments: one transaction at a time, each kept before it is sent."""

import asyncio
from typing import Protocol

import structlog

from config.clock import Clock
from config.ids import Ids, new_id
from config.limits import (
    SETTLEMENT_POLL_MS,
    X402_FEES_PER_DAY_STROOPS,
    X402_WAIT_SECONDS,
)
from metering.money import Stroops
from metering.settlement.lifecycle import Answered
from metering.settlement.outbox import MovedOn, SignedEnvelope, SourceBusy, State
from metering.settlement.sending import Found, NotFound, is_due, sent
from metering.x402.errors import NobodyPaysFees, StillUnderWay
from metering.x402.store import TopUpStore
from metering.x402.terms import PaymentRefused, Terms
from metering.x402.top_up import AlreadyPresented, TopUp, looked
from metering.x402.transfer import Transfer

log = structlog.get_logger(__name__)

_DAY_MS = 86_400_000
_USED = "invalid_transaction_state"


class Sponsor(Protocol):
    """Who makes transactions of transfers; every method may raise `ChainUnreachable` and
    `WrongNetwork`.
    """

    @property
    def address(self) -> str:
        """The account that pays for them."""

    async def carry(self, transfer: Transfer, terms: Terms) -> SignedEnvelope:
        """The signed transaction, not sent yet.

        Raises:
            PaymentRefused: it would fail, or do something else.
            NobodyPaysFees: the account does not exist.
        """


class Envelopes(Protocol):
    """Where transactions are sent and found again; `settlement.chain.Chain` is."""

    async def send(self, envelope: SignedEnvelope) -> Answered: ...
    async def look(self, envelope: SignedEnvelope) -> Found | NotFound: ...


class Till:
    """Owns what one account sends.

    Args:
        store: what was presented.
        sponsor: who makes and pays for transactions.
        envelopes: where they are sent.
        clock: the time.
        ids: how top-ups get theirs.
        poll_ms: how often a transaction that is under way is looked for.
    """

    def __init__(
        self,
        store: TopUpStore,
        sponsor: Sponsor,
        envelopes: Envelopes,
        clock: Clock,
        *,
        ids: Ids = new_id,
        poll_ms: int = SETTLEMENT_POLL_MS,
    ) -> None:
        self._store = store
        self._sponsor = sponsor
        self._envelopes = envelopes
        self._clock = clock
        self._ids = ids
        self._poll_seconds = poll_ms / 1000
        self._turn = asyncio.Lock()

    async def take(self, account: str, asset: str, transfer: Transfer, terms: Terms) -> TopUp:
        """Bring a transfer onto the chain, or find that it is there.

        Args:
            account: for whom it is.
            asset: as the ledger calls it.
            transfer: passed `read_transfer` by these terms.
            terms: what was asked for.

        Returns:
            The payment as part of a ledger.

        Raises:
            PaymentRefused: it would fail, or failed; or it was somebody else's.
            NobodyPaysFees, StillUnderWay, ChainUnreachable, WrongNetwork, or one of
                `config.postgres.UNAVAILABLE`.
        """
        try:
            async with asyncio.timeout(X402_WAIT_SECONDS):
                top_up = await self._begun(account, asset, transfer, terms)
                ended = await self._ended(top_up)
        except TimeoutError as error:
            raise StillUnderWay(transfer.payer) from error
        if ended.state is not State.APPLIED:
            code = "" if ended.outcome is None else ended.outcome.code
            raise PaymentRefused(_USED, f"the transaction was not applied: {code}")
        return ended

    async def _begun(self, account: str, asset: str, transfer: Transfer, terms: Terms) -> TopUp:
        """The transaction that carries the transfer: kept, perhaps not sent."""
        while True:
            known = await self._store.presented(transfer.payer, transfer.nonce)
            if known is not None:
                return _checked(known, account, terms)
            async with self._turn:
                before = await self._store.under_way(self._sponsor.address)
                if before is not None:
                    await self._ended(before)
                    continue
                try:
                    return await self._begin(account, asset, transfer, terms)
                except (AlreadyPresented, SourceBusy):
                    continue  # Another process was first.

    async def _begin(self, account: str, asset: str, transfer: Transfer, terms: Terms) -> TopUp:
        now_ms = self._clock.wall_ms()
        await self._require_budget(now_ms)
        top_up = TopUp(
            id=self._ids("top", now_ms),
            account=account,
            payer=transfer.payer,
            nonce=transfer.nonce,
            asset=asset,
            amount=Stroops(terms.amount),
            signed=await self._sponsor.carry(transfer, terms),
            created_ms=now_ms,
        )
        await self._store.begin(top_up)
        return top_up

    async def _require_budget(self, now_ms: int) -> None:
        """What others can make us pay in a day has an end."""
        address = self._sponsor.address
        spent = await self._store.fees_since(address, now_ms - _DAY_MS)
        if spent >= X402_FEES_PER_DAY_STROOPS:
            log.error("no more payments are taken today: their fees", stroops=spent)
            raise NobodyPaysFees(address)

    async def _ended(self, top_up: TopUp) -> TopUp:
        """Look and send until a ledger has it, or none can any more."""
        while not top_up.state.final:
            seen = await self._envelopes.look(top_up.signed)
            after = looked(top_up, seen)
            if after == top_up and is_due(top_up, self._clock.wall_ms()):
                answered = await self._envelopes.send(top_up.signed)
                log.info("top-up sent", id=top_up.id, answer=answered.answer.value)
                after = sent(top_up, self._clock.wall_ms())
            if after != top_up:
                top_up = await self._advanced(top_up, after)
            if not top_up.state.final:
                await asyncio.sleep(self._poll_seconds)
        return top_up

    async def _advanced(self, before: TopUp, after: TopUp) -> TopUp:
        try:
            await self._store.advance(before, after)
        except MovedOn:
            # Somebody else looks after it as well, and has seen what there is to see.
            kept = await self._store.presented(before.payer, before.nonce)
            return after if kept is None or kept.id != before.id else kept
        return after


def _checked(known: TopUp, account: str, terms: Terms) -> TopUp:
    if known.account != account or known.amount != terms.amount:
        raise PaymentRefused(_USED, "this payment was presented for something else")
    return known
