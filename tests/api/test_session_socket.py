"""The session socket: who may open one, what is said and told, and what a lost one leaves."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from api.session_sockets import PROTOCOL
from config.limits import (
    SOCKET_AUTHENTICATE_SECONDS,
    SOCKET_GRACE_SECONDS,
    SOCKET_MESSAGE_BYTES_MAX,
    SOCKET_MESSAGES_BURST,
    SOCKET_SILENCE_SECONDS_MAX,
    SOCKETS_OF_ACCOUNT_MAX,
)
from config.postgres import Database
from tests.api.session_rig import PUBLIC_URL, Rig, session_rig

VERA = {"Authorization": "Bearer vera"}
SECONDS_MAX = 30


@pytest.fixture
async def rig(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr("api.session_socket._LOOK_SECONDS", 0.01)
    monkeypatch.setattr("api.session_sockets._SWEEP_SECONDS", 0.01)
    async with asyncio.timeout(60), session_rig(database) as rig:
        yield rig


def opened(
    rig: Rig, headers: dict[str, str] | None = None, query: str = "", **options: Any
) -> AbstractAsyncContextManager[ClientWebSocketResponse]:
    return rig.http.ws_connect(f"/api/v1/streaming/ws{query}", headers=headers or {}, **options)


async def hear(socket: ClientWebSocketResponse, *kinds: str) -> Any:
    """The next message of one of these types."""
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            message = json.loads(await socket.receive_str())
            if message["type"] in kinds:
                return message


async def say(socket: ClientWebSocketResponse, kind: str, **data: Any) -> Any:
    """What is answered to a message."""
    await socket.send_json({"id": 7, "type": kind, "data": data})
    async with asyncio.timeout(SECONDS_MAX):
        while (message := json.loads(await socket.receive_str())).get("id") != 7:
            pass
    return message


async def last_words(socket: ClientWebSocketResponse) -> tuple[int | None, str | None]:
    """With which code a socket is closed, and the code of the problem before that."""
    problem = None
    async with asyncio.timeout(SECONDS_MAX):
        while (message := await socket.receive()).type is WSMsgType.TEXT:
            said = json.loads(message.data)
            problem = said["data"]["code"] if said["type"] == "error" else problem
    return socket.close_code, problem


async def becomes_closed(rig: Rig, session_id: str) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while (await rig.call("GET", f"streaming/sessions/{session_id}"))["state"] == "open":
            pass


async def test_only_pages_of_this_server_and_what_is_no_page_may_open_one(rig: Rig) -> None:
    for origin in (f"http://{rig.host}", f"https://{rig.host}", PUBLIC_URL, None):
        headers = VERA if origin is None else {**VERA, "Origin": origin}
        async with opened(rig, headers) as socket:
            assert (await hear(socket, "connected"))["data"]["accountId"] == rig.accounts["vera"]
    evil = "https://evil.example"
    for origin in (
        evil,
        "null",
        f"https://{rig.host}.evil.example",
        f"{PUBLIC_URL}:81",
        "http://[",
    ):
        with pytest.raises(WSServerHandshakeError) as refused:
            async with opened(rig, {**VERA, "Origin": origin}):
                pass
        assert refused.value.status == 403, origin


async def test_who_comes_says_who_it_is_but_never_in_the_address(rig: Rig) -> None:
    offered = (PROTOCOL, "tollcast.bearer.vera")
    async with opened(rig, protocols=offered) as socket:
        await hear(socket, "connected")
        assert socket.protocol == PROTOCOL
    for headers in ({"Authorization": "Bearer nobody"}, {"Authorization": "Bearer vera2"}):
        with pytest.raises(WSServerHandshakeError) as refused:
            async with opened(rig, headers):
                pass
        assert refused.value.status == 401
    async with opened(rig, query="?token=vera") as socket:
        assert (await say(socket, "authenticate", token="vera"))["type"] == "connected"
        assert (await say(socket, "authenticate", token="vera"))["data"][
            "code"
        ] == "invalid_request"
    for kind, data in (("authenticate", {"token": "nobody"}), ("heartbeat", {})):
        async with opened(rig) as socket:
            await socket.send_json({"type": kind, "data": data})
            assert await last_words(socket) == (4401, "unauthorised")
    async with opened(rig) as socket:
        rig.clock.advance(SOCKET_AUTHENTICATE_SECONDS * 1000)
        assert await last_words(socket) == (4401, "unauthorised")


async def test_a_session_is_begun_told_of_as_it_costs_and_ended(rig: Rig) -> None:
    await rig.fund()
    film = await rig.asset()
    async with opened(rig, VERA) as socket:
        begun = await say(socket, "startStream", contentId=film, idempotencyKey="k")
        session_id = begun["data"]["sessionId"]
        assert begun["type"] == "startStream"
        assert begun["data"]["playbackUrl"].startswith(f"/hls/{film}/")
        again = await say(socket, "startStream", contentId=film, idempotencyKey="k")
        assert again == begun
        await rig.play(session_id, 2)
        costs = [await hear(socket, "cost")]
        while costs[-1]["data"]["amount"] != "0.0000400":
            costs.append(await hear(socket, "cost"))
        told = [json.dumps(each) for each in costs]
        assert len(set(told)) == len(told), "only what changed is told"
        figures = costs[-1]["data"]
        assert (figures["secondsBilled"], figures["balance"]) == (4, "0.0009600")
        assert figures["lines"][0]["seconds"] == 4
        beat = (await say(socket, "heartbeat", sessionId=session_id))["data"]
        assert (beat["amount"], "timestamp" in beat) == ("0.0000400", True)
        ended = await say(socket, "stopStream", sessionId=session_id)
        assert (ended["data"]["amount"], ended["data"]["ticks"]) == ("0.0000400", 4)
        other = (await say(socket, "startStream", contentId=film))["data"]["sessionId"]
        await rig.call("POST", "streaming/stop", {"sessionId": other})
        closed = await hear(socket, "session_closed")
        assert closed["data"]["sessionId"] == other


async def test_what_is_not_understood_or_not_allowed_is_an_error_and_no_more(rig: Rig) -> None:
    film = await rig.asset()
    async with opened(rig, VERA) as socket:
        for text in ("{", "[]", '{"type": "tip"}', '{"type": "heartbeat", "more": 1}', "[" * 2000):
            await socket.send_str(text)
            assert (await hear(socket, "error"))["data"]["status"] == 400, text
        poor = await say(socket, "startStream", contentId=film)
        assert (poor["data"]["code"], poor["data"]["status"]) == ("insufficient_funds", 402)
        cheap = await say(socket, "startStream", contentId=film, ratePerSecond=0)
        assert "ratePerSecond" in cheap["data"]["detail"]
        await rig.fund("ada")
        foreign = (await rig.start(await rig.asset(owner="ada"), who="ada"))["sessionId"]
        for kind in ("stopStream", "heartbeat"):
            assert (await say(socket, kind, sessionId=foreign))["data"]["status"] == 404
        await rig.fund()
        for _ in range(2):
            await rig.start(film)
        full = await say(socket, "startStream", contentId=film)
        assert (full["data"]["code"], full["data"]["limit"]) == ("too_many_sessions", 2)
        assert (await say(socket, "startStream", contentId=film, replace="oldest"))[
            "type"
        ] != "error"


async def test_a_client_that_says_too_much_or_nothing_is_sent_away(rig: Rig) -> None:
    async with opened(rig, VERA) as socket:
        for _ in range(SOCKET_MESSAGES_BURST + 1):
            await socket.send_json({"type": "heartbeat"})
        assert await last_words(socket) == (4429, "too_many_messages")
    async with opened(rig, VERA) as socket:
        await socket.send_str("x" * (SOCKET_MESSAGE_BYTES_MAX + 1))
        assert (await last_words(socket))[0] == 1009
    async with opened(rig, VERA) as socket:
        await socket.send_bytes(b"\0")
        assert await last_words(socket) == (4400, "invalid_request")
    async with opened(rig, VERA) as socket:
        await hear(socket, "connected")
        rig.clock.advance(SOCKET_SILENCE_SECONDS_MAX * 1000 - 1)
        await say(socket, "heartbeat")
        rig.clock.advance(SOCKET_SILENCE_SECONDS_MAX * 1000)
        assert await last_words(socket) == (4408, "heartbeat_missed")
    there = [await rig.http.ws_connect("/api/v1/streaming/ws", headers=VERA) for _ in range(8)]
    assert len(there) == SOCKETS_OF_ACCOUNT_MAX
    with pytest.raises(WSServerHandshakeError) as refused:
        async with opened(rig, VERA):
            pass
    assert refused.value.status == 429
    async with opened(rig) as socket:
        await socket.send_json({"type": "authenticate", "data": {"token": "vera"}})
        assert await last_words(socket) == (4429, "too_many_sockets")
    rig.stopping.set()
    for socket in there:
        assert (await last_words(socket))[0] == 1001


async def test_a_session_outlives_its_socket_by_a_grace_and_goes_on_when_that_comes_back(
    rig: Rig,
) -> None:
    await rig.fund()
    film = await rig.asset()
    async with opened(rig, VERA) as socket:
        session_id = (await say(socket, "startStream", contentId=film))["data"]["sessionId"]
        plain = (await rig.start(film))["sessionId"]
        await say(socket, "heartbeat", sessionId=plain)
    async with asyncio.timeout(SECONDS_MAX):
        await rig.sockets.emptied.wait()
    rig.clock.advance(SOCKET_GRACE_SECONDS * 1000 - 1)
    async with opened(rig, VERA) as socket:
        back = await say(socket, "heartbeat", sessionId=session_id)
        assert back["data"]["state"] == "open"
        rig.clock.advance(1)
        await say(socket, "heartbeat")
        await rig.play(session_id, 1)
        assert (await rig.call("GET", f"streaming/sessions/{session_id}"))["state"] == "open"
    async with asyncio.timeout(SECONDS_MAX):
        await rig.sockets.emptied.wait()
    rig.clock.advance(SOCKET_GRACE_SECONDS * 1000)
    await becomes_closed(rig, session_id)
    ended = await rig.call("GET", f"streaming/sessions/{session_id}")
    assert ended["amount"] == "0.0000200"
    followed = await rig.call("GET", f"streaming/sessions/{plain}")
    assert followed["state"] == "open", "it was begun without a socket"
