"""A request that promises more than it sends, as one that was cut off half-way."""

import asyncio
from pathlib import Path

from tests.api.upload_server import TOKEN

_SECONDS_MAX = 60


async def patch_in_part(
    port: int, path: str, data: bytes, *, offset: int, promised: int, checksum: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send `data` of `promised` bytes from `offset` on, then fall silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Tus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
        "Content-Type: application/offset+octet-stream\r\n"
        f"Content-Length: {promised}\r\n"
    )
    if checksum:
        head += f"Upload-Checksum: {checksum}\r\n"
    writer.write(head.encode() + b"\r\n" + data)
    await writer.drain()
    return reader, writer


async def until_size(place: Path, size: int) -> None:
    """Until so many bytes are on the disk, in a file or in all files of a folder."""
    async with asyncio.timeout(_SECONDS_MAX):
        while _size(place) < size:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def _size(place: Path) -> int:
    if place.is_dir():
        return sum(_size(each) for each in place.iterdir())
    return place.stat().st_size if place.exists() else 0
