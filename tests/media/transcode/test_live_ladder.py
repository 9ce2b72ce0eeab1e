"""A ladder that the encoder sends comes out as it is, without any worker."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from config.clock import ManualClock, SystemClock
from config.limits import TRANSCODE_RETRY_MS
from config.tasks import spawn
from media.stream import Stream
from media.transcode.epoch import TranscodeSettings
from media.transcode.live import LivePipeline
from media.transcode.plan import EncoderSettings
from media.units import VIDEO_TIMESCALE, Packet
from media.wire.nal import contains_idr
from tests.media.transcode.synthetic import (
    RecordingSink,
    Source,
    audio_source,
    decoded,
    new_stream,
    shifted,
    video_source,
)

SECOND = VIDEO_TIMESCALE
SETTINGS = TranscodeSettings(encoder=EncoderSettings(preset="ultrafast"))
Tracks = Mapping[int, Source]


def ladder(seconds: int = 4, *, keyframe_every: int = 15) -> dict[int, Source]:
    """The same pictures in three sizes, with different delays, as RTMP stamps them."""
    large = video_source(320, 180, seconds=seconds, keyframe_every=keyframe_every, b_frames=2)
    middle = video_source(240, 136, seconds=seconds, keyframe_every=keyframe_every)
    small = video_source(160, 90, seconds=seconds, keyframe_every=keyframe_every, b_frames=1)
    return {0: large, 1: in_milliseconds(middle, ahead=40), 2: in_milliseconds(small)}


def in_milliseconds(source: Source, ahead: int = 0) -> Source:
    """The same packets with RTMP's rounding, a few ticks ahead."""
    return replace(
        source,
        packets=tuple(
            replace(one, dts=(one.dts - ahead) // 90 * 90, pts=(one.pts - ahead) // 90 * 90)
            for one in source.packets
        ),
    )


def until(tracks: Tracks, count: int) -> dict[int, Source]:
    """The first packets of each track, 15 a second."""
    return {number: replace(one, packets=one.packets[:count]) for number, one in tracks.items()}


def later(tracks: Tracks, seconds: int) -> dict[int, Source]:
    return {number: shifted(one, seconds * SECOND) for number, one in tracks.items()}


def announce(stream: Stream, tracks: Tracks, audio: Source | None = None) -> None:
    for number, source in tracks.items():
        stream.announce(source.track, number)
    if audio is not None:
        stream.announce(audio.track)


def write(stream: Stream, tracks: Tracks, audio: Source | None = None) -> None:
    """All packets, interleaved by time."""
    every = [*tracks.items(), *([] if audio is None else [(0, audio)])]
    timed = [
        (Fraction(packet.dts, one.track.timescale), one.track.kind, number, packet)
        for number, one in every
        for packet in one.packets
    ]
    for _, kind, number, packet in sorted(timed, key=lambda one: one[0]):
        stream.write(kind, packet, number)


def publish(stream: Stream, tracks: Tracks, audio: Source | None = None) -> None:
    announce(stream, tracks, audio)
    write(stream, tracks, audio)


def new_pipeline(
    stream: Stream, settings: TranscodeSettings = SETTINGS
) -> tuple[LivePipeline, RecordingSink]:
    sink = RecordingSink()
    return LivePipeline(stream.read(), sink, settings, SystemClock()), sink


def segments(packets: list[Packet]) -> list[list[Packet]]:
    found: list[list[Packet]] = []
    for one in packets:
        if one.boundary:
            found.append([])
        found[-1].append(one)
    return found


async def test_a_ladder_comes_out_as_it_was_sent() -> None:
    """Each segment of each rendition can be decoded by itself; all have the same boundaries."""
    tracks, stream = ladder(), new_stream()
    pipeline, sink = new_pipeline(stream)
    running = spawn(pipeline.run(), name="pipeline under test")
    publish(stream, tracks, audio_source())
    await sink.until(lambda it: bool(it.kept) and len(it.kept[0]["90p"]) > 40)
    health = pipeline.health()
    assert pipeline.worker_process_id is None
    stream.end("done")
    await running

    assert [list(one) for one in sink.epochs] == [["180p", "136p", "90p", "audio"]]
    for name, source in zip(("180p", "136p", "90p"), tracks.values(), strict=True):
        kept = sink.kept[0][name]
        assert [one.data for one in kept] == [one.data for one in source.packets]
        assert sink.boundaries(name) == sink.boundaries("180p")
        assert len(sink.boundaries(name)) == 2
        for segment in segments(kept):
            assert contains_idr(segment[0].data)
            assert len(decoded(sink.epochs[0][name], segment)) == len(segment) == 30
    assert len(sink.kept[0]["audio"]) == len(audio_source().packets)
    assert [
        (one.name, one.width, one.height, one.frame_rate, one.passed_through, one.state)
        for one in health.renditions
    ] == [
        ("180p", 320, 180, 15, True, "active"),
        ("136p", 240, 136, 15, True, "active"),
        ("90p", 160, 90, 15, True, "active"),
    ]
    assert health.messages == ()


async def test_a_ladder_whose_keyframes_are_apart_is_made_of_its_largest_track() -> None:
    tracks = {
        0: video_source(320, 180),
        1: video_source(640, 360),
        2: video_source(160, 90, keyframe_every=20),
    }
    stream = new_stream()
    pipeline, sink = new_pipeline(stream)
    publish(stream, tracks, audio_source())
    stream.end("done")
    await pipeline.run()

    assert list(sink.epochs[0]) == ["source", "audio"]
    assert sink.epochs[0]["source"].track.width == 640
    assert [one.data for one in sink.kept[0]["source"]] == [one.data for one in tracks[1].packets]
    (message,) = pipeline.health().messages
    assert message.startswith("only video track 1 (640x360) is used, because the keyframes of")


async def test_a_track_that_stops_costs_only_its_rendition() -> None:
    tracks, stream = ladder(8), new_stream()
    pipeline, sink = new_pipeline(stream)
    publish(stream, {**tracks, 1: until(tracks, 45)[1]})
    stream.end("done")
    await pipeline.run()

    assert len(sink.epochs) == 1
    assert list(sink.retired) == ["136p"]
    assert [len(sink.kept[0][name]) for name in ("180p", "136p", "90p")] == [120, 45, 120]
    assert pipeline.health().messages == (
        "video track 1 is no longer shown: the encoder has stopped sending it",
    )


async def test_a_ladder_goes_on_without_its_default_track() -> None:
    """Not a picture of the others is lost, and their boundaries stay the same."""
    tracks, stream = ladder(10), new_stream()
    pipeline, sink = new_pipeline(stream)
    publish(stream, {**tracks, 0: until(tracks, 45)[0]})
    stream.end("done")
    await pipeline.run()

    assert list(sink.retired) == ["180p"]
    assert [list(one) for one in sink.epochs] == [["180p", "136p", "90p"], ["136p", "90p"]]
    for name in ("136p", "90p"):
        assert len(sink.kept[0][name]) + len(sink.kept[1][name]) == 150
    for epoch in (0, 1):
        assert sink.boundaries("136p", epoch) == sink.boundaries("90p", epoch)


async def test_what_is_left_of_a_ladder_is_a_source_as_any_other() -> None:
    tracks, stream = ladder(9), new_stream()
    pipeline, sink = new_pipeline(stream)
    publish(stream, {0: tracks[0], 1: until(tracks, 45)[1]})
    stream.end("done")
    await pipeline.run()

    assert [list(one) for one in sink.epochs] == [["180p", "136p"], ["source"]]
    assert len(sink.kept[0]["180p"]) + len(sink.kept[1]["source"]) == 135


async def test_a_track_that_appears_joins_at_the_next_keyframe() -> None:
    first, stream = ladder(), new_stream()
    pipeline, sink = new_pipeline(stream)
    publish(stream, {0: first[0], 2: first[2]})
    publish(stream, later(first, 4))
    stream.end("done")
    await pipeline.run()

    assert [list(one) for one in sink.epochs] == [["180p", "90p"], ["180p", "136p", "90p"]]
    for epoch in (0, 1):
        assert {len(sink.kept[epoch][name]) for name in sink.epochs[epoch]} == {60}
        assert sink.boundaries("90p", epoch) == sink.boundaries("180p", epoch)
    assert sink.boundaries("180p", 1)[0] == sink.pictures("180p", 0)[-1] + 6000


async def test_changed_sizes_begin_a_new_epoch_of_all_tracks() -> None:
    first, stream = ladder(), new_stream()
    second = {0: video_source(400, 224, keyframe_every=15), 1: first[1], 2: first[2]}
    pipeline, sink = new_pipeline(stream)
    publish(stream, first)
    publish(stream, later(second, 4))
    stream.end("done")
    await pipeline.run()

    assert [list(one) for one in sink.epochs] == [["180p", "136p", "90p"], ["224p", "136p", "90p"]]
    assert [len(sink.kept[1][name]) for name in ("224p", "136p", "90p")] == [60, 60, 60]
    assert sink.boundaries("224p", 1) == sink.boundaries("90p", 1)


@pytest.mark.parametrize(("before", "boundaries"), [(42, 4), (35, 3)])
async def test_all_tracks_of_a_publisher_that_returns_go_on_in_the_same_epoch(
    before: int, boundaries: int
) -> None:
    """They are cut there, unless a segment has only just begun."""
    tracks, stream = ladder(), new_stream()
    pipeline, sink = new_pipeline(stream)
    running = spawn(pipeline.run(), name="pipeline under test")
    publish(stream, until(tracks, before), audio_source(seconds=2))
    stream.leave("gone", 60_000)
    await sink.until(lambda it: bool(it.kept) and len(it.kept[0]["180p"]) == before)
    stream.arrive()
    publish(stream, tracks, audio_source())
    stream.end("done")
    await running

    assert len(sink.epochs) == 1
    names = ("180p", "136p", "90p")
    assert not sink.retired
    for name in names:
        assert sink.boundaries(name) == sink.boundaries("180p")
        assert len(sink.boundaries(name)) == boundaries
        for segment in segments(sink.kept[0][name]):
            assert len(decoded(sink.epochs[0][name], segment)) == len(segment)
        assert len(sink.kept[0][name]) == before + 60


async def test_keyframes_that_become_rare_end_the_ladder() -> None:
    """Its default track is encoded instead, from where it was shown."""
    often, rarely = ladder(keyframe_every=30), ladder(6, keyframe_every=1000)
    stream = new_stream()
    pipeline, sink = new_pipeline(stream)
    publish(stream, {0: often[1], 1: often[2]})
    write(stream, later({0: rarely[1], 1: rarely[2]}, 4))
    stream.end("done")
    await pipeline.run()

    assert [list(one) for one in sink.epochs] == [["136p", "90p"], ["136p"]]
    shown = sink.pictures("136p", 0) + sink.pictures("136p", 1)
    assert len(shown) == 150
    assert all(5900 < following - one < 6100 for one, following in pairwise(shown))


async def test_a_track_that_stopped_may_return_after_a_while() -> None:
    tracks, stream, clock = ladder(8), new_stream(), ManualClock()
    sink = RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, clock)
    running = spawn(pipeline.run(), name="pipeline under test")
    publish(stream, {0: tracks[0], 1: tracks[1], 2: until(tracks, 45)[2]})
    await sink.until(lambda it: "90p" in it.retired and len(it.kept[0]["136p"]) > 105)
    sink.retired.clear()
    clock.advance(TRANSCODE_RETRY_MS + 1)
    write(stream, later(until(tracks, 60), 8))
    stream.end("done")
    await running

    assert list(sink.epochs[-1]) == ["180p", "136p", "90p"]
    assert sink.boundaries("90p") == sink.boundaries("180p")


async def test_a_publisher_that_returns_brings_back_a_track_that_was_lost() -> None:
    tracks, stream = ladder(8), new_stream()
    pipeline, sink = new_pipeline(stream)
    running = spawn(pipeline.run(), name="pipeline under test")
    publish(stream, {0: tracks[0], 1: tracks[1], 2: until(tracks, 45)[2]})
    await sink.until(lambda it: "90p" in it.retired and len(it.kept[0]["136p"]) > 105)
    sink.retired.clear()
    stream.leave("gone", 60_000)
    stream.arrive()
    publish(stream, until(tracks, 60))
    stream.end("done")
    await running

    names = ["180p", "136p", "90p"]
    assert [list(one) for one in sink.epochs] == [names, names]
    assert [len(sink.kept[1][name]) for name in names] == [60, 60, 60]
    assert sink.boundaries("90p") == sink.boundaries("180p")
