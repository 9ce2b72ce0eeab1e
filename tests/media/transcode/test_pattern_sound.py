"""The demo's sound is soft and repeats without a seam."""

from itertools import pairwise

from media.transcode.pattern_sound import BEAT_SECONDS, SAMPLE_RATE, beat


def test_a_beat_is_a_whole_number_of_samples_and_soft() -> None:
    samples = beat()
    assert len(samples) == BEAT_SECONDS * SAMPLE_RATE
    assert 0.02 < max(samples) < 0.15
    assert abs(sum(samples)) / len(samples) < 0.001


def test_the_end_meets_the_beginning() -> None:
    samples = beat()
    steps = [abs(later - earlier) for earlier, later in pairwise(samples)]
    assert abs(samples[0] - samples[-1]) <= max(steps)
