"""A short real recording as HLS: two video renditions and a shared audio one, in fMP4."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

SECONDS = 24
"""Segments are one second long, so this is also their number."""

_FILTER = (
    "testsrc2=size=640x360:rate=25,split[large][other];[other]scale=320:180[small];"
    "sine=frequency=440:sample_rate=48000,volume=0.05[sound]"
)
_OPTIONS = (
    *("-map", "[large]", "-map", "[small]", "-map", "[sound]"),
    *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p"),
    *("-g", "25", "-keyint_min", "25", "-sc_threshold", "0", "-b:v:0", "500k", "-b:v:1", "200k"),
    *("-c:a", "aac", "-b:a", "96k"),
    *("-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "1", "-hls_playlist_type", "vod"),
    *("-master_pl_name", "master.m3u8", "-hls_fmp4_init_filename", "init.mp4"),
    *("-hls_segment_filename", "%v/%d.m4s"),
)
_STREAMS = "v:0,agroup:sound v:1,agroup:sound a:0,agroup:sound,default:yes"
_ENCODE_SECONDS_MAX = 60


@dataclass(frozen=True, slots=True)
class Recording:
    """Files of one recording, as a server would list them."""

    directory: Path

    @property
    def multivariant(self) -> str:
        return (self.directory / "master.m3u8").read_text()

    def segments(self, rendition: str) -> tuple[list[str], list[tuple[str, str]]]:
        """The header lines, and for each segment its EXTINF line and its name."""
        lines = (self.directory / rendition / "index.m3u8").read_text().splitlines()
        head, pairs = [], []
        for index, line in enumerate(lines):
            if line.startswith("#EXTINF"):
                pairs.append((line, lines[index + 1]))
            elif line.startswith("#") and not pairs and "PLAYLIST-TYPE" not in line:
                head.append(line)
        return head, pairs

    def playlist(
        self, rendition: str, available: int, *, ended: bool, growing: bool = False
    ) -> str:
        """The media playlist when `available` segments exist; one that grows has its beginning."""
        head, pairs = self.segments(rendition)
        if growing:
            head += ["#EXT-X-PLAYLIST-TYPE:EVENT", "#EXT-X-START:TIME-OFFSET=0"]
        lines = [*head, *(line for pair in pairs[:available] for line in pair)]
        if ended:
            lines.append("#EXT-X-ENDLIST")
        return "\n".join(lines) + "\n"

    def file(self, path: str) -> bytes:
        return (self.directory / path).read_bytes()


async def record(directory: Path) -> Recording:
    """Encode the recording into `directory`."""
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-loglevel", "error", "-filter_complex", _FILTER, "-t", str(SECONDS)),
        *_OPTIONS,
        *("-var_stream_map", _STREAMS, "%v/index.m3u8"),
        cwd=directory,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(_ENCODE_SECONDS_MAX):
        _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return Recording(directory)
