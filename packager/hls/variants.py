"""Which renditions a viewer may choose from, and what the multivariant playlist says of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.units import MediaKind, Track
from packager.hls.playlist import AudioRendition, Multivariant, Variant


@dataclass(frozen=True, slots=True)
class Measured:
    """A rendition and its rates in bits a second.

    Attributes:
        peak: what a player must be able to load; the declared ceiling while live, if that is more.
        independent: every segment so far starts with a keyframe.
    """

    name: str
    track: Track
    peak: int
    average: int
    independent: bool


def multivariant(renditions: Sequence[Measured]) -> Multivariant:
    """Video renditions by rate, each with the audio group; audio alone when there is no video."""
    video = [each for each in renditions if each.track.kind is MediaKind.VIDEO]
    audio = [each for each in renditions if each.track.kind is MediaKind.AUDIO]
    if not video:
        return Multivariant([_variant(each, []) for each in _by_rate(audio)], [], independent=True)
    return Multivariant(
        [_variant(each, audio) for each in _by_rate(video)],
        [AudioRendition(each.name, each.track.channels) for each in audio],
        independent=all(each.independent for each in video),
    )


def _by_rate(renditions: Sequence[Measured]) -> list[Measured]:
    """Lowest first: players that try the first entry first then start at once."""
    return sorted(renditions, key=lambda each: (each.peak, each.name))


def _variant(rendition: Measured, audio: Sequence[Measured]) -> Variant:
    track = rendition.track
    codecs = [track.codec, *(each.track.codec for each in audio)]
    return Variant(
        name=rendition.name,
        bandwidth=rendition.peak + max((each.peak for each in audio), default=0),
        average_bandwidth=rendition.average + max((each.average for each in audio), default=0),
        codecs=list(dict.fromkeys(codecs)),
        width=track.width,
        height=track.height,
        frame_rate=track.frame_rate,
        with_audio=bool(audio),
    )
