"""A whole settlement without sockets: the real SDK and worker over the network's pure model."""

import asyncio
import random as chance
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stellar_sdk import Account, BumpSequence, Keypair, Operation, TransactionBuilder
from stellar_sdk.client.base_async_client import BaseAsyncClient
from stellar_sdk.client.response import Response
from stellar_sdk.exceptions import ConnectionError as StellarConnectionError

from config.clock import ManualClock
from metering.funding.deposit import Addresses, Rules, network_name
from metering.funding.deposit_store import MemoryDeposits
from metering.funding.taker import DepositTaker
from metering.ledger.ledger import (
    Ledger,
    Transfer,
    creator_account,
    hot_account,
    sender_account,
    treasury_account,
    viewer_account,
)
from metering.ledger.ledger_memory import MemoryLedger
from metering.localnet.entries import Account as ChainAccount
from metering.localnet.envelope import read_envelope
from metering.localnet.friendbot import gift_envelope
from metering.localnet.network import LocalNetwork, Status, genesis, root_keypair
from metering.localnet.rpc import Rpc
from metering.money import STROOPS_MAX, Stroops
from metering.settlement.chain import (
    LUMENS,
    ChainUnreachable,
    OnChain,
    SettledAsset,
    Tip,
)
from metering.settlement.chain import ChainAccount as AccountOnChain
from metering.settlement.creators import Creators
from metering.settlement.lifecycle import Answered
from metering.settlement.outbox import (
    Left,
    Outbox,
    PayoutView,
    Settlement,
    SignedEnvelope,
    Spending,
)
from metering.settlement.outbox_memory import MemoryOutbox
from metering.settlement.planner import Terms
from metering.settlement.sending import Found, NotFound
from metering.settlement.signer import Signer, SigningOrder
from metering.settlement.source import PaymentSource
from metering.settlement.stellar_rpc import StellarRpc
from metering.settlement.treasury import PlayMoney, reconcile
from metering.settlement.worker import SettlementWorker
from metering.signer.local_signer import LocalSigner
from metering.signer.rules import Rules as SigningRules
from tests.metering.settlement.keyed_chain import KeyedChain

PASSPHRASE = "Simulated Network ; play money"
CLOSE_MS = 5_000
XLM = 10**7
MINIMUM = Stroops(1000)
TERMS = Terms(daily_cap=Stroops(10**15), daily_fees=10**12)


class Crash(BaseException):
    """The process ends here, at once."""


@dataclass
class Weather:
    """How likely what goes wrong is, per request; drawn from a seeded source."""

    random: chance.Random = field(default_factory=lambda: chance.Random(0))
    lost_before: float = 0
    lost_after: float = 0
    late: float = 0


class SimulatedNode(BaseAsyncClient):
    """A node that is a function call away. Requests get lost on the way there or back."""

    def __init__(self, network: LocalNetwork, clock: ManualClock) -> None:
        self.network = network
        self.clock = clock
        self.weather = Weather()
        self.sent: list[str] = []
        self.was_sent_to = asyncio.Event()
        self.swallows = False
        self.swallowed: list[str] = []
        self.deaf_to: set[str] = set()
        self.knows_inner_hashes = True
        self._rpc = Rpc(network, "")

    async def post(
        self,
        url: str,
        data: dict[str, str] | None = None,
        json_data: dict[str, Any] | None = None,
    ) -> Response:
        assert json_data is not None
        weather, draw = self.weather, self.weather.random.random
        if draw() < weather.lost_before:
            raise StellarConnectionError("lost on the way there")
        late = weather.random.randrange(1, 5) if draw() < weather.late else 0
        if json_data["method"] == "sendTransaction":
            if self.swallows or self._is_deaf_to(json_data["params"]["transaction"]):
                self.swallowed.append(json_data["params"]["transaction"])
                raise StellarConnectionError("swallowed")
            self.sent.append(json_data["params"]["transaction"])
            self.was_sent_to.set()
        self.network.advance(self.clock.wall_ms())
        if self._is_inner_hash(json_data):
            json_data["params"]["hash"] = "f" * 64
        answer = self._rpc.answer(json_data, self.clock.wall_ms(), late)
        if draw() < weather.lost_after:
            raise StellarConnectionError("lost on the way back")
        return SimulatedResponse(answer)

    def _is_inner_hash(self, asked: dict[str, Any]) -> bool:
        if self.knows_inner_hashes or asked["method"] != "getTransaction":
            return False
        record = self.network.transaction(asked["params"]["hash"])
        return record is not None and record.hash != asked["params"]["hash"]

    def _is_deaf_to(self, envelope: str) -> bool:
        if not self.deaf_to:
            return False
        return read_envelope(envelope, PASSPHRASE).transaction.source in self.deaf_to

    async def get(
        self, url: str, params: dict[str, str] | None = None, max_content_size: int | None = None
    ) -> Response:
        raise StellarConnectionError("only RPC is simulated")

    def stream(
        self, url: str, params: dict[str, str] | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        raise StellarConnectionError("only RPC is simulated")

    async def close(self) -> None:
        return


class SimulatedResponse(Response):
    """An answer that never was text."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(200, "", {}, "")
        self._answer = answer

    def json(self) -> dict[str, Any]:
        return self._answer


class SimulatedFriendbot:
    """Friendbot of the simulated network; waits for its ledger by moving the clock."""

    def __init__(self, node: SimulatedNode) -> None:
        self._node = node
        self.gifts = 0

    async def fund(self, address: str) -> str:
        network, clock = self._node.network, self._node.clock
        network.advance(clock.wall_ms())
        submission = network.submit(
            gift_envelope(network, address, clock.wall_ms()), clock.wall_ms()
        )
        if submission.status != Status.PENDING:
            raise ChainUnreachable("friendbot is busy")
        clock.advance(CLOSE_MS)
        network.advance(clock.wall_ms())
        self.gifts += 1
        return submission.hash


class Payees:
    """Creators' addresses."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}

    async def address(self, creator: str) -> str | None:
        return self.addresses.get(creator)


class Crasher:
    """Counts the points at which a process can die, and dies at one of them."""

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.passed: list[str] = []

    def point(self, name: str) -> None:
        self.passed.append(name)
        if self.at is not None and len(self.passed) > self.at:
            self.at = None
            raise Crash(name)


class CrashingOutbox:
    """An outbox in whose every write the process may die, just before and just after."""

    def __init__(self, outbox: Outbox, crasher: Crasher) -> None:
        self._outbox = outbox
        self._crasher = crasher

    async def plan(self, settlement: Settlement) -> None:
        self._crasher.point("before planning")
        await self._outbox.plan(settlement)
        self._crasher.point("after planning")

    async def advance(self, before: Settlement, after: Settlement) -> None:
        self._crasher.point(f"before storing {after.state.value}")
        await self._outbox.advance(before, after)
        self._crasher.point(f"after storing {after.state.value}")

    async def unfinished(self, source: str | None = None) -> list[Settlement]:
        return await self._outbox.unfinished(source)

    async def payouts(self, creator: str, asset: str, limit: int) -> list[PayoutView]:
        return await self._outbox.payouts(creator, asset, limit)

    async def totals(self, creator: str, asset: str) -> tuple[Stroops, Stroops]:
        return await self._outbox.totals(creator, asset)

    async def refused_since(
        self, asset: str, codes: Sequence[str], since_ms: int
    ) -> dict[str, str]:
        return await self._outbox.refused_since(asset, codes, since_ms)

    async def settlement(self, settlement_id: str) -> Settlement | None:
        return await self._outbox.settlement(settlement_id)

    async def settlement_of(self, payment: str) -> Settlement | None:
        return await self._outbox.settlement_of(payment)

    async def fates(self, dues: Sequence[str]) -> dict[str, PayoutView]:
        return await self._outbox.fates(dues)

    async def spent_since(self, asset: str, since_ms: int) -> Spending:
        return await self._outbox.spent_since(asset, since_ms)

    async def left(self, asset: str, until: int, after: str, limit: int) -> list[Left]:
        return await self._outbox.left(asset, until, after, limit)

    async def note_claimed(self, payouts: Sequence[str]) -> None:
        await self._outbox.note_claimed(payouts)

    async def reclaimed(self, accounts: Sequence[str]) -> set[str]:
        return await self._outbox.reclaimed(accounts)

    async def carried(self, accounts: Sequence[str]) -> dict[str, int]:
        return await self._outbox.carried(accounts)

    async def note_obstacles(
        self, asset: str, looked_at: Sequence[str], obstacles: Mapping[str, str]
    ) -> None:
        await self._outbox.note_obstacles(asset, looked_at, obstacles)

    async def obstacle(self, creator: str, asset: str) -> str | None:
        return await self._outbox.obstacle(creator, asset)


class CrashingChain:
    """A chain in whose every call the process may die, just before and just after."""

    def __init__(self, chain: KeyedChain, crasher: Crasher) -> None:
        self.real = chain
        self._crasher = crasher

    @property
    def address(self) -> str:
        """The hot account's."""
        return self.real.address

    async def holdings(self, address: str) -> OnChain | None:
        return await self.real.holdings(address)

    async def account(self, address: str) -> AccountOnChain | None:
        return await self.real.account(address)

    async def obstacles(self, addresses: Sequence[str]) -> dict[str, str]:
        return await self.real.obstacles(addresses)

    async def claimable(self, ids: Sequence[str]) -> set[str]:
        return await self.real.claimable(ids)

    async def fee_p80(self) -> int:
        return await self.real.fee_p80()

    async def tip(self) -> Tip:
        return await self.real.tip()

    async def send(self, envelope: SignedEnvelope) -> Answered:
        self._crasher.point("before sending")
        answered = await self.real.send(envelope)
        self._crasher.point("after sending")
        return answered

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        self._crasher.point("before looking")
        seen = await self.real.look(envelope)
        self._crasher.point("after looking")
        return seen


class CrashingSigner:
    """A signer in whose every call the process may die, just before and just after."""

    def __init__(self, signer: Signer, crasher: Crasher) -> None:
        self.hot, self.channels = signer.hot, signer.channels
        self._signer = signer
        self._crasher = crasher

    async def sign(self, order: SigningOrder) -> SignedEnvelope:
        self._crasher.point("before signing")
        signed = await self._signer.sign(order)
        self._crasher.point("after signing")
        return signed

    async def bump(self, envelope: SignedEnvelope, fee: int) -> SignedEnvelope:
        self._crasher.point("before bidding")
        bumped = await self._signer.bump(envelope, fee)
        self._crasher.point("after bidding")
        return bumped


class World:
    """A network, a ledger with creators who earn, and a worker that pays them."""

    def __init__(
        self,
        crasher: Crasher | None = None,
        books: tuple[Ledger, Outbox] | None = None,
        channels: int = 0,
        terms: Terms = TERMS,
        asset: SettledAsset = LUMENS,
    ) -> None:
        self.clock = ManualClock()
        self.network = LocalNetwork(
            genesis(PASSPHRASE, CLOSE_MS, self.clock.wall_ms()), history_bytes_max=2**26
        )
        self.node = SimulatedNode(self.network, self.clock)
        self.root = root_keypair(PASSPHRASE).public_key
        self.seed = Keypair.random().secret
        if books is None:
            ledger = MemoryLedger()
            books = ledger, MemoryOutbox(ledger)
        self.ledger, self.stored = books
        self.payees = Payees()
        self.crasher = crasher or Crasher()
        self.outbox = CrashingOutbox(self.stored, self.crasher)
        self.real_chain = KeyedChain("http://node", PASSPHRASE, self.seed, self.node, asset)
        self.chain = CrashingChain(self.real_chain, self.crasher)
        self.friendbot = SimulatedFriendbot(self.node)
        self.deposits = MemoryDeposits(self.ledger)
        self.taker = self.new_taker()
        lumens = KeyedChain("http://node", PASSPHRASE, self.seed, self.node)
        self.play_money = PlayMoney(lumens, self.friendbot, self.ledger, self.taker)
        caps = dict.fromkeys(("XLM", asset.name), STROOPS_MAX)
        rules = SigningRules(caps, fees=STROOPS_MAX, settlements=STROOPS_MAX)
        local = LocalSigner(self.seed, PASSPHRASE, self.stored, rules=rules, clock=self.clock)
        self.signer = CrashingSigner(local, self.crasher)
        self.channels = local.channels[:channels]
        self.terms = terms
        self.asset = asset.name
        self.sources: list[PaymentSource] = [
            Creators(self.ledger, self.outbox, self.payees, MINIMUM)
        ]
        self.worker = self.new_worker()
        self.earned: dict[str, int] = {}

    def new_taker(self) -> DepositTaker:
        """Takes what comes in at the hot account."""
        hot = self.real_chain.address
        node = StellarRpc("http://node", PASSPHRASE, SettledAsset(), self.node)
        ours = Addresses(hot, hot, friendbot=self.root)
        rules = Rules(network_name(PASSPHRASE), ours, frozenset(["XLM"]), Stroops(1))
        return DepositTaker([node.feed(hot)], self.deposits, rules, lambda *_: None)

    def new_worker(self) -> SettlementWorker:
        """What a restarted process has: nothing but what was stored."""
        self.worker = SettlementWorker(
            self.outbox,
            self.chain,
            self.signer,
            self.ledger,
            self.sources,
            self.clock,
            interval_ms=60_000,
            terms=self.terms,
            channels=len(self.channels),
            asset=self.asset,
            treasury=self.play_money,
        )
        return self.worker

    async def add_creator(self, creator: str, *, on_chain: bool = True) -> str:
        """A creator with an address; returns it."""
        address = Keypair.random().public_key
        self.payees.addresses[creator] = address
        if on_chain:
            await self.friendbot.fund(address)
        return address

    async def earn(self, creator: str, amount: int) -> None:
        """The treasury stands in for viewers who were charged."""
        await self.play_money.replenish()
        viewer, account = viewer_account("v", "XLM"), creator_account(creator, "XLM")
        await self.ledger.open_accounts([viewer, account])
        self.earned[creator] = self.earned.get(creator, 0) + amount
        cause = f"earn:{creator}:{self.earned[creator]}"
        await self.ledger.post(
            [
                Transfer(
                    f"{cause}:fund",
                    treasury_account("XLM").id,
                    viewer.id,
                    Stroops(amount),
                    "XLM",
                    "play_money",
                ),
                Transfer(cause, viewer.id, account.id, Stroops(amount), "XLM", "post"),
            ]
        )

    async def earn_all(self, amounts: Mapping[str, int]) -> None:
        """Creators who are on the chain for the first time, and earn."""
        for creator, amount in amounts.items():
            if creator not in self.payees.addresses:
                await self.add_creator(creator)
            await self.earn(creator, amount)

    async def run(self, passes: int = 40) -> None:
        """Let the worker pass again and again, a second apart, until nothing is left to do."""
        for _ in range(passes):
            more = await self.worker.run_once()
            self.clock.advance(1_000)
            self.network.advance(self.clock.wall_ms())
            if not more:
                return

    def balance(self, address: str) -> int:
        """What an address holds on the chain."""
        account = self.network.account(address)
        return 0 if account is None else account.balance

    def received(self, creator: str) -> int:
        """What a creator got on the chain, besides friendbot's gift."""
        return self.balance(self.payees.addresses[creator]) - 10_000 * XLM

    async def send_into_the_void(self) -> str:
        """Plan, sign and try to send once; returns the envelope, which nobody got."""
        self.node.swallows = True
        await self.worker.run_once()
        self.node.swallows = False
        [lost] = self.node.swallowed
        return lost

    def use_up_sequence(self) -> None:
        """Another transaction of the hot account, made outside of the outbox."""
        self.run_operation(Keypair.from_secret(self.seed), BumpSequence(bump_to=0))

    def run_operation(self, keypair: Keypair, operation: Operation, fee: int = 100) -> None:
        """One operation of an account, in a ledger of its own."""
        account = self._entry(keypair.public_key)
        source = Account(account.id, account.sequence)
        builder = TransactionBuilder(source, self.network.passphrase, base_fee=fee)
        builder.add_time_bounds(0, 0).append_operation(operation)
        envelope = builder.build()
        envelope.sign(keypair)
        self.network.submit(envelope.to_xdr(), self.clock.wall_ms())
        self.clock.advance(CLOSE_MS)
        self.network.advance(self.clock.wall_ms())

    async def spend_of_channel(self, channel: str, amount: int) -> None:
        """As many fees would."""
        account = self._entry(channel)
        self.network._entries.put(replace(account, balance=account.balance - amount))
        self._give_root(amount)
        treasury, sender = treasury_account("XLM").id, sender_account(channel).id
        spent = Transfer(f"spent {amount}", treasury, sender, Stroops(amount), "XLM", "network_fee")
        await self.ledger.post([spent])

    def forget_history(self) -> None:
        """As a node does after its retention window."""
        self.network.forget_before(self.network.latest(self.clock.wall_ms()).sequence)

    def remove_account(self, address: str) -> ChainAccount:
        """As a merge into another account would, at the worst moment."""
        account = self._entry(address)
        self.network._entries.remove(account.key)
        self.network._entries.prune()
        self._give_root(account.balance)
        return account

    def restore_account(self, account: ChainAccount) -> None:
        self._give_root(-account.balance)
        self.network._entries.put(account)

    def drain(self, keep: int) -> None:
        """Take lumens out of the hot account behind the ledger's back."""
        hot = self._entry(self.chain.address)
        self._give_root(hot.balance - keep)
        self.network._entries.put(replace(hot, balance=keep))

    def _give_root(self, amount: int) -> None:
        root = self._entry(self.root)
        self.network._entries.put(replace(root, balance=root.balance + amount))

    def _entry(self, address: str) -> ChainAccount:
        account = self.network.account(address)
        assert account is not None
        return account

    async def survive(self, point: int) -> None:
        """Die so many points from here, and go on as another process until all is done."""
        self.crasher.at = len(self.crasher.passed) + point
        for _ in range(3):
            try:
                await self.run(300)
            except Crash:
                self.new_worker()
        self.crasher.at = None

    async def check_flight(self) -> None:
        """The ledger is sound while something is under way."""
        report = await self.ledger.check()
        assert report.sound, report

    async def check(self) -> None:
        """Chain and ledger agree to the stroop, and the ledger is sound."""
        books = await reconcile(self.real_chain, self.ledger, self.asset)
        assert books.difference == 0, books
        for channel in self.channels:
            held = await self.ledger.balances(sender_account(channel).id)
            assert -sum(held.values()) == self.balance(channel), channel
        report = await self.ledger.check()
        assert report.sound, report
        inflight = await self.ledger.balances("inflight:")
        assert not any(inflight.values()), inflight
        assert await self.ledger.balance(hot_account(self.asset).id) == -books.on_chain
        assert await self.ledger.balance(hot_account("XLM").id) == -self.balance(self.signer.hot)
        assert self.network.is_conserved()
