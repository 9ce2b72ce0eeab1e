"""Keyed requests over HTTP: what is answered again, what is refused, and what a crash leaves."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, web

from api.app import answer_errors
from api.errors import payment_required
from api.http_server import HttpServer
from api.idempotency import Document, Idempotency
from api.idempotency_store import Effect, KeyedRequest, MemoryIdempotencyStore
from config.clock import ManualClock
from config.limits import IDEMPOTENCY_LOCK_SECONDS

Answer = tuple[int, dict[str, object], bool]


@dataclass
class Bank:
    """A route whose effects are counted by their ids; it can be short, be held, and be killed."""

    clock: ManualClock
    store: MemoryIdempotencyStore
    effects: dict[str, int] = field(default_factory=dict)
    short: bool = False
    may_end: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def pay(self, request: web.Request) -> web.Response:
        done = await Idempotency(self.store, self.clock).once(
            request, "acc_1", self.work, required=request.path == "/strict"
        )
        return web.json_response(done.document, status=201, headers=done.headers)

    async def work(self, effect: Effect) -> Document:
        self.began.set()
        await self.may_end.wait()
        if self.short:
            raise payment_required("no money")
        identity = effect.id("pay")
        self.effects[identity] = self.effects.get(identity, 0) + 1
        return {"id": identity}


@dataclass
class Rig:
    bank: Bank
    http: ClientSession

    async def post(self, key: str | None, body: str = "{}", path: str = "/pay") -> Answer:
        headers = {} if key is None else {"Idempotency-Key": key}
        async with self.http.post(path, data=body, headers=headers) as answer:
            replayed = answer.headers.get("Idempotency-Replayed") == "true"
            return answer.status, await answer.json(content_type=None), replayed


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    bank = Bank(ManualClock(1_790_000_000_000), MemoryIdempotencyStore())
    bank.may_end.set()
    application = web.Application(middlewares=[answer_errors])
    application.router.add_post("/pay", bank.pay)
    application.router.add_post("/strict", bank.pay)
    server = HttpServer(application, "127.0.0.1", 0)
    await server.start()
    async with ClientSession(f"http://127.0.0.1:{server.port}") as http:
        yield Rig(bank, http)
    await server.stop()


async def test_the_same_request_is_answered_again_and_another_one_with_its_key_is_refused(
    rig: Rig,
) -> None:
    first = await rig.post("k-1")
    assert (first[0], first[2]) == (201, False)
    assert await rig.post('"k-1"') == (201, first[1], True)
    assert (await rig.post("k-1", '{"amount": 2}'))[:2][0] == 422
    assert (await rig.post("k-2"))[1] != first[1]
    assert (await rig.post(None))[1] != (await rig.post(None))[1]
    assert len(rig.bank.effects) == 4


@pytest.mark.parametrize("key", ["", "two words", "x" * 129, '"open', "\u00e9"])
async def test_what_is_no_key_is_refused(rig: Rig, key: str) -> None:
    status, problem, _ = await rig.post(key)
    assert (status, problem["code"]) == (400, "invalid_request")
    assert rig.bank.effects == {}


async def test_a_route_may_insist_on_a_key(rig: Rig) -> None:
    status, problem, _ = await rig.post(None, path="/strict")
    assert (status, problem["code"]) == (400, "idempotency_key_required")
    assert (await rig.post("k", path="/strict"))[0] == 201


async def test_what_was_refused_may_be_tried_again_with_its_key(rig: Rig) -> None:
    rig.bank.short = True
    assert (await rig.post("k"))[0] == 402
    assert (await rig.post("k", '{"other": 1}'))[0] == 422
    rig.bank.short = False
    status, document, replayed = await rig.post("k")
    assert (status, replayed) == (201, False)
    assert await rig.post("k") == (201, document, True)


async def test_of_two_racing_requests_one_is_told_to_wait(rig: Rig) -> None:
    rig.bank.may_end.clear()
    first = asyncio.ensure_future(rig.post("k"))
    async with asyncio.timeout(30):
        await rig.bank.began.wait()
        status, problem, _ = await rig.post("k")
    assert (status, problem["code"]) == (409, "idempotency_under_way")
    rig.bank.may_end.set()
    assert await rig.post("k") == (201, (await first)[1], True)
    assert list(rig.bank.effects.values()) == [1]


async def test_a_client_that_leaves_finds_what_was_done(rig: Rig) -> None:
    rig.bank.may_end.clear()
    asked = asyncio.ensure_future(rig.post("k"))
    async with asyncio.timeout(30):
        await rig.bank.began.wait()
    asked.cancel()
    rig.bank.may_end.set()
    async with asyncio.timeout(30):
        answer = await rig.post("k")
        while answer[0] == 409:  # it is done within a turn or two of the server's
            answer = await rig.post("k")
    assert answer == (201, {"id": next(iter(rig.bank.effects))}, True)
    assert list(rig.bank.effects.values()) == [1]


async def test_after_a_crash_between_effect_and_answer_the_effect_is_the_same(rig: Rig) -> None:
    async def dies(request: KeyedRequest, text: str) -> str:
        raise OSError("the process is gone")

    async def stays_locked(request: KeyedRequest, attempt: int) -> None:
        raise AssertionError("a dead process releases nothing")

    store = rig.bank.store
    alive, store.answer, store.release = store.answer, dies, stays_locked  # type: ignore[method-assign]
    assert (await rig.post("k"))[0] == 503
    store.answer = alive  # type: ignore[method-assign]
    assert (await rig.post("k"))[0] == 409
    rig.bank.clock.advance(IDEMPOTENCY_LOCK_SECONDS * 1000)
    status, document, replayed = await rig.post("k")
    assert (status, replayed) == (201, False)
    assert rig.bank.effects == {document["id"]: 2}, "tried twice under one id"
