"""Several tracks of sound of a publication come out as renditions to choose from."""

from collections.abc import Mapping
from dataclasses import replace

from config.clock import ManualClock
from config.limits import TRANSCODE_RETRY_MS
from config.tasks import spawn
from media.transcode.live import LivePipeline, TranscodeSettings
from media.units import VIDEO_TIMESCALE
from tests.media.transcode.synthetic import (
    RecordingSink,
    Source,
    audio_source,
    new_stream,
    shifted,
    video_source,
)

SECOND = VIDEO_TIMESCALE


def sound(language: str, seconds: int = 10) -> Source:
    """Frames of 64 ms."""
    source = audio_source(seconds=seconds, sample_rate=16_000)
    return replace(source, track=replace(source.track, language=language))


class Show:
    """A publication with a picture, and a pipeline that makes what it can of it."""

    def __init__(self, *, picture: bool = True) -> None:
        self.stream, self.sink, self.clock = new_stream(), RecordingSink(), ManualClock()
        self.pipeline = LivePipeline(self.stream.read(), self.sink, TranscodeSettings(), self.clock)
        self.picture = video_source(320, 180, seconds=10, keyframe_every=15) if picture else None

    def publish(self, sounds: Mapping[int, Source], after_s: int = 0) -> None:
        for number, each in sounds.items():
            self.stream.announce(each.track, number)
        videos = {} if self.picture is None else {0: self.picture}
        for each in videos.values():
            self.stream.announce(each.track)
        everything = [*videos.items(), *sounds.items()]
        timed = [
            (packet.dts * SECOND // one.track.timescale, one.track.kind, number, packet)
            for number, source in everything
            for one in (shifted(source, after_s * SECOND),)
            for packet in one.packets
        ]
        for _, kind, number, packet in sorted(timed, key=lambda one: one[0]):
            self.stream.write(kind, packet, number)

    async def end(self) -> None:
        self.stream.end("done")
        await self.pipeline.run()

    @property
    def renditions(self) -> list[list[str]]:
        return [list(epoch) for epoch in self.sink.epochs]


async def test_every_track_of_aac_is_a_rendition_as_it_was_sent() -> None:
    show = Show()
    sounds = {1: sound("en", 4), 2: sound("de", 4), 5: sound("", 4)}
    show.publish(sounds)
    await show.end()
    assert show.renditions == [["source", "audio", "audio-3", "audio-6"]]
    made = show.sink.epochs[0]
    assert [made[name].track.language for name in ("audio", "audio-3", "audio-6")] == [
        "en",
        "de",
        "",
    ]
    for name in ("audio", "audio-3", "audio-6"):
        assert [one.data for one in show.sink.kept[0][name]] == [
            one.data for one in sounds[1].packets
        ]
    assert show.pipeline.sound_process_id is None


async def test_a_track_that_stops_costs_only_its_rendition() -> None:
    show = Show()
    show.publish({0: sound("en"), 1: sound("de", 2)})
    await show.end()
    assert show.renditions == [["source", "audio", "audio-2"]]
    assert list(show.sink.retired) == ["audio-2"]
    assert show.pipeline.health().messages == (
        "sound track 1 is no longer heard: the encoder has stopped sending it",
    )
    assert len(show.sink.kept[0]["audio"]) == len(sound("en").packets)


async def test_another_track_takes_the_place_of_the_default_one_when_that_stops() -> None:
    for picture in (True, False):
        show = Show(picture=picture)
        show.publish({0: sound("en", 2), 1: sound("de")})
        await show.end()
        assert [name for epoch in show.renditions for name in epoch if name != "source"] == [
            "audio",
            "audio-2",
            "audio",
        ]
        assert show.sink.epochs[1]["audio"].track.language == "de"
        assert not show.sink.retired


async def test_a_track_that_stopped_may_return_after_a_while() -> None:
    show = Show()
    show.publish({0: sound("en"), 1: sound("de", 2)})
    running = spawn(show.pipeline.run(), name="pipeline under test")
    await show.sink.until(lambda sink: "audio-2" in sink.retired)
    show.sink.retired.clear()
    show.clock.advance(TRANSCODE_RETRY_MS + 1)
    show.publish({0: sound("en", 4), 1: sound("de", 4)}, after_s=10)
    show.stream.end("done")
    await running
    assert show.renditions[-1] == ["source", "audio", "audio-2"]
    assert len(show.renditions) == 2
    assert show.sink.kept[1]["audio-2"]


async def test_only_the_default_track_is_encoded_again() -> None:
    show = Show()
    opus = replace(sound("de"), track=replace(sound("de").track, codec="opus"))
    show.publish({0: sound("en", 4), 1: opus})
    await show.end()
    assert show.renditions == [["source", "audio"]]
    assert show.pipeline.health().messages == (
        "sound track 1 in Opus is left out: only the first one is encoded again as AAC",
    )


async def test_a_track_that_comes_later_joins_at_the_next_keyframe() -> None:
    show = Show()
    show.publish({0: sound("en")})
    show.publish({0: sound("en"), 1: sound("de")}, after_s=10)
    await show.end()
    assert show.renditions == [["source", "audio"], ["source", "audio", "audio-2"]]
