"""Processes that pay creators and are killed, without a last word, at six named points.

python -m tests.metering.settlement.kill_points --times 50
"""

import asyncio
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stellar_sdk import Keypair

from config.clock import SystemClock
from config.embedded_postgres import EmbeddedPostgres
from config.migrate import migrate
from config.postgres import Database
from metering.ledger.ledger import (
    Transfer,
    creator_account,
    hot_account,
    sender_account,
    treasury_account,
)
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import STROOPS_MAX, Stroops
from metering.settlement.chain import LUMENS
from metering.settlement.creators import Creators
from metering.settlement.friendbot import HttpFriendbot
from metering.settlement.lifecycle import Answered
from metering.settlement.outbox import Settlement, SignedEnvelope, State
from metering.settlement.outbox_postgres import PostgresOutbox
from metering.settlement.planner import Terms
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_rpc import StellarRpc
from metering.settlement.worker import SettlementWorker
from metering.signer.local_signer import LocalSigner
from tests.metering.localnet.running import RunningNetwork, running_network

POINTS = (
    "after plan",
    "after sign",
    "before send",
    "after send",
    "before booking",
    "after booking",
)
CREATORS = ("ana", "ben")
CLOSE_MS = 100
_XLM = 10**7
_POLL_S = 0.02
_CHILD_SECONDS_MAX = 60
# Children are forked off a process that has imported everything: that takes most of a second.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.metering.settlement.kill_points"])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a child pays, from whose account, and to whom."""

    database_url: str
    network_url: str
    passphrase: str
    seed: str
    addresses: dict[str, str]

    async def address(self, creator: str) -> str | None:
        return self.addresses.get(creator)


class DeadlyOutbox(PostgresOutbox):
    """Ends the process at its point, as a power cut does."""

    point = ""

    def die_at(self, point: str) -> None:
        if point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)

    async def plan(self, settlement: Settlement) -> None:
        await super().plan(settlement)
        self.die_at("after plan")

    async def advance(self, before: Settlement, after: Settlement) -> None:
        if after.state.final:
            self.die_at("before booking")
        await super().advance(before, after)
        if after.state.final:
            self.die_at("after booking")
        if after.state == State.SIGNED:
            self.die_at("after sign")


class DeadlyChain(StellarRpc):
    """The chain, with the process's end just before and just after sending."""

    outbox: DeadlyOutbox

    async def send(self, envelope: SignedEnvelope) -> Answered:
        self.outbox.die_at("before send")
        answered = await super().send(envelope)
        self.outbox.die_at("after send")
        return answered


def live(place: Place, point: str) -> None:
    """What a child does: pay until nothing is left, or until its point."""
    asyncio.run(_live(place, point))


async def _live(place: Place, point: str) -> None:
    database = await Database.connect(place.database_url, pool_size=2)
    ledger = PostgresLedger(database)
    outbox = DeadlyOutbox(database, ledger)
    outbox.point = point
    client = StellarClient()
    chain = DeadlyChain(place.network_url, place.passphrase, LUMENS, client)
    chain.outbox = outbox
    worker = SettlementWorker(
        outbox,
        chain,
        LocalSigner(place.seed, place.passphrase, outbox),
        ledger,
        [Creators(ledger, outbox, place, Stroops(1))],
        SystemClock(),
        interval_ms=1_000,
        terms=Terms(STROOPS_MAX, STROOPS_MAX),
        channels=2,
    )
    async with asyncio.timeout(_CHILD_SECONDS_MAX):
        while await worker.run_once():  # noqa: ASYNC110  # the chain sends no events
            await asyncio.sleep(_POLL_S)
    await client.close()
    await database.close()


class Killing:
    """Creators who earn, and processes that die while they pay them.

    Args:
        database: migrated and empty, also to be reached at
        url: this one.
        network: runs.
    """

    def __init__(self, database: Database, url: str, network: RunningNetwork) -> None:
        self._ledger = PostgresLedger(database)
        self._outbox = PostgresOutbox(database, self._ledger)
        self._client = StellarClient()
        self._chain = StellarRpc(network.url, network.passphrase, LUMENS, self._client)
        self._friendbot = HttpFriendbot(f"{network.url}/friendbot", self._client)
        self._earned = dict.fromkeys(CREATORS, 0)
        addresses = {creator: Keypair.random().public_key for creator in CREATORS}
        seed = Keypair.random().secret
        self._place = Place(url, network.url, network.passphrase, seed, addresses)
        self._signer = LocalSigner(seed, network.passphrase, self._outbox)
        self.killed: list[str] = []

    async def begin(self) -> None:
        """The hot account has lumens, which are the treasury's."""
        for address in (self._signer.hot, *self._place.addresses.values()):
            await self._friendbot.fund(address)
        hot, treasury = hot_account("XLM"), treasury_account("XLM")
        creators = [creator_account(creator, "XLM") for creator in CREATORS]
        await self._ledger.open_accounts([hot, treasury, *creators])
        gift = Stroops(10_000 * _XLM)
        await self._ledger.post([Transfer("gift", hot.id, treasury.id, gift, "XLM", "play_money")])
        await self.round("")

    async def round(self, point: str) -> None:
        """Everybody earns, and a process pays them until it is killed; `point` may be none."""
        for number, creator in enumerate(CREATORS):
            amount = 1_000 + len(self.killed) + number
            self._earned[creator] += amount
            cause, account = (
                f"{creator}:{self._earned[creator]}",
                creator_account(creator, "XLM").id,
            )
            treasury = treasury_account("XLM").id
            await self._ledger.post(
                [Transfer(cause, treasury, account, Stroops(amount), "XLM", "post")]
            )
        child = _CONTEXT.Process(target=live, args=(self._place, point))
        child.start()
        await asyncio.to_thread(child.join, _CHILD_SECONDS_MAX)
        if child.exitcode == -signal.SIGKILL:
            self.killed.append(point)
        elif child.exitcode != 0 or point:
            raise AssertionError(f"a child ended with {child.exitcode} instead of {point!r}")

    async def faults(self) -> list[str]:
        """Let the last one finish, and compare what was earned, booked and paid."""
        await self.round("")
        found = [f"{s.id} is stuck" for s in await self._outbox.unfinished()]
        for creator, earned in self._earned.items():
            held = await self._chain.holdings(self._place.addresses[creator])
            paid = -1 if held is None else held.balance - 10_000 * _XLM
            if paid != earned:
                found.append(f"{creator} earned {earned} and was paid {paid}")
        ours = {self._signer.hot: hot_account("XLM").id}
        ours |= {each: sender_account(each).id for each in self._signer.channels[:2]}
        for address, account in ours.items():
            held = await self._chain.holdings(address)
            booked = -(await self._ledger.balance(account))
            if held is None or held.balance != booked:
                found.append(f"{address} holds {held}, and {booked} in the books")
        if not (await self._ledger.check()).sound:
            found.append("the ledger is not sound")
        await self._client.close()
        return found


async def run(database: Database, url: str, network: RunningNetwork, times: int) -> Sequence[str]:
    """Kill at each point so many times; what is wrong then."""
    killing = Killing(database, url, network)
    await killing.begin()
    for _ in range(times):
        for point in POINTS:
            await killing.round(point)
    faults = await killing.faults()
    assert killing.killed == [*POINTS] * times, killing.killed
    return faults


async def run_alone(times: int) -> Sequence[str]:
    """The same on a database and a network of its own."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres")
        url = await server.start()
        database = await Database.connect(url)
        try:
            await migrate(database)
            with running_network(Path(folder) / "network.state", close_ms=CLOSE_MS) as network:
                return await run(database, url, network, times)
        finally:
            await database.close()
            await server.stop()
