import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from media.units import MediaKind, Track
from packager.hls.part_target import cut_limit, part_target

SECOND = 90_000


def video(frames: int, seconds: int = 1) -> Track:
    return Track(MediaKind.VIDEO, "avc1.64001f", SECOND, b"", frame_rate=(frames, seconds))


def audio(rate: int) -> Track:
    return Track(MediaKind.AUDIO, "mp4a.40.2", rate, b"", channels=2, sample_rate=rate)


@pytest.mark.parametrize(
    ("track", "pictures", "target_ms"),
    [
        (video(25), 5, 210),
        (video(30), 6, 210),
        (video(30_000, 1001), 6, 211),
        (video(24_000, 1001), 4, 177),
        (video(60), 12, 210),
        (video(120), 24, 210),
        (video(3), 1, 344),
        (video(1, 100), 1, 3000),
    ],
)
def test_a_part_is_whole_pictures_and_a_margin(track: Track, pictures: int, target_ms: int) -> None:
    target = part_target([track, audio(48_000)], 200, target_duration=3)
    assert target == target_ms * 90
    frames, seconds = track.frame_rate
    if target_ms < 3000:
        media = pictures * SECOND * seconds / frames
        assert 0.85 * target <= media <= cut_limit(target)
        assert media + SECOND * seconds / frames > cut_limit(target)


def test_without_a_rate_it_is_what_was_wished_and_without_pictures_whole_frames_of_sound() -> None:
    assert part_target([video(0)], 200, 3) == 210 * 90
    assert part_target([audio(48_000)], 200, 3) == 202 * 90
    assert part_target([audio(8000)], 200, 3) == 138 * 90


@example(24, 22_050, 207)
@given(
    st.sampled_from([24, 25, 30, 50, 60]),
    st.sampled_from([8000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000]),
    st.integers(100, 1000),
)
def test_frames_of_sound_fill_it_as_well(frames: int, rate: int, wished_ms: int) -> None:
    target = part_target([video(frames), audio(rate)], wished_ms, 3)
    assert target % 90 == 0
    frame = 1024 * SECOND / rate
    assert target // frame * frame >= 0.85 * target
