"""Vouchers are checked, stored, and only then answered; what they add can be spent."""

import asyncio
import random
from dataclasses import replace

import pytest
from nacl.signing import SigningKey

from config.clock import ManualClock
from config.limits import PAYMENT_CHANNELS_OPEN_MAX, VOUCHER_LOOK_MS, VOUCHER_SEEN_SECONDS_MAX
from metering.errors import InsufficientFunds
from metering.intake import Intake
from metering.ledger.ledger import viewer_account
from metering.money import Stroops
from metering.settlement.chain import ChainUnreachable
from metering.settlement.strkey import encode
from metering.vouchers.channel_terms import ContractRefused
from metering.vouchers.commitment import Commitments, network_id
from metering.vouchers.desk import VoucherDesk
from metering.vouchers.payment_channel import (
    AlreadyTaken,
    BadVoucher,
    ChannelState,
    DeltaTooSmall,
    ExceedsDeposit,
    NoLongerOpen,
    NotSeenLately,
    UnknownChannel,
    Voucher,
    VoucherRefused,
)
from metering.vouchers.store import MemoryVoucherStore
from tests.metering.vouchers.chain_model import TERMS, ChainModel
from tests.metering.watching import Store, Watch

NETWORK = network_id(TERMS.passphrase)
DEPOSIT = 1_000_000


def contract_named(number: int) -> str:
    return encode(2 << 3, number.to_bytes(32, "big"))


CONTRACT = contract_named(1)


class Party:
    """A viewer with a session key and a payment channel."""

    def __init__(self, desk: VoucherDesk, chain: ChainModel, owner: str, contract: str) -> None:
        self.desk = desk
        self.owner = owner
        self.contract = contract
        self.key = SigningKey.generate()
        chain.open(contract, bytes(self.key.verify_key), DEPOSIT)

    def signature(self, cumulative: int) -> bytes:
        message = Commitments(self.contract, NETWORK).message(cumulative)
        return self.key.sign(message).signature

    async def register(self) -> None:
        await self.desk.register(self.owner, self.contract, self.signature(0))

    async def pay(self, cumulative: int) -> int:
        return (await self.desk.accept(self.owner, self.voucher(cumulative))).signed

    def voucher(self, cumulative: int, signed: int | None = None) -> Voucher:
        """One for `cumulative`, with the signature of that or of `signed`."""
        signature = self.signature(cumulative if signed is None else signed)
        return Voucher(self.contract, Stroops(cumulative), signature)


@pytest.fixture
def chain() -> ChainModel:
    return ChainModel()


@pytest.fixture
def desk(store: Store, chain: ChainModel, intake: Intake, clock: ManualClock) -> VoucherDesk:
    return VoucherDesk(MemoryVoucherStore(store.ledger), chain, intake, clock)


@pytest.fixture
async def party(desk: VoucherDesk, chain: ChainModel) -> Party:
    party = Party(desk, chain, "v", CONTRACT)
    await party.register()
    return party


async def test_a_voucher_pays_for_the_session_that_waits_for_it(
    party: Party, intake: Intake, watch: Watch
) -> None:
    with pytest.raises(InsufficientFunds):
        await watch("v", balance=0)
    await party.pay(10_000)
    viewer = await watch("v", balance=0)
    assert (await intake.summary(viewer.id)).balance == 10_000
    await party.pay(12_000)
    assert (await intake.summary(viewer.id)).balance == 12_000
    assert party.desk.paying("v") == CONTRACT


async def test_only_who_has_the_key_registers_a_contract_and_only_one_account(
    party: Party, desk: VoucherDesk, chain: ChainModel
) -> None:
    other = Party(desk, chain, "w", contract_named(2))
    with pytest.raises(BadVoucher):
        await desk.register("w", other.contract, other.signature(1))
    with pytest.raises(ContractRefused):
        await desk.register("w", contract_named(3), other.signature(0))
    with pytest.raises(AlreadyTaken):
        await desk.register("w", CONTRACT, party.signature(0))
    await party.register()
    assert [each.contract for each in await desk.channels("v")] == [CONTRACT]
    chain.away = True
    with pytest.raises(ChainUnreachable):
        await other.register()


async def test_an_account_has_so_many_payment_channels(
    party: Party, desk: VoucherDesk, chain: ChainModel
) -> None:
    for number in range(2, 2 + PAYMENT_CHANNELS_OPEN_MAX):
        more = Party(desk, chain, "v", contract_named(number))
        if number <= PAYMENT_CHANNELS_OPEN_MAX:
            await more.register()
        else:
            with pytest.raises(ContractRefused, match="close one"):
                await more.register()


async def test_what_others_sign_or_send_is_refused(party: Party, desk: VoucherDesk) -> None:
    with pytest.raises(BadVoucher):
        await desk.accept("v", party.voucher(5_000, signed=5_001))
    with pytest.raises(UnknownChannel):
        await desk.accept("w", party.voucher(5_000))
    await party.pay(5_000)
    with pytest.raises(UnknownChannel):
        await desk.accept("w", party.voucher(6_000))
    with pytest.raises(UnknownChannel):
        await desk.channel("w", CONTRACT)
    with pytest.raises(UnknownChannel):
        await desk.accept("v", replace(party.voucher(5_000), contract=contract_named(9)))


async def test_a_voucher_beyond_what_was_seen_is_good_after_a_top_up(
    party: Party, chain: ChainModel, clock: ManualClock
) -> None:
    with pytest.raises(ExceedsDeposit):
        await party.pay(DEPOSIT + 500)
    chain.top_up(CONTRACT, 1_000)
    with pytest.raises(ExceedsDeposit):  # it was looked at just now
        await party.pay(DEPOSIT + 500)
    clock.advance(VOUCHER_LOOK_MS)
    assert await party.pay(DEPOSIT + 500) == DEPOSIT + 500


async def test_a_contract_that_nobody_could_look_at_gives_no_credit(
    party: Party, chain: ChainModel, clock: ManualClock
) -> None:
    clock.advance(VOUCHER_SEEN_SECONDS_MAX * 1000 + 1)
    chain.away = True
    with pytest.raises(ChainUnreachable):
        await party.pay(5_000)
    chain.away = False
    del chain.states[CONTRACT]
    with pytest.raises(NotSeenLately):
        await party.pay(5_000)
    chain.open(CONTRACT, bytes(party.key.verify_key), DEPOSIT)
    assert await party.pay(5_000) == 5_000


async def test_vouchers_in_any_order_come_to_the_highest(party: Party, store: Store) -> None:
    """2,000 at once, each of them twice: what waits is written together."""
    sums = [100 * each for each in range(1, 1_001)] * 2
    random.Random(3).shuffle(sums)
    answers = await asyncio.gather(*map(party.pay, sums), return_exceptions=True)
    kinds = {type(each) for each in answers if not isinstance(each, int)}
    assert kinds <= {DeltaTooSmall}
    assert max(each for each in answers if isinstance(each, int)) == 100_000
    assert await store.ledger.balance(viewer_account("v", "XLM").id) == 100_000


async def test_who_closes_signs_for_what_was_watched_and_leaves_nothing_here(
    party: Party, desk: VoucherDesk, intake: Intake, watch: Watch
) -> None:
    await party.pay(10_000)
    viewer = await watch("v", balance=0)
    await viewer.play(0)
    held = (await intake.summary(viewer.id)).held
    assert held > 0
    # What is held for media that was sent is not there to be taken back.
    with pytest.raises(InsufficientFunds):
        await desk.close("v", CONTRACT, party.voucher(0))
    with pytest.raises(BadVoucher):
        await desk.close("v", CONTRACT, party.voucher(held, signed=held + 1))
    closing = await desk.close("v", CONTRACT, party.voucher(held))
    assert (closing.state, closing.signed) == (ChannelState.CLOSING, held)
    assert (await intake.balance("v")).available == 0
    with pytest.raises(NoLongerOpen):
        await party.pay(20_000)
    assert desk.paying("v") is None
    assert (await desk.close("v", CONTRACT, None)) == closing


async def test_who_closes_without_signing_keeps_the_rest_here(
    party: Party, desk: VoucherDesk, intake: Intake
) -> None:
    await party.pay(10_000)
    with pytest.raises(VoucherRefused):
        await desk.close("v", CONTRACT, party.voucher(10_001))
    closing = await desk.close("v", CONTRACT, None)
    assert (closing.state, closing.signed) == (ChannelState.CLOSING, 10_000)
    assert (await intake.balance("v")).available == 10_000
