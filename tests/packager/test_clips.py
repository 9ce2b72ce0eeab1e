"""Clips: parts of recordings that are assets of their own and share their originals' files."""

import errno
import os
from dataclasses import replace
from pathlib import Path

import m3u8
import pytest

from config.clock import ManualClock
from media.pictures import Picture, PictureKind
from media.units import VIDEO_TIMESCALE
from packager.archive import Archive
from packager.archive_disk import remove_leftovers
from packager.archive_record import CaptionRecord
from packager.asset_terms import AssetTerms, Encryption
from packager.clips import Clips, CutClip, OutsideRecording, StillMade
from packager.hls.key_schedule import KeySchedule
from packager.hls.protection import Protections
from packager.library import HlsSettings, Library, Package, UnknownAsset
from packager.on_demand_writer import OnDemandWriter
from tests.packager import fetching
from tests.packager.clip import START_S, Clip, audio_clip, decode, shifted, video_clip
from tests.packager.feeding import feed, interleaved, renditions_of
from tests.packager.fetching import media_playlist

SECOND = VIDEO_TIMESCALE
JPEG = b"\xff\xd8 picture \xff\xd9"
CLIPS: dict[str, Clip] = {
    "360p": video_clip(64, 36, b_frames=2),
    "720p": video_clip(128, 72, b_frames=2),
    "audio": audio_clip(),
}


@pytest.fixture(autouse=True)
def _disk_that_never_loses_power(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test loses in a crash of the machine is not worth a busy disk's time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the library of `conftest` has its archive."""
    return tmp_path / "archive"


@pytest.fixture
def clips(root: Path) -> Clips:
    return Clips(root)


def later(seconds: int) -> dict[str, Clip]:
    return {
        name: replace(clip, packets=shifted(clip.packets, seconds * clip.track.timescale))
        for name, clip in CLIPS.items()
    }


async def recorded(library: Library, *epochs: dict[str, Clip]) -> None:
    origin = library.start_live("ast_1")
    for number, each in enumerate(epochs):
        origin.begin(renditions_of(each))
        feed(origin, each)
        times = tuple((START_S + 8 * number + second) * SECOND for second in range(0, 8, 2))
        origin.picture(Picture(PictureKind.SHEET, JPEG, 320, 180, number, 2, 160, 90, times))
        origin.picture(Picture(PictureKind.POSTER, JPEG, 64, 36, times=times[-1:]))
    origin.end()
    await library.settle("ast_1")


async def package(library: Library, asset_id: str) -> Package:
    found = await library.get(asset_id)
    assert found is not None
    return found


async def cut(
    clips: Clips, start: float, end: float | None, asset_id: str = "ast_1", *, live: bool = False
) -> CutClip:
    ticks = None if end is None else int(end * SECOND)
    return await clips.cut(asset_id, int(start * SECOND), ticks, live=live)


def seconds(made: CutClip) -> tuple[float, float]:
    return made.range.start / SECOND, made.range.end / SECOND


async def played(package: Package, rendition: str) -> bytes:
    playlist = m3u8.loads(media_playlist(package, rendition))
    file, init = b"", None
    for each in playlist.segments:
        assert not each.gap_tag
        if each.init_section.uri != init:
            init = each.init_section.uri
            file += await fetching.init(package, rendition, init)
        number = int(each.uri.removesuffix(".m4s"))
        file += (await fetching.segment(package, rendition, number)).body
    return file


async def test_a_clip_has_whole_segments_and_begins_where_it_was_cut(
    library: Library, clips: Clips, root: Path
) -> None:
    await recorded(library, CLIPS)
    made = await cut(clips, 2.5, 4.5)
    assert seconds(made) == (2, 6)
    assert await library.get("ast_2") is None, "nobody sees it before it is published"
    await clips.publish(made, "ast_2")
    clip = await package(library, "ast_2")
    assert clip.duration == 4 * SECOND
    assert clip.settled
    assert set(clip.renditions()) == set(CLIPS)
    for name, whole in CLIPS.items():
        playlist = m3u8.loads(media_playlist(clip, name))
        assert (playlist.playlist_type, playlist.is_endlist) == ("vod", True)
        assert (playlist.start.time_offset, playlist.start.precise) == (0.5, "YES")
        rate = whole.track.timescale
        expected = [
            (each.dts, each.pts)
            for each in whole.packets
            if START_S + 2 <= each.pts / rate < START_S + 6
        ]
        assert sorted(decode(await played(clip, name)).times) == sorted(expected)
    assert (await fetching.charge(clip, "360p", 1)).start == (START_S + 2) * SECOND
    original, copy = (root / asset / "720p" / "1.m4s" for asset in ("ast_1", "ast_2"))
    assert original.samefile(copy), "no bytes are copied"


async def test_a_clip_and_its_original_live_without_each_other(
    library: Library, clips: Clips, root: Path
) -> None:
    await recorded(library, CLIPS)
    for asset_id in ("ast_2", "ast_3"):
        await clips.publish(await cut(clips, 0, 4), asset_id)
    whole = await played(await package(library, "ast_2"), "360p")
    await library.remove("ast_3")
    assert len(await played(await package(library, "ast_1"), "360p")) > len(whole)
    await library.remove("ast_1")
    fresh = Library(library._archive, ManualClock(), HlsSettings(2000))  # nothing in memory
    assert await played(await package(fresh, "ast_2"), "360p") == whole
    await clips.publish(await cut(clips, 0, 1, "ast_2"), "ast_4")
    assert (await package(fresh, "ast_4")).duration == 2 * SECOND


async def test_pictures_and_captions_are_those_of_the_range(library: Library, clips: Clips) -> None:
    await recorded(library, CLIPS, later(8))
    words = b"WEBVTT\n\n00:09.000 --> 00:11.000\nten\n\n00:01.000 --> 00:02.000\none\n"
    record = CaptionRecord("en", "en", "", True, False, False, "")
    await library.put_captions("ast_1", record, words)
    for asset_id, start, end in (("ast_2", 10, 14), ("ast_3", 10, 16), ("ast_4", 0, 4)):
        await clips.publish(await cut(clips, start, end), asset_id)
    assert not (await package(library, "ast_2")).has_poster
    assert (await package(library, "ast_3")).has_poster
    story = (await package(library, "ast_2")).storyboard()
    assert story is not None
    assert b"storyboard-0" not in story
    assert b"00:00:00.000 --> 00:00:02.000\nstoryboard-1.jpg#xywh=160,0" in story
    assert story.count(b"-->") == 2
    assert await library.read_captions("ast_2", "en") == (
        b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nten\n"
    )
    assert b"one" in await library.read_captions("ast_4", "en")
    assert (await package(library, "ast_4")).captions


async def test_a_clip_may_span_epochs_and_what_was_given_up(library: Library, clips: Clips) -> None:
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(CLIPS))
    for name, packet in interleaved(CLIPS):
        if name == "720p" and packet.dts > 14 * SECOND:
            origin.retire("720p", "too slow")
            continue
        origin.packet(name, packet)
    origin.begin(renditions_of(CLIPS))
    feed(origin, later(20))
    origin.end()
    await library.settle("ast_1")
    await clips.publish(await cut(clips, 0, 3), "ast_2")
    assert set((await package(library, "ast_2")).renditions()) == set(CLIPS), "it was there so far"
    made = await cut(clips, 5, 11)
    assert seconds(made) == (4, 12)
    await clips.publish(made, "ast_3")
    clip = await package(library, "ast_3")
    text = media_playlist(clip, "360p")
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:0" in text
    assert len(decode(await played(clip, "360p")).frames) == 8 * 25


async def test_a_live_is_clipped_up_to_what_all_of_it_is_archived(
    library: Library, clips: Clips
) -> None:
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(CLIPS))
    for name, packet in interleaved(CLIPS):
        if name != "720p" or packet.dts < 15 * SECOND:
            origin.packet(name, packet)
    await library._archive.flush()
    made = await cut(clips, -3, 600, live=True)
    assert seconds(made) == (0, 4), "720p has no more yet"
    await clips.publish(made, "ast_2")
    assert not (await package(library, "ast_2")).live
    await clips.discard(await cut(clips, 0, 2, live=True))
    with pytest.raises(OutsideRecording):
        await cut(clips, 4, 6, live=True)
    origin.end()
    await library.settle("ast_1")
    assert seconds(await cut(clips, 4, 8.5)) == (4, 8)
    with pytest.raises(OutsideRecording):
        await cut(clips, 4, 10)


async def test_what_cannot_be_cut_leaves_nothing_behind(
    library: Library, clips: Clips, root: Path, clock: ManualClock
) -> None:
    await recorded(library, CLIPS)
    with pytest.raises(OutsideRecording):
        await cut(clips, 8, 9)
    with pytest.raises(OutsideRecording):
        await cut(clips, 3, 2)
    for unknown in ("ast_9", "../ast_1"):
        with pytest.raises(UnknownAsset):
            await cut(clips, 0, 1, unknown)
    await OnDemandWriter.open(root, "ast_5", HlsSettings(2000), clock)
    with pytest.raises(StillMade):
        await cut(clips, 0, 1, "ast_5")
    await clips.discard(await cut(clips, 0, 1))
    assert sorted(each.name for each in root.iterdir()) == ["ast_1", "ast_5"]
    crashed = await cut(clips, 0, 1)
    remove_leftovers(root)
    with pytest.raises(FileNotFoundError):
        await clips.publish(crashed, "ast_2")


async def test_without_hard_links_files_are_copied(
    library: Library, clips: Clips, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    await recorded(library, CLIPS)

    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links")

    monkeypatch.setattr(os, "link", no_links)
    await clips.publish(await cut(clips, 0, 2), "ast_2")
    original, copy = (root / asset / "720p" / "0.m4s" for asset in ("ast_1", "ast_2"))
    assert not original.samefile(copy)
    assert original.read_bytes() == copy.read_bytes()


async def test_a_clip_is_encrypted_as_its_original_is_with_keys_of_its_own(
    archive: Archive, clock: ManualClock, clips: Clips
) -> None:
    protections = Protections(KeySchedule(b"secret"), "https://cdn.example.org")
    library = Library(archive, clock, HlsSettings(2000, protections=protections))
    await library.start()
    origin = library.start_live("ast_1", AssetTerms(encryption=Encryption.AES_128))
    origin.begin(renditions_of(CLIPS))
    feed(origin, CLIPS)
    origin.end()
    await library.settle("ast_1")
    await clips.publish(await cut(clips, 2, 6), "ast_2")
    text = media_playlist(await package(library, "ast_2"), "360p")
    assert "#EXT-X-KEY:METHOD=AES-128" in text
    assert "https://cdn.example.org/media/ast_2/360p/1.m4s" in text
    first, second = [
        (await fetching.segment(await package(library, asset), "360p", 1)).body
        for asset in ("ast_1", "ast_2")
    ]
    assert first != second
    assert len(first) == len(second)
    await library.stop()
