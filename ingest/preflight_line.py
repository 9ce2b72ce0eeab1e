"""How a publication arrives: its tracks' gauges together, and its clock against ours."""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from config.limits import PREFLIGHT_DRIFT_SAMPLES_MAX
from ingest.preflight_gauge import Gauge, Mark
from media.units import MediaKind

# Shorter than this, the speed of a publication says more about its first packets.
_SPEED_MS_MIN = 2_000
# Differences that make a drift: of a minute, in which one change of the network's delay is nothing.
_DIFFERENCES_MIN = 12
_MINUTE_MS = 60_000


class DriftGauge:
    """Compares a publisher's clock with ours by its most punctual packets of every few seconds.

    A network that becomes slower or faster once changes one difference of many, so the outer ones
    are left out and the others averaged.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=PREFLIGHT_DRIFT_SAMPLES_MAX)

    def add(self, now_ms: int, delay_ms: int) -> None:
        """`delay_ms`: arrival time less media time, whose zero point means nothing."""
        self._samples.append((now_ms, delay_ms))

    def start_again(self) -> None:
        """The publisher's clock jumped: what was before says nothing about what comes."""
        self._samples.clear()

    def per_minute(self) -> int | None:
        """Milliseconds by which the publisher's clock gains in a minute; None too early."""
        slopes = sorted(
            (before - after) * _MINUTE_MS // (later_ms - earlier_ms)
            for (earlier_ms, before), (later_ms, after) in pairwise(self._samples)
        )
        if len(slopes) < _DIFFERENCES_MIN:
            return None
        outer = len(slopes) // 4
        middle = slopes[outer : len(slopes) - outer]
        return sum(middle) // len(middle)


def punctual_delay_ms(gauge: Gauge, marks_max: int) -> int | None:
    """Arrival time less media time of the most punctual packet of the last marks."""
    marks = list(gauge.marks)[-marks_max:]
    return min((mark.delay_ms for mark in marks), default=None)


def bitrate(gauges: Sequence[Gauge]) -> int:
    """Bits a second of all of them together, as they arrive."""
    return sum(_bitrate(gauge.marks[0], gauge.marks[-1]) for gauge in gauges if gauge.marks)


def _bitrate(first: Mark, last: Mark) -> int:
    span_ms = last.at_ms - first.at_ms
    return (last.bytes - first.bytes) * 8000 // span_ms if span_ms > 0 else 0


def speed_percent(gauge: Gauge) -> int | None:
    """Media time by arrival time of a track of which something has come; None too early."""
    first, last = gauge.marks[0], gauge.marks[-1]
    arrival_ms = last.at_ms - first.at_ms
    if arrival_ms < _SPEED_MS_MIN:
        return None
    return ((last.media_ms - first.media_ms) * 100 + arrival_ms // 2) // arrival_ms


def burst_ms(gauge: Gauge) -> int:
    """How much later than the most punctual packet the latest one came."""
    delays_ms = [mark.delay_ms for mark in gauge.marks]
    return max(delays_ms) - min(delays_ms)


def lateness_ms(gauges: Sequence[Gauge]) -> int | None:
    """How much later sound comes than the picture that belongs to it; None without one of them."""
    delays: dict[MediaKind, int] = {}
    for gauge in gauges:
        delay_ms = punctual_delay_ms(gauge, len(gauge.marks))
        if delay_ms is not None:
            delays.setdefault(gauge.track.kind, delay_ms)
    if len(delays) < len(MediaKind):
        return None
    return delays[MediaKind.AUDIO] - delays[MediaKind.VIDEO]
