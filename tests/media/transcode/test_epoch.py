"""An epoch waits for its encoders, but not for ever."""

from config.clock import ManualClock
from config.limits import TRANSCODE_RETRY_MS
from media.transcode.conversation import Patience
from media.transcode.epoch import Epoch, TranscodeSettings
from media.transcode.observation import Decision, SourcePicture, Verdict
from media.transcode.sent_sound import SourceSound, sent_sounds
from media.units import Coding, Packet
from media.wire.nal import contains_idr
from tests.media.transcode.sound_source import sound_source
from tests.media.transcode.synthetic import RecordingSink, audio_source, video_source

SETTINGS = TranscodeSettings(patience=Patience(start_ms=1000))
SOURCE = video_source(keyframe_every=15)
PASSED = Decision(
    SOURCE.track, sent_sounds({0: audio_source().track}), Verdict(passed_through=True)
)
ENCODED = Decision(SOURCE.track, (), Verdict(passed_through=False, reason="because"))


def pictures() -> list[SourcePicture]:
    return [SourcePicture(one, contains_idr(one.data)) for one in SOURCE.packets]


def encoded(picture: SourcePicture) -> Packet:
    """The same picture, as if an encoder had made it."""
    packet = picture.packet
    return Packet(packet.dts, packet.pts, 0, packet.keyframe, packet.data, packet.keyframe)


def prepared(decision: Decision) -> tuple[Epoch, RecordingSink, ManualClock]:
    """An epoch whose worker is never started; the test says what it makes."""
    sink, clock = RecordingSink(), ManualClock()
    return Epoch(decision, sink, SETTINGS, clock), sink, clock


async def test_what_needs_no_encoder_waits_for_those_that_do() -> None:
    epoch, sink, _ = prepared(PASSED)
    for one in pictures():
        epoch.video(one)
    epoch.audio(SourceSound(audio_source().packets[0]))
    assert not sink.epochs
    epoch.opened((SOURCE.track.extradata,))
    assert list(sink.epochs[0]) == ["source", "360p", "audio"]
    assert len(sink.kept[0]["source"]) == 60
    assert len(sink.kept[0]["audio"]) == 1


async def test_encoders_that_do_not_open_in_time_are_left_out_and_tried_later() -> None:
    epoch, sink, clock = prepared(PASSED)
    first, second, *_ = pictures()
    epoch.video(first)
    clock.advance(1001)
    epoch.video(second)
    assert list(sink.epochs[0]) == ["source", "audio"]
    assert len(sink.kept[0]["source"]) == 2
    assert [(one.name, one.state) for one in epoch.renditions()] == [
        ("source", "active"),
        ("360p", "shed"),
    ]
    epoch.opened((SOURCE.track.extradata,))
    epoch.encoded(0, encoded(first))
    assert len(sink.epochs) == 1
    assert not epoch.encoders_are_due
    clock.advance(TRANSCODE_RETRY_MS + 1)
    assert epoch.encoders_are_due


async def test_without_anything_to_hand_over_no_epoch_begins() -> None:
    epoch, sink, clock = prepared(ENCODED)
    for one in pictures():
        epoch.video(one)
    clock.advance(1001)
    epoch.video(pictures()[0])
    assert not sink.epochs


async def test_a_rung_that_is_shed_gets_nothing_more() -> None:
    epoch, sink, _ = prepared(ENCODED)
    epoch.opened((SOURCE.track.extradata, SOURCE.track.extradata))
    first, second, *_ = pictures()
    epoch.encoded(0, encoded(first))
    epoch.shed(0, 4000)
    epoch.encoded(0, encoded(second))
    epoch.encoded(1, encoded(first))
    assert list(sink.retired) == ["480p"]
    assert [len(one) for one in sink.kept[0].values()] == [1, 1]
    assert "4000 ms" in epoch.renditions()[0].reason


async def test_boundaries_are_keyframes_about_a_segment_apart() -> None:
    epoch, sink, _ = prepared(PASSED)
    epoch.opened((SOURCE.track.extradata,))
    for one in pictures():
        epoch.video(one)
    start = SOURCE.packets[0].pts
    assert sink.boundaries("source") == [start, start + 180_000]
    assert len(epoch.group.pictures) == 15
    assert epoch.group.shown_pts == SOURCE.packets[-1].pts


async def test_a_keyframe_is_overdue_after_two_segments_without() -> None:
    epoch, _, _ = prepared(PASSED)
    epoch.opened((SOURCE.track.extradata,))
    first, second, *_ = pictures()
    epoch.video(first)
    for seconds, overdue in ((4, False), (5, True)):
        pts = first.packet.pts + seconds * 90_000
        later = Packet(pts, pts, 0, keyframe=False, data=second.packet.data)
        epoch.video(SourcePicture(later, refresh=False))
        assert epoch.keyframe_is_overdue is overdue


async def test_the_reason_for_encoding_is_told_with_the_top_rung() -> None:
    epoch, _, _ = prepared(ENCODED)
    assert [(one.name, one.reason) for one in epoch.renditions()] == [
        ("480p", "because"),
        ("360p", ""),
    ]


async def test_sound_that_is_encoded_is_waited_for_but_not_for_ever() -> None:
    sound = sound_source(Coding.OPUS)
    epoch, sink, clock = prepared(
        Decision(SOURCE.track, sent_sounds({0: sound.track}), PASSED.verdict)
    )
    first, second, *_ = pictures()
    epoch.video(first)
    epoch.audio(SourceSound(sound.packets[0]))
    epoch.opened((SOURCE.track.extradata,))
    assert not sink.epochs
    clock.advance(1001)
    epoch.video(second)
    assert list(sink.epochs[0]) == ["source", "360p"]
    epoch.sound_opened(audio_source().track)
    epoch.sound_encoded(audio_source().packets[0])
    epoch.encoded(0, encoded(first))
    assert [len(one) for one in sink.kept[0].values()] == [2, 1]
    clock.advance(TRANSCODE_RETRY_MS + 1)
    assert epoch.encoders_are_due


async def test_what_encoders_of_pictures_make_waits_for_that_of_sound() -> None:
    sound = sound_source(Coding.OPUS)
    epoch, sink, _ = prepared(
        Decision(SOURCE.track, sent_sounds({0: sound.track}), ENCODED.verdict)
    )
    epoch.opened((SOURCE.track.extradata, SOURCE.track.extradata))
    first, second, *_ = pictures()
    epoch.encoded(1, encoded(first))
    epoch.shed(0, 4000)
    epoch.sound_opened(audio_source().track)
    epoch.sound_encoded(audio_source().packets[0])
    epoch.encoded(1, encoded(second))
    assert list(sink.epochs[0]) == ["360p", "audio"]
    assert not sink.epochs[0]["audio"].passed_through
    assert [len(one) for one in sink.kept[0].values()] == [2, 1]
    assert not sink.retired
