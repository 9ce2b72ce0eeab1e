"""The operator gives up what payment channels can no longer pay: seen first, and booked once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from api.app import answer_errors
from api.auth.account import hash_token
from api.channel_losses import ChannelLossRoutes
from api.cli import main
from api.http_server import HttpServer
from api.idempotency import Idempotency
from api.idempotency_postgres import PostgresIdempotencyStore
from api.operator import Operator
from api.secret_names import CREATOR_TOKEN
from config.clock import ManualClock
from config.postgres import Database
from metering.audit.accounts import check_accounts
from metering.audit.vouchers import check_vouchers
from metering.ledger.ledger import channel_loss_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.reconciliation.books_postgres import PostgresBooks
from metering.vouchers.losses_postgres import PostgresLosses
from metering.vouchers.payment_channel import ContractState, PaymentChannel, Voucher
from metering.vouchers.store_postgres import PostgresVoucherStore
from tests.conformance.test_voucher_store import (
    CHANNEL,
    LATELY,
    NOW,
    SIDE,
    STATE,
    VIEWER,
    add_accounts,
)

MIDNIGHT = datetime(1970, 1, 1, tzinfo=UTC)
LOST, KEPT, OPEN = (f"C{letter * 55}" for letter in "LKO")


@dataclass
class Office:
    """The routes, and three payment channels: one lost a part, one nothing, one is open."""

    database: Database
    ledger: PostgresLedger
    http: ClientSession
    port: int
    asked: int = 0

    async def call(
        self,
        path: str = "",
        body: object = None,
        status: int = 200,
        who: str = "olga",
        key: str | None = None,
    ) -> Any:
        self.asked += 1
        headers = {"Authorization": f"Bearer {who}", "Idempotency-Key": key or f"{self.asked}"}
        method = "GET" if body is None else "POST"
        url = f"/api/v1/admin/channel-losses{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    async def give_up(self, contract: str, status: int = 200, **other: str) -> Any:
        body = {"amount": "0.0003000", "reason": "their server was down", **other}
        return await self.call(f"/{contract}/write-off", body, status)

    async def check(self) -> None:
        """Nothing in the books is broken."""
        async with self.database.transaction() as connection:
            found = [*await check_accounts(connection), await check_vouchers(connection)]
        assert [each for each in found if each.violations] == []


async def opened(store: PostgresVoucherStore, contract: str) -> PaymentChannel:
    """5000 stroops were accepted of one."""
    channel = await store.register(replace(CHANNEL, contract=contract))
    await store.accept([Voucher(contract, Stroops(5_000), bytes(64))], LATELY)
    return channel


def over(withdrawn: int) -> ContractState:
    """Its payer took back what was left."""
    return replace(STATE, withdrawn=withdrawn, balance=0, closes_at=STATE.ledger)


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    ledger, clock = PostgresLedger(database), ManualClock()
    await add_accounts(database)
    store = PostgresVoucherStore(database, ledger)
    for contract in (LOST, KEPT, OPEN):
        await opened(store, contract)
    await store.see(LOST, over(2_000), NOW)
    await store.see(KEPT, over(5_000), NOW)
    routes = ChannelLossRoutes(
        PostgresLosses(database, ledger),
        Operator(hash_token("olga")),
        Idempotency(PostgresIdempotencyStore(database), clock),
        clock,
    )
    application = web.Application(middlewares=[answer_errors])
    base = "/api/v1/admin/channel-losses"
    application.router.add_get(base, routes.list)
    application.router.add_get(f"{base}/{{channel}}", routes.get)
    application.router.add_post(f"{base}/{{channel}}/write-off", routes.write_off)
    server = HttpServer(application, "127.0.0.1", 0)
    await server.start()
    async with ClientSession(f"http://127.0.0.1:{server.port}") as http:
        yield Office(database, ledger, http, server.port)
    await server.stop()


async def test_what_is_lost_is_booked_once_and_is_a_claim_no_more(office: Office) -> None:
    await office.check()
    side, expense = f"chain:channel:{LOST}:XLM", channel_loss_account("XLM").id
    [listed] = (await office.call())["items"]
    assert listed == await office.call(f"/{LOST}")
    assert (listed["channel"], listed["lost"]) == (LOST, "0.0003000")
    assert (listed["accepted"], listed["collected"]) == ("0.0005000", "0.0002000")
    assert (listed["transfer"]["from"], listed["transfer"]["to"]) == (expense, side)
    assert listed["writtenOff"] is None
    assert await office.ledger.balance(side) == -3_000, "looking books nothing"
    books = PostgresBooks(office.database, "network")
    [reported] = await books.losses(MIDNIGHT)
    assert (reported.contract, reported.amount, reported.written_off) == (LOST, 3_000, None)
    given_up = {"amount": "0.0003000", "reason": "their server was down"}
    done = await office.call(f"/{LOST}/write-off", given_up, key="k")
    assert done["writtenOff"]["reason"] == "their server was down"
    problem = await office.call(f"/{KEPT}/write-off", given_up, 422, key="k")
    assert problem["code"] == "idempotency_key_reused"
    again = await office.give_up(LOST, reason="once more")
    assert again["writtenOff"]["reason"] == "their server was down"
    assert await office.ledger.balance(side) == 0
    assert await office.ledger.balance(expense) == -3_000
    assert await office.ledger.balance(VIEWER.id) == 15_000, "what was given stays given"
    assert (await office.call())["items"] == [done]
    [reported] = await books.losses(MIDNIGHT)
    assert reported.written_off is not None
    assert await books.losses(reported.written_off.at.replace(year=2100)) == [], "of a later day"
    await office.check()


async def test_only_what_is_lost_for_good_and_only_by_the_operator(office: Office) -> None:
    for contract in (KEPT, OPEN):
        assert (await office.give_up(contract, 409))["code"] == "nothing_lost"
        assert (await office.call(f"/{contract}", status=409))["code"] == "nothing_lost"
    assert (await office.give_up(SIDE.id, 404))["code"] == "not_found"
    assert (await office.give_up(LOST, 409, amount="0.0003001"))["code"] == "other_amount"
    assert (await office.give_up(LOST, 400, reason=" "))["code"] == "invalid_request"
    await office.call(status=403, who="vera")
    await office.call(f"/{LOST}", status=403, who="vera")
    await office.call(f"/{LOST}/write-off", {}, 403, who="vera")
    await office.check()
    # Whoever writes it into the database alone is found out.
    await office.database.execute(
        "INSERT INTO channel_write_off VALUES ($1, 'XLM', 3000, 'mine', 'me', now())", LOST
    )
    async with office.database.transaction() as connection:
        assert (await check_vouchers(connection)).violations == 2


async def test_the_command_shows_it_first_and_books_it_with_a_reason(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "secrets" / CREATOR_TOKEN
    secret.parent.mkdir()
    secret.write_text("olga")

    async def tollcast(*arguments: str, ends: int = 0) -> str:
        settings = (f"--data_directory={tmp_path}", f"--http.port={office.port}")
        words = ["channel", "write-off", *arguments, *settings]
        assert await asyncio.to_thread(main, words) == ends
        told = capsys.readouterr()
        return told.out + told.err

    assert await tollcast() == f"{LOST}  0.0003000 XLM  open\n"
    told = await tollcast(LOST)
    assert "GPAYER signed for 0.0005000 XLM, of which 0.0002000 was collected" in told
    side = f"chain:channel:{LOST}"
    assert f"would book 0.0003000 XLM from expense:channel_losses:XLM to {side}" in told
    assert f'tollcast channel write-off {LOST} --reason "WHY"' in told
    assert await office.ledger.balance(f"{side}:XLM") == -3_000
    told = await tollcast(LOST, "--reason", "their server was down")
    assert f"  booked 0.0003000 XLM from expense:channel_losses:XLM to {side}" in told
    assert "by the operator: their server was down" in told
    assert "Nothing was booked" not in await tollcast(LOST)
    assert "written off" in await tollcast()
    assert "not over" in await tollcast(OPEN, ends=1)
