"""A publisher drops and returns: its viewers lose the missing seconds, and pay for none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright

from tests.end_to_end.faulty_publisher import Cut, FaultyPublisher, make_clip
from tests.end_to_end.reconnect_trial import Fault, Trial, count_pictures
from tests.end_to_end.running_server import RunningServer, client_of
from tests.end_to_end.viewer import watch
from tests.programs import CHROMIUM_FLAGS, program

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(300)]

# Several tabs play at once, and only one of them can be in front.
FLAGS = [
    *CHROMIUM_FLAGS,
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--mute-audio",
]
LONG_SECONDS = 30
AT_ONCE = 2
KEY, GROUP, MESSAGE = Cut.AT_KEYFRAME, Cut.MID_GROUP, Cut.MID_MESSAGE
# Every two values of two factors occur together.
FAULTS = [
    Fault(KEY, 30, changed=False, reset=False),
    Fault(GROUP, 30, changed=True, reset=True),
    Fault(MESSAGE, 30, changed=False, reset=True),
    Fault(GROUP, 5, changed=False, reset=True, encoded=True),
    Fault(KEY, 5, changed=True, reset=False),
    Fault(GROUP, 5, changed=False, reset=True),
    Fault(MESSAGE, 5, changed=True, reset=True),
    Fault(KEY, 1, changed=False, reset=True),
    Fault(GROUP, 1, changed=True, reset=False),
    Fault(MESSAGE, 1, changed=False, reset=False),
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program("chromium"), args=FLAGS)
        yield browser
        await browser.close()


async def test_a_drop_costs_viewers_the_missing_seconds_and_nothing_else(
    start: Any, browser: Browser, tmp_path: Path
) -> None:
    """Each with a source, a viewer and a guest's account of its own. Pages load and publishers
    return one at a time, since what is measured is the server's doing and not the machine's;
    those with a long gap are away while the others have their turns.
    """
    small, changed, large = await asyncio.gather(
        *(asyncio.to_thread(make_clip, *size) for size in ((320, 180), (256, 144), (1280, 720)))
    )
    server = await start()
    turns, alone = asyncio.Semaphore(AT_ONCE), asyncio.Lock()

    def trial(fault: Fault) -> Trial:
        first = large if fault.encoded else small
        clips = (first, changed if fault.changed else first)
        return Trial(server, creator, browser, fault, clips, tmp_path, alone)

    async def short(fault: Fault) -> None:
        async with turns:
            one = trial(fault)
            await one.begin()
            await one.open_tab()
            await one.run()

    async with client_of(server, **server.creator) as creator, asyncio.TaskGroup() as group:
        long = [trial(fault) for fault in FAULTS if fault.away_seconds >= LONG_SECONDS]
        for one in long:
            await one.begin()
        if long:
            await long[0].grow()
        for one in long:
            await one.open_tab()
            group.create_task(one.run(), name=one.fault.name)
        for fault in FAULTS:
            if fault.away_seconds < LONG_SECONDS:
                group.create_task(short(fault), name=fault.name)


async def test_what_waits_for_its_publisher_is_recorded_when_the_server_stops(start: Any) -> None:
    first: RunningServer = await start()
    port = int(first.rtmp_url.rpartition(":")[2].partition("/")[0])
    publisher = FaultyPublisher(port, first.announced["stream_key"])
    async with client_of(first, **first.creator) as creator:
        await publisher.publish(make_clip(320, 180), 0)
        await watch(creator, "main")
        await publisher.cut(Cut.MID_GROUP)
        content = await creator.get("/api/v1/content/main")
        assert content["state"] == "live"
    assert await first.stop() == 0
    second: RunningServer = await start()
    async with client_of(second, **second.creator) as creator:
        recorded = await creator.get(f"/api/v1/content/{content['id']}")
        assert recorded["state"] == "on_demand"
    assert count_pictures(second.data / "media" / content["id"]) == publisher.pictures
