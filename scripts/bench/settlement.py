"""What it costs to pay creators, and how much of what is billed one operation on the chain pays.

The real worker and signer settle on the local network's model in this process, with the ledger in
memory and time that is moved by hand.

`payments_per_transaction` is of all transactions that pay 400 creators who are due at once.

`ticks_per_chain_operation` is of an hour of 1,000 viewers who watch 20 creators, each of them paid
every five minutes; the operations are all that our accounts had in ledgers, those that made the
channel accounts included. (Every fifteen seconds, as the local network's play money is paid by
default, is for looking at; a day, as most are paid by, is some hundred times better.)

`sign_ms_per_payment` is the CPU of building, signing and encoding a transaction of 100 payments, as
the signer does it, divided by 100; the median of many.

`voucher_verifications_per_second` is of one core.
"""

import asyncio
import secrets
from statistics import median
from time import process_time

import structlog

from metering.ledger.ledger import Transfer, creator_account, treasury_account
from metering.money import Stroops
from metering.settlement.outbox import Payment, Settlement, State
from metering.settlement.strkey import Address, write_address
from metering.settlement.transaction import Slot, build
from metering.signer.keys import Keys, new_seed
from scripts.bench.figures import Figure
from scripts.bench.vouchers import verifications_per_second
from tests.metering.settlement.simulated import World

_NAME = "settlement"
_DUE_AT_ONCE = 400
_VIEWERS, _CREATORS, _HOUR_SECONDS, _PAID_EACH_SECONDS = 1_000, 20, 3_600, 300
# 0.5 an hour.
_PRICE_STROOPS, _PRICE_SECONDS = 5_000_000, 3_600
_PASSPHRASE = "Test SDF Network ; September 2015"
_TIMES = 60


def run() -> list[Figure]:
    """Measure all of it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    per_transaction = asyncio.run(_payments_per_transaction())
    per_operation = asyncio.run(_ticks_per_operation())
    return [
        Figure(_NAME, "payments_per_transaction", per_transaction, 95, at_most=False),
        Figure(_NAME, "ticks_per_chain_operation", per_operation, 10_000, at_most=False),
        Figure(_NAME, "sign_ms_per_payment", _sign_ms(), 0.15, at_most=True),
        Figure(
            _NAME,
            "voucher_verifications_per_second",
            verifications_per_second(),
            5_000,
            at_most=False,
        ),
    ]


async def _payments_per_transaction() -> float:
    world = World(channels=4)
    await world.play_money.replenish()
    for number in range(_DUE_AT_ONCE):
        world.payees.addresses[f"c{number}"] = world.root
    await _earn(world, {f"c{number}": 10_000 + number for number in range(_DUE_AT_ONCE)}, "once")
    await world.run(100)
    settlements = await _settlements(world, [f"c{number}" for number in range(_DUE_AT_ONCE)])
    return _DUE_AT_ONCE / len(settlements)


async def _ticks_per_operation() -> float:
    world = World(channels=4)
    await world.play_money.replenish()
    creators = [f"c{number}" for number in range(_CREATORS)]
    for creator in creators:
        await world.add_creator(creator)
    ticks = 0
    for until in range(_PAID_EACH_SECONDS, _HOUR_SECONDS + 1, _PAID_EACH_SECONDS):
        watched = _PAID_EACH_SECONDS * _VIEWERS // _CREATORS
        earned = watched * _PRICE_STROOPS // _PRICE_SECONDS
        await _earn(world, dict.fromkeys(creators, earned), str(until))
        ticks += watched * _CREATORS
        await world.run()
        world.clock.advance(_PAID_EACH_SECONDS * 1_000)
    settlements = await _settlements(world, creators)
    operations = sum(len(each.payments) for each in settlements) + len(world.channels)
    return ticks / operations


async def _earn(world: World, amounts: dict[str, int], cause: str) -> None:
    treasury, asset = treasury_account("XLM").id, "XLM"
    accounts = {creator: creator_account(creator, asset) for creator in amounts}
    await world.ledger.open_accounts(list(accounts.values()))
    await world.ledger.post(
        [
            Transfer(f"{cause}:{c}", treasury, accounts[c].id, Stroops(amount), asset, "post")
            for c, amount in amounts.items()
        ]
    )


async def _settlements(world: World, creators: list[str]) -> list[Settlement]:
    """What paid them; nothing may be left."""
    found: dict[str, Settlement] = {}
    for creator in creators:
        if await world.ledger.balance(creator_account(creator, "XLM").id) != 0:
            raise AssertionError(f"{creator} was not paid")
        for payout in await world.stored.payouts(creator, "XLM", 1_000):
            settlement = await world.stored.settlement_of(payout.id)
            assert settlement is not None, "it was listed"
            if settlement.state == State.APPLIED:
                found[settlement.id] = settlement
    return list(found.values())


def _sign_ms() -> float:
    keys = Keys(new_seed())
    slot = Slot(keys.channels[0], 7, 2_000_000_000)
    payments = tuple(_payment(number) for number in range(100))
    settlement = Settlement("set_bench", "XLM", slot.source, 10_000, payments, 0)
    spent = []
    for _ in range(_TIMES):
        begun = process_time()
        unsigned = build(settlement, slot, keys.hot, _PASSPHRASE)
        unsigned.signed(keys.sign(unsigned.hash, (slot.source, keys.hot)))
        spent.append((process_time() - begun) * 1_000 / len(payments))
    return median(spent)


def _payment(number: int) -> Payment:
    address = write_address(Address(secrets.token_bytes(32)))
    return Payment(
        f"pay_{number}", f"c{number}", address, Stroops(10_000), f"creator:c{number}:XLM"
    )
