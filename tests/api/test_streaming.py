"""Sessions over HTTP: begun once for a key, so many at once for a tier, followed as they cost."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import StreamReader

from api.auth.client import client_of, place_of
from api.auth.sharing import PlayedElsewhere
from api.idempotency_store import KeyedRequest
from api.tiers import Tier
from config.limits import CLIENT_PROOF_MS_MIN
from config.postgres import Database
from metering.rules import UNITS_PER_SECOND
from tests.api.session_rig import SEGMENT, Rig, session_rig

VERA = {"Authorization": "Bearer vera"}


@pytest.fixture
async def rig(database: Database) -> AsyncIterator[Rig]:
    async with asyncio.timeout(40), session_rig(database) as rig:
        yield rig


async def event(content: StreamReader) -> Any:
    """The next document of a stream of events."""
    while not (line := await content.readline()).startswith(b"data: "):
        assert line, "the stream goes on"
    return json.loads(line[6:])


async def open_ids(rig: Rig) -> list[str]:
    listed = await rig.call("GET", "streaming/sessions")
    return [each["sessionId"] for each in listed["items"]]


async def test_who_watches_as_much_as_the_tier_allows_is_told_what_and_may_take_over(
    rig: Rig,
) -> None:
    await rig.fund()
    film = await rig.asset()
    first, second = [(await rig.start(film))["sessionId"] for _ in range(2)]
    refused = await rig.start(film, 409)
    assert (refused["code"], refused["limit"], refused["tier"]) == ("too_many_sessions", 2, "free")
    assert [each["sessionId"] for each in refused["sessions"]] == [first, second]
    assert {each["contentId"] for each in refused["sessions"]} == {film}
    assert '"replace": "oldest"' in refused["detail"]
    await rig.call("POST", "streaming/start", {"contentId": film, "replace": "newest"}, 400)
    third = (await rig.start(film, replace="oldest"))["sessionId"]
    assert await open_ids(rig) == [second, third]
    assert (await rig.call("GET", f"streaming/sessions/{first}"))["state"] == "closed"
    await rig.tiers.set_tier(rig.accounts["vera"], Tier.GOLD)
    await rig.start(film)
    await rig.tiers.set_tier(rig.accounts["vera"], Tier.BRONZE)
    last = (await rig.start(film, replace="oldest"))["sessionId"]
    assert await open_ids(rig) == [last]


async def test_of_two_that_race_for_the_last_place_one_gets_it_and_owners_need_none(
    rig: Rig,
) -> None:
    await rig.fund()
    film = await rig.asset()
    await rig.start(film)
    body = {"contentId": film}
    headers = {"Authorization": "Bearer vera"}
    answers = await asyncio.gather(
        *(rig.http.post("/api/v1/streaming/start", json=body, headers=headers) for _ in range(3))
    )
    assert sorted(answer.status for answer in answers) == [201, 409, 409]
    for _ in range(3):
        await rig.start(film, who="ada")
    assert (await rig.call("GET", "streaming/sessions", who="ada")) == {"items": []}


async def test_a_keyed_start_opens_one_session_even_when_its_first_attempt_died(rig: Rig) -> None:
    await rig.fund()
    film = await rig.asset()
    started = await rig.start(film, key="tab-1")
    assert await rig.start(film, key="tab-1") == started
    await rig.start(await rig.asset(), 422, key="tab-1")

    async def dies(request: KeyedRequest, text: str) -> str:
        raise OSError("the process is gone")

    alive, rig.keys.answer = rig.keys.answer, dies  # type: ignore[method-assign]
    await rig.start(film, 503, key="tab-2")
    rig.keys.answer = alive  # type: ignore[method-assign]
    rig.forget_the_dead()
    # Its place is taken by itself: were it opened anew, there would be no room.
    again = await rig.start(film, key="tab-2")
    assert await open_ids(rig) == [started["sessionId"], again["sessionId"]]
    await rig.play(again["sessionId"], 2)
    stop = {"sessionId": again["sessionId"]}
    stopped = await rig.call("POST", "streaming/stop", stop, key="stop")
    assert stopped["amount"] == "0.0000400"
    assert await rig.call("POST", "streaming/stop", stop, key="stop") == stopped
    assert await rig.call("POST", "streaming/stop", stop) == stopped
    await rig.call("POST", "streaming/stop", stop, 404, who="ada")


async def test_play_money_is_given_once_for_a_key(rig: Rig) -> None:
    given = await rig.call("POST", "sandbox/fund", {}, key="k")
    assert given["balance"] == "5.0000000"
    full = await rig.call("POST", "sandbox/fund", {}, key="more")
    assert full["balance"] == "5.0000000", "it fills up to a sum"

    async def dies(request: KeyedRequest, text: str) -> str:
        raise OSError("the process is gone")

    vera = rig.accounts["vera"]
    spent = (await rig.start(await rig.asset()))["sessionId"]
    await rig.play(spent, 3)
    alive, rig.keys.answer = rig.keys.answer, dies  # type: ignore[method-assign]
    await rig.call("POST", "sandbox/fund", {}, 503, key="k-2")
    rig.keys.answer = alive  # type: ignore[method-assign]
    await rig.play(spent, 3, start=3)
    rig.forget_the_dead()
    again = await rig.call("POST", "sandbox/fund", {}, key="k-2")
    assert again["balance"] != "5.0000000", "what was spent since is not given for the same key"
    entries = await rig.ledger.transfers_of(f"viewer:{vera}:XLM")
    assert [entry.transfer.cause for entry in entries].count("fund") == 2
    balance = await rig.call("GET", "payments/balance")
    assert balance["accounts"] == [
        {
            "asset": "XLM",
            "balance": balance["balance"],
            "held": balance["held"],
            "earned": "0.0000000",
        }
    ]
    earned = await rig.call("GET", "payments/balance", who="ada")
    assert [each["earned"] for each in earned["accounts"]] == ["0.0001200"]


async def test_a_page_follows_its_session_until_that_is_over(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.event_stream._PUSH_SECONDS", 0.01)
    await rig.fund()
    session_id = (await rig.start(await rig.asset()))["sessionId"]
    path = f"/api/v1/streaming/sessions/{session_id}/events"
    async with rig.http.get(path, headers={"Authorization": "Bearer ada"}) as strange:
        assert strange.status == 404
    headers = {"Authorization": "Bearer vera"}
    async with asyncio.timeout(30), rig.http.get(path, headers=headers) as answer:
        seen = [await event(answer.content)]
        await rig.play(session_id, 2)
        while seen[-1]["amount"] != "0.0000400":
            seen.append(await event(answer.content))
        rig.intake.waive(session_id, 4 * UNITS_PER_SECOND, 6 * UNITS_PER_SECOND)
        await rig.give_back(session_id, "stalled", 100)
        while not any(line["type"] == "refund" for line in seen[-1]["lines"]):
            seen.append(await event(answer.content))
        await rig.call("POST", "streaming/stop", {"sessionId": session_id})
        while seen[-1]["state"] == "open":
            seen.append(await event(answer.content))
        assert (await answer.content.read()).strip() == b"", "the stream ends with the session"
    assert len({json.dumps(each) for each in seen}) == len(seen), "only what changed is told"
    last = seen[-1]
    assert (last["amount"], last["refunded"], last["held"]) == (
        "0.0000400",
        "0.0000100",
        "0.0000000",
    )
    assert last["secondsWaived"] == 2
    assert [(line["type"], line["reason"], line["amount"]) for line in last["lines"]] == [
        ("charge", "watched", "0.0000400"),
        ("waived", "lost", "0.0000000"),
        ("refund", "stalled", "0.0000100"),
    ]
    history = (await rig.call("GET", "payments/history"))["items"]
    (folded,) = (each for each in history if each["type"] == "watched")
    assert (folded["reference"], folded["amount"]) == (session_id, "-0.0000300")
    assert [{**line, "at": None} for line in folded["lines"]] == [
        {**line, "at": None} for line in last["lines"]
    ], "a history gives the same reasons"


async def test_who_pays_by_vouchers_is_asked_for_one_before_the_money_is_gone(rig: Rig) -> None:
    await rig.fund(stroops=2_000)
    session = (await rig.start(await rig.asset()))["sessionId"]
    path = f"streaming/sessions/{session}"
    rig.paying[rig.accounts["vera"]] = "CA"
    async with rig.http.get(f"/api/v1/{path}/events", headers=VERA) as events:
        assert (await event(events.content))["needVoucher"] is None
        await rig.play(session, 8)
        while (told := await event(events.content))["needVoucher"] is None:
            assert told["state"] == "open"
        assert told["needVoucher"]["channelId"] == "CA"
        assert float(told["needVoucher"]["amount"]) > 0
        await rig.fund()
        while (await event(events.content))["needVoucher"] is not None:
            pass
    del rig.paying[rig.accounts["vera"]]
    assert (await rig.call("GET", path))["needVoucher"] is None


@pytest.mark.parametrize("way", ["page", "socket"])
async def test_a_shared_session_goes_on_where_its_owner_asks_about_it(rig: Rig, way: str) -> None:
    """A page that was moved asks again by itself: its stream of events, or its socket, broke."""
    await rig.fund()
    session = (await rig.start(await rig.asset()))["sessionId"]
    clients = rig.streaming.clients
    first, second, here = (
        client_of(place_of(address), number)
        for number, address in enumerate(("192.0.2.1", "198.51.100.1", "127.0.0.1"))
    )

    def has(client: int, number: int) -> bool:
        try:
            clients.admit(session, client, number * SEGMENT, (number + 1) * SEGMENT, 720)
        except PlayedElsewhere:
            return False
        return True

    rig.clock.advance(CLIENT_PROOF_MS_MIN)
    clients.prove(session, place_of("192.0.2.1"))
    rig.clock.advance(CLIENT_PROOF_MS_MIN)
    for number in range(9):
        assert has(first, number)
        has(second, number)
    path = f"streaming/sessions/{session}"
    await rig.call("GET", path, status=404, who="ada")
    assert not has(here, 9)
    if way == "page":
        await rig.call("GET", path)
    else:
        headers, said = VERA, {"type": "heartbeat", "data": {"sessionId": session}}
        async with rig.http.ws_connect("/api/v1/streaming/ws", headers=headers) as socket:
            await socket.send_json(said)
            while (await socket.receive_json())["type"] != "heartbeat":
                pass
    assert has(here, 9)
    assert not has(first, 9)
