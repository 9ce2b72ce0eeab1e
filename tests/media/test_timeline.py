"""One source's time is repaired, whatever its clock does."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.timeline import TIMELINE_START, Timeline
from media.units import VIDEO_TIMESCALE, MediaKind, Packet

VIDEO, AUDIO = MediaKind.VIDEO, MediaKind.AUDIO
RATE = 48_000
FRAME = 3000


def packet(dts: int, offset: int = 0, duration: int = 0) -> Packet:
    return Packet(dts, dts + offset, duration, keyframe=False, data=b"")


def video(timeline: Timeline, dts: int, offset: int = 0) -> Packet:
    placed = timeline.place(VIDEO, packet(dts, offset), VIDEO_TIMESCALE)
    assert placed is not None
    return placed


def audio_ms(timeline: Timeline, milliseconds: Iterable[int]) -> list[int]:
    """Place audio that RTMP stamped; dts of what was kept."""
    placed = [timeline.place(AUDIO, packet(ms * RATE // 1000), RATE) for ms in milliseconds]
    return [one.dts for one in placed if one is not None]


def test_the_first_packet_lies_at_ten_seconds() -> None:
    assert video(Timeline(), 123_456_789).dts == TIMELINE_START == 900_000


def test_small_jitter_is_kept_and_dts_still_grows() -> None:
    timeline = Timeline()
    times = [video(timeline, dts).dts for dts in (0, 3000, 2990, 2990, 6100)]
    assert times == [900_000, 903_000, 903_001, 903_002, 906_100]


def test_composition_offsets_survive_and_absurd_ones_do_not() -> None:
    timeline = Timeline()
    assert video(timeline, 0, 6000).pts == 906_000
    assert video(timeline, 3000, 90_000_000).pts == 903_000
    assert video(timeline, 6000, -50).pts == 906_000


def test_audio_runs_on_the_sample_grid_though_its_stamps_are_rounded() -> None:
    stamps = [n * 1024 * 1000 // RATE for n in range(500)]
    times = audio_ms(Timeline(), stamps)
    assert times == [480_000 + 1024 * n for n in range(500)]


def test_audio_that_skips_is_placed_where_it_was_stamped() -> None:
    times = audio_ms(Timeline(), [0, 21, 43, 500])
    assert times == [480_000, 481_024, 482_048, 504_000]


def test_audio_that_overlaps_is_left_out_until_it_fits() -> None:
    timeline = Timeline()
    audio_ms(timeline, [n * 1024 * 1000 // RATE for n in range(100)])
    kept = audio_ms(timeline, [2000, 2022, 2043, 2064, 2086])
    assert timeline.dropped == 3
    assert kept == [480_000 + 1024 * (100 + n) for n in range(2)]


def test_the_grid_restarts_when_the_sample_rate_changes() -> None:
    timeline = Timeline()
    assert audio_ms(timeline, [0, 21]) == [480_000, 481_024]
    placed = timeline.place(AUDIO, packet(42 * 44_100 // 1000), 44_100)
    assert placed is not None
    assert placed.dts == -(-(482_048 * 90_000 // RATE) * 44_100 // 90_000)


def test_a_restarted_clock_continues_where_the_stream_had_ended() -> None:
    timeline = Timeline()
    for n in range(10):
        video(timeline, 5_000_000 + n * FRAME)
    assert video(timeline, 0).dts == 900_000 + 10 * FRAME
    assert video(timeline, FRAME).dts == 900_000 + 11 * FRAME
    assert timeline.jumps == 1


def test_a_long_hole_is_closed_and_a_short_one_is_kept() -> None:
    timeline = Timeline()
    video(timeline, 0)
    assert video(timeline, 45_000).dts == 945_000
    assert video(timeline, 45_000 + FRAME).dts == 948_000
    assert video(timeline, 10_000_000).dts == 948_000 + FRAME


def test_audio_and_video_stay_in_step_through_a_jump() -> None:
    """Both lanes jump, video first, then audio: the source's offset between them is kept."""
    timeline = Timeline()

    def run(base_ms: int) -> list[int]:
        offsets = []
        for n in range(0, 1000, 100):
            shown = video(timeline, (base_ms + n) * 90).dts
            heard = timeline.place(AUDIO, packet((base_ms + n + 30) * 48, duration=4800), RATE)
            assert heard is not None
            offsets.append(heard.dts * 15 // 8 - shown)
        return offsets

    assert set(run(0)) == {2700}
    assert set(run(3_600_000)) == {2700}
    assert set(run(17)) == {2700}
    assert timeline.jumps == 2


def test_audio_still_on_the_old_clock_does_not_pull_video_back() -> None:
    timeline = Timeline()
    video(timeline, 900_000)
    timeline.place(AUDIO, packet(10 * RATE), RATE)
    video(timeline, 0)  # the publisher's clock restarted
    late = timeline.place(AUDIO, packet(10 * RATE + 1024), RATE)
    assert late is not None
    assert late.dts == 480_000 + 1024
    assert video(timeline, FRAME).dts == 903_000 + FRAME
    assert timeline.jumps == 1


def test_audio_alone_may_pause_while_video_runs() -> None:
    timeline = Timeline()
    audio_ms(timeline, [0])
    for n in range(150):
        video(timeline, n * FRAME)
    assert audio_ms(timeline, [5000]) == [480_000 + 5 * RATE]


@pytest.mark.parametrize(
    "begins_ms", [0, 5_500, 2_000_000_000, 3_900, -7], ids=["0", "on", "jump", "back", "negative"]
)
def test_another_clock_continues_where_the_stream_had_ended(begins_ms: int) -> None:
    """Sound starts 40 ms after the picture, before as after; the picture had come further."""
    timeline = Timeline()
    for n in range(100):
        video(timeline, n * 3600, 7200)
    heard = audio_ms(timeline, range(40, 3_900, 20))
    key = packet(begins_ms * 90, 7200)
    sound = packet((begins_ms + 40) * 48)

    timeline.resume({(VIDEO, 0): (key, VIDEO_TIMESCALE), (AUDIO, 0): (sound, RATE)})
    shown = video(timeline, key.dts, 7200)
    resumed = timeline.place(AUDIO, sound, RATE)

    assert shown.dts == 900_000 + 100 * 3600
    assert shown.pts == shown.dts + 7200
    assert resumed is not None
    assert resumed.dts * 15 // 8 == shown.dts + 40 * 90
    assert resumed.dts >= heard[-1] + 1024
    assert timeline.jumps == 0


def test_no_picture_of_another_clock_is_shown_before_one_of_the_old() -> None:
    """Goal: whoever is cut off amid B-frames has sent a picture that is shown last of all."""
    timeline = Timeline()
    video(timeline, 0, 3600)
    last = video(timeline, 3600, 14_400)
    timeline.resume({(VIDEO, 0): (packet(0), VIDEO_TIMESCALE)})
    assert video(timeline, 0).pts == last.pts + 3600


def test_sound_that_had_come_further_than_the_picture_is_not_overlapped() -> None:
    timeline = Timeline()
    video(timeline, 0)
    heard = audio_ms(timeline, range(0, 500, 20))
    starts = {(VIDEO, 0): (packet(0), VIDEO_TIMESCALE), (AUDIO, 0): (packet(0), RATE)}
    timeline.resume(starts)
    assert audio_ms(timeline, [0]) == [heard[-1] + 1024]
    assert video(timeline, 0).dts == (heard[-1] + 1024) * 15 // 8
    assert timeline.dropped == 0


def test_a_track_that_is_new_after_a_resumption_joins_at_the_end() -> None:
    timeline = Timeline()
    video(timeline, 0)
    timeline.resume({(AUDIO, 0): (packet(7 * RATE), RATE)})
    assert audio_ms(timeline, [7_000]) == [(900_000 + FRAME) * 8 // 15]


def test_further_pictures_have_the_time_of_the_default_ones() -> None:
    """Goal: renditions that an encoder sends are cut at the same times, whatever its clock does."""
    timeline = Timeline()

    def both(dts: int) -> tuple[int, int]:
        default = video(timeline, dts, 3000)
        further = timeline.place(VIDEO, packet(dts, 3000), VIDEO_TIMESCALE, 1)
        assert further is not None
        return default.pts, further.pts

    for dts in (0, 3000, 6000, 90_000_000, 90_003_000, 45_000_000, 44_960_000):
        default, further = both(dts)
        assert default == further
    timeline.resume({(VIDEO, number): (packet(5, 3000), VIDEO_TIMESCALE) for number in (0, 1)})
    default, further = both(5)
    assert default == further


@given(
    st.lists(
        st.tuples(st.sampled_from([VIDEO, AUDIO]), st.integers(0, 2**40), st.integers(-900, 9000)),
        max_size=60,
    )
)
def test_dts_always_grows_and_time_never_runs_away(
    events: list[tuple[MediaKind, int, int]],
) -> None:
    timeline = Timeline()
    last: dict[MediaKind, int] = {}
    for kind, dts, offset in events:
        timescale = VIDEO_TIMESCALE if kind is VIDEO else RATE
        placed = timeline.place(kind, packet(dts, offset), timescale)
        if placed is None:
            continue
        assert placed.pts >= placed.dts >= 0
        assert placed.dts > last.get(kind, -1)
        last[kind] = placed.dts
        assert placed.dts <= (11 + 1.2 * len(events)) * timescale
