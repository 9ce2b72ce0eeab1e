"""What every package does, live or on demand, as a player sees it."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import av
import m3u8
import pytest

from config.clock import ManualClock
from packager.archive import Archive
from packager.library import HlsSettings, Library, Package, UnknownRendition, UnknownSegment
from packager.naming import IFramePath, PlaylistPath
from tests.packager import fetching
from tests.packager.clip import Clip, audio_clip, decode, video_clip
from tests.packager.feeding import feed, renditions_of
from tests.packager.fetching import fetch, media_playlist

CLIPS: dict[str, Clip] = {
    "360p": video_clip(64, 36, b_frames=2),
    "720p": video_clip(128, 72, b_frames=2),
    "audio": audio_clip(sample_rate=44_100),
}


@pytest.fixture(params=["live", "ended", "on demand", "after a restart"])
async def package(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Package]:
    library = Library(Archive(tmp_path, clock), clock, HlsSettings(2000))
    await library.start()
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    if request.param != "live":
        origin.end()
    if request.param in ("on demand", "after a restart"):
        await library.settle("ast_1")
    if request.param == "after a restart":
        await library.stop()
        library = Library(Archive(tmp_path, clock), clock, HlsSettings(2000))
        await library.start()
    package = await library.get("ast_1")
    assert package is not None
    yield package
    await library.stop()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_the_multivariant_playlist_describes_every_rendition(package: Package) -> None:
    found = m3u8.loads(package.multivariant().decode())
    assert found.is_variant
    assert found.is_independent_segments
    assert [each.uri for each in found.playlists] == ["360p/index.m3u8", "720p/index.m3u8"]
    for variant, name in zip(found.playlists, ("360p", "720p"), strict=True):
        info, track = variant.stream_info, CLIPS[name].track
        assert info.resolution == (track.width, track.height)
        assert info.codecs == f"{track.codec},mp4a.40.2"
        assert info.frame_rate == 25
        assert info.audio == "audio"
        assert info.bandwidth >= info.average_bandwidth > 0
    (audio,) = found.media
    assert (audio.type, audio.group_id, audio.channels) == ("AUDIO", "audio", "2")
    assert audio.uri == "audio/index.m3u8"


@pytest.mark.parametrize("rendition", CLIPS)
async def test_everything_a_playlist_names_can_be_fetched_and_decoded(
    package: Package, rendition: str
) -> None:
    playlist = fetching.complete((await fetch(package, f"{rendition}/index.m3u8")).decode())
    file = await fetch(package, f"{rendition}/{playlist.segments[0].init_section.uri}")
    total = 0
    for each in playlist.segments:
        file += await fetch(package, f"{rendition}/{each.uri}")
        total += each.duration
        assert int(each.duration + 0.5) <= playlist.target_duration
    found = decode(file)
    first = found.times[0][1] / found.timescale
    assert 10 <= first < 10 + 1024 / 44_100
    last = found.times[-1][0] / found.timescale
    assert abs(last - (10 + total)) < 0.15


async def test_nominal_times_are_those_of_the_playlist(package: Package) -> None:
    for rendition in CLIPS:
        playlist = fetching.complete(media_playlist(package, rendition))
        for index, each in enumerate(playlist.segments):
            sequence = playlist.media_sequence + index
            charge = (await fetching.segment(package, rendition, sequence)).charge
            assert charge is not None
            assert each.uri == f"{charge.sequence}.m4s"
            assert charge.end - charge.start == round(each.duration * 90_000)


def test_the_same_bytes_are_given_to_everybody(package: Package) -> None:
    assert package.multivariant() is package.multivariant()
    path = PlaylistPath("360p")
    assert package.playlist(path) is package.playlist(path)


def test_it_ends_when_it_is_not_live(package: Package) -> None:
    for rendition in CLIPS:
        playlist = fetching.complete(media_playlist(package, rendition))
        assert playlist.is_endlist == (not package.live)
        assert playlist.playlist_type in (None, "vod")
    assert package.duration in (6 * 90_000, 8 * 90_000)


async def test_what_is_not_there_is_named(package: Package) -> None:
    with pytest.raises(UnknownRendition):
        media_playlist(package, "1080p")
    with pytest.raises(UnknownRendition):
        await fetching.init(package, "1080p", "init-0.mp4")
    with pytest.raises(UnknownRendition):
        await fetching.segment(package, "1080p", 0)
    with pytest.raises(UnknownSegment):
        await fetching.init(package, "720p", "init-7.mp4")
    with pytest.raises(UnknownSegment):
        await fetching.segment(package, "720p", 99)


async def test_the_smallest_rendition_has_i_frames_that_show_what_its_segments_begin_with(
    package: Package,
) -> None:
    """Each decodes alone to the picture of its segment, and nothing is billed for it."""
    (offered,) = m3u8.loads(package.multivariant().decode()).iframe_playlists
    assert offered.uri == "360p/iframes.m3u8"
    playlist = m3u8.loads((await fetch(package, offered.uri)).decode())
    whole = fetching.complete(media_playlist(package, "360p"))
    assert playlist.is_i_frames_only
    assert playlist.is_endlist == whole.is_endlist
    assert [each.duration for each in playlist.segments] == [
        each.duration for each in whole.segments
    ]
    rate = 0.0
    init = await fetching.init(package, "360p", "init-0.mp4")
    for picture, each in zip(playlist.segments, whole.segments, strict=True):
        body = await fetch(package, f"360p/{picture.uri}")
        assert _first_picture(init + body) == _first_picture(
            init + await fetch(package, f"360p/{each.uri}")
        )
        rate = max(rate, len(body) * 8 / picture.duration)
    assert rate - 1 <= offered.iframe_stream_info.bandwidth <= rate + 1
    assert (await package.file(IFramePath("360p", 1))).charge is None


def _first_picture(file: bytes) -> tuple[int | None, bytes]:
    """Its pts and samples, as libav decodes them."""
    with av.open(BytesIO(file), "r", format="mp4") as container:
        frame = next(container.decode(video=0))
        return frame.pts, frame.to_ndarray(format="rgb24").tobytes()


async def test_what_is_free_is_small(package: Package) -> None:
    for larger in ("720p", "audio"):
        with pytest.raises(UnknownRendition):
            media_playlist(package, larger, iframes=True)
        with pytest.raises(UnknownSegment):
            await package.file(IFramePath(larger, 1))
    with pytest.raises(UnknownSegment):
        await package.file(IFramePath("360p", 99))
