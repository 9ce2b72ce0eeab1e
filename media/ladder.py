"""Which renditions a source deserves."""

from dataclasses import dataclass
from itertools import pairwise

from media.units import Coding, Track
from media.wire.nal import (
    MalformedConfiguration,
    SequenceParameterSet,
    parse_avc_configuration,
    parse_sequence_parameter_set,
)


@dataclass(frozen=True, slots=True)
class Rung:
    """A rendition to encode.

    Attributes:
        bitrate_max: the encoder's ceiling in bits a second.
    """

    name: str
    width: int
    height: int
    bitrate_max: int


# Short side of the picture, and the bits a second that 30 frames a second of it need at most.
_STANDARD = ((1080, 5_000_000), (720, 2_800_000), (360, 800_000))
_TALLEST = _STANDARD[0][0]
_BITRATE_MIN = 100_000

# A rung above this share of the size above it is not worth its encoder.
_NEAR_NUMERATOR, _NEAR_DENOMINATOR = 85, 100

# Profiles that browsers play: Baseline, Main, High (ITU-T H.264, annex A.2).
_PLAYABLE_PROFILES = frozenset({66, 77, 100})
_CHROMA_420 = 1


def encoded_rungs(
    width: int, height: int, frame_rate: tuple[int, int], *, passed_through: bool
) -> tuple[Rung, ...]:
    """The rungs to encode, highest first; never larger than the source.

    Standard rungs go by the short side, so a portrait picture gets what a landscape one does. When
    the source itself is not passed through and no standard rung comes near it, its own size is the
    top rung.

    Args:
        width, height: the source's picture.
        frame_rate: frames a second as a fraction; (0, 1) when unknown.
        passed_through: the source's own packets are already a rendition.
    """
    short = min(width, height)
    if short <= 0:
        return ()
    sides = [side for side, _ in _STANDARD if side <= short]
    if passed_through:
        sides = [side for side in sides if not _near(side, short)]
    elif not sides or (short < _TALLEST and not _near(sides[0], short)):
        sides.insert(0, short)
    return tuple(_rung(side, width, height, frame_rate) for side in sides)


def why_not_passed_through(sequence: SequenceParameterSet) -> str | None:
    """What keeps players from showing the source as it is; None when nothing does."""
    if sequence.profile not in _PLAYABLE_PROFILES:
        return f"H.264 profile {sequence.profile} does not play everywhere"
    if sequence.chroma_format != _CHROMA_420 or sequence.bit_depth != 8:
        return "only 4:2:0 pictures of 8 bits play everywhere"
    return None


def why_track_is_not_passed_through(video: Track) -> str | None:
    """The same of a whole track, whose configuration may be of no use."""
    if video.coding is not Coding.H264:
        return f"{video.coding.label} does not play everywhere"
    try:
        configuration = parse_avc_configuration(video.extradata)
        sequence = parse_sequence_parameter_set(configuration.sequence_sets[0])
    except MalformedConfiguration as reason:
        return f"its configuration cannot be read: {reason}"
    return why_not_passed_through(sequence)


def bitrate_max(width: int, height: int, frame_rate: tuple[int, int]) -> int:
    """The ceiling of a rung of this size, in bits a second."""
    return _scale_by_frame_rate(_bitrate(min(width, height)), frame_rate)


def _near(side: int, short: int) -> bool:
    return side * _NEAR_DENOMINATOR > short * _NEAR_NUMERATOR


def _rung(side: int, width: int, height: int, frame_rate: tuple[int, int]) -> Rung:
    short = min(width, height)
    return Rung(
        name=f"{side}p",
        width=_even(width * side, short),
        height=_even(height * side, short),
        bitrate_max=_scale_by_frame_rate(_bitrate(side), frame_rate),
    )


def _even(numerator: int, denominator: int) -> int:
    """A fraction rounded down to an even number: 4:2:0 halves both sides."""
    return max(2, numerator // (2 * denominator) * 2)


def _bitrate(side: int) -> int:
    """Ceiling at 30 frames a second, on straight lines between the standard rungs."""
    if side >= _TALLEST:
        return _STANDARD[0][1]
    for (upper, upper_rate), (lower, lower_rate) in pairwise(_STANDARD):
        if side >= lower:
            return lower_rate + (upper_rate - lower_rate) * (side - lower) // (upper - lower)
    lowest, lowest_rate = _STANDARD[-1]
    return max(_BITRATE_MIN, lowest_rate * side // lowest)


def _scale_by_frame_rate(bitrate: int, frame_rate: tuple[int, int]) -> int:
    """Half as much again at 60 frames a second: neighbouring frames are more alike."""
    numerator, denominator = frame_rate
    if numerator <= 30 * denominator:
        return bitrate
    return bitrate * (numerator + 30 * denominator) // (60 * denominator)
