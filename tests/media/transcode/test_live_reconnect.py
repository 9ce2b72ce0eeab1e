"""A live source whose publisher drops and returns, with real encoders in a real worker."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from config.clock import ManualClock, SystemClock
from config.tasks import spawn
from media.hub import Stream
from media.timeline import TIMELINE_START
from media.transcode.conversation import Patience
from media.transcode.epoch import TranscodeSettings
from media.transcode.live import LivePipeline
from media.transcode.plan import EncoderSettings
from tests.media.transcode.synthetic import (
    RecordingSink,
    Source,
    audio_source,
    decoded,
    new_stream,
    publish,
    shifted,
    video_source,
)

SECOND = 90_000
SETTINGS = TranscodeSettings(encoder=EncoderSettings(preset="ultrafast"))
FRAME = 6_000
# In 15 frames a second with a keyframe every 2 s: amid the second group of pictures.
CUT = 50


def cut_off(source: Source, packets: int) -> Source:
    return replace(source, packets=source.packets[:packets])


async def published(
    *publications: Sequence[Source], settings: TranscodeSettings = SETTINGS
) -> RecordingSink:
    """Publish one after the other; each is cut off and the last one ends."""
    stream, sink = new_stream(), RecordingSink()
    pipeline = LivePipeline(stream.read(), sink, settings, SystemClock())
    for position, sources in enumerate(publications):
        if position:
            stream.leave("link lost", 60_000)
            stream.arrive()
        publish(stream, *sources)
    stream.end("done")
    await pipeline.run()
    assert sink.ended == 1
    return sink


async def test_with_the_same_parameters_the_epoch_goes_on_and_a_segment_begins() -> None:
    """Cut off amid B-frames; the clock begins anew; sound is 21 ms early, before as after."""
    video, audio = video_source(320, 180, b_frames=2), audio_source()
    before = [cut_off(video, CUT), cut_off(audio, 163)]
    sink = await published(before, [shifted(one, -4 * SECOND) for one in (video, audio)])

    assert [list(epoch) for epoch in sink.epochs] == [["source", "audio"]]
    shown = sink.kept[0]["source"]
    assert [one.data for one in shown] == [one.data for one in (*before[0].packets, *video.packets)]
    last, first = max(one.pts for one in shown[:CUT]), shown[CUT]
    assert first.boundary
    assert first.pts >= last + FRAME
    assert first.pts - last < FRAME + SECOND // 10
    heard = [one.dts * 15 // 8 for one in sink.kept[0]["audio"]]
    assert abs((heard[163] - first.dts) - (heard[0] - shown[0].dts)) <= 2 * 90
    assert all(later - earlier < SECOND // 10 for earlier, later in pairwise(heard))


@pytest.mark.process
@pytest.mark.parametrize("pass_through", [True, False])
async def test_encoded_renditions_go_on_with_the_same_worker(pass_through: bool) -> None:
    video = video_source()
    settings = replace(SETTINGS, pass_through=pass_through)
    sink = await published([cut_off(video, CUT)], [video], settings=settings)

    (epoch,) = sink.epochs
    names = ["source", "360p"] if pass_through else ["480p", "360p"]
    assert list(epoch) == names
    everything = [TIMELINE_START + n * FRAME for n in range(CUT + 60)]
    assert [sink.pictures(name) for name in names] == [everything, everything]
    starts = [everything[at] for at in (0, 30, CUT, CUT + 30)]
    assert [sink.boundaries(name) for name in names] == [starts, starts]
    assert decoded(epoch["360p"], sink.kept[0]["360p"]) == everything


async def test_changed_parameters_begin_an_epoch_where_the_one_before_had_ended() -> None:
    sink = await published([cut_off(video_source(320, 180), CUT)], [video_source(240, 180)])

    assert [epoch["source"].track.width for epoch in sink.epochs] == [320, 240]
    assert sink.pictures("source", 1)[0] == sink.pictures("source", 0)[-1] + FRAME


@pytest.mark.parametrize("lacking", ["audio", "source"])
async def test_a_publication_that_lacks_a_track_begins_an_epoch_without_it(lacking: str) -> None:
    whole = {"source": video_source(320, 180), "audio": audio_source()}
    rest = [one for name, one in whole.items() if name != lacking]
    sink = await published(list(whole.values()), rest)

    assert [set(epoch) for epoch in sink.epochs] == [
        {"source", "audio"},
        {"source", "audio"} - {lacking},
    ]
    (name,) = sink.epochs[1]
    assert len(sink.kept[1][name]) == len(whole[name].packets)


async def test_a_publication_with_one_more_track_begins_an_epoch_with_it() -> None:
    video, audio = video_source(320, 180), audio_source()
    sink = await published([video], [video, audio])
    assert [set(epoch) for epoch in sink.epochs] == [{"source"}, {"source", "audio"}]


async def test_one_that_sends_nothing_is_as_none() -> None:
    video = video_source(320, 180)
    sink = await published([video], [replace(video_source(240, 180), packets=())], [video])
    assert len(sink.epochs) == 1
    assert len(sink.kept[0]["source"]) == 120


@pytest.mark.process
async def test_the_time_without_a_publisher_is_no_lag_and_no_hang() -> None:
    """Half a minute passes on the clock that all deadlines are taken from; nothing is restarted."""
    clock, stream, sink = ManualClock(), Stream("test", SystemClock()), RecordingSink()
    patience = Patience(hang_ms=200)
    pipeline = LivePipeline(stream.read(), sink, replace(SETTINGS, patience=patience), clock)
    running = spawn(pipeline.run(), name="pipeline")
    video = video_source()
    publish(stream, cut_off(video, CUT))
    # The encoder holds one picture; a worker that still had more to do would be taken to hang.
    await sink.until(lambda sink: sink.epochs != [] and len(sink.pictures("360p")) >= CUT - 1)
    worker = pipeline.worker_process_id
    stream.leave("link lost", 60_000)
    clock.advance(30_000)
    assert pipeline.health().lag_ms < 4_000
    stream.arrive()
    publish(stream, video)
    await sink.until(lambda sink: len(sink.boundaries("360p")) > 3)
    assert (pipeline.worker_process_id, pipeline.health().worker_restarts) == (worker, 0)
    assert pipeline.health().lag_ms < 5_000
    stream.end("done")
    await running
    assert len(sink.epochs) == 1
    assert len(sink.pictures("360p")) == CUT + 60
    assert sink.retired == {}
