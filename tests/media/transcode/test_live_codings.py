"""Live sources in codings that do not play everywhere come out as H.264 and AAC."""

import asyncio
import os
import signal
import sys
from dataclasses import replace

import pytest

from config.clock import SystemClock
from config.tasks import spawn
from media.jail.level import Level
from media.transcode.health import LiveHealth
from media.transcode.live import LivePipeline
from media.transcode.plan import EncoderSettings
from media.transcode.settings import TranscodeSettings
from media.units import VIDEO_TIMESCALE, Coding
from tests.media.transcode.picture_source import coded_source, difference, filmed_source, shown
from tests.media.transcode.sound_source import ONSET_SECONDS, TONE_HZ, heard, sound_source
from tests.media.transcode.synthetic import (
    RecordingSink,
    Source,
    audio_source,
    new_stream,
    publish,
    shifted,
    video_source,
    write,
)

pytestmark = pytest.mark.process

LEVEL = Level.FULL if sys.platform.startswith("linux") else Level.NONE
SETTINGS = TranscodeSettings(encoder=EncoderSettings(preset="ultrafast"), jail_minimum=LEVEL)
SECOND = VIDEO_TIMESCALE
# A red of studio white's brightness in HDR10, as the tests of files have it.
RED_IN_HDR = (
    "color=c=0xC03020:s=320x180:r=15:d=2,format=gbrp,"
    "zscale=pin=709:tin=709:min=gbr:rin=full:p=2020:t=smpte2084:m=2020_ncl:r=limited:npl=203,"
    "format=yuv420p10le"
)
HDR10 = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
RED = (68, 112, 168)


def halved(source: Source) -> tuple[Source, Source]:
    middle = len(source.packets) // 2
    return (
        Source(source.track, source.packets[:middle]),
        Source(source.track, source.packets[middle:]),
    )


async def transcoded(*sources: Source) -> tuple[RecordingSink, LiveHealth]:
    """Publish everything at once, and return when the pipeline has ended."""
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, SystemClock())
    publish(stream, *sources)
    stream.end("done")
    await pipeline.run()
    return sink, pipeline.health()


async def test_pictures_of_every_coding_become_a_ladder_that_shows_the_same() -> None:
    sources = {
        "HEVC": coded_source(Coding.HEVC, size="854x480"),
        "HEVC 10": coded_source(Coding.HEVC, bits=10),
        "VP9": coded_source(Coding.VP9),
        "VP9 10": coded_source(Coding.VP9, bits=10),
        "AV1": coded_source(Coding.AV1),
        "AV1 10": coded_source(Coding.AV1, bits=10),
    }
    done = await asyncio.gather(*(transcoded(source) for source in sources.values()))
    for (name, source), (sink, health) in zip(sources.items(), done, strict=True):
        rungs = ["480p", "360p"] if name == "HEVC" else ["180p"]
        assert list(sink.epochs[0]) == rungs, name
        originals = shown(source.track, source.packets)
        for rung in rungs:
            made = shown(sink.epochs[0][rung].track, sink.kept[0][rung])
            assert len(made) == len(originals) == 60
            assert max(difference(*pair) for pair in zip(made, originals, strict=True)) < 8
            first = sink.pictures(rung)[0]
            assert sink.boundaries(rung) == [first, first + 2 * SECOND]
            assert {one.keyframe for one in sink.kept[0][rung] if one.boundary} == {True}
        label = name.split()[0]
        assert health.messages == (f"{label} does not play everywhere, so it is encoded again",)


async def test_high_dynamic_range_is_mapped_as_that_of_files_is() -> None:
    source = filmed_source(Coding.HEVC, RED_IN_HDR, "yuv420p10le", HDR10)
    sink, health = await transcoded(source, audio_source())
    assert list(sink.epochs[0]) == ["180p", "audio"]
    frame = shown(sink.epochs[0]["180p"].track, sink.kept[0]["180p"])[0]
    middle = frame.reformat(format="yuv444p").to_ndarray()[:, 90, 160]
    assert [int(one) for one in middle] == pytest.approx(RED, abs=8)
    assert (frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1)
    assert health.worker_restarts == 0


async def test_sound_beside_a_picture_that_is_passed_through_costs_only_its_own_worker() -> None:
    """The tone begins a second after the first picture, within 20 ms."""
    sounds = [sound_source(one) for one in (Coding.OPUS, Coding.MP3)]
    done = await asyncio.gather(*(transcoded(video_source(320, 180), one) for one in sounds))
    for sink, health in done:
        assert list(sink.epochs[0]) == ["source", "audio"]
        track = sink.epochs[0]["audio"].track
        assert (track.codec, track.sample_rate, track.channels) == ("mp4a.40.2", 48_000, 2)
        sound = heard(sink.epochs[0]["audio"], sink.kept[0]["audio"])
        first_picture = sink.pictures("source")[0] / SECOND
        assert abs(sound.onset() - first_picture - ONSET_SECONDS) < 0.02
        assert abs(sound.frequency() - TONE_HZ) <= 2
        assert sound.silent_seconds() < 0.03
        assert health.worker_restarts == health.dropped_packets == 0
        assert "does not play everywhere" in health.messages[0]


async def test_sound_alone_is_a_stream_in_any_coding() -> None:
    sink, _ = await transcoded(sound_source(Coding.FLAC, sample_rate=44_100))
    assert list(sink.epochs[0]) == ["audio"]
    sound = heard(sink.epochs[0]["audio"], sink.kept[0]["audio"])
    assert sound.sample_rate == 44_100
    assert len(sound.samples) >= 3 * 44_100
    assert abs(sound.frequency() - TONE_HZ) <= 2


async def test_aac_in_many_channels_is_passed_on() -> None:
    source = audio_source()
    surround = Source(replace(source.track, channels=6), source.packets)
    sink, health = await transcoded(surround)
    assert sink.epochs[0]["audio"].track == surround.track
    assert [one.data for one in sink.kept[0]["audio"]] == [one.data for one in source.packets]
    assert not health.messages


async def test_a_killed_worker_of_either_kind_costs_a_moment() -> None:
    """Of pictures nothing at all, of sound what was in the worker."""
    pictures = coded_source(Coding.HEVC, frames=120)
    sound = sound_source(Coding.OPUS, seconds=8)
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, SystemClock())
    running = spawn(pipeline.run(), name="pipeline under test")
    halves = [halved(one) for one in (pictures, sound)]
    publish(stream, *(first for first, _ in halves))
    await sink.until(
        lambda it: (
            bool(it.epochs) and len(it.kept[0]["180p"]) > 45 and len(it.kept[0]["audio"]) > 150
        )
    )
    for worker in (pipeline.worker_process_id, pipeline.sound_process_id):
        assert worker is not None
        os.kill(worker, signal.SIGKILL)
    write(stream, *(second for _, second in halves))
    stream.end("done")
    await running

    assert len(sink.epochs) == 1
    assert sink.pictures("180p") == [sink.pictures("180p")[0] + n * 6000 for n in range(120)]
    assert len(shown(sink.epochs[0]["180p"].track, sink.kept[0]["180p"])) == 120
    played = heard(sink.epochs[0]["audio"], sink.kept[0]["audio"])
    assert abs(played.onset() - sink.pictures("180p")[0] / SECOND - ONSET_SECONDS) < 0.02
    assert played.silent_seconds() < 0.6
    assert pipeline.health().worker_restarts == 2


async def test_both_go_on_together_when_a_publisher_is_cut_off_and_returns() -> None:
    """Cut off amid a group of pictures; the clock begins anew, and so does the tone."""
    pictures, sound = coded_source(Coding.HEVC), sound_source(Coding.OPUS)
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, SETTINGS, SystemClock())
    publish(
        stream,
        Source(pictures.track, pictures.packets[:50]),
        Source(sound.track, sound.packets[:160]),
    )
    stream.leave("link lost", 60_000)
    stream.arrive()
    publish(stream, *(shifted(one, -10 * SECOND) for one in (pictures, sound)))
    stream.end("done")
    await pipeline.run()

    assert [list(one) for one in sink.epochs] == [["180p", "audio"]]
    returned = sink.boundaries("180p")[2]
    assert len(sink.pictures("180p")) == 50 + 60
    played = heard(sink.epochs[0]["audio"], sink.kept[0]["audio"])
    silence_begins = returned / SECOND + 0.1
    assert abs(played.onset(silence_begins) - returned / SECOND - ONSET_SECONDS) < 0.02


async def test_pictures_that_are_too_large_are_told_and_leave_the_sound() -> None:
    source = coded_source(Coding.HEVC)
    huge = Source(replace(source.track, width=8192, height=4320), source.packets)
    sink, health = await transcoded(huge, audio_source())
    assert list(sink.epochs[0]) == ["audio"]
    assert "8192x4320" in health.messages[0]
    assert health.worker_restarts == 0
