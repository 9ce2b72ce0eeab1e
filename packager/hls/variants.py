"""Which renditions a viewer may choose from, and what the multivariant playlist says of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from media.units import MediaKind, Track
from packager.choices import CaptionRendition, audio_choices
from packager.hls.multivariant import Multivariant, Variant


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


def multivariant(
    renditions: Sequence[Measured], captions: Sequence[CaptionRendition] = ()
) -> Multivariant:
    """Video renditions by rate, each with the groups of sound and of captions.

    Without video the default sound is the variant, and all of them are its group if there are more.
    """
    video = [each for each in renditions if each.track.kind is MediaKind.VIDEO]
    audio = [each for each in renditions if each.track.kind is MediaKind.AUDIO]
    choices = audio_choices((each.name, each.track) for each in audio)
    shown = video or [each for each in audio if each.name == choices[0].name]
    grouped = audio if video or len(audio) > 1 else []
    return Multivariant(
        [_variant(each, grouped, captions) for each in _by_rate(shown)],
        choices if grouped else [],
        independent=all(each.independent for each in shown),
        captions=captions,
    )


def _by_rate(renditions: Sequence[Measured]) -> list[Measured]:
    """Lowest first: players that try the first entry first then start at once."""
    return sorted(renditions, key=lambda each: (each.peak, each.name))


def _variant(
    rendition: Measured, audio: Sequence[Measured], captions: Sequence[CaptionRendition]
) -> Variant:
    """Its rates are those with the heaviest sound; it names the codecs of all."""
    track = rendition.track
    beside = track.kind is MediaKind.VIDEO
    codecs = [track.codec, *(each.track.codec for each in audio)]
    return Variant(
        name=rendition.name,
        bandwidth=_together(rendition.peak, [each.peak for each in audio], beside=beside),
        average_bandwidth=_together(
            rendition.average, [each.average for each in audio], beside=beside
        ),
        codecs=list(dict.fromkeys(codecs)),
        width=track.width,
        height=track.height,
        frame_rate=track.frame_rate,
        with_audio=bool(audio),
        with_captions=bool(captions),
    )


def _together(rate: int, audio: Sequence[int], *, beside: bool) -> int:
    """Pictures are loaded beside the sound; sound that is chosen is one of the group."""
    heaviest = max(audio, default=0)
    return rate + heaviest if beside else max(rate, heaviest)
