"""A world whose settlement is in an issuer's asset, and accounts that refuse it in several ways."""

from stellar_sdk import (
    Asset,
    AuthorizationFlag,
    ChangeTrust,
    Keypair,
    Payment,
    SetOptions,
    SetTrustLineFlags,
    TrustLineFlags,
)

from metering.ledger.ledger import (
    Ledger,
    Transfer,
    creator_account,
    hot_account,
    suspense_account,
    treasury_account,
)
from metering.localnet.entries import TrustLine
from metering.money import Stroops
from metering.settlement.chain import SettledAsset
from metering.settlement.outbox import Outbox
from metering.settlement.worker import SettlementWorker
from tests.metering.settlement.simulated import World

DOLLAR = 10**7


class Dollars(World):
    """The hot account has 10,000 USD of an issuer that has to allow each trust line."""

    def __init__(self, books: tuple[Ledger, Outbox] | None = None) -> None:
        self.issuer = Keypair.random()
        asset = SettledAsset("USD", self.issuer.public_key)
        super().__init__(None, books, channels=2, asset=asset)
        self.usd = Asset("USD", self.issuer.public_key)

    async def begin(self) -> None:
        await self.play_money.replenish()
        await self.friendbot.fund(self.issuer.public_key)
        required = AuthorizationFlag.AUTHORIZATION_REQUIRED
        self.run_operation(self.issuer, SetOptions(set_flags=required))
        hot = Keypair.from_secret(self.seed)
        self.run_operation(hot, ChangeTrust(self.usd))
        self.allow(hot.public_key)
        self.run_operation(self.issuer, Payment(hot.public_key, self.usd, "10000"))
        # What its trust line cost, in the books; what came in for nobody is there already.
        hot_lumens, treasury = hot_account("XLM").id, treasury_account("XLM").id
        fee = Transfer("line", treasury, hot_lumens, Stroops(100), "XLM", "network_fee")
        await self.ledger.post([fee])
        await self.play_money.replenish()

    def allow(self, address: str) -> None:
        flags = TrustLineFlags.AUTHORIZED_FLAG
        self.run_operation(self.issuer, SetTrustLineFlags(address, self.usd, set_flags=flags))

    async def add_payee(
        self, creator: str, *, limit: str | None = None, allowed: bool = True
    ) -> Keypair:
        """A creator with an account; with a `limit` also with a trust line."""
        keys = Keypair.random()
        self.payees.addresses[creator] = keys.public_key
        await self.friendbot.fund(keys.public_key)
        if limit is not None:
            self.run_operation(keys, ChangeTrust(self.usd, limit=limit))
            if allowed:
                self.allow(keys.public_key)
        return keys

    async def earn(self, creator: str, amount: int) -> None:
        account = creator_account(creator, self.asset)
        await self.ledger.open_accounts([account])
        self.earned[creator] = self.earned.get(creator, 0) + amount
        cause = f"earn:{creator}:{self.earned[creator]}"
        suspense = suspense_account(self.asset).id
        await self.ledger.post(
            [Transfer(cause, suspense, account.id, Stroops(amount), self.asset, "post")]
        )

    def lumen_worker(self) -> SettlementWorker:
        """Another one of the same process, which pays lumens."""
        return SettlementWorker(
            self.outbox,
            self.chain,
            self.signer,
            self.ledger,
            self.sources,
            self.clock,
            interval_ms=60_000,
            terms=self.terms,
            channels=len(self.channels),
            elsewhere=[self.asset],
        )

    def line(self, creator: str) -> int:
        """What a creator's trust line holds."""
        address = self.payees.addresses[creator]
        held = [e for e in self.network.owned_by(address) if isinstance(e, TrustLine)]
        return held[0].balance if held else 0
