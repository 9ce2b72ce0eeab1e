"""What libav does with a file before anything is asked of it."""

import io
import json
import subprocess
import sys
from pathlib import Path

import av
import pytest

from config.limits import FILE_PIXELS_MAX
from media.file.av_open import open_file
from media.file.container import Container
from media.file.refusal import RefusalCode, Refused
from tests.media.file.run_files import ROOT
from tests.media.file.tiny_files import tiny_files
from tests.media.file.writers import FILE_TYPE, cluster, element, matroska, matroska_track

WIDTH, HEIGHT, TRACKS = 2_048, 1_152, 8
RSS_MIB_MAX = 100

_OPEN_AND_MEASURE = r"""
import json, re, sys
from pathlib import Path
from media.file.av_open import open_file
from media.file.container import Container
with open(sys.argv[1], "rb") as file:
    opened = open_file(file.fileno(), Container.MATROSKA)
    tracks = len(opened.container.streams)
peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
print(json.dumps([tracks, int(peak[1]) // 1024]))
"""


def refusal_of(path: Path, data: bytes, container: Container) -> RefusalCode:
    path.write_bytes(data)
    with path.open("rb") as file, pytest.raises(Refused) as refused:
        open_file(file.fileno(), container)
    return refused.value.code


def test_a_file_may_be_opened_again_and_again(tmp_path: Path) -> None:
    container, data = tiny_files()["h264 eac3 mkv"]
    path = tmp_path / "file"
    path.write_bytes(data)
    with path.open("rb") as file:
        for _ in range(2):
            opened = open_file(file.fileno(), container)
            assert [track.codec_context.name for track in opened.tracks] == ["h264", "eac3"]
            assert sum(packet.size > 0 for packet in opened.container.demux()) > 10


def test_what_libav_cannot_open_is_damaged(tmp_path: Path) -> None:
    nothing = matroska(element(0x1654AE6B, matroska_track(b"V_VP8")), cluster(0))

    assert refusal_of(tmp_path / "a", b"fLaC" + bytes(99), Container.FLAC) is RefusalCode.DAMAGED
    assert refusal_of(tmp_path / "b", nothing[:90], Container.MATROSKA) is RefusalCode.DAMAGED
    assert refusal_of(tmp_path / "c", FILE_TYPE, Container.MP4) is RefusalCode.UNFINISHED


def test_a_decoder_that_does_not_open_is_a_damaged_file(tmp_path: Path) -> None:
    """Nor does it crash PyAV, which it would when it was used again."""
    silent = matroska(
        element(0x1654AE6B, matroska_track(b"A_PCM/INT/LIT", kind=2)), cluster(0, bytes(400))
    )

    assert refusal_of(tmp_path / "file", silent, Container.MATROSKA) is RefusalCode.DAMAGED


@pytest.mark.process
def test_many_tracks_cost_no_more_memory_than_one(tmp_path: Path) -> None:
    """libav decodes up to twenty pictures of each track while it opens a file."""
    path = tmp_path / "file"
    path.write_bytes(_same_track_often())
    ended = subprocess.run(
        [sys.executable, "-c", _OPEN_AND_MEASURE, path],
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        timeout=30,
    )
    tracks, rss_mib = json.loads(ended.stdout)

    assert TRACKS * WIDTH * HEIGHT > FILE_PIXELS_MAX > WIDTH * HEIGHT
    assert tracks == TRACKS
    assert rss_mib <= RSS_MIB_MAX


def _same_track_often() -> bytes:
    packed = io.BytesIO()
    with av.open(packed, "w", format="matroska") as output:
        streams = [output.add_stream("libx264", rate=25) for _ in range(TRACKS)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.codec_context.options = {"preset": "ultrafast"}
            stream.codec_context.thread_count = 1
        encoder = streams[0]
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        packets = []
        for number in range(12):
            frame.pts = number
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
        for packet in packets:
            for stream in streams:
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.is_keyframe = packet.is_keyframe
                copy.stream = stream
                output.mux(copy)
    return packed.getvalue()
