from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from config.limits import HLS_AUDIO_BYTES_PENDING_MAX, HLS_AUDIO_FRAMES_PENDING_MAX
from media.units import Packet
from packager.hls.audio_cutter import AudioCutter
from packager.hls.boundaries import Boundaries
from packager.hls.bounds import LIVE, ON_DEMAND, Bounds
from packager.hls.cut import Cut
from packager.hls.irregularities import Irregularities, Irregularity

SECOND = 90_000
RATE = 48_000


def frame(index: int, start: int = 10 * RATE, size: int = 10) -> Packet:
    time = start + index * 1024
    return Packet(time, time, 1024, keyframe=True, data=bytes(size))


def all_cuts(cutter: AudioCutter, *, finishing: bool = False) -> list[Cut]:
    cuts = []
    while (cut := cutter.cut(finishing=finishing)) is not None:
        cuts.append(cut)
    return cuts


class Bench:
    def __init__(self, rate: int = RATE, bounds: Bounds = LIVE) -> None:
        self.boundaries = Boundaries(target_duration=3)
        self.boundaries.begin_epoch()
        self.seen = Irregularities()
        self.cutter = AudioCutter(self.boundaries, rate, self.seen, bounds)

    def boundary(self, seconds: int) -> None:
        self.boundaries.open(seconds * SECOND, 0)


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("ahead", [True, False])
def test_ten_minutes_stay_within_one_frame_of_the_boundaries(rate: int, ahead: bool) -> None:
    """Boundaries every 2.002 s (60 frames at 29.97), known before or after the audio comes."""
    bench = Bench(rate)
    step = 180_180
    starts = [10 * SECOND + index * step for index in range(300)]
    frames = [frame(index, start=10 * rate - 1024) for index in range(600 * rate // 1024)]
    cuts: list[Cut] = []
    position = 0
    for start in starts:
        if not ahead:
            bench.boundaries.open(start, 0)
        while position < len(frames) and frames[position].pts * SECOND < (start + step) * rate:
            bench.cutter.push(frames[position])
            cuts += all_cuts(bench.cutter)
            position += 1
        if ahead:
            bench.boundaries.open(start, 0)
            cuts += all_cuts(bench.cutter)
    assert len(cuts) >= 298
    for cut, start in zip(cuts, starts, strict=False):
        late = Fraction(cut.packets[0].pts, rate) - Fraction(start, SECOND)
        assert 0 <= late < Fraction(1024, rate)
    joined = [packet for cut in cuts for packet in cut.packets]
    assert joined == frames[1 : 1 + len(joined)]
    assert all(a.end_dts == b.packets[0].dts for a, b in pairwise(cuts))
    assert bench.seen.counts() == {Irregularity.BEFORE_BOUNDARY: 1}
    assert bench.seen.total == 0


def test_a_segment_is_cut_once_a_frame_beyond_it_is_there() -> None:
    bench = Bench()
    bench.boundary(10)
    bench.boundary(12)
    for index in range(94):
        bench.cutter.push(frame(index))
        assert bench.cutter.cut() is None
    bench.cutter.push(frame(94))
    cut = bench.cutter.cut()
    assert cut is not None
    assert (cut.sequence, len(cut.packets)) == (0, 94)


def test_an_interval_without_audio_is_left_out() -> None:
    bench = Bench()
    for second in (10, 12, 14, 16):
        bench.boundary(second)
    for index in range(2 * 47, 6 * 47 + 1):
        bench.cutter.push(frame(index))
    assert [cut.sequence for cut in all_cuts(bench.cutter)] == [1, 2]


def test_video_does_not_wait_for_ever_for_audio() -> None:
    bench = Bench()
    bench.boundary(10)
    bench.cutter.push(frame(0))
    for second in range(12, 23, 2):
        bench.boundary(second)
        assert bench.cutter.cut() is None
    bench.boundary(24)
    cut = bench.cutter.cut()
    assert cut is not None
    assert (cut.sequence, len(cut.packets), cut.end_dts) == (0, 1, 10 * RATE + 1024)
    bench.cutter.push(frame(1))
    bench.boundary(26)
    assert bench.cutter.cut() is None
    assert bench.seen.counts() == {Irregularity.OUTSIDE_SEGMENT: 1}


def test_missing_frames_belong_to_no_frame() -> None:
    """A frame lasts until the next one, unless there is a hole."""
    bench = Bench()
    bench.boundary(10)
    bench.boundary(12)
    for index in (0, 1, 5, 200):
        bench.cutter.push(frame(index))
    cut = bench.cutter.cut()
    assert cut is not None
    assert [packet.pts for packet in cut.packets] == [frame(index).pts for index in (0, 1, 5)]
    assert cut.end_dts == frame(5).pts + 1024


def test_a_frame_without_duration_lasts_as_aac_frames_do() -> None:
    bench = Bench()
    bench.boundary(10)
    bench.cutter.push(replace(frame(0), duration=0))
    assert bench.cutter.media_end() == (10 * RATE + 1024) * SECOND // RATE
    bench.boundaries.close(11 * SECOND)
    cut = bench.cutter.cut(finishing=True)
    assert cut is not None
    assert cut.end_dts == 10 * RATE + 1024


def test_frames_that_come_again_are_left_out() -> None:
    bench = Bench()
    for index in (0, 1, 0, 1, 2):
        bench.cutter.push(frame(index))
    bench.boundary(10)
    bench.boundaries.close(12 * SECOND)
    cut = bench.cutter.cut(finishing=True)
    assert cut is not None
    assert len(cut.packets) == 3
    assert bench.seen.counts() == {Irregularity.OUT_OF_ORDER: 2}


def test_audio_cannot_fill_memory_while_video_stands_still() -> None:
    bench = Bench()
    for index in range(HLS_AUDIO_FRAMES_PENDING_MAX + 5):
        bench.cutter.push(frame(index))
    assert bench.seen.counts() == {Irregularity.AUDIO_AHEAD: 5}
    bench = Bench()
    for index in range(5):
        bench.cutter.push(frame(index, size=HLS_AUDIO_BYTES_PENDING_MAX // 4))
    assert bench.seen.counts() == {Irregularity.AUDIO_AHEAD: 1}


def test_sound_of_a_file_is_waited_for_and_may_wait_for_its_pictures() -> None:
    """A slide show: the worker is minutes ahead with its sound. Or the other way around."""
    bench = Bench(bounds=ON_DEMAND)
    for index in range(HLS_AUDIO_FRAMES_PENDING_MAX + 5):
        bench.cutter.push(frame(index))
    assert bench.seen.counts() == {}
    bench = Bench(bounds=ON_DEMAND)
    for seconds in range(10, 100, 2):
        bench.boundary(seconds)
    assert bench.cutter.cut() is None
    for index in range(100):
        bench.cutter.push(frame(index))
    cut = bench.cutter.cut()
    assert cut is not None
    assert cut.sequence == 0


def test_nothing_ends_where_nothing_is() -> None:
    assert Bench().cutter.media_end() is None
