"""Starting, stopping, being killed, and starting again."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.running_server import client_of, eventually

pytestmark = pytest.mark.end_to_end


async def test_a_newcomer_gets_a_playing_stream_and_ticking_earnings(start: Any) -> None:
    server = await start("--settlement.interval_seconds=1", demo="on")
    assert server.announced["play_money"]
    async with client_of(server, **server.creator) as creator:

        async def earning() -> bool | None:
            earnings = await creator.get("/api/v1/earnings")
            paid = earnings["settled"] != "0.0000000" and earnings["viewers"] == 3
            return True if paid else None

        await eventually(earning, 90, "three viewers pay and a payout is settled")
        content = await creator.get("/api/v1/content/demo")
        assert content["state"] == "live"
        ready = await creator.get("/ready")
        assert ready["status"] == "ready"
        assert "tollcast_" in await creator.get("/metrics")
    assert await server.stop() == 0


async def test_a_demo_leaves_no_recordings_behind(start: Any) -> None:
    async def recorded(server: Any) -> str:
        async with client_of(server) as anybody:

            async def live() -> str | None:
                items = (await anybody.get("/api/v1/content"))["items"]
                playing = [item["id"] for item in items if item["state"] == "live"]
                return playing[0] if playing and len(items) == 1 else None

            return await eventually(live, 60, "the demo is all there is")

    server = await start(demo="on")
    first = await recorded(server)
    await server.stop()
    server = await start(demo="on")
    second = await recorded(server)
    assert second != first
    assert sorted(path.name for path in (server.data / "media").iterdir()) == [second]


async def test_ctrl_c_ends_every_process_and_a_second_start_knows_the_first(start: Any) -> None:
    first = await start()
    key = first.announced["stream_key"]
    assert key
    assert await first.stop() == 0
    second = await start()
    assert second.announced["stream_key"] is None  # only its hash was kept
    assert second.announced["creator_token"] == first.announced["creator_token"]
    async with client_of(second, **second.creator) as creator:
        sources = (await creator.get("/api/v1/sources"))["items"]
        assert [source["name"] for source in sources] == ["main"]
    assert await second.stop() == 0


async def test_children_end_with_a_killed_server(start: Any) -> None:
    server = await start(demo="on")
    assert server.descendants()
    await server.kill()


async def test_secrets_are_readable_by_their_owner_only(start: Any) -> None:
    server = await start()
    secrets = list((server.data / "secrets").iterdir())
    assert secrets
    for path in secrets:
        assert path.stat().st_mode & 0o077 == 0
    log = (server.data.parent / "server.log").read_text()
    assert server.announced["stream_key"] not in log
    assert server.announced["creator_token"] not in log


async def test_wrong_settings_are_all_named_before_anything_starts(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api.cli", "up", "--htp.port=1", "--rtmp.port=x"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=tmp_path,
    )
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"http.port" in errors
    assert b"rtmp.port" in errors
    assert list(tmp_path.iterdir()) == []


async def test_a_taken_port_is_said_in_one_line(start: Any, tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    arguments = ("up", f"--http.port={port}", f"--data_directory={tmp_path / 'd'}", "--demo=off")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api.cli", *arguments, "--rtmp.port=0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TOLLCAST_LOG__LEVEL": "error"},
    )
    async with asyncio.timeout(60):
        _, errors = await process.communicate()
    taken.close()
    await taken.wait_closed()
    assert process.returncode == 1
    assert str(port).encode() in errors
    assert b"Traceback" not in errors


async def test_sigterm_stops_like_ctrl_c(start: Any) -> None:
    server = await start()
    assert await server.stop(by=signal.SIGTERM) == 0
