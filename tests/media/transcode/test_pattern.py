"""The demo's publisher sends an endless stream in real time, and ends when told."""

import asyncio
import json
import signal
import sys
from itertools import islice, pairwise
from pathlib import Path

import av
import pytest

from media.transcode.pattern import (
    LOOP_SECONDS,
    MalformedOrder,
    Order,
    endless,
    order_from_json,
    render,
)

pytestmark = pytest.mark.process

VIDEO, AUDIO = 0, 1
# To import everything takes a fifth of that.
_TICKS_OF_PREPARING = 100
ORDER = {"url": "rtmp://127.0.0.1/live/secret-key", "width": 64, "height": 36, "fps": 10}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        json.dumps({**ORDER, "more": 1}).encode(),
        json.dumps({**ORDER, "url": ""}).encode(),
        json.dumps({**ORDER, "width": 5000}).encode(),
        json.dumps({**ORDER, "fps": 0}).encode(),
        json.dumps({**ORDER, "fps": "30"}).encode(),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(line: bytes) -> None:
    with pytest.raises(MalformedOrder):
        order_from_json(line)


def test_the_loop_is_even_in_picture_and_sound() -> None:
    order = order_from_json(json.dumps(ORDER).encode())
    with av.open(render(order), "r") as loop:
        packets = [one for one in loop.demux() if one.dts is not None]
    picture = [one for one in packets if one.stream_index == VIDEO]
    sound = [one for one in packets if one.stream_index == AUDIO]
    assert len(picture) == LOOP_SECONDS * ORDER["fps"]  # type: ignore[operator]
    assert [n for n, one in enumerate(picture) if one.is_keyframe] == [0, 20, 40, 60]
    assert [one.pts for one in sound] == [1024 * n for n in range(375)]


async def start(url: str, **more: int) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "media.transcode.pattern"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({**ORDER, "url": url, **more}).encode() + b"\n")
    await process.stdin.drain()
    return process


async def test_it_publishes_flv_in_real_time_until_its_input_is_closed() -> None:
    received = bytearray()
    enough = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            received.extend(data)
            if len(received) > 20_000:
                enough.set()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = await start(f"tcp://127.0.0.1:{port}")
    async with asyncio.timeout(30):
        await enough.wait()
    assert process.stdin is not None
    process.stdin.close()
    _, errors = await asyncio.wait_for(process.communicate(), timeout=60)
    server.close()
    assert process.returncode == 0
    assert errors == b""
    assert received[:3] == b"FLV"


async def test_it_tries_again_and_never_tells_the_key() -> None:
    connections = 0
    twice = asyncio.Event()

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if connections == 2:
            twice.set()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    process = await start(f"rtmp://127.0.0.1:{port}/live/secret-key")
    async with asyncio.timeout(30):
        await twice.wait()
    process.send_signal(signal.SIGTERM)
    _, errors = await asyncio.wait_for(process.communicate(), timeout=60)
    server.close()
    assert process.returncode == 0
    assert b"cannot publish" in errors
    assert b"secret-key" not in errors


@pytest.mark.parametrize("told", ["by a signal", "by its input"])
async def test_it_ends_at_once_while_it_prepares_what_it_is_to_send(told: str) -> None:
    minutes_of_work = {"width": 4096, "height": 4096, "fps": 120}
    process = await start("rtmp://127.0.0.1/live/secret-key", **minutes_of_work)
    async with asyncio.timeout(30):
        while _processor_ticks(process.pid) < _TICKS_OF_PREPARING:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.02)
    assert process.stdin is not None
    if told == "by a signal":
        process.send_signal(signal.SIGTERM)
    else:
        process.stdin.close()
    _, errors = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == 0
    assert errors == b""


def _processor_ticks(pid: int) -> int:
    """What a process has worked so far, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_rounds_follow_each_other_without_a_seam() -> None:
    with av.open(render(Order("", 64, 36, 10)), "r") as loop:
        sent = list(islice(endless(list(loop.demux())), 3 * (375 + 80)))
    assert [due for due, _ in sent] == sorted(due for due, _ in sent)
    for kind, step in ((VIDEO, 1000 / 10), (AUDIO, 1024 / 48)):
        times = [
            float((one.dts or 0) * one.time_base) * 1000
            for _, one in sent
            if one.stream_index == kind
        ]
        assert all(later - earlier == pytest.approx(step) for earlier, later in pairwise(times))
        assert times[-1] > 2.9 * LOOP_SECONDS * 1000
