"""The operator reads whether chain and books agree, and accepts what does not."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession, web
from stellar_sdk import Keypair

from api.app import answer_errors
from api.auth.account import hash_token
from api.http_server import HttpServer
from api.idempotency import Idempotency
from api.idempotency_postgres import PostgresIdempotencyStore
from api.operator import Operator
from api.receipt_key import verify
from api.reconcile_command import agrees, report_text
from api.reconciliation import ReconciliationRoutes
from config.postgres import Database
from metering.reconciliation.report_check import check_report
from metering.reconciliation.restore import Restorer
from tests.metering.receipts import KEY
from tests.metering.reconciliation.house import House
from tests.metering.reconciliation.test_report import UNSIGNED
from tests.metering.reconciliation.test_report import report as signed_report
from tests.metering.settlement.networks import pay


@dataclass
class Office:
    """The routes, over a house."""

    house: House
    http: ClientSession
    asked: int = 0

    async def call(
        self,
        path: str,
        body: object = None,
        status: int = 200,
        who: str = "olga",
        key: str | None = None,
    ) -> Any:
        self.asked += 1
        headers = {"Authorization": f"Bearer {who}", "Idempotency-Key": key or f"{self.asked}"}
        method = "GET" if body is None else "POST"
        url = f"/api/v1/admin/reconciliation/{path}"
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    async def is_signed(self, day: str) -> None:
        """What is served is a file that can be checked without the server."""
        headers = {"Authorization": "Bearer olga"}
        async with self.http.get(f"/api/v1/admin/reconciliation/{day}", headers=headers) as answer:
            assert f"tollcast-reconciliation-{day}.json" in answer.headers["Content-Disposition"]
            checked = check_report(await answer.read(), verify)
        assert checked.faults == ()
        assert checked.document is not None
        assert checked.document["key"] == KEY.name


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    house = House(database)

    async def restorer() -> Restorer:
        return house.restorer

    routes = ReconciliationRoutes(
        house.store,
        restorer,
        Operator(hash_token("olga")),
        Idempotency(PostgresIdempotencyStore(database), house.world.clock),
    )
    application = web.Application(middlewares=[answer_errors])
    application.add_routes(
        [
            web.get("/api/v1/admin/reconciliation/latest", routes.latest),
            web.get("/api/v1/admin/reconciliation/{date}", routes.of_day),
            web.post("/api/v1/admin/reconciliation/accept", routes.accept),
        ]
    )
    server = HttpServer(application, "127.0.0.1", 0)
    await server.start()
    async with ClientSession(f"http://127.0.0.1:{server.port}") as http:
        yield Office(house, http)
    await server.stop()


async def test_the_operator_reads_reports_and_accepts_what_differs(office: Office) -> None:
    house = office.house
    await office.call("latest", status=404)
    await house.world.play_money.replenish()
    await house.compare(2)
    report = await office.call("latest")
    assert report["verdict"] == "agree"
    assert report == await office.call(report["date"])
    assert report["balances"][0]["account"] == "chain:hot:XLM"
    await office.is_signed(report["date"])
    await office.call("2020-01-01", status=404)
    await office.call("yesterday", status=400)
    await office.call("latest", status=403, who="mallory")

    friend = Keypair.random().public_key
    await house.world.friendbot.fund(friend)
    house.world.run_operation(Keypair.from_secret(house.world.seed), pay(friend, "7"))
    await house.compare(2)
    report = await office.call("latest")
    assert report["verdict"] == "differ"
    unknown = next(each for each in report["differences"] if each["onChain"] == "7.0000000")
    assert (unknown["kind"], unknown["destination"]) == ("missing_in_ledger", friend)
    assert [each["key"] for each in report["differences"]] == [unknown["key"]]
    text = report_text(json.dumps(report))
    assert unknown["key"] in text
    assert "      fee 0.0000100\n" in text
    assert "THEY DIFFER" in text
    assert not agrees(json.dumps(report))

    await office.call("accept", {"key": unknown["key"]}, status=403, who="mallory")
    booked = await office.call("accept", {"key": unknown["key"]}, key="k")
    assert await office.call("accept", {"key": unknown["key"]}, key="k") == booked
    await office.call("accept", {"key": "event:nothing"}, status=422, key="k")
    assert [each["amount"] for each in booked["booked"]] == ["7.0000000", "0.0000100"], "and fee"
    assert booked["booked"][0]["from"] == "treasury:XLM", "nobody is known to be paid there"
    assert (await office.call("accept", {"key": unknown["key"]}))["booked"] == []
    await office.call("accept", {"key": "event:nothing"}, status=404)
    assert await house.compare(2) == {}
    report = await office.call("latest")
    assert report["verdict"] == "agree"
    assert f"Signed with {KEY.name}" in report_text(json.dumps(report))
    assert report_text(json.dumps(report)).endswith("Chain, journal and outbox agree.")
    assert house.hold() is None


def test_a_report_from_before_they_were_signed_is_still_read() -> None:
    text = report_text(json.dumps(UNSIGNED))
    assert "lost by" in report_text(signed_report().decode()), "as only newer ones tell"
    assert "Not signed: an older version made this report" in text
    assert "Ledgers 2 to 9: 3 payments, 2 settlements" in text
    assert "1.0000000  chain:hot:XLM" in text
    assert agrees(json.dumps(UNSIGNED))
