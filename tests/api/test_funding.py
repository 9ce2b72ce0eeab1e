"""A viewer pays in, watches, and takes the rest out again, and so does whoever asks twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from aiohttp import ClientSession, web
from stellar_sdk import MuxedAccount

from api import suspense_command
from api.app import answer_errors
from api.auth.account import hash_token
from api.auth.account_postgres import PostgresAccountStore
from api.auth.bearer import Bearers
from api.deposits import Deposits
from api.http_server import HttpServer
from api.idempotency import Idempotency
from api.minute_limit import MinuteLimit
from api.operator import Operator
from api.remote import CommandFailed
from api.secret_names import CREATOR_TOKEN
from api.suspense import SuspenseRoutes
from api.withdrawals import Withdrawals
from config.limits import WITHDRAWALS_PER_MINUTE_MAX
from config.postgres import Database
from config.settings import Http, Settings
from metering.funding.deposits_postgres import PostgresDeposits
from metering.funding.suspense_postgres import PostgresSuspense
from metering.funding.taker import DepositTaker
from metering.funding.withdrawal_source import WithdrawalSource
from metering.funding.withdrawals_postgres import PostgresWithdrawals
from metering.money import Stroops
from metering.settlement.outbox_postgres import PostgresOutbox
from tests.api.session_rig import SEGMENT, Rig, session_rig
from tests.metering.funding.payments import (
    CHANNEL,
    HOT,
    PASSPHRASE,
    USDC,
    WALLET,
    XLM,
    MemoryFeed,
    address,
    paid,
    rules,
)

STRANGER = address("stranger")


@dataclass
class Bank:
    """The routes of money in and out, over the meter of a rig and a feed that a test writes."""

    rig: Rig
    feed: MemoryFeed
    taker: DepositTaker
    source: WithdrawalSource
    http: ClientSession
    port: int
    events: int = 0
    wishes: int = 0

    async def call(
        self, method: str, path: str, body: object = None, status: int = 200, **other: str
    ) -> Any:
        headers = {"Authorization": f"Bearer {other.get('who', 'vera')}"}
        if "key" in other:
            headers["Idempotency-Key"] = other["key"]
        url = f"/api/v1/{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return await answer.json(content_type=None) if text.startswith("{") else text

    async def pay(self, amount: int, **other: Any) -> str:
        self.events += 1
        payment = paid(self.events, amount, **other)
        self.feed.pay(payment)
        await self.taker.take()
        return payment.id

    async def withdraw(self, key: str = "", status: int = 202, **other: str) -> Any:
        """With a key of its own where none is said."""
        body = {"amount": "1", "address": WALLET, **other}
        self.wishes += 1
        key = key or f"wish-{self.wishes}"
        return await self.call("POST", "payments/withdraw", body, status, key=key)

    def operators(self, data: Path) -> Settings:
        """Those of a command that asks this server."""
        secret = data / "secrets" / CREATOR_TOKEN
        secret.parent.mkdir()
        secret.write_text("operator")
        return Settings(data_directory=data, http=Http(port=self.port))

    async def spent(self) -> list[tuple[str, str, str | None, str | None]]:
        found = await self.rig.call("GET", "payments/history")
        keys = ("type", "amount", "state", "transactionHash")
        return [tuple(each[key] for key in keys) for each in found["items"]]


@pytest.fixture
async def bank(database: Database) -> AsyncIterator[Bank]:
    async with asyncio.timeout(60), session_rig(database) as rig:
        taken, ledger = rules(), rig.ledger
        deposits = PostgresDeposits(database, ledger, taken.network)
        withdrawals = PostgresWithdrawals(database, ledger)
        outbox, feed = PostgresOutbox(database, ledger), MemoryFeed()
        accounts = PostgresAccountStore(database)
        bearers = Bearers(accounts, rig.clock)
        idempotency = Idempotency(rig.keys, rig.clock)

        async def hot() -> str:
            return HOT

        async def ours() -> tuple[str, ...]:
            return taken.addresses.all

        async def obstacle(asset: str, account: str) -> str | None:
            return "op_no_trust" if account == STRANGER and asset == USDC else None

        assets = ("XLM", USDC)
        changed = rig.intake.balance_changed
        paying = Deposits(deposits, bearers, hot, PASSPHRASE, assets, Stroops(1_000))
        taking = Withdrawals(
            withdrawals,
            outbox,
            rig.intake,
            bearers,
            idempotency,
            MinuteLimit(rig.clock, WITHDRAWALS_PER_MINUTE_MAX),
            ours,
            obstacle,
            assets,
            Stroops(10),
            Stroops(100 * XLM),
        )
        suspense = SuspenseRoutes(
            PostgresSuspense(database, ledger, withdrawals, taken.network),
            accounts,
            Operator(hash_token("operator")),
            idempotency,
            changed,
        )
        application = web.Application(middlewares=[answer_errors])
        for method, path, handler in (
            ("GET", "payments/deposit", paying.get),
            ("GET", "payments/deposit/qr.svg", paying.picture),
            ("GET", "payments/deposits", paying.list),
            ("POST", "payments/withdraw", taking.post),
            ("GET", "payments/withdrawals", taking.list),
            ("GET", "payments/withdrawals/{withdrawal}", taking.get),
            ("GET", "admin/suspense", suspense.list),
            ("POST", "admin/suspense/assign", suspense.assign),
            ("POST", "admin/suspense/return", suspense.give_back),
        ):
            application.router.add_route(method, f"/api/v1/{path}", handler)
        server = HttpServer(application, "127.0.0.1", 0)
        await server.start()
        taker = DepositTaker([feed], deposits, taken, changed)
        async with ClientSession(f"http://127.0.0.1:{server.port}") as http:
            source = WithdrawalSource(withdrawals, outbox)
            yield Bank(rig, feed, taker, source, http, server.port)
        await server.stop()


async def test_what_is_paid_in_is_there_at_once_also_for_a_session_that_ran_out(bank: Bank) -> None:
    told = await bank.call("GET", "payments/deposit")
    number = int(told["memo"])
    muxed = MuxedAccount.from_account(told["muxedAddress"])
    assert (muxed.account_id, muxed.account_muxed_id) == (told["address"], number)
    assert told["address"] == HOT
    assert f"memo={number}" in told["uri"]
    assert [each["asset"] for each in told["assets"]] == ["XLM", USDC]
    assert await bank.call("GET", "payments/deposit") == told, "the number is one's own for ever"
    other = await bank.call("GET", "payments/deposit", who="ada")
    assert other["memo"] != told["memo"]
    picture = ElementTree.fromstring(
        await bank.call("GET", f"payments/deposit/qr.svg?asset={USDC}")
    )
    assert picture.tag.endswith("svg")
    assert (await bank.call("GET", "payments/deposit/qr.svg?asset=EUR", status=400))["detail"]

    await bank.rig.fund(stroops=1_000)
    film = await bank.rig.asset()
    session = (await bank.rig.start(film))["sessionId"]
    await bank.rig.play(session, 4)
    hash_ = (await bank.pay(5 * XLM, number=number)).removesuffix(":0")
    await bank.pay(2 * XLM, memo=number, asset=USDC)
    await bank.pay(999, memo=number)
    # The session's own wallet, which is in memory, has heard of it.
    async with asyncio.timeout(20):
        while (await bank.rig.call("GET", "payments/balance"))["balance"] != "5.0000200":
            await bank.rig.intake.sweep()
    await bank.rig.play(session, 8, start=4)
    await bank.rig.call("POST", "streaming/stop", {"sessionId": session})
    items = (await bank.call("GET", "payments/deposits"))["items"]
    assert [(each["asset"], each["amount"]) for each in items] == [
        (USDC, "2.0000000"),
        ("XLM", "5.0000000"),
    ]
    assert items[1]["transactionHash"] == hash_
    assert ("deposit", "5.0000000", None, hash_) in await bank.spent()


async def test_a_withdrawal_is_made_once_for_its_key_and_never_of_what_is_held(bank: Bank) -> None:
    number = int((await bank.call("GET", "payments/deposit"))["memo"])
    await bank.pay(1_000, number=number)
    session = (await bank.rig.start(await bank.rig.asset()))["sessionId"]
    intake = bank.rig.intake
    intake.finish(await intake.request(session, 0, 0, SEGMENT), complete=True)
    balance = await bank.rig.call("GET", "payments/balance")
    assert (balance["balance"], balance["held"]) == ("0.0000800", "0.0000200")
    refused = await bank.withdraw("", 402, amount="0.0001000")
    assert refused["code"] == "insufficient_funds"
    await bank.rig.call("POST", "streaming/stop", {"sessionId": session})
    balance = (await bank.rig.call("GET", "payments/balance"))["balance"]
    first = await bank.withdraw("all", amount=balance, memo="123")
    assert await bank.withdraw("all", amount=balance, memo="123") == first
    assert (first["state"], first["memo"], first["memoType"]) == ("requested", "123", "id")
    assert (await bank.withdraw("all", 422, amount=balance))["code"] == "idempotency_key_reused"
    assert (await bank.rig.call("GET", "payments/balance"))["balance"] == "0.0000000"
    assert (await bank.withdraw("", 402, amount="0.0000010"))["code"] == "insufficient_funds"
    assert (await bank.call("GET", "payments/withdrawals"))["items"] == [first]
    path = f"payments/withdrawals/{first['withdrawalId']}"
    assert await bank.call("GET", path) == first
    assert (await bank.call("GET", path, status=404, who="ada"))["code"] == "not_found"
    assert ("withdrawal", f"-{balance}", "requested", None) in await bank.spent()
    await bank.source.refused(first["withdrawalId"], "op_no_destination")
    ended = await bank.call("GET", path)
    assert (ended["state"], ended["code"]) == ("refused", "op_no_destination")
    assert ("withdrawal", f"-{balance}", "refused", None) in await bank.spent()
    assert len(await bank.spent()) == 3, "with the session and the deposit"
    assert (await bank.rig.call("GET", "payments/balance"))["balance"] == balance


async def test_a_withdrawal_that_cannot_be_is_refused_before_anything_moves(bank: Bank) -> None:
    await bank.rig.fund(stroops=10 * XLM)
    muxed = MuxedAccount(WALLET, 5).account_muxed
    assert muxed is not None
    for wrong in (
        *({"amount": "0"}, {"amount": "-1"}, {"amount": "1e3"}, {"amount": "0.00000001"}),
        *(
            {"amount": "0.0000009"},
            {"amount": "100.0000001"},
            {"address": "G" * 56},
            {"address": WALLET[:-1] + "A"},
        ),
        *({"asset": "EUR"}, {"asset": "USDC"}, {"memo": ""}, {"memo": "x" * 29}),
        *({"memo": "7", "address": muxed}, {"memo": "x", "memoType": "id"}, {"more": "x"}),
    ):
        problem = await bank.withdraw("", 400, **wrong)
        assert problem["code"] == "invalid_request", problem
    body = {"amount": "1", "address": WALLET}
    problem = await bank.call("POST", "payments/withdraw", body, 400)
    assert problem["code"] == "idempotency_key_required"
    for ours in (HOT, CHANNEL, str(MuxedAccount(HOT, 9).account_muxed)):
        problem = await bank.withdraw("", 422, address=ours)
        assert (problem["code"], problem["reason"]) == ("destination_refused", "own_address")
    problem = await bank.withdraw("", 422, address=STRANGER, asset=USDC)
    assert problem["reason"] == "op_no_trust"
    assert "trust line" in problem["detail"]
    assert (await bank.call("GET", "payments/withdrawals"))["items"] == []
    for _ in range(WITHDRAWALS_PER_MINUTE_MAX - 4):
        await bank.withdraw(amount="0.001", address=muxed)
    assert (await bank.withdraw("", 429))["code"] == "too_many_withdrawals"


async def test_the_operator_alone_says_whose_money_in_suspense_is(
    bank: Bank, tmp_path: Path
) -> None:
    number = int((await bank.call("GET", "payments/deposit"))["memo"])
    lost = [await bank.pay(XLM), await bank.pay(2 * XLM, number=number + 1, source=STRANGER)]
    contract = f"C{'A' * 55}"
    nobodys = await bank.pay(3 * XLM, source=contract)
    for method, path in (("GET", "admin/suspense"), ("POST", "admin/suspense/return")):
        problem = await bank.call(method, path, {}, 403, key="k", who="ada")
        assert problem["code"] == "forbidden"

    async def decide(how: str, payment: str, status: int = 200, **more: str) -> Any:
        body = {"payment": payment, **more}
        path, key = f"admin/suspense/{how}", "-".join((how, payment, *more.values()))
        return await bank.call("POST", path, body, status, key=key, who="operator")

    listed = (await bank.call("GET", "admin/suspense", who="operator"))["items"]
    assert [each["id"] for each in listed] == [*lost, nobodys]
    assert [each["reason"] for each in listed] == ["no_number", "unknown_number", "no_number"]
    vera = bank.rig.accounts["vera"]
    assert (await decide("assign", lost[0], 400, account="acc_nobody"))["code"] == "invalid_request"
    for _ in range(2):
        assert (await decide("assign", lost[0], account=vera))["assignedTo"] == vera
    other = {"payment": lost[1], "account": vera}
    same_key = {"key": f"assign-{lost[0]}-{vera}", "who": "operator"}
    problem = await bank.call("POST", "admin/suspense/assign", other, 422, **same_key)
    assert problem["code"] == "idempotency_key_reused"
    assert (await bank.rig.call("GET", "payments/balance"))["balance"] == "1.0000000"
    assert ("deposit", "1.0000000", None, lost[0].removesuffix(":0")) in await bank.spent()
    assert (await decide("return", lost[0], 409))["code"] == "suspense_decided"
    assert (await decide("return", nobodys, 422))["code"] == "not_from_an_account"
    assert (await decide("return", "nothing:0", 404))["code"] == "not_found"
    settings = bank.operators(tmp_path)
    told = await suspense_command.waiting(settings)
    assert f"2.0000000 XLM  from {STRANGER}, for {number + 1}: unknown_number" in told
    with pytest.raises(CommandFailed, match="no account"):
        await suspense_command.assign(settings, lost[1], "acc_nobody")
    said = await suspense_command.give_back(settings, lost[1])
    sent = (await bank.call("GET", "admin/suspense?all=1", who="operator"))["items"][1]
    assert said == f"2.0000000 XLM go back to {STRANGER}: {sent['withdrawalId']}"
    [due] = await bank.source.due("XLM", 10)
    assert (due.id, due.address, due.amount) == (sent["withdrawalId"], STRANGER, 2 * XLM)
    open_ = (await bank.call("GET", "admin/suspense", who="operator"))["items"]
    assert [each["id"] for each in open_] == [nobodys]
    every = (await bank.call("GET", "admin/suspense?all=1", who="operator"))["items"]
    assert [each["open"] for each in every] == [False, False, True]
