"""What an encoder says about its tracks in `onMetaData`, as far as the tracks do not say it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

from config.limits import RTMP_AUDIO_TRACKS_MAX, RTMP_VIDEO_TRACKS_MAX
from media.languages import clean_label, language_tag
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
    for number, track in _by_number(fields, "videoTrackIdInfoMap", RTMP_VIDEO_TRACKS_MAX):
        rate = _frame_rate(track.get("framerate"))
        if rate[0]:
            rates[number] = rate
    return rates


@dataclass(frozen=True, slots=True)
class SoundNames:
    """What an encoder calls a track of sound; as `media.units.Track`."""

    language: str
    label: str


def sound_names(fields: Mapping[str, Value]) -> dict[int, SoundNames]:
    """Language and title by track number, as far as the encoder says them.

    Enhanced RTMP has a map for what is said of tracks (`audioTrackIdInfoMap`), but no names for
    these two: they are taken by those that Matroska and MP4 have.
    """
    names: dict[int, SoundNames] = {}
    for number, track in _by_number(fields, "audioTrackIdInfoMap", RTMP_AUDIO_TRACKS_MAX):
        language, title = track.get("language"), track.get("title")
        said = SoundNames(
            language_tag(language) if isinstance(language, str) else "",
            clean_label(title) if isinstance(title, str) else "",
        )
        if said.language or said.label:
            names[number] = said
    return names


def _by_number(
    fields: Mapping[str, Value], name: str, most: int
) -> Iterator[tuple[int, Mapping[str, Value]]]:
    """What is said of each track, by its number; of so many tracks at most."""
    for number, track in islice(fields_of(fields.get(name)).items(), most + 1):
        if number.isascii() and number.isdigit() and len(number) <= 3:
            yield int(number), fields_of(track)


def _frame_rate(rate: Value) -> tuple[int, int]:
    """(0, 1) for what is no frame rate."""
    if not isinstance(rate, float) or not 1 <= rate <= _FRAME_RATE_MAX:
        return 0, 1
    for whole in _NTSC_RATES:
        if abs(rate - whole * 1000 / 1001) < 0.01:
            return whole * 1000, 1001
    exact = Fraction(rate).limit_denominator(1000)
    return exact.numerator, exact.denominator
