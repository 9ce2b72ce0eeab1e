"""A ladder that an encoder sends by multitrack RTMP plays as it came, and costs no worker."""

import io
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import av
import m3u8
import pytest

from tests.end_to_end.multitrack_publisher import SIZES, publishing_ladder
from tests.end_to_end.running_server import RunningServer, client_of, eventually, guest_of
from tests.end_to_end.viewer import Viewer, files, watch

pytestmark = [pytest.mark.end_to_end, pytest.mark.alone, pytest.mark.timeout(90)]

NAMES = [f"{height}p" for _, height, _ in SIZES]


async def test_a_ladder_of_an_encoder_plays_as_it_was_sent(start: Any) -> None:
    """Each size decodes from every boundary on, and all have the same lines."""
    server = await start()
    url = f"{server.rtmp_url}/{server.announced['stream_key']}"
    async with guest_of(server) as guest, publishing_ladder(url, seconds=14):
        viewer = await watch(guest, "main", seconds=60)
        playlists = await eventually(lambda: three_segments(viewer), 60, "three segments")
        multivariant = await viewer.multivariant()
        assert workers(server) == []
        async with client_of(server, **server.creator) as creator:
            (source,) = (await creator.get("/api/v1/sources"))["items"]
            advice = f"/api/v1/sources/{source['id']}/obs-multitrack.json"
            config = await creator.get(advice)
            await guest.get(advice, status=403)
        assert [(one["name"], one["passedThrough"]) for one in source["health"]["renditions"]] == [
            (name, True) for name in NAMES
        ]
        template = config["ingest_endpoints"][0]["url_template"]
        assert template == f"{server.rtmp_url}/{{stream_key}}"

        assert {p.uri: p.stream_info.resolution for p in multivariant.playlists} == {
            f"{height}p/index.m3u8": (width, height) for width, height, _ in SIZES
        }
        for variant in multivariant.playlists:
            assert variant.stream_info.codecs.startswith("avc1.")
            assert variant.stream_info.codecs.endswith("mp4a.40.2")
            assert variant.stream_info.frame_rate == 25
            assert variant.stream_info.audio == "audio"
        assert "EXT-X-INDEPENDENT-SEGMENTS" in await viewer.text(viewer.session["playbackUrl"])

        lines = {name: durations(playlists[name]) for name in [*NAMES, "audio"]}
        common = sorted(set.intersection(*(set(each) for each in lines.values())))
        assert len(common) >= 2
        for file in common:
            assert {each[file] for each in lines.values()} == {2.0}
            shown = {name: await decode(viewer, playlists[name], name, file) for name in NAMES}
            first, *others = shown.values()
            assert len(first) == 50
            assert all(other == first for other in others)


async def three_segments(viewer: Viewer) -> dict[str, m3u8.M3U8] | None:
    """By rendition, once all of them have three segments."""
    playlists = {
        url.split("/")[-2]: playlist for url, playlist in (await viewer.media_playlists()).items()
    }
    ready = all(len(playlists[name].segments) >= 3 for name in [*NAMES, "audio"])
    return playlists if ready else None


def durations(playlist: m3u8.M3U8) -> dict[str, float]:
    return {
        name: each.duration for name, each in zip(files(playlist), playlist.segments, strict=True)
    }


async def decode(viewer: Viewer, playlist: m3u8.M3U8, name: str, file: str) -> list[float]:
    """The times of all pictures of one segment, decoded by itself."""
    base = urljoin(viewer.session["playbackUrl"], f"{name}/")
    body = await viewer.body(urljoin(base, playlist.segment_map[0].uri))
    body += await viewer.body(urljoin(base, files(playlist)[file]))
    with av.open(io.BytesIO(body), mode="r", format="mp4") as container:
        frames = list(container.decode(video=0))
    assert frames[0].key_frame
    return [round(frame.time, 2) for frame in frames]


def workers(server: RunningServer) -> list[str]:
    """Command lines of the server's transcode workers."""
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes().decode() for pid in server.descendants()]
    return [line for line in lines if "media.transcode" in line]
