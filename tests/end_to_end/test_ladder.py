"""A real 1080p clip becomes a ladder whose rungs show the same pictures at the same times."""

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import av
import m3u8
import pytest

from scripts.test_media import ClipUnavailable, big_buck_bunny
from tests.end_to_end.publisher import publishing
from tests.end_to_end.running_server import eventually, guest_of
from tests.end_to_end.viewer import Viewer, files, watch
from tests.programs import missing

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.peer, pytest.mark.timeout(180)]


@pytest.fixture(scope="session")
def clip() -> Path:
    try:
        return big_buck_bunny()
    except ClipUnavailable as reason:
        missing(str(reason))


async def test_three_rungs_of_a_real_clip_line_up_to_the_tick(start: Any, clip: Path) -> None:
    server = await start("--media.preset=ultrafast")
    url = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with guest_of(server) as guest, publishing(url, clip=clip):
        viewer = await watch(guest, "main", seconds=40)
        multivariant = await viewer.multivariant()
        sizes = {p.uri: p.stream_info.resolution for p in multivariant.playlists}
        assert set(sizes.values()) == {(1920, 1080), (1280, 720), (640, 360)}
        assert [media.type for media in multivariant.media] == ["AUDIO"]
        for variant in multivariant.playlists:
            assert variant.stream_info.codecs.startswith("avc1.")
            assert "mp4a.40.2" in variant.stream_info.codecs
            assert variant.stream_info.frame_rate == 24
            assert 0 < variant.stream_info.average_bandwidth <= variant.stream_info.bandwidth

        pictures = {}
        playlists = await eventually(lambda: three_segments(viewer), 60, "three segments")
        common = sorted(
            set.intersection(*(set(files(playlist)) for playlist in playlists.values()))
        )[:2]
        for playlist_url, playlist in playlists.items():
            times = await decode(viewer, playlist_url, playlist, common)
            name = playlist_url.split("/")[-2]
            pictures[name] = times
        sound = pictures.pop("audio")
        first, *others = pictures.values()
        assert len(first) >= 48
        assert all(other == first for other in others)
        assert abs(sound[0] - first[0]) < 0.05


async def three_segments(viewer: Viewer) -> dict[str, m3u8.M3U8] | None:
    playlists = await viewer.media_playlists()
    ready = len(playlists) == 4 and all(len(p.segments) >= 3 for p in playlists.values())
    return playlists if ready else None


async def decode(
    viewer: Viewer, url: str, playlist: m3u8.M3U8, names: Iterable[str]
) -> list[float]:
    """The presentation times of all frames of some segments, by PyAV."""
    body = await viewer.body(urljoin(url, playlist.segment_map[0].uri))
    for name in names:
        body += await viewer.body(urljoin(url, files(playlist)[name]))
    with av.open(io.BytesIO(body), mode="r", format="mp4") as container:
        kind = {"audio": 0} if container.streams.audio else {"video": 0}
        frames = [
            f for f in container.decode(**kind) if isinstance(f, av.VideoFrame | av.AudioFrame)
        ]
        return [frame.time for frame in frames if frame.time is not None]
