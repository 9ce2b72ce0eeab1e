"""A viewer subscribes, watches what that includes, changes and cancels it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from config.postgres import Database
from metering.subscriptions.store_postgres import PostgresSubscriptionStore
from metering.subscriptions.subscription import look
from tests.api.session_rig import Rig, session_rig


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    async with asyncio.timeout(40), session_rig(database) as rig:
        yield rig


async def subscribe(rig: Rig, plan: str = "silver", status: int = 201, key: str = "k") -> Any:
    return await rig.call("POST", "subscriptions", {"plan": plan}, status, key=key)


async def test_subscribing_takes_the_fee_once_and_makes_watching_free(rig: Rig) -> None:
    film = await rig.asset()
    await rig.fund(stroops=10_000)
    assert (await rig.call("GET", "subscriptions"))["subscription"] is None
    begun = await subscribe(rig)
    assert await subscribe(rig) == begun
    subscription = begun["subscription"]
    assert (subscription["state"], subscription["plan"]["fee"]) == ("active", "0.0003000")
    assert (await rig.call("GET", "payments/balance"))["balance"] == "0.0007000"

    session = await rig.start(film)
    assert session["price"]["freeSeconds"] == 120
    await rig.play(session["sessionId"], 10)
    stopped = await rig.call("POST", "streaming/stop", {"sessionId": session["sessionId"]})
    assert (stopped["secondsBilled"], stopped["amount"]) == (20, "0.0000000")
    assert (await rig.call("GET", "subscriptions"))["subscription"]["secondsUsed"] == 20
    history = (await rig.call("GET", "payments/history"))["items"]
    assert [line["type"] for line in history if line["amount"] == "-0.0003000"] == ["subscription"]


async def test_the_plan_says_how_many_sessions_may_be_open(rig: Rig) -> None:
    film = await rig.asset()
    await rig.fund()
    await subscribe(rig, "gold")
    for _ in range(4):
        await rig.start(film)
    refused = await rig.start(film, 409)
    assert (refused["tier"], refused["limit"]) == ("gold", 4)


async def test_what_follows_is_changed_and_cancelled_until_it_ends(rig: Rig) -> None:
    await rig.fund()
    await rig.call("PATCH", "subscriptions/current", {"nextPlan": None}, 404)
    await subscribe(rig)
    changed = await rig.call("PATCH", "subscriptions/current", {"nextPlan": "gold"})
    assert changed["subscription"]["nextPlan"]["name"] == "gold"
    assert changed["subscription"]["plan"]["name"] == "silver"
    cancelled = await rig.call("PATCH", "subscriptions/current", {"nextPlan": None})
    assert cancelled["subscription"]["nextPlan"] is None
    assert cancelled["subscription"]["state"] == "active"
    assert [each["kind"] for each in cancelled["notices"]] == ["paid"]


async def test_what_cannot_be_is_refused_and_takes_nothing(rig: Rig) -> None:
    assert (await subscribe(rig, status=402))["code"] == "insufficient_funds"
    await rig.fund(stroops=3_000)
    assert (await subscribe(rig, "bronze", status=404, key="b"))["code"] == "not_found"
    await rig.call("POST", "subscriptions", {"plan": "silver"}, 400)
    await rig.call("POST", "subscriptions", {"plan": "platinum"}, 400, key="p")
    assert (await rig.call("GET", "payments/balance"))["balance"] == "0.0003000"
    await subscribe(rig)
    assert (await subscribe(rig, status=409, key="again"))["code"] == "already_subscribed"
    assert (await rig.call("GET", "payments/balance"))["balance"] == "0.0000000"


async def test_there_is_one_trial_also_for_who_comes_back(database: Database) -> None:
    async with asyncio.timeout(40), session_rig(database, trial_days=7) as rig:
        await rig.fund(stroops=3_000)
        assert (await rig.call("GET", "subscriptions"))["trialDays"] == 7
        begun = await subscribe(rig)
        assert (begun["subscription"]["state"], begun["trialDays"]) == ("trial", 0)
        await rig.call("PATCH", "subscriptions/current", {"nextPlan": None})
        assert (await rig.call("GET", "payments/balance"))["balance"] == "0.0003000"
        store = PostgresSubscriptionStore(database, rig.ledger)
        kept = await store.current(rig.accounts["vera"])
        assert kept is not None
        over = kept.subscription.ends
        await store.advance(kept, look(kept.subscription, over, 3_000), over)
        rig.clock.advance(7 * 86_400_000)
        again = await subscribe(rig, key="again")
        assert again["subscription"]["state"] == "active"
        assert (await rig.call("GET", "payments/balance"))["balance"] == "0.0000000"


async def test_plans_are_told_to_anybody(rig: Rig) -> None:
    items = (await rig.call("GET", "subscriptions/plans"))["items"]
    assert [(each["name"], each["includedSeconds"], each["sessionsAtOnce"]) for each in items] == [
        ("silver", 150, 2),
        ("gold", 600, 4),
    ]
