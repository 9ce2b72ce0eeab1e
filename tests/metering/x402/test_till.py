"""What is presented reaches the chain once, whatever gets lost and however often it comes."""

import asyncio
from dataclasses import dataclass, replace

import pytest

from config.clock import ManualClock
from config.limits import SETTLEMENT_RESEND_MS, X402_FEES_PER_DAY_STROOPS
from metering.money import Stroops
from metering.settlement.lifecycle import Answer, Answered
from metering.settlement.outbox import SignedEnvelope, State
from metering.settlement.sending import Found, NotFound
from metering.x402.errors import NobodyPaysFees
from metering.x402.store import MemoryTopUps
from metering.x402.terms import PaymentRefused, Terms
from metering.x402.till import Till
from metering.x402.transfer import Transfer

TERMS = Terms("stellar:other", "CTOKEN", Stroops(50), "MVIEWER")
SPONSOR = "GSPONSOR"
FEE = 30_000


def transfer(nonce: int) -> Transfer:
    return Transfer("GPAYER", nonce, "function", f"auth {nonce}")


@dataclass
class Chain:
    """Takes a transaction at the second look after it arrived; may lose what is sent.

    `carried` are the transactions that were made, `taken` the hashes that a ledger has.
    """

    clock: ManualClock
    lost: int = 0
    fails: bool = False
    fee: int = FEE
    time: int = 0

    def __post_init__(self) -> None:
        self.carried: list[SignedEnvelope] = []
        self.waiting: list[str] = []
        self.taken: list[str] = []
        self.sequence = 0
        self.asked_to_send = asyncio.Event()

    @property
    def address(self) -> str:
        return SPONSOR

    async def carry(self, transfer: Transfer, terms: Terms) -> SignedEnvelope:
        number = len(self.carried) + 1
        signed = SignedEnvelope(
            transfer.auth, f"hash {number}", SPONSOR, self.sequence + 1, self.time + 60, self.fee, 1
        )
        self.carried.append(signed)
        return signed

    async def send(self, envelope: SignedEnvelope) -> Answered:
        self.asked_to_send.set()
        if self.lost:
            self.lost -= 1
            return Answered(Answer.UNKNOWN)
        self.waiting.append(envelope.hash)
        return Answered(Answer.ACCEPTED)

    async def look(self, envelope: SignedEnvelope) -> Found | NotFound:
        # Time passes as long as somebody looks.
        self.clock.advance(SETTLEMENT_RESEND_MS // 2)
        self.time += 1
        if envelope.hash in self.waiting:
            self.waiting.remove(envelope.hash)
            self.taken.append(envelope.hash)
            self.sequence = envelope.sequence
            return NotFound(2, self.time, 1, self.sequence - 1)
        if envelope.hash in self.taken:
            return Found(
                not self.fails, 2, self.fee, "tx_failed" if self.fails else "tx_success", ()
            )
        return NotFound(2, self.time, 1, self.sequence)


class Counter:
    """A till, with what it works on; `restart` is a new process on the same store."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.chain = Chain(self.clock)
        self.store = MemoryTopUps()
        self.restart()

    def restart(self) -> None:
        self.till = Till(self.store, self.chain, self.chain, self.clock, poll_ms=0)

    async def take(self, nonce: int = 1, account: str = "acc_v") -> str:
        """Present a payment; the hash of what carried it."""
        ended = await self.till.take(account, "XLM", transfer(nonce), TERMS)
        assert ended.state is State.APPLIED
        return ended.signed.hash

    async def begin_and_stop(self) -> None:
        """A process ends when it has sent something, which gets lost."""
        self.chain.lost = 1
        task = asyncio.ensure_future(self.take())
        async with asyncio.timeout(20):
            await self.chain.asked_to_send.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.restart()


@pytest.fixture
def counter() -> Counter:
    return Counter()


async def test_a_payment_is_carried_once_however_often_it_is_presented(counter: Counter) -> None:
    together = await asyncio.gather(*(counter.take() for _ in range(5)))
    assert set(together) == {"hash 1"}
    counter.restart()
    assert await counter.take() == "hash 1"
    assert counter.chain.taken == ["hash 1"]


async def test_several_payers_are_carried_one_after_another(counter: Counter) -> None:
    hashes = await asyncio.gather(*(counter.take(nonce) for nonce in range(4)))
    assert sorted(hashes) == counter.chain.taken == [f"hash {n}" for n in range(1, 5)]
    assert [each.sequence for each in counter.chain.carried] == [1, 2, 3, 4]


async def test_what_was_lost_on_the_way_is_sent_again_as_it_is(counter: Counter) -> None:
    counter.chain.lost = 3
    assert await counter.take() == "hash 1"
    assert len(counter.chain.carried) == 1


async def test_what_never_applies_may_be_presented_again(counter: Counter) -> None:
    counter.chain.lost = 10_000
    with pytest.raises(PaymentRefused, match="expired"):
        await counter.take()
    counter.chain.lost = 0
    assert await counter.take() == "hash 2"


async def test_what_fails_in_its_ledger_is_refused_and_paid_for_by_us_alone(
    counter: Counter,
) -> None:
    counter.chain.fails = True
    with pytest.raises(PaymentRefused, match="tx_failed"):
        await counter.take()
    assert await counter.store.fees_since(SPONSOR, 0) == FEE


async def test_what_a_stopped_process_left_is_ended_by_the_next(counter: Counter) -> None:
    await counter.begin_and_stop()
    assert await counter.take(nonce=2) == "hash 2"
    assert counter.chain.taken == ["hash 1", "hash 2"]
    assert await counter.take() == "hash 1"


async def test_a_payment_is_for_whom_it_was_presented_first(counter: Counter) -> None:
    await counter.take()
    with pytest.raises(PaymentRefused) as caught:
        await counter.take(account="acc_w")
    assert caught.value.reason == "invalid_transaction_state"
    other = replace(TERMS, amount=Stroops(51))
    with pytest.raises(PaymentRefused):
        await counter.till.take("acc_v", "XLM", transfer(1), other)


async def test_a_day_costs_us_no_more_than_its_budget(counter: Counter) -> None:
    counter.chain.fee = X402_FEES_PER_DAY_STROOPS
    await counter.take()
    with pytest.raises(NobodyPaysFees):
        await counter.take(nonce=2)
    counter.clock.advance(86_400_000)
    assert await counter.take(nonce=2) == "hash 2"
