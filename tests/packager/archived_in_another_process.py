"""A process that archives segments until it is killed: `python -m` this with a directory."""

import asyncio
import sys
from pathlib import Path

from config.clock import SystemClock
from packager.archive import Archive
from packager.library import HlsSettings, Library
from tests.packager.clip import audio_clip, shifted, video_clip
from tests.packager.feeding import interleaved, renditions_of


async def main(root: Path) -> None:
    archive = Archive(root, SystemClock())
    library = Library(archive, SystemClock(), HlsSettings(2000))
    await library.start()
    clips = {"360p": video_clip(64, 36), "audio": audio_clip()}
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(clips))
    for lap in range(10_000):
        for name, packet in interleaved(clips):
            ticks = 8 * lap * clips[name].track.timescale
            origin.packet(name, shifted((packet,), ticks)[0])
        await asyncio.sleep(0)
        if lap == 3:
            await archive.flush()
            print("archiving", flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
