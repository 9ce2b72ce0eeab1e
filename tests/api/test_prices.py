"""Prices that change while somebody watches, as requests and documents have it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import ClientSession, web

from api.app import answer_errors
from api.auth.account import AccountKind, new_account
from api.catalogue.asset import Asset, AssetState
from api.catalogue.lookup import Catalogue
from api.content import Content
from api.http_server import HttpServer
from api.minute_limit import MinuteLimit
from api.wire import offer_json
from config.clock import ManualClock
from config.limits import PRICE_NOTICE_MS
from config.postgres import Database
from media.delivery import Delivery
from metering.money import Stroops
from metering.offer import Offer, PassOffer
from metering.tariff import Price, RungPrice, Tariff
from tests.api.session_rig import Rig, session_rig

HUNDRED = Tariff(Price("XLM", 100, 1))
DEARER = replace(HUNDRED, free_seconds=0, rungs=(RungPrice(720, Price("XLM", 50, 1)),))
ISSUER = "GADQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOBYHA4DQOZPI"


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    async with session_rig(database) as made:
        yield made


async def test_a_viewer_is_told_the_whole_tariff_and_agrees_to_a_higher_price(rig: Rig) -> None:
    await rig.fund()
    content = await rig.asset(price=Offer(HUNDRED, day_cap=5_000))
    begun = await rig.start(content)
    assert begun["price"] == offer_json(replace(HUNDRED, session_cap=5_000))
    session = begun["sessionId"]
    await rig.play(session, 2)
    path = f"streaming/sessions/{session}"
    assert (await rig.call("GET", path))["priceChange"] is None

    await rig.intake.change_price(content, DEARER)
    change = (await rig.call("GET", path))["priceChange"]
    assert change["price"] == offer_json(DEARER)
    assert (change["epoch"], change["agreed"]) == (DEARER.id, False)
    body = {"sessionId": session, "epoch": "epc_other"}
    refused = await rig.call("POST", "streaming/consent", body, 409)
    assert refused["code"] == "price_changed"
    body["epoch"] = change["epoch"]
    await rig.call("POST", "streaming/consent", body, 404, who="ada")
    agreed = await rig.call("POST", "streaming/consent", body, key="yes")
    assert agreed["priceChange"]["agreed"]
    assert (await rig.call("POST", "streaming/consent", body, key="yes"))["priceChange"]["agreed"]
    await rig.call("POST", "streaming/consent", {**body, "epoch": "other"}, 422, key="yes")

    rig.clock.advance(PRICE_NOTICE_MS)
    await rig.intake.sweep()
    await rig.play(session, 2, start=2)
    after = await rig.call("GET", path)
    assert after["priceChange"] is None
    assert after["price"] == offer_json(replace(DEARER, session_cap=5_000))


async def test_a_wallet_without_the_currency_is_asked_for_it_by_name(rig: Rig) -> None:
    await rig.fund()
    content = await rig.asset(price=Price(f"USDC:{ISSUER}", 100, 1))
    problem = await rig.start(content, status=402)
    assert problem["code"] == "insufficient_funds"
    assert f"0.0000100 USDC:{ISSUER} is needed" in problem["detail"]


# --- another price of content ---------------------------------------------------------------------


@dataclass
class Shelf:
    """One asset of one creator, and who is told of its prices."""

    asset: Asset
    told: list[tuple[str, Tariff]] = field(default_factory=list)
    limit: MinuteLimit = field(default_factory=lambda: MinuteLimit(ManualClock(), 2))

    async def get(self, asset_id: str) -> Asset | None:
        return self.asset if asset_id == self.asset.id else None

    async def set_offer(self, asset_id: str, offer: Offer) -> None:
        assert asset_id == self.asset.id
        self.asset = replace(self.asset, offer=offer)

    async def change_price(self, asset_id: str, tariff: Tariff) -> None:
        self.told.append((asset_id, tariff))

    async def of_asset(self, asset: Asset) -> dict[str, object]:
        return {"price": offer_json(asset.offer)}

    async def creator(self, _: web.Request) -> Any:
        return replace(new_account(AccountKind.CREATOR, "Ada", 0), id="acc_ada")


@pytest.fixture
def shelf() -> Shelf:
    started = datetime(2026, 1, 1, tzinfo=UTC)
    asset_id = "ast_" + "0" * 26
    state, offer = AssetState.ON_DEMAND, Offer.of(HUNDRED)
    return Shelf(Asset(asset_id, None, "acc_ada", "Film", state, offer, started))


async def changed(shelf: Shelf, price: object, status: int = 200) -> Any:
    return await patched(shelf, {"price": price}, status)


async def patched(shelf: Shelf, body: object, status: int = 200) -> Any:
    any_: Any = shelf
    content = Content(Catalogue(any_, any_), any_, any_, any_, any_, shelf.limit, any_)
    application = web.Application(middlewares=[answer_errors])
    application.router.add_patch("/{content}", content.change)
    server = HttpServer(application, "127.0.0.1", 0)
    await server.start()
    url = f"http://127.0.0.1:{server.port}/{shelf.asset.id}"
    async with ClientSession() as http, http.patch(url, json=body) as answer:
        document = json.loads(await answer.text())
        assert answer.status == status, document
    await server.stop()
    return document


async def test_content_gets_another_price_of_which_those_who_watch_are_told(shelf: Shelf) -> None:
    document = await changed(shelf, {"stroops": 7, "per": "minute", "dayCap": 90})
    tariff = Tariff(Price("XLM", 7, 60))
    assert shelf.asset.offer == Offer(tariff, 90)
    assert shelf.told == [(shelf.asset.id, tariff)]
    assert document == {"price": offer_json(Offer(tariff, 90))}
    await changed(shelf, {"stroops": 8, "per": "minute"})
    assert (await changed(shelf, {"stroops": 9, "per": "minute"}, 429))["code"] == "too_many_prices"
    assert len(shelf.told) == 2


async def test_passes_are_offered_beside_a_price_that_stays(shelf: Shelf) -> None:
    day, month = {"hours": 24, "stroops": 9}, {"hours": 720, "stroops": 90}
    await patched(shelf, {"passes": [month, day]})
    passes = (PassOffer(24, Stroops(9)), PassOffer(720, Stroops(90)))
    assert shelf.asset.offer == Offer(HUNDRED, passes=passes)
    assert shelf.told == [], "who watches is charged as before"
    await changed(shelf, {"stroops": 8, "per": "second"})
    assert shelf.asset.offer == Offer(Tariff(Price("XLM", 8, 1)), passes=passes)
    for wrong in (
        [day, day],
        [{"hours": 0, "stroops": 1}],
        [{"hours": 1, "stroops": 0}],
        [day] * 5,
    ):
        await patched(shelf, {"passes": wrong}, 400)
    await patched(shelf, {}, 400)
    assert shelf.asset.offer.passes == passes


async def test_a_price_that_cannot_be_charged_changes_nothing(shelf: Shelf) -> None:
    shelf.asset = replace(shelf.asset, delivery=Delivery.KEYS)
    rung = {"heightMin": 720, "stroops": 1, "seconds": 1}
    other = {"stroops": 7, "seconds": 1, "asset": f"USDC:{ISSUER}"}
    for price, why in (
        ({"stroops": 7, "seconds": 1, "rungs": [rung]}, "price.rungs"),
        (other, "price.asset: this content is paid for in XLM"),
        ({"stroops": 7}, "for how many seconds, or per what"),
    ):
        assert why in (await changed(shelf, price, 400))["detail"]
    assert (shelf.asset.offer, shelf.told) == (Offer.of(HUNDRED), [])
