"""Sound keeps its time, whatever is missing of it."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest

from media.transcode.av_sound import EvenSound, SoundEncoder
from media.units import VIDEO_TIMESCALE

RATE = 48_000
START = 10 * RATE
BLOCK = 960
FRAME = 1024
TEN_MS = RATE // 100
"""Half of what is allowed; an encoder may be heard a little before its sound."""


def block(at: int, rate: int = RATE, layout: str = "stereo") -> av.AudioFrame:
    """20 ms of a tone, beginning with a sample of the timeline at 48 kHz."""
    count = BLOCK * rate // RATE
    tone = 0.4 * np.sin(2 * np.pi * 1_000 * np.arange(count) / rate)
    channels = {"stereo": 2, "mono": 1}[layout]
    frame = av.AudioFrame.from_ndarray(
        np.tile(tone.astype(np.float32), (channels, 1)), format="fltp", layout=layout
    )
    frame.sample_rate = rate
    return frame


def evened(blocks: list[tuple[int, av.AudioFrame]]) -> list["av.Packet[Any]"]:
    """What is made of blocks at their times, in samples from the first one."""
    made: list[av.Packet[Any]] = []
    encoder = SoundEncoder(RATE, 2, 128_000)
    sound = EvenSound(encoder, made.append, START, follow_ms=20, silence_max=2 * VIDEO_TIMESCALE)
    for at, frame in blocks:
        sound.take(frame, (START + at) * VIDEO_TIMESCALE // RATE)
    sound.finish()
    return made


def loud_from(packets: "list[av.Packet[Any]]", after: int) -> int:
    """The first loud sample after a time, in samples from the first block's first."""
    encoder = SoundEncoder(RATE, 2, 128_000)
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = encoder.configuration()
    decoder.pkt_timebase = Fraction(1, RATE)
    for packet in packets:
        for frame in decoder.decode(packet):
            assert frame.pts is not None
            loud = np.nonzero(np.abs(frame.to_ndarray()[0]) > 0.05)[0]
            first = [
                frame.pts - START + int(one) for one in loud if frame.pts - START + one > after
            ]
            if first:
                return first[0]
    raise AssertionError("nothing is heard")


@pytest.mark.parametrize("hole_ms", [40, 300, 1_500])
def test_a_hole_is_silence_and_what_follows_keeps_its_time(hole_ms: int) -> None:
    hole = hole_ms * RATE // 1000
    blocks = [(n * BLOCK + (hole if n >= 50 else 0), block(n)) for n in range(100)]
    made = evened(blocks)
    times = [one.pts for one in made if one.pts is not None]
    assert {later - earlier for earlier, later in pairwise(times)} == {FRAME}
    resumed = 50 * BLOCK + hole
    assert abs(loud_from(made, resumed - hole // 2) - resumed) < TEN_MS


def test_after_a_long_hole_samples_are_counted_anew() -> None:
    hole = 60 * RATE
    made = evened([(n * BLOCK + (hole if n >= 50 else 0), block(n)) for n in range(100)])
    times = [one.pts for one in made if one.pts is not None]
    steps = [later - earlier for earlier, later in pairwise(times)]
    assert len([one for one in steps if one != FRAME]) == 1
    assert max(steps) > 59 * RATE
    assert abs(loud_from(made, 30 * RATE) - 50 * BLOCK - hole) < TEN_MS


def test_sound_that_comes_again_is_left_out() -> None:
    blocks = [(n * BLOCK, block(n)) for n in (0, 1, 2, 1, 2, 3, 4)]
    made = evened(blocks)
    # Five blocks fill five frames, and the encoder has one of priming.
    assert len(made) == 5 + 1


def test_other_sample_rates_and_layouts_may_follow_at_any_time() -> None:
    rates = [(RATE, "stereo")] * 25 + [(32_000, "mono")] * 25 + [(RATE, "stereo")] * 25
    made = evened([(n * BLOCK, block(n, *how)) for n, how in enumerate(rates)])
    times = [one.pts for one in made if one.pts is not None]
    assert {later - earlier for earlier, later in pairwise(times)} == {FRAME}
    assert abs(times[-1] + FRAME - START - 75 * BLOCK) < 3 * FRAME
