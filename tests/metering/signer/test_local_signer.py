"""What is signed and what is refused, whatever was planned and asked for."""

import random
from dataclasses import replace

import pytest
from stellar_sdk import (
    CreateAccount,
    CreateClaimableBalance,
    FeeBumpTransactionEnvelope,
    Keypair,
    Operation,
    Payment,
    TransactionEnvelope,
)

from config.clock import ManualClock
from config.limits import SETTLEMENT_FEE_RATE_MAX, SIGNER_AHEAD_SECONDS_MAX, SIGNER_DAY_MS
from metering.settlement.outbox import Kind, Settlement, SignedEnvelope, State
from metering.settlement.signer import Reason, Refused, SigningOrder
from metering.settlement.strkey import Address, read_address, write_address
from metering.signer.collecting import CollectingOrder, Verb, authorization_hash
from metering.signer.local_signer import LocalSigner
from metering.signer.register import MemoryRegister
from metering.signer.rules import Rules, outflow
from tests.metering.signer.plans import (
    ALICE,
    KEYS,
    NOW_MS,
    PASSPHRASE,
    SEED,
    SOON,
    Plans,
    order,
    pay,
    plan,
)

CAP = 1_000
CHANNEL = KEYS.channels[0]
ISSUED = "USD:" + ALICE
RECLAIM = "00000000" + "ab" * 32
MUXED = write_address(Address(read_address(KEYS.hot).key, 9))


class Desk:
    """A signer, what it reads, and what it has signed."""

    def __init__(self, **caps: int) -> None:
        self.plans = Plans()
        self.clock = ManualClock(NOW_MS)
        self.register = MemoryRegister()
        self.signer = LocalSigner(
            SEED,
            PASSPHRASE,
            self.plans,
            rules=Rules({"XLM": CAP}, **{"fees": 10**9, **caps}),
            register=self.register,
            clock=self.clock,
        )

    async def sign(self, settlement: Settlement, **changes: int) -> SignedEnvelope:
        return await self.signer.sign(order(self.plans.add(settlement), **changes))

    async def reason(self, given: SigningOrder) -> Reason:
        with pytest.raises(Refused) as refused:
            await self.signer.sign(given)
        return refused.value.reason


@pytest.fixture
def desk() -> Desk:
    return Desk()


def opened(envelope: SignedEnvelope) -> TransactionEnvelope:
    read = TransactionEnvelope.from_xdr(envelope.xdr, PASSPHRASE)
    assert read.hash_hex() == envelope.hash
    return read


async def test_what_was_planned_is_signed_by_whoever_lends_the_number_and_whoever_pays(
    desk: Desk,
) -> None:
    signed = await desk.sign(plan("set_1", pay(7), pay(8, CHANNEL), source=CHANNEL), sequence=41)
    read = opened(signed)
    assert read.transaction.source.account_id == CHANNEL
    assert (read.transaction.sequence, read.transaction.fee) == (41, 200)
    assert (signed.sequence, signed.max_time, signed.ledger, signed.fee) == (41, SOON, 5, 200)
    assert {each.source and each.source.account_id for each in read.transaction.operations} == {
        KEYS.hot
    }
    assert len(read.signatures) == 2
    for address, signature in zip((CHANNEL, KEYS.hot), read.signatures, strict=True):
        Keypair.from_public_key(address).verify(read.hash(), signature.signature)


async def test_a_settlement_is_signed_once_whatever_is_ordered_later(desk: Desk) -> None:
    settlement = plan("set_1", pay(7))
    first = await desk.sign(settlement)
    desk.clock.advance(60_000)
    assert await desk.sign(settlement, sequence=8, max_time=SOON + 60) == first
    signed = replace(settlement, state=State.SENT, signed=first)
    assert await desk.sign(signed) == first
    assert desk.register.spent(desk.clock.wall_ms()).by_asset == {"XLM": 7}


ALTERED = (
    pay(8),
    pay(7, CHANNEL),
    pay(7, claimable=True),
    pay(7, memo="text:mine"),
    replace(pay(7), creator="ben"),
)


@pytest.mark.parametrize("payment", ALTERED)
async def test_one_that_says_something_else_than_when_it_was_signed_is_refused(
    desk: Desk, payment: object
) -> None:
    first = await desk.sign(plan("set_1", pay(7)))
    altered = desk.plans.add(plan("set_1", payment))  # type: ignore[arg-type]
    assert await desk.reason(order(altered)) is Reason.ALTERED
    with pytest.raises(Refused, match="altered"):
        await desk.signer.bump(first, 300)


GOOD = plan("set_1", pay(7))
REFUSED: tuple[tuple[str, Settlement, dict[str, object], Reason], ...] = (
    ("ended", replace(GOOD, state=State.APPLIED), {}, Reason.ENDED),
    ("failed", replace(GOOD, state=State.FAILED), {}, Reason.ENDED),
    ("dead", replace(GOOD, state=State.DEAD), {}, Reason.ENDED),
    ("another's account", replace(GOOD, source=ALICE), {}, Reason.FOREIGN_SOURCE),
    ("other source than planned", GOOD, {"source": CHANNEL}, Reason.FOREIGN_SOURCE),
    ("asset without a cap", replace(GOOD, asset=ISSUED), {}, Reason.FOREIGN_ASSET),
    ("above the cap", plan("set_1", pay(CAP), pay(1)), {}, Reason.DAILY_CAP),
    ("no payments", plan("set_1"), {}, Reason.MALFORMED),
    ("too many", plan("set_1", *[pay(1)] * 101), {}, Reason.MALFORMED),
    ("less than nothing", plan("set_1", pay(CAP), pay(-CAP), pay(CAP)), {}, Reason.MALFORMED),
    ("more than 64 bits", plan("set_1", pay(2**63)), {}, Reason.MALFORMED),
    ("two memos", plan("set_1", pay(1, memo="id:1"), pay(1)), {}, Reason.MALFORMED),
    ("a long memo", plan("set_1", pay(1, memo="text:" + "x" * 29)), {}, Reason.MALFORMED),
    ("no address", plan("set_1", pay(1, "GALICE")), {}, Reason.MALFORMED),
    ("no asset", plan("set_1", pay(1), asset="LONGERTHANTWELVE:" + ALICE), {},
     Reason.FOREIGN_ASSET),
    ("more in a reclaim", plan("set_1", pay(1, RECLAIM + "00", Kind.RECLAIM)), {},
     Reason.MALFORMED),
    ("another reclaim", plan("set_1", pay(1, "01" + RECLAIM[2:], Kind.RECLAIM)), {},
     Reason.MALFORMED),
    ("lumens under another name", plan("set_1", pay(9, kind=Kind.OPEN), asset=ISSUED), {},
     Reason.MALFORMED),
    ("a high fee", replace(GOOD, fee_max=SETTLEMENT_FEE_RATE_MAX + 1), {}, Reason.FEE_TOO_HIGH),
    ("no fee", replace(GOOD, fee_max=0), {}, Reason.FEE_TOO_HIGH),
    ("no sequence", GOOD, {"sequence": 0}, Reason.MALFORMED),
    ("a long sequence", GOOD, {"sequence": 2**63}, Reason.MALFORMED),
    ("for ever", GOOD, {"max_time": 0}, Reason.TOO_LATE),
    ("tomorrow", GOOD, {"max_time": NOW_MS // 1000 + SIGNER_AHEAD_SECONDS_MAX + 1},
     Reason.TOO_LATE),
)  # fmt: skip


@pytest.mark.parametrize(
    ("settlement", "changes", "reason"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
async def test_what_is_not_as_it_should_be_is_refused_and_leaves_nothing_behind(
    desk: Desk, settlement: Settlement, changes: dict[str, object], reason: Reason
) -> None:
    desk.plans.add(settlement)
    assert await desk.reason(replace(order(settlement), **changes)) is reason  # type: ignore[arg-type]
    assert len(desk.register) == 0


async def test_what_nobody_planned_is_refused(desk: Desk) -> None:
    assert await desk.reason(order(GOOD)) is Reason.UNKNOWN


async def test_fees_and_settlements_of_a_day_have_caps_of_their_own() -> None:
    for desk in (Desk(fees=250), Desk(settlements=2)):
        for number in range(2):
            await desk.sign(plan(f"set_{number}", pay(1)))
        third = desk.plans.add(plan("set_3", pay(1)))
        assert await desk.reason(order(third)) is Reason.DAILY_CAP
        desk.clock.advance(SIGNER_DAY_MS)
        await desk.signer.sign(order(third, max_time=SOON + SIGNER_DAY_MS // 1000))


async def test_a_higher_bid_is_signed_for_what_was_signed_and_counts_as_what_it_adds() -> None:
    desk = Desk(fees=1_250)
    signed = await desk.sign(plan("set_1", pay(7), source=CHANNEL))
    bumped = await desk.signer.bump(signed, 1_000)
    assert await desk.signer.bump(replace(signed, xdr=""), 1_000) == bumped, "told again the same"
    read = FeeBumpTransactionEnvelope.from_xdr(bumped.xdr, PASSPHRASE)
    assert read.hash_hex() == bumped.hash
    assert read.transaction.fee_source.account_id == KEYS.hot
    assert read.transaction.inner_transaction_envelope.to_xdr() == signed.xdr
    Keypair.from_public_key(KEYS.hot).verify(read.hash(), read.signatures[0].signature)
    assert replace(bumped, xdr=signed.xdr, hash=signed.hash, fee=signed.fee) == signed
    for fee in (0, 2 * SETTLEMENT_FEE_RATE_MAX + 1, 1_251):
        with pytest.raises(Refused):
            await desk.signer.bump(signed, fee)
    with pytest.raises(Refused, match="not_signed_here"):
        await desk.signer.bump(replace(signed, hash="00" * 32), 1_000)


async def test_a_payment_channel_may_pay_us_and_nothing_else_is_agreed_to(desk: Desk) -> None:
    contract = "CAAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQC526"
    wanted = CollectingOrder(contract, Verb.SETTLE, 10, bytes(64), 1, 100)
    signature = await desk.signer.authorize(wanted)
    hash_ = authorization_hash(wanted, PASSPHRASE)
    Keypair.from_public_key(KEYS.hot).verify(hash_, signature)


def leaving(envelope: SignedEnvelope) -> int:
    """Lumens that a transaction takes out of our accounts, as the SDK reads it."""
    total = 0
    for operation in opened(envelope).transaction.operations:
        match operation:
            case Payment(destination=to, amount=amount):
                # One of several owners of our account is somebody else.
                ours = to.account_id in KEYS.accounts and to.account_muxed_id is None
            case CreateAccount(destination=account, starting_balance=amount):
                ours = account in KEYS.accounts
            case CreateClaimableBalance(amount=amount):
                ours = False
            case _:
                continue
        total += 0 if ours else Operation.to_xdr_amount(amount)
    return total


async def test_no_day_of_any_plans_costs_more_than_the_cap(desk: Desk) -> None:
    """Goal: whoever writes plans and orders as they like gets a day's cap at most.
    Method: drawn plans over some days; what was signed is read by the SDK, not by what counted it.
    """
    draw = random.Random(7)
    paid: dict[str, tuple[int, int]] = {}
    refused = 0
    for number in range(600):
        desk.clock.advance(draw.randrange(SIGNER_DAY_MS // 50))
        payments = [
            pay(
                draw.choice((1, 50, 400, CAP, -CAP, 2**62)),
                draw.choice((ALICE, CHANNEL, KEYS.hot, MUXED, RECLAIM)),
                draw.choice(tuple(Kind)),
                claimable=draw.random() < 0.1,
            )
            for _ in range(draw.choice((1, 1, 2, 3)))
        ]
        settlement = plan(f"set_{draw.randrange(number + 1)}", *payments)
        try:
            envelope = await desk.sign(settlement, max_time=desk.clock.wall_ms() // 1000 + 60)
        except Refused:
            refused += 1
            continue
        assert leaving(envelope) == outflow(settlement, KEYS.accounts)
        paid.setdefault(envelope.hash, (desk.clock.wall_ms(), leaving(envelope)))
    assert refused > 100
    assert sum(amount for _, amount in paid.values()) > 3 * CAP, "something is paid on most days"
    for last, _ in paid.values():
        day = [amount for at, amount in paid.values() if last - SIGNER_DAY_MS < at <= last]
        assert sum(day) <= CAP
