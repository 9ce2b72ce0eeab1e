"""A live source comes out as aligned renditions, with real encoders in a real worker."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import chain, islice, pairwise

import pytest

from config.clock import SystemClock
from config.tasks import spawn
from media.hub import PacketReceived, Reader, StreamEnded, TrackAnnounced
from media.timeline import TIMELINE_START
from media.transcode.conversation import Patience
from media.transcode.epoch import TranscodeSettings
from media.transcode.live import LivePipeline
from media.transcode.plan import EncoderSettings
from media.units import MediaKind
from media.wire.nal import parse_avc_configuration, parse_sequence_parameter_set
from tests.media.transcode.synthetic import (
    RecordingSink,
    Source,
    audio_source,
    decoded,
    new_stream,
    publish,
    shifted,
    video_source,
    write,
)

pytestmark = pytest.mark.process

SECOND = 90_000
FAST = EncoderSettings(preset="ultrafast")
SETTINGS = TranscodeSettings(encoder=FAST)


async def transcoded(
    *sources: Source, settings: TranscodeSettings = SETTINGS
) -> tuple[RecordingSink, LivePipeline]:
    """Publish everything at once, and return when the pipeline has ended."""
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, settings, SystemClock())
    publish(stream, *sources)
    stream.end("done")
    await pipeline.run()
    assert sink.ended == 1
    return sink, pipeline


async def test_a_clean_source_is_passed_through_and_encoded_below() -> None:
    source = video_source(b_frames=2)
    sink, _ = await transcoded(source, audio_source())

    assert list(sink.epochs[0]) == ["source", "360p", "audio"]
    passed, encoded = sink.kept[0]["source"], sink.kept[0]["360p"]
    assert [one.data for one in passed] == [one.data for one in source.packets]
    assert sink.boundaries("source") == sink.boundaries("360p")
    assert len(sink.boundaries("source")) == 2
    assert sink.pictures("source") == sink.pictures("360p")
    assert decoded(sink.epochs[0]["360p"], encoded) == sink.pictures("source")
    assert [one.keyframe for one in encoded] == [one.boundary for one in encoded]


async def test_the_timeline_starts_at_ten_seconds_for_all_renditions() -> None:
    sink, _ = await transcoded(video_source(), audio_source())
    priming = 1024
    assert sink.kept[0]["audio"][0].dts == TIMELINE_START * 48_000 // SECOND
    assert abs(sink.kept[0]["source"][0].dts - TIMELINE_START - priming * SECOND // 48_000) <= 2
    assert sink.kept[0]["360p"][0].pts == sink.kept[0]["source"][0].pts
    assert not any(one.boundary for one in sink.kept[0]["audio"])


async def test_a_source_with_rare_keyframes_is_encoded_and_cut_at_the_grid() -> None:
    source = video_source(seconds=5, keyframe_every=1000, b_frames=2, jitter=True)
    sink, pipeline = await transcoded(source)

    assert list(sink.epochs[0]) == ["480p", "360p"]
    assert sink.boundaries("480p") == sink.boundaries("360p")
    assert len(sink.boundaries("480p")) == 3
    assert sink.pictures("480p") == sink.pictures("360p")
    assert len(sink.pictures("480p")) == len(source.packets)
    for name in sink.epochs[0]:
        assert decoded(sink.epochs[0][name], sink.kept[0][name]) == sink.pictures(name)
    assert any("keyframe interval" in message for message in pipeline.health().messages)


async def test_pictures_that_browsers_cannot_show_are_encoded() -> None:
    sink, _ = await transcoded(video_source(320, 180, seconds=2, pixel_format="yuv422p"))
    assert list(sink.epochs[0]) == ["180p"]
    encoded = sink.epochs[0]["180p"]
    assert len(decoded(encoded, sink.kept[0]["180p"])) == 30
    configuration = parse_avc_configuration(encoded.track.extradata)
    sequence = parse_sequence_parameter_set(configuration.sequence_sets[0])
    assert (sequence.chroma_format, sequence.bit_depth) == (1, 8)


async def test_sound_alone_is_a_stream() -> None:
    sink, _ = await transcoded(audio_source())
    assert list(sink.epochs[0]) == ["audio"]
    assert len(sink.kept[0]["audio"]) == len(audio_source().packets)


async def test_a_small_source_that_is_passed_through_needs_no_worker() -> None:
    sink, pipeline = await transcoded(video_source(320, 180))
    assert list(sink.epochs[0]) == ["source"]
    assert pipeline.worker_process_id is None


async def test_what_a_slow_pipeline_has_lost_is_told_with_its_times() -> None:
    source, sink = video_source(320, 180, seconds=6), RecordingSink()
    next_keyframe = next(n for n, one in enumerate(source.packets) if n > 45 and one.keyframe)
    reader = Reader(packets_max=next_keyframe - 10)
    reader.push(TrackAnnounced(source.track))
    for packet in source.packets[:next_keyframe]:
        reader.push(PacketReceived(MediaKind.VIDEO, packet))
    task = spawn(LivePipeline(reader, sink, SETTINGS, SystemClock()).run(), name="pipeline")
    await sink.until(lambda sink: len(sink.epochs) > 0)
    for packet in source.packets[next_keyframe:]:
        reader.push(PacketReceived(MediaKind.VIDEO, packet))
    reader.push(StreamEnded("done"))
    await task

    ((start, end),) = sink.losses
    shown = sink.pictures("source")
    assert reader.dropped == 10
    assert (start, end) in [(one + 6000, other) for one, other in pairwise(shown)]
    assert end - start == reader.dropped * 6000


async def test_changed_parameters_begin_a_new_epoch_on_the_same_timeline() -> None:
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, SystemClock())
    publish(stream, video_source(320, 180, seconds=3))
    publish(stream, shifted(video_source(240, 180, seconds=3), 3 * SECOND))
    stream.end("done")
    await pipeline.run()

    assert [one["source"].track.width for one in sink.epochs] == [320, 240]
    assert sink.pictures("source", 1)[0] == sink.pictures("source", 0)[0] + 3 * SECOND


async def test_a_publisher_that_returns_continues_the_same_epoch() -> None:
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, SystemClock())
    publish(stream, video_source(320, 180))
    write(stream, shifted(video_source(320, 180), -1_000_000))
    stream.end("done")
    await pipeline.run()

    assert len(sink.epochs) == 1
    times = sink.pictures("source")
    assert {later - earlier for earlier, later in pairwise(times)} == {6000}


async def test_a_source_whose_keyframes_become_rare_is_encoded_from_there_on() -> None:
    """Not a picture is lost or shown twice at the change."""
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, SystemClock())
    often, rarely = video_source(), video_source(seconds=7, keyframe_every=1000)
    publish(stream, often, Source(audio_source().track, ()))
    write(stream, shifted(rarely, 4 * SECOND))
    stream.end("done")
    await pipeline.run()

    assert [list(one) for one in sink.epochs] == [
        ["source", "360p", "audio"],
        ["480p", "360p", "audio"],
    ]
    for name in ("480p", "360p"):
        shown = sink.pictures("source", 0) + sink.pictures(name, 1)
        assert shown == [TIMELINE_START + n * 6000 for n in range(11 * 15)]
    assert sink.pictures("360p", 0) == sink.pictures("source", 0)
    assert sink.boundaries("480p") == sink.boundaries("360p")


async def test_sound_that_comes_late_joins_at_the_next_keyframe() -> None:
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, SystemClock())
    first = video_source(320, 180)
    publish(stream, first)
    publish(stream, *(shifted(one, 4 * SECOND) for one in (first, audio_source())))
    stream.end("done")
    await pipeline.run()

    assert [list(one) for one in sink.epochs] == [["source"], ["source", "audio"]]
    assert len(sink.pictures("source", 0)) + len(sink.pictures("source", 1)) == 120


async def test_garbage_between_keyframes_is_survived() -> None:
    """Half of the second group of pictures is noise in valid and in invalid framing."""
    source = video_source(seconds=6)
    packets = list(source.packets)
    for position in range(35, 55):
        noise = os.urandom(200)
        framed = len(noise).to_bytes(4, "big") + noise
        packets[position] = replace(packets[position], data=framed if position % 2 else noise)
    broken = Source(source.track, tuple(packets))
    sink, _ = await transcoded(broken, settings=TranscodeSettings(encoder=FAST, pass_through=False))

    assert len(sink.boundaries("360p")) == 3
    assert sink.boundaries("480p") == sink.boundaries("360p")
    assert sink.pictures("360p")[-30:] == [TIMELINE_START + n * 6000 for n in range(60, 90)]


async def test_an_unreadable_configuration_leaves_the_sound() -> None:
    source = video_source(320, 180)
    nonsense = Source(replace(source.track, extradata=b"\x01nonsense"), source.packets)
    settings = TranscodeSettings(encoder=FAST, patience=Patience(start_ms=500, finish_ms=2000))
    sink, _ = await transcoded(nonsense, audio_source(), settings=settings)
    assert "audio" in sink.epochs[-1]
    assert len(sink.kept[-1]["audio"]) == len(audio_source().packets)


async def test_a_killed_worker_costs_no_segment() -> None:
    """Kill it in the middle of a segment: everything still comes out, with the same boundaries.

    Nobody waits until it would be taken to hang, which is long after this test has ended.
    """
    settings = replace(SETTINGS, patience=Patience(hang_ms=600_000))
    source = video_source(seconds=8, b_frames=2)
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, settings, SystemClock())
    running = spawn(pipeline.run(), name="pipeline under test")
    publish(stream, Source(source.track, source.packets[:80]), Source(audio_source().track, ()))
    stream.write(MediaKind.AUDIO, audio_source().packets[0])
    await sink.until(lambda it: len(it.epochs) > 0 and len(it.kept[0]["360p"]) > 70)

    killed = pipeline.worker_process_id
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    write(stream, Source(source.track, source.packets[80:]))
    await sink.until(lambda it: len(it.kept[0]["360p"]) > 90)
    stream.end("done")
    await running

    assert sink.boundaries("360p") == sink.boundaries("source")
    assert sink.pictures("360p") == sink.pictures("source")
    assert decoded(sink.epochs[0]["360p"], sink.kept[0]["360p"]) == sink.pictures("source")
    assert sink.restarted_segments == 1
    first = sink.pictures("source")[0]
    assert [one.times for one in sink.posters] == [(first,), (first + 5 * SECOND,)]
    assert pipeline.health().worker_restarts == 1


async def test_a_worker_that_hangs_is_replaced() -> None:
    settings = TranscodeSettings(encoder=FAST, patience=Patience(hang_ms=2_000))
    source = video_source(seconds=8)
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, settings, SystemClock())
    running = spawn(pipeline.run(), name="pipeline under test")
    publish(stream, Source(source.track, source.packets[:80]))
    await sink.until(lambda it: len(it.epochs) > 0 and len(it.kept[0]["360p"]) > 40)

    assert pipeline.worker_process_id is not None
    os.kill(pipeline.worker_process_id, signal.SIGSTOP)
    write(stream, Source(source.track, source.packets[80:]))
    stream.end("done")
    await running
    assert sink.pictures("360p") == sink.pictures("source")
    assert pipeline.health().worker_restarts == 1


async def test_a_machine_that_is_too_slow_loses_the_top_rung_and_keeps_the_last() -> None:
    """Each picture that comes out lets another one in, so that the worker stays late for ever."""
    settings = TranscodeSettings(pass_through=False, lag_ms_max=500)
    source = video_source(detail=37)
    rounds = (shifted(source, 4 * SECOND * number) for number in range(100))
    packets = chain.from_iterable(one.packets for one in rounds)
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, settings, SystemClock())
    running = spawn(pipeline.run(), name="pipeline under test")
    sent = 0

    def feed(sink: RecordingSink) -> bool:
        nonlocal sent
        done = len(sink.kept[0]["480p"]) if sink.kept else 0
        for packet in islice(packets, 45 + done - sent):
            stream.write(MediaKind.VIDEO, packet)
            sent += 1
        return "480p" in sink.retired

    publish(stream, Source(source.track, ()))
    await sink.until(feed)
    health = pipeline.health()
    stream.end("done")
    await running

    assert list(sink.epochs[0]) == ["480p", "360p"]
    assert [(one.name, one.state) for one in health.renditions] == [
        ("480p", "shed"),
        ("360p", "active"),
    ]
    assert "too slow" in sink.retired["480p"]
    assert len(sink.pictures("360p")) == sent


async def test_a_cancelled_pipeline_leaves_no_worker() -> None:
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, SystemClock())
    running = spawn(pipeline.run(), name="pipeline under test")
    publish(stream, video_source())
    await sink.until(lambda it: len(it.epochs) > 0)
    worker = pipeline.worker_process_id
    assert worker is not None
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert sink.ended == 0


async def test_health_names_each_rendition() -> None:
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, SystemClock())
    running = spawn(pipeline.run(), name="pipeline under test")
    publish(stream, video_source())
    await sink.until(lambda it: len(it.epochs) > 0 and len(it.kept[0]["360p"]) > 0)
    health = pipeline.health()
    stream.end("done")
    await running

    assert [(one.name, one.passed_through, one.frame_rate) for one in health.renditions] == [
        ("source", True, 15),
        ("360p", False, 15),
    ]
    assert {one.state for one in health.renditions} == {"active"}
    assert health.preset == "ultrafast"


def test_the_server_never_loads_libav() -> None:
    program = "import sys, media.transcode.live; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", program], check=False).returncode == 0
