"""Receipts and splits over HTTP, over the real meter, ledger and outbox."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp import web

from api.app import answer_errors
from api.auth.account import AccountKind, hash_token, new_account
from api.auth.account_postgres import PostgresAccountStore
from api.auth.bearer import Bearers
from api.catalogue.asset_postgres import PostgresAssetStore
from api.catalogue.lookup import Catalogue
from api.errors import not_found
from api.http_server import HttpServer
from api.proofs import ProofRoutes
from api.receipt_key import verify
from api.receipts import ReceiptRoutes
from api.splits import Payees, SplitRoutes
from config.postgres import Database
from ingest.source import Source
from ingest.source_store import MemorySourceStore
from metering.ledger.ledger import creator_account
from metering.ledger.ledger_postgres import PostgresLedger
from metering.money import Stroops
from metering.receipts.check import check_receipt
from metering.receipts.maker import Receipts
from metering.receipts.store_postgres import PostgresReceiptStore
from metering.settlement.chain import OnChain
from metering.settlement.earnings import EarningsQuery
from metering.settlement.outbox import Kind, Outcome, Payment, Settlement, SignedEnvelope, State
from metering.settlement.outbox_postgres import PostgresOutbox
from metering.settlement.payout_trace import PayoutTrace
from metering.settlement.proof import read_proof
from metering.shares.splits import platform_account
from metering.shares.splitter import Splitter
from metering.shares.store_postgres import PostgresSplitStore
from metering.store_postgres import PostgresMeterStore
from metering.tariff import Price
from tests.api.session_rig import Rig, session_rig
from tests.metering.receipts import KEY

FEE = 250


class NoChain:
    async def holdings(self, address: str) -> OnChain | None:
        return None


@dataclass
class House:
    """The rig, and beside it the routes of receipts and splits; Carl is a co-creator."""

    rig: Rig
    url: str
    carl: str
    splits: PostgresSplitStore
    payees: Payees
    receipts: Receipts
    payouts: int = 0

    async def call(self, method: str, path: str, who: str, body: object = None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {who}"}
        url = f"{self.url}/api/v1/{path}"
        async with self.rig.http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def receipt(self, session_id: str, who: str = "vera") -> dict[str, Any]:
        status, text = await self.call("GET", f"streaming/sessions/{session_id}/receipt", who)
        assert status == 200, text
        assert check_receipt(text.encode(), verify).faults == ()
        document: dict[str, Any] = json.loads(text)
        return document

    async def settled(self, session_id: str) -> list[dict[str, Any]]:
        """The payouts that a receipt names."""
        payouts: list[dict[str, Any]] = (await self.receipt(session_id))["settlement"]["payouts"]
        return payouts

    async def proof(self, payout: str) -> dict[str, Any]:
        """Ada's proof of one."""
        status, text = await self.call("GET", f"payments/proofs/{payout}", "ada")
        assert status == 200, text
        document: dict[str, Any] = json.loads(text)
        read_proof(document)
        return document

    async def watch(self, asset_id: str, segments: int = 3) -> str:
        """Vera watches something of Ada's to its end."""
        asset = await PostgresAssetStore(self.rig.database).get(asset_id)
        assert asset is not None
        payee = await self.payees.of(asset)
        viewer = self.rig.accounts["vera"]
        self.rig.clock.advance(1)
        session = await self.rig.intake.open(viewer, asset_id, payee, Price("XLM", 100, 1))
        await self.rig.play(session.session_id, segments)
        await self.rig.intake.close(session.session_id)
        return session.session_id

    async def pay(
        self, creator: str, state: State = State.APPLIED, *, claimable: bool = False
    ) -> str:
        """All that a creator has is paid out, or comes back; the transaction's hash."""
        account = creator_account(creator, "XLM").id
        amount = await self.rig.ledger.balance(account)
        number = self.payouts + 1
        payment = Payment(f"pay_{number}", creator, "GTO", amount, account, claimable=claimable)
        return await self._settle(payment, state)

    async def take_back(self, payout: str, creator: str, amount: int) -> str:
        """A payout that nobody claimed comes back; the transaction's hash."""
        number, account = self.payouts + 1, creator_account(creator, "XLM").id
        reclaim = Payment(
            f"pay_{number}", creator, "00", Stroops(amount), account, Kind.RECLAIM, due=payout
        )
        return await self._settle(reclaim, State.APPLIED)

    async def _settle(self, payment: Payment, state: State) -> str:
        self.payouts += 1
        number, outbox = self.payouts, PostgresOutbox(self.rig.database, self.rig.ledger)
        planned = Settlement(
            f"set_{number}", "XLM", "GHOT", 100, (payment,), self.rig.clock.wall_ms()
        )
        await outbox.plan(planned)
        envelope = SignedEnvelope("xdr", f"{number:064x}", "GHOT", number, 1, 100, 1)
        signed = replace(planned, state=State.SIGNED, signed=envelope)
        await outbox.advance(planned, signed)
        outcome = Outcome(2, 100, "tx_success" if state is State.APPLIED else "tx_failed")
        await outbox.advance(signed, replace(signed, state=state, outcome=outcome))
        return envelope.hash


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with session_rig(database) as rig:
        accounts = PostgresAccountStore(database)
        carl = new_account(AccountKind.CREATOR, "Carl", rig.clock.wall_ms())
        await accounts.create(carl, hash_token("carl"))
        sessions, splits = PostgresMeterStore(database), PostgresSplitStore(database, rig.ledger)
        receipts = Receipts(PostgresReceiptStore(database), sessions, KEY.name, KEY.sign)
        bearers = Bearers(accounts, rig.clock)
        trace = PayoutTrace(database, splits)
        receipt_routes = ReceiptRoutes(
            receipts,
            sessions,
            splits,
            trace,
            KEY.sign,
            bearers,
            rig.clock,
        )
        catalogue = Catalogue(PostgresAssetStore(database), MemorySourceStore())
        split_routes = SplitRoutes(splits, accounts, catalogue, no_source, bearers, FEE)
        application = web.Application(middlewares=[answer_errors])
        session, content = "/api/v1/streaming/sessions/{session}", "/api/v1/content/{content}"
        application.router.add_get(f"{session}/receipt", receipt_routes.get)
        outbox = PostgresOutbox(database, rig.ledger)
        proofs = ProofRoutes(outbox, trace, "A Network", bearers)
        application.router.add_get("/api/v1/payments/proofs/{payment}", proofs.get)
        application.router.add_get(f"{content}/splits", split_routes.get_of_content)
        application.router.add_put(f"{content}/splits", split_routes.put_of_content)
        server = HttpServer(application, "127.0.0.1", 0)
        await server.start()
        await rig.fund()
        url = f"http://127.0.0.1:{server.port}"
        yield House(rig, url, carl.id, splits, Payees(splits, FEE), receipts)
        await server.stop()


async def no_source(_request: web.Request) -> Source:
    raise not_found("no such source")


async def test_a_receipt_is_for_who_paid_and_who_earned(house: House) -> None:
    house.payees = Payees(house.splits, fee=0)
    asset = await house.rig.asset()
    session_id = await house.watch(asset)
    document = await house.receipt(session_id)
    assert document["totals"] == {
        "seconds": 6,
        "waived": 0,
        "charged": "600",
        "refunded": "0",
        "paid": "600",
    }
    assert document["settlement"] is None
    assert await house.receipt(session_id, "ada") == document
    path = f"streaming/sessions/{session_id}/receipt"
    assert (await house.call("GET", path, "carl"))[0] == 404
    assert (await house.call("GET", path, "nobody"))[0] == 401
    assert (await house.call("GET", "streaming/sessions/ses_x/receipt", "vera"))[0] == 404


async def test_an_open_session_has_no_receipt_yet(house: House) -> None:
    asset = await house.rig.asset()
    session = await house.rig.start(asset)
    path = f"streaming/sessions/{session['sessionId']}/receipt"
    status, text = await house.call("GET", path, "vera")
    assert (status, json.loads(text)["code"]) == (409, "session_open")


async def test_receipts_are_made_also_when_nobody_asks(house: House) -> None:
    asset = await house.rig.asset()
    ids = [await house.watch(asset, segments=1) for _ in range(2)]
    assert await house.receipts.make_due() == 2
    first, second = [await house.receipt(each) for each in ids]
    assert (first["previous"], second["previous"]) == (None, first["chain"][-1])


async def test_the_payout_that_carried_the_money_is_told_once_it_is_known(house: House) -> None:
    house.payees = Payees(house.splits, fee=0)
    asset, ada = await house.rig.asset(), house.rig.accounts["ada"]
    early = await house.watch(asset)
    await house.pay(ada, State.FAILED)
    assert (await house.receipt(early))["settlement"] is None
    transaction = await house.pay(ada)
    late = await house.watch(asset)
    [payout] = (await house.receipt(early))["settlement"]["payouts"]
    assert payout == {
        "payee": ada,
        "payout": "pay_2",
        "state": "applied",
        "transaction": transaction,
    }
    assert (await house.receipt(late))["settlement"] is None


async def test_what_came_back_and_what_paid_it_again_name_each_other(house: House) -> None:
    """Method: two payouts are left to be claimed and come back, one after the other, and what is
    paid then carries both; a payout between that failed carried nothing.
    """
    house.payees = Payees(house.splits, fee=0)
    asset, ada = await house.rig.asset(), house.rig.accounts["ada"]
    early = await house.watch(asset)
    first = await house.pay(ada, claimable=True)
    await house.watch(asset)
    await house.pay(ada, claimable=True)
    assert (await house.proof("pay_1"))["reclaimedBy"] is None
    reclaim = await house.take_back("pay_1", ada, 600)
    told = await house.proof("pay_1")
    assert (told["reclaimedBy"], told["reclaimTransactionHash"]) == ("pay_3", reclaim)
    assert told["paidAgainBy"] is None, "nothing was planned since"
    await house.pay(ada, State.FAILED)
    await house.take_back("pay_2", ada, 600)
    assert [each["payout"] for each in await house.settled(early)] == ["pay_1"]
    again = await house.pay(ada)
    for payout in ("pay_1", "pay_2"):
        assert (await house.proof(payout))["paidAgainBy"] == "pay_6"
    proof = await house.proof("pay_6")
    assert (proof["paysAgain"], proof["paidAgainBy"]) == (["pay_1", "pay_2"], None)
    assert (await house.proof("pay_4"))["paysAgain"] == []
    settled = await house.settled(early)
    assert [(each["payout"], each["state"], each["transaction"]) for each in settled] == [
        ("pay_1", "reclaimed", first),
        ("pay_6", "applied", again),
    ]
    await house.watch(asset)
    await house.pay(ada)
    assert (await house.proof("pay_7"))["paysAgain"] == [], "it paid nothing of that"


async def test_several_creators_share_what_is_earned_and_are_each_paid(house: House) -> None:
    rig, ada = house.rig, house.rig.accounts["ada"]
    asset = await rig.asset()
    shares = [{"account": ada, "basisPoints": 7_000}, {"account": house.carl, "basisPoints": 3_000}]
    status, text = await house.call("PUT", f"content/{asset}/splits", "ada", {"splits": shares})
    kept = {"splits": shares, "owner": ada, "platformFeeBasisPoints": FEE}
    assert (status, json.loads(text)) == (200, kept)
    session_id = await house.watch(asset, segments=4)
    ledger = PostgresLedger(rig.database)
    earnings = EarningsQuery(ledger, PostgresOutbox(rig.database, ledger), NoChain(), house.splits)
    # 800 stroops: 20 for the platform, and 780 to share. Told before they are moved.
    for _ in range(2):
        pending = [(await earnings.earnings(each, "XLM")).pending for each in (ada, house.carl)]
        assert pending == [546, 234]
        await Splitter(house.splits).share_out()
    assert await ledger.balance(platform_account("XLM").id) == 20
    transaction = await house.pay(house.carl)
    document = await house.receipt(session_id, "carl")
    assert document["payee"].startswith("spl_")
    payouts = document["settlement"]["payouts"]
    assert [(each["payee"], each["transaction"]) for each in payouts] == [(house.carl, transaction)]
    await house.pay(ada)
    payouts = (await house.receipt(session_id, "ada"))["settlement"]["payouts"]
    assert {each["payee"] for each in payouts} == {ada, house.carl}


async def test_shares_are_checked_and_only_the_owner_sets_them(house: House) -> None:
    asset, ada = await house.rig.asset(), house.rig.accounts["ada"]
    path = f"content/{asset}/splits"
    for shares, told in (
        ([(ada, 9_999)], "9999 basis points together"),
        ([(ada, 10_000), (house.carl, 1)], "10001 basis points together"),
        ([(ada, 5_000), (ada, 5_000)], "an account has one share"),
        ([(ada, 5_000), ("acc_x", 5_000)], "splits.1.account: there is no account acc_x"),
        ([(ada, 0)], "splits.0.basisPoints"),
    ):
        body = {"splits": [{"account": name, "basisPoints": part} for name, part in shares]}
        status, text = await house.call("PUT", path, "ada", body)
        assert status == 400
        assert told in json.loads(text)["detail"]
    assert (await house.call("PUT", path, "carl", {"splits": []}))[0] == 404
    assert (await house.call("GET", path, "vera"))[0] == 403
    status, text = await house.call("PUT", path, "ada", {"splits": []})
    assert (status, json.loads(text)["splits"]) == (200, [])


async def test_a_payouts_proof_is_its_creators_own(house: House) -> None:
    house.payees = Payees(house.splits, fee=0)
    asset, ada = await house.rig.asset(), house.rig.accounts["ada"]
    await house.watch(asset)
    transaction = await house.pay(ada)
    status, text = await house.call("GET", "payments/proofs/pay_1", "ada")
    assert status == 200
    proof = read_proof(json.loads(text))
    assert proof.is_sound
    assert (proof.said["creator"], proof.said["amount"]) == (ada, "600")
    assert (proof.hashes, proof.network) == ([transaction], "A Network")
    for who, payment, expected in (
        ("vera", "pay_1", 404),
        ("carl", "pay_1", 404),
        ("ada", "pay_2", 404),
        ("nobody", "pay_1", 401),
    ):
        assert (await house.call("GET", f"payments/proofs/{payment}", who))[0] == expected
