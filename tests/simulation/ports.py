"""What a simulated process has instead of a database and a network: the stores in memory and the
chain in a few rules, at the other end of lines that fail.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from config.limits import SETTLEMENT_ENVELOPE_SECONDS
from metering.errors import BooksDisagree, MeterUnavailable
from metering.leases.lease import Leases, Server
from metering.ledger.ledger import Account, Entry, LedgerRefusal, LedgerReport, Standing, Transfer
from metering.money import NATIVE, Stroops
from metering.repricing import PriceChange
from metering.session import Allowance, Batch, SavedSession, Session
from metering.settlement.chain import (
    ChainAccount,
    ChainUnreachable,
    OnChain,
    Thresholds,
    Tip,
)
from metering.settlement.feed import ChainPayment, FeedPage
from metering.settlement.lifecycle import Answer, Answered
from metering.settlement.outbox import (
    Kind,
    Left,
    PayoutView,
    Settlement,
    SignedEnvelope,
    Spending,
)
from metering.settlement.outbox_memory import MemoryOutbox
from metering.settlement.sending import Found, NotFound
from metering.settlement.signer import SignerAway, SigningOrder
from metering.store import MemoryMeterStore
from tests.simulation.at_once import at_once
from tests.simulation.line import Line
from tests.simulation.network import Moved, Network, Payment, bump, seal
from tests.simulation.truth import Truth

HOT = "HOT"
CHANNELS = ("CHANNEL0", "CHANNEL1")


class Watcher(Protocol):
    """Who is told what became true."""

    truth: Truth

    def now_ms(self) -> int: ...

    def tell(self, what: str, detail: str = "", money: int | None = None) -> None: ...

    def count(self, what: str, where: str) -> None: ...


class LeasesPort:
    """Implements `metering.leases.lease.Leases`."""

    def __init__(self, leases: Leases, line: Line, watcher: Watcher) -> None:
        self._leases = leases
        self._line = line
        self._watcher = watcher

    async def acquire(self, server: Server, duration_ms: int, *, succeed: bool) -> int:
        def statement() -> int:
            fence = at_once(self._leases.acquire(server, duration_ms, succeed=succeed))
            self._watcher.tell("leases", f"{fence} for {server.id}")
            self._watcher.truth.leased(server.id, fence, succeed=succeed)
            return fence

        return await self._line.call("beginning a lease", statement)

    async def renew(self, fence: int, duration_ms: int) -> bool:
        return await self._line.call(
            "renewing a lease", lambda: at_once(self._leases.renew(fence, duration_ms))
        )

    async def take_over(self, fence: int, *, expired: bool) -> bool:
        def statement() -> bool:
            taken = at_once(self._leases.take_over(fence, expired=expired))
            if taken:
                self._watcher.tell("took over", f"what others left, to {fence}")
            return taken

        return await self._line.call("taking over", statement)

    async def release(self, fence: int) -> None:
        await self._line.call("ending a lease", lambda: at_once(self._leases.release(fence)))

    async def holder(self, session_id: str) -> Server | None:
        return await self._line.call("reading", lambda: at_once(self._leases.holder(session_id)))


class StorePort:
    """Implements `metering.store.MeterStore`."""

    def __init__(self, store: MemoryMeterStore, line: Line, watcher: Watcher) -> None:
        self.leases = LeasesPort(store.leases, line, watcher)
        self._store = store
        self._line = line
        self._watcher = watcher

    async def open(self, sessions: Sequence[Session], fence: int) -> None:
        def statement() -> None:
            at_once(self._store.open(sessions, fence))
            self._watcher.truth.opened(sessions)

        await self._line.call("opening a session", statement)

    async def commit(self, batch: Batch) -> None:
        def statement() -> None:
            at_once(self._store.commit(batch))
            for change in batch.changes:
                saved, done = change.saved, change.done
                ended = " ended" if saved.closed_at is not None else ""
                detail = f"{saved.session.id} {saved.revision}: {saved.totals.ticks} s{ended}"
                self._watcher.tell("saved", detail, done.amount)
            self._watcher.truth.committed(batch, self._watcher.now_ms())

        try:
            await self._line.call("a commit", statement)
        except (LedgerRefusal, BooksDisagree):
            if len(batch.changes) == 1:  # of several, each is sent again on its own
                self._watcher.truth.rolled_back(batch.changes[0].saved.session.id, self._watcher)
            raise

    async def post(self, accounts: Sequence[Account], transfers: Sequence[Transfer]) -> None:
        def statement() -> None:
            at_once(self._store.post(accounts, transfers))
            for each in transfers:
                self._watcher.tell("posted", each.id, each.amount)
            self._watcher.truth.posted(transfers)

        await self._line.call("a transfer", statement)

    async def balances(self, accounts: Sequence[str]) -> dict[str, Stroops]:
        return await self._line.call("reading", lambda: at_once(self._store.balances(accounts)))

    async def allowances(self, viewers: Sequence[str]) -> dict[str, Allowance]:
        return await self._line.call("reading", lambda: at_once(self._store.allowances(viewers)))

    async def spent(self, viewer: str, asset_id: str, since: datetime) -> Stroops:
        return await self._line.call(
            "reading", lambda: at_once(self._store.spent(viewer, asset_id, since))
        )

    async def announce(self, change: PriceChange) -> None:
        await self._line.call("a price", lambda: at_once(self._store.announce(change)))

    async def price_changes(self, assets: Collection[str]) -> list[PriceChange]:
        return await self._line.call("reading", lambda: at_once(self._store.price_changes(assets)))

    async def consent(self, session_id: str, epoch: str, at: datetime) -> None:
        def statement() -> None:
            at_once(self._store.consent(session_id, epoch, at))
            self._watcher.truth.consented(session_id, epoch)

        await self._line.call("a consent", statement)

    async def consents(self, sessions: Sequence[str]) -> dict[str, set[str]]:
        return await self._line.call("reading", lambda: at_once(self._store.consents(sessions)))

    async def open_sessions(self, fence: int | None = None) -> list[SavedSession]:
        return await self._line.call("reading", lambda: at_once(self._store.open_sessions(fence)))

    async def session(self, session_id: str) -> SavedSession | None:
        return await self._line.call("reading", lambda: at_once(self._store.session(session_id)))


class LedgerPort:
    """Implements `metering.ledger.Ledger`, as far as the settlement needs it."""

    def __init__(self, store: MemoryMeterStore, line: Line, watcher: Watcher) -> None:
        self._ledger = store.ledger
        self._line = line
        self._watcher = watcher

    async def open_accounts(self, accounts: Sequence[Account]) -> None:
        await self._line.call("reading", lambda: at_once(self._ledger.open_accounts(accounts)))

    async def post(self, transfers: Sequence[Transfer]) -> frozenset[str]:
        def statement() -> frozenset[str]:
            new = at_once(self._ledger.post(transfers))
            for each in transfers:
                self._watcher.tell("posted", each.id, each.amount)
            self._watcher.truth.check_sum("a transfer")
            return new

        return await self._line.call("a transfer", statement)

    async def balance(self, account: str) -> Stroops:
        return await self._line.call("reading", lambda: at_once(self._ledger.balance(account)))

    async def balances(self, prefix: str) -> dict[str, Stroops]:
        return await self._line.call("reading", lambda: at_once(self._ledger.balances(prefix)))

    async def standings(self, prefix: str, at_least: Stroops) -> dict[str, Standing]:
        return await self._line.call(
            "reading", lambda: at_once(self._ledger.standings(prefix, at_least))
        )

    async def transfers_of(self, account: str, after: int = 0, limit: int = 1_000) -> list[Entry]:
        return await self._line.call(
            "reading", lambda: at_once(self._ledger.transfers_of(account, after, limit))
        )

    async def check(self) -> LedgerReport:
        return await self._line.call("reading", lambda: at_once(self._ledger.check()))


class OutboxPort:
    """Implements `metering.settlement.outbox.Outbox`."""

    def __init__(self, outbox: MemoryOutbox, line: Line, watcher: Watcher) -> None:
        self._outbox = outbox
        self._line = line
        self._watcher = watcher

    async def plan(self, settlement: Settlement) -> None:
        def statement() -> None:
            at_once(self._outbox.plan(settlement))
            self._watcher.tell("planned", settlement.id, settlement.total)
            self._watcher.truth.check_sum("planning")

        await self._line.call("planning", statement)

    async def advance(self, before: Settlement, after: Settlement) -> None:
        def statement() -> None:
            at_once(self._outbox.advance(before, after))
            money = after.total if after.state.final else None
            self._watcher.tell(f"noted as {after.state}", after.id, money)
            if after.state.final:
                self._watcher.count(f"settlement: {after.state}", after.id)
            self._watcher.truth.check_sum("a step of a settlement")

        await self._line.call(f"noting {after.state}", statement)

    async def unfinished(self, source: str | None = None) -> list[Settlement]:
        return await self._line.call("reading", lambda: at_once(self._outbox.unfinished(source)))

    async def payouts(self, creator: str, asset: str, limit: int) -> list[PayoutView]:
        return at_once(self._outbox.payouts(creator, asset, limit))

    async def totals(self, creator: str, asset: str) -> tuple[Stroops, Stroops]:
        return at_once(self._outbox.totals(creator, asset))

    async def refused_since(
        self, asset: str, codes: Sequence[str], since_ms: int
    ) -> dict[str, str]:
        return at_once(self._outbox.refused_since(asset, codes, since_ms))

    async def settlement(self, settlement_id: str) -> Settlement | None:
        return at_once(self._outbox.settlement(settlement_id))

    async def settlement_of(self, payment: str) -> Settlement | None:
        return at_once(self._outbox.settlement_of(payment))

    async def fates(self, dues: Sequence[str]) -> dict[str, PayoutView]:
        return at_once(self._outbox.fates(dues))

    async def spent_since(self, asset: str, since_ms: int) -> Spending:
        return at_once(self._outbox.spent_since(asset, since_ms))

    async def left(self, asset: str, until: int, after: str, limit: int) -> list[Left]:
        return at_once(self._outbox.left(asset, until, after, limit))

    async def note_claimed(self, payouts: Sequence[str]) -> None:
        at_once(self._outbox.note_claimed(payouts))

    async def reclaimed(self, accounts: Sequence[str]) -> set[str]:
        return at_once(self._outbox.reclaimed(accounts))

    async def carried(self, accounts: Sequence[str]) -> dict[str, int]:
        return at_once(self._outbox.carried(accounts))

    async def note_obstacles(
        self, asset: str, looked_at: Sequence[str], obstacles: Mapping[str, str]
    ) -> None:
        at_once(self._outbox.note_obstacles(asset, looked_at, obstacles))

    async def obstacle(self, creator: str, asset: str) -> str | None:
        return at_once(self._outbox.obstacle(creator, asset))


class ChainPort:
    """Implements `metering.settlement.chain.Chain`, `feed.Feed` and `treasury.Friendbot`."""

    def __init__(self, network: Network, line: Line, watcher: Watcher) -> None:
        self._network = network
        self._line = line
        self._watcher = watcher

    @property
    def address(self) -> str:
        return HOT

    async def holdings(self, address: str) -> OnChain | None:
        return await self._line.call("asking", lambda: self._network.holdings(address))

    async def account(self, address: str) -> ChainAccount | None:
        def statement() -> ChainAccount | None:
            sequence = self._network.sequence(address)
            if sequence is None:
                return None
            return ChainAccount(address, sequence, Thresholds(0, 0, 0), {address: 1}, "")

        return await self._line.call("asking", statement)

    async def obstacles(self, addresses: Sequence[str]) -> dict[str, str]:
        return await self._line.call("asking", lambda: self._network.missing(addresses))

    async def claimable(self, ids: Sequence[str]) -> set[str]:
        raise AssertionError(f"lumens are not left to be claimed: {ids}")

    async def fee_p80(self) -> int:
        return self._network.fee_p80()

    async def tip(self) -> Tip:
        latest = self._network.latest
        return await self._line.call("asking", lambda: Tip(latest.sequence, latest.time, 1))

    async def send(self, envelope: SignedEnvelope) -> Answered:
        def statement() -> Answered:
            answered = self._network.submit(envelope)
            self._watcher.tell(f"arrived, {answered.answer}", envelope.hash[:8])
            return answered

        self._watcher.tell("sends", envelope.hash[:8])
        try:
            return await self._line.call("sending", statement)
        except ChainUnreachable as error:
            return Answered(Answer.UNKNOWN, str(error))

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        return await self._line.call("looking", lambda: self._network.look(envelope))

    async def after(self, cursor: str | None, limit: int) -> FeedPage:
        def statement() -> FeedPage:
            self._network.advance()
            begin = int(cursor or 0)
            page = self._network.moved[begin : begin + limit]
            end = begin + len(page)
            found = [_payment(begin + n, m) for n, m in enumerate(page) if HOT in (m[3], m[4])]
            finished = end == len(self._network.moved)
            ledger = self._network.latest.sequence if finished else page[-1].ledger - 1
            return FeedPage(tuple(found), str(end), ledger, finished)

        return await self._line.call("asking", statement)

    async def fund(self, address: str) -> str:
        await self._line.call("asking friendbot", lambda: self._network.give(address))
        wait_ms = self._network.next_close_ms() - self._watcher.now_ms()
        await asyncio.sleep(wait_ms / 1000)
        return "gift"


class SignerPort:
    """Implements `metering.settlement.signer.Signer`. It forgets what it signed, as of two servers
    each one does not know what the other's signed.

    Args:
        outbox: what was planned.
        line: to the signer.
        channels: how many channel accounts there are.
        envelope_s: for how long an envelope can be applied, whatever was ordered.
    """

    hot = HOT

    def __init__(self, outbox: MemoryOutbox, line: Line, channels: int, envelope_s: int) -> None:
        self._outbox = outbox
        self._line = line
        self._envelope_s = envelope_s
        self.channels = CHANNELS[:channels]

    async def sign(self, order: SigningOrder) -> SignedEnvelope:
        def statement() -> SignedEnvelope:
            settlement = at_once(self._outbox.settlement(order.settlement))
            assert settlement is not None, "it is planned before it is signed"
            payments = [
                Payment(each.kind is Kind.OPEN, each.address, int(each.amount))
                for each in settlement.payments
            ]
            until = order.max_time - SETTLEMENT_ENVELOPE_SECONDS + self._envelope_s
            slot = (order.sequence, until)
            return seal(order.source, HOT, slot, settlement.fee_max, payments, order.ledger)

        return await self._line.call("signing", statement)

    async def bump(self, envelope: SignedEnvelope, fee: int) -> SignedEnvelope:
        return await self._line.call("signing", lambda: bump(envelope, fee))


def _payment(place: int, moved: Moved) -> ChainPayment:
    return ChainPayment(
        id=moved.id,
        cursor=str(place + 1),
        ledger=moved.ledger,
        closed_at=moved.time,
        transaction=moved.id,
        source=moved.source,
        destination=moved.destination,
        muxed_id=None,
        memo_id=None,
        asset=NATIVE,
        amount=Stroops(moved.amount),
    )


def lost_statement(reason: str) -> Exception:
    """What the meter is told of a lost statement."""
    return MeterUnavailable(reason)


def lost_transaction(reason: str) -> Exception:
    """What the settlement is told of one: one of `config.postgres.UNAVAILABLE`."""
    return ConnectionResetError(reason)


def lost_order(reason: str) -> Exception:
    """What is told of an order to the signer."""
    return SignerAway(reason)


def lost_request(reason: str) -> Exception:
    """What is told of a request to the chain."""
    return ChainUnreachable(reason)
