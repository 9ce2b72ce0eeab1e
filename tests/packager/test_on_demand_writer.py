"""A file's renditions on their way to the archive, and what a viewer gets of them meanwhile."""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import m3u8
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.clock import ManualClock
from media.captions.captions import Captions
from media.captions.cue import Cue
from media.pictures import Picture, PictureKind
from media.transcode.rendition import Rendition
from media.units import VIDEO_TIMESCALE, Packet
from packager.archive import Archive, AssetAlreadyArchived
from packager.archive_disk import read_index, segment_file
from packager.library import HlsSettings, Library, Package
from packager.naming import CaptionPath
from packager.on_demand_writer import AssetRemoved, OnDemandWriter, StorageFull, TimesDiffer
from packager.package import Charge
from tests.packager import fetching
from tests.packager.clip import START_S, Clip, audio_clip, decode, shifted, video_clip
from tests.packager.feeding import feed, interleaved, renditions_of
from tests.packager.fetching import media_playlist

SETTINGS = HlsSettings(segment_target_ms=1000)
SECONDS = 8
FIRST = {
    "360p": video_clip(64, 36, keyframe_every=25, b_frames=2),
    "audio": audio_clip(),
}
SECOND = {"720p": video_clip(128, 72, keyframe_every=25, b_frames=2)}
JPEG = b"\xff\xd8 picture \xff\xd9"


@pytest.fixture(autouse=True, scope="module")
def _disk_that_never_loses_power() -> Iterator[None]:
    """What a test loses in a crash of the machine is not worth a busy disk's time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the library of `conftest` has its archive."""
    return tmp_path / "archive"


async def opened(root: Path) -> OnDemandWriter:
    return await OnDemandWriter.open(root, "ast_1", SETTINGS, ManualClock())


async def write_pass(root: Path, clips: dict[str, Clip], *, last_pass: bool) -> int:
    writer = await opened(root)
    writer.begin(renditions_of(clips))
    for name, packet in interleaved(clips):
        writer.packet(name, packet)
        await writer.drained()
    return await writer.finish(last_pass=last_pass)


async def package_of(library: Library, clock: ManualClock) -> Package:
    clock.advance(1000)
    package = await library.get("ast_1")
    assert package is not None
    return package


async def played(package: Package, rendition: str) -> bytes:
    playlist = m3u8.loads(media_playlist(package, rendition))
    file = await fetching.init(package, rendition, "init-0.mp4")
    for each in playlist.segments:
        assert not each.gap_tag
        file += (
            await fetching.segment(package, rendition, int(each.uri.removesuffix(".m4s")))
        ).body
    return file


def media_lines(playlist: str) -> list[str]:
    """From the first segment on, without the end."""
    lines = playlist.splitlines()
    return [
        each for each in lines[lines.index('#EXT-X-MAP:URI="init-0.mp4"') :] if "END" not in each
    ]


async def test_two_passes_make_one_asset_that_holds_every_packet_at_its_own_time(
    library: Library, clock: ManualClock, root: Path
) -> None:
    writer = await opened(root)
    assert (writer.boundaries, writer.renditions) == ((), ())
    assert await write_pass(root, FIRST, last_pass=False) == SECONDS * VIDEO_TIMESCALE
    package = await package_of(library, clock)
    assert set(package.renditions()) == {"360p", "audio"}
    assert not package.growing

    writer = await opened(root)
    starts = [(START_S + second) * VIDEO_TIMESCALE for second in range(SECONDS)]
    assert list(writer.boundaries) == starts
    assert writer.renditions == ("360p", "audio")
    assert await write_pass(root, SECOND, last_pass=True) == SECONDS * VIDEO_TIMESCALE
    package = await package_of(library, clock)
    assert set(package.renditions()) == {"360p", "audio", "720p"}
    assert not package.growing
    for name, clip in (FIRST | SECOND).items():
        timed = [(packet.dts, packet.pts) for packet in clip.packets]
        if name == "audio":
            rate = clip.track.timescale
            timed = [t for t in timed if START_S * rate <= t[0] < (START_S + SECONDS) * rate]
        found = decode(await played(package, name))
        assert found.times == timed
        assert len(found.frames) == len(timed)
    for sequence, start in enumerate(starts):
        for name in FIRST | SECOND:
            charge = await fetching.charge(package, name, sequence)
            height = (FIRST | SECOND)[name].track.short_side
            end = start + VIDEO_TIMESCALE
            assert charge == Charge(sequence, start, end, height=height)


async def test_an_asset_is_watched_while_its_first_pass_goes_on(
    library: Library, clock: ManualClock, root: Path
) -> None:
    """Playlists only ever get longer; all show the same; at the end they say so."""
    writer = await opened(root)
    writer.begin(renditions_of(FIRST))
    seen: dict[str, list[str]] = {name: [] for name in FIRST}
    heads = set()
    durations: list[int] = []
    for number, (name, packet) in enumerate(interleaved(FIRST)):
        writer.packet(name, packet)
        if number % 40:
            continue
        await writer.written()
        clock.advance(1000)
        package = await library.get("ast_1")
        if package is None:
            assert not durations, "what could be played can still be"
            continue
        assert package.growing
        durations.append(package.duration)
        for rendition, before in seen.items():
            playlist = media_playlist(package, rendition)
            lines = media_lines(playlist)
            assert lines[: len(before)] == before
            assert "ENDLIST" not in playlist
            seen[rendition] = lines
            heads.add(playlist.split("#EXT-X-MAP")[0])
            await played(package, rendition)
    (head,) = heads
    assert "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-START:TIME-OFFSET=0\n" in head
    assert durations == sorted(durations)
    assert durations[0] == VIDEO_TIMESCALE
    assert len(set(durations)) >= 7
    await writer.finish(last_pass=True)
    package = await package_of(library, clock)
    for rendition, before in seen.items():
        playlist = media_playlist(package, rendition)
        assert media_lines(playlist)[: len(before)] == before
        assert m3u8.loads(playlist).playlist_type == "vod"
        assert playlist.endswith("#EXT-X-ENDLIST\n")


async def test_an_attempt_goes_on_where_a_crash_left_an_asset(
    library: Library, clock: ManualClock, root: Path
) -> None:
    """The same content comes again from the start; viewers notice nothing."""
    writer = await opened(root)
    writer.begin(renditions_of(FIRST))
    for name, packet in interleaved(FIRST)[:400]:
        writer.packet(name, packet)
    await writer.written()
    before = media_lines(media_playlist(await package_of(library, clock), "360p"))
    index_path = root / "ast_1" / "index.jsonl"
    index_path.write_bytes(index_path.read_bytes() + b'{"kind":"segm')
    leftover = root / "ast_1" / "360p" / ".9.m4s.0badcafe.part"
    leftover.write_bytes(b"half")
    os.utime(leftover, (0, 0))
    stray = root / "ast_1" / "360p" / "3-0123456789abcdef.m4s"
    stray.write_bytes(b"of an attempt that was killed before its line")

    writer = await opened(root)
    assert writer.renditions == ()
    writer.begin(renditions_of(FIRST))
    assert media_lines(media_playlist(await package_of(library, clock), "360p")) == before
    feed_writer(writer, FIRST)
    await writer.finish(last_pass=True)
    package = await package_of(library, clock)
    assert media_lines(media_playlist(package, "360p"))[: len(before)] == before
    assert package.duration == SECONDS * VIDEO_TIMESCALE
    assert len(decode(await played(package, "360p")).frames) == SECONDS * 25
    assert not leftover.exists()
    assert not stray.exists()


async def _take(writer: OnDemandWriter, packets: list[tuple[str, Packet]]) -> None:
    for name, packet in packets:
        writer.packet(name, packet)
        await writer.drained()
    await writer.finish(last_pass=True)


def feed_writer(writer: OnDemandWriter, clips: dict[str, Clip]) -> None:
    for name, packet in interleaved(clips):
        writer.packet(name, packet)


def small(mark: int) -> tuple[list[Rendition], list[tuple[str, Packet]]]:
    """Four segments of two renditions, whose bytes tell the attempt that wrote them."""
    clips = {name: replace(clip, packets=clip.packets[:100]) for name, clip in FIRST.items()}
    clips["audio"] = replace(FIRST["audio"], packets=FIRST["audio"].packets[:190])
    packets = [
        (name, replace(packet, data=packet.data + bytes((mark,))))
        for name, packet in interleaved(clips)
    ]
    return renditions_of(clips), packets


@settings(max_examples=10)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 120)), max_size=12),
    st.permutations([0, 1]),
)
def test_two_attempts_at_once_make_one_whole_asset(
    turns: list[tuple[int, int]], ends: list[int]
) -> None:
    """One that lost its job without knowing goes on beside its successor, in any order."""
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(_attempt_twice(Path(directory), turns, ends))


async def _attempt_twice(root: Path, turns: list[tuple[int, int]], ends: list[int]) -> None:
    writers, waiting = [], []
    for mark in (0, 1):
        writer = await opened(root)
        renditions, packets = small(mark)
        writer.begin(renditions)
        writers.append(writer)
        waiting.append(list(reversed(packets)))
    library = Library(Archive(root, clock := ManualClock()), clock, SETTINGS)
    shown: list[str] = []
    for who, count in turns:
        for _ in range(min(count, len(waiting[who]))):
            writers[who].packet(*waiting[who].pop())
        await writers[who].written()
        shown = await _still_shows(library, clock, shown)
        _check_files(root)
    for who in ends:
        while waiting[who]:
            writers[who].packet(*waiting[who].pop())
        assert await writers[who].finish(last_pass=True) == 4 * VIDEO_TIMESCALE
        shown = await _still_shows(library, clock, shown)
        _check_files(root)
    assert len([line for line in shown if line.endswith(".m4s")]) == 4
    index = read_index(root, "ast_1")
    assert index is not None
    assert index.settled
    assert {name: sorted(records) for name, records in index.segments.items()} == {
        name: [0, 1, 2, 3] for name in FIRST
    }
    assert len(list((root / "ast_1").glob("*/*.m4s"))) == 8


async def _still_shows(library: Library, clock: ManualClock, before: list[str]) -> list[str]:
    clock.advance(1000)
    package = await library.get("ast_1")
    lines = [] if package is None else media_lines(media_playlist(package, "360p"))
    assert lines[: len(before)] == before
    return lines


def _check_files(root: Path) -> None:
    """Every segment that the index names is there, whole, and has the times of its number."""
    index = read_index(root, "ast_1")
    assert index is not None
    assert index.refused_lines == index.damaged_lines == 0 or index.settled
    for name, records in index.segments.items():
        for record in records.values():
            body = (root / "ast_1" / name / segment_file(record, by_content=True)).read_bytes()
            assert hashlib.sha256(body).hexdigest() == record.sha256


async def test_a_pass_is_safe_before_the_line_that_lets_its_file_be_deleted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is complete on the platter last, and all that it names before its end."""
    safe: dict[str, bool] = {}

    def sync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        index = read_index(root, "ast_1")
        assert index is not None
        safe[path.name] = index.settled

    monkeypatch.setattr(os, "fsync", sync)
    await write_pass(root, FIRST, last_pass=True)
    index = read_index(root, "ast_1")
    assert index is not None
    assert safe.pop("index.jsonl"), "it is synced once more after the end"
    assert not any(safe.values())
    for name, records in index.segments.items():
        named = {segment_file(record, by_content=True) for record in records.values()}
        assert {name, "init-0.mp4", "ast_1", *named} <= set(safe)


async def test_a_pass_with_other_times_is_not_offered(
    library: Library, clock: ManualClock, root: Path
) -> None:
    await write_pass(root, FIRST, last_pass=False)
    clip = SECOND["720p"]
    later = replace(clip, packets=shifted(clip.packets, 9000))
    with pytest.raises(TimesDiffer):
        await write_pass(root, {"720p": later}, last_pass=True)
    longer = video_clip(128, 72, seconds=SECONDS + 2, keyframe_every=25)
    with pytest.raises(TimesDiffer):
        await write_pass(root, {"720p": longer}, last_pass=True)
    package = await package_of(library, clock)
    assert set(package.renditions()) == {"360p", "audio"}
    assert package.duration == SECONDS * VIDEO_TIMESCALE


async def test_an_asset_can_be_ended_without_the_passes_that_failed(
    library: Library, clock: ManualClock, root: Path
) -> None:
    await write_pass(root, FIRST, last_pass=False)
    writer = await opened(root)
    writer.begin(renditions_of(SECOND))
    for name, packet in interleaved(SECOND)[:120]:
        writer.packet(name, packet)
    await writer.written()
    await writer.abort()
    assert (root / "ast_1" / "720p").exists()
    writer = await opened(root)
    assert await writer.finish(last_pass=True) == SECONDS * VIDEO_TIMESCALE
    assert list((root / "ast_1" / "720p").iterdir()) == []
    assert set((await package_of(library, clock)).renditions()) == {"360p", "audio"}


async def test_a_full_disk_stops_a_pass_and_another_attempt_completes_it(
    library: Library, clock: ManualClock, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = await opened(root)
    writer.begin(renditions_of(FIRST))
    packets = interleaved(FIRST)
    for name, packet in packets[:200]:
        writer.packet(name, packet)
    await writer.written()
    with monkeypatch.context() as patch:
        patch.setattr("packager.archive_disk.DISK_FREE_BYTES_MIN", 1 << 62)
        with pytest.raises(StorageFull, match="disk is full"):
            await _take(writer, packets[200:])
        with pytest.raises(StorageFull):
            await OnDemandWriter.open(root, "ast_2", SETTINGS, clock)
    index = read_index(root, "ast_1")
    assert index is not None
    assert index.growing
    for records in index.segments.values():
        assert sorted(records) == list(range(len(records))), "there is no hole"
    await write_pass(root, FIRST, last_pass=True)
    assert (await package_of(library, clock)).duration == SECONDS * VIDEO_TIMESCALE


async def test_a_disk_that_is_behind_makes_the_file_wait_and_loses_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("packager.on_demand_writer.ON_DEMAND_QUEUE_BYTES_MAX", 1000)
    writer = await opened(root)
    writer.begin(renditions_of(FIRST))
    await writer.drained()
    feed_writer(writer, FIRST)
    waiting = asyncio.ensure_future(writer.drained())
    await asyncio.sleep(0)
    assert not waiting.done()
    async with asyncio.timeout(20):
        await waiting
    await writer.finish(last_pass=True)
    index = read_index(root, "ast_1")
    assert index is not None
    assert {name: len(records) for name, records in index.segments.items()} == {
        "360p": SECONDS,
        "audio": SECONDS,
    }


async def test_an_asset_that_is_removed_while_it_is_made_does_not_come_back(
    library: Library, clock: ManualClock, root: Path
) -> None:
    writer = await opened(root)
    writer.begin(renditions_of(FIRST))
    packets = interleaved(FIRST)
    for name, packet in packets[:200]:
        writer.packet(name, packet)
    await writer.written()
    await package_of(library, clock)
    await library.remove("ast_1")
    assert await library.get("ast_1") is None
    for name, packet in packets[200:]:
        writer.packet(name, packet)
    with pytest.raises(AssetRemoved):
        await writer.finish(last_pass=True)
    assert list(root.iterdir()) == []


async def test_the_recording_of_a_live_is_not_written_to(library: Library, root: Path) -> None:
    origin = library.start_live("ast_1")
    origin.begin(renditions_of(FIRST))
    feed(origin, FIRST)
    origin.end()
    await library.settle("ast_1")
    with pytest.raises(AssetAlreadyArchived):
        await opened(root)


async def test_sound_alone_is_an_asset(library: Library, clock: ManualClock, root: Path) -> None:
    clips = {"audio": FIRST["audio"]}
    writer = await opened(root)
    writer.begin(renditions_of(clips))
    for name, packet in interleaved(clips)[:200]:
        writer.packet(name, packet)
    await writer.written()
    before = media_lines(media_playlist(await package_of(library, clock), "audio"))
    await write_pass(root, clips, last_pass=True)
    package = await package_of(library, clock)
    assert media_lines(media_playlist(package, "audio"))[: len(before)] == before
    found = decode(await played(package, "audio"))
    assert found.times == [(each.dts, each.pts) for each in clips["audio"].packets]


def sheet(number: int, seconds: Sequence[int]) -> Picture:
    times = tuple((START_S + second) * VIDEO_TIMESCALE for second in seconds)
    return Picture(PictureKind.SHEET, JPEG, 320, 180, number, 2, 160, 90, times)


async def test_pictures_come_with_the_asset(
    library: Library, clock: ManualClock, root: Path
) -> None:
    writer = await opened(root)
    writer.begin(renditions_of(FIRST))
    writer.picture(Picture(PictureKind.POSTER, JPEG, 640, 360))
    writer.picture(Picture(PictureKind.POSTER, b"<svg>", 640, 360))
    writer.picture(sheet(0, [0]))
    writer.picture(sheet(0, [0, 2, 4]))
    for name, packet in interleaved(FIRST)[:200]:
        writer.packet(name, packet)
    await writer.written()
    package = await package_of(library, clock)
    assert package.has_poster
    assert await package.read_picture("poster.jpg") == JPEG
    assert await package.read_picture("storyboard-0.jpg") == JPEG
    storyboard = package.storyboard()
    assert storyboard is not None
    assert storyboard.count(b"-->") == -(-package.duration // (2 * VIDEO_TIMESCALE))
    feed_writer(writer, FIRST)
    await writer.finish(last_pass=True)
    storyboard = (await package_of(library, clock)).storyboard()
    assert storyboard is not None
    assert storyboard.endswith(
        b"00:00:04.000 --> 00:00:08.000\nstoryboard-0.jpg#xywh=0,90,160,90\n"
    )
    assert len(list((root / "ast_1" / "_pictures").iterdir())) == 2


GERMAN = Captions("de", "de", "", True, False, (Cue(500, 1_500, "Hallo"),))


async def test_captions_of_a_file_are_shown_while_it_grows_unless_somebody_chose_otherwise(
    root: Path, library: Library, clock: ManualClock
) -> None:
    await write_captions(root)
    package = await package_of(library, clock)
    assert package.growing
    assert [(one.name, one.default) for one in package.captions] == [("captions-de", True)]
    file = await package.file(CaptionPath("captions-de", 0))
    assert b"Hallo" in file.body

    await library.remove_captions("ast_1", "de")
    await write_captions(root)
    assert (await package_of(library, clock)).captions == ()


async def write_captions(root: Path) -> None:
    """A first pass that breaks off behind them, of whatever attempt."""
    writer = await opened(root)
    writer.begin(renditions_of(FIRST))
    writer.captions(GERMAN)
    writer.captions(replace(GERMAN, key="en", cues=()))
    for name, packet in interleaved(FIRST):
        writer.packet(name, packet)
    await writer.written()
    await writer.abort()
