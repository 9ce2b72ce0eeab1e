"""Creators are paid to the stroop over either API; on the test network too, where it is there."""

import asyncio

from stellar_sdk import Keypair

from config.clock import SystemClock
from metering.ledger.ledger import Transfer, creator_account, hot_account, treasury_account
from metering.ledger.ledger_memory import MemoryLedger
from metering.money import Stroops
from metering.settlement.creators import Creators
from metering.settlement.outbox_memory import MemoryOutbox
from metering.settlement.worker import SettlementWorker
from metering.signer.local_signer import LocalSigner
from tests.metering.settlement.networks import PATIENCE_SECONDS, Visitor, everywhere
from tests.metering.settlement.settling import settle
from tests.metering.settlement.simulated import TERMS, Payees

XLM = 10**7
_EARNED = {"ana": 3 * XLM + 1, "ben": 5 * XLM}
_OWN = 10_000 * XLM


@everywhere
async def test_creators_get_what_they_earned_and_the_books_agree(visitor: Visitor) -> None:
    ledger = MemoryLedger()
    outbox, payees = MemoryOutbox(ledger), Payees()
    await _earn(ledger)
    for creator in _EARNED:
        payees.addresses[creator] = Keypair.random().public_key
        await visitor.friendbot.fund(payees.addresses[creator])
    signer = LocalSigner(visitor.keys.secret, visitor.town.passphrase, outbox)
    worker = SettlementWorker(
        outbox,
        visitor.chain,
        signer,
        ledger,
        [Creators(ledger, outbox, payees, Stroops(1))],
        SystemClock(),
        interval_ms=60_000,
        terms=TERMS,
    )
    async with asyncio.timeout(3 * PATIENCE_SECONDS):
        await settle(worker)
    hashes = set()
    for creator, address in payees.addresses.items():

        async def arrived(address: str = address, creator: str = creator) -> bool | None:
            holdings = await visitor.chain.holdings(address)
            assert holdings is not None
            return True if holdings.balance == _OWN + _EARNED[creator] else None

        assert await visitor.until(arrived)
        [payout] = await outbox.payouts(creator, "XLM", 9)
        assert payout.state == "applied"
        hashes.add(payout.transaction_hash)
    holdings = await visitor.chain.holdings(visitor.address)
    assert holdings is not None
    assert holdings.balance == -await ledger.balance(hot_account("XLM").id), "to the stroop"
    paid = await visitor.payments(visitor.chain.feed(visitor.address), 3)
    assert {p.destination: p.amount for p in paid[1:]} == {
        payees.addresses[creator]: amount for creator, amount in _EARNED.items()
    }
    assert {p.transaction for p in paid[1:]} == hashes


async def _earn(ledger: MemoryLedger) -> None:
    """What friendbot gave the hot account, and what of that creators earned."""
    hot, treasury = hot_account("XLM"), treasury_account("XLM")
    creators = {name: creator_account(name, "XLM") for name in _EARNED}
    await ledger.open_accounts([hot, treasury, *creators.values()])
    gift = Transfer("gift", hot.id, treasury.id, Stroops(_OWN), "XLM", "gift")
    earned = [
        Transfer(name, treasury.id, creators[name].id, Stroops(amount), "XLM", "post")
        for name, amount in _EARNED.items()
    ]
    await ledger.post([gift, *earned])
