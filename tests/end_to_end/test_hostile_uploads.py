"""Twenty hostile uploads at once beside one live source: the live keeps real time all the way."""

import asyncio
import io
from typing import Any

import aiohttp
import pytest

from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import Client, RunningServer, client_of, eventually
from tests.media.file.bombs import bombs

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(240)]

UPLOADS = 20
LAG_MS_MAX = 2_000


async def throw(creator: Client, name: str, body: bytes) -> str | None:
    """Upload a bomb; the content's id, None when it was refused at the door."""
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(body), filename=f"{name}.mp4")
    async with creator.http.post("/api/v1/content", data=form) as answer:
        assert answer.status in (201, 415), await answer.text()
        return (await answer.json())["id"] if answer.status == 201 else None


async def watch_health(server: RunningServer, stop: asyncio.Event) -> list[dict[str, Any]]:
    """What `/ready` says of the broadcast, four times a second."""
    seen: list[dict[str, Any]] = []
    async with client_of(server) as client:
        while not stop.is_set():
            ready = await client.get("/ready")
            seen += ready["broadcasts"]
            await asyncio.sleep(0.25)
    return seen


async def test_twenty_hostile_files_do_not_disturb_a_live(server: RunningServer) -> None:
    hostile = list(bombs().items())[:UPLOADS]
    assert len(hostile) == UPLOADS
    url = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with client_of(server, **server.creator) as creator, publishing(url, size="1280x720"):

        async def live() -> bool | None:
            document = await creator.get("/api/v1/content/main")
            return True if document["state"] == "live" else None

        await eventually(live, 60, "the live can be watched")
        stop = asyncio.Event()
        watching = asyncio.ensure_future(watch_health(server, stop))
        made = await asyncio.gather(*(throw(creator, name, body) for name, (_, body) in hostile))
        contents = [content for content in made if content is not None]

        async def all_judged() -> bool | None:
            items = (await creator.get("/api/v1/content?owner=me"))["items"]
            states = {item["id"]: item["state"] for item in items}
            return True if all(states[each] != "processing" for each in contents) else None

        await eventually(all_judged, 120, "every file has its verdict")
        stop.set()
        seen = await watching
    assert contents, "some of them are only found out by a worker"
    assert seen
    assert max(each["lagMs"] for each in seen) <= LAG_MS_MAX
    assert {each["workerRestarts"] for each in seen} == {0}
    assert {r["state"] for each in seen for r in each["renditions"]} == {"active"}
