"""An asset from its first packet to the archive, read by independent readers."""

import m3u8
import pytest

from config.clock import ManualClock
from media.pictures import Picture, PictureKind
from media.units import VIDEO_TIMESCALE
from packager.archive import Archive
from packager.library import (
    AssetAlreadyArchived,
    HlsSettings,
    Library,
    NotReady,
    Package,
    UnknownPicture,
    UnknownRendition,
    UnknownSegment,
)
from tests.packager import fetching
from tests.packager.clip import START_S, Clip, audio_clip, decode, shifted, video_clip
from tests.packager.feeding import feed, interleaved, renditions_of
from tests.packager.fetching import media_playlist

CLIPS = {
    "360p": video_clip(64, 36, b_frames=2),
    "720p": video_clip(128, 72, b_frames=2),
    "audio": audio_clip(),
}


async def played(package: Package, rendition: str) -> bytes:
    """What a player would put together from the playlist."""
    playlist = m3u8.loads(media_playlist(package, rendition))
    file = b""
    init = None
    for segment in playlist.segments:
        if segment.init_section.uri != init:
            init = segment.init_section.uri
            file += await fetching.init(package, rendition, init)
        name = segment.uri.removesuffix(".m4s")
        file += (await fetching.segment(package, rendition, int(name))).body
    return file


async def finished(library: Library, clips: dict[str, Clip], asset_id: str = "ast_1") -> Package:
    origin = library.start_live(asset_id)
    origin.begin(renditions_of(clips))
    feed(origin, clips)
    origin.end()
    await library.settle(asset_id)
    package = await library.get(asset_id)
    assert package is not None
    return package


async def test_a_finished_asset_holds_every_packet_at_its_own_time(library: Library) -> None:
    package = await finished(library, CLIPS)
    assert not package.live
    for name, clip in CLIPS.items():
        found = decode(await played(package, name))
        timed = [(packet.dts, packet.pts) for packet in clip.packets]
        if name == "audio":
            # The encoder's priming frame comes before the first picture; the flush after the last.
            rate = clip.track.timescale
            timed = [t for t in timed if START_S * rate <= t[0] < (START_S + 8) * rate]
        assert found.times == timed
        assert len(found.frames) == len(timed)
    assert package.duration == 8 * VIDEO_TIMESCALE


async def test_segments_of_all_renditions_have_the_same_nominal_times(library: Library) -> None:
    package = await finished(library, CLIPS)
    for sequence in range(4):
        times = {
            (charge.start, charge.end)
            for name in CLIPS
            for charge in [await fetching.charge(package, name, sequence)]
        }
        start = (START_S + 2 * sequence) * VIDEO_TIMESCALE
        assert times == {(start, start + 2 * VIDEO_TIMESCALE)}


async def test_the_same_address_turns_from_live_to_on_demand(library: Library) -> None:
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    live = await library.get("ast_1")
    assert live is origin
    playlist = m3u8.loads(media_playlist(origin, "360p"))
    assert (playlist.playlist_type, playlist.is_endlist) == (None, False)
    origin.end()
    playlist = m3u8.loads(media_playlist(origin, "360p"))
    assert (playlist.playlist_type, playlist.is_endlist) == (None, True)
    await library.settle("ast_1")
    package = await library.get("ast_1")
    assert package is not None
    playlist = m3u8.loads(media_playlist(package, "360p"))
    assert (playlist.playlist_type, playlist.is_endlist) == ("vod", True)
    assert [segment.uri for segment in playlist.segments] == ["0.m4s", "1.m4s", "2.m4s", "3.m4s"]


async def test_what_was_live_is_on_demand_from_its_first_second_with_its_pictures(
    library: Library, archive: Archive, clock: ManualClock
) -> None:
    """Long after the first segments left the live window, also for another process."""
    clips = {name: CLIPS[name] for name in ("360p", "audio")}
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(clips))
    for lap in range(6):
        for name, packet in interleaved(clips):
            ticks = 8 * lap * clips[name].track.timescale
            origin.packet(name, shifted((packet,), ticks)[0])
        origin.picture(Picture(PictureKind.POSTER, jpeg(b"poster", lap), 64, 36))
        times = tuple((START_S + 8 * tile) * VIDEO_TIMESCALE for tile in range(lap + 1))
        origin.picture(
            Picture(PictureKind.SHEET, jpeg(b"sheet", lap), 320, 270, 0, 2, 160, 90, times)
        )
    assert "\n0.m4s" not in media_playlist(origin, "360p")
    origin.end()
    await library.settle("ast_1")
    for each in (library, Library(archive, clock, HlsSettings(2000))):
        package = await each.get("ast_1")
        assert package is not None
        assert (package.live, package.growing) == (False, False)
        assert set(package.renditions()) == {"360p", "audio"}
        assert package.duration == 48 * VIDEO_TIMESCALE
        found = decode(await played(package, "360p"))
        assert found.times[0][1] == START_S * VIDEO_TIMESCALE
        assert len(found.frames) == 48 * 25
        assert package.has_poster
        assert await package.read_picture("poster.jpg") == jpeg(b"poster", 5)
        assert await package.read_picture("storyboard-0.jpg") == jpeg(b"sheet", 5)
        storyboard = package.storyboard()
        assert storyboard is not None
        assert storyboard.count(b"-->") == 6
        assert (
            b"00:00:40.000 --> 00:00:48.000\nstoryboard-0.jpg#xywh=160,180,160,90\n" in storyboard
        )


def jpeg(text: bytes, number: int) -> bytes:
    return b"\xff\xd8" + text + bytes((number,)) + b"\xff\xd9"


async def test_an_asset_that_is_removed_is_gone(library: Library) -> None:
    await finished(library, CLIPS)
    await library.remove("ast_1")
    assert await library.get("ast_1") is None
    library.start_live("ast_1")


async def test_an_archived_asset_is_found_by_another_library(
    library: Library, archive: Archive, clock: ManualClock
) -> None:
    await finished(library, CLIPS)
    other = Library(archive, clock, HlsSettings(2000))
    package = await other.get("ast_1")
    assert package is not None
    assert package.duration == 8 * VIDEO_TIMESCALE


async def test_what_is_not_there_is_not_served(library: Library) -> None:
    package = await finished(library, CLIPS)
    assert await library.get("ast_2") is None
    assert await library.get("../ast_1") is None
    with pytest.raises(UnknownRendition):
        media_playlist(package, "1080p")
    with pytest.raises(UnknownRendition):
        await fetching.init(package, "1080p", "init-0.mp4")
    with pytest.raises(UnknownRendition):
        await fetching.segment(package, "1080p", 0)
    with pytest.raises(UnknownSegment):
        await fetching.init(package, "360p", "init-1.mp4")
    with pytest.raises(UnknownSegment):
        await fetching.segment(package, "360p", 4)
    assert not package.has_poster
    assert package.storyboard() is None
    for name in ("poster.jpg", "../index.jsonl"):
        with pytest.raises(UnknownPicture):
            await package.read_picture(name)


async def test_an_asset_id_is_used_once(library: Library) -> None:
    await finished(library, CLIPS)
    with pytest.raises(AssetAlreadyArchived):
        library.start_live("ast_1")
    library.start_live("ast_2")
    with pytest.raises(AssetAlreadyArchived):
        library.start_live("ast_2")


async def test_an_asset_that_never_had_a_segment_leaves_nothing(library: Library) -> None:
    origin = library.start_live("ast_1")
    with pytest.raises(NotReady):
        origin.multivariant()
    origin.begin(renditions_of(CLIPS))
    origin.end()
    await library.settle("ast_1")
    assert await library.get("ast_1") is None
