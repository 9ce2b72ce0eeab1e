"""Films for uploads, made by the ffmpeg of the `imageio-ffmpeg` package."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from tests.end_to_end.running_server import Client, RunningServer, eventually
from tests.programs import program


async def make_film(
    path: Path, seconds: int, *, size: str = "640x480", rate: int = 10, keyframes: int = 500
) -> Path:
    """A test pattern with sound; by default its keyframes are too rare to be passed through."""
    process = await asyncio.create_subprocess_exec(
        program("bundled ffmpeg"),
        *("-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}"),
        *("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"),
        *("-t", str(seconds), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
        *("-g", str(keyframes), "-sc_threshold", "0", "-c:a", "aac", "-b:a", "96k", str(path)),
        stdin=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    return path


async def upload(creator: Client, film: Path, **fields: str) -> dict[str, Any]:
    """As `curl -F file=@film` does it; the content's document."""
    form = aiohttp.FormData()
    for name, value in fields.items():
        form.add_field(name, value)
    with film.open("rb") as file:
        form.add_field("file", file, filename=film.name)
        async with creator.http.post("/api/v1/content", data=form) as answer:
            document: dict[str, Any] = await answer.json()
            assert answer.status == 201, document
            return document


async def status_of(creator: Client, content: str) -> dict[str, Any]:
    status: dict[str, Any] = await creator.get(f"/api/v1/content/{content}/status")
    return status


async def made(creator: Client, content: str, seconds: float = 60) -> dict[str, Any]:
    """The content's document once all of it is made."""

    async def done() -> dict[str, Any] | None:
        status = await status_of(creator, content)
        assert status["state"] != "failed", status["error"]
        return status if status["state"] == "on_demand" else None

    await eventually(done, seconds, f"{content} is on demand")
    document: dict[str, Any] = await creator.get(f"/api/v1/content/{content}")
    return document


async def failed(creator: Client, content: str, seconds: float = 30) -> dict[str, Any]:
    """Why a content could not be made."""

    async def done() -> dict[str, Any] | None:
        status = await status_of(creator, content)
        assert status["state"] in ("processing", "failed"), status
        error: dict[str, Any] | None = status["error"]
        return error

    return await eventually(done, seconds, f"{content} has failed")


def originals(server: RunningServer) -> list[Path]:
    """The uploaded files that are kept."""
    return [path for path in (server.data / "uploads").iterdir() if path.is_file()]
