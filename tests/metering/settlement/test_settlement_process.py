"""Settlement as it is run: Postgres, a network in its own process, real sockets and real faults."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from stellar_sdk import Keypair

from config.clock import SystemClock
from config.postgres import Database
from metering.funding.deposit import Addresses, Rules, network_name
from metering.funding.deposits_postgres import PostgresDeposits
from metering.funding.taker import DepositTaker
from metering.ledger.ledger import Transfer, creator_account, treasury_account, viewer_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.localnet.network import root_keypair
from metering.money import Stroops
from metering.settlement.chain import ChainUnreachable, SettledAsset
from metering.settlement.creators import Creators
from metering.settlement.earnings import EarningsQuery
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.outbox_postgres import PostgresOutbox
from metering.settlement.planner import Terms
from metering.settlement.stellar import new_seed
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_rpc import StellarRpc
from metering.settlement.treasury import PlayMoney, reconcile
from metering.settlement.worker import SettlementWorker
from metering.signer.local_signer import LocalSigner
from tests.metering.localnet.running import RunningNetwork, running_network
from tests.metering.settlement.keyed_chain import KeyedChain
from tests.metering.settlement.settling import settle

pytestmark = pytest.mark.process

XLM = 10**7
_SECONDS_MAX = 30


class HastyClock:
    """The system's clock, twenty times as fast: what waits five seconds here waits a quarter."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._started_ms = self._clock.wall_ms()

    def wall_ms(self) -> int:
        return self._started_ms + 20 * (self._clock.wall_ms() - self._started_ms)

    def monotonic_ms(self) -> int:
        return self._clock.monotonic_ms()


class Operation:
    """Everything that a server wires, on a network that runs."""

    def __init__(self, network: RunningNetwork, database: Database) -> None:
        self.network = network
        self.client = StellarClient(seconds_max=20)
        self.ledger = PostgresLedger(database)
        self.outbox = PostgresOutbox(database, self.ledger)
        self.seed = new_seed()
        self.chain = KeyedChain(network.url, network.passphrase, self.seed, self.client)
        self.friendbot = HttpFriendbot(f"{network.url}/friendbot", self.client)
        hot = self.chain.address
        node = StellarRpc(network.url, network.passphrase, SettledAsset(), self.client)
        ours = Addresses(hot, hot, friendbot=root_keypair(network.passphrase).public_key)
        name = network_name(network.passphrase)
        self.taker = DepositTaker(
            [node.feed(hot)],
            PostgresDeposits(database, self.ledger, name),
            Rules(name, ours, frozenset(["XLM"]), Stroops(1)),
            lambda *_: None,
        )
        self.play_money = PlayMoney(self.chain, self.friendbot, self.ledger, self.taker)
        self.query = EarningsQuery(self.ledger, self.outbox, self.chain)
        self.addresses: dict[str, str] = {}
        self.worker = SettlementWorker(
            self.outbox,
            self.chain,
            LocalSigner(self.seed, network.passphrase, self.outbox),
            self.ledger,
            [Creators(self.ledger, self.outbox, self, Stroops(1))],
            HastyClock(),
            interval_ms=60_000,
            terms=Terms(Stroops(10**15), daily_fees=10**12),
            channels=2,
            treasury=self.play_money,
        )

    async def address(self, creator: str) -> str | None:
        return self.addresses.get(creator)

    async def earn(self, creator: str, amount: int, cause: str) -> None:
        viewer, account = viewer_account("v", "XLM"), creator_account(creator, "XLM")
        await self.ledger.open_accounts([viewer, account])
        treasury = treasury_account("XLM").id
        await self.ledger.post(
            [
                Transfer(f"{cause}:1", treasury, viewer.id, Stroops(amount), "XLM", "fund"),
                Transfer(f"{cause}:2", viewer.id, account.id, Stroops(amount), "XLM", "post"),
            ]
        )

    async def faults(self, **faults: int) -> None:
        answer = await self.client.post(f"{self.network.url}/faults", json_data=dict(faults))
        assert answer.status_code == 200, answer.text

    async def settle(self) -> None:
        async with asyncio.timeout(_SECONDS_MAX):
            while True:
                if not await self.worker.run_once():
                    return
                await asyncio.sleep(0.05)

    async def received(self, creator: str) -> int:
        balance = await self.query.on_chain_balance(self.addresses[creator])
        assert balance is not None
        return balance - 10_000 * XLM

    async def check(self) -> None:
        assert (await reconcile(self.chain, self.ledger)).difference == 0
        assert (await self.ledger.check()).sound
        assert not any((await self.ledger.balances("inflight:")).values())


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNetwork]:
    with running_network(tmp_path_factory.mktemp("network") / "network.state") as network:
        yield network


@pytest.fixture
async def operation(network: RunningNetwork, database: Database) -> AsyncIterator[Operation]:
    operation = Operation(network, database)
    await operation.faults()
    for creator in ("ana", "ben"):
        operation.addresses[creator] = Keypair.random().public_key
    gifts = [operation.friendbot.fund(address) for address in operation.addresses.values()]
    await asyncio.gather(operation.play_money.replenish(), *gifts)
    await operation.earn("ana", 3 * XLM + 1, "first")
    await operation.earn("ben", 5, "second")
    yield operation
    await operation.client.close()


async def test_earnings_arrive_on_the_chain_and_the_books_agree(operation: Operation) -> None:
    before = await operation.query.earnings("ana", "XLM")
    assert (before.pending, before.in_flight, before.settled) == (3 * XLM + 1, 0, 0)
    async with asyncio.timeout(_SECONDS_MAX):
        await settle(operation.worker)
    assert await operation.received("ana") == 3 * XLM + 1
    assert await operation.received("ben") == 5
    after = await operation.query.earnings("ana", "XLM")
    assert (after.pending, after.in_flight, after.settled) == (0, 0, 3 * XLM + 1)
    assert after.total == before.total
    [payout] = after.payouts
    found = await operation.client.get(
        f"{operation.network.url}/transactions/{payout.transaction_hash}"
    )
    assert found.json()["successful"]
    await operation.check()


@pytest.mark.parametrize(
    "faults",
    [
        {"drop_after": 1},
        {"fail_after": 1},
        {"drop_reads": 2},
        {"fail_reads": 2},
        {"late": 1, "late_ledgers": 6},
        {"drop_after": 1, "late": 1, "late_ledgers": 6, "fail_reads": 2},
        {"drop_before": 1},
        {"fail_before": 1},
    ],
    ids=" ".join,
)
async def test_faults_delay_a_payout_and_do_nothing_else(
    operation: Operation, faults: dict[str, int]
) -> None:
    await operation.faults(**faults)
    for _ in range(3):  # a pass that could not even plan counts as finished
        await operation.settle()
    assert await operation.received("ana") == 3 * XLM + 1
    assert await operation.received("ben") == 5
    payouts = await operation.outbox.payouts("ana", "XLM", 10)
    assert [payout.state for payout in payouts] == ["applied"]
    await operation.check()


async def test_a_network_killed_after_accepting_and_before_its_ledger_gets_it_again(
    operation: Operation,
) -> None:
    """What was pending is lost with the process, as it is with a real node."""
    await operation.faults(late=1, late_ledgers=50)
    assert await operation.worker.run_once()
    operation.network.stop(signal.SIGKILL)
    assert await operation.worker.run_once(), "nothing is given up without a network"
    operation.network.start()
    await operation.settle()
    assert await operation.received("ana") == 3 * XLM + 1
    payouts = await operation.outbox.payouts("ana", "XLM", 10)
    assert [payout.state for payout in payouts] == ["applied"]
    await operation.check()


async def test_friendbot_is_asked_once_and_again_when_the_treasury_is_low(
    operation: Operation,
) -> None:
    treasury = await operation.play_money.replenish()
    assert treasury == await operation.play_money.replenish()
    assert treasury == 10_000 * XLM - 3 * XLM - 1 - 5
    await operation.earn("ana", 9_000 * XLM, "third")
    assert await operation.play_money.replenish() == treasury + 1_000 * XLM, "spent and filled"
    await operation.check()


async def test_a_network_that_is_away_is_told_apart_from_an_empty_account(
    operation: Operation,
) -> None:
    nobody = Keypair.random().public_key
    assert await operation.chain.holdings(nobody) is None
    operation.network.stop()
    with pytest.raises(ChainUnreachable):
        await operation.chain.holdings(nobody)
    assert await operation.query.on_chain_balance(nobody) is None
    operation.network.start()
