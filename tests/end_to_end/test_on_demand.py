"""A file is uploaded, made, watched and billed."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.end_to_end.films import failed, made, make_film, originals, status_of, upload
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import (
    Client,
    RunningServer,
    client_of,
    eventually,
    guest_of,
)
from tests.end_to_end.viewer import Viewer, files, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(180)]


async def lines(viewer: Viewer) -> dict[str, list[str]]:
    """The segments of each rendition's playlist, by the rendition's name."""
    playlists = await viewer.media_playlists()
    return {url.split("/")[-2]: [*files(p)] for url, p in playlists.items()}


async def test_a_film_is_watched_and_billed_and_its_original_goes(
    server: RunningServer, tmp_path: Path
) -> None:
    film = await make_film(tmp_path / "film.mp4", 9)
    async with client_of(server, **server.creator) as creator, guest_of(server) as guest:
        content = await upload(creator, film, title="Nine seconds")
        document = await made(creator, content["id"])
        assert (document["title"], document["kind"]) == ("Nine seconds", "upload")
        assert document["durationSeconds"] == 9
        assert content["id"] in [
            each["id"] for each in (await guest.get("/api/v1/content"))["items"]
        ]

        viewer = await watch(guest, content["id"])
        playlists = await viewer.media_playlists()
        assert sorted(url.split("/")[-2] for url in playlists) == ["360p", "480p", "audio"]
        assert all(playlist.is_endlist for playlist in playlists.values())
        for url, playlist in playlists.items():
            assert sum(segment.duration for segment in playlist.segments) == pytest.approx(
                9, abs=0.1
            )
            await viewer.body(urljoin(url, playlist.segments[0].uri))
        assert (await viewer.stop())["secondsBilled"] <= 3

        poster = await picture(guest, document["posterUrl"], "image/jpeg")
        assert poster.startswith(b"\xff\xd8")
        cues = (await picture(guest, document["storyboardUrl"], "text/vtt")).decode()
        assert cues.startswith("WEBVTT")
        sheet = urljoin(document["storyboardUrl"], "storyboard-0.jpg")
        assert "storyboard-0.jpg#xywh=0,0," in cues
        assert (await picture(guest, sheet, "image/jpeg")).startswith(b"\xff\xd8")
    await eventually(lambda: gone(server), 60, "the original is deleted")


async def picture(client: Client, address: str, content_type: str) -> bytes:
    async with client.http.get(address) as answer:
        assert answer.status == 200
        assert answer.content_type == content_type
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        return await answer.read()


async def gone(server: RunningServer) -> bool | None:
    return True if not originals(server) else None


async def test_a_long_film_can_be_watched_before_all_of_it_is_made(
    server: RunningServer, tmp_path: Path
) -> None:
    """Its smallest rendition is made first, and can be watched from the first second meanwhile."""
    film = await make_film(tmp_path / "long.mp4", 75, size="960x720", rate=12)
    async with client_of(server, **server.creator) as creator, guest_of(server) as guest:
        content = await upload(creator, film)

        async def early() -> dict[str, Any] | None:
            status = await status_of(creator, content["id"])
            return status if status["playable"] else None

        status = await eventually(early, 60, "it can be watched")
        assert status["state"] == "processing"
        viewer = await watch(guest, content["id"])
        text = await viewer.text(urljoin(viewer.session["playbackUrl"], "360p/index.m3u8"))
        assert "/0.m4s" in f"/{text.split('EXTINF')[1].splitlines()[1]}"
        assert sorted(await lines(viewer)) == ["360p", "audio"]

        await made(creator, content["id"], 120)
        finished = await lines(await watch(guest, content["id"]))
        assert sorted(finished) == ["360p", "720p", "audio"]
        assert len({tuple(each) for each in finished.values()}) == 1, "all have the same segments"


async def test_a_file_that_is_none_says_why_and_the_next_one_is_made(
    server: RunningServer, tmp_path: Path
) -> None:
    film = await make_film(tmp_path / "film.mp4", 4)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes()[: film.stat().st_size // 2])  # its index was at the end
    async with client_of(server, **server.creator) as creator:
        broken = await upload(creator, cut)
        whole = await upload(creator, film)
        error = await failed(creator, broken["id"])
        assert error["code"]
        assert error["detail"].endswith(".")
        await made(creator, whole["id"])
        listed = {each["id"] for each in (await creator.get("/api/v1/content"))["items"]}
        assert whole["id"] in listed
        assert broken["id"] not in listed

        async with creator.http.delete(f"/api/v1/content/{broken['id']}") as answer:
            assert answer.status == 204
        await creator.get(f"/api/v1/content/{broken['id']}", status=404)
    await eventually(lambda: gone(server), 60, "both originals are deleted")


async def test_a_live_is_on_demand_from_its_first_second_under_the_same_address(
    server: RunningServer,
) -> None:
    async with guest_of(server) as guest:
        url = f"{server.rtmp_url}/{server.announced['stream_key']}"
        async with publishing(url, size="1280x720", seconds=14):
            live = await watch(guest, "main")
            asset = (await guest.get("/api/v1/content/main"))["id"]

            async def pictured() -> str | None:
                document = await guest.get(f"/api/v1/content/{asset}")
                address: str | None = document["posterUrl"]
                return address

            await picture(
                guest, await eventually(pictured, 60, "there is a thumbnail"), "image/jpeg"
            )

            async def over() -> bool | None:
                state = (await guest.get(f"/api/v1/content/{asset}"))["state"]
                return True if state == "on_demand" else None

            await eventually(over, 60, "the live has ended")
        playlists = await live.media_playlists()
        for playlist in playlists.values():
            assert playlist.is_endlist
            assert playlist.segments[0].uri.endswith("/0.m4s")
            assert sum(segment.duration for segment in playlist.segments) == pytest.approx(
                14, abs=1
            )
        await picture(guest, f"/api/v1/content/{asset}/poster.jpg", "image/jpeg")
        await picture(guest, f"/api/v1/content/{asset}/storyboard.vtt", "text/vtt")


async def test_two_workers_share_a_queue_and_one_of_them_is_killed(
    start: Any, tmp_path: Path
) -> None:
    server = await start("--jobs.workers=0")
    films = [await make_film(tmp_path / f"{number}.mp4", 25) for number in range(4)]
    async with client_of(server, **server.creator) as creator:
        contents = [(await upload(creator, film))["id"] for film in films]
        waiting = await status_of(creator, contents[-1])
        assert waiting["job"]["queuePosition"] == 3
        first, second = [await start_worker(server) for _ in range(2)]
        try:

            async def both_work() -> bool | None:
                jobs = [(await status_of(creator, each))["job"] for each in contents]
                return True if [each["state"] for each in jobs].count("running") == 2 else None

            await eventually(both_work, 90, "two jobs run")
            first.kill()
            for content in contents:
                await made(creator, content, 120)
            statuses = [await status_of(creator, each) for each in contents]
            assert sorted(each["job"]["attempt"] for each in statuses) == [1, 1, 1, 2]
        finally:
            for worker in (first, second):
                if worker.returncode is None:
                    worker.send_signal(signal.SIGINT)
                await worker.wait()
        assert second.returncode == 0


async def start_worker(server: RunningServer) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api.cli", "worker", f"--data_directory={server.data}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
