"""What an encoder says about its tracks in `onMetaData`, as far as the tracks do not say it."""

from collections.abc import Mapping
from fractions import Fraction

from config.limits import RTMP_VIDEO_TRACKS_MAX
from media.wire.amf0 import Value, fields_of

_FRAME_RATE_MAX = 300
# Encoders round these rates to two or three digits; they are so many frames in 1001/1000 seconds.
_NTSC_RATES = (24, 30, 60, 120)


def frame_rates(fields: Mapping[str, Value]) -> dict[int, tuple[int, int]]:
    """Frames a second by track number, as (numerator, denominator).

    0 is the default track and what counts for tracks that are not named, of which Enhanced RTMP
    lists only what differs (`videoTrackIdInfoMap`).
    """
    rates = {0: _frame_rate(fields.get("framerate"))}
    for name, track in fields_of(fields.get("videoTrackIdInfoMap")).items():
        if len(rates) > RTMP_VIDEO_TRACKS_MAX:
            break
        rate = _frame_rate(fields_of(track).get("framerate"))
        if name.isascii() and name.isdigit() and len(name) <= 3 and rate[0]:
            rates[int(name)] = rate
    return rates


def _frame_rate(rate: Value) -> tuple[int, int]:
    """(0, 1) for what is no frame rate."""
    if not isinstance(rate, float) or not 1 <= rate <= _FRAME_RATE_MAX:
        return 0, 1
    for whole in _NTSC_RATES:
        if abs(rate - whole * 1000 / 1001) < 0.01:
            return whole * 1000, 1001
    exact = Fraction(rate).limit_denominator(1000)
    return exact.numerator, exact.denominator
