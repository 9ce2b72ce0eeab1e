"""What a creator makes of films and lives: clips, files and I-frames, seen in browsers.

The film is grey and gets brighter with time, so that a picture tells when it was filmed.
"""

import asyncio
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.async_api import Page

from tests.end_to_end.browser_players import Players, browser_players
from tests.end_to_end.films import made, upload
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import Client, RunningServer, client_of, eventually, guest_of
from tests.end_to_end.viewer import watch
from tests.programs import program

pytestmark = [pytest.mark.end_to_end, pytest.mark.peer, pytest.mark.timeout(180)]

FILM_SECONDS = 8
DARKEST, STEP = 30, 24
# Two of the film's pictures, and what a codec makes of a grey.
TOLERANCE = 0.3
SCRIPT = """
const within = (promise, what) => Promise.race([
  promise,
  new Promise((_, reject) => setTimeout(() => reject(new Error(`${what}: not in time`)), 60000)),
]);
const on = (target, event) => new Promise((resolve) => target.addEventListener(event, resolve));
const made = () => {
  const video = document.createElement("video");
  video.muted = true;
  document.body.append(video);
  return video;
};
window.grey = (video) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [8, 8];
  const context = canvas.getContext("2d");
  context.drawImage(video ?? document.querySelector("video"), 0, 0, 8, 8);
  return context.getImageData(4, 4, 1, 1).data[0];
};
// A picture may be drawn a moment after it was said to be there; a wrong one stays.
window.shown = async (video, grey, tolerance) => {
  const until = performance.now() + 60000;
  while (Math.abs(window.grey(video) - grey) > tolerance && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return window.grey(video);
};
window.iframe = async (url, time, grey, tolerance) => {
  const hls = new Hls({ enableWorker: false });
  hls.loadSource(url);
  await within(new Promise((resolve) => hls.on(Hls.Events.MANIFEST_PARSED, resolve)), "playlist");
  const video = made();
  const frames = hls.createIFramePlayer();
  frames.attachMedia(video);
  // A wish that comes before the playlist may be forgotten, so it is made again.
  const shows = () => video.readyState >= 2 && !video.seeking && video.currentTime === time;
  const sought = async () => {
    for (let turn = 0; !shows(); turn += 1) {
      if (turn % 25 === 0) frames.loadMediaAt(time);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await within(sought(), "picture");
  return shown(video, grey, tolerance);
};
window.seek = async (url, time, grey, tolerance) => {
  const video = made();
  video.src = url;
  await within(on(video, "loadeddata"), "file");
  const seeked = on(video, "seeked");
  video.currentTime = time;
  await within(seeked, "seeking");
  return [video.duration, await shown(video, grey, tolerance)];
};
"""


def second(grey: int) -> float:
    """When a picture was filmed; the codec's greys go from 16 to 235."""
    return (grey * 219 / 255 + 16 - DARKEST) / STEP


def looks(second: float) -> tuple[float, float]:
    """The grey of a picture that was filmed then, and how far from it another may be."""
    return (DARKEST + STEP * second - 16) * 255 / 219, TOLERANCE * STEP * 255 / 219


async def make_film(path: Path) -> Path:
    greys = f"color=black:s=640x360:r=10,geq=lum='{DARKEST}+T*{STEP}':cb=128:cr=128"
    process = await asyncio.create_subprocess_exec(
        *(program("bundled ffmpeg"), "-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "lavfi", "-i", greys, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *("-t", str(FILM_SECONDS), "-c:v", "libx264", "-preset", "ultrafast"),
        *("-pix_fmt", "yuv420p", "-c:a", "aac", str(path)),
        stdin=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    return path


async def test_clips_files_and_i_frames_show_what_was_filmed(
    server: RunningServer, tmp_path: Path
) -> None:
    """A film and a live are clipped; the film's clip plays on when the film is gone."""
    async with (
        client_of(server, **server.creator) as creator,
        guest_of(server) as guest,
        publishing(f"{server.rtmp_url}/{server.announced['stream_key']}"),
        browser_players() as players,
    ):
        film = await make_film(tmp_path / "film.mp4")
        content = (await upload(creator, film, title="Grey"))["id"]
        await made(creator, content)
        parts = {"startSeconds": 2.5, "endSeconds": 5}
        clip = await creator.post(f"/api/v1/content/{content}/clips", parts, status=201)
        assert (clip["kind"], clip["clipOf"]) == ("clip", content)
        assert clip["clipRange"] == {"startSeconds": 2, "endSeconds": 6}
        await i_frames_are_found(players, await playback_url(server, guest, content))
        await file_is_played(players, server, creator, content)
        async with creator.http.delete(f"/api/v1/content/{content}") as answer:
            assert answer.status == 204
        url = await playback_url(server, guest, clip["id"])
        await asyncio.gather(
            *(clip_begins_where_it_was_cut(players, player, url) for player in ("hls.js", "shaka"))
        )
        await live_is_clipped(creator, guest)


async def playback_url(server: RunningServer, guest: Client, content: str) -> str:
    viewer = await watch(guest, content)
    return urljoin(server.http_url, str(viewer.session["playbackUrl"]))


async def i_frames_are_found(players: Players, url: str) -> None:
    async with players.playing("hls.js", url) as player:
        await player.call("eval", SCRIPT)
        for time, begins in ((1, 0), (5, 4)):
            found = second(await player.call("iframe", url, time, *looks(begins)))
            assert found == pytest.approx(begins, abs=TOLERANCE)


async def file_is_played(
    players: Players, server: RunningServer, creator: Client, content: str
) -> None:
    """As a browser plays and seeks in any file, through a link."""
    links = f"/api/v1/content/{content}/download-links"
    link = (await creator.post(links, status=201))["url"]
    async with players.visiting(f"{server.http_url}/health") as page:
        await page.evaluate(f"() => {{ {SCRIPT} }}")
        for time in (6.5, 1.5):
            duration, grey = await seek(page, link, time)
            assert duration == pytest.approx(FILM_SECONDS, abs=0.1)
            assert second(grey) == pytest.approx(time, abs=TOLERANCE)


async def seek(page: Page, link: str, time: float) -> Any:
    return await page.evaluate("(given) => seek(...given)", [link, time, *looks(time)])


async def clip_begins_where_it_was_cut(players: Players, name: str, url: str) -> None:
    """What is shown follows what was filmed, half a second into the clip's first segment."""
    async with players.playing(name, url) as player:
        await player.call("eval", SCRIPT)
        state = await player.shows(0.3, 60)
        assert state.begin == pytest.approx(0, abs=0.1)
        assert state.end == pytest.approx(4, abs=0.3)
        # Players count from the first decoding time, two pictures before the first is shown.
        assert 2.5 - TOLERANCE <= second(await player.call("grey")) <= 6
        assert state.time - state.played == pytest.approx(0.5, abs=0.2)


async def live_is_clipped(creator: Client, guest: Client) -> None:
    live = (await guest.get("/api/v1/content/main"))["id"]
    body = {"startSeconds": -3, "title": "Just now"}

    async def cut() -> Any:
        async with creator.http.post(f"/api/v1/content/{live}/clips", json=body) as answer:
            return await answer.json() if answer.status == 201 else None

    clip = await eventually(cut, 60, "there is something to clip")
    assert (await guest.get(f"/api/v1/content/{live}"))["state"] == "live"
    assert 2 <= clip["durationSeconds"] <= 6
    viewer = await watch(guest, clip["id"])
    playlists = await viewer.media_playlists()
    for url, playlist in playlists.items():
        assert playlist.is_endlist
        for each in playlist.segments:
            await viewer.body(urljoin(url, each.uri))
    assert (await viewer.stop())["secondsBilled"] <= clip["durationSeconds"] + 1
