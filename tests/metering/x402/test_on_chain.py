"""A wallet pays over HTTP's terms on a real network: the transfer arrives, and is credited once."""

from pathlib import Path
from typing import Any

import pytest
from stellar_sdk import Asset, Keypair, MuxedAccount, scval
from stellar_sdk.contract import AssembledTransactionAsync, ContractClientAsync

from config.clock import SystemClock
from metering.funding.deposit import Addresses, Rules, network_name
from metering.funding.deposit_store import MemoryDeposits
from metering.funding.taker import DepositTaker
from metering.ledger.ledger import viewer_account
from metering.ledger.ledger_memory import MemoryLedger
from metering.localnet import PASSPHRASE
from metering.money import Stroops
from metering.settlement.chain import SettledAsset
from metering.settlement.rpc_node import RpcNode
from metering.settlement.stellar_client import StellarClient
from metering.settlement.stellar_rpc import StellarRpc
from metering.x402 import terms as x402
from metering.x402.errors import NobodyPaysFees
from metering.x402.sponsor import StellarSponsor
from metering.x402.store import MemoryTopUps
from metering.x402.terms import PaymentRefused, Terms
from metering.x402.till import Till
from metering.x402.transfer import Transfer, read_transfer
from tests.metering.localnet.running import RunningNetwork, running_network

pytestmark = pytest.mark.process

XLM = 10**7


class Counter:
    """Our side: an address for deposits, an account for fees, a till and the books."""

    def __init__(self, network: RunningNetwork, client: StellarClient) -> None:
        self.network, self.client = network, client
        self.hot, self.sponsor_keys, self.payer, self.other = (Keypair.random() for _ in range(4))
        self.node = RpcNode(network.url, PASSPHRASE, client)
        self.sponsor = StellarSponsor(self.node, self.sponsor_keys.secret)
        self.chain = StellarRpc(network.url, PASSPHRASE, SettledAsset(), client)
        self.till = Till(MemoryTopUps(), self.sponsor, self.chain, SystemClock(), poll_ms=20)
        self.ledger = MemoryLedger()
        self.deposits = MemoryDeposits(self.ledger)
        addresses = Addresses(self.hot.public_key, self.hot.public_key)
        rules = Rules(network_name(PASSPHRASE), addresses, frozenset(("XLM",)), Stroops(1))
        feed = self.chain.feed(self.hot.public_key)
        self.taker = DepositTaker([feed], self.deposits, rules, lambda account, asset: None)

    async def fund(self, *keys: Keypair) -> None:
        for each in keys:
            url = f"{self.network.url}/friendbot"
            answer = await self.client.get(url, params={"addr": each.public_key})
            assert answer.status_code == 200, answer.text

    async def terms(self, lumens: int) -> Terms:
        number = await self.deposits.number("acc_v")
        to = MuxedAccount(self.hot.public_key, number).account_muxed
        assert to is not None
        asset = Asset.native().contract_id(PASSPHRASE)
        return Terms(x402.network_name(PASSPHRASE), asset, Stroops(lumens * XLM), to)

    async def presented(self, terms: Terms, signer: Keypair | None = None) -> Transfer:
        """What a wallet makes of the terms, without a lumen for fees."""
        client = ContractClientAsync(terms.asset, self.network.url, PASSPHRASE, self.client)
        arguments = [
            scval.to_address(self.payer.public_key),
            scval.to_address(terms.pay_to),
            scval.to_int128(terms.amount),
        ]
        # Whoever's transaction: it is not sent, and one of the payer's would need no agreement.
        call: AssembledTransactionAsync[Any] = await client.invoke(
            "transfer", arguments, self.other.public_key
        )
        await call.authorize(self.payer.public_key, signer or self.payer, valid_for_ledger_count=60)
        ours = frozenset((self.hot.public_key, self.sponsor.address))
        assert call.built_transaction is not None
        made = call.built_transaction.to_xdr()
        return read_transfer(made, terms, ours, await self.sponsor.ledger())

    async def credited(self) -> int:
        await self.taker.take()
        return await self.ledger.balance(viewer_account("acc_v", "XLM").id)


async def test_what_a_wallet_agreed_to_is_carried_and_credited_once(tmp_path: Path) -> None:
    # What a payer agrees to is good for 60 ledgers: a quarter of a minute here.
    with running_network(tmp_path / "state", close_ms=250) as network:
        client = StellarClient(seconds_max=20)
        try:
            await _pay(Counter(network, client))
        finally:
            await client.close()


async def _pay(counter: Counter) -> None:
    await counter.fund(counter.hot, counter.payer, counter.other)
    terms = await counter.terms(5)
    with pytest.raises(NobodyPaysFees):
        await counter.till.take("acc_v", "XLM", await counter.presented(terms), terms)
    await counter.fund(counter.sponsor_keys)
    forged = await counter.presented(terms, signer=Keypair.random())
    with pytest.raises(PaymentRefused, match=r"Error\(Contract, #5\)"):
        await counter.till.take("acc_v", "XLM", forged, terms)
    transfer = await counter.presented(terms)
    paid = await counter.till.take("acc_v", "XLM", transfer, terms)
    assert await counter.till.take("acc_v", "XLM", transfer, terms) == paid
    held = await counter.chain.holdings(counter.payer.public_key)
    assert held is not None
    assert held.balance == (10_000 - 5) * XLM, "who pays pays no fee"
    assert await counter.credited() == 5 * XLM
    assert await counter.credited() == 5 * XLM
    [deposit] = await counter.deposits.deposits("acc_v", 10)
    assert deposit.transaction == paid.signed.hash
