"""A viewer buys a pass, from the balance or with a payment, and watches for nothing more."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web

from api.app import answer_errors
from api.auth.account import AccountKind, hash_token, new_account
from api.auth.account_postgres import PostgresAccountStore
from api.auth.bearer import Bearers
from api.catalogue.asset import Asset, AssetState
from api.catalogue.asset_postgres import PostgresAssetStore
from api.catalogue.lookup import Catalogue
from api.idempotency import Idempotency
from api.minute_limit import MinuteLimit
from api.passes import PassRoutes
from api.presented_payments import PresentedPayments, Taker
from api.sources import NewSource, make_source
from api.splits import Payees
from api.top_ups import TopUps
from config.ids import new_id
from config.limits import X402_PER_MINUTE_MAX
from config.postgres import Database
from ingest.source_postgres import PostgresSourceStore
from ingest.source_store import MemorySourceStore
from metering.funding.deposit import book
from metering.funding.deposit_store import Reading
from metering.funding.deposits_postgres import PostgresDeposits
from metering.ledger.ledger import Transfer, creator_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.offer import Offer, PassOffer
from metering.passes.store_postgres import PostgresPassStore
from metering.settlement.feed import ChainPayment
from metering.shares.splits import Share, platform_account
from metering.shares.store_postgres import PostgresSplitStore
from metering.tariff import Tariff
from metering.x402.terms import PaymentRefused, Terms
from metering.x402.top_up import TopUp
from tests.api.session_rig import PRICE, TREASURY, Rig, session_rig
from tests.api.test_top_ups import PUBLIC_URL, MadeUpTaker, listening
from tests.metering.funding.payments import HOT, paid, rules

DAY_STROOPS = 4_001
OFFER = Offer(Tariff(PRICE, view_stroops=50), passes=(PassOffer(24, Stroops(DAY_STROOPS)),))
DAY = {"hours": 24, "amount": "0.0004001"}
FEE_BPS = 1_000
VERA = "viewer:{}:XLM"


@dataclass
class CreditingTaker(MadeUpTaker):
    """What is presented to it is on the chain at once, and in the feed of deposits with the next
    look but `late`.
    """

    deposits: PostgresDeposits | None = None
    late: int = 0
    paid: dict[str, tuple[str, ChainPayment]] = field(default_factory=dict)

    async def take(self, account: str, asset: str, presented: str, terms: Terms) -> TopUp:
        top_up = await super().take(account, asset, presented, terms)
        assert self.deposits is not None
        number = await self.deposits.number(account)
        payment = paid(len(self.paid) + 1, terms.amount, number=number)
        _, payment = self.paid.setdefault(presented, (account, payment))
        return replace(top_up, signed=replace(top_up.signed, hash=payment.transaction))

    async def credit(self) -> None:
        assert self.deposits is not None
        if self.late:
            self.late -= 1
            return
        before = (await self.deposits.position(HOT)).cursor
        for account, payment in self.paid.values():
            if before is None or payment.cursor > before:
                booking = book(payment, rules(HOT, 1), {payment.muxed_id or 0: account})
                cursor = payment.cursor
                await self.deposits.take(Reading(HOT, before, cursor, payment.ledger, (booking,)))
                before = cursor


@dataclass
class Desk:
    """The routes of passes beside those of sessions."""

    rig: Rig
    http: ClientSession
    taker: Taker | None
    splits: PostgresSplitStore
    url: str = ""
    film: str = ""

    async def opened(self) -> Taker | None:
        return self.taker

    async def buy(
        self,
        status: int,
        *,
        key: str | None = "k",
        body: object = None,
        who: str = "vera",
        presented: str | None = None,
        content: str | None = None,
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        headers = {"Authorization": f"Bearer {who}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        if presented is not None:
            headers["PAYMENT-SIGNATURE"] = presented
        url = f"{self.url}/api/v1/content/{content or self.film}/passes"
        async with self.http.post(url, json=body or DAY, headers=headers) as answer:
            document = json.loads(await answer.text())
            assert answer.status == status, document
            return document, answer.headers

    async def get(self, path: str, who: str = "vera") -> Any:
        headers = {"Authorization": f"Bearer {who}"}
        async with self.http.get(f"{self.url}/api/v1/{path}", headers=headers) as answer:
            assert answer.status == 200
            return await answer.json()

    async def broadcast(self) -> str:
        """A live of the one source of Ada's."""
        assets, now = PostgresAssetStore(self.rig.database), self.rig.clock.wall_ms()
        owner, began = self.rig.accounts["ada"], datetime.fromtimestamp(now / 1000, UTC)
        sources = PostgresSourceStore(self.rig.database)
        source = await sources.by_name("camera")
        if source is None:
            draft = NewSource(owner, "camera", "Camera", OFFER)
            source, _ = await make_source(sources, draft, self.rig.clock)
        asset = Asset(new_id("ast", now), source.id, owner, "Live", AssetState.LIVE, OFFER, began)
        await assets.create(asset)
        return asset.id

    async def balance(self) -> str:
        return str((await self.rig.call("GET", "payments/balance"))["balance"])


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    deposits = PostgresDeposits(database, PostgresLedger(database), rules().network)
    taker = CreditingTaker(deposits=deposits)
    async with asyncio.timeout(60), pass_desk(database, deposits, taker) as made:
        yield made


@asynccontextmanager
async def pass_desk(
    database: Database, deposits: PostgresDeposits, taker: Taker, hot: str = HOT
) -> AsyncIterator[Desk]:
    """The routes of passes and of top-ups, on a port of their own."""
    async with session_rig(database) as rig, AsyncExitStack() as stack:
        splits = PostgresSplitStore(database, rig.ledger)
        made = Desk(rig, await stack.enter_async_context(ClientSession()), taker, splits)

        async def address() -> str:
            return hot

        limit = MinuteLimit(rig.clock, X402_PER_MINUTE_MAX)
        payments = PresentedPayments(
            deposits, made.opened, address, Stroops(1_000), limit, PUBLIC_URL
        )
        bearers = Bearers(PostgresAccountStore(database), rig.clock)
        routes = PassRoutes(
            PostgresPassStore(database, rig.ledger, splits),
            Catalogue(PostgresAssetStore(database), MemorySourceStore()),
            Payees(splits, FEE_BPS),
            rig.intake,
            bearers,
            Idempotency(rig.keys, rig.clock),
            payments,
            rig.clock,
        )
        application = web.Application(middlewares=[answer_errors])
        idempotency = Idempotency(rig.keys, rig.clock)
        top_ups = TopUps(payments, bearers, rig.intake, ("XLM",), idempotency)
        application.router.add_post("/api/v1/payments/top-up", top_ups.post)
        path = "/api/v1/content/{content}/passes"
        application.router.add_get(path, routes.offers)
        application.router.add_post(path, routes.buy)
        application.router.add_get("/api/v1/passes", routes.list)
        made.url = f"http://127.0.0.1:{await listening(application, stack)}"
        made.film = await rig.asset(price=OFFER)
        yield made


async def test_a_pass_is_bought_from_the_balance_once_and_shared_as_watching_is(desk: Desk) -> None:
    rig, film = desk.rig, desk.film
    for name in ("acc_bo", "acc_cy"):
        account = new_account(AccountKind.CREATOR, name, 0)
        await PostgresAccountStore(rig.database).create(replace(account, id=name), hash_token(name))
    await desk.splits.assign(film, (Share("acc_bo", 3_333), Share("acc_cy", 6_667)))
    await rig.fund(stroops=10_000)
    offers = await desk.get(f"content/{film}/passes")
    assert [each["amount"] for each in offers["items"]] == [DAY["amount"]]
    assert offers["held"] is None

    bought, first = await desk.buy(201)
    again, headers = await desk.buy(201)
    assert (again, headers["Idempotency-Replayed"]) == (bought, "true")
    assert "PAYMENT-RESPONSE" not in first
    other = await rig.asset("Other", price=OFFER)
    problem, _ = await desk.buy(422, content=other)
    assert problem["code"] == "idempotency_key_reused", "the same words about another film"
    assert await desk.balance() == "0.0005999"
    shares = {"acc_bo": 1_200, "acc_cy": 2_401}
    await _tells_of_it(desk, bought)
    for name, amount in shares.items():
        assert await rig.ledger.balance(creator_account(name, "XLM").id) == amount
    assert await rig.ledger.balance(platform_account("XLM").id) == DAY_STROOPS // 10
    assert sum(shares.values()) + DAY_STROOPS // 10 == DAY_STROOPS

    refused, _ = await desk.buy(409, key="other")
    assert (refused["code"], refused["ends"]) == ("pass_is_good", bought["ends"])
    assert (await desk.get(f"content/{film}/passes"))["held"] == bought
    assert await desk.get("passes") == {"items": [bought]}
    assert await desk.get("passes", who="ada") == {"items": []}
    rig.clock.advance(24 * 3_600_000)
    assert [each["good"] for each in (await desk.get("passes"))["items"]] == [False]
    await desk.buy(201, key="other")
    assert await desk.balance() == "0.0001998"


async def _tells_of_it(desk: Desk, bought: dict[str, Any]) -> None:
    """Histories and statements, of who paid and of who earned."""
    rig = desk.rig
    lines = (await rig.call("GET", "payments/history"))["items"]
    [spent] = [line for line in lines if line["type"] == "pass"]
    [earned] = (await rig.call("GET", "payments/history", who="acc_bo"))["items"]
    assert (earned["type"], earned["amount"]) == ("pass_sold", "0.0001200")
    assert spent["amount"] == "-0.0004001"
    for line in (spent, earned):
        assert (line["contentId"], line["title"]) == (desk.film, "Film")
        assert line["reference"] == bought["passId"]


async def test_who_has_a_pass_is_charged_for_no_second_until_it_ends(desk: Desk) -> None:
    rig = desk.rig
    await rig.fund(stroops=DAY_STROOPS)
    await desk.buy(201)
    session = await rig.start(desk.film)
    assert session["price"]["freeSeconds"] == 86_400
    assert (await rig.start(desk.film))["balance"] == "0.0000000"
    assert (await rig.start(desk.film, 409))["code"] == "too_many_sessions"
    await rig.play(session["sessionId"], 10)
    stopped = await rig.call("POST", "streaming/stop", {"sessionId": session["sessionId"]})
    assert (stopped["secondsBilled"], stopped["amount"]) == (20, "0.0000000")

    rig.clock.advance(24 * 3_600_000 - 120_000)
    await rig.fund(stroops=10_000)
    last = await rig.start(desk.film, replace="oldest")
    assert last["price"]["freeSeconds"] == 120
    await rig.play(last["sessionId"], 65)
    ended = await rig.call("POST", "streaming/stop", {"sessionId": last["sessionId"]})
    # Ten seconds beyond the two minutes that were left: the view's price, and theirs.
    assert (ended["secondsBilled"], ended["amount"]) == (130, "0.0001050")
    assert (await rig.start(desk.film))["price"]["freeSeconds"] == 0


async def test_a_pass_comes_before_what_a_subscription_includes(desk: Desk) -> None:
    rig = desk.rig
    await rig.fund(stroops=3_000 + DAY_STROOPS)
    await rig.call("POST", "subscriptions", {"plan": "silver"}, 201, key="s")
    await desk.buy(201)
    session = await rig.start(desk.film)
    await rig.play(session["sessionId"], 5)
    await rig.call("POST", "streaming/stop", {"sessionId": session["sessionId"]})
    subscription = (await rig.call("GET", "subscriptions"))["subscription"]
    assert subscription["secondsUsed"] == 0
    # And one for a live is good for the next broadcast of its source.
    live = await desk.broadcast()
    await rig.fund(stroops=DAY_STROOPS)
    await desk.buy(201, key="live", content=live)
    rig.clock.advance(60_000)
    following = await desk.broadcast()
    assert (await rig.start(following))["price"]["freeSeconds"] > 86_000
    assert (await desk.get(f"content/{following}/passes"))["held"]["contentId"] == live


async def test_what_cannot_be_bought_is_refused_and_takes_nothing(desk: Desk) -> None:
    rig = desk.rig
    await rig.fund(stroops=10_000)
    await desk.buy(400, key=None)
    await desk.buy(400, body={"hours": 24})
    await desk.buy(400, body={"hours": 0, "amount": "1"})
    assert (await desk.buy(404, body={**DAY, "hours": 25}))[0]["code"] == "not_found"
    other, _ = await desk.buy(409, body={**DAY, "amount": "0.0004000"})
    assert other["code"] == "price_changed"
    assert "costs 0.0004001 XLM" in other["detail"]
    assert (await desk.buy(409, who="ada"))[0]["code"] == "own_content"
    await desk.buy(404, content="ast_" + "0" * 26)
    assert await desk.balance() == "0.0010000"
    assert await desk.get("passes") == {"items": []}


async def test_who_is_short_of_money_is_told_how_to_pay_and_pays_with_the_request(
    desk: Desk,
) -> None:
    taker = desk.taker
    assert isinstance(taker, CreditingTaker)
    desk.taker = None
    problem, headers = await desk.buy(402)
    assert problem["code"] == "insufficient_funds", "a server without a chain takes no payments"
    assert "PAYMENT-REQUIRED" not in headers
    desk.taker = taker
    problem, headers = await desk.buy(402)
    required = json.loads(b64decode(headers["PAYMENT-REQUIRED"]))
    [terms] = required["accepts"]
    assert problem["accepts"] == [terms]
    assert terms["amount"] == str(DAY_STROOPS)
    assert required["resource"]["url"] == f"{PUBLIC_URL}/api/v1/content/{desk.film}/passes"
    assert "24 hours" in required["resource"]["description"]
    bought, headers = await desk.buy(201, presented="payment")
    assert json.loads(b64decode(headers["PAYMENT-RESPONSE"]))["success"] is True
    again, replayed = await desk.buy(201, presented="payment")
    assert (again, replayed["PAYMENT-RESPONSE"]) == (bought, headers["PAYMENT-RESPONSE"])
    assert await desk.balance() == "0.0000000"
    await _pays_the_least(desk)
    # Who has the money, or the pass, is asked for no payment, and none is taken.
    await desk.rig.fund(stroops=2 * DAY_STROOPS)
    other = await desk.rig.asset(price=OFFER)
    await desk.buy(201, key="b", content=other, presented="another")
    await desk.buy(409, key="c", content=other, presented="another")
    assert len(taker.taken) == 2


async def _pays_the_least(desk: Desk) -> None:
    """For what costs less than a payment is worth."""
    cheap = Offer(OFFER.tariff, passes=(PassOffer(1, Stroops(300)),))
    body, film = {"hours": 1, "amount": "0.0000300"}, await desk.rig.asset(price=cheap)
    problem, _ = await desk.buy(402, key="a", body=body, content=film)
    assert problem["accepts"][0]["amount"] == "1000"
    await desk.buy(201, key="a", body=body, content=film, presented="more")
    assert await desk.balance() == "0.0000700"


async def test_what_came_between_a_payment_and_its_pass_is_told_and_the_money_stays(
    desk: Desk,
) -> None:
    assert isinstance(desk.taker, CreditingTaker)
    desk.taker.answer = PaymentRefused("wrong", "Another amount")
    problem, _ = await desk.buy(402, presented="bad")
    assert (problem["error"], problem["detail"]) == ("wrong", "Another amount")
    desk.taker.answer = None

    # Watched meanwhile with what was there: the payment alone does not pay for it any more.
    class Spends(CreditingTaker):
        async def credit(self) -> None:
            await super().credit()
            spent = Transfer("spent", VERA.format(desk.rig.accounts["vera"]), TREASURY.id,
                             Stroops(1), "XLM", "refund")  # fmt: skip
            await desk.rig.ledger.post([spent])

    desk.taker = Spends(deposits=desk.taker.deposits)
    left, headers = await desk.buy(409, presented="payment")
    assert (left["code"], left["balance"]) == ("paid_into_balance", "0.0004000")
    assert "0.0004001 XLM were credited to you" in left["detail"]
    assert left["transactionHash"] in b64decode(headers["PAYMENT-RESPONSE"]).decode()


async def test_a_payment_that_is_credited_late_buys_the_pass_when_it_is_asked_for_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.passes.PASS_CREDIT_LOOKS", 1)
    assert isinstance(desk.taker, CreditingTaker)
    desk.taker.late = 1
    late, _ = await desk.buy(503, presented="payment")
    assert "about to be credited" in late["detail"]
    assert (await desk.get("passes"))["items"] == []
    await desk.taker.credit()
    await desk.buy(201, presented="payment")
    assert len(desk.taker.paid) == 1
    assert await desk.balance() == "0.0000000"


async def test_what_was_paid_in_with_a_key_is_answered_again_and_taken_once(desk: Desk) -> None:
    taker = desk.taker
    assert isinstance(taker, CreditingTaker)
    taker.late = 1

    async def pay_in(status: int, amount: str = "0.0005") -> dict[str, Any]:
        headers = {"Authorization": "Bearer vera", "Idempotency-Key": "k"}
        headers["PAYMENT-SIGNATURE"] = "payment"
        url, body = f"{desk.url}/api/v1/payments/top-up", {"amount": amount}
        async with desk.http.post(url, json=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            document: dict[str, Any] = json.loads(await answer.text())
            return document

    assert not (await pay_in(202))["credited"], "and is asked for again, under the same key"
    credited = await pay_in(200)
    assert (credited["credited"], credited["balance"]) == (True, "0.0005000")
    assert await pay_in(200) == credited
    assert (await pay_in(422, amount="0.0006"))["code"] == "idempotency_key_reused"
    assert len(taker.taken) == 2
