"""The demo's sound: a soft chord that swells and fades, without a seam."""

from array import array
from math import pi, sin

SAMPLE_RATE = 48_000
BEAT_SECONDS = 2
"""The sound repeats after this."""

# A just major chord on A3; all are multiples of 55 Hz, so a beat holds whole waves.
_CHORD_HZ = (220, 275, 330)
_WAVE_SAMPLES = 9_600  # 11 waves of 55 Hz
_LOUDNESS = 0.04  # each note; together -18 dB below full scale at the loudest


def beat() -> array[float]:
    """One beat of mono samples between -1 and 1."""
    step = 2 * pi / SAMPLE_RATE
    wave = [
        _LOUDNESS * sum(sin(step * hertz * sample) for hertz in _CHORD_HZ)
        for sample in range(_WAVE_SAMPLES)
    ]
    length = BEAT_SECONDS * SAMPLE_RATE
    return array(
        "f",
        (wave[n % _WAVE_SAMPLES] * (0.6 - 0.4 * sin(2 * pi * n / length)) for n in range(length)),
    )
