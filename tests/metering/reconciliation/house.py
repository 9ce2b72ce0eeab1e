"""A settlement in a simulated network whose books are in Postgres, and who compares the two."""

from datetime import UTC, datetime

from config.postgres import Database
from metering.funding.deposit import network_name
from metering.funding.deposits_postgres import PostgresDeposits
from metering.ledger.journal_postgres import PostgresJournal
from metering.ledger.ledger_postgres import PostgresLedger
from metering.reconciliation.addresses import Ours
from metering.reconciliation.books_postgres import PostgresBooks
from metering.reconciliation.days import MadeBy
from metering.reconciliation.difference import Difference
from metering.reconciliation.reconciler import Reconciler
from metering.reconciliation.reconciliation_postgres import PostgresReconciliation
from metering.reconciliation.report import Signing
from metering.reconciliation.restore import Restorer
from metering.settlement.creators import Creators
from metering.settlement.outbox import SignedEnvelope
from metering.settlement.outbox_postgres import PostgresOutbox
from metering.settlement.signer import SignerAway, SigningOrder
from metering.settlement.treasury import PlayMoney
from metering.settlement.worker import SettlementWorker
from metering.signer.local_signer import LocalSigner
from tests.metering.receipts import KEY
from tests.metering.settlement.simulated import CLOSE_MS, MINIMUM, PASSPHRASE, Crasher, World

NETWORK = network_name(PASSPHRASE)
_JOURNAL_LINES = 10_000


class SleepySigner:
    """A signer that is away for as long as a test wants."""

    def __init__(self, signer: LocalSigner) -> None:
        self.hot, self.channels = signer.hot, signer.channels
        self._signer = signer
        self.is_away = False

    async def sign(self, order: SigningOrder) -> SignedEnvelope:
        if self.is_away:
            raise SignerAway("asleep")
        return await self._signer.sign(order)

    async def bump(self, envelope: SignedEnvelope, fee: int) -> SignedEnvelope:
        return await self._signer.bump(envelope, fee)


class House:
    """One server's database, on a world that others may have been in before.

    Args:
        database: migrated.
        world: whose network and addresses it is about; None: a new one.
        channels: how many channel accounts send.
    """

    def __init__(self, database: Database, world: World | None = None, channels: int = 0) -> None:
        self.database = database
        self.ledger = PostgresLedger(database)
        outbox = PostgresOutbox(database, self.ledger)
        self.world = World(Crasher(), (self.ledger, outbox), channels)
        if world is not None:
            self._move_in(world)
        hot = self.world.real_chain.address
        self.ours = Ours(hot, hot, self.world.channels, ("XLM",))
        self.store = PostgresReconciliation(database, self.ledger, NETWORK)
        self.books = PostgresBooks(database, NETWORK)
        self.restorer = Restorer(self.store, self.books, self.ledger, outbox, self.ours)
        self.reconciler = self.new_reconciler()
        self.world.worker = self._worker()

    def _move_in(self, world: World) -> None:
        """The same network, keys and time; other books."""
        mine = self.world
        mine.clock, mine.network, mine.node = world.clock, world.network, world.node
        mine.seed, mine.payees, mine.friendbot = world.seed, world.payees, world.friendbot
        mine.real_chain, mine.channels = world.real_chain, world.channels
        mine.earned = world.earned

    def _worker(self) -> SettlementWorker:
        """Pays creators, unless the books differ from the chain."""
        world, clock = self.world, self.world.clock
        deposits = PostgresDeposits(self.database, self.ledger, NETWORK)
        world.deposits = deposits  # type: ignore[assignment]
        world.taker = world.new_taker()
        chain = world.real_chain
        world.play_money = PlayMoney(chain, world.friendbot, self.ledger, world.taker)
        signer = LocalSigner(world.seed, PASSPHRASE, world.stored, clock=clock)
        self.signer = SleepySigner(signer)
        return SettlementWorker(
            world.stored,
            chain,
            self.signer,
            self.ledger,
            [Creators(self.ledger, world.stored, world.payees, MINIMUM)],
            clock,
            interval_ms=60_000,
            terms=world.terms,
            channels=len(world.channels),
            treasury=world.play_money,
            gate=self,
        )

    def new_reconciler(self) -> Reconciler:
        """What a restarted process has."""
        return Reconciler(
            chain=self.world.real_chain,
            ours=self.ours,
            store=self.store,
            books=self.books,
            clock=self.world.clock,
            made_by=MadeBy(PASSPHRASE, Signing(KEY.name, KEY.sign)),
        )

    def hold(self) -> str | None:
        return self.reconciler.hold()

    async def compare(self, passes: int = 1) -> dict[str, Difference]:
        """Seal, let a ledger close, and compare; what is not over, by key."""
        for _ in range(passes):
            await PostgresJournal(self.database).seal(self.world.clock.wall_ms(), _JOURNAL_LINES)
            self.world.clock.advance(CLOSE_MS)
            await self.reconciler.run_once()
        assert self.reconciler.state.differences is not None
        return {each.key: each for each in self.reconciler.state.differences}

    async def accept_all(self) -> None:
        """As an operator who has looked at everything."""
        at = datetime.fromtimestamp(self.world.clock.wall_ms() / 1000, UTC)
        for each in await self.store.open():
            await self.restorer.accept(each.difference.key, "the operator", at)
