"""Payment channels over HTTP: what is answered to vouchers, good and bad, old and new."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from nacl.signing import SigningKey

from api.app import answer_errors
from api.auth.account import AccountKind, hash_token, new_account
from api.auth.account_postgres import PostgresAccountStore
from api.auth.bearer import Bearers
from api.channel_chain import ChannelChain
from api.minute_limit import MinuteLimit
from api.movements import FROM_THE_NEWEST
from api.movements_postgres import PostgresMovements
from api.payment_channels import PaymentChannels
from config.clock import ManualClock, SystemClock
from config.limits import VOUCHERS_PER_SECOND_MAX
from config.postgres import Database
from metering.intake import Intake
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import format_amount, parse_amount
from metering.rules import MeterRules
from metering.store_postgres import PostgresMeterStore
from metering.vouchers.commitment import Commitments, network_id
from metering.vouchers.desk import VoucherDesk
from metering.vouchers.store_postgres import PostgresVoucherStore
from tests.metering.vouchers.chain_model import TERMS, ChainModel
from tests.metering.vouchers.test_desk import CONTRACT


class Unhurried(ChannelChain):
    """The chain, with nobody who collects."""

    async def hurry(self) -> None:
        return


CHANNELS = "/api/v1/payments/channels"
DEPOSIT = 1_000_000
CONNECTIONS = 8


class Rig:
    """The routes on a real socket, over a real database; the chain is a model."""

    def __init__(
        self, database: Database, client: TestClient[Any, Any], chain: ChainModel, owner: str
    ) -> None:
        self.ledger = PostgresLedger(database)
        self.movements = PostgresMovements(database)
        self.owner = owner
        self.client = client
        self.chain = chain
        self.key = SigningKey.generate()
        chain.open(CONTRACT, bytes(self.key.verify_key), DEPOSIT)
        self._commitments = Commitments(CONTRACT, network_id(TERMS.passphrase))

    def voucher(self, stroops: int) -> dict[str, str]:
        signature = self.key.sign(self._commitments.message(stroops)).signature
        return {"cumulative": format_amount(stroops), "signature": signature.hex()}

    async def post(self, path: str, body: object) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": "Bearer viewer"}
        async with self.client.post(CHANNELS + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def pay(self, stroops: int) -> tuple[int, dict[str, Any]]:
        return await self.post(f"/{CONTRACT}/vouchers", self.voucher(stroops))

    async def register(self) -> tuple[int, dict[str, Any]]:
        signature = self.voucher(0)["signature"]
        return await self.post("", {"contract": CONTRACT, "signature": signature})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def rig(database: Database, clock: ManualClock) -> AsyncIterator[Rig]:
    accounts = PostgresAccountStore(database)
    viewer = new_account(AccountKind.GUEST, "Guest", clock.wall_ms())
    await accounts.create(viewer, hash_token("viewer"))
    chain = ChainModel()
    intake = Intake(PostgresMeterStore(database), SystemClock(), MeterRules())
    await intake.start()
    desk = VoucherDesk(
        PostgresVoucherStore(database, PostgresLedger(database)), chain, intake, clock
    )
    routes = PaymentChannels(
        desk, Unhurried(nobody), Bearers(accounts, clock), clock, None, MinuteLimit(clock, 9)
    )
    application = web.Application(middlewares=[answer_errors])
    application.add_routes(
        [
            web.get("/api/v1/payments/channel-terms", routes.terms),
            web.get(CHANNELS, routes.list),
            web.post(CHANNELS, routes.register),
            web.post(CHANNELS + "/{channel}/vouchers", routes.accept),
            web.post(CHANNELS + "/{channel}/close", routes.close),
        ]
    )
    async with TestClient(TestServer(application)) as client:
        yield Rig(database, client, chain, viewer.id)
    await intake.stop()


async def nobody() -> None:
    """There is no collector to hurry."""


async def test_each_answer_says_what_a_client_can_act_on(rig: Rig, clock: ManualClock) -> None:
    assert (await rig.register())[0] == 201
    assert (await rig.register())[0] == 201
    status, channel = await rig.pay(5_000)
    assert (status, channel["accepted"]) == (200, "0.0005000")
    assert (await rig.pay(5_000))[0] == 200
    status, problem = await rig.pay(4_000)
    assert (status, problem["code"], problem["accepted"]) == (409, "delta_too_small", "0.0005000")
    status, problem = await rig.pay(DEPOSIT + 1)
    assert (status, problem["code"]) == (409, "amount_exceeds_deposit")
    assert problem["deposited"] == format_amount(DEPOSIT)
    forged = {**rig.voucher(6_000), "cumulative": "0.0007000"}
    assert (await rig.post(f"/{CONTRACT}/vouchers", forged))[1]["code"] == "invalid_signature"
    assert (await rig.post(f"/{CONTRACT[:-1]}X/vouchers", rig.voucher(6_000)))[0] == 404
    for wrong in ({}, {**rig.voucher(6_000), "cumulative": "1e3"}, {"contract": CONTRACT[:-1]}):
        assert (await rig.post(f"/{CONTRACT}/vouchers", wrong))[0] == 400
    clock.advance(1_000)
    while (await rig.pay(5_000))[0] == 200:
        pass
    assert (await rig.pay(5_000))[1]["code"] == "too_many_vouchers"
    status, channel = await rig.post(f"/{CONTRACT}/close", {"voucher": rig.voucher(1_000)})
    assert (status, channel["state"], channel["accepted"]) == (200, "closing", "0.0001000")
    clock.advance(1_000)
    assert (await rig.pay(6_000))[1]["code"] == "channel_closing"
    # However many vouchers there were: one line of the history.
    movements, _ = await rig.movements.page(rig.owner, FROM_THE_NEWEST, 50)
    assert [(each.kind, each.reference, each.amount) for each in movements] == [
        ("payment_channel", CONTRACT, 1_000)
    ]


async def test_a_contract_that_would_not_pay_us_is_refused_with_the_reason(rig: Rig) -> None:
    rig.chain.start_closing(CONTRACT)
    status, problem = await rig.register()
    assert (status, problem["code"], problem["reason"]) == (422, "contract_refused", "closing")
    del rig.chain.states[CONTRACT]
    assert (await rig.register())[1]["reason"] == "no_payment_channel"
    rig.chain.away = True
    assert (await rig.register())[0] == 503


async def test_vouchers_replayed_and_reordered_over_eight_connections_come_to_the_highest(
    rig: Rig, clock: ManualClock
) -> None:
    """1,000 requests over real sockets: each of 250 vouchers four times, in any order; a tenth are
    for more than there is. (10,000 are in the conformance suite of the store.)
    """
    chance = random.Random(5)
    await rig.register()
    sums = [chance.randrange(100, DEPOSIT * 11 // 10) for _ in range(250)] * 4
    chance.shuffle(sums)
    answered: dict[int, int] = {}

    async def connection(mine: list[int]) -> None:
        for stroops in mine:
            clock.advance(1_000 // VOUCHERS_PER_SECOND_MAX + 1)
            status, document = await rig.pay(stroops)
            if status == 200:
                answered[stroops] = parse_amount(document["accepted"])
            else:
                assert document["code"] in ("delta_too_small", "amount_exceeds_deposit")

    await asyncio.gather(*(connection(sums[each::CONNECTIONS]) for each in range(CONNECTIONS)))
    highest = max(each for each in sums if each <= DEPOSIT)
    accepted = max(answered.values())
    assert highest - 100 < accepted <= highest
    # What is answered is stored: no voucher was answered with less than it is for.
    assert all(stored >= stroops for stroops, stored in answered.items())
    balances = await rig.ledger.balances("viewer:")
    assert list(balances.values()) == [accepted]
