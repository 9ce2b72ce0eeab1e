"""The demo: a moving test pattern with sound, and three viewers who pay for it."""

import asyncio
import json
import sys
from pathlib import Path

import structlog

from api.catalogue.asset import AssetStore
from api.demo_viewer import DemoViewer
from config.children import end_child
from config.limits import CHILD_STOP_SECONDS_MAX
from config.tasks import cancel, spawn
from packager.archive import Archive

log = structlog.get_logger(__name__)

VIEWERS = 3
_PICTURE = {"width": 1280, "height": 720, "fps": 30}


async def remove_recordings(assets: AssetStore, archive: Archive, source_id: str) -> None:
    """Delete what earlier demos have recorded: about a gigabyte an hour that nobody wants."""
    for asset in await assets.of_source(source_id):
        await archive.remove(asset.id)
        await assets.remove(asset.id)


class Demo:
    """Publishes the pattern to `rtmp_url` (with its key) and watches `content` three times."""

    def __init__(self, rtmp_url: str, base_url: str, content: str, log_file: Path) -> None:
        self._rtmp_url = rtmp_url
        self._log_file = log_file
        self._viewers = [DemoViewer(base_url, content) for _ in range(VIEWERS)]
        self._tasks: list[asyncio.Task[None]] = []
        self._publisher: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log_file.open("ab") as errors:
            self._publisher = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "media.transcode.pattern"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )
        assert self._publisher.stdin is not None
        # The stream key goes in by pipe: arguments can be read by every user of the machine.
        order = {"url": self._rtmp_url, **_PICTURE}
        self._publisher.stdin.write(json.dumps(order).encode() + b"\n")
        await self._publisher.stdin.drain()
        self._tasks = [
            spawn(viewer.run(), name=f"demo viewer {number}")
            for number, viewer in enumerate(self._viewers, start=1)
        ]

    async def stop(self) -> None:
        await cancel(*self._tasks)
        if self._publisher is not None:
            await end_child(self._publisher, CHILD_STOP_SECONDS_MAX)
