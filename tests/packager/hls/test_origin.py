"""A live asset seen from both sides: what the pipeline gives and what a player gets."""

from collections.abc import AsyncIterator
from dataclasses import replace

import m3u8
import pytest

from config.clock import ManualClock
from config.limits import HLS_EPOCHS_MAX, HLS_PLAYABLE_WAIT_MS_MAX
from media.pictures import Picture, PictureKind
from media.transcode.rendition import Rendition
from media.units import VIDEO_TIMESCALE, Packet
from media.wire.fmp4_init import UnsupportedTrack
from packager.archive import Archive
from packager.asset_terms import AssetTerms
from packager.events import AssetEnded, Observers, SegmentClosed
from packager.hls.layout import lay_out
from packager.hls.origin import HlsSettings, Origin
from packager.naming import PartPath
from packager.package import NotReady, UnknownPicture, UnknownRendition, UnknownSegment
from packager.segment_cache import SegmentCache
from tests.packager import fetching
from tests.packager.clip import Clip, audio_clip, decode, shifted, video_clip
from tests.packager.feeding import feed, interleaved, renditions_of
from tests.packager.fetching import media_playlist

CLIPS = {
    "360p": video_clip(64, 36),
    "720p": video_clip(128, 72),
    "audio": audio_clip(),
}


class Stage:
    """An origin and what it said."""

    def __init__(self, archive: Archive, clock: ManualClock) -> None:
        self.closed: list[SegmentClosed] = []
        self.ends: list[AssetEnded] = []
        self.origin = Origin(
            "ast_1",
            SegmentCache(archive),
            clock,
            HlsSettings(segment_target_ms=2000, window_segments=6),
            Observers(self.closed.append, self.ends.append),
            AssetTerms(),
        )

    def playlist(self, rendition: str = "360p") -> m3u8.M3U8:
        return fetching.complete(media_playlist(self.origin, rendition))

    def uris(self, rendition: str = "360p") -> list[str]:
        return [
            f"({each.uri})" if each.gap_tag else each.uri
            for each in self.playlist(rendition).segments
        ]

    def sequences(self, rendition: str) -> list[int]:
        return [each.sequence for each in self.closed if each.rendition == rendition]


@pytest.fixture
async def stage(archive: Archive, clock: ManualClock) -> AsyncIterator[Stage]:
    await archive.start()
    yield Stage(archive, clock)
    await archive.stop()


def later(clips: dict[str, Clip], seconds: int) -> dict[str, Clip]:
    return {
        name: replace(clip, packets=shifted(clip.packets, seconds * clip.track.timescale))
        for name, clip in clips.items()
    }


async def test_segments_are_announced_once_each_with_their_nominal_times(stage: Stage) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    feed(stage.origin, CLIPS)
    stage.origin.end()
    stage.origin.end()
    for name in CLIPS:
        assert stage.sequences(name) == [0, 1, 2, 3]
    for each in stage.closed:
        assert each.start == (10 + 2 * each.sequence) * VIDEO_TIMESCALE
        assert each.end == each.start + 2 * VIDEO_TIMESCALE
        assert each.epoch == 0
        assert (
            each.body == (await fetching.segment(stage.origin, each.rendition, each.sequence)).body
        )
    assert stage.ends == [AssetEnded("ast_1", 8 * VIDEO_TIMESCALE)]
    assert not stage.origin.live


async def test_a_segment_is_in_the_playlist_when_the_next_boundary_came(stage: Stage) -> None:
    stage.origin.begin(renditions_of({"360p": CLIPS["360p"]}))
    first, *rest = CLIPS["360p"].packets
    stage.origin.packet("360p", first)
    boundary = next(index for index, packet in enumerate(rest) if packet.boundary)
    for packet in rest[:boundary]:
        stage.origin.packet("360p", packet)
        with pytest.raises(NotReady):
            media_playlist(stage.origin, "360p")
    stage.origin.packet("360p", rest[boundary])
    assert stage.uris() == ["0.m4s"]


async def test_the_playlist_is_not_ready_before_every_rendition_is(
    stage: Stage, clock: ManualClock
) -> None:
    with pytest.raises(NotReady):
        stage.origin.multivariant()
    stage.origin.begin(renditions_of(CLIPS))
    for packet in CLIPS["360p"].packets:
        stage.origin.packet("360p", packet)
    with pytest.raises(NotReady):
        stage.origin.multivariant()
    with pytest.raises(NotReady):
        media_playlist(stage.origin, "720p")
    for name in ("720p", "audio"):
        for packet in CLIPS[name].packets:
            stage.origin.packet(name, packet)
    found = m3u8.loads(stage.origin.multivariant().decode())
    assert [each.uri for each in found.playlists] == ["360p/index.m3u8", "720p/index.m3u8"]
    assert [each.uri for each in found.media] == ["audio/index.m3u8"]


async def test_a_rendition_that_does_not_come_is_not_waited_for_for_ever(
    stage: Stage, clock: ManualClock
) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    feed(stage.origin, {"audio": CLIPS["audio"]})
    feed(stage.origin, {"360p": CLIPS["360p"]})
    clock.advance(HLS_PLAYABLE_WAIT_MS_MAX)
    found = m3u8.loads(stage.origin.multivariant().decode())
    assert [each.uri for each in found.playlists] == ["360p/index.m3u8"]


async def test_video_that_does_not_come_is_no_audio_only_asset(
    stage: Stage, clock: ManualClock
) -> None:
    stage.origin.begin(renditions_of({"audio": CLIPS["audio"]}))
    feed(stage.origin, {"audio": CLIPS["audio"]})
    clock.advance(HLS_PLAYABLE_WAIT_MS_MAX)
    assert b"audio/index.m3u8" in stage.origin.multivariant()
    stage.origin.begin(renditions_of(CLIPS))
    with pytest.raises(NotReady):
        stage.origin.multivariant()


async def test_bandwidth_is_never_below_the_declared_ceiling_while_live(stage: Stage) -> None:
    clips = {"360p": CLIPS["360p"]}
    stage.origin.begin(renditions_of(clips, bitrate_max=900_000))
    feed(stage.origin, clips)
    (variant,) = m3u8.loads(stage.origin.multivariant().decode()).playlists
    assert variant.stream_info.bandwidth == 900_000
    assert 0 < variant.stream_info.average_bandwidth < 900_000


async def test_bandwidth_grows_with_what_is_measured(stage: Stage) -> None:
    clip = CLIPS["360p"]
    fat = replace(
        clip, packets=tuple(replace(each, data=bytes(1000)) for each in clip.packets[:100])
    )
    stage.origin.begin(renditions_of({"360p": clip}, bitrate_max=1))
    feed(stage.origin, {"360p": fat})
    (variant,) = m3u8.loads(stage.origin.multivariant().decode()).playlists
    assert 25 * 8000 <= variant.stream_info.bandwidth < 25 * 8000 * 1.1


async def test_what_was_lost_by_us_is_on_nobodys_bill_live_and_recorded(
    stage: Stage, archive: Archive
) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    start = min(each.pts for each in CLIPS["360p"].packets)
    stage.origin.lost(start + 2 * VIDEO_TIMESCALE + 10_000, start + 2 * VIDEO_TIMESCALE + 30_000)
    stage.origin.lost(start + 4 * VIDEO_TIMESCALE + 10_000, start + 4 * VIDEO_TIMESCALE + 11_000)
    feed(stage.origin, CLIPS)
    stage.origin.end()
    await archive.flush()
    index = await archive.read_index("ast_1")
    assert index is not None
    recorded = lay_out(index).intervals
    for rendition in CLIPS:
        charges = [await fetching.charge(stage.origin, rendition, each) for each in range(4)]
        assert [each.waived for each in charges] == [False, True, False, False]
    assert [each.flawed for each in recorded.values()] == [False, True, False, False]
    parts = [stage.origin.file_at_hand(PartPath("360p", 3, part)) for part in range(10)]
    assert not any(each.charge.waived for each in parts if each and each.charge)


async def test_minutes_slide_through_a_window_and_its_numbers_only_rise(
    stage: Stage, archive: Archive
) -> None:
    """What left the playlist is served for a while from memory, and then from the archive."""
    clips = {"360p": CLIPS["360p"], "audio": CLIPS["audio"]}
    stage.origin.begin(renditions_of(clips))
    media_sequence = 0
    for lap in range(60):
        lap_clips = later(clips, 8 * lap)
        audio = lap_clips["audio"]
        # The clip's audio is a little longer than its video: keep one lap from the next.
        lap_clips["audio"] = replace(audio, packets=audio.packets[1 : 8 * 48_000 // 1024 + 1])
        feed(stage.origin, lap_clips)
        for rendition in clips:
            playlist = stage.playlist(rendition)
            assert playlist.media_sequence >= media_sequence or lap == 0
            assert playlist.target_duration == 3
            assert sum(each.duration for each in playlist.segments) >= min(9, 6 * lap)
        media_sequence = stage.playlist("audio").media_sequence
    assert media_sequence > 200
    newest = stage.playlist().segments[-1].uri
    assert newest == "238.m4s"
    await archive.flush()
    old = await fetching.segment(stage.origin, "360p", 3)
    assert old.body == next(
        e.body for e in stage.closed if e.rendition == "360p" and e.sequence == 3
    )
    assert old.charge is not None
    assert old.charge[:3] == (3, 16 * VIDEO_TIMESCALE, 18 * VIDEO_TIMESCALE)


async def test_a_worker_that_is_replaced_leaves_no_trace(stage: Stage) -> None:
    """It dies within the third segment of one rung and is replayed from the second."""
    clips = {"360p": CLIPS["360p"]}
    packets = CLIPS["360p"].packets
    stage.origin.begin(renditions_of(clips))
    for packet in (*packets[:120], *packets[50:]):
        stage.origin.packet("360p", packet)
    stage.origin.end()
    assert stage.sequences("360p") == [0, 1, 2, 3]
    file = await fetching.init(stage.origin, "360p", "init-0.mp4")
    for sequence in range(4):
        file += (await fetching.segment(stage.origin, "360p", sequence)).body
    assert decode(file).times == [(packet.dts, packet.pts) for packet in packets]


async def test_a_segment_that_a_rendition_missed_is_a_gap(stage: Stage) -> None:
    clips = {name: CLIPS[name] for name in ("360p", "720p")}
    stage.origin.begin(renditions_of(clips))
    huge = bytes(33 * 1024 * 1024)
    for name, packet in interleaved(clips):
        in_second = 12.5 < packet.pts / VIDEO_TIMESCALE < 12.6
        sent = replace(packet, data=huge) if name == "720p" and in_second else packet
        stage.origin.packet(name, sent)
    stage.origin.end()
    assert stage.uris("360p") == ["0.m4s", "1.m4s", "2.m4s", "3.m4s"]
    assert stage.uris("720p") == ["0.m4s", "(1.m4s)", "2.m4s", "3.m4s"]
    with pytest.raises(UnknownSegment):
        await fetching.segment(stage.origin, "720p", 1)


async def test_other_codec_parameters_make_a_discontinuity_in_all_renditions(
    stage: Stage,
) -> None:
    other = {
        "360p": video_clip(80, 48),
        "720p": video_clip(144, 80),
        "audio": audio_clip(sample_rate=44_100),
    }
    stage.origin.begin(renditions_of(CLIPS))
    feed(stage.origin, CLIPS)
    stage.origin.begin(renditions_of(other))
    feed(stage.origin, later(other, 8))
    stage.origin.end()
    for name in CLIPS:
        playlist = stage.playlist(name)
        inits = [each.init_section.uri for each in playlist.segments]
        assert inits == ["init-0.mp4"] * 2 + ["init-1.mp4"] * 4
        assert [each.discontinuity for each in playlist.segments] == [False] * 2 + [True] + [
            False
        ] * 3
        assert await fetching.init(stage.origin, name, "init-0.mp4") != await fetching.init(
            stage.origin, name, "init-1.mp4"
        )
    file = await fetching.init(stage.origin, "720p", "init-1.mp4")
    for sequence in range(4, 8):
        file += (await fetching.segment(stage.origin, "720p", sequence)).body
    expected = later(other, 8)["720p"].packets
    assert decode(file).times == [(packet.dts, packet.pts) for packet in expected]


async def test_discontinuities_are_counted_when_they_leave_the_window(stage: Stage) -> None:
    clips = {"360p": CLIPS["360p"]}
    counted = []
    for lap in range(4):
        stage.origin.begin(renditions_of(clips))
        feed(stage.origin, later(clips, 8 * lap))
        counted.append(stage.playlist().discontinuity_sequence)
        removed = stage.playlist().media_sequence
        assert counted[-1] == sum(1 for at in (4, 8, 12) if at < removed)
    assert counted == [0, 0, 1, 2]


async def test_a_retired_rendition_is_no_longer_offered_but_its_segments_are(
    stage: Stage,
) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    feed(stage.origin, CLIPS)
    stage.origin.retire("720p", "too slow")
    stage.origin.retire("720p", "too slow")
    assert b"720p" not in stage.origin.multivariant()
    with pytest.raises(UnknownRendition):
        media_playlist(stage.origin, "720p")
    assert (await fetching.charge(stage.origin, "720p", 2)).sequence == 2
    stage.origin.packet("720p", CLIPS["720p"].packets[-1])
    assert stage.sequences("720p") == [0, 1, 2]


async def test_a_rendition_that_an_epoch_leaves_out_is_retired_and_may_return(
    stage: Stage,
) -> None:
    low = {"360p": CLIPS["360p"]}
    stage.origin.begin(renditions_of(CLIPS))
    feed(stage.origin, CLIPS)
    stage.origin.begin(renditions_of(low))
    feed(stage.origin, later(low, 8))
    with pytest.raises(UnknownRendition):
        media_playlist(stage.origin, "720p")
    stage.origin.begin(renditions_of(CLIPS))
    feed(stage.origin, later(CLIPS, 16))
    stage.origin.end()
    assert stage.uris("720p")[-4:] == ["8.m4s", "9.m4s", "10.m4s", "11.m4s"]
    assert stage.uris("720p")[0] == "(6.m4s)"


async def test_audio_alone_is_cut_every_two_seconds(stage: Stage) -> None:
    clips = {"audio": audio_clip(sample_rate=44_100, channels=1)}
    stage.origin.begin(renditions_of(clips))
    feed(stage.origin, clips)
    stage.origin.end()
    assert stage.sequences("audio") == [0, 1, 2, 3]
    durations = [each.end - each.start for each in stage.closed]
    assert durations[:3] == [2 * VIDEO_TIMESCALE] * 3
    found = m3u8.loads(stage.origin.multivariant().decode())
    assert [each.uri for each in found.playlists] == ["audio/index.m3u8"]
    file = await fetching.init(stage.origin, "audio", "init-0.mp4")
    for sequence in range(4):
        file += (await fetching.segment(stage.origin, "audio", sequence)).body
    expected = clips["audio"].packets
    assert decode(file).times == [(packet.dts, packet.pts) for packet in expected]


async def test_a_track_that_cannot_be_packaged_changes_nothing(stage: Stage) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    opus = replace(CLIPS["audio"].track, codec="opus")
    with pytest.raises(UnsupportedTrack):
        stage.origin.begin([Rendition("audio", opus, 0, True)])
    feed(stage.origin, CLIPS)
    assert len(stage.uris("720p")) == 3


async def test_a_publisher_whose_parameters_change_all_the_time_is_ended(stage: Stage) -> None:
    for _ in range(HLS_EPOCHS_MAX + 2):
        stage.origin.begin(renditions_of(CLIPS))
    assert not stage.origin.live
    assert len(stage.ends) == 1


async def test_packets_after_the_end_are_ignored(stage: Stage) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    feed(stage.origin, CLIPS)
    stage.origin.end()
    count = len(stage.closed)
    feed(stage.origin, later(CLIPS, 8))
    stage.origin.begin(renditions_of(CLIPS))
    stage.origin.retire("720p", "late")
    assert len(stage.closed) == count


async def test_program_time_is_the_clock_s_at_the_start(stage: Stage, clock: ManualClock) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    clock.advance(5000)
    feed(stage.origin, CLIPS)
    at = stage.playlist().segments[0].program_date_time
    assert at.timestamp() * 1000 == clock.wall_ms()


async def test_what_a_player_asks_for_in_vain_is_named(stage: Stage) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    feed(stage.origin, CLIPS)
    with pytest.raises(UnknownRendition):
        await fetching.segment(stage.origin, "1080p", 0)
    with pytest.raises(UnknownRendition):
        await fetching.init(stage.origin, "1080p", "init-0.mp4")
    with pytest.raises(UnknownSegment):
        await fetching.init(stage.origin, "720p", "init-1.mp4")
    for sequence in (3, 4, 400, -1):
        with pytest.raises(UnknownSegment):
            await fetching.segment(stage.origin, "720p", sequence)


async def test_an_epoch_may_begin_within_the_last_picture(stage: Stage) -> None:
    """The last picture is thought to last as long as the one before it; the next comes sooner."""
    clips = {"360p": CLIPS["360p"]}
    stage.origin.begin(renditions_of(clips))
    feed(stage.origin, clips)
    stage.origin.begin(renditions_of(clips))
    early = shifted(clips["360p"].packets, 8 * VIDEO_TIMESCALE - 3000)
    feed(stage.origin, {"360p": replace(clips["360p"], packets=early)})
    stage.origin.end()
    assert stage.sequences("360p") == list(range(8))
    assert stage.closed[4].start == stage.closed[3].end


async def test_irregular_packets_do_not_raise(stage: Stage, clock: ManualClock) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    for index in range(3):
        stage.origin.packet("360p", Packet(index, index, 0, keyframe=False, data=b""))
        clock.advance(1000)
    assert stage.closed == []


async def test_the_newest_poster_stands_for_a_live_asset(stage: Stage) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    with pytest.raises(UnknownPicture):
        await stage.origin.read_picture("poster.jpg")
    for text in (b"one", b"other"):
        stage.origin.picture(Picture(PictureKind.POSTER, b"\xff\xd8" + text + b"\xff\xd9", 64, 36))
    stage.origin.picture(Picture(PictureKind.POSTER, b"<html>", 64, 36))
    assert stage.origin.has_poster
    assert await stage.origin.read_picture("poster.jpg") == b"\xff\xd8other\xff\xd9"
    assert stage.origin.storyboard() is None
    with pytest.raises(UnknownPicture):
        await stage.origin.read_picture("storyboard-0.jpg")


async def test_renditions_are_offered_once_they_have_a_segment(stage: Stage) -> None:
    stage.origin.begin(renditions_of(CLIPS))
    assert stage.origin.renditions() == ()
    feed(stage.origin, {"360p": CLIPS["360p"]})
    assert stage.origin.renditions() == ("360p",)
    assert not stage.origin.growing
