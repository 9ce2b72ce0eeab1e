"""A creator's jobs over HTTP: listed, followed and cancelled by their owner alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web

from api.app import answer_errors
from api.auth.account import Account, AccountKind, hash_token, new_account
from api.auth.bearer import Bearers
from api.event_stream import EventStreams
from api.http_server import HttpServer
from api.jobs import Jobs
from config.clock import ManualClock
from config.jobs import Job, NewJob
from config.jobs_memory import MemoryJobStore

ANA, BEN = (new_account(AccountKind.CREATOR, name, 1) for name in ("Ana", "Ben"))


class Accounts:
    """Ana, Ben and a guest, whose tokens are their names."""

    def __init__(self) -> None:
        guest = new_account(AccountKind.GUEST, "guest", 1)
        self._accounts = {hash_token(a.display_name): a for a in (ANA, BEN, guest)}

    async def by_token_hash(self, token_hash: bytes) -> Account | None:
        return self._accounts.get(token_hash)

    async def create(self, account: Account, token_hash: bytes) -> None:
        raise NotImplementedError

    async def get(self, account_id: str) -> Account | None:
        raise NotImplementedError

    async def set_stellar_address(self, account_id: str, address: str) -> None:
        raise NotImplementedError


@dataclass
class Rig:
    store: MemoryJobStore
    clock: ManualClock
    stopping: asyncio.Event
    http: ClientSession

    async def enqueue(self, owner: Account) -> Job:
        self.clock.advance(1)
        return await self.store.enqueue(NewJob("wash", owner.id, "sub_1", {"secret": 1}))

    async def listed(self, token: str = "Ana") -> list[dict[str, Any]]:
        async with self.http.get("/api/v1/jobs", headers=bearer(token)) as answer:
            assert answer.status == 200
            items: list[dict[str, Any]] = (await answer.json())["items"]
            return items

    async def cancel(self, job: Job, token: str) -> int:
        async with self.http.delete(f"/api/v1/jobs/{job.id}", headers=bearer(token)) as answer:
            return answer.status


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr("api.event_stream._PUSH_SECONDS", 0.01)
    monkeypatch.setattr("api.event_stream.EVENT_STREAM_QUIET_SECONDS", 0.05)
    clock, stopping = ManualClock(), asyncio.Event()
    store = MemoryJobStore(clock)
    jobs = Jobs(store, Bearers(Accounts(), clock), EventStreams("jobs", 1, stopping))
    application = web.Application(middlewares=[answer_errors])
    application.router.add_get("/api/v1/jobs", jobs.list)
    application.router.add_get("/api/v1/jobs/events", jobs.events)
    application.router.add_delete("/api/v1/jobs/{job}", jobs.cancel)
    server = HttpServer(application, "127.0.0.1", 0)
    await server.start()
    try:
        async with asyncio.timeout(20), ClientSession(f"http://127.0.0.1:{server.port}") as http:
            yield Rig(store, clock, stopping, http)
    finally:
        stopping.set()
        await server.stop()


async def next_event(answer: ClientResponse) -> list[dict[str, Any]]:
    """The items of the next event; comments are passed over."""
    while (line := await answer.content.readline()).strip() != b"event: jobs":
        assert line, "the stream has ended"
    data = (await answer.content.readline()).removeprefix(b"data: ")
    items: list[dict[str, Any]] = json.loads(data)["items"]
    return items


async def test_a_creator_sees_own_jobs_and_their_places_in_the_queue(rig: Rig) -> None:
    first, bens, second = [await rig.enqueue(owner) for owner in (ANA, BEN, ANA)]
    claim = await rig.store.claim(["wash"], 1_000, "w")
    assert claim is not None
    await rig.store.heartbeat(claim, 1_000, {"360p": 500})
    items = await rig.listed()
    assert [item["id"] for item in items] == [second.id, first.id]
    assert items[0]["queuePosition"] == 1  # Ben's is before it
    assert items[1] == {
        "id": first.id,
        "kind": "wash",
        "subject": "sub_1",
        "state": "running",
        "queuePosition": None,
        "attempt": 1,
        "progress": {"360p": 500},
        "error": None,
        "createdAt": "2023-11-14T22:13:20.001Z",
        "startedAt": "2023-11-14T22:13:20.003Z",
        "finishedAt": None,
    }
    assert [item["id"] for item in await rig.listed("Ben")] == [bens.id]


async def test_a_failed_job_says_why(rig: Rig) -> None:
    await rig.enqueue(ANA)
    claim = await rig.store.claim(["wash"], 1_000, "w")
    assert claim is not None
    await rig.store.fail(claim, "not_media", "This is a text.")
    [item] = await rig.listed()
    assert item["error"] == {"code": "not_media", "detail": "This is a text."}


async def test_only_its_owner_cancels_a_job(rig: Rig) -> None:
    job = await rig.enqueue(ANA)
    assert await rig.cancel(job, "Ben") == 404
    assert await rig.cancel(job, "guest") == 403
    assert (await rig.listed())[0]["state"] == "queued"
    assert [await rig.cancel(job, "Ana") for _ in range(2)] == [204, 204]
    assert (await rig.listed())[0]["state"] == "cancelled"


async def test_events_come_when_something_changed_and_not_otherwise(rig: Rig) -> None:
    async with rig.http.get("/api/v1/jobs/events", headers=bearer("Ana")) as answer:
        assert answer.content_type == "text/event-stream"
        assert await next_event(answer) == []
        assert await answer.content.readline() == b"\n"
        # Nothing happens: a comment now and then shows that the connection lives.
        assert [await answer.content.readline() for _ in range(4)] == [b":\n", b"\n"] * 2
        job = await rig.enqueue(ANA)
        [item] = await next_event(answer)
        assert (item["id"], item["state"], item["queuePosition"]) == (job.id, "queued", 0)
        rig.stopping.set()
        assert (await answer.content.read()).replace(b":\n\n", b"").strip() == b""


async def test_too_many_streams_are_refused_until_one_is_closed(rig: Rig) -> None:
    async with rig.http.get("/api/v1/jobs/events", headers=bearer("Ana")) as answer:
        await next_event(answer)
        async with rig.http.get("/api/v1/jobs/events", headers=bearer("Ben")) as refused:
            assert refused.status == 503
            assert refused.headers["Retry-After"] == "10"
    while True:
        async with rig.http.get("/api/v1/jobs/events", headers=bearer("Ben")) as answer:
            if answer.status == 200:
                break
