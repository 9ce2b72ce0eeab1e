"""A few packets tell what a source is."""

import dataclasses

import pytest

from config.limits import OBSERVED_PACKETS_MAX
from media.transcode.observation import (
    Decision,
    Observation,
    SourcePicture,
    Verdict,
    keyframes_too_rare,
)
from media.transcode.sent_sound import SourceSound, sent_sounds
from media.units import Packet, Track
from tests.media.transcode.synthetic import audio_source, video_source

SECOND = 90_000
SEGMENT = 2 * SECOND
VIDEO: Track = dataclasses.replace(video_source(320, 180).track, frame_rate=(0, 1))
AUDIO: Track = audio_source().track


def picture(pts: int, *, key: bool = False, refresh: bool | None = None) -> SourcePicture:
    packet = Packet(pts, pts, 0, keyframe=key, data=b"")
    return SourcePicture(packet, key if refresh is None else refresh)


def observe(
    observation: Observation,
    *,
    seconds: int,
    every: float,
    step: int = 3000,
    audio: bool = True,
    refresh: bool | None = None,
) -> None:
    for pts in range(0, seconds * SECOND, step):
        observation.video(picture(pts, key=pts % int(every * SECOND) == 0, refresh=refresh))
        if audio:
            observation.audio(SourceSound(Packet(pts, pts, 1024, keyframe=True, data=b"")), SECOND)


def decided(decision: Decision | None) -> Decision:
    assert decision is not None
    return decision


def test_a_second_keyframe_in_time_settles_that_a_source_is_passed_through() -> None:
    observation = Observation(SEGMENT)
    for pts in range(0, SEGMENT, 3000):
        observation.video(picture(pts, key=pts == 0))
        assert observation.decide({0: VIDEO}, {0: AUDIO}) is None
    observation.video(picture(SEGMENT, key=True))
    decision = decided(observation.decide({0: VIDEO}, {0: AUDIO}))
    assert decision.verdict == Verdict(passed_through=True)
    assert decision.audio == AUDIO
    assert len(observation.held) == 61


def test_a_track_that_takes_the_place_of_one_that_was_passed_through_is_taken_to_be_like_it() -> (
    None
):
    observation = Observation(SEGMENT, presumed=True)
    for number in range(6):
        assert observation.decide({0: VIDEO}, {0: AUDIO}) is None
        observation.video(picture(number * 3000, key=number == 0))
    decision = decided(observation.decide({0: VIDEO}, {0: AUDIO}))
    assert decision.verdict == Verdict(passed_through=True)
    assert decision.video is not None
    assert decision.video.frame_rate == (30, 1)
    no_entry = Observation(SEGMENT, presumed=True)
    observe(no_entry, seconds=1, every=0.5, refresh=False)
    verdict = decided(no_entry.decide({0: VIDEO}, {0: AUDIO})).verdict
    assert verdict is not None
    assert not verdict.passed_through


def test_a_keyframe_too_late_settles_that_it_is_encoded() -> None:
    observation = Observation(SEGMENT)
    observe(observation, seconds=3, every=10)
    verdict = decided(observation.decide({0: VIDEO}, {0: AUDIO})).verdict
    assert verdict == Verdict(passed_through=False, reason=keyframes_too_rare(SEGMENT))


def test_keyframes_that_are_no_entry_points_do_not_count() -> None:
    observation = Observation(SEGMENT)
    observe(observation, seconds=1, every=0.5, refresh=False)
    verdict = decided(observation.decide({0: VIDEO}, {0: AUDIO})).verdict
    assert verdict is not None
    assert not verdict.passed_through


def test_an_unplayable_picture_is_encoded_without_looking_further() -> None:
    observation = Observation(SEGMENT)
    observation.video(picture(0, key=True))
    track = dataclasses.replace(video_source(320, 180, pixel_format="yuv422p").track)
    verdict = decided(observation.decide({0: track}, {0: AUDIO})).verdict
    assert verdict is not None
    assert "H.264 profile" in verdict.reason


def test_an_unreadable_configuration_is_left_to_the_encoder() -> None:
    observation = Observation(SEGMENT)
    observation.video(picture(0, key=True))
    verdict = decided(
        observation.decide({0: dataclasses.replace(VIDEO, extradata=b"?")}, {0: AUDIO})
    ).verdict
    assert verdict is not None
    assert "cannot be read" in verdict.reason


def test_what_is_known_is_not_observed_again() -> None:
    observation = Observation(SEGMENT, Verdict(passed_through=True))
    observation.video(picture(0, key=True))
    assert decided(observation.decide({0: VIDEO}, {0: AUDIO})).verdict == Verdict(
        passed_through=True
    )


def test_video_before_its_first_keyframe_is_left_out() -> None:
    observation = Observation(SEGMENT)
    observation.video(picture(0))
    observation.video(picture(3000, key=True))
    assert [one.packet.pts for one in observation.held if isinstance(one, SourcePicture)] == [3000]


def test_sound_is_waited_for_a_second() -> None:
    observation = Observation(SEGMENT, Verdict(passed_through=True))
    for pts in range(0, SECOND, 3000):
        observation.video(picture(pts, key=pts == 0))
        assert observation.decide({0: VIDEO}, {}) is None
    observation.video(picture(SECOND))
    assert decided(observation.decide({0: VIDEO}, {})).audio is None


@pytest.mark.parametrize(("videos", "seconds"), [({}, 1), ({0: VIDEO}, 4)])
def test_sound_goes_on_alone_after_a_while(videos: dict[int, Track], seconds: int) -> None:
    observation = Observation(SEGMENT)
    for number in range(47 * seconds):
        observation.audio(
            SourceSound(Packet(number * 1024, 0, 1024, keyframe=True, data=b"")), 48_000
        )
    assert observation.decide(videos, {0: AUDIO}) == (
        None if number * 1024 < seconds * 48_000 else Decision(None, sent_sounds({0: AUDIO}), None)
    )
    observation.audio(
        SourceSound(Packet(seconds * 48_000, 0, 1024, keyframe=True, data=b"")), 48_000
    )
    assert observation.decide(videos, {0: AUDIO}) == Decision(None, sent_sounds({0: AUDIO}), None)


def test_a_source_that_ends_early_is_decided_on_what_there_was() -> None:
    observation = Observation(SEGMENT)
    assert observation.decide({}, {}, ended=True) is None
    observation.video(picture(0, key=True))
    assert observation.decide({0: VIDEO}, {}) is None
    decision = decided(observation.decide({0: VIDEO}, {}, ended=True))
    assert decision.verdict == Verdict(passed_through=True)
    assert decision.video == VIDEO


def test_observation_ends_when_too_much_is_held() -> None:
    observation = Observation(SEGMENT)
    for number in range(OBSERVED_PACKETS_MAX):
        observation.video(picture(number, key=number == 0))
    assert observation.decide({0: VIDEO}, {}) is not None


@pytest.mark.parametrize(
    ("step", "rate"),
    [(3000, (30, 1)), (3003, (30_000, 1001)), (3750, (24, 1)), (1500, (60, 1)), (9000, (10, 1))],
)
def test_the_frame_rate_is_measured_when_the_track_does_not_say(
    step: int, rate: tuple[int, int]
) -> None:
    observation = Observation(SEGMENT, Verdict(passed_through=True))
    observe(observation, seconds=2, every=2, step=step)
    video = decided(observation.decide({0: VIDEO}, {0: AUDIO})).video
    assert video is not None
    assert video.frame_rate == rate


@pytest.mark.parametrize(
    ("declared", "taken"), [((25, 1), (25, 1)), ((90_000, 1), (30, 1)), ((0, 1), (30, 1))]
)
def test_a_declared_frame_rate_is_taken_when_it_is_sane(
    declared: tuple[int, int], taken: tuple[int, int]
) -> None:
    observation = Observation(SEGMENT, Verdict(passed_through=True))
    observe(observation, seconds=2, every=2)
    track = dataclasses.replace(VIDEO, frame_rate=declared)
    video = decided(observation.decide({0: track}, {0: AUDIO})).video
    assert video is not None
    assert video.frame_rate == taken


TRACKS = {0: VIDEO, 1: dataclasses.replace(VIDEO, width=160, height=90)}


def observe_two(
    observation: Observation,
    *,
    seconds: float = 2.5,
    every: tuple[float, float] = (2, 2),
    late: int = 0,
) -> None:
    """Thirty pictures a second of two tracks, with sound.

    Args:
        every: seconds between keyframes of each.
        late: by how much the second one's times differ, in 1/90000 s.
    """
    for pts in range(0, int(seconds * SECOND), 3000):
        for number in (0, 1):
            key = pts % int(every[number] * SECOND) == 0
            time = pts + late * number
            packet = Packet(time, time, 0, keyframe=key, data=b"")
            observation.video(SourcePicture(packet, key, number))
        observation.audio(SourceSound(Packet(pts, pts, 1024, keyframe=True, data=b"")), SECOND)


def test_tracks_whose_keyframes_come_together_are_a_ladder() -> None:
    observation = Observation(SEGMENT)
    observe_two(observation, seconds=2, late=800)
    assert observation.decide(TRACKS, {0: AUDIO}) is None
    observe_two(observation, late=800)
    decision = decided(observation.decide(TRACKS, {0: AUDIO}))
    assert decision.verdict == Verdict(passed_through=True, ladder=True)
    assert [(one.number, one.name) for one in decision.ladder] == [(0, "180p"), (1, "90p")]
    assert {one.track.frame_rate for one in decision.ladder} == {(30, 1)}
    assert (decision.number, decision.video) == (0, decision.ladder[0].track)


def test_a_ladder_begins_at_the_first_keyframe_that_all_tracks_have() -> None:
    observation = Observation(SEGMENT)
    observation.video(picture(-3000, key=True))
    observe_two(observation)
    decision = decided(observation.decide(TRACKS, {0: AUDIO}))
    assert decision.verdict is not None
    assert decision.verdict.ladder
    held = [one for one in observation.held if isinstance(one, SourcePicture)]
    assert [(one.number, one.packet.pts) for one in held[:3]] == [(0, 0), (1, 0), (0, 3000)]


@pytest.mark.parametrize(
    ("late", "every", "told"),
    [
        (3000, (2, 2), "keyframes of video track 1 do not come together"),
        (0, (1, 2), "keyframes of video track 1 do not come together"),
        (0, (10, 10), "set the keyframe interval to 2 s"),
    ],
)
def test_tracks_that_cannot_be_cut_together_leave_the_largest(
    late: int, every: tuple[float, float], told: str
) -> None:
    observation = Observation(SEGMENT)
    observe_two(observation, seconds=4.1, every=every, late=late)
    larger = {0: TRACKS[1], 1: VIDEO}
    decision = decided(observation.decide(larger, {0: AUDIO}))
    assert (decision.number, decision.ladder) == (1, ())
    assert decision.verdict is not None
    assert decision.verdict.reason.startswith("only video track 1 (320x180) is used, because")
    assert told in decision.verdict.reason
    pictures = [one for one in observation.held if isinstance(one, SourcePicture)]
    assert {one.number for one in pictures} == {1}


def test_a_track_that_does_not_play_everywhere_leaves_the_largest() -> None:
    observation = Observation(SEGMENT)
    observe_two(observation)
    tracks = {0: VIDEO, 1: dataclasses.replace(TRACKS[1], codec="hvc1.1.6.L93.B0")}
    decision = decided(observation.decide(tracks, {0: AUDIO}))
    assert (decision.number, decision.ladder) == (0, ())
    assert decision.verdict is not None
    assert decision.verdict.passed_through
    assert "of video track 1: HEVC does not play everywhere" in decision.verdict.reason


def test_a_track_that_is_too_large_to_be_encoded_is_not_the_largest() -> None:
    observation = Observation(SEGMENT, Verdict(passed_through=False))
    observe_two(observation, seconds=0.1)
    enormous = dataclasses.replace(VIDEO, width=8192, height=4320)
    assert decided(observation.decide({0: enormous, 1: VIDEO}, {0: AUDIO})).number == 1
    assert decided(observation.decide({0: enormous, 1: enormous}, {0: AUDIO})).number == 0


def test_a_track_that_sends_nothing_is_left_out_after_a_while() -> None:
    observation = Observation(SEGMENT)
    observe(observation, seconds=4, every=2)
    assert observation.decide(TRACKS, {0: AUDIO}) is None
    observation.video(picture(4 * SECOND, key=True))
    decision = decided(observation.decide(TRACKS, {0: AUDIO}))
    assert (decision.number, decision.ladder) == (0, ())
    assert decision.verdict == Verdict(passed_through=True)


def test_a_ladder_that_is_known_only_has_to_begin_together() -> None:
    observation = Observation(SEGMENT, Verdict(passed_through=True, ladder=True))
    observation.video(picture(0, key=True))
    assert observation.decide(TRACKS, {0: AUDIO}) is None
    observe_two(observation, seconds=0.04)
    assert len(decided(observation.decide(TRACKS, {0: AUDIO})).ladder) == 2


def test_what_was_held_of_a_track_that_has_changed_is_forgotten() -> None:
    observation = Observation(SEGMENT)
    observe_two(observation)
    observation.forget(1, None)
    assert observation.decide(TRACKS, {0: AUDIO}) is None
    pictures = [one for one in observation.held if isinstance(one, SourcePicture)]
    assert {one.number for one in pictures} == {0}
